"""QAOA of a circuit in parts: angles by exact gradients of the whole, its energy from parts.

No state of the whole is made, nor sampled: angles are trained in closed form or on exact light
cones, the parts are measured on the device, and what correlations of the whole they are put
together to is rounded to the answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from hybrid_job import classical
from hybrid_job.correlations.exact import Correlations, exact_correlations
from hybrid_job.job import BinaryJob, CutJob, versions
from hybrid_job.metrics import log_phase
from hybrid_job.solvers import training
from hybrid_job.solvers.qaoa import executor_of, starts_compared
from hybrid_job.solvers.rqaoa import engine_words, whole_state
from hybrid_job.solvers.training import Trained
from hybrid_job.stopwatch import Stopwatch
from quantum_pipeline.cutting.expansion import Expansion
from quantum_pipeline.cutting.reconstruction import Expectation
from quantum_pipeline.ising.reduced import ENUMERATED
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
from quantum_pipeline.results.fixing import Fixing, measured_terms
from quantum_pipeline.results.optimisation import CutRound

if TYPE_CHECKING:
    from hybrid_job.on_device.executor import Executor
    from hybrid_job.on_device.lanes import Lanes
    from hybrid_job.on_device.parts import MeasuredParts


class _Found(NamedTuple):
    """What the answer of a run rests on."""

    baseline: ClassicalSolution
    trained: Trained
    measured: CutRound
    run: DeviceRun
    shares: tuple[DeviceShare, ...]
    tasks: tuple[QuantumTask, ...]


class _Answer(NamedTuple):
    """What the shots of all parts are put together to."""

    energy: Expectation
    fixing: Fixing
    enumerated: int


def solve(job: CutJob) -> OptimisationResult:
    """Return the result of a run: classical baseline, angles, the parts' shots, the rounding.

    Raises:
        PipelineError: what happens on a device, see ``on_device.parts``.
    """
    with devices_of(job) as on:
        return solved(job, on)


def devices_of(job: BinaryJob) -> Executor | Lanes:
    """Return what runs circuits on the run's device, or on several."""
    if not job.prepared.others:
        return executor_of(job)
    log_phase("compiling")
    from hybrid_job.on_device.lanes import Lanes  # noqa: PLC0415 (the SDK takes seconds)

    return Lanes(job, job.deadline(reserved=0.5))


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
    parts = parts_of(job, on, expansion)
    measured = round_of(expansion, parts.run(), goals=(ENUMERATED,))
    run = parts.device_run(job.model.offset + energy)
    on.close()  # what is cancelled now is not billed
    answer = _put_together(expansion, measured)
    seconds = JobSeconds(
        classical=classical_seconds,
        optimise=optimise_seconds,
        sample=watch.lap(),
        total=job.seconds,
    )
    found = _Found(baseline, trained, measured, run, parts.shares, on.tasks)
    return _result(job, found, answer, seconds)


def parts_of(
    job: BinaryJob, on: Executor | Lanes, expansion: Expansion, place: int = 0
) -> MeasuredParts:
    """Return what measures a circuit in parts, with its place among those of the run."""
    from hybrid_job.on_device import parts  # noqa: PLC0415 (qiskit takes seconds)
    from hybrid_job.on_device.lanes import Lanes  # noqa: PLC0415

    if isinstance(on, Lanes):
        return parts.PartsOfSeveral(job, on, expansion, place)
    return parts.PartsOfOne(job, on, expansion, place)


def round_of(
    expansion: Expansion, circuits: Iterable[PartCounts], goals: Iterable[int]
) -> CutRound:
    """Return what was measured of a circuit, and how many variables it was to leave."""
    gammas, betas = expansion.angles.tolist()
    return CutRound(
        gammas=tuple(gammas),
        betas=tuple(betas),
        parts=expansion.parts,
        circuits=tuple(circuits),
        goals=tuple(goals),
    )


def _trained(job: CutJob, whole: Correlations) -> Trained:
    start = training.start_of(job)
    exact = whole.energy_and_gradient
    return training.descend(job, job.algorithm, exact, start, offset=job.model.offset)


def _put_together(expansion: Expansion, measured: CutRound) -> _Answer:
    """Return the energy of the whole, and what its correlations are rounded to."""
    found, fixing = measured.put_together(expansion), Fixing(expansion.model)
    terms = measured_terms(fixing.reduced.variables, expansion.model, found)
    for goal in measured.goals:
        fixing.eliminate(terms, goal)
    left = len(fixing.reduced.variables)
    fixing.reduced.enumerate_rest()
    return _Answer(found.energy(), fixing, left)


def _result(
    job: CutJob,
    found: _Found,
    answer: _Answer,
    seconds: JobSeconds,
) -> OptimisationResult:
    model, optimum = job.model, found.trained.optimum
    gammas, betas = optimum.angles.tolist()
    bitstring = answer.fixing.reduced.bitstring()
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
        eliminations=tuple(answer.fixing.eliminations),
        history=tuple(
            Evaluation(evaluation=number, start=start, energy=model.offset + energy)
            for number, (start, energy) in enumerate(optimum.history, 1)
        ),
        converged=optimum.converged,
        stop_reason=f"{optimum.stop_reason}; {_rounding(answer)}",
        stopped_by=optimum.stopped_by,
        counts={},
        cut_rounds=(found.measured,),
        best_bitstring=bitstring,
        best_energy=float(job.exact.energy(bitstring)),
        mean_energy=answer.energy.value,
        mean_energy_exact=False,
        standard_error=answer.energy.error,
        probability_of_best=None,
        classical=found.baseline,
        devices=found.shares,
        tasks=found.tasks,
        device_run=found.run,
        seconds=seconds,
        versions=versions(),
    )


def _rounding(answer: _Answer) -> str:
    fixed = f"{len(answer.fixing.eliminations)} variables fixed by measured correlations"
    return f"{fixed}, the last {answer.enumerated} enumerated"
