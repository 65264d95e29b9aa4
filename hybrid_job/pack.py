"""Solves the runs of a pack, each in a process of its own, as many at once as there is room for.

    input channel   pack.json, and NAME/prepared.json of each run
    checkpoint      NAME/ of each run: its journal, and at its end ended.json

What a run leaves is written once, whole, when it ends: an attempt that starts again solves those
runs alone that have left nothing, and goes on from their journals. A run that is refused, fails or
is killed ends by its error, and the others go on. The processes are forked, so that nothing is
imported twice; they are the first that the system ends when memory is short, and none outlives
this one.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from multiprocessing import connection, get_context
from multiprocessing.context import ForkProcess
from pathlib import Path

from pydantic import ValidationError

from hybrid_job.markers import cancelled_runs
from hybrid_job.metrics import log_metric
from hybrid_job.processes import die_with
from quantum_pipeline.errors import JobFailed, PipelineError
from quantum_pipeline.planning.pack_record import PackRecord
from quantum_pipeline.planning.packs import Demand, Room, demand_of, order, startable
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.requests.request import MAX_OBJECT_BYTES
from quantum_pipeline.results.base import JobResult
from quantum_pipeline.results.packed import PackedResult
from quantum_pipeline.runs import PACKED_END as ENDED
from quantum_pipeline.wording import memory_size

SECONDS_BETWEEN_LOOKS = 5.0
"""For markers of runs that are cancelled."""

SECONDS_TO_END = 10.0
"""Beyond its limit, before a run that does not end by itself is ended."""

MOST_RESERVED = 30.0
"""Seconds at the end of the pack's time, or a tenth of it, in which the job ends by itself."""

Solve = Callable[[PreparedRun, Path, float, int], JobResult]
"""Solves a run: its record, its checkpoint folder, the time that it began at, its seconds."""


@dataclass(frozen=True)
class _Running:
    """A run that is being solved: its process, when it began, and when it is ended."""

    process: ForkProcess
    began: float
    until: float


