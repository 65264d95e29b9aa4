"""Recursive QAOA on cut circuits: angles by exact gradients, correlations from the devices' shots.

Each round trains the angles of what is left, measures its circuit in parts, and fixes variables by
the correlations that these are put together to, until what is left at the end is enumerated. Where
to cut is decided anew in each round, for edges vanish and others come to be: a variable takes over
those of the one that follows it. So a round fixes variables until what is left can be cut again,
by circuits of no more cost than the first.

What is paid for follows from decisions of the journal: the angles of each round, what it fixed, and
the next cut.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from math import ceil
from typing import TYPE_CHECKING, cast

from hybrid_job import classical
from hybrid_job.correlations.exact import Correlations
from hybrid_job.job import CutRqaoaJob
from hybrid_job.journal import Kept
from hybrid_job.metrics import log_metric, log_phase
from hybrid_job.optimising.angles import starting
from hybrid_job.optimising.optimiser import Optimum, Real
from hybrid_job.rounding import recursive
from hybrid_job.rounding.recursive import Rounding
from hybrid_job.solvers.cut import devices_of, parts_of, round_of
from hybrid_job.solvers.rqaoa import result_of, whole_state
from hybrid_job.solvers.training import Optimised
from hybrid_job.stopwatch import Stopwatch
from quantum_pipeline.cutting import Part
from quantum_pipeline.cutting.expansion import Expansion
from quantum_pipeline.cutting.partition import crossing
from quantum_pipeline.ising import IsingModel
from quantum_pipeline.ising.reduced import ENUMERATED
from quantum_pipeline.planning.blocks import Room
from quantum_pipeline.planning.cuts import circuits_by_part, divided
from quantum_pipeline.quantities import Entries, Number
from quantum_pipeline.requests.limits import RunLimit
from quantum_pipeline.results import DeviceRun, JobSeconds, OptimisationResult
from quantum_pipeline.results.fixing import Fixing, Term, measured_terms
from quantum_pipeline.results.optimisation import CutRound
from quantum_pipeline.wording import refusal

if TYPE_CHECKING:
    from hybrid_job.on_device.executor import Executor
    from hybrid_job.on_device.lanes import Lanes
    from hybrid_job.on_device.parts import MeasuredParts


CAP: RunLimit = "limits.max_cost_usd"


class _Angles(Kept):
    """What an optimisation found; nothing where the budget was used up."""

    found: Optimised | None


class _Next(Kept):
    """How many variables a round was to leave, goal by goal, and the parts of what is left."""

    goals: Entries[Number]
    parts: Entries[Part]


def solve(job: CutRqaoaJob) -> OptimisationResult:
    """Return the result of a run: the classical baseline, then what the correlations round to.

    Raises:
        PipelineError: what happens on a device, see ``on_device.parts``.
    """
    with devices_of(job) as on:
        return solved(job, on)


def solved(job: CutRqaoaJob, on: Executor | Lanes) -> OptimisationResult:
    """Return the result of a run whose circuits one device runs, or several."""
    watch = Stopwatch()
    log_phase("classical")
    baseline = classical.solve(
        job.model, exact=job.exact, seconds=job.classical_seconds, rng=job.rng("classical")
    )
    classical_seconds = watch.lap()
    start, started_from = starting(job.model, job.algorithm.depth)
    rounds = MeasuredRounds(job, on)
    found = rounds.played(start)
    run = rounds.device_run(found.mean_energy)
    on.close()  # what is cancelled now is not billed
    seconds = JobSeconds(
        classical=classical_seconds,
        optimise=max(0.0, watch.lap() - rounds.seconds),
        sample=rounds.seconds,
        total=job.seconds,
    )
    measured = rounds.done[0].put_together(rounds.done[0].expansion(job.model)).energy()
    result = result_of(job, baseline, started_from, found, seconds)
    return result.model_copy(
        update={
            "cut_rounds": tuple(rounds.done),
            "mean_energy": measured.value,
            "mean_energy_exact": False,
            "standard_error": measured.error,
            "stop_reason": f"{found.sentence}; {rounds.in_words()}",
            "devices": rounds.first.shares,
            "tasks": on.tasks,
            "device_run": run,
        }
    )


class MeasuredRounds:
    """Fixes variables by measured correlations, one round after the other.

    ``done`` has the rounds that were measured, ``seconds`` what that took.
    """

    def __init__(self, job: CutRqaoaJob, on: Executor | Lanes) -> None:
        self._job, self._on = job, on
        self._parts = job.algorithm.parts
        self._terms: list[Term] = []
        self._measured: list[MeasuredParts] = []
        self._optimisations = itertools.count()
        self._stopped: RunLimit | None = None
        self.done: list[CutRound] = []
        self.seconds = 0.0

    def played(self, start: Real) -> Rounding:
        """Return what all rounds come to, from the angles of the first one's start."""
        numbers = itertools.count(1)
        depth = self._job.algorithm.depth
        log_phase("training", depth, depth)
        return recursive.solve(
            self._job.model,
            depth,
            [start],
            max_evaluations=self._job.algorithm.max_evaluations,
            deadline=self._job.training_deadline,
            engine=whole_state,
            progress=lambda energy: log_metric("energy", energy, next(numbers)),
            every=1,
            step=self,
            kept=self._kept,
        )

    def __call__(self, fixing: Fixing, _state: Correlations, angles: Real, /) -> None:
        """Measure what is left, and fix variables of it.

        Where money or time end after the first round, its correlations fix all the rest.

        Raises:
            CapReached, TimeReached: they ended before there were any correlations.
            PipelineError: by name, as ``Executor.run`` raises.
        """
        from hybrid_job.on_device.executor import CapReached, TimeReached  # noqa: PLC0415

        place, watch = len(self.done), Stopwatch()
        left = fixing.reduced.model() if place else self._job.model
        expansion = Expansion(left, self._parts, angles)
        try:
            parts = parts_of(self._job, self._on, expansion, place)
            measured = round_of(expansion, parts.run(), goals=())
        except (CapReached, TimeReached) as error:
            if not place:
                raise
            self._stopped = error.limit
            self._fix(fixing, place - 1, (ENUMERATED,))
            return
        finally:
            self.seconds += watch.lap()
        self._measured.append(parts)
        self.done.append(measured)
        found = measured.put_together(expansion)
        self._terms = measured_terms(fixing.reduced.variables, left, found)
        self._follow(fixing, place)

    @property
    def first(self) -> MeasuredParts:
        """What was measured first."""
        return self._measured[0]

    def device_run(self, trained_energy: float) -> DeviceRun:
        """Return what ran, with the compilation of the widest circuit of all rounds."""
        run = max(self._measured, key=lambda each: each.width).device_run(trained_energy)
        if self._stopped is None:
            return run.model_copy(update=self._short(self.first.cut_short))
        return run.model_copy(update=self._short(self._stopped_in_words()))

    def in_words(self) -> str:
        """Return what was measured."""
        count = len(self.done)
        return f"correlations measured in {count} round{'s' * (count != 1)}"

    def _short(self, words: str | None) -> dict[str, object]:
        limits = {} if self.first.cut_short is None else {CAP: None}
        if self._stopped is not None:
            limits[self._stopped] = None
        return {"cut_short": words, "cut_short_by": tuple(limits)}

    def _stopped_in_words(self) -> str:
        limit = self._stopped or CAP
        value = getattr(self._job.prepared.request.limits, limit.removeprefix("limits."))
        said = f"{limit} = {value:g}: {len(self.done)} of up to {self._job.algorithm.rounds} rounds"
        return said if self.first.cut_short is None else f"{self.first.cut_short}; {said}"

    def _kept(self, make: Callable[[], Optimum | None]) -> Optimum | None:
        """Return what an earlier attempt found in an optimisation, or have it made and keep it."""
        purpose, journal = f"angles {next(self._optimisations)}", self._job.journal
        kept = journal.decision(purpose, _Angles)
        if kept is not None:
            return None if kept.found is None else kept.found.optimum(journal, purpose)
        made = make()
        found = None if made is None else Optimised(**Optimised.fields_of(made))
        journal.record_decision(purpose, _Angles(found=found))
        return made

    def _follow(self, fixing: Fixing, place: int) -> None:
        """Fix what a round fixes, as an earlier attempt decided, and cut what is left."""
        purpose, journal = f"cut {place + 1}", self._job.journal
        decided = journal.decision(purpose, _Next)
        if decided is None:
            decided = self._decide(fixing, place)
            journal.record_decision(purpose, decided)
        else:
            self._fix(fixing, place, decided.goals)
            with journal.checked(purpose):
                self._check(fixing, decided)
        self._parts = decided.parts

    def _decide(self, fixing: Fixing, place: int) -> _Next:
        """Fix as many as leave all rounds alike, and on until what is left can be cut."""
        n, more = len(fixing.reduced.variables), 1
        each = ceil((n - ENUMERATED) / (self._job.algorithm.rounds - place))
        goal = min(n, max(ENUMERATED, n - each))
        goals: list[int] = []
        while True:
            goals.append(goal)
            self._fix(fixing, place, (goal,))
            left = len(fixing.reduced.variables)
            if left <= ENUMERATED:
                return _Next(goals=tuple(goals), parts=())
            parts = self._cut(fixing.reduced.model())
            if parts is not None:
                return _Next(goals=tuple(goals), parts=parts)
            goal, more = max(ENUMERATED, left - more), 2 * more

    def _cut(self, left: IsingModel) -> tuple[Part, ...] | None:
        """Return the parts of what is left, None where they would take more than the first ones."""
        algorithm, rooms = self._job.algorithm, self._rooms()
        depth = algorithm.depth
        widths = sorted({room.qubits for room in rooms if room.qubits is not None})
        parts = divided(left, rooms, widths, depth=depth, most=algorithm.cut)
        if parts is None or sum(circuits_by_part(left, parts, depth)) > self.first.executables:
            return None
        return parts

    def _rooms(self) -> list[Room]:
        """Return the devices that are there, as they were when the job first reached them."""
        prepared, shots = self._job.prepared, self._job.prepared.request.shots
        if prepared.others:
            return [
                Room.of(lane.device, lane.there.state, shots)
                for lane in cast("Lanes", self._on).every
                if lane.lost is None
            ]
        return [Room.of(prepared.device, cast("Executor", self._on).state, shots)]

    def _check(self, fixing: Fixing, decided: _Next) -> None:
        """Refuse parts of a journal that are not those of what is left, or cut too much."""
        n = len(fixing.reduced.variables)
        given = sorted(v for part in decided.parts for v in part.variables)
        if given != (list(range(n)) if n > ENUMERATED else []):
            raise ValueError(refusal("parts", given, f"each of {n} variables once"))
        if not given:
            return
        cut = crossing(fixing.reduced.model(), [part.variables for part in decided.parts])
        gates = self._job.algorithm.depth * len(cut)
        if gates > self._job.algorithm.cut:
            raise ValueError(refusal("gates cut", gates, f"up to {self._job.algorithm.cut}"))

    def _fix(self, fixing: Fixing, place: int, goals: tuple[int, ...]) -> None:
        """Fix variables by the correlations of a round until so many are left."""
        for goal in goals:
            fixing.eliminate(self._terms, goal)
        measured = self.done[place]
        self.done[place] = measured.model_copy(update={"goals": (*measured.goals, *goals)})
