"""Attempts of a job before a Braket that watches them: one is killed, the next one goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantum_pipeline.local.braket import BraketError, BraketService
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.runs import INPUT_CHANNEL, PREPARED
from tests.job.braket_job import tasks_of
from tests.job.job_processes import JobProcesses
from tests.local.braket.server import BUCKET, Server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

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
    """A Braket service that counts the calls of a job, and kills it at one of them or after it.

    No call of the job is answered between: a job that has calls to come is killed for certain.
    """

    def __init__(self, service: BraketService, processes: Callable[[], JobProcesses]) -> None:
        self.calls: list[str] = []
        self.point = Point()
        self._service = service
        self._processes = processes
        self._seen = ""
        service.intercept = self._see

    def _see(self, operation: str, _: dict[str, Any]) -> None:
        if self._processes().wait_for_kill():
            raise BraketError("InternalServiceException", "nobody hears this")
        self._seen = operation
        self.calls.append(operation)
        if not self.point.answered and self._is_there():
            if self.point.seconds:
                self._processes().kill_after(self.point.seconds)
                return
            self._processes().kill()
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
            self._processes().kill()
        return answer

    def close(self) -> None:
        self._service.close()


class Machine:
    """Where attempts of runs start, die and start again, before a Braket that watches them."""

    def __init__(self, server: Server, processes: JobProcesses) -> None:
        self.server = server
        self.processes = processes
        self.watched = Watched(server.service, lambda: self.processes)
        server.service = self.watched  # type: ignore[assignment]

    def attempt(
        self,
        prepared: PreparedRun,
        folder: Path,
        point: Point | None = None,
        *,
        processes: JobProcesses | None = None,
    ) -> int:
        """Run an attempt, in one of other ``processes`` from now on, and kill it at a point.

        Returns:
            Its exit code.
        """
        self.processes = processes or self.processes
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
