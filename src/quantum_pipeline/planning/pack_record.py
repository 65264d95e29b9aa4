"""The record of a pack that is ready to start, beside those of its runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from quantum_pipeline.planning.costs import Cost, InstancePrice
from quantum_pipeline.planning.packs import PreparedPack, shares
from quantum_pipeline.requests.labels import Owner, Tags
from quantum_pipeline.requests.pack import MOST, RunName, SettledPackLimits
from quantum_pipeline.runs import packed_run_id


class PackRecord(BaseModel):
    """A pack that can start: the runs of its job by their names, each with a record of its own.

    ``refused`` are the runs that Prepare has refused: they have ends, and no part in the job.
    ``owner``, ``tags`` and ``study`` are those that all runs of the job have.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    pack_id: str
    execution_arn: str
    created_at: datetime
    name: str | None
    runs: Annotated[tuple[RunName, ...], Field(min_length=1, max_length=MOST)]
    refused: tuple[RunName, ...] = ()
    owner: Owner | None = None
    tags: Tags | None = None
    study: str | None = None
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
        refused: Iterable[str] = (),
    ) -> Self:
        """Return the record of a pack that can start."""
        requests = [run.found.request for run in found.runs]
        owners = {request.owner for request in requests}
        studies = {request.study for request in requests}
        return cls(
            pack_id=pack_id,
            execution_arn=execution_arn,
            created_at=created_at,
            name=found.name,
            runs=tuple(run.name for run in found.runs),
            refused=tuple(refused),
            owner=owners.pop() if len(owners) == 1 else None,
            tags=_common([request.tags or {} for request in requests]),
            study=studies.pop() if len(studies) == 1 else None,
            limits=found.limits,
            instance=found.runs[0].found.instance,
            estimate=found.cost,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """All runs of the pack: those of the job first."""
        return (*self.runs, *self.refused)

    def run_id(self, name: str) -> str:
        """Return the id of one of its runs."""
        return packed_run_id(self.pack_id, name)

    def shares(
        self, billed_seconds: float, seconds: float, used: Mapping[str, float]
    ) -> dict[str, float]:
        """Return each run's part of the billed seconds; a run that was refused has none.

        ``seconds`` is how long the job took for all of them, ``used`` what each took of it.
        """
        start = max(0.0, billed_seconds - seconds)
        found = shares(billed_seconds, start, [used.get(name, 0.0) for name in self.runs])
        return dict(zip(self.runs, found, strict=True)) | dict.fromkeys(self.refused, 0.0)


def _common(tags: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return the tags that all have.

    >>> _common([{"project": "P", "step": "1"}, {"project": "P", "step": "2"}])
    {'project': 'P'}
    """
    first, *others = tags
    return {
        name: value
        for name, value in first.items()
        if all(each.get(name) == value for each in others)
    }
