"""What the layers hold can be imported where they are."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from quantum_pipeline.architecture import JOB, ON_THIS_MACHINE
from quantum_pipeline.architecture import PACKAGE as PACKAGE_LAYERS

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "quantum_pipeline"
SHARED = {"numpy", "pydantic", "pydantic_core", "aws_lambda_powertools", "quantum_pipeline"}
MORE = {"pages": {"matplotlib", "jinja2", "PIL"}, "studies": {"optuna"}}
"""Of layers that not every function has, by the part of the package that imports it."""
OF_LAMBDA = {"boto3", "botocore"}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def test_modules_in_the_layer_import_what_is_in_the_layers_or_of_lambda() -> None:
    for path in PACKAGE.rglob("*.py"):
        inside = path.relative_to(PACKAGE)
        if inside.parts[0] not in ON_THIS_MACHINE:
            there = SHARED | OF_LAMBDA | MORE.get(inside.parts[0], set())
            missing = set(imported(path)) - there - sys.stdlib_module_names
            assert not missing, (inside, missing)


def test_the_architecture_names_every_part_of_the_package_and_of_the_job_once() -> None:
    for folder, layers in ((PACKAGE, PACKAGE_LAYERS), (ROOT / "hybrid_job", JOB)):
        named = [part for layer in layers for part in layer]
        there = {
            path.stem
            for path in folder.iterdir()
            if path.suffix == ".py" or (path / "__init__.py").exists()
        }
        assert sorted(named) == sorted(there - {"__init__"})


def test_the_layer_is_built_without_what_this_machine_alone_needs() -> None:
    assert "print(*ON_THIS_MACHINE)" in (ROOT / "sam.mk").read_text()
