"""QAOA on the states of a form: all their energies, the baseline, optimised angles, then shots.

On a device the angles are trained for the very circuit that is run there, by its exact state.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hybrid_job.classical import forms
from hybrid_job.engines import sampling
from hybrid_job.engines.choice import EVALUATIONS_A_START, Circuit, OnSpace, engine_on
from hybrid_job.job import ConstrainedJob, versions
from hybrid_job.metrics import log_phase
from hybrid_job.optimising import optimiser
from hybrid_job.optimising.optimiser import Real
from hybrid_job.solvers import training
from hybrid_job.solvers.training import Start, Trained
from hybrid_job.stopwatch import Stopwatch
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.quantities import LARGEST
from quantum_pipeline.results import DepthStep, Evaluation, JobSeconds
from quantum_pipeline.results.constrained import (
    CircuitCost,
    ConstrainedResult,
    ConstrainedSolution,
    FeasibleFigures,
    MeasuredFigures,
    Penalty,
)
from quantum_pipeline.spaces import Space
from quantum_pipeline.spaces.encoding import Encoded
from quantum_pipeline.spaces.landscape import Landscape, Weighing, typical_field
from quantum_pipeline.spaces.readings import Readings


def solve(job: ConstrainedJob) -> ConstrainedResult:
    """Return the result of a run on a form.

    Raises:
        InvalidRequest: no state is feasible, or the states do not fit what memory is free.
        PipelineError: what happens on a device, see ``on_device.measuring``.
    """
    watch = Stopwatch()
    job.check_memory(f"{job.form.space.n_states:,} states")
    log_phase("classical")
    landscape = Landscape.of(job.form)
    _check_feasible(landscape)
    baseline = forms.solve(landscape, listed_seconds=watch.seconds, seconds=job.classical_seconds)
    classical_seconds = watch.lap()
    posed = _Posed.of(job, landscape)
    _check_weight(posed.weighing)
    engine, words = _engine(job, posed)
    trained = _trained(job, engine, posed)
    optimise_seconds = watch.lap()
    probabilities = engine.probabilities(trained.optimum.angles)
    if posed.encoded is None:
        found = _drawn(job, posed, probabilities)
    else:
        found = _measured(job, posed.encoded, probabilities, trained.optimum.angles)
    seconds = (classical_seconds, optimise_seconds, watch.lap())
    return _result(job, baseline, trained, found, engine=words, seconds=seconds)


@dataclass(frozen=True)
class _Posed:
    """What is trained: a circuit's states, what turns them and what is measured of them.

    ``encoded`` is None on the exact engine, which turns by what is measured.
    """

    landscape: Landscape
    weighing: Weighing
    space: Space
    turned: Real
    observable: Real | None
    encoded: Encoded | None

    @classmethod
    def of(cls, job: ConstrainedJob, landscape: Landscape) -> _Posed:
        if job.prepared.device.kind == "local":
            weighing = landscape.weighing(job.algorithm.penalty)
            energies = landscape.energies(weighing)
            return cls(landscape, weighing, job.form.space, energies, None, None)
        encoded = Encoded.of(job.encoding, landscape, job.algorithm.penalty)
        space, turned = encoded.encoding.space, encoded.turned
        return cls(landscape, encoded.weighing, space, turned, encoded.observable, encoded)


def _check_feasible(landscape: Landscape) -> None:
    """Refuse constraints that no state keeps together.

    Raises:
        InvalidRequest: names those that no state keeps even alone, if there are such.
    """
    if landscape.feasible.any():
        return
    form = landscape.form
    alone = [each.name for each in form.constraints if each.violations(form.space).all()]
    which = f"constraint {', '.join(alone)}" if alone else "all constraints at once"
    raise InvalidRequest(
        f"problem: of its {form.space.n_states:,} states none keeps {which}; allowed: constraints "
        "that do not contradict each other"
    )


def _check_weight(weighing: Weighing) -> None:
    """Refuse violations so small that no number can weigh them.

    Raises:
        InvalidRequest: names the weight.
    """
    if not weighing.weight <= LARGEST:
        raise InvalidRequest(
            f"problem: violations of its constraints are so small that one of 1 would cost "
            f"{weighing.weight:g}; allowed: up to {LARGEST:g}, with larger numbers in constraints"
        )


def _engine(job: ConstrainedJob, posed: _Posed) -> OnSpace:
    algorithm = job.algorithm
    usual = EVALUATIONS_A_START * algorithm.starts
    return engine_on(
        posed.space,
        posed.turned,
        posed.observable,
        mixer=job.mixer,
        evaluations=min(usual, algorithm.max_evaluations),
        depth=algorithm.deepest,
    )


def _trained(job: ConstrainedJob, engine: Circuit, posed: _Posed) -> Trained:
    """Return the best angles: of a run on a device those of the attempt that began to pay."""
    on_device, offset = posed.encoded is not None, job.form.objective.constant
    if on_device and (found := training.recorded(job)) is not None:
        return found
    exact = training.objective(engine, job.algorithm.cvar_alpha)
    trained = training.descend(job, job.algorithm, exact, _start(job, posed), offset=offset)
    return training.record(job, trained) if on_device else trained


def _start(job: ConstrainedJob, posed: _Posed) -> Start:
    algorithm, unit = job.algorithm, typical_field(posed.space, posed.turned)
    if algorithm.gammas is not None and algorithm.betas is not None:
        return Start([np.array([algorithm.gammas, algorithm.betas])], "angles as given", unit)
    first = 1 if algorithm.depth == "auto" else algorithm.deepest
    points = optimiser.starting_points(first, algorithm.starts, unit, job.rng("starts"))
    more = f", and {len(points) - 1} ramps of other sizes" if len(points) > 1 else ""
    return Start(points, f"linear ramp{more}", unit)


@dataclass(frozen=True)
class _Found:
    """What the state of the trained angles and its shots say."""

    penalty: Penalty
    counts: dict[str, int]
    mean_energy: float
    figures: FeasibleFigures
    on_device: dict[str, Any] = field(default_factory=dict)


def _drawn(job: ConstrainedJob, posed: _Posed, probabilities: Real) -> _Found:
    """Return shots of the exact state."""
    form = job.form
    states = sampling.draws(probabilities, job.prepared.request.shots, job.rng("shots"))
    places, counts = np.unique(states, return_counts=True)
    names = ["".join(map(str, row)) for row in form.space.bits(places).tolist()]
    return _Found(
        penalty=Penalty.of(posed.weighing, form, job.algorithm.penalty),
        counts=dict(zip(names, counts.tolist(), strict=True)),
        mean_energy=form.objective.constant + float(posed.turned @ probabilities),
        figures=FeasibleFigures.of(posed.landscape, probabilities),
    )


def _measured(job: ConstrainedJob, encoded: Encoded, probabilities: Real, angles: Real) -> _Found:
    """Return shots of the device, beside the figures of the circuit without noise."""
    from hybrid_job.on_device.forms.sampling import (  # noqa: PLC0415 (takes seconds to import)
        measured_counts,
    )

    print(f"{job.prepared.device.name}: sampling the state", flush=True)
    landscape, form = encoded.landscape, job.form
    exact = form.objective.constant + float(encoded.observable @ probabilities)
    measured = measured_counts(job, encoded, angles, exact)
    read = Readings.of(landscape, encoded.weighing, measured.counts)
    figures = MeasuredFigures.of(read)
    return _Found(
        penalty=Penalty.of(encoded.weighing, form, job.algorithm.penalty),
        counts=measured.counts,
        mean_energy=figures.energy.energy,
        figures=FeasibleFigures.of(landscape, encoded.of_answers(probabilities)),
        on_device={
            "cost": CircuitCost.of(encoded),
            "measured": figures,
            "device_run": measured.run,
            "tasks": measured.tasks,
        },
    )


def _result(
    job: ConstrainedJob,
    baseline: ConstrainedSolution,
    trained: Trained,
    found: _Found,
    *,
    engine: str,
    seconds: tuple[float, float, float],
) -> ConstrainedResult:
    optimum, offset = trained.optimum, job.form.objective.constant
    best = job.form.best_of(found.counts)
    gammas, betas = optimum.angles.tolist()
    classical, optimise, sample = seconds
    return ConstrainedResult(
        run_id=job.prepared.run_id,
        algorithm="qaoa",
        engine=f"exact state, {engine}",
        mixer=job.mixer,
        penalty=found.penalty,
        start=trained.start,
        gammas=tuple(gammas),
        betas=tuple(betas),
        depths=tuple(
            DepthStep.of(
                each.angles,
                offset + each.energy,
                each.evaluations,
                grown=job.algorithm.depth == "auto",
            )
            for each in trained.steps
        ),
        history=tuple(
            Evaluation(evaluation=number, start=start, energy=offset + energy)
            for number, (start, energy) in enumerate(optimum.history, 1)
        ),
        converged=optimum.converged,
        stop_reason=optimum.stop_reason,
        stopped_by=optimum.stopped_by,
        counts=found.counts,
        best_bitstring=best,
        best_objective=None if best is None else job.form.objective.at(best),
        mean_energy=found.mean_energy,
        figures=found.figures,
        **found.on_device,
        classical=baseline,
        seconds=JobSeconds(
            classical=classical, optimise=optimise, sample=sample, total=job.seconds
        ),
        versions=versions(),
    )
