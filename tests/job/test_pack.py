"""The job of a pack solves each of its runs as a job of its own would, whatever befalls it."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from math import ceil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hybrid_job import pack
from hybrid_job.main import solve_in
from hybrid_job.pack import PackJob, Solve
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.planning.pack_record import PackRecord
from quantum_pipeline.planning.packs import Room, prepare_pack
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.requests.pack import Pack, parse_input
from quantum_pipeline.results import read_result
from quantum_pipeline.results.base import JobResult
from quantum_pipeline.results.packed import PackedResult
from quantum_pipeline.runs import CANCEL_MARKERS, INPUT_CHANNEL, PACK, PREPARED, key
from quantum_pipeline.runs import PACKED_END as ENDED
from tests.job.job_processes import JobProcesses
from tests.local.braket.server import BUCKET, Server
from tests.planned import INSTANCE, NOON
from tests.unit.finished_run import CREATED, EXECUTION
from tests.waiting import PATIENCE_SECONDS, wait_for

# Threads of tests (a server, a worker) are what Python 3.12 warns of at a fork; a job has none.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")

ROOM = Room(2, 2**33)
QUICK = {"algorithm": {"depth": 1, "starts": 1, "max_evaluations": 20}}


def ring(n: int) -> dict[str, Any]:
    return {"type": "maxcut", "edges": [[i, (i + 1) % n] for i in range(n)]}


def prepared(
    names: list[str], n: int = 4, *, limits: Mapping[str, Any] | None = None, **request: Any
) -> tuple[PackRecord, dict[str, PreparedRun]]:
    """Return the records of a pack of rings, the first of n nodes, each next one of one more."""
    runs = [
        {"name": name, "request": {"problem": ring(n + number), "seed": number, **QUICK, **request}}
        for number, name in enumerate(names)
    ]
    asked = parse_input({"pack": runs, "limits": dict(limits or {})})
    assert isinstance(asked, Pack)
    found = prepare_pack(asked, instance=INSTANCE, region="us-east-1", now=NOON)
    record = PackRecord.of(found, pack_id="p", execution_arn=EXECUTION, created_at=CREATED)
    each = {
        run.name: PreparedRun.of(
            run.found,
            run_id=f"p.{run.name}",
            execution_arn=EXECUTION,
            problem_uri=None,
            created_at=CREATED,
            prepare_seconds=0.0,
        )
        for run in found.runs
    }
    return record, each


def ended(folder: Path, name: str) -> PackedResult:
    return PackedResult.model_validate_json((folder / name / ENDED).read_text())


def answer(found: PackedResult, run: PreparedRun) -> dict[str, Any]:
    """Return a result that was verified, without its times."""
    fields = read_result(found.result, run).model_dump(exclude={"seconds"})
    del fields["classical"]["seconds"]
    for figure in ("mean_energy", "standard_error", "probability_of_best"):
        fields[figure] = pytest.approx(fields[figure], rel=1e-12)
    return fields


@pytest.fixture(scope="module")
def processes() -> Iterator[JobProcesses]:
    with JobProcesses(imported=("hybrid_job.pack",)) as processes:
        yield processes


def put(folder: Path, record: PackRecord, runs: Mapping[str, PreparedRun]) -> dict[str, str]:
    """Lay down what Prepare leaves, and return the environment of a job's container."""
    inputs = folder / "input" / INPUT_CHANNEL
    inputs.mkdir(parents=True, exist_ok=True)
    (inputs / PACK).write_text(record.model_dump_json())
    for name, run in runs.items():
        (inputs / name).mkdir(exist_ok=True)
        (inputs / name / PREPARED).write_text(run.model_dump_json())
    return {
        "AMZN_BRAKET_INPUT_DIR": str(folder / "input"),
        "AMZN_BRAKET_CHECKPOINT_DIR": str(folder / "checkpoints"),
        "AMZN_BRAKET_JOB_RESULTS_DIR": str(folder / "results"),
        "LOG": str(folder / "log"),
    }


