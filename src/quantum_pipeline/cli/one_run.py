"""A run by its name: its record, its files, its request and its report, here or on a stack."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from quantum_pipeline.catalogue.filters import Record
from quantum_pipeline.cli.listing import read_in
from quantum_pipeline.cli.reach import pipeline_of
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.local import running
from quantum_pipeline.local.catalogue_file import CatalogueFile
from quantum_pipeline.runs import PREPARED

if TYPE_CHECKING:
    from quantum_pipeline.reports import AnyReport


def check_name(run_id: str) -> str:
    """Return the name of a run, which may be part of a path here.

    Raises:
        InvalidRequest: it is none.
    """
    if not re.fullmatch(r"(?!\.{1,2}$)[^\s/\\\x00]{1,80}", run_id):
        raise InvalidRequest.of("RUN", run_id, "the name of a run, as `qpipe list` shows it")
    return run_id


def record_of(run_id: str, stack: str | None, output: Path) -> Record:
    """Return the record of a run that has ended.

    Raises:
        InvalidRequest: there is none; names those that are alike, or says that the run goes on.
    """
    check_name(run_id)
    if stack is not None:
        with pipeline_of(stack) as pipeline:
            found = pipeline.catalogue.record(run_id)
            if found is None:
                state = pipeline.status(run_id)
                raise _unknown(run_id, () if state is None else [f"it is {state}, and has none"])
            return dict(json.loads(found))
    start = f'{{"run_id":{json.dumps(run_id)},'.encode()
    alike: list[str] = []
    for line in CatalogueFile(read_in(output)).newest_first():
        if line.startswith(start):
            return dict(json.loads(line))
        alike.append(json.loads(line)["run_id"])
    if running.process_of(output, run_id) is not None:
        raise _unknown(run_id, ["it goes on, and has none"])
    raise _unknown(run_id, get_close_matches(run_id, alike))


def _unknown(run_id: str, known: Iterable[str]) -> InvalidRequest:
    more = "".join(f"; {each}" for each in known)
    return InvalidRequest.of("RUN", run_id, f"a run that has ended, as `qpipe list` shows{more}")


def request_of(run_id: str, stack: str | None, output: Path) -> dict[str, Any]:
    """Return the request of a run as JSON.

    Raises:
        InvalidRequest: the run was not prepared, or its files are not there.
    """
    content = file_of(check_name(run_id), PREPARED, stack, output)
    if content is None:
        raise InvalidRequest.of("RUN", run_id, f"a run with its {PREPARED}")
    prepared = json.loads(content)
    request, asked = prepared["request"], prepared.get("asked")
    return dict(request) if asked is None else {"problem": request["problem"], **asked}


def file_of(run_id: str, name: str, stack: str | None, output: Path) -> bytes | None:
    """Return one of a run's files; None where there is none."""
    if stack is None:
        path = output / run_id / name
        return path.read_bytes() if path.is_file() else None
    with pipeline_of(stack) as pipeline:
        return pipeline.read(run_id, name) if name in pipeline.names(run_id) else None


def read_report(content: bytes) -> AnyReport | None:
    """Return a report; None where it is of another release."""
    from quantum_pipeline.reports import (  # noqa: PLC0415
        ClassificationReport,
        ConstrainedReport,
        DividedReport,
        MoleculeReport,
        OptimisationReport,
    )

    data = json.loads(content)
    model: type[AnyReport] = OptimisationReport
    if data["problem"]["type"] == "chemistry":
        model = MoleculeReport
    elif data["problem"]["type"] == "classification":
        model = ClassificationReport
    elif "decoded" in data["solution"]:
        model = ConstrainedReport
    elif data["algorithm"]["name"] == "divide":
        model = DividedReport
    try:
        return model.model_validate_json(content)
    except ValidationError:
        return None
