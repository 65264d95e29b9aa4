"""Where a problem was read from, and as what: it changes nothing, and its report shows it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictStr


class Source(BaseModel):
    """The file that a problem was read from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Annotated[StrictStr, Field(max_length=200)] = Field(description="the file's name")
    format: Annotated[StrictStr, Field(max_length=40)] = Field(
        description="what it was read as: a name of `qpipe run --as`, or a form of JSON"
    )
    notes: tuple[Annotated[StrictStr, Field(max_length=300)], ...] = Field(
        (),
        max_length=20,
        description="what was decided in reading it: a sentence each",
    )
