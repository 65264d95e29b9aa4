"""The record of a run of which this machine has the folder, made as it is made on AWS."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import AwareDatetime, BaseModel, ValidationError

from quantum_pipeline import runs
from quantum_pipeline.catalogue.sources import EndHeader, ReportHeader, record_of
from quantum_pipeline.planning.prepared import PreparedRun, RunHeader
from quantum_pipeline.problems.features import features

Model = TypeVar("Model", bound=BaseModel)


class _ReportEnd(BaseModel):
    """How a run ended, by its report: the first releases wrote no other record of a success."""

    run_id: str
    completed_at: AwareDatetime


def record_of_folder(folder: Path) -> str | None:
    """Return the record of a run as JSON; None where its end is not there or none of ours.

    What an earlier release left out is computed from the problem: its features.
    """
    end = next(filter(None, (_read(folder / name, EndHeader) for name in runs.ENDS)), None)
    if end is None and (report := _read(folder / runs.REPORT, _ReportEnd)):
        end = EndHeader(run_id=report.run_id, status="SUCCEEDED", ended_at=report.completed_at)
    if end is None:
        return None
    succeeded = end.status == "SUCCEEDED"
    return record_of(
        end,
        _prepared(folder / runs.PREPARED),
        _read(folder / runs.REPORT, ReportHeader) if succeeded else None,
    ).model_dump_json()


def _prepared(path: Path) -> RunHeader | None:
    header = _read(path, RunHeader)
    if header is None or header.features is not None:
        return header
    whole = _read(path, PreparedRun)
    known = None if whole is None else features(whole.request.problem)
    return header.model_copy(update={"features": known})


def _read(path: Path, model: type[Model]) -> Model | None:
    try:
        return model.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
