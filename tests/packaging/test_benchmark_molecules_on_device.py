"""The benchmark of molecules under noise on the smallest one: what it prints and writes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_mitigated_energies_are_beside_raw_ones_and_at_least_three_times_nearer(
    tmp_path: Path,
) -> None:
    file = tmp_path / "figures.json"
    asked = ["--molecule", "HeH+", "--seeds", "1", "--shots", "5000", "--json", str(file)]

    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.molecules_on_device", *asked],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "HeH+ 0.9 angstrom" in done.stdout
    (figures,) = json.loads(file.read_text("utf-8"))["molecules"].values()
    assert figures["circuits"] == 2 * 3 * 3 + 2
    assert len(figures["raw"]) == len(figures["mitigated"]) == 1
    assert figures["ratio"] >= 3
