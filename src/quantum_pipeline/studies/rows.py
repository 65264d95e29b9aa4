"""A run of a study: the setting that was asked for, and what came of it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Value = bool | int | float | str | None
"""A figure of a run: what a cell of runs.csv holds."""


class Setting(BaseModel):
    """Values of what varies, by path; ``number`` counts the settings of a study from 0.

    A run of a study has one setting, and keeps its number through all of its tries.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    values: dict[str, Any]


class RunRow(BaseModel):
    """A run of a study that has ended.

    ``figures`` are numbers and words of its report by their paths, None where it has none; of a run
    that failed they are empty. Money in USD, time in seconds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    setting: Setting
    run_id: str
    status: Literal["SUCCEEDED", "FAILED", "CANCELLED"]
    error: str | None = None
    cause: str | None = None
    objective: float | None = None
    cost_usd: float | None = None
    seconds: float | None = None
    figures: dict[str, Value] = {}
