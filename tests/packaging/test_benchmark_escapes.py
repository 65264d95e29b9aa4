"""Archives that would lead out of a folder: a share of the attacks, and that an escape is seen."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from benchmarks import escapes
from benchmarks.escapes import INSIDE, MARK, REFUSED, TRICKS, World, of_archives


def test_no_archive_gets_out_of_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(escapes, "BOMBS", {})
    cases = list(of_archives(2 * len(TRICKS), random.Random(3), World(tmp_path / "world")))
    assert len(cases) == 4 * len(TRICKS)
    assert {case.kind for case in cases} == set(TRICKS)
    assert {case.end for case in cases} == {REFUSED, INSIDE}
    assert not any(case.is_broken for case in cases)


@pytest.mark.parametrize("place", [MARK, f"runs/{MARK}", "kept.txt"])
def test_what_is_written_outside_is_seen(tmp_path: Path, place: str) -> None:
    world = World(tmp_path / "world")
    (world.target / MARK).write_text("inside")
    assert world.escaped() == []
    (world.path / place).write_text("outside")
    assert world.escaped() == [str(world.path / place)]
