"""QAOA as the job runs it: classical baseline, optimised angles, then shots."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybrid_job import classical
from hybrid_job.engines import sampling
from hybrid_job.engines.choice import Choice, Engine, engine_for, free_bytes
from hybrid_job.engines.sampling import Samples
from hybrid_job.engines.statevector import Qaoa
from hybrid_job.job import Job, versions
from hybrid_job.optimising import warm_start
from hybrid_job.optimising.optimiser import Optimum, Real
from hybrid_job.solvers import training
from hybrid_job.solvers.training import Trained
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.ising import IsingModel, all_energies
from quantum_pipeline.planning.memory import BASE_BYTES, memory_bytes
from quantum_pipeline.requests.algorithm import SettledQaoa
from quantum_pipeline.results import (
    ClassicalSolution,
    DepthStep,
    DeviceRun,
    Evaluation,
    JobSeconds,
    OptimisationResult,
    QuantumTask,
)

if TYPE_CHECKING:
    from hybrid_job.on_device.executor import Executor
    from hybrid_job.on_device.qaoa import DeviceQaoa, Sampled

EVALUATIONS_A_START = 40
"""Evaluations that a start usually takes: what the choice of the engine counts on."""


def solve(job: Job) -> OptimisationResult:
    """Return the result of a run: the classical baseline, then optimised angles, then shots."""
    if job.prepared.device.kind == "local":
        return _solved(job, None)
    # First of all: an attempt is paid for from its start, and a device that is gone ends it.
    with _executor(job) as executor:
        return _solved(job, executor)


def _solved(job: Job, executor: Executor | None) -> OptimisationResult:
    model, algorithm = job.prepared.ising, job.prepared.request.algorithm
    assert isinstance(algorithm, SettledQaoa)
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
    tilts = _tilts(job, baseline)
    chosen = _engine(job, spectrum, tilts)
    device = None if executor is None else _device(job, executor, tilts, baseline)
    trained = _trained(job, chosen.engine, spectrum, device)
    optimum = trained.optimum
    times.append(time.monotonic())
    sampled = _sample(job, chosen.engine, spectrum, optimum, device)
    angles, samples = sampled.angles, sampled.samples
    best_bitstring, best_energy = samples.best(model)
    times.append(time.monotonic())
    classical_seconds, optimise_seconds, sample_seconds = np.diff(times).tolist()
    return OptimisationResult(
        run_id=job.prepared.run_id,
        algorithm="qaoa",
        engine=(
            f"shots of {device.name}"
            if device and algorithm.train_on == "device"
            else f"exact state, {chosen.name}: {chosen.because}"
        ),
        start=trained.start,
        gammas=tuple(angles[0].tolist()),
        betas=tuple(angles[1].tolist()),
        depths=tuple(
            DepthStep(
                depth=step.depth,
                energy=model.offset + step.energy if optimum.history else samples.mean_energy,
                evaluations=step.evaluations,
            )
            for step in trained.steps
        ),
        eliminations=(),
        history=_history(model, optimum, samples),
        converged=optimum.converged,
        stop_reason=optimum.stop_reason,
        counts=samples.counts,
        best_bitstring=best_bitstring,
        best_energy=best_energy,
        mean_energy=samples.mean_energy,
        mean_energy_exact=samples.exact,
        standard_error=samples.deviation / math.sqrt(sum(samples.counts.values())),
        probability_of_best=samples.probability_of_best,
        classical=baseline,
        tasks=sampled.tasks,
        device_run=sampled.run,
        seconds=JobSeconds(
            optimise=optimise_seconds,
            sample=sample_seconds,
            classical=classical_seconds,
            total=job.seconds,
        ),
        versions=versions(),
    )


def _tilts(job: Job, baseline: ClassicalSolution) -> Sequence[float] | None:
    algorithm, model = job.prepared.request.algorithm, job.prepared.ising
    assert isinstance(algorithm, SettledQaoa)
    if algorithm.warm_start == "none":
        return None
    if algorithm.warm_start == "classical":
        return warm_start.tilts_of_bits(baseline.bitstring)
    return warm_start.tilts_of(warm_start.relaxed(model, job.chance("warm start")))


def _engine(job: Job, spectrum: Real, tilts: Sequence[float] | None) -> Choice:
    algorithm = job.prepared.request.algorithm
    assert isinstance(algorithm, SettledQaoa)
    _check_memory(job)
    if tilts is not None:
        return Choice(Qaoa(spectrum, tilts=tilts), "numpy", "warm starts have mixers of their own")
    usual = EVALUATIONS_A_START * algorithm.starts
    return engine_for(
        spectrum, evaluations=min(usual, algorithm.max_evaluations), depth=algorithm.deepest
    )


def _check_memory(job: Job) -> None:
    """Refuse a state that would not fit what is free, before any of it is allocated.

    Raises:
        InvalidRequest: names what it needs and what there is.
    """
    needed, free = memory_bytes(job.prepared.request) - BASE_BYTES, free_bytes()
    if needed > free:
        raise InvalidRequest(
            f"problem: {job.prepared.ising.n_variables} qubits need {needed / 2**30:.3g} GiB; "
            f"allowed: what fits the {free / 2**30:.3g} GiB that are free here"
        )


def _trained(job: Job, engine: Engine, spectrum: Real, device: DeviceQaoa | None) -> Trained:
    if device is None:
        return training.train(job, engine, spectrum)
    algorithm = job.prepared.request.algorithm
    assert isinstance(algorithm, SettledQaoa)
    energies = device.energies if algorithm.train_on == "device" else None
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


def _executor(job: Job) -> Executor:
    from hybrid_job.on_device.executor import Executor  # noqa: PLC0415 (the SDK takes seconds)

    return Executor(job)


def _device(
    job: Job, executor: Executor, tilts: Sequence[float] | None, baseline: ClassicalSolution
) -> DeviceQaoa:
    from hybrid_job.on_device.qaoa import DeviceQaoa  # noqa: PLC0415 (qiskit takes seconds)

    model = job.prepared.ising
    lowest = baseline.energy if baseline.proven else model.offset - model.scale
    return DeviceQaoa(job, executor, tilts, lowest)


@dataclass(frozen=True)
class _Sampled:
    """The samples, as ``on_device.qaoa.Sampled`` has them, drawn from the exact state."""

    angles: Real
    samples: Samples
    tasks: tuple[QuantumTask, ...] = ()
    run: DeviceRun | None = None


def _sample(
    job: Job, engine: Engine, spectrum: Real, optimum: Optimum, device: DeviceQaoa | None
) -> Sampled | _Sampled:
    offset, shots = job.prepared.ising.offset, job.prepared.request.shots
    if device is not None:
        return device.sample(optimum, exact=lambda angles: offset + engine.energy(angles))
    probabilities = engine.probabilities(optimum.angles)
    samples = sampling.from_state(spectrum, offset, probabilities, shots, job.chance("shots"))
    return _Sampled(optimum.angles, samples)
