"""What ``qpipe`` prints of a report, for problems and algorithms of any kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from quantum_pipeline.cli import console
from tests.unit.finished_run import TRIANGLE, sampled

REPORT = sampled(TRIANGLE, {"000": 1, "001": 3}).model_dump(mode="json")


def printed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, **parts: dict[str, Any]
) -> dict[str, str]:
    """Return the figures that are printed of a report, by their names."""
    changed = REPORT | {name: REPORT[name] | fields for name, fields in parts.items()}
    (tmp_path / "report.json").write_text(json.dumps(changed))
    console.result(tmp_path, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    return {line[:13].strip(): line[13:] for line in lines}


@pytest.mark.parametrize(
    ("sense", "name"), [("maximise", "highest value"), ("minimise", "lowest value")]
)
def test_a_type_that_is_not_known_here_has_its_value_by_its_sense(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, sense: str, name: str
) -> None:
    problem = {"type": "knapsack", "sense": sense}
    assert name in printed(capsys, tmp_path, problem=problem)


def test_an_algorithm_that_is_not_known_here_has_its_own_name(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    found = printed(capsys, tmp_path, algorithm={"name": "vqa"})
    assert found["verdict"].startswith("VQA was ")


def test_the_best_known_value_says_whether_it_is_proven(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert printed(capsys, tmp_path)["best known"] == "2, proven by enumeration"
    found = printed(capsys, tmp_path, quality={"best_known_by": "tabu search"})
    assert found["best known"] == "2, found by tabu search"
