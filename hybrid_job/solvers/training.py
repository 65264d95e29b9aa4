"""Trains the angles of a QAOA run: from its starts to the lowest energy within its budget.

The request says how: at one depth or at growing ones, by the mean of all energies or of the lowest
of them, with exact gradients or from shots. An attempt that starts again takes the same way, but
for last digits, and finds in its journal what was computed before.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, cast

import numpy as np
from pydantic import Field

from hybrid_job.engines import sampling
from hybrid_job.engines.choice import Circuit, Engine
from hybrid_job.job import Job, QaoaJob
from hybrid_job.journal import Journal, Kept, Vector, angles_of
from hybrid_job.metrics import log_metric, log_phase
from hybrid_job.optimising import angles as known_angles
from hybrid_job.optimising import depth, optimiser
from hybrid_job.optimising.depth import Step
from hybrid_job.optimising.optimiser import Evaluate, Optimum, Real
from hybrid_job.optimising.shot_optimisers import (
    Estimate,
    Single,
    minimise_shots,
    one_by_one,
)
from quantum_pipeline.ising.angles import from_units
from quantum_pipeline.planning.learning import Suggestion
from quantum_pipeline.planning.optimiser_steps import Method
from quantum_pipeline.quantities import Count, Finite, Flag, Number, Text
from quantum_pipeline.requests.algorithm import SHOT_OPTIMIZERS, SettledQaoa
from quantum_pipeline.requests.limits import Limit
from quantum_pipeline.results.optimisation import StartsCompared, Taken


class Reached(Kept):
    """What a depth reached; no energy where none could be paid for."""

    angles: tuple[Vector, ...]
    energy: Finite | None
    evaluations: Number


class Optimised(Kept):
    """What an optimiser found before something was paid for; no energy where none could be."""

    angles: tuple[Vector, ...]
    energy: Finite | None
    history: tuple[tuple[Count, Finite], ...]
    converged: Flag
    stop_reason: Text
    stopped_by: Limit | None

    @classmethod
    def fields_of(cls, optimum: Optimum) -> dict[str, Any]:
        """Return the fields that keep an optimum."""
        return {
            "angles": optimum.angles.tolist(),
            "energy": _or_none(optimum.energy),
            "history": tuple(optimum.history),
            "converged": optimum.converged,
            "stop_reason": optimum.stop_reason,
            "stopped_by": optimum.stopped_by,
        }

    def optimum(self, journal: Journal, purpose: str) -> Optimum:
        """Return it as it was, read of a decision for a purpose."""
        return Optimum(
            angles_of(journal, purpose, self.angles),
            _or_nan(self.energy),
            list(self.history),
            self.converged,
            self.stop_reason,
            self.stopped_by,
        )


class Training(Optimised):
    """What was trained, at each of its depths, and from where."""

    steps: Annotated[tuple[Reached, ...], Field(min_length=1)]
    start: Text
    compared: StartsCompared | None = None


@dataclass(frozen=True)
class Trained:
    """The best angles, what each depth reached, and where the optimiser started, in words.

    ``compared`` has the energies of the starts, less the offset, where earlier runs suggest one.
    """

    optimum: Optimum
    steps: tuple[Step, ...]
    start: str
    compared: StartsCompared | None = None


def recorded(job: Job) -> Trained | None:
    """Return what an earlier attempt had trained when it began to pay for its samples.

    A second attempt has more time, or less money: it would train on, or end elsewhere.
    """
    found = job.journal.decision("training", Training)
    if found is None:
        return None
    optimum = found.optimum(job.journal, "training")
    steps = (
        Step(
            angles_of(job.journal, "training", each.angles),
            _or_nan(each.energy),
            each.evaluations,
        )
        for each in found.steps
    )
    return Trained(optimum, tuple(steps), found.start, found.compared)


def _or_nan(energy: float | None) -> float:
    """Return an energy, which JSON has not where none could be paid for."""
    return math.nan if energy is None else energy


def _or_none(energy: float) -> float | None:
    return energy if math.isfinite(energy) else None


def record(job: Job, trained: Trained) -> Trained:
    """Keep what was trained, before its samples are paid for, and return it."""
    decision = Training(
        **Optimised.fields_of(trained.optimum),
        steps=tuple(
            Reached(
                angles=step.angles.tolist(),
                energy=_or_none(step.energy),
                evaluations=step.evaluations,
            )
            for step in trained.steps
        ),
        start=trained.start,
        compared=trained.compared,
    )
    job.journal.record_decision("training", decision)
    return trained


def train(
    job: QaoaJob, engine: Engine, spectrum: Real, on_device: Estimate | None = None
) -> Trained:
    """Return the best angles of the engine's circuit that the run's budget finds.

    ``spectrum`` are the energies of all bitstrings, shape (2^n,), without the offset. ``on_device``
    gives energies (with the offset) from a device's shots; the engine then computes none.
    """
    algorithm, model = job.algorithm, job.model
    start = start_of(job)
    if algorithm.optimizer in SHOT_OPTIMIZERS:
        estimate = on_device or one_by_one(_simulated(job, engine, spectrum))
        point, compared = _lowest(engine, algorithm.cvar_alpha, start)
        return _from_shots(job, estimate, start, point, compared)
    exact = objective(engine, algorithm.cvar_alpha)
    return descend(job, algorithm, exact, start, offset=model.offset)


@dataclass(frozen=True)
class Start:
    """Angles to start from, each of shape (2, depth), where they come from, and their unit.

    ``unit`` is the typical field that gammas are measured by, see ``optimising.optimiser``. Where
    earlier runs suggest angles, they are the first and the default's the second; ``others`` are
    those of single ones of these runs, and ``best_alone`` says that only the best is optimised.
    """

    points: list[Real]
    words: str
    unit: float
    learned: bool = False
    others: tuple[Real, ...] = ()
    best_alone: bool = False

    @property
    def first_step(self) -> float:
        """Length of the optimiser's first step, in units: short from angles that are near."""
        return optimiser.NEAR if self.best_alone else 1.0


