"""QAOA as the job runs it: classical baseline, optimised angles, then shots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hybrid_job import classical
from hybrid_job.engines import sampling
from hybrid_job.engines.choice import EVALUATIONS_A_START, Choice, Engine, engine_for
from hybrid_job.engines.sampling import Sampled, Samples
from hybrid_job.job import Job, QaoaJob, versions
from hybrid_job.journal import Kept, Vector
from hybrid_job.metrics import log_phase
from hybrid_job.optimising import warm_start
from hybrid_job.optimising.optimiser import Optimum, Real
from hybrid_job.solvers import training
from hybrid_job.solvers.training import Trained
from hybrid_job.stopwatch import Stopwatch
from quantum_pipeline.ising import IsingModel, all_energies
from quantum_pipeline.ising.statevector import Qaoa
from quantum_pipeline.results import (
    ClassicalSolution,
    DepthStep,
    Evaluation,
    JobSeconds,
    OptimisationResult,
)
from quantum_pipeline.results.optimisation import StartsCompared
from quantum_pipeline.wording import refusal

if TYPE_CHECKING:
    from hybrid_job.on_device.executor import Executor
    from hybrid_job.on_device.qaoa import DeviceQaoa

TILTS = "tilts"
"""What the journal keeps of a warm start: equally good solutions tilt qubits to other sides."""


class Tilts(Kept):
    """Those of each qubit."""

    tilts: Vector


def solve(job: QaoaJob) -> OptimisationResult:
    """Return the result of a run: the classical baseline, then optimised angles, then shots."""
    if job.prepared.device.kind == "local":
        return _solved(job, None)
    # First of all: an attempt is paid for from its start, and a device that is gone ends it.
    with executor_of(job) as executor:
        return _solved(job, executor)


def _solved(job: QaoaJob, executor: Executor | None) -> OptimisationResult:
    watch = Stopwatch()
    log_phase("classical")
    # Without the offset, of which a large one would cost the phases their digits.
    spectrum = all_energies(job.model.model_copy(update={"offset": 0.0}))
    baseline = classical.solve(
        job.model,
        exact=job.exact,
        spectrum=spectrum,
        spectrum_seconds=watch.seconds,
        seconds=job.classical_seconds,
        rng=job.rng("classical"),
    )
    classical_seconds = watch.lap()
    tilts = _tilts(job, baseline)
    chosen = _engine(job, spectrum, tilts)
    device = None if executor is None else _device(job, executor, tilts, baseline)
    trained = _trained(job, chosen.engine, spectrum, device)
    optimise_seconds = watch.lap()
    sampled = _sample(job, chosen.engine, spectrum, trained.optimum, device)
    seconds = JobSeconds(
        classical=classical_seconds,
        optimise=optimise_seconds,
        sample=watch.lap(),
        total=job.seconds,
    )
    engine = _energies_from(job, chosen)
    return _result(job, baseline, trained, sampled, tilts=tilts, engine=engine, seconds=seconds)


def _result(
    job: QaoaJob,
    baseline: ClassicalSolution,
    trained: Trained,
    sampled: Sampled,
    *,
    tilts: Sequence[float] | None,
    engine: str,
    seconds: JobSeconds,
) -> OptimisationResult:
    optimum, samples = trained.optimum, sampled.samples
    best_bitstring, best_energy = samples.best(job.exact)
    gammas, betas = sampled.angles.tolist()
    return OptimisationResult(
        run_id=job.prepared.run_id,
        algorithm="qaoa",
        engine=engine,
        start=trained.start,
        gammas=tuple(gammas),
        betas=tuple(betas),
        tilts=tuple(tilts or ()),
        compared=starts_compared(job.model, trained),
        depths=_depths(job, trained, samples),
        eliminations=(),
        history=_history(job.model, optimum, samples),
        converged=optimum.converged,
        stop_reason=optimum.stop_reason,
        stopped_by=optimum.stopped_by,
        counts=samples.counts,
        best_bitstring=best_bitstring,
        best_energy=best_energy,
        mean_energy=samples.mean_energy,
        mean_energy_exact=samples.exact,
        standard_error=samples.standard_error,
        probability_of_best=samples.probability_of_best,
        classical=baseline,
        tasks=sampled.tasks,
        device_run=sampled.run,
        seconds=seconds,
        versions=versions(),
    )


def starts_compared(model: IsingModel, trained: Trained) -> StartsCompared | None:
    """Return the energies of the starts, with the offset."""
    found = trained.compared
    if found is None:
        return None
    default = None if found.default is None else model.offset + found.default
    return StartsCompared(learned=model.offset + found.learned, default=default, taken=found.taken)


def _energies_from(job: QaoaJob, chosen: Choice) -> str:
    """Return where the energies of the training come from, in words."""
    if job.algorithm.train_on == "device":
        return f"shots of {job.prepared.device.name}"
    return f"exact state, {chosen.name}: {chosen.because}"


def _depths(job: QaoaJob, trained: Trained, samples: Samples) -> tuple[DepthStep, ...]:
    """Return what each depth reached: the samples' energy where nothing could be paid before."""
    offset, grown = job.model.offset, job.algorithm.depth == "auto"
    return tuple(
        DepthStep.of(
            step.angles,
            offset + step.energy if trained.optimum.history else samples.mean_energy,
            step.evaluations,
            grown=grown,
        )
        for step in trained.steps
    )


