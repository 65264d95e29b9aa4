"""Jobs that take a fixed time and compute nothing: what happens around jobs can be measured then.

    BraketService(environment, folder, runner=FixedLength(Clients(environment), 2.0, output))

Nothing else of the service changes: the jobs have a quota, a queue, events, a bill and an output.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from quantum_pipeline.local.braket import storage
from quantum_pipeline.local.braket.clients import Clients
from quantum_pipeline.local.braket.job import Job


class FixedLength:
    """A `JobRunner` without processes: each job is over so many seconds after its creation."""

    def __init__(self, clients: Clients, seconds: float, output: Callable[[Job], bytes]) -> None:
        """Take the clients that store, and what makes the archive with a job's results."""
        self._clients = clients
        self._seconds = seconds
        self._output = output

    def __call__(self, job: Job, /) -> None:
        """Start the job; its output is stored in the background, before it ends."""
        job.record("STARTING_INSTANCE")
        job.record("RUNNING")
        threading.Thread(target=self._run, args=(job,), name=job.name, daemon=True).start()

    def _run(self, job: Job) -> None:
        bucket, prefix = storage.split(job.request["outputDataConfig"]["s3Path"])
        key = f"{prefix}/output/model.tar.gz"
        self._clients.s3().put_object(Bucket=bucket, Key=key, Body=self._output(job))
        end = max(job.created_at + self._seconds, job.clock())
        with job.lock:  # from here on a cancelled job is ended by whoever cancels it
            if job.cancel_requested:
                job.record("CANCELLED")
            else:
                job.record("COMPLETED", at=end)
