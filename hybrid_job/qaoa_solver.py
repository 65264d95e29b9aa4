"""What the job does with a prepared run: baseline, angles, shots, and the result made of them."""

from __future__ import annotations

import itertools
import math
import platform
import time

import numpy as np
import scipy
from numpy.typing import NDArray

import quantum_pipeline
from hybrid_job import classical, optimiser, sampling
from hybrid_job.journal import Journal
from hybrid_job.metrics import log_metric
from hybrid_job.optimiser import Evaluate, Optimum
from hybrid_job.sampling import Samples
from hybrid_job.statevector import Qaoa
from quantum_pipeline.algorithms import SettledQaoa
from quantum_pipeline.ising import all_energies
from quantum_pipeline.results import (
    ClassicalSolution,
    Evaluation,
    JobSeconds,
    OptimisationResult,
    QuantumTask,
)
from quantum_pipeline.runs import PreparedRun

Real = NDArray[np.float64]


def solve(prepared: PreparedRun, journal: Journal, started: float) -> OptimisationResult:
    """Return the result of a run: the classical baseline, then optimised angles, then shots.

    ``started`` is the time of ``time.monotonic`` from which limits.max_runtime_seconds counts.
    """
    model, shots = prepared.ising, prepared.request.shots
    times = [time.monotonic()]
    # Without the offset, of which a large one would cost the phases their digits.
    spectrum = all_energies(model.model_copy(update={"offset": 0.0}))
    baseline = _baseline(prepared, spectrum, time.monotonic() - times[0])
    times.append(time.monotonic())
    qaoa = Qaoa(spectrum)
    optimum = _optimise(prepared, qaoa, journal, started)
    times.append(time.monotonic())
    samples, tasks = _sample(prepared, qaoa, journal, optimum.angles, started)
    best_bitstring, best_energy = samples.best(model)
    times.append(time.monotonic())
    classical_seconds, optimise_seconds, sample_seconds = np.diff(times).tolist()
    return OptimisationResult(
        run_id=prepared.run_id,
        algorithm="qaoa",
        engine="exact state",
        start="linear ramp",
        gammas=tuple(optimum.angles[0].tolist()),
        betas=tuple(optimum.angles[1].tolist()),
        history=tuple(
            Evaluation(evaluation=number, start=start, energy=model.offset + energy)
            for number, (start, energy) in enumerate(optimum.history, 1)
        ),
        converged=optimum.converged,
        stop_reason=optimum.stop_reason,
        counts=samples.counts,
        best_bitstring=best_bitstring,
        best_energy=best_energy,
        mean_energy=samples.mean_energy,
        mean_energy_exact=samples.exact,
        standard_error=samples.deviation / math.sqrt(shots),
        probability_of_best=samples.probability_of_best,
        classical=baseline,
        tasks=tasks,
        seconds=JobSeconds(
            optimise=optimise_seconds,
            sample=sample_seconds,
            classical=classical_seconds,
            total=time.monotonic() - started,
        ),
        versions={
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "quantum-pipeline": quantum_pipeline.__version__,
        },
    )


def _baseline(prepared: PreparedRun, spectrum: Real, seconds: float) -> ClassicalSolution:
    if prepared.ising.n_variables <= classical.ENUMERATED:
        return classical.enumerate_all(prepared.ising, spectrum, seconds)
    return classical.anneal(prepared.ising, _chance(prepared, "anneal"))


def _optimise(prepared: PreparedRun, qaoa: Qaoa, journal: Journal, started: float) -> Optimum:
    algorithm, model = prepared.request.algorithm, prepared.ising
    assert isinstance(algorithm, SettledQaoa)
    evaluate = _journalled(qaoa, journal, model.offset)
    given = None
    if algorithm.gammas is not None and algorithm.betas is not None:
        given = np.array([algorithm.gammas, algorithm.betas])
        if algorithm.optimizer == "none":
            energy, _ = evaluate(given)
            return Optimum(given, energy, [(1, energy)], stop_reason="evaluated as given")
    unit = optimiser.typical_field(model)
    starts = (
        [given]
        if given is not None
        else optimiser.starting_points(
            algorithm.deepest, algorithm.starts, unit, _chance(prepared, "starts")
        )
    )
    return optimiser.minimise(
        evaluate,
        starts,
        unit=unit,
        max_evaluations=algorithm.max_evaluations,
        deadline=started + _seconds(prepared, reserved=1.0),
    )


def _journalled(qaoa: Qaoa, journal: Journal, offset: float) -> Evaluate:
    numbers = itertools.count(1)

    def evaluate(angles: Real) -> tuple[float, Real]:
        found = journal.evaluation(angles)
        if found is None:
            found = qaoa.energy_and_gradient(angles)
            journal.record_evaluation(angles, *found)
        log_metric("energy", offset + found[0], next(numbers))
        return found

    return evaluate


def _sample(
    prepared: PreparedRun, qaoa: Qaoa, journal: Journal, angles: Real, started: float
) -> tuple[Samples, tuple[QuantumTask, ...]]:
    if prepared.device.kind == "local":
        chance = _chance(prepared, "shots")
        shots, offset = prepared.request.shots, prepared.ising.offset
        return sampling.from_state(qaoa.cost.values, offset, qaoa.state(angles), shots, chance), ()
    from hybrid_job import quantum_task  # noqa: PLC0415 (the SDK takes seconds to import)

    counts, task = quantum_task.measure(
        prepared,
        angles,
        task_arn=journal.task(angles),
        created=lambda arn: journal.record_task(angles, arn),
        timeout_seconds=started + _seconds(prepared, reserved=0.5) - time.monotonic(),
    )
    return sampling.from_counts(prepared.ising, counts), (task,)


def _seconds(prepared: PreparedRun, reserved: float) -> float:
    """Return the seconds that may pass when all, or a part, of the time to end well is reserved."""
    limit = prepared.request.limits.max_runtime_seconds
    return limit - reserved * min(limit / 2, max(2.0, limit / 10), 600.0)


def _chance(prepared: PreparedRun, purpose: str) -> np.random.Generator:
    """Return the run's source of chance for one purpose: none depends on how much others drew."""
    return np.random.default_rng([prepared.request.seed, *purpose.encode()])