def test_each_run_of_a_pack_ends_as_it_does_by_itself(
    processes: JobProcesses, tmp_path: Path
) -> None:
    record, runs = prepared(["a", "b", "c", "d"], 6)
    assert processes.run(put(tmp_path, record, runs)) == 0
    summary = json.loads((tmp_path / "results" / "results.json").read_text())["dataDictionary"]
    assert (summary["solved"], summary["failed"]) == (4, 0)
    for name, run in runs.items():
        alone = solve_in(run, tmp_path / "alone" / name, time.monotonic())
        by_itself = PackedResult(processor_seconds=0, result=alone.model_dump(mode="json"))
        found = ended(tmp_path / "checkpoints", name)
        assert answer(found, run) == answer(by_itself, run)
        assert 0 < found.processor_seconds == summary["processor_seconds"][name]


def test_a_pack_killed_at_random_points_ends_alike_and_solves_nothing_twice(
    processes: JobProcesses, tmp_path: Path
) -> None:
    names = [f"run-{number}" for number in range(10)]
    record, runs = prepared(names, 4)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert processes.run(put(whole, record, runs)) == 0
    rng, environment, kept = random.Random(5), put(cut, record, runs), dict[str, bytes]()
    for _ in range(10):
        if processes.run(environment, killed_after=rng.uniform(0.02, 0.25)) == 0:
            break
        found = {path.parent.name: path.read_bytes() for path in cut.glob(f"*/*/{ENDED}")}
        assert kept.items() <= found.items()
        kept = found
    assert processes.run(environment) == 0
    for name, run in runs.items():
        now = ended(cut / "checkpoints", name)
        assert answer(now, run) == answer(ended(whole / "checkpoints", name), run)
        assert kept.get(name) in (None, now.model_dump_json().encode())


def solving(
    record: PackRecord,
    runs: Mapping[str, PreparedRun],
    folder: Path,
    before: Callable[[str, int], None],
    room: Room = ROOM,
    *,
    started: float | None = None,
) -> dict[str, PackedResult]:
    """Solve a pack in this process; ``before`` a run is solved something may befall it."""

    def solve(run: PreparedRun, at: Path, started: float, seconds: int) -> JobResult:
        before(at.name, seconds)
        return solve_in(run, at, started, seconds)

    of_solve: Solve = solve
    started = time.monotonic() if started is None else started
    PackJob(record, runs, folder, room, of_solve).run(started)
    return {name: ended(folder, name) for name in runs}


def test_a_run_that_fails_fails_alone_and_by_name(tmp_path: Path) -> None:
    def befalls(name: str, _: int) -> None:
        match name:
            case "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            case "starved":
                raise MemoryError("no 64 GiB")
            case "refused":
                raise InvalidRequest("problem: no")
            case "broken":
                raise ZeroDivisionError("by hand")

    names = ["killed", "starved", "good", "refused", "broken", "fine"]
    found = solving(*prepared(names), tmp_path, befalls)
    errors = {name: left.error for name, left in found.items()}
    assert errors == {
        "killed": "JobFailed",
        "starved": "JobFailed",
        "good": None,
        "refused": "InvalidRequest",
        "broken": "JobFailed",
        "fine": None,
    }
    assert "killed, as for want of memory: 30" in found["killed"].cause
    assert found["starved"].cause.startswith("too little memory: 30")
    assert found["refused"].cause == "problem: no"
    assert found["broken"].cause == "ZeroDivisionError: by hand"


@pytest.mark.parametrize(
    ("room", "most"), [(Room(1, 2**33), 1), (ROOM, 2), (Room(9, 2**29), 1), (Room(9, 2**33), 4)]
)
def test_as_many_runs_at_once_as_there_is_room_for(tmp_path: Path, room: Room, most: int) -> None:
    log = tmp_path / "log"

    def lasts(_: str, seconds: int) -> None:
        with log.open("a") as written:
            written.write("+")
        until = time.monotonic() + seconds
        while log.read_text().count("+") < most and time.monotonic() < until:
            time.sleep(0.005)  # until so many have begun
        with log.open("a") as written:
            written.write("-")

    long = {"max_runtime_seconds": ceil(PATIENCE_SECONDS)}
    solving(*prepared(list("abcd"), limits=long), tmp_path, lasts, room)
    running, peak = 0, 0
    for sign in log.read_text():
        running += 1 if sign == "+" else -1
        peak = max(peak, running)
    assert (running, peak) == (0, most)


