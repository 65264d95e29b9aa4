"""QAOA of a circuit in parts: angles by exact gradients of the whole, its energy from parts.

No state of the whole is made, nor sampled: angles are trained in closed form or on exact light
cones, the parts are measured on the device, and what correlations of the whole they are put
together to is rounded to the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hybrid_job import classical
from hybrid_job.correlations.exact import Correlations, exact_correlations
from hybrid_job.job import CutJob, versions
from hybrid_job.metrics import log_phase
from hybrid_job.rounding.fixing import Rounded, rounded
from hybrid_job.solvers import training
from hybrid_job.solvers.qaoa import executor_of, starts_compared
from hybrid_job.solvers.rqaoa import engine_words, whole_state
from hybrid_job.solvers.training import Trained
from hybrid_job.stopwatch import Stopwatch
from quantum_pipeline.cutting.expansion import Expansion
from quantum_pipeline.cutting.reconstruction import Expectation, Reconstruction
from quantum_pipeline.results import (
    ClassicalSolution,
    DepthStep,
    DeviceRun,
    DeviceShare,
    Evaluation,
    JobSeconds,
    OptimisationResult,
    PartCounts,
    QuantumTask,
)

if TYPE_CHECKING:
    from hybrid_job.on_device.executor import Executor
    from hybrid_job.on_device.lanes import Lanes
    from hybrid_job.on_device.parts import MeasuredParts


class _Found(NamedTuple):
    """What the answer of a run rests on."""

    baseline: ClassicalSolution
    trained: Trained
    parts: tuple[PartCounts, ...]
    run: DeviceRun
    shares: tuple[DeviceShare, ...]
    tasks: tuple[QuantumTask, ...]


class _Answer(NamedTuple):
    """What the shots of all parts are put together to."""

    energy: Expectation
    bits: Rounded


def solve(job: CutJob) -> OptimisationResult:
    """Return the result of a run: classical baseline, angles, the parts' shots, the rounding.

    Raises:
        PipelineError: what happens on a device, see ``on_device.parts``.
    """
    if not job.prepared.others:
        with executor_of(job) as executor:
            return solved(job, executor)
    log_phase("compiling")
    from hybrid_job.on_device.lanes import Lanes  # noqa: PLC0415 (the SDK takes seconds)

    with Lanes(job, job.deadline(reserved=0.5)) as lanes:
        return solved(job, lanes)


def solved(job: CutJob, on: Executor | Lanes) -> OptimisationResult:
    """Return the result of a run whose circuits one device runs, or several."""
    watch = Stopwatch()
    log_phase("classical")
    baseline = classical.solve(
        job.model, exact=job.exact, seconds=job.classical_seconds, rng=job.rng("classical")
    )
    classical_seconds = watch.lap()
    whole = exact_correlations(job.model, job.algorithm.depth, engine=whole_state)
    trained = training.recorded(job) or training.record(job, _trained(job, whole))
    optimise_seconds = watch.lap()
    angles = trained.optimum.angles
    expansion = Expansion(job.model, job.algorithm.parts, angles)
    energy, _ = whole.energy_and_gradient(angles)
    measured = _parts(job, on, expansion)
    parts, run = measured.run(job.model.offset + energy)
    on.close()  # what is cancelled now is not billed
    answer = _put_together(expansion, parts)
    seconds = JobSeconds(
        classical=classical_seconds,
        optimise=optimise_seconds,
        sample=watch.lap(),
        total=job.seconds,
    )
    found = _Found(baseline, trained, parts, run, measured.shares, on.tasks)
    return _result(job, found, answer, seconds)


def _parts(job: CutJob, on: Executor | Lanes, expansion: Expansion) -> MeasuredParts:
    from hybrid_job.on_device import parts  # noqa: PLC0415 (qiskit takes seconds)
    from hybrid_job.on_device.lanes import Lanes  # noqa: PLC0415

    if isinstance(on, Lanes):
        return parts.PartsOfSeveral(job, on, expansion)
    return parts.PartsOfOne(job, on, expansion)


def _trained(job: CutJob, whole: Correlations) -> Trained:
    start = training.start_of(job)
    exact = whole.energy_and_gradient
    return training.descend(job, job.algorithm, exact, start, offset=job.model.offset)


def _put_together(expansion: Expansion, parts: tuple[PartCounts, ...]) -> _Answer:
    """Return the energy of the whole, and what its correlations are rounded to.

    Put together from shots, a correlation may be larger than any is: it is as sure as can be.
    """
    found = Reconstruction(expansion, ((e.part, e.circuit, e.counts) for e in parts))
    means = np.clip([each.value for each in found.means()], -1, 1)
    pairs = {pair: min(1.0, max(-1.0, each.value)) for pair, each in found.correlations().items()}
    return _Answer(found.energy(), rounded(expansion.model, means, pairs))


def _result(
    job: CutJob,
    found: _Found,
    answer: _Answer,
    seconds: JobSeconds,
) -> OptimisationResult:
    model, optimum = job.model, found.trained.optimum
    gammas, betas = optimum.angles.tolist()
    energy, bits = answer
    return OptimisationResult(
        run_id=job.prepared.run_id,
        algorithm="qaoa",
        engine=engine_words(model, job.algorithm.depth),
        start=found.trained.start,
        gammas=tuple(gammas),
        betas=tuple(betas),
        compared=starts_compared(model, found.trained),
        depths=tuple(
            DepthStep(
                depth=step.depth, energy=model.offset + step.energy, evaluations=step.evaluations
            )
            for step in found.trained.steps
        ),
        eliminations=bits.eliminations,
        history=tuple(
            Evaluation(evaluation=number, start=start, energy=model.offset + energy)
            for number, (start, energy) in enumerate(optimum.history, 1)
        ),
        converged=optimum.converged,
        stop_reason=f"{optimum.stop_reason}; {_rounding(bits)}",
        stopped_by=optimum.stopped_by,
        counts={},
        parts=found.parts,
        best_bitstring=bits.bitstring,
        best_energy=float(job.exact.energy(bits.bitstring)),
        mean_energy=energy.value,
        mean_energy_exact=False,
        standard_error=energy.error,
        probability_of_best=None,
        classical=found.baseline,
        devices=found.shares,
        tasks=found.tasks,
        device_run=found.run,
        seconds=seconds,
        versions=versions(),
    )


def _rounding(bits: Rounded) -> str:
    fixed = f"{len(bits.eliminations)} variables fixed by measured correlations"
    return f"{fixed}, the last {bits.enumerated} enumerated"
