"""The errors of the pipeline: one tree for the Lambdas, the job, the state machine and the CLI.

    PipelineError
    ├── InvalidRequest      the caller's fault; never retried              exit 2
    ├── BudgetExceeded      more than the run, or its month, may cost      exit 3
    ├── DeviceUnavailable   offline, retired, too small, out of reach      exit 4
    ├── ServiceUnavailable  throttling, 5xx, time-outs; retried            exit 75
    ├── QuotaExceeded       as many jobs run as may at once; waited for    exit 75
    ├── JobFailed           the job FAILED or was CANCELLED                exit 1
    │   └── JobInterrupted  through no fault of its own; gets a next job   exit 1
    └── InvalidResult       missing, unreadable, or other when recomputed  exit 1

Class names reach Braket's failureReason and the state machine's ErrorEquals: they are an interface.
A message says what was wrong, the value, and what is allowed.
"""

from __future__ import annotations

from typing import ClassVar

from quantum_pipeline.wording import refusal


class PipelineError(Exception):
    """Any failure of a run that has a name."""

    exit_code: ClassVar[int] = 1

    def __str__(self) -> str:
        """Return all sentences of the error: its arguments, each of which stands by itself.

        >>> str(PipelineError("shots: missing", "seed: missing"))
        'shots: missing; seed: missing'
        """
        return "; ".join(map(str, self.args))


class InvalidRequest(PipelineError):
    """The request cannot be run as it is written."""

    exit_code = 2

    @classmethod
    def of(cls, field: str, value: object, allowed: str) -> InvalidRequest:
        """Return the refusal of one field's value.

        >>> print(InvalidRequest.of("shots", -5, "an integer from 1 to 50000"))
        shots: got -5; allowed: an integer from 1 to 50000
        """
        return cls(refusal(field, value, allowed))


class BudgetExceeded(PipelineError):
    """The cost passes limits.max_cost_usd, or the estimate what the stack's month has left."""

    exit_code = 3


class DeviceUnavailable(PipelineError):
    """The device is offline, retired, too small, or out of this stack's reach."""

    exit_code = 4


class ServiceUnavailable(PipelineError):
    """AWS throttled the call, failed itself, or did not answer in time."""

    exit_code = 75


class QuotaExceeded(PipelineError):
    """The account runs as many jobs or tasks at once as it may; a later try can succeed."""

    exit_code = 75


class JobFailed(PipelineError):
    """The job ended FAILED or CANCELLED; the message carries Braket's failureReason."""


class JobInterrupted(JobFailed):
    """The job's instance or a service that it needs failed: a second attempt can succeed."""


class InvalidResult(PipelineError):
    """The job's result is missing, unreadable, or its energies do not recompute."""


_TREE: list[type[PipelineError]] = [
    PipelineError,
    *PipelineError.__subclasses__(),
    *JobFailed.__subclasses__(),
]
ERRORS = {error.__name__: error for error in _TREE}
"""Every error by its name, as it comes back from a Lambda or a job."""
