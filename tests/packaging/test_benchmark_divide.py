"""The benchmark of divided problems on its smallest instances: what it prints and writes."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from benchmarks.divide import main


def test_a_torus_is_divided_beside_other_ways(tmp_path: Path) -> None:
    """No way is better than the best known, and divide is near it."""
    file = tmp_path / "figures.json"
    asked = ["--only", "torus", "--size", "0.05", "--json", str(file)]
    done = CliRunner().invoke(main, asked, catch_exceptions=False)
    assert "torus" in done.stdout
    found = json.loads(file.read_text("utf-8"))["torus"]
    assert found["variables"] == 49
    assert found["best_known"] == min(energy for energy, _ in found["ways"].values())
    assert found["energy"] <= 0.98 * found["best_known"] < 0
