"""Divide as the job runs it: blocks by QAOA in rounds, then what they are compared with.

What a round came to is a decision of the journal: an attempt that starts again reads those that
there are, and goes on. Nothing hangs on how many processes there are.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hybrid_job import classical, environment
from hybrid_job.classical import local_search
from hybrid_job.dividing import blocks
from hybrid_job.dividing.blocks import ByQaoa, Solver
from hybrid_job.dividing.partition import partition
from hybrid_job.dividing.rounds import GAIN, HEATS, Dividing, Round, Solve, cooled, refined
from hybrid_job.dividing.spins import bits, read, written
from hybrid_job.dividing.system import Places, Real, System
from hybrid_job.dividing.workers import Workers, workers
from hybrid_job.job import DivideJob, versions
from hybrid_job.journal import Kept
from hybrid_job.limits import LimitReached, time_is_up
from hybrid_job.metrics import log_metric, log_phase
from hybrid_job.stopwatch import Stopwatch
from quantum_pipeline.planning.blocks import DEVICE_WAVES
from quantum_pipeline.quantities import Count, Number, Seconds, Text
from quantum_pipeline.requests.limits import Limit
from quantum_pipeline.results import (
    ClassicalSolution,
    Compared,
    DeviceRun,
    DividedResult,
    DividedRound,
    Evaluation,
    JobSeconds,
)
from quantum_pipeline.results.divided import LABELLED, Way

if TYPE_CHECKING:
    from hybrid_job.on_device.blocks import DeviceBlocks

PATIENCE = 30
"""Rounds in a row without cooling that gain next to nothing, after which no further one is made."""

SHARE = 0.5
"""Of the time that is left, for the rounds; then for each of what they are compared with at most.
"""

ON_DEVICES = 0.9
"""The same for rounds on devices, which wait: what they are compared with takes far less."""

FEWEST_SECONDS = 1.0
"""That annealing has, where divide took less."""

RIVAL_SECONDS = 60.0
"""That the same rounds with other solvers have, where divide took less: no answer of a small run
hangs on how quick its machine is."""

MOST_PROVEN = 4096
"""Variables up to which a proof is tried; beyond, the baseline is annealing."""


_Rounds = Callable[..., Iterator[Round]]


class _Kept(Kept):
    """What a round left: bit k of ``spins``, in hexadecimal digits, is spin k, 1 for -1.

    ``seconds`` are those of the attempt that made it.
    """

    spins: Text
    blocks: Count
    improved: Number
    seconds: Seconds


class _Made(NamedTuple):
    """A round, and the seconds that it took."""

    round: Round
    seconds: float


@dataclass(frozen=True)
class _Work:
    """A run, what it solves, and the blocks that all ways start from."""

    job: DivideJob
    system: System
    parts: list[Places]

    @property
    def cools(self) -> bool:
        """Whether rounds are coolings: on devices each costs shots, of one block all are alike."""
        return self.job.prepared.device.kind == "local" and len(self.parts) > 1

    def dividing(self, solve: Solve) -> Dividing:
        """Return how the blocks are solved by what solves them."""
        size, seed = self.job.algorithm.block_size, self.job.prepared.request.seed
        return Dividing(self.system, self.parts, solve, size, seed)

    def on_devices(self, solve: Solve) -> Dividing:
        """Return the same in the waves that are planned on devices."""
        return replace(self.dividing(solve), waves=DEVICE_WAVES)


@dataclass
class _Course:
    """Rounds that were made, and the seconds that they took, in whichever attempt."""

    rounds: list[Round] = field(default_factory=list)
    seconds: float = 0.0
    reached: LimitReached | None = None

    @property
    def spins(self) -> Real:
        return self.rounds[-1].spins


def solve(job: DivideJob) -> DividedResult:
    """Return the result of a run: the baseline, the rounds, and what they are compared with."""
    if job.prepared.device.kind == "local":
        return _solved(job, None)
    # First of all: an attempt is paid for from its start, and a device that is gone ends it.
    log_phase("compiling")
    from hybrid_job.on_device.blocks import DeviceBlocks  # noqa: PLC0415 (the SDK takes seconds)
    from hybrid_job.on_device.lanes import Lanes  # noqa: PLC0415

    with Lanes(job, _deadline(job, ON_DEVICES)) as lanes:
        return _solved(job, DeviceBlocks(job, lanes))


def _solved(job: DivideJob, devices: DeviceBlocks | None) -> DividedResult:
    system, watch = System.of(job.model), Stopwatch()
    baseline = _baseline(job)
    classical_seconds = watch.lap()
    parts = partition(system, job.algorithm.block_size, job.prepared.request.seed)
    work = _Work(job, system, parts)
    if devices is not None:
        course = _measured(work, devices)
    with workers(environment.processors()) as pool:
        if devices is None:
            by_qaoa = work.dividing(_by(pool, _by_qaoa(job), job))
            course = _course(work, "qaoa", by_qaoa, _deadline(job, SHARE))
        compared = tuple(_compared(work, course, pool, baseline))
    seconds = JobSeconds(
        classical=classical_seconds, optimise=course.seconds, sample=0.0, total=job.seconds
    )
    result = _result(work, course, compared, baseline, seconds)
    return result if devices is None else _with_devices(result, course, devices)


def _measured(work: _Work, devices: DeviceBlocks) -> _Course:
    """Return the rounds on devices; all tasks are over then.

    Raises:
        BudgetExceeded, JobFailed: money or time ended before the blocks were merged.
    """
    try:
        course = _course(work, "qaoa", work.on_devices(devices), _deadline(work.job, ON_DEVICES))
    except LimitReached as reached:
        raise (reached.__cause__ or reached) from None
    devices.lanes.close()  # what is cancelled now is not billed
    return course


def _with_devices(result: DividedResult, course: _Course, devices: DeviceBlocks) -> DividedResult:
    reached, cut = course.reached, None
    if reached is not None and reached.limit != "algorithm.max_evaluations":
        cut = reached.limit
    run = DeviceRun(
        emulated=devices.lanes.emulated,
        compilation=devices.compilation,
        mitigation=None,
        cut_short=f"{reached}: the rounds ended early" if cut else None,
        cut_short_by=(cut,) if cut else (),
    )
    changes = {"tasks": devices.lanes.tasks, "device_run": run, "devices": devices.lanes.shares}
    return result.model_copy(update=changes)


def _by(pool: Workers, solver: Solver, job: DivideJob) -> Solve:
    seed = job.prepared.request.seed
    return lambda blocks, place: pool.solve(solver, blocks, (seed, *place))


def _deadline(job: DivideJob, share: float) -> float:
    """Return the time of ``time.monotonic`` at which a share of what is left will be over."""
    now = time.monotonic()
    return now + share * max(0.0, job.deadline(reserved=1.0) - now)


def _by_qaoa(job: DivideJob) -> ByQaoa:
    algorithm, shots = job.algorithm, job.prepared.request.shots
    return ByQaoa(algorithm.depth, shots, algorithm.evaluations)


def _course(work: _Work, name: str, dividing: Dividing, deadline: float) -> _Course:
    """Return the rounds of a way to divide, from the journal as far as they are there.

    None begins after a time of ``time.monotonic``.
    """
    job, course = work.job, _Course()

    def remember(number: int, make: Callable[[], Round]) -> Round:
        made = _remembered(work, name, number, make)
        course.seconds += made.seconds
        return made.round

    rounds: _Rounds = cooled if work.cools else partial(refined, patience=PATIENCE)
    for found in rounds(
        dividing, rounds=job.algorithm.max_rounds, deadline=deadline, remember=remember
    ):
        course.reached = found.reached
        if not found.blocks:  # a limit came before the first of them
            break
        course.rounds.append(found)
        if name == "qaoa":
            most = job.algorithm.max_rounds
            log_phase("rounds", min(found.number + 1, most), most)
            log_metric("energy", job.model.offset + found.energy, found.number + 1)
            log_metric("blocks", found.blocks, found.number + 1)
    if time.monotonic() > deadline:
        course.reached = course.reached or time_is_up()
    return course


def _remembered(work: _Work, name: str, number: int, make: Callable[[], Round]) -> _Made:
    """Return a round as the journal has it, or else as it is made now."""
    journal, purpose = work.job.journal, f"{name}, round {number}"
    kept = journal.decision(purpose, _Kept)
    if kept is None:
        watch = Stopwatch()
        found = make()
        if found.reached is not None:  # another attempt may come further
            return _Made(found, watch.lap())
        kept = _Kept(
            spins=written(found.spins),
            blocks=found.blocks,
            improved=found.improved,
            seconds=watch.lap(),
        )
        journal.record_decision(purpose, kept)
        return _Made(found, kept.seconds)
    with journal.checked(purpose):
        spins = read(kept.spins, work.system.n)
    energy = work.system.energy(spins)
    return _Made(Round(number, kept.blocks, kept.improved, energy, spins), kept.seconds)


def _compared(
    work: _Work, course: _Course, pool: Workers, baseline: ClassicalSolution
) -> list[Compared]:
    """Return what other ways come to, in the order of ``results.divided.WAYS``."""
    job, descent = work.job, work.dividing(_by(pool, blocks.by_descent, work.job))
    greedy = _remembered(work, "greedy", 0, descent.start)
    found = [_of(job, "greedy", greedy.round.spins, 0, greedy.seconds)]
    solvers: dict[Way, Solver] = {
        "enumeration": blocks.by_enumeration,
        "descent": blocks.by_descent,
    }
    for way, solver in solvers.items():
        end = time.monotonic() + max(RIVAL_SECONDS, course.seconds)
        rounds = work.dividing(_by(pool, solver, job))
        made = _course(work, way, rounds, min(end, _deadline(job, SHARE)))
        found.append(_of(job, way, made.spins, len(made.rounds) - 1, made.seconds))
    left = job.deadline(reserved=0.5) - time.monotonic()
    annealed = _annealed(work, baseline, max(FEWEST_SECONDS, min(course.seconds, left)))
    return [*found, _of(job, "annealing", annealed.round.spins, 0, annealed.seconds)]


def _of(job: DivideJob, way: Way, spins: Real, rounds: int, seconds: float) -> Compared:
    bitstring = bits(spins)
    energy = float(job.exact.energy(bitstring))
    return Compared(way=way, bitstring=bitstring, energy=energy, rounds=rounds, seconds=seconds)


def _annealed(work: _Work, baseline: ClassicalSolution, seconds: float) -> _Made:
    """Return what annealing of the whole finds in so many seconds, as the journal has it.

    It begins again until they are over, or it has the optimum, where that is proven.
    """
    job = work.job
    optimum = job.exact.energy(baseline.bitstring) if baseline.proven else None

    def anneal() -> Round:
        search = local_search.searches(job.model)["simulated annealing"]
        rng, deadline = job.rng("annealing"), time.monotonic() + seconds
        spins = search(rng, deadline)
        while time.monotonic() < deadline and job.exact.energy(bits(spins)) != optimum:
            spins = min(spins, search(rng, deadline), key=work.system.energy)
        return Round(0, 1, 1, work.system.energy(spins), spins)

    return _remembered(work, "annealing", 0, anneal)


def _baseline(job: DivideJob) -> ClassicalSolution:
    """Return the classical answer: proven where that is in reach, else the best that is found."""
    rng, seconds = job.rng("classical"), job.classical_seconds
    if job.model.n_variables <= MOST_PROVEN:
        return classical.solve(job.model, exact=job.exact, seconds=seconds, rng=rng)
    began = time.monotonic()
    search = local_search.searches(job.model)["simulated annealing"]
    bitstring = bits(search(rng, time.monotonic() + seconds))
    return ClassicalSolution(
        method="simulated annealing",
        bitstring=bitstring,
        energy=float(job.exact.energy(bitstring)),
        worst_energy=None,
        proven=False,
        seconds=time.monotonic() - began,
    )


def _result(
    work: _Work,
    course: _Course,
    compared: tuple[Compared, ...],
    baseline: ClassicalSolution,
    seconds: JobSeconds,
) -> DividedResult:
    job = work.job
    rounds = [
        DividedRound(
            round=each.number,
            blocks=each.blocks,
            improved=each.improved,
            energy=job.model.offset + each.energy,
        )
        for each in course.rounds
    ]
    bitstring = bits(course.spins)
    sentence, limit = _ended(work, course)
    return DividedResult(
        run_id=job.prepared.run_id,
        algorithm="divide",
        engine=_engine(job),
        start="for each block, angles of the regular tree that its couplings resemble, or a "
        "linear ramp where fields matter",
        depth=job.algorithm.depth,
        block_size=job.algorithm.block_size,
        partition=_labels(work),
        rounds=tuple(rounds),
        history=tuple(
            Evaluation(evaluation=each.round + 1, start=1, energy=each.energy) for each in rounds
        ),
        converged=limit is None,
        stop_reason=sentence,
        stopped_by=limit,
        best_bitstring=bitstring,
        best_energy=float(job.exact.energy(bitstring)),
        compared=compared,
        classical=baseline,
        seconds=seconds,
        versions=versions(),
    )


def _engine(job: DivideJob) -> str:
    """Return where the samples of blocks come from, in words."""
    prepared, size = job.prepared, job.algorithm.block_size
    if prepared.device.kind != "local":
        return f"shots of {' and '.join(device.name for device in prepared.devices)}"
    return f"exact states of {size} qubits, in {environment.processors()} processes at most"


def _ended(work: _Work, course: _Course) -> tuple[str, Limit | None]:
    """Return why no further round was made."""
    last = len(course.rounds) - 1
    if course.reached is not None:
        return str(course.reached), course.reached.limit
    if last == work.job.algorithm.max_rounds:
        every = "the one round" if last == 1 else f"all {last} rounds"
        return f"{every} of algorithm.max_rounds {'was' if last == 1 else 'were'} made", None
    rounds = f"{HEATS} coolings in a row" if work.cools else f"{PATIENCE} rounds"
    return f"{rounds} lowered the energy by no more than {GAIN:g} of it", None


def _labels(work: _Work) -> tuple[int, ...]:
    if work.system.n > LABELLED:
        return ()
    labels = np.zeros(work.system.n, dtype=np.int64)
    for number, members in enumerate(work.parts):
        labels[members] = number
    return tuple(labels.tolist())