def test_the_time_of_the_pack_ends_its_runs_and_leaves_none_without_an_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By a clock that passes the end of the pack's time as soon as the first run is at work."""
    at_work = tmp_path / "at work"
    now = SimpleNamespace(
        monotonic=lambda: 0.95 if at_work.exists() else 0.0, process_time=time.process_time
    )
    monkeypatch.setattr(pack, "time", now)

    def lasts(name: str, seconds: int) -> None:
        assert (name, seconds) == ("first", 1)
        at_work.touch()
        time.sleep(PATIENCE_SECONDS)

    found = solving(
        *prepared(["second", "third", "first"], limits={"max_runtime_seconds": 1}),
        tmp_path,
        lasts,
        Room(1, 2**33),
        started=0.0,
    )
    causes = {name: left.cause for name, left in found.items()}
    assert causes["first"] == "limits.max_runtime_seconds: it ran on beyond its time"
    assert causes["second"] == "limits.max_runtime_seconds: all 1 of the pack are used"
    assert found["first"].processor_seconds == 0.95
    assert found["second"].processor_seconds == 0


def test_a_cancelled_run_is_ended_and_the_others_go_on(
    braket: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    s3 = braket.client("s3")
    s3.put_object(Bucket=BUCKET, Key=key("p", f"{CANCEL_MARKERS}runs"), Body=b"")
    s3.put_object(Bucket=BUCKET, Key=key("p", f"{CANCEL_MARKERS}waits"), Body=b"")
    monkeypatch.setenv("AMZN_BRAKET_OUT_S3_BUCKET", BUCKET)
    monkeypatch.setattr(pack, "SECONDS_BETWEEN_LOOKS", 0.1)

    def lasts(name: str, _: int) -> None:
        if name == "runs":
            time.sleep(PATIENCE_SECONDS)

    found = solving(*prepared(["waits", "good", "runs"]), tmp_path, lasts, Room(1, 2**33))
    assert [found[name].error for name in ("runs", "waits", "good")] == ["JobFailed"] * 2 + [None]
    assert found["waits"].cause == "cancelled by its user"


def test_a_run_that_no_process_can_be_made_for_fails_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fork, refused = os.fork, list[int]()

    def refuse_once() -> int:
        if refused:
            return fork()
        refused.append(errno.ENOMEM)
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(os, "fork", refuse_once)
    found = solving(*prepared(["a", "b"]), tmp_path, lambda *_: None)
    causes = sorted(left.cause for left in found.values())
    assert causes == ["", "no process for it: [Errno 12] Cannot allocate memory"]


def test_what_is_no_end_of_a_run_is_solved_again(tmp_path: Path) -> None:
    record, runs = prepared(["a", "b"])
    for name, text in (("a", "{}"), ("b", '{"processor_seconds": -1, "error": "x"}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / ENDED).write_text(text)
    assert {left.error for left in solving(record, runs, tmp_path, lambda *_: None).values()} == {
        None
    }


def _is_gone(process: int) -> bool:
    return not Path(f"/proc/{process}").exists()


def children(process: int | None) -> list[int]:
    """Return the processes that a process has forked."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            _, parent, *_ = path.read_text().rpartition(")")[2].split()
            found += [int(path.parent.name)] * (parent == str(process))
    return found


def test_no_run_outlives_its_job(processes: JobProcesses, tmp_path: Path) -> None:
    long = {"depth": 8, "optimizer": "spsa", "max_evaluations": 100_000}
    record, runs = prepared(["a", "b"], 14, algorithm=long)
    found = list[int]()

    def kill() -> None:
        found.extend(wait_for(lambda: children(processes.running)))
        processes.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    assert processes.run(put(tmp_path, record, runs)) == -signal.SIGKILL
    killer.join()
    for each in found:
        wait_for(partial(_is_gone, each))
    assert not list(tmp_path.glob(f"*/*/{ENDED}")), "they lived until they had solved it"


@pytest.mark.parametrize("fields", [{}, {"error": "JobFailed", "result": {}}])
def test_an_end_has_a_result_or_an_error(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a result or an error, one of them"):
        PackedResult(processor_seconds=1.0, **fields)
    left = PackedResult(processor_seconds=1.0, error="JobFailed", cause="so")
    assert PackedResult.model_validate_json(left.model_dump_json()) == left
