"""Plans of faults: which run, what goes wrong and where; as text that replays, and by seed."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tests.faults.calls_of_aws import CALLS, OF_PACKS, OF_STUDIES
from tests.faults.places import ENGINE, JOB, Place

LASTING = 10**6
"""How often a fault strikes that is there until the run has ended."""

ALONE = ("local", "sv1", "refused", "broken")
ON_DEVICES = ("sv1", "divide", "qpus", "cut", "kernel")
RUNS = (*ALONE, "pack", "study", *ON_DEVICES[1:], "table")
"""On which device; a request that is refused; a job that fails by itself; a pack; a study; blocks
on sv1, and on two QPUs; parts on sv1; a table whose kernel sv1 measures, and one whose models are
computed."""

EVENTS = ("once", "twice", "late", "lost")
"""How often EventBridge delivers the end of the execution: late is after the first sweep."""

STUCK = ("job", "tasks")

KINDS = {
    "throttle": "is refused as one of too many",
    "error": "fails by the service's own fault",
    "deny": "is refused for good",
    "reset": "has its connection closed without an answer",
    "late": "has its connection closed, and its effect a moment later",
    "cut": "has its effect; the answer ends before it says that it does",
    "half": "has its effect; half of the answer comes, and says that it is whole",
    "silent": "has its effect; no answer comes for longer than a client waits",
    "slow": "takes a moment",
    "long": "takes longer than Cancel is called again for",
    "kill": "is the last that its caller does: its process is killed",
    "kill-job": "is when the job's process is killed",
    "stop": "is when the execution is stopped",
    "abandon": "calls a function of which nobody hears, and which is called again",
}
"""What a call that is struck comes to; with ``-after``, once it has had its effect."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong at some calls of a place: the ``at``-th and those after it."""

    place: Place
    kind: str
    at: int = 1
    times: int = 1

    def __str__(self) -> str:
        at = f"#{self.at}" if self.at > 1 else ""
        times = f"*{'always' if self.times == LASTING else self.times}" if self.times > 1 else ""
        return f"{self.place}{at} {self.kind}{times}"

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Return the fault that is written so.

        >>> str(Fault.parse("Submit PutObject:job.json#2 throttle*always"))
        'Submit PutObject:job.json#2 throttle*always'
        """
        form = r"(\w+) ([\w:.]+)(?:#(\d+))? ([\w-]+)(?:\*(\d+|always))?"
        found = re.fullmatch(form, text.strip())
        if found is None:
            raise ValueError(f"{text!r} is no fault; one is: Submit CreateJob#2 throttle*3")
        caller, operation, at, kind, times = found.groups()
        if operation not in CALLS.get(caller, ()):
            raise ValueError(f"{caller} {operation} is no call; those of it: {CALLS.get(caller)}")
        if kind.removesuffix("-after") not in KINDS:
            raise ValueError(f"{kind!r} is none of {', '.join(KINDS)}")
        n_times = LASTING if times == "always" else int(times or 1)
        return cls(Place(caller, operation), kind, int(at or 1), n_times)


@dataclass(frozen=True)
class Plan:
    """One run, and its faults.

    Attributes:
        kind: what it was drawn as; not part of its text.
        run: one of `RUNS`.
        stuck: "job" where the job never leaves the queue, "tasks" where its tasks never do; the run
            is stopped then, if by nothing else.
        events: one of `EVENTS`.
    """

    faults: tuple[Fault, ...]
    run: str = "local"
    stuck: str = ""
    events: str = "once"
    kind: str = "replayed"

    def __str__(self) -> str:
        head = [
            self.run,
            *([f"stuck-{self.stuck}"] if self.stuck else []),
            *([f"events-{self.events}"] if self.events != "once" else []),
        ]
        return f"{' '.join(head)}: {'; '.join(map(str, self.faults))}"

    @classmethod
    def parse(cls, text: str) -> Plan:
        """Return the plan that is written so.

        >>> str(Plan.parse("sv1 stuck-job events-late: Submit CreateJob stop; Cancel GetJob cut*2"))
        'sv1 stuck-job events-late: Submit CreateJob stop; Cancel GetJob cut*2'
        """
        head, _, faults = text.partition(":")
        words = head.split()
        if not {*RUNS} & {*words}:
            raise ValueError(f"{head!r} names none of {', '.join(RUNS)}")
        return cls(
            tuple(Fault.parse(each) for each in faults.split(";") if each.strip()),
            run=next(each for each in RUNS if each in words),
            stuck=next((each for each in STUCK if f"stuck-{each}" in words), ""),
            events=next((each for each in EVENTS if f"events-{each}" in words), "once"),
        )


ANSWERS = ("throttle", "error", "error-after", "reset", "reset-after", "cut", "half", "slow")
"""What a client may meet in any call; what is slow may be long, or silent."""

LATE = ("late",)
KILLS = ("kill", "kill-after")
STOPS = ("stop", "stop-after")
OF_THE_ENGINE = ("throttle", "error", "error-after", "abandon", "slow")

_SHARES = {"local": 0.7, "sv1": 0.15, "refused": 0.08, "broken": 0.07}
_SHARES |= dict.fromkeys(RUNS[len(ALONE) :], 0.15)
_OF_A_RUN = ("Prepare", "Submit", "Monitor", "PostProcess", ENGINE, JOB)
_OF_DEVICES = "QuantumTask|GetDevice|results.json"
_END = {
    "local": "end.json|Copy|completed|PutItem|Delete|List|Publish",
    "refused": "end.json|failure|PutItem|Delete|List|Publish",
    "broken": "end.json|failure|PutItem|Delete|List|Publish",
}
"""The calls of an end."""

AIMS = ("stop in Submit", "claim and telling", "resume")
OTHERS = ("single", "several", "stop", "events", "job", "pack", "study", "divide", "cut", "table")


def drawn(seed: int, number: int) -> Plan:
    """Return a plan of a seed; every third is two or three faults aimed at one place."""
    chance = random.Random(f"{seed}/{number}")
    kind = AIMS[number // 3 % len(AIMS)] if number % 3 == 0 else chance.choice(OTHERS)
    plan = _DRAWERS[kind](chance)
    return replace(plan, kind=kind)


def kinds_at(place: Place) -> tuple[str, ...]:
    """Return what may go wrong at a place, but for stops."""
    if place.caller == ENGINE:
        return OF_THE_ENGINE
    if place.caller == JOB:  # what Braket stores for a job does not fail
        own = "QuantumTask" in place.operation or place.operation == "GetDevice"
        return (*ANSWERS, "kill-job") if own else ("slow", "kill-job")
    late = LATE if re.fullmatch("CreateJob|Cancel.+", place.operation) else ()
    return (*ANSWERS, *KILLS, *late)


class _Draw:
    """Draws the faults of one plan, whose run is drawn first."""

    def __init__(self, chance: random.Random, *runs: str) -> None:
        self.chance = chance
        weights = [_SHARES[each] for each in runs or ALONE]
        self.run = chance.choices(runs or ALONE, weights)[0]

    def one_of(self, *choices: Any) -> Any:
        return self.chance.choice(choices)

    def places(self, *callers: str, only: str = "") -> list[Place]:
        """Return the calls of these callers that the run comes to, as far as is known before."""
        return [
            Place(caller, operation)
            for caller in callers
            if self.run != "refused" or caller in ("Prepare", "Cancel", "Sweep", ENGINE)
            for operation in CALLS[caller]
            if self.run in ON_DEVICES or not re.search(_OF_DEVICES, operation)
            if self.run in ("pack", "study") or operation not in OF_PACKS.get(caller, ())
            if self.run == "study" or operation not in OF_STUDIES.get(caller, ())
            if re.search(only, operation)
        ]

    def place(self, *callers: str, only: str = "") -> Place:
        return self.chance.choice(self.places(*callers, only=only))

    def fault(self, place: Place) -> Fault:
        """Return any fault of a place, at one call or a few."""
        kind = self.one_of(*kinds_at(place))
        if kind == "slow" and place.caller not in (ENGINE, JOB):
            [kind] = self.chance.choices(("slow", "long", "silent"), (0.5, 0.3, 0.2))
        several = self.one_of(1, 1, 1, 2, 3, 5) if kind in ANSWERS[:-1] else 1
        return Fault(place, kind, self.one_of(1, 1, 1, 1, 2), several)

    def worse(self, place: Place) -> Fault:
        """Return a fault that lasts, or kills, more often than others."""
        if place.caller in (ENGINE, JOB) or self.chance.random() < 0.5:
            return self.fault(place)
        if self.chance.random() < 0.3:
            return Fault(place, self.one_of(*KILLS), self.one_of(1, 2), self.one_of(1, 1, 2, 5))
        times = self.one_of(2, 4, 20, LASTING)
        return Fault(place, self.one_of("throttle", "error", "deny", "half"), times=times)

    def stuck(self) -> str:
        """Return which queue does not move, or none."""
        return str(self.one_of("", "tasks") if self.run in ON_DEVICES else self.one_of("", "job"))

    def stop(self, place: Place) -> Fault:
        return Fault(place, self.one_of(*STOPS), self.one_of(1, 1, 1, 2))


def _single(chance: random.Random) -> Plan:
    draw = _Draw(chance, "local", "sv1", "divide", "qpus")
    return Plan((draw.fault(draw.place(*_OF_A_RUN)),), run=draw.run)


def _several(chance: random.Random) -> Plan:
    draw = _Draw(chance)
    faults = [draw.fault(draw.place(*_OF_A_RUN, "Cancel", "Sweep")) for _ in range(3)]
    if chance.random() < 0.2:
        place = draw.place("Prepare", "Submit", "PostProcess", "Cancel")
        faults[0] = Fault(place, draw.one_of("deny", "throttle", "error"), times=LASTING)
    return Plan(tuple(faults[: draw.one_of(2, 3)]), run=draw.run)


def _stop(chance: random.Random) -> Plan:
    draw = _Draw(chance)
    stop = draw.stop(draw.place(*_OF_A_RUN))
    later = [draw.fault(draw.place("Cancel", "PostProcess", "Monitor", "Submit"))]
    stuck = draw.stuck() if stop.place.caller not in (JOB, "PostProcess") else ""
    return Plan((stop, *later[: draw.one_of(0, 1)]), run=draw.run, stuck=stuck)


def _events(chance: random.Random) -> Plan:
    draw = _Draw(chance)
    faults = [draw.stop(draw.place(*_OF_A_RUN)), draw.worse(draw.place("Sweep", "Cancel"))]
    stuck = draw.stuck() if faults[0].place.caller in ("Prepare", "Submit", "Monitor") else ""
    count = draw.one_of(1, 2)
    return Plan(tuple(faults[:count]), run=draw.run, stuck=stuck, events=draw.one_of(*EVENTS[1:]))


def _job(chance: random.Random) -> Plan:
    draw = _Draw(chance, "local", "sv1", "divide", "qpus")
    if chance.random() < 0.3:
        later = tuple(draw.fault(draw.place("Cancel")) for _ in range(2))
        stuck = draw.stuck() or "job"
        return Plan(later, run=draw.run, stuck=stuck, events=draw.one_of(*EVENTS))
    killed = Fault(draw.place(JOB), "kill-job", draw.one_of(1, 1, 2))
    return Plan((killed, draw.fault(draw.place(JOB)))[: draw.one_of(1, 2)], run=draw.run)


def _stop_in_submit(chance: random.Random) -> Plan:
    """A stop while Submit works, and one or two faults of what cleans up after it."""
    draw, create = _Draw(chance, "local", "sv1"), Place("Submit", "CreateJob")
    places = draw.places("Submit", only="end.json|job.json|prepared.json|source")
    stop = Fault(draw.one_of(create, create, *places), draw.one_of(*STOPS))
    clean = draw.places("Submit", only="GetJob|CancelJob|job.json|end.json")
    clean += draw.places("Cancel", only="Jobs?$|job.json|prepared.json|end.json|Task")
    more = [draw.worse(draw.one_of(*clean)) for _ in range(draw.one_of(1, 2))]
    if chance.random() < 0.3:  # Cancel has come and gone for the last time before the job is there
        stop = Fault(Place("Submit", "GetObject:prepared.json"), draw.one_of(*STOPS))
        late = Fault(Place("Submit", "GetObject:source"), "long")
        last = draw.worse(draw.place("Submit", only="GetJob|CancelJob|PutObject:job.json"))
        more = [late, last]
    elif stop.place != create and chance.random() < 0.3:
        more[0] = Fault(create, draw.one_of("kill-after", "reset-after", "late", "half"))
    return Plan((stop, *more), run=draw.run, stuck="job", events=draw.one_of(*EVENTS))


def _claim_and_telling(chance: random.Random) -> Plan:
    """Two or three faults from the claim of an end until it is marked as told."""
    draw = _Draw(chance, "local", "local", "refused", "broken")
    ender = "PostProcess" if draw.run == "local" else "Cancel"
    places = draw.places(ender, only=_END[draw.run])
    faults = [draw.worse(chance.choice(places)) for _ in range(draw.one_of(2, 3))]
    faults = [
        replace(each, at=draw.one_of(1, 2, 3)) if "end" in each.place.operation else each
        for each in faults
    ]
    if chance.random() < 0.3:
        faults[-1] = draw.stop(chance.choice(places))
    if chance.random() < 0.2:
        faults[0] = Fault(Place(ENGINE, f"Invoke:{ender}"), "abandon")
    return Plan(tuple(faults), run=draw.run, events=draw.one_of(*EVENTS))


def _resume(chance: random.Random) -> Plan:
    """A job that is killed, and one or two faults of the attempt after it."""
    draw = _Draw(chance, "local", "sv1", "divide", "qpus")
    kill = Fault(draw.place(JOB, only="checkpoints|prepared|source|Log|Task"), "kill-job")
    places = draw.places("Submit", only="job|CreateJob|end.json|SearchJobs")
    places += [*draw.places("Monitor"), *draw.places(ENGINE, only="Submit|Monitor")]
    second = replace(draw.worse(draw.one_of(*places)), at=draw.one_of(1, 2, 2))
    third = [draw.stop(draw.one_of(*places))]
    return Plan((kill, second, *third[: draw.one_of(0, 0, 1)]), run=draw.run)


def _pack(chance: random.Random) -> Plan:
    """One fault or two, of the pack's way or of the ends of its runs."""
    draw = _Draw(chance, "pack")
    first = draw.fault(draw.place(*_OF_A_RUN, "Cancel"))
    if chance.random() < 0.5:
        kill = Fault(draw.place(JOB, only="inputs|checkpoints|Log"), "kill-job")
        first = draw.one_of(kill, draw.stop(draw.place(*_OF_A_RUN)))
    ends = replace(
        draw.worse(draw.place("PostProcess", "Cancel", "Prepare")), at=draw.one_of(1, 2, 3)
    )
    return Plan((first, ends)[: draw.one_of(1, 2)], run="pack", events=draw.one_of(*EVENTS))


