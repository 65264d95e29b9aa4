"""QAOA as the job runs it: classical baseline, optimised angles, then shots."""

from __future__ import annotations

import math
import time

import numpy as np

from hybrid_job import classical, optimiser, sampling
from hybrid_job.job import Job, versions
from hybrid_job.optimiser import Optimum, Real
from hybrid_job.sampling import Samples
from hybrid_job.statevector import Qaoa
from quantum_pipeline.algorithms import SettledQaoa
from quantum_pipeline.ising import all_energies
from quantum_pipeline.results import (
    DepthStep,
    Evaluation,
    JobSeconds,
    OptimisationResult,
    QuantumTask,
)


def solve(job: Job) -> OptimisationResult:
    """Return the result of a run: the classical baseline, then optimised angles, then shots."""
    model, shots = job.prepared.ising, job.prepared.request.shots
    times = [time.monotonic()]
    # Without the offset, of which a large one would cost the phases their digits.
    spectrum = all_energies(model.model_copy(update={"offset": 0.0}))
    baseline = classical.solve(
        model,
        spectrum=spectrum,
        spectrum_seconds=time.monotonic() - times[0],
        seconds=job.classical_seconds,
        rng=job.chance("classical"),
    )
    times.append(time.monotonic())
    qaoa = Qaoa(spectrum)
    optimum = _optimise(job, qaoa)
    times.append(time.monotonic())
    samples, tasks = _sample(job, qaoa, optimum.angles)
    best_bitstring, best_energy = samples.best(model)
    times.append(time.monotonic())
    classical_seconds, optimise_seconds, sample_seconds = np.diff(times).tolist()
    return OptimisationResult(
        run_id=job.prepared.run_id,
        algorithm="qaoa",
        engine="exact state",
        start="linear ramp",
        gammas=tuple(optimum.angles[0].tolist()),
        betas=tuple(optimum.angles[1].tolist()),
        depths=(
            DepthStep(
                depth=optimum.angles.shape[1],
                energy=model.offset + optimum.energy,
                evaluations=len(optimum.history),
            ),
        ),
        eliminations=(),
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
            total=job.seconds,
        ),
        versions=versions(),
    )


def _optimise(job: Job, qaoa: Qaoa) -> Optimum:
    algorithm, model = job.prepared.request.algorithm, job.prepared.ising
    assert isinstance(algorithm, SettledQaoa)
    evaluate = job.recorded(qaoa.energy_and_gradient, model.offset)
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
            algorithm.deepest, algorithm.starts, unit, job.chance("starts")
        )
    )
    return optimiser.minimise(
        evaluate,
        starts,
        unit=unit,
        max_evaluations=algorithm.max_evaluations,
        deadline=job.deadline(reserved=1.0),
    )


def _sample(job: Job, qaoa: Qaoa, angles: Real) -> tuple[Samples, tuple[QuantumTask, ...]]:
    prepared, journal = job.prepared, job.journal
    if prepared.device.kind == "local":
        shots, offset = prepared.request.shots, prepared.ising.offset
        probabilities = qaoa.probabilities(angles)
        chance = job.chance("shots")
        return sampling.from_state(qaoa.cost.values, offset, probabilities, shots, chance), ()
    from hybrid_job import quantum_task  # noqa: PLC0415 (the SDK takes seconds to import)

    counts, task = quantum_task.measure(
        prepared,
        angles,
        task_arn=journal.task(angles),
        created=lambda arn: journal.record_task(angles, arn),
        timeout_seconds=job.deadline(reserved=0.5) - time.monotonic(),
    )
    return sampling.from_counts(prepared.ising, counts), (task,)