class PackJob:
    """The runs of a pack, in the order of ``runs``; those that have ended are not solved again."""

    def __init__(
        self,
        record: PackRecord,
        runs: Mapping[str, PreparedRun],
        checkpoints: Path,
        room: Room,
        solve: Solve,
    ) -> None:
        self._record = record
        self._runs = list(runs.values())
        self._folders = [checkpoints / name for name in runs]
        self._demands: list[Demand] = [demand_of(run.request) for run in self._runs]
        self._room = room
        self._solve = solve
        self._running: dict[int, _Running] = {}
        self._waiting = [each for each in order(self._demands) if self.ended(each) is None]

    def run(self, started: float) -> None:
        """Solve what is left; ``started`` is when the job began, of ``time.monotonic``."""
        limit = self._record.limits.max_runtime_seconds
        until = started + limit - min(limit / 10, MOST_RESERVED)
        looked = time.monotonic()
        while self._waiting or self._running:
            self._start(until)
            if not self._running:
                break  # no time is left for any
            look = looked + SECONDS_BETWEEN_LOOKS
            self._wait(min([look, *(each.until for each in self._running.values())]))
            if time.monotonic() >= look:
                self._cancel()
                looked = time.monotonic()

    def ends(self) -> dict[str, PackedResult]:
        """Return what the runs that have ended have left, by their names."""
        left = {folder.name: self.ended(place) for place, folder in enumerate(self._folders)}
        return {name: each for name, each in left.items() if each is not None}

    def ended(self, place: int) -> PackedResult | None:
        """Return what a run has left, None where it has not ended.

        What is nothing that a job leaves counts for nothing: the run is solved again.
        """
        path = self._folders[place] / ENDED
        try:
            if path.stat().st_size > MAX_OBJECT_BYTES:
                return None
            return PackedResult.model_validate_json(path.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def _start(self, until: float) -> None:
        """Start the runs that there is room for, and end those that no time is left for."""
        while self._waiting:
            place = startable(self._waiting, list(self._running), self._demands, self._room)
            if place is None:
                return
            self._waiting.remove(place)
            limit = self._runs[place].request.limits.max_runtime_seconds
            seconds = min(limit, ceil(until - time.monotonic()))
            if seconds <= 0:
                asked = self._record.limits.max_runtime_seconds
                error = JobFailed(f"limits.max_runtime_seconds: all {asked} of the pack are used")
                self._leave(place, _failed(error, 0.0))
                continue
            try:
                self._running[place] = self._begin(place, seconds, until)
            except OSError as error:  # no memory for it, or too many processes
                self._leave(place, _failed(JobFailed(f"no process for it: {error}"), 0.0))

    def _begin(self, place: int, seconds: int, until: float) -> _Running:
        folder, began = self._folders[place], time.monotonic()
        folder.mkdir(parents=True, exist_ok=True)
        arguments = (self._solve, self._runs[place], folder, seconds, os.getpid())
        process = get_context("fork").Process(target=_work, args=arguments, daemon=True)
        process.start()
        return _Running(process, began, min(until, began + seconds + SECONDS_TO_END))

    def _wait(self, until: float) -> None:
        """Wait until a run ends, but not beyond ``until``, and see to those that have ended."""
        found = {each.process.sentinel: place for place, each in self._running.items()}
        for sentinel in connection.wait(found, max(0.0, until - time.monotonic())):
            self._end(found[sentinel])  # type: ignore[index]
        now = time.monotonic()
        for place in [place for place, each in self._running.items() if each.until <= now]:
            self._stop(place, JobFailed("limits.max_runtime_seconds: it ran on beyond its time"))

    def _end(self, place: int) -> None:
        """Take a run whose process has ended out of those that run."""
        process = self._running[place].process
        process.join()
        if self.ended(place) is None:
            needed = memory_size(self._demands[place].memory_bytes)
            said = f"its process ended with code {process.exitcode}"
            if process.exitcode == -signal.SIGKILL:
                said = (
                    f"its process was killed, as for want of memory: {needed} were counted for it"
                )
            self._stop(place, JobFailed(said))
            return
        del self._running[place]
        self._count()

    def _stop(self, place: int, error: PipelineError) -> None:
        """End a run that runs, whatever it does, by an error."""
        running = self._running.pop(place)
        running.process.kill()
        running.process.join()
        if self.ended(place) is None:
            self._leave(place, _failed(error, time.monotonic() - running.began))
        else:
            self._count()

    def _cancel(self) -> None:
        """End the runs that their user has cancelled."""
        try:
            cancelled = cancelled_runs(self._record.pack_id)
        except Exception:  # whatever it is, the runs that go on are worth more than a marker
            logging.exception("markers could not be looked for: a later look may see them")
            return
        error = JobFailed("cancelled by its user")
        for place, folder in enumerate(self._folders):
            if folder.name in cancelled and place in self._running:
                self._stop(place, error)
            elif folder.name in cancelled and place in self._waiting:
                self._waiting.remove(place)
                self._leave(place, _failed(error, 0.0))

    def _leave(self, place: int, left: PackedResult) -> None:
        leave(self._folders[place], left)
        self._count()

    def _count(self) -> None:
        n_ended = len(self._runs) - len(self._waiting) - len(self._running)
        log_metric("runs_ended", n_ended, n_ended)


def _failed(error: BaseException, seconds: float) -> PackedResult:
    return PackedResult(processor_seconds=seconds, error=type(error).__name__, cause=str(error))


def leave(folder: Path, left: PackedResult) -> None:
    """Write what a run leaves: all of it, or nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{ENDED}"
    part.write_text(left.model_dump_json(), encoding="utf-8")
    part.replace(folder / ENDED)


def _work(solve: Solve, prepared: PreparedRun, folder: Path, seconds: int, parent: int) -> None:
    """Solve one run: all that its process does."""
    die_with(parent)
    started = time.monotonic()
    try:
        # A job's metrics are one course: nobody could tell those of its runs apart.
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
            result = solve(prepared, folder, started, seconds).model_dump(mode="json")
        left = PackedResult(processor_seconds=time.process_time(), result=result)
    except MemoryError as error:
        needed = memory_size(demand_of(prepared.request).memory_bytes)
        left = _failed(JobFailed(f"too little memory: {needed} were counted ({error})"), 0.0)
    except PipelineError as error:
        left = _failed(error, time.process_time())
    except Exception as error:  # whatever it is, it is this run's end and no other's
        logging.exception("%s", folder.name)
        left = _failed(JobFailed(f"{type(error).__name__}: {error}"), time.process_time())
    leave(folder, left)
