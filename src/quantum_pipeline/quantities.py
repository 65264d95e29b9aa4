"""The numbers and texts that a job's files may hold: of one kind, finite and bounded.

Who can write to the bucket can write such a file. A number is a number there, no text that reads
like one and no truth value; none is so large that squares, sums or its digits fail.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import Field, StrictBool

LARGEST = 1e30
"""Of a figure: a problem's energies are below 1e20."""

LARGEST_ANGLE = 1e160
"""Of an angle that multiplies energies: those that are not 0 may be as small as 1e-150."""

MANY = 10**15
"""Of counts: shots, with all that mitigation adds."""

LONGEST = 100_000
"""Characters of a text: reasons are sentences."""

Flag = StrictBool
Text = Annotated[str, Field(strict=True, max_length=LONGEST)]
Finite = Annotated[float, Field(strict=True, ge=-LARGEST, le=LARGEST, allow_inf_nan=False)]
Angle = Annotated[
    float, Field(strict=True, ge=-LARGEST_ANGLE, le=LARGEST_ANGLE, allow_inf_nan=False)
]
Positive = Annotated[float, Field(strict=True, ge=0, le=LARGEST, allow_inf_nan=False)]
Seconds = Annotated[float, Field(strict=True, ge=0, le=1e10, allow_inf_nan=False)]
Minutes = Annotated[float, Field(strict=True, ge=0, le=1e8, allow_inf_nan=False)]
Probability = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Count = Annotated[int, Field(strict=True, ge=1, le=MANY)]
Number = Annotated[int, Field(strict=True, ge=0, le=MANY)]
"""A count that may be 0, or the number of a place, from 0."""

Entry = TypeVar("Entry")
Entries = Annotated[tuple[Entry, ...], Field(fail_fast=True)]
"""A list that may be long: it is read up to its first wrong entry, for each that is wrong is as
dear as thousands that are right."""