def descend(
    job: Job, algorithm: SettledQaoa, exact: Evaluate, start: Start, *, offset: float
) -> Trained:
    """Return the best angles that exact gradients find; energies are recorded with ``offset``."""
    evaluate = _layers_told(job.recorded(exact, offset), algorithm.deepest)
    deadline = job.training_deadline
    if algorithm.optimizer == "none":
        energy, _ = evaluate(start.points[0])
        optimum = Optimum(start.points[0], energy, [(1, energy)], stop_reason="evaluated as given")
        return Trained(optimum, _one_step(optimum), start.words)
    if algorithm.depth == "auto":
        grown = depth.grow(
            evaluate,
            start.points,
            unit=start.unit,
            max_depth=algorithm.deepest,
            max_evaluations=algorithm.max_evaluations,
            deadline=deadline,
            untouched=exact(np.zeros((2, 1)))[0],
            best_alone=start.best_alone,
            first_step=start.first_step,
        )
        grown.optimum.stop_reason = f"{grown.because}; {grown.optimum.stop_reason}"
        grown.optimum.stopped_by = grown.stopped_by
        return Trained(grown.optimum, grown.steps, start.words, _compared(start, grown.optimum))
    optimum = optimiser.minimise(
        evaluate,
        start.points,
        unit=start.unit,
        max_evaluations=algorithm.max_evaluations,
        deadline=deadline,
        best_alone=start.best_alone,
        first_step=start.first_step,
    )
    return Trained(optimum, _one_step(optimum), start.words, _compared(start, optimum))


def _compared(start: Start, optimum: Optimum) -> StartsCompared | None:
    """Return the energies of the first evaluations, of a start with angles of earlier runs."""
    if not start.learned:
        return None
    first = dict(reversed(optimum.history))
    return _better(first[1], first.get(2), both=not start.best_alone)


def _lowest(engine: Engine, alpha: float, start: Start) -> tuple[Real, StartsCompared | None]:
    """Return the start whose exact state, which costs nothing, has the least energy."""
    if not start.learned:
        return start.points[0], None
    evaluate = objective(engine, alpha)
    learned, default = start.points[:2]
    energies = [(evaluate(point)[0], point) for point in (learned, *start.others)]
    least, best = min(energies, key=lambda each: each[0])
    compared = _better(least, evaluate(default)[0], both=False)
    return default if compared.taken == "default" else best, compared


def _better(learned: float, default: float | None, *, both: bool) -> StartsCompared:
    lower = default is None or learned <= default
    taken: Taken = "both" if both else "learned" if lower else "default"
    return StartsCompared(learned=learned, default=default, taken=taken)


def _layers_told(evaluate: Evaluate, most: int) -> Evaluate:
    """Return the same evaluation; whenever its angles have other layers, how many is told."""
    layers = 0

    def told(angles: Real) -> tuple[float, Real]:
        nonlocal layers
        if angles.shape[1] != layers:
            layers = angles.shape[1]
            log_phase("training", layers, most)
        return evaluate(angles)

    return told


