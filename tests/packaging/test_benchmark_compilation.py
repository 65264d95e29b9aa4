"""The compiler's benchmark on one small graph: what it prints and writes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_circuits_beside_qiskit_are_compared_and_ours_take_no_more_gates(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks.compilation", "--device", "Garnet"]
    small = ["--graphs", "1", "--seeds", "1", "--qubits", "6", "--depth", "1"]

    done = subprocess.run(
        [*command, *small, "--json", str(file)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "MaxCut n = 6, p = 1" in done.stdout
    kinds = json.loads(file.read_text("utf-8"))["devices"]["Garnet"]
    assert set(kinds) == {"3-regular", "G(n, 1/2)"}
    for figures in kinds.values():
        assert figures["ratio_to_median"] <= 1
        assert figures["ours"]["estimated_fidelity"] >= figures["qiskit_best"]["estimated_fidelity"]
