"""The base class of a result's parts."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A part of a result."""

    model_config = ConfigDict(frozen=True, extra="forbid")
