"""Where objects of S3 go on the disk: below the folder they are meant for, or nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.local.paths import below


@pytest.mark.parametrize("key", ["a", "plots/a.png", "..a", "a..", "a b", "...", "\\..\\a"])
def test_a_key_names_a_file_below_the_folder(tmp_path: Path, key: str) -> None:
    path = below(tmp_path, key)
    path.parent.mkdir(exist_ok=True)
    path.write_text("")
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == [path]


OUTSIDE = ("/", "/etc/hosts", "//etc/hosts", "..", "../a", "a/..", "a/../../b")
NO_FILE = ("", ".", "a/./b", "a//b", "a/", "a\0b")


@pytest.mark.parametrize("key", [*OUTSIDE, *NO_FILE])
def test_any_other_key_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(InvalidResult, match="key: got"):
        below(tmp_path, key)


def test_a_link_in_the_folder_leads_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "link").symlink_to(tmp_path)
    with pytest.raises(InvalidResult, match="below"):
        below(tmp_path / "inside", "link/evil")
