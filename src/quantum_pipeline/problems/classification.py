"""Classification: from a table's rows whose class is known to the class of others."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, StrictInt, StrictStr

from quantum_pipeline.classification.parts import Parts
from quantum_pipeline.classification.stored import Column
from quantum_pipeline.problems.base import Problem

Cell = float | str | None


class Classification(Problem):
    """Predict ``target`` from the other columns; tested on rows that no model was fitted on."""

    type: Literal["classification"] = "classification"
    columns: tuple[StrictStr, ...] = Field(description="names of the columns, the target's too")
    rows: tuple[tuple[Cell, ...], ...] = Field(
        description="the rows: a number, a text, or null where it is missing"
    )
    target: StrictStr = Field(description="the column that is predicted")
    test_share: Annotated[float, Field(strict=True, ge=0.05, le=0.5)] = Field(
        0.25, description="share of the rows that models are tested on"
    )
    missing: Literal["refuse", "impute"] = Field(
        "refuse",
        description="what to do about missing values: refuse them, or take the median, or the most "
        "frequent word, of the trained rows",
    )
    components: Annotated[StrictInt, Field(ge=1, le=16)] | None = Field(
        None, description="principal components that rows are turned onto, one qubit each"
    )
    seed: Annotated[StrictInt, Field(ge=0, le=2**32 - 1)] = Field(
        0, description="seed of the choice of the tested rows and of the folds"
    )

    @property
    def n_qubits(self) -> int:
        """Components, or numbers of an encoded row if these are fewer; up to 10 if not given."""
        raise NotImplementedError

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The classes' names, in order."""
        raise NotImplementedError

    @cached_property
    def labels(self) -> tuple[int, ...]:
        """The number of each row's class."""
        raise NotImplementedError

    @cached_property
    def parts(self) -> Parts:
        """Which rows are trained on, and which are tested."""
        raise NotImplementedError

    @cached_property
    def features(self) -> tuple[Column, ...]:
        """What the columns are, as the trained rows have them."""
        raise NotImplementedError
