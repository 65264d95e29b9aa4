"""The catalogue as a file: written by several processes, read from its end, mended."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from quantum_pipeline.local.catalogue_file import CatalogueFile


def record(run_id: str, second: int, **more: str) -> str:
    ended_at = f"2026-11-24T12:{second // 60:02}:{second % 60:02}Z"
    fields = {"run_id": run_id, "ended_at": ended_at, "status": "SUCCEEDED", **more}
    return json.dumps(fields, separators=(",", ":"))


def names(file: CatalogueFile) -> list[str]:
    return [json.loads(line)["run_id"] for line in file.newest_first()]


@pytest.fixture
def file(tmp_path: Path) -> CatalogueFile:
    return CatalogueFile(tmp_path / "runs")


def test_there_are_no_records_before_the_first(file: CatalogueFile) -> None:
    assert names(file) == []
    assert file.unread() == []


def test_records_are_read_the_newest_first_in_whatever_order_they_came(file: CatalogueFile) -> None:
    for second in (5, 9, 1, 7, 3):
        file.add(record(f"r{second}", second))
    assert names(file) == ["r9", "r7", "r5", "r3", "r1"]
    assert file.path.read_text("utf-8").count("\n") == 5


def test_a_fraction_of_a_second_is_later_than_the_whole_one(file: CatalogueFile) -> None:
    file.add(record("half", 7).replace(":07Z", ":07.5Z"))
    file.add(record("whole", 7))
    assert names(file) == ["half", "whole"]


def test_a_record_that_comes_again_is_written_once(file: CatalogueFile) -> None:
    for _ in range(3):
        file.add_all([record("a", 1), record("b", 2)])
    assert names(file) == ["b", "a"]


def test_a_name_that_two_runs_had_is_the_newer_ones(file: CatalogueFile) -> None:
    file.add_all([record("a", 1, owner="old"), record("b", 2), record("a", 3, owner="new")])
    assert [json.loads(line).get("owner") for line in file.newest_first()] == ["new", None]


def test_many_long_lines_are_read_backwards_as_they_were_written(file: CatalogueFile) -> None:
    chance = random.Random(7)
    lines = [record(f"é{k}", k % 3600, cause="x" * chance.randrange(90_000)) for k in range(60)]
    file.add_all(lines)
    assert [line.decode() for line in file.newest_first()] == lines[::-1]


def test_the_newest_are_read_without_the_others(file: CatalogueFile) -> None:
    file.add_all(record(f"r{k}", k, cause="x" * 1000) for k in range(300))
    content = file.path.read_bytes()
    file.path.write_bytes(b"\xff" * 1000 + content[1000:])
    newest = islice(file.newest_first(), 20)
    assert [json.loads(line)["run_id"] for line in newest] == [f"r{k}" for k in range(299, 279, -1)]


def test_a_line_that_a_writer_died_over_is_passed_over_and_then_replaced(
    file: CatalogueFile,
) -> None:
    file.add_all([record("a", 1), record("b", 2)])
    with file.path.open("ab") as opened:
        opened.write(record("torn", 3).encode()[:-9])
    assert names(file) == ["b", "a"]
    file.add(record("c", 4))
    assert names(file) == ["c", "b", "a"]
    assert all(json.loads(line) for line in file.path.read_text("utf-8").splitlines())


WRITER = """
import sys
from pathlib import Path
from quantum_pipeline.local.catalogue_file import CatalogueFile
from tests.local.test_catalogue_file import record
for k in range(25):
    CatalogueFile(Path(sys.argv[1])).add(record(f"{sys.argv[2]}-{k}", 100 + k))
"""


def test_processes_that_write_at_once_lose_nothing(file: CatalogueFile) -> None:
    command = [sys.executable, "-c", WRITER, str(file.folder)]
    writers = [subprocess.Popen([*command, str(number)]) for number in range(4)]
    assert [writer.wait() for writer in writers] == [0, 0, 0, 0]
    wanted = {f"{number}-{k}" for number in range(4) for k in range(25)}
    assert set(names(file)) == wanted
    lines = file.path.read_text("utf-8").splitlines()
    assert len(lines) == 100
    times = [json.loads(line)["ended_at"] for line in lines]
    assert times == sorted(times)


def test_folders_of_ended_runs_without_a_record_are_found(file: CatalogueFile) -> None:
    file.add(record("known", 1))
    for name, content in {
        "known": "completed.json",
        "old": "failure.json",
        "very-old": "report.json",
        "running": "prepared.json",
        ".part": "completed.json",
    }.items():
        (file.folder / name).mkdir()
        (file.folder / name / content).write_text("{}")
    os.utime(file.path, ns=(0, 0))
    assert [each.name for each in file.unread()] == ["old", "very-old"]
    file.add(record("old", 2))
    assert file.unread() == []  # not looked for again before the folder changes
