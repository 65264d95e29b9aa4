"""Verifies the result of a run on a form: what can be recomputed is, and stands in its place.

    always                bitstrings and their groups, what is best of the shots, their objectives
    up to RECOMPUTED      the weight of violations, the optimum; from the angles the state, hence
      states              all exact figures, and the mean or tail that was minimised

Beyond, the exact figures are held to each other and to the shots, and what is called an optimum to
what was found. ``reports.jobs_word`` says what that leaves.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.problems import FormProblem
from quantum_pipeline.requests.algorithm import SettledQaoa
from quantum_pipeline.results.base import check_equal, check_near, check_within
from quantum_pipeline.results.constrained import (
    ConstrainedResult,
    ConstrainedSolution,
    FeasibleFigures,
    Penalty,
)
from quantum_pipeline.results.device_checks import check_device_run, check_shots
from quantum_pipeline.results.optimisation_checks import (
    check_bitstring,
    check_course,
    check_layers,
)
from quantum_pipeline.results.optimisation_figures import NEVER, divergence
from quantum_pipeline.spaces import Form
from quantum_pipeline.spaces.landscape import Landscape
from quantum_pipeline.spaces.statevector import circuit_of
from quantum_pipeline.wording import refusal

Real = NDArray[np.float64]

RECOMPUTED = 2**20
"""States of which all are listed: 0.1 to 0.5 s a layer, and 200 MB."""

OBJECTIVES = {"mean", "best", "worst", "blind_mean"}
"""Figures that are objectives; the others are counts and probabilities."""

ROUNDING = 1e-9
"""Of energies in parts of their range, and of probabilities."""


def is_recomputed(form: Form) -> bool:
    """Return whether a form has so few states that all of them are looked at again."""
    return form.space.n_states <= RECOMPUTED


def verify(
    result: ConstrainedResult,
    prepared: PreparedRun,
    problem: FormProblem,
    algorithm: SettledQaoa,
) -> ConstrainedResult:
    """Return the result with what was recomputed in place of what was claimed.

    Raises:
        InvalidResult: names the figure, the claim and the recomputed value.
    """
    form = problem.form
    check_equal("run_id", result.run_id, prepared.run_id)
    check_equal("mixer", result.mixer, algorithm.mixer)
    check_layers(result, algorithm)
    check_device_run(result, prepared, n_qubits=form.space.n_bits, counted=0)
    check_shots(result, sum(result.counts.values()), prepared)
    for bitstring in result.counts:
        check_state("counts", bitstring, form)
    found: dict[str, Any] = _best_of_counts(result, form)
    found["classical"] = classical = _verified_classical(result.classical, form)
    _check_rival(result, classical, form)
    check_course(result, algorithm)
    check_equal("figures.n_states", result.figures.n_states, form.space.n_states)
    if is_recomputed(form):
        found |= _recomputed(result, classical, form, algorithm)
    else:
        _check_figures(result, classical, form)
        _check_penalty(result, form, algorithm)
    return result.model_copy(update=found)


def check_state(name: str, bitstring: str, form: Form) -> None:
    """Hold a bitstring to the rules of a form's groups.

    Raises:
        InvalidResult: names the bitstring.
    """
    check_bitstring(name, bitstring, form.space.n_bits)
    if not form.space.holds(_bits(bitstring)):
        raise InvalidResult(refusal(name, bitstring, "what keeps the rules of all groups"))


def _bits(bitstring: str) -> list[int]:
    return [int(bit) for bit in bitstring]


def _best_of_counts(result: ConstrainedResult, form: Form) -> dict[str, Any]:
    """Return the best feasible one of the shots, of equals the first, and its objective."""
    counted = np.array(list(result.counts))
    rows = np.array([_bits(each) for each in counted], dtype=np.int8)
    feasible = form.kept(rows)
    if not feasible.any():
        check_equal("best_bitstring", result.best_bitstring, None)
        check_equal("best_objective", result.best_objective, None)
        return {}
    best = str(counted[feasible][form.objective.numerators(rows[feasible]).argmin()])
    check_equal("best_bitstring", result.best_bitstring, best)
    objective = form.objective.at(best)
    check_equal("best_objective", result.best_objective, objective)
    return {"best_objective": objective}


def _verified_classical(classical: ConstrainedSolution, form: Form) -> ConstrainedSolution:
    """Return the classical answer with the objective of its bitstring: it claims to be best."""
    bitstring = classical.bitstring
    check_equal("classical.proven", classical.proven, True)
    if bitstring is None:
        raise InvalidResult(refusal("classical.bitstring", bitstring, "a feasible bitstring"))
    check_state("classical.bitstring", bitstring, form)
    if not form.feasible(_bits(bitstring)):
        allowed = "what keeps all constraints"
        raise InvalidResult(refusal("classical.bitstring", bitstring, allowed))
    objective = form.objective.at(bitstring)
    check_equal("classical.objective", classical.objective, objective)
    return classical


def _check_rival(result: ConstrainedResult, classical: ConstrainedSolution, form: Form) -> None:
    """Hold a proof to what the shots found."""
    rival, found = classical.bitstring, result.best_bitstring
    if not classical.proven or rival is None or found is None:
        return
    if form.objective.value(_bits(found)) < form.objective.value(_bits(rival)):
        raise InvalidResult(
            refusal("classical.bitstring", rival, f"no proof, for {found} is lower")
        )


def _recomputed(
    result: ConstrainedResult, classical: ConstrainedSolution, form: Form, algorithm: SettledQaoa
) -> dict[str, Any]:
    """Return the figures that looking at all states gives, after holding the claims to them."""
    landscape = Landscape.of(form)
    if not landscape.feasible.any():
        raise InvalidResult(refusal("figures.n_feasible", result.figures.n_feasible, "0"))
    weighing = landscape.weighing(algorithm.penalty)
    penalty = Penalty.of(weighing, form, algorithm.penalty)
    check_equal("penalty.chosen", result.penalty.chosen, penalty.chosen)
    check_equal("penalty.ceiling given", result.penalty.ceiling is None, penalty.ceiling is None)
    for name in ("weight", "least", "ceiling"):
        claimed, value = getattr(result.penalty, name), getattr(penalty, name)
        if claimed is not None and value is not None:
            check_near(f"penalty.{name}", claimed, value, ROUNDING * abs(value))
    energies = landscape.energies(weighing)
    angles = np.array([result.gammas, result.betas])
    circuit = circuit_of(form.space, energies, mixer=result.mixer)
    probabilities = circuit.probabilities(angles)
    figures = FeasibleFigures.of(landscape, probabilities)
    blur = _blur(energies, angles, form)
    scale = float(max(np.abs(energies).max(), np.abs(landscape.objective).max()))
    scale += abs(form.objective.constant)
    for name, value in figures:
        size = scale if name in OBJECTIVES else 1.0
        check_near(f"figures.{name}", getattr(result.figures, name), value, blur * size)
    mean = form.objective.constant + float(energies @ probabilities) / float(probabilities.sum())
    check_near("mean_energy", result.mean_energy, mean, blur * scale)
    alpha = algorithm.cvar_alpha or 1.0
    trained = form.objective.constant + circuit.tail(probabilities, alpha)
    lowest = min(each.energy for each in result.history)
    check_near("lowest of history", lowest, trained, blur * scale / alpha)
    if classical.proven and classical.bitstring is not None:
        [best] = form.space.bits(landscape.best[:1]).tolist()
        optimum = form.objective.value(best)
        if form.objective.value(_bits(classical.bitstring)) != optimum:
            allowed = f"an optimum, of {float(optimum)}"
            raise InvalidResult(refusal("classical.bitstring", classical.bitstring, allowed))
    return {"penalty": penalty, "figures": figures, "mean_energy": mean}


def _blur(energies: Real, angles: Real, form: Form) -> float:
    """Return how far probabilities may differ: a phase has the rounding of its angle's size."""
    gammas, betas = map(float, np.abs(angles).sum(axis=1))
    phase = gammas * float(np.abs(energies).max()) + betas * len(form.space.groups)
    return ROUNDING + 8 * float(np.finfo(np.float64).eps) * phase * form.space.n_bits