def _simulated(job: QaoaJob, engine: Engine, spectrum: Real) -> Single:
    """Return energies as shots of the engine's state give them, exact where none are asked for."""
    algorithm, offset = job.algorithm, job.model.offset
    shots, alpha = algorithm.shots_per_evaluation, algorithm.cvar_alpha
    exact, rng = objective(engine, alpha), job.rng("shots of evaluations")

    def estimate(angles: Real) -> tuple[float, float]:
        if shots is None:
            return offset + exact(angles)[0], 0.0
        probabilities = engine.probabilities(angles)
        energy, error = sampling.estimate(spectrum, probabilities, shots, alpha, rng)
        return offset + energy, error

    return estimate


def _from_shots(
    job: QaoaJob, estimate: Estimate, start: Start, point: Real, compared: StartsCompared | None
) -> Trained:
    """Return what an optimiser without gradients finds, from energies with the offset."""
    algorithm, offset = job.algorithm, job.model.offset
    numbers = itertools.count(1)
    log_phase("training", point.shape[1], point.shape[1])

    def logged(batch: Sequence[Real]) -> list[tuple[float, float]]:
        found = estimate(batch)
        for energy, _ in found:
            log_metric("energy", energy, next(numbers))
        return [(energy - offset, error) for energy, error in found]

    optimum = minimise_shots(
        logged,
        point,
        method=cast(Method, algorithm.optimizer),
        unit=start.unit,
        max_evaluations=algorithm.max_evaluations,
        deadline=job.training_deadline,
        rng=job.rng(algorithm.optimizer),
    )
    return Trained(optimum, _one_step(optimum), start.words, compared)


def _one_step(optimum: Optimum) -> tuple[Step, ...]:
    return (Step(optimum.angles, optimum.energy, len(optimum.history)),)


def objective(engine: Circuit, alpha: float) -> Evaluate:
    """Return what is minimised: the mean of an engine's energies, or of their lowest tail."""
    if alpha == 1:
        return engine.energy_and_gradient
    return lambda angles: engine.tail_and_gradient(angles, alpha)


def start_of(job: QaoaJob) -> Start:
    """Return the angles to start from, and where they come from."""
    algorithm, unit = job.algorithm, optimiser.typical_field(job.model)
    learning = job.prepared.learning
    suggestion = None if learning is None else learning.suggestion
    if suggestion is not None:
        return _learned(job, suggestion, unit)
    first = 1 if algorithm.depth == "auto" else algorithm.deepest
    points, words = _usual(job, first, unit)
    return Start(points, words, unit)


def _learned(job: QaoaJob, suggestion: Suggestion, unit: float) -> Start:
    """Return the angles that earlier runs suggest, and beside them the usual ones as deep."""
    points, words = _usual(job, suggestion.depth, unit)
    learned, *others = (
        from_units(np.array([each.gammas, each.betas]), unit)
        for each in (suggestion, *suggestion.others)
    )
    alone = job.algorithm.starts == 1
    points = [learned, *(points if alone else points[: job.algorithm.starts - 1])]
    what = "the best angles of earlier runs" if others else "angles of earlier runs"
    words = f"{what}, {'compared with' if alone else 'then'} {words}"
    return Start(points, words, unit, learned=True, others=tuple(others), best_alone=alone)


def _usual(job: QaoaJob, depth: int, unit: float) -> tuple[list[Real], str]:
    """Return the angles to start from without earlier runs, and where they come from."""
    algorithm, model = job.algorithm, job.model
    if algorithm.gammas is not None and algorithm.betas is not None:
        return [np.array([algorithm.gammas, algorithm.betas])], "angles as given"
    starts = optimiser.starting_points(depth, algorithm.starts, unit, job.rng("starts"))
    more = f", and {len(starts) - 1} ramps of other sizes" if len(starts) > 1 else ""
    if algorithm.warm_start != "none":
        return starts, (
            f"linear ramp{more}; each qubit is tilted towards its value in a "
            f"{algorithm.warm_start} solution, so what is found is partly a classical answer"
        )
    if algorithm.initial_angles != "ramp":
        transferred = known_angles.transferred(model, depth)
        if transferred is not None:
            starts[0] = transferred
            return starts, f"angles of the regular tree that the couplings resemble{more}"
    return starts, f"linear ramp{more}"
