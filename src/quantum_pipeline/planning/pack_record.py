"""The record of a pack that is ready to start, beside those of its runs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from quantum_pipeline.planning.costs import Cost, InstancePrice
from quantum_pipeline.planning.packs import PreparedPack
from quantum_pipeline.requests.pack import FEWEST, MOST, RunName, SettledPackLimits


class PackRecord(BaseModel):
    """A pack that can start: its runs by their names, each of which has a record of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    pack_id: str
    execution_arn: str
    created_at: datetime
    name: str | None
    runs: Annotated[tuple[RunName, ...], Field(min_length=FEWEST, max_length=MOST)]
    limits: SettledPackLimits
    instance: InstancePrice
    estimate: Cost

    @classmethod
    def of(
        cls,
        found: PreparedPack,
        *,
        pack_id: str,
        execution_arn: str,
        created_at: datetime,
    ) -> Self:
        """Return the record of a pack that can start."""
        return cls(
            pack_id=pack_id,
            execution_arn=execution_arn,
            created_at=created_at,
            name=found.name,
            runs=tuple(run.name for run in found.runs),
            limits=found.limits,
            instance=found.runs[0].found.instance,
            estimate=found.cost,
        )
