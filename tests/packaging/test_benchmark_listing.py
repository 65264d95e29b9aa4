"""The benchmark of `qpipe list`, over few runs: what it prints and writes."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from benchmarks.listing import ALL, FLOOR, NEWEST, NONE, main


def test_each_list_is_measured_beside_what_python_takes(tmp_path: Path) -> None:
    file = tmp_path / "listing.json"
    done = CliRunner().invoke(main, ["--runs", "30", "--rounds", "1", "--json", str(file)])
    assert done.exit_code == 0, done.output
    assert "30 runs, median of 1 rounds" in done.stdout
    written = json.loads(file.read_text("utf-8"))
    assert written["lists"].keys() == {FLOOR, NEWEST, ALL, NONE}
    assert all(row["cpu_seconds"] > 0 for row in written["lists"].values())
