"""Runs jobs as the job container does, each in a process of its own, watched by a thread."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from quantum_pipeline.local.braket.bootstrap import OURS
from quantum_pipeline.local.braket.clients import Clients
from quantum_pipeline.local.braket.folder import JobFolder, inherited
from quantum_pipeline.local.braket.job import Job
from quantum_pipeline.local.braket.logs import LogStream
from quantum_pipeline.local.braket.sources import Sources
from quantum_pipeline.local.braket.storage import Mirror
from quantum_pipeline.local.interpreter import Interpreter, Program
from quantum_pipeline.runs import ENTRY_POINT

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
IMPORTED = ("pydantic.json_schema", "pydantic.types", "scipy.optimize", "scipy.sparse.csgraph")
"""What jobs import of that which the job image brings: once for all of them."""
IMPORTED_ON_DEVICES = (*IMPORTED, "braket.aws", "qiskit.transpiler", "qiskit_braket_provider")
"""What those import that create tasks, and others are not to wait for."""
OUR_MODULE = ENTRY_POINT.partition(":")[0]
"""What our own jobs import of their source: once for all that have the same. Nothing in it reads
an environment variable when it is imported."""
GRACE_SECONDS = 2.0
"""Between the request to end and the kill."""
TICK_SECONDS = 0.5
"""How often log lines and changed checkpoints are sent."""
CLOSE_SECONDS = 5.0
"""How long closing waits for a thread that talks to a server which may be gone."""


class ContainerRunner:
    """The `JobRunner` of the service: real processes, real time."""

    def __init__(
        self,
        clients: Clients,
        work_folder: Path,
        startup_seconds: float,
        sources: Sources,
    ) -> None:
        self._clients = clients
        self._work_folder = work_folder
        self._startup_seconds = startup_seconds
        self._sources = sources
        self.interpreter = Interpreter(IMPORTED, inherited())
        self.on_devices = Interpreter(IMPORTED_ON_DEVICES, inherited())
        self._of_sources: dict[tuple[Interpreter, Path], Interpreter] = {}
        self._lock = threading.Lock()  # held to read or change those
        self._containers: list[_Container] = []
        self._closed = False

    def __call__(self, job: Job, /) -> None:
        """Start the job's thread."""
        if self._closed:
            job.record("CANCELLED")
            return
        job.unwaited_seconds += self._startup_seconds
        folder = JobFolder(job, self._work_folder / job.id, self._sources)
        base = self.interpreter if job.device.startswith("local:") else self.on_devices
        container = _Container(job, folder, self._clients, partial(self._with, base))
        self._containers = [c for c in self._containers if c.thread.is_alive()] + [container]
        container.thread.start()

    def warm(self, *, on_devices: bool) -> None:
        """Import in the background what the next job is likely to run, on devices or not."""
        base = self.on_devices if on_devices else self.interpreter
        base.start()
        if (source := self._sources.newest()) is not None:
            threading.Thread(target=self._with(base, source).start, daemon=True).start()

    def _with(self, base: Interpreter, source: Path | None) -> Interpreter:
        """Return the interpreter that has imported more of what a job runs, if that is ours.

        What lacks a package of ours is not: it would be imported from where it is installed.
        """
        if source is None or not all((source / name / "__init__.py").exists() for name in OURS):
            return base
        environment = {**inherited(), "PYTHONPATH": str(source)}
        with self._lock:
            return self._of_sources.setdefault(
                (base, source), Interpreter([OUR_MODULE], environment, base)
            )

    def process_ids(self) -> list[int]:
        """Return the processes that run now."""
        programs = [container.program for container in self._containers]
        return [each.process_id for each in programs if each and each.exit_status is None]

    def close(self) -> None:
        """End all processes; what a job has not stored by then is lost."""
        self._closed = True
        for container in self._containers:
            container.abandon()
        deadline = time.monotonic() + CLOSE_SECONDS
        for container in self._containers:
            container.thread.join(max(0.0, deadline - time.monotonic()))
        with self._lock:
            interpreters = [*self._of_sources.values(), self.interpreter, self.on_devices]
        for interpreter in interpreters:
            interpreter.close()
        self._sources.close()


