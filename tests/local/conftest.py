"""Small stacks, written into a temporary folder and started."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from quantum_pipeline.local.aws import LocalAws
from quantum_pipeline.local.lambdas import Functions
from tests.local.small_stack import (
    BROKEN,
    HANDLERS,
    MACHINE,
    TEMPLATE,
    Lines,
    NoBraket,
    read_stack,
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a template and what it names."""
    folder = tmp_path / "project"
    (folder / "functions").mkdir(parents=True)
    (folder / "functions" / "handlers.py").write_text(HANDLERS)
    (folder / "functions" / "broken.py").write_text(BROKEN)
    (folder / "template.yaml").write_text(TEMPLATE)
    (folder / "machine.asl.json").write_text(json.dumps(MACHINE))
    return folder


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def functions(project: Path, tmp_path: Path, lines: Lines) -> Iterator[Functions]:
    functions = Functions(
        read_stack(project).functions, {"FROM": "outside"}, tmp_path / "tmp", lines.put
    )
    yield functions
    functions.close()


@pytest.fixture
def start_aws(project: Path, tmp_path: Path) -> Iterator[Callable[..., LocalAws]]:
    """Starts the stack of `project`, and closes it at the end of the test."""
    with ExitStack() as started:

        def start(**parameters: str) -> LocalAws:
            return started.enter_context(
                LocalAws(
                    project / "template.yaml",
                    stack_name="s",
                    parameters=parameters,
                    cache_folder=tmp_path / "cache",
                    braket=NoBraket,  # type: ignore[arg-type]
                )
            )

        yield start