def _check_figures(result: ConstrainedResult, classical: ConstrainedSolution, form: Form) -> None:
    """Hold figures of too many states to each other, to the shots, and to what was found."""
    figures, shots = result.figures, sum(result.counts.values())
    if figures.n_feasible > figures.n_states:
        raise InvalidResult(refusal("figures.n_feasible", figures.n_feasible, "up to n_states"))
    near = ROUNDING * max(1.0, abs(figures.best), abs(figures.worst))
    check_within("figures.mean", [figures.mean], figures.best, figures.worst, near)
    check_within("figures.blind_mean", [figures.blind_mean], figures.best, figures.worst, near)
    least = 1 / figures.n_feasible
    blind = [figures.blind_probability_of_best]
    check_within("figures.blind_probability_of_best", blind, least, 1.0, ROUNDING)
    for name, answer in (("best", result.best_bitstring), ("classical", classical.bitstring)):
        if answer is not None:
            found = [form.objective.at(answer)]
            check_within(f"objective of {name}", found, figures.best, figures.worst, near)
    if classical.proven and classical.objective is not None:
        check_near("figures.best", figures.best, classical.objective, near)
    feasible = {each: n for each, n in result.counts.items() if form.feasible(_bits(each))}
    best = sum(n for each, n in feasible.items() if form.objective.at(each) <= figures.best + near)
    _check_probability("figures.share", figures.share, sum(feasible.values()), shots)
    _check_probability("figures.probability_of_best", figures.probability_of_best, best, shots)


def _check_probability(name: str, claimed: float, seen: int, shots: int) -> None:
    """Hold a probability to sampling error of the shots. Source: Chernoff's bound."""
    if shots * divergence(seen / shots, claimed) > NEVER:
        raise InvalidResult(refusal(name, claimed, f"what {seen} of {shots} shots may come of"))


def _check_penalty(result: ConstrainedResult, form: Form, algorithm: SettledQaoa) -> None:
    penalty = result.penalty
    chosen = "by enumeration" if algorithm.penalty is None else "as asked"
    check_equal(
        "penalty.chosen", penalty.chosen, chosen if form.constraints else "no constraint left"
    )
    if algorithm.penalty is not None:
        check_equal("penalty.weight", penalty.weight, algorithm.penalty)
    elif penalty.weight < penalty.least or (form.constraints and not penalty.weight):
        raise InvalidResult(refusal("penalty.weight", penalty.weight, f"{penalty.least} or more"))
    if penalty.ceiling is not None and penalty.ceiling < result.figures.worst:
        allowed = f"{result.figures.worst} or more, what the worst feasible state has"
        raise InvalidResult(refusal("penalty.ceiling", penalty.ceiling, allowed))
