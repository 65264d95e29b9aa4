"""The benchmark of constrained problems on its smallest instance: what it prints and writes."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from benchmarks.constrained import main


def test_a_knapsack_is_solved_beside_blind_picks(tmp_path: Path) -> None:
    """Its figures are those of one run, by name."""
    file = tmp_path / "figures.json"
    asked = ["--small", "--only", "knapsack", "--instances", "1", "--json", str(file)]
    done = CliRunner().invoke(main, asked, catch_exceptions=False)
    assert "knapsack" in done.stdout
    [found] = json.loads(file.read_text("utf-8"))["knapsack"]
    assert (found["states"], found["optimal"], found["shots"]) == (1024, True, 1000)
    assert found["probability"] > 20 * found["blind"] > 0