def _tilts(job: QaoaJob, baseline: ClassicalSolution) -> Sequence[float] | None:
    """Return the tilts of a warm start, in all attempts those of the first."""
    if job.algorithm.warm_start == "none":
        return None
    found = job.journal.decided(TILTS, Tilts, lambda: Tilts(tilts=tuple(_tilted(job, baseline))))
    with job.journal.checked(TILTS):
        if len(found.tilts) != job.model.n_variables:
            allowed = f"{job.model.n_variables}, one a variable"
            raise ValueError(refusal("length of tilts", len(found.tilts), allowed))
    return found.tilts


def _tilted(job: QaoaJob, baseline: ClassicalSolution) -> Sequence[float]:
    if job.algorithm.warm_start == "classical":
        return warm_start.tilts_of_bits(baseline.bitstring)
    return warm_start.tilts_of(warm_start.relaxed(job.model, job.rng("warm start")))


def _engine(job: QaoaJob, spectrum: Real, tilts: Sequence[float] | None) -> Choice:
    algorithm = job.algorithm
    job.check_memory(f"{job.model.n_variables} qubits")
    if tilts is not None:
        return Choice(Qaoa(spectrum, tilts=tilts), "numpy", "warm starts have mixers of their own")
    usual = EVALUATIONS_A_START * algorithm.starts
    return engine_for(
        spectrum, evaluations=min(usual, algorithm.max_evaluations), depth=algorithm.deepest
    )


def _trained(job: QaoaJob, engine: Engine, spectrum: Real, device: DeviceQaoa | None) -> Trained:
    if device is None:
        return training.train(job, engine, spectrum)
    energies = device.energies if job.algorithm.train_on == "device" else None
    return training.recorded(job) or training.record(
        job, training.train(job, engine, spectrum, energies)
    )


def _history(model: IsingModel, optimum: Optimum, samples: Samples) -> tuple[Evaluation, ...]:
    """Return the evaluations; the samples are the only one where nothing could be paid before."""
    if not optimum.history:
        return (Evaluation(evaluation=1, start=1, energy=samples.mean_energy),)
    return tuple(
        Evaluation(evaluation=number, start=start, energy=model.offset + energy)
        for number, (start, energy) in enumerate(optimum.history, 1)
    )


def executor_of(job: Job) -> Executor:
    """Return what runs circuits on the run's device."""
    log_phase("compiling")
    from hybrid_job.on_device.executor import Executor  # noqa: PLC0415 (the SDK takes seconds)

    return Executor(job)


def _device(
    job: QaoaJob, executor: Executor, tilts: Sequence[float] | None, baseline: ClassicalSolution
) -> DeviceQaoa:
    log_phase("compiling")
    from hybrid_job.on_device.qaoa import DeviceQaoa  # noqa: PLC0415 (qiskit takes seconds)

    model = job.model
    lowest = baseline.energy if baseline.proven else model.offset - model.scale
    return DeviceQaoa(job, executor, tilts, lowest)


def _sample(
    job: QaoaJob, engine: Engine, spectrum: Real, optimum: Optimum, device: DeviceQaoa | None
) -> Sampled:
    offset, shots = job.model.offset, job.prepared.request.shots
    if device is not None:
        return device.sample(optimum, exact=lambda angles: offset + engine.energy(angles))
    probabilities = engine.probabilities(optimum.angles)
    best = job.exact.lowest(spectrum, job.exact.rounding(job.model)).places
    samples = sampling.from_state(
        spectrum, offset, probabilities, shots, job.rng("shots"), best=best
    )
    return Sampled(optimum.angles, samples)
