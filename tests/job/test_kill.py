"""A job that is killed anywhere and started again ends alike, and pays for nothing twice."""

from __future__ import annotations

import json
import random
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from quantum_pipeline.local.braket import BraketError, BraketService
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.runs import INPUT_CHANNEL, PREPARED
from tests.job.braket_job import prepared_on, tasks_of
from tests.job.job_processes import JobProcesses
from tests.local.braket.server import BUCKET, Server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

POINTS = 10
CREATE = "CreateQuantumTask"


@dataclass(frozen=True)
class Point:
    """A moment to kill the job: its n-th call, of an operation or of any, or so many seconds later.

    A call is ``answered`` if Braket does what it says, and the job dies before it reads the answer;
    else the job dies before Braket hears of it.
    """

    operation: str | None = None
    number: int = 0
    answered: bool = False
    seconds: float = 0.0


class Watched:
    """A Braket service that counts the calls of a job, and kills it at one of them."""

    def __init__(self, service: BraketService, kill: Callable[[], None]) -> None:
        self.calls: list[str] = []
        self.point = Point()
        self._service = service
        self._kill = kill
        self._seen = ""
        service.intercept = self._see

    def _see(self, operation: str, _: dict[str, Any]) -> None:
        self._seen = operation
        self.calls.append(operation)
        if not self.point.answered and self._is_there():
            if self.point.seconds:
                threading.Timer(self.point.seconds, self._kill).start()
                return
            self._kill()
            raise BraketError("InternalServiceException", "nobody hears this")

    def _is_there(self) -> bool:
        point = self.point
        if point.operation is None:
            return len(self.calls) == point.number
        return point.operation == self._seen and self.calls.count(self._seen) == point.number

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self._seen = ""
        answer = self._service(environ, start_response)
        if self.point.answered and self._seen and self._is_there():
            self._kill()
        return answer

    def close(self) -> None:
        self._service.close()


class Machine:
    """Where attempts of runs start, die and start again, before a Braket that watches them."""

    def __init__(self, server: Server, processes: JobProcesses) -> None:
        self.server = server
        self.processes = processes
        self.watched = Watched(server.service, processes.kill)
        server.service = self.watched  # type: ignore[assignment]

    def attempt(self, prepared: PreparedRun, folder: Path, point: Point | None = None) -> int:
        """Run an attempt, and kill it at a point; return its exit code."""
        inputs = folder / "input" / INPUT_CHANNEL
        inputs.mkdir(parents=True, exist_ok=True)
        (inputs / PREPARED).write_text(prepared.model_dump_json())
        self.watched.calls.clear()
        self.watched.point = point or Point()
        number = len(list(folder.glob("attempt-*"))) + 1
        return self.processes.run(
            self.server.environment()
            | {
                "AMZN_BRAKET_INPUT_DIR": str(folder / "input"),
                "AMZN_BRAKET_CHECKPOINT_DIR": str(folder / "checkpoints"),
                "AMZN_BRAKET_JOB_RESULTS_DIR": str(folder / "results"),
                "AMZN_BRAKET_OUT_S3_BUCKET": BUCKET,
                "AMZN_BRAKET_TASK_RESULTS_S3_URI": f"s3://{BUCKET}/{prepared.run_id}-{number}/tasks",
                "LOG": str(folder / f"attempt-{number}"),
            }
        )

    def answer(self, folder: Path) -> dict[str, Any]:
        """Return the result of a run, but for its times and the names of its tasks."""
        result = json.loads((folder / "results" / "results.json").read_text())["dataDictionary"]
        result = {key: result[key] for key in result if key not in ("run_id", "seconds")}
        del result["classical"]["seconds"]
        for task in result["tasks"]:
            del task["arn"]
        return dict(result)

    def paid(self, prepared: PreparedRun) -> list[tuple[str, int]]:
        """Return status and shots of each task that Braket has of a run."""
        return [(task["status"], task["shots"]) for task in tasks_of(self.server, prepared.run_id)]


@pytest.fixture(scope="module")
def machine(server: Server) -> Iterator[Machine]:
    with JobProcesses() as processes:
        yield Machine(server, processes)


def run_on(device: str, run_id: str) -> PreparedRun:
    return prepared_on(
        device,
        run_id,
        shots=200,
        algorithm={
            "name": "qaoa",
            "depth": 1,
            "train_on": "device",
            "optimizer": "spsa",
            "max_evaluations": 6,
            "shots_per_evaluation": 100,
        },
        limits={"max_cost_usd": 100.0},
    )


@dataclass(frozen=True)
class Alone:
    """A run that nothing disturbed: its answer, what it paid for, and its calls."""

    answer: dict[str, Any]
    paid: list[tuple[str, int]]
    calls: list[str]


@pytest.fixture(scope="module")
def alone(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Alone]:
    """Return the undisturbed run on a device, which is made once."""
    made: dict[str, Alone] = {}

    def alone(device: str) -> Alone:
        if device not in made:
            folder, prepared = tmp_path_factory.mktemp("alone"), run_on(device, f"alone-{device}")
            assert machine.attempt(prepared, folder) == 0
            calls = list(machine.watched.calls)
            made[device] = Alone(machine.answer(folder), machine.paid(prepared), calls)
        return made[device]

    return alone


def point(number: int, run: Alone) -> Point:
    """Return one of ten points of a run, by chance: calls that pay, others, and between calls."""
    rng = random.Random(number)
    answered = bool(number % 2)
    if number < 6:
        return Point(CREATE, rng.randint(1, run.calls.count(CREATE)), answered=answered)
    if number < 8:
        return Point("GetQuantumTask", rng.randint(1, len(run.paid)), answered=answered)
    # Of as many calls as there are at least, so that the job has not ended by then.
    return Point(number=rng.randint(2, 2 * len(run.paid)), seconds=rng.uniform(0.001, 0.1))


@pytest.mark.parametrize("number", range(POINTS))
def test_job_that_is_killed_ends_alike_and_pays_for_nothing_twice(
    machine: Machine, alone: Callable[[str], Alone], tmp_path: Path, number: int
) -> None:
    device = "garnet" if number % 3 else "sv1"
    undisturbed, prepared = alone(device), run_on(device, f"killed-{number}")
    where = point(number, undisturbed)

    killed = machine.attempt(prepared, tmp_path, where)
    assert killed == -signal.SIGKILL
    assert machine.attempt(prepared, tmp_path) == 0

    assert machine.answer(tmp_path) == undisturbed.answer
    assert machine.paid(prepared) == undisturbed.paid


def test_job_that_is_killed_at_each_task_ends_alike_and_pays_for_nothing_twice(
    machine: Machine, alone: Callable[[str], Alone], tmp_path: Path
) -> None:
    undisturbed, prepared = alone("garnet"), run_on("garnet", "killed-always")
    for number in range(len(undisturbed.paid)):
        where = Point(CREATE, 1, answered=number % 2 == 0)
        assert machine.attempt(prepared, tmp_path, where) == -signal.SIGKILL
    assert machine.attempt(prepared, tmp_path) == 0
    assert machine.answer(tmp_path) == undisturbed.answer
    assert machine.paid(prepared) == undisturbed.paid
