"""Says how long a run should take: what runs like it have taken, which bounds nothing.

The allowances of ``planning.costs`` are what is counted and paid for at most; these are times that
were measured on one processor of 2026, rounded up. What waits in a queue is not among them.
"""

from __future__ import annotations

from quantum_pipeline.chemistry.basis import n_orbitals
from quantum_pipeline.chemistry.excitations import n_excitations
from quantum_pipeline.devices.catalogue import Device
from quantum_pipeline.planning.blocks import levels
from quantum_pipeline.planning.plan import Plan
from quantum_pipeline.planning.runtimes import n_states
from quantum_pipeline.planning.tables import MEASURED, SettledClassifier, counted_seconds
from quantum_pipeline.problems import BinaryProblem, Chemistry, Classification
from quantum_pipeline.requests.algorithm import (
    SHOT_OPTIMIZERS,
    SettledCut,
    SettledDivide,
    SettledQaoa,
)
from quantum_pipeline.requests.request import ResolvedRequest

JOB_SECONDS = {"local": 1.0, "simulator": 6.0, "qpu": 9.0}
"""From the start of a job's process to its end, beside what it computes: loading, compiling."""

SECONDS_PER_EVALUATION = 2e-3
SECONDS_PER_AMPLITUDE_AND_LAYER = 1.5e-8
SECONDS_PER_AMPLITUDE_SAMPLED = 1.2e-7
"""Of one energy with its gradient; and of its shots, where it is estimated from them."""

EVALUATIONS_A_START = 15
"""That an optimiser with gradients takes at one depth."""

GROWN = (60, 3.0)
"""Evaluations that further depths take where it grows, and the layers of them all on average."""

BLOCK_SECONDS = (3e-4, 2e-8, 5e-9)
"""Of a block of divide: always, per amplitude, and per amplitude, layer and evaluation."""

USUAL_ROUNDS = 240
"""Of divide on exact states, of which 210 have gained nothing, if there may be so many."""

WAYS = 2.5
"""Times as long as its rounds take, for all ways that they are compared with as well."""

SECONDS_PER_COUPLING = 2e-4
SECONDS_PER_VARIABLE, CLASSICAL_SECONDS = 5e-3, 20.0
"""Of divide: to find communities; and for the classical answer, at most so many."""

LEARNING_SECONDS = 2.0
"""Of a job that classifies, to load scikit-learn."""

SECONDS_PER_ORBITAL_4 = 1e-4
SECONDS_PER_EXCITATION = 1e-5
SECONDS_PER_DETERMINANT = 1e-8
EVALUATIONS_A_GEOMETRY = 60
"""Of a geometry: its integrals, and an excitation of one energy with its gradient."""


def expected_seconds(request: ResolvedRequest, device: Device, plan: Plan) -> float | None:
    """Return the seconds that the job of a run should take; None where no figure is known.

    They are those of the job itself: neither the start of its instance nor any queue is in them.
    """
    problem, algorithm = request.problem, request.algorithm
    if isinstance(problem, Chemistry):
        computing = _molecule(problem, algorithm.max_evaluations)
    elif isinstance(problem, Classification) and isinstance(algorithm, SettledClassifier):
        computing = LEARNING_SECONDS + counted_seconds(problem, algorithm, MEASURED)
    elif isinstance(problem, BinaryProblem) and isinstance(algorithm, SettledDivide):
        computing = _divide(problem.n_qubits, problem.n_terms, algorithm)
    elif not isinstance(algorithm, SettledQaoa) or isinstance(algorithm, SettledCut):
        return None
    elif algorithm.train_on == "device":
        computing = 0.0
    else:
        computing = _qaoa(algorithm, n_states(request))
    return JOB_SECONDS[device.kind] + computing + plan.seconds


def _qaoa(algorithm: SettledQaoa, states: int) -> float:
    evaluations, layers = EVALUATIONS_A_START * algorithm.starts, float(algorithm.deepest)
    if algorithm.depth == "auto":
        evaluations, layers = GROWN[0] + evaluations, min(GROWN[1], layers)
    each = SECONDS_PER_EVALUATION + layers * states * SECONDS_PER_AMPLITUDE_AND_LAYER
    if algorithm.optimizer in SHOT_OPTIMIZERS:
        evaluations = algorithm.max_evaluations
        each += states * SECONDS_PER_AMPLITUDE_SAMPLED
    elif algorithm.optimizer == "none":
        evaluations = 1
    return min(evaluations, algorithm.max_evaluations) * each


def _divide(n: int, terms: int, algorithm: SettledDivide) -> float:
    """Return the seconds for all ways; of blocks on devices those that solve them here instead."""
    always, listed, layered = BLOCK_SECONDS
    layers = algorithm.depth * algorithm.max_evaluations
    each = always + 2.0**algorithm.block_size * (listed + layers * layered)
    blocks = levels(n, algorithm.block_size)[0] * (1 + min(USUAL_ROUNDS, algorithm.max_rounds))
    classical = min(CLASSICAL_SECONDS, n * SECONDS_PER_VARIABLE)
    return WAYS * blocks * each + terms * SECONDS_PER_COUPLING + classical


def _molecule(problem: Chemistry, most: int) -> float:
    sector, lengths = problem.sector, problem.lengths
    orbitals = 0  # integrals that are given are not computed
    if problem.basis is not None:
        orbitals = n_orbitals(problem.geometry_at(lengths[0]), problem.basis)
    excitation = SECONDS_PER_EXCITATION + sector.dimension * SECONDS_PER_DETERMINANT
    evaluations = min(most, len(lengths) * EVALUATIONS_A_GEOMETRY)
    return (
        len(lengths) * SECONDS_PER_ORBITAL_4 * orbitals**4
        + evaluations * n_excitations(sector) * excitation
    )