class _End(NamedTuple):
    """The last event of a job."""

    event: str
    reason: str = ""


class _Container:
    """One job's life: queue, data, process, results."""

    def __init__(
        self,
        job: Job,
        folder: JobFolder,
        clients: Clients,
        interpreter_for: Callable[[Path | None], Interpreter],
    ) -> None:
        self.thread = threading.Thread(target=self._run, name=job.name, daemon=True)
        self._job = job
        self._folder = folder
        self._clients = clients
        self._interpreter_for = interpreter_for
        self.program: Program | None = None
        self._abandoned = False

    def abandon(self) -> None:
        """End the job without storing anything."""
        self._abandoned = True
        self._job.cancel()
        if self.program is not None:
            self.program.signal(signal.SIGKILL)

    def _run(self) -> None:
        try:
            end = self._live()
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends the job, visibly
            end = _End("FAILED", f"{type(error).__name__}: {error}")
        finally:
            self._folder.remove()
        self._job.record(end.event, reason=end.reason)

    def _live(self) -> _End:
        job, folder = self._job, self._folder
        job.woken.wait(job.queue_seconds)
        if job.cancel_requested:
            return _End("CANCELLED")
        job.record("STARTING_INSTANCE")
        s3 = self._clients.s3(job.role)
        logs = LogStream(self._clients.logs(job.region, job.role), _stream_name(job))
        job.record("DOWNLOADING_DATA")
        folder.fill(s3)
        job.record("RUNNING")
        end = self._execute(s3, logs)
        if end.event == "COMPLETED":
            job.record("UPLOADING_RESULTS")
            folder.store_results(s3)
        return end

    def _execute(self, s3: S3Client, logs: LogStream) -> _End:
        folder, job = self._folder, self._job
        uri = folder.checkpoint_uri
        checkpoints = Mirror(s3, folder.checkpoints, uri) if uri else None

        def send() -> None:
            if not self._abandoned:
                logs.flush()
                if checkpoints:
                    checkpoints.sync()

        self.program = program = self._interpreter_for(folder.shared_code).run(
            [str(BOOTSTRAP), str(folder.failure)],
            folder.code,
            folder.environment(self._clients.environment(job.role)),
            on_line=logs.write,
            on_end=lambda _: job.woken.set(),
        )
        try:
            end = _watch(job, program, send)
        finally:
            program.close()
        send()
        return end or _outcome(program.exit_status, folder)


def _watch(job: Job, program: Program, send: Callable[[], None]) -> _End | None:
    """Return how the job was ended from outside, or None when it ended by itself."""
    started, before = time.monotonic(), job.unwaited_seconds
    while program.exit_status is None:
        on_devices = job.unwaited_seconds - before  # it would have waited for them
        left = started + job.max_runtime_seconds - on_devices - time.monotonic()
        if job.cancel_requested:
            _stop(program)
            return _End("CANCELLED")
        if left <= 0:
            _stop(program)
            seconds = job.max_runtime_seconds
            return _End("MAX_RUNTIME_EXCEEDED", f"the job ran longer than its {seconds} seconds")
        send()
        job.woken.wait(min(left, TICK_SECONDS))
        job.woken.clear()
    return None


def _stop(program: Program) -> None:
    """Ask it to end, and give it a moment to do so."""
    program.signal(signal.SIGTERM)
    program.wait(GRACE_SECONDS)


def _outcome(exit_status: int | None, folder: JobFolder) -> _End:
    reason = folder.failure.read_text(errors="replace").strip() if folder.failure.exists() else ""
    if exit_status or reason:
        code = 128 - exit_status if exit_status and exit_status < 0 else exit_status
        return _End("FAILED", reason or f"AlgorithmError: the process ended with code {code}")
    return _End("COMPLETED")


def _stream_name(job: Job) -> str:
    """Return the name by which the SDK finds the stream: jobs are told apart by their id."""
    return f"{job.name}/{job.id}/algo-1-{int(time.time() * 1000)}"
