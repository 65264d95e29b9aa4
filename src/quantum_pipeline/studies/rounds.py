"""A round of a study: the executions that are to be started, each a run or a pack of runs."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from quantum_pipeline.studies.rows import Setting


class PlannedRun(BaseModel):
    """A run of a round: its id, and the setting that it tries."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: str
    setting: Setting


class Child(BaseModel):
    """An execution of the pipeline: its name, its input, and the runs that it makes.

    ``input`` is a request or a pack as start-execution takes it; what is large it names by URI.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    input: dict[str, Any]
    runs: tuple[PlannedRun, ...]
    estimated_usd: float


class Round(BaseModel):
    """What a round starts: written once, read on every retry."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    children: tuple[Child, ...]
