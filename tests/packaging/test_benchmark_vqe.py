"""The molecules' benchmark on the smallest one: what it prints and writes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_molecules_beside_pennylane_are_compared_and_come_to_the_exact_energy(
    tmp_path: Path,
) -> None:
    file = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks.vqe", "--molecule", "H2", "--rounds", "1"]

    done = subprocess.run(
        [*command, "--json", str(file)], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "H2 at 0.74 angstrom" in done.stdout
    found = json.loads(file.read_text("utf-8"))
    figures = found["molecules"]["H2"]
    assert set(figures["setup_seconds"]) == {"ours", "pennylane"}
    assert set(figures["optimise_seconds"]) == {"ours", "pennylane fermionic", "pennylane qubit"}
    assert abs(figures["error_millihartree"]["ours"]) < 1e-3
    assert figures["max_difference"]["pennylane fermionic"] < 1e-8
    assert found["machine"]["pennylane"] != "not installed"
