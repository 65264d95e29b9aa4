"""What FILES of a command ask for: requests, a pack of them, or a study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from quantum_pipeline.cli import console, problem_file
from quantum_pipeline.cli.asking import Asking
from quantum_pipeline.cli.packing import gathered
from quantum_pipeline.cli.problem_file import label_of
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.requests.pack import Pack, StoredPack, parse_input, said_of
from quantum_pipeline.requests.request import ProblemReference, Request
from quantum_pipeline.studies.study import Study, is_study, parse_study

Asked = Request | Pack | StoredPack


def asked_in(files: tuple[Path, ...], asking: Asking) -> list[tuple[str, Asked]]:
    """Return what is asked in a file; of several the pack that they make, and what has no place.

    Each comes after what its execution's name begins with.

    Raises:
        InvalidRequest: as ``load``; of several files, after the name of the file; it is a study.
    """
    found = anything_in(files, asking)
    if isinstance(found, Study):
        allowed = "a request or a pack; qpipe study takes a study"
        raise InvalidRequest(f"{files[0]}: is a study; allowed: {allowed}")
    return found


def anything_in(files: tuple[Path, ...], asking: Asking) -> list[tuple[str, Asked]] | Study:
    """Return ``asked_in``, or the study that is asked in a file.

    Raises:
        InvalidRequest: as ``asked_in``; or as ``parse_study``.
    """
    if len(files) == 1:
        data = read(files[0], asking)
        if is_study(data):
            for path, value in asking.changes.values.items():
                field = "--device" if path == "device" else path
                allowed = "nothing with a study: its base or what varies has it"
                raise InvalidRequest.of(field, value, allowed)
            return parse_study(data)
        asked = load(data)
        return [(asked.name or label_of(files[0]), asked)]
    requests: list[tuple[Path, Request]] = []
    for file in files:
        data = read(file, asking)
        with said_of(str(file)):
            each = parse_input(data)
            if not isinstance(each, Request):
                raise InvalidRequest("is a pack; allowed: requests, or one pack alone")
        requests.append((file, each))
    pack, alone = gathered(requests)
    for lone in alone:
        console.note(f"{lone.file}: in a job of its own, since {lone.because}")
    of_alone = ((lone.request.name or label_of(lone.file), lone.request) for lone in alone)
    return [*([("pack", pack)] if pack else []), *of_alone]


def load(data: Any) -> Asked:
    """Return the request, or the pack, of JSON, and say what may not be meant as it is written.

    Raises:
        InvalidRequest: it is neither.
    """
    asked = parse_input(data)
    if isinstance(asked, Request) and not isinstance(asked.problem, ProblemReference):
        for each in asked.problem.warnings:
            console.note(f"warning: {each}")
    return asked


def read(file: Path, asking: Asking) -> Any:
    """Return what a file of any form holds, as JSON, with what options change of it.

    Raises:
        InvalidRequest: no such file, too large, of no such form, or not to be changed so.
    """
    return asking.changes.of(problem_file.read(file, asking.how))
