"""The mitigation's benchmark on its first instance: what it prints and writes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_mitigated_energies_beside_raw_ones_on_an_emulated_qpu(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks.mitigation", "--instances", "1"]

    done = subprocess.run(
        [*command, "--shots", "2000", "--json", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "Garnet, emulated: 2000 shots a circuit" in done.stdout
    assert "worse than raw by more than stated: none" in done.stdout
    found = json.loads(file.read_text("utf-8"))
    (instance,) = found["instances"]
    # The energy that training reaches is below that of the mixed state.
    assert (instance["depth"], instance["exact"] < -4.5) == (1, True)
    assert found["mean_absolute_error"] <= 0.5 * found["raw_mean_absolute_error"]
