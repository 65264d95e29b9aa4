"""QAOA on the states of a form: all their energies, the baseline, optimised angles, then shots."""

from __future__ import annotations

import numpy as np

from hybrid_job.classical import forms
from hybrid_job.engines import sampling
from hybrid_job.engines.choice import EVALUATIONS_A_START, OnSpace, engine_on, free_bytes
from hybrid_job.job import ConstrainedJob, versions
from hybrid_job.optimising import optimiser
from hybrid_job.optimising.optimiser import Real
from hybrid_job.solvers import training
from hybrid_job.solvers.training import Start, Trained
from hybrid_job.stopwatch import Stopwatch
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.planning.memory import BASE_BYTES, memory_bytes
from quantum_pipeline.quantities import LARGEST
from quantum_pipeline.results import DepthStep, Evaluation, JobSeconds
from quantum_pipeline.results.constrained import (
    ConstrainedResult,
    ConstrainedSolution,
    FeasibleFigures,
    Penalty,
)
from quantum_pipeline.spaces.landscape import Landscape, Weighing, typical_field


def solve(job: ConstrainedJob) -> ConstrainedResult:
    """Return the result of a run on a form.

    Raises:
        InvalidRequest: no state is feasible, or the states do not fit what memory is free.
    """
    watch = Stopwatch()
    _check_memory(job)
    landscape = Landscape.of(job.form)
    _check_feasible(landscape)
    baseline = forms.solve(landscape, listed_seconds=watch.seconds, seconds=job.classical_seconds)
    classical_seconds = watch.lap()
    weighing = landscape.weighing(job.algorithm.penalty)
    _check_weight(weighing)
    energies = landscape.energies(weighing)
    engine, words = _engine(job, energies)
    offset = job.form.objective.constant
    start = _start(job, energies)
    trained = training.descend(job, job.algorithm, engine, start, offset=offset)
    optimise_seconds = watch.lap()
    probabilities = engine.probabilities(trained.optimum.angles)
    states = sampling.draws(probabilities, job.prepared.request.shots, job.rng("shots"))
    found = _Found(landscape, weighing, energies, probabilities, states)
    seconds = (classical_seconds, optimise_seconds, watch.lap())
    return _result(job, baseline, trained, found, engine=words, seconds=seconds)


def _check_memory(job: ConstrainedJob) -> None:
    """Refuse states that would not fit what is free, before any of them is made.

    Raises:
        InvalidRequest: names what they need and what there is.
    """
    needed, free = memory_bytes(job.prepared.request) - BASE_BYTES, free_bytes()
    if needed > free:
        raise InvalidRequest(
            f"problem: {job.form.space.n_states:,} states need {needed / 2**30:.3g} GiB; "
            f"allowed: what fits the {free / 2**30:.3g} GiB that are free here"
        )


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


def _engine(job: ConstrainedJob, energies: Real) -> OnSpace:
    algorithm = job.algorithm
    usual = EVALUATIONS_A_START * algorithm.starts
    return engine_on(
        job.form.space,
        energies,
        mixer=job.mixer,
        evaluations=min(usual, algorithm.max_evaluations),
        depth=algorithm.deepest,
    )


def _start(job: ConstrainedJob, energies: Real) -> Start:
    algorithm, unit = job.algorithm, typical_field(job.form.space, energies)
    if algorithm.gammas is not None and algorithm.betas is not None:
        return Start([np.array([algorithm.gammas, algorithm.betas])], "angles as given", unit)
    first = 1 if algorithm.depth == "auto" else algorithm.deepest
    points = optimiser.starting_points(first, algorithm.starts, unit, job.rng("starts"))
    more = f", and {len(points) - 1} ramps of other sizes" if len(points) > 1 else ""
    return Start(points, f"linear ramp{more}", unit)


class _Found:
    """What the state of the trained angles and its shots say."""

    def __init__(
        self,
        landscape: Landscape,
        weighing: Weighing,
        energies: Real,
        probabilities: Real,
        states: sampling.Places,
    ) -> None:
        space, objective = landscape.form.space, landscape.form.objective
        places, counts = np.unique(states, return_counts=True)
        bits = space.bits(places)
        names = ["".join(map(str, row)) for row in bits.tolist()]
        self.counts = dict(zip(names, counts.tolist(), strict=True))
        self.mean_energy = objective.constant + float(energies @ probabilities)
        self.figures = FeasibleFigures.of(landscape, probabilities)
        self.weighing = weighing
        best = landscape.lowest(places[landscape.form.kept(bits)])[:1]
        self.best = "".join(map(str, space.bits(best)[0].tolist())) if len(best) else None
        self.objective = None if self.best is None else objective.at(self.best)


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
    gammas, betas = optimum.angles.tolist()
    classical, optimise, sample = seconds
    return ConstrainedResult(
        run_id=job.prepared.run_id,
        algorithm="qaoa",
        engine=f"exact state, {engine}",
        mixer=job.mixer,
        penalty=Penalty.of(found.weighing, job.form, job.algorithm.penalty),
        start=trained.start,
        gammas=tuple(gammas),
        betas=tuple(betas),
        depths=tuple(
            DepthStep(depth=each.depth, energy=offset + each.energy, evaluations=each.evaluations)
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
        best_bitstring=found.best,
        best_objective=found.objective,
        mean_energy=found.mean_energy,
        figures=found.figures,
        classical=baseline,
        seconds=JobSeconds(
            classical=classical, optimise=optimise, sample=sample, total=job.seconds
        ),
        versions=versions(),
    )