def _study(chance: random.Random) -> Plan:
    """One fault or two, of a study's way, of its end or of one of its runs."""
    draw, own = _Draw(chance, "study"), ("PlanRound", "Summarise", "StopRuns")
    first = draw.fault(draw.one_of(draw.place(*own), draw.place(ENGINE, only="Plan|Summ")))
    if chance.random() < 0.5:
        at = draw.place(*_OF_A_RUN, "PlanRound", "Summarise")
        first = draw.stop(draw.one_of(at, draw.place(ENGINE)))
    second = draw.worse(draw.place(*own, *_OF_A_RUN, "Cancel"))
    return Plan((first, second)[: draw.one_of(1, 2)], run="study", events=draw.one_of(*EVENTS))


def _measuring(chance: random.Random, *of: str) -> Plan:
    """One fault or two of a job that measures blocks in one task after the other, or parts."""
    draw = _Draw(chance, *of)
    first = draw.fault(draw.place(JOB))
    if chance.random() < 0.6:
        killed = draw.place(JOB, only="checkpoints|Task|Device")
        first = Fault(killed, "kill-job", draw.one_of(1, 2, 3, 4))
    if chance.random() < 0.2:
        first = draw.stop(draw.place(JOB, only="Task"))
    second = draw.fault(draw.place(JOB, "Submit", "PostProcess"))
    return Plan((first, second)[: draw.one_of(1, 2)], run=draw.run, events=draw.one_of(*EVENTS))


def _table(chance: random.Random) -> Plan:
    """One fault or two of a job that tries settings of models, and then may measure a kernel."""
    draw = _Draw(chance, "table", "kernel")
    first = draw.fault(draw.place(*_OF_A_RUN))
    if chance.random() < 0.6:
        killed = draw.place(JOB, only="checkpoints|Task|Device|Log|results")
        first = Fault(killed, "kill-job", draw.one_of(1, 1, 2, 3))
    if chance.random() < 0.2:
        first = draw.stop(draw.place(JOB))
    second = draw.fault(draw.place(JOB, "Submit", "PostProcess", "Cancel"))
    return Plan((first, second)[: draw.one_of(1, 2)], run=draw.run, events=draw.one_of(*EVENTS))


_DRAWERS: dict[str, Callable[[random.Random], Plan]] = {
    "single": _single,
    "several": _several,
    "stop": _stop,
    "events": _events,
    "job": _job,
    "pack": _pack,
    "study": _study,
    "divide": lambda chance: _measuring(chance, "divide", "qpus"),
    "cut": lambda chance: _measuring(chance, "cut"),
    "table": _table,
    "stop in Submit": _stop_in_submit,
    "claim and telling": _claim_and_telling,
    "resume": _resume,
}
