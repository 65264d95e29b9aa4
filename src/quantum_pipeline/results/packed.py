"""What a job leaves of each run of a pack, as soon as there is something to leave."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, model_validator

from quantum_pipeline.quantities import Number, Seconds, Text
from quantum_pipeline.requests.pack import RunName
from quantum_pipeline.wording import refusal


class PackedResult(BaseModel):
    """A run's result, or the error by name that it ended with; the seconds that it took.

    ``processor_seconds`` are those of a processor in the attempt that ended it: by them the job's
    time is divided. The result is read as that of any job: see ``results.read_result``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    processor_seconds: Seconds
    result: dict[str, Any] | None = None
    error: Text | None = None
    cause: Text = ""

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if (self.result is None) == (self.error is None):
            raise ValueError(refusal("error", self.error, "a result or an error, one of them"))
        return self


class PackSummary(BaseModel):
    """What a job says of all runs of a pack: by it what it is billed is divided among them.

    ``seconds`` is how long the job took for them: what is billed beyond is its start.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    solved: Number = 0
    failed: Number = 0
    seconds: Seconds = 0.0
    processor_seconds: dict[RunName, Seconds] = {}
