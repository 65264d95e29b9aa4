"""The unpacked source of jobs: what they share of it, what each has alone, how long it is kept."""

from __future__ import annotations

import gzip
import os
import tarfile
import time
from pathlib import Path

import pytest

from quantum_pipeline.local.braket import sources
from quantum_pipeline.local.braket.sources import KEPT_SECONDS, Sources
from tests.local.braket.server import tarball

FILES = {"work.py": "x = 1", "package/data.txt": "text"}


def archive(folder: Path, files: dict[str, str]) -> Path:
    path = folder / "source.tar.gz"
    path.write_bytes(tarball(files))
    return path


def names(folder: Path) -> set[str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix() for path in found if path.suffix != ".pyc"}


@pytest.mark.parametrize("keeps", [True, False])
def test_each_job_has_all_files_and_makes_its_own(tmp_path: Path, *, keeps: bool) -> None:
    kept = Sources(tmp_path / "sources" if keeps else None)
    packed = archive(tmp_path, FILES)
    kept.unpack(packed, tmp_path / "first")
    (tmp_path / "first" / "package" / "made.txt").write_text("by the first")
    (tmp_path / "first" / "package" / "data.txt").write_text("overwritten")
    kept.unpack(packed, tmp_path / "second")
    assert names(tmp_path / "second") == FILES.keys()
    assert (tmp_path / "second" / "package" / "data.txt").read_text() == "text"


def test_what_is_kept_is_compiled_once(tmp_path: Path) -> None:
    packed = archive(tmp_path, FILES)
    for name in ("first", "second"):
        Sources(tmp_path / "sources").unpack(packed, tmp_path / name)
    first, second = (
        next((tmp_path / name / "__pycache__").glob("work.*.pyc")) for name in ("first", "second")
    )
    assert first.stat().st_mtime_ns == second.stat().st_mtime_ns


def test_another_source_is_unpacked_for_itself(tmp_path: Path) -> None:
    kept = Sources(tmp_path / "sources")
    kept.unpack(archive(tmp_path, FILES), tmp_path / "first")
    kept.unpack(archive(tmp_path, {"work.py": "x = 2"}), tmp_path / "second")
    assert (tmp_path / "second" / "work.py").read_text() == "x = 2"
    assert names(tmp_path / "second") == {"work.py"}


def outdated(folder: Path) -> Path:
    """Return the one source that is kept, made older than it may be."""
    (kept,) = folder.iterdir()
    os.utime(kept, (0, time.time() - KEPT_SECONDS - 60))
    return kept


def test_a_source_that_no_job_has_had_for_a_day_is_forgotten(tmp_path: Path) -> None:
    kept = Sources(tmp_path / "sources")
    kept.unpack(archive(tmp_path, FILES), tmp_path / "first")
    kept.close()
    old = outdated(tmp_path / "sources")
    Sources(tmp_path / "sources").unpack(
        archive(tmp_path, {"work.py": "x = 2"}), tmp_path / "second"
    )
    assert not old.exists()


@pytest.mark.parametrize("by_another", [True, False])
def test_a_source_that_is_held_is_not_forgotten(tmp_path: Path, *, by_another: bool) -> None:
    holder = Sources(tmp_path / "sources")
    holder.kept(archive(tmp_path, FILES))
    old = outdated(tmp_path / "sources")
    forgetful = Sources(tmp_path / "sources") if by_another else holder
    forgetful.kept(archive(tmp_path, {"work.py": "x = 2"}))
    assert names(old) == FILES.keys()


def test_the_source_that_was_used_last_is_the_newest(tmp_path: Path) -> None:
    kept = Sources(tmp_path / "sources")
    assert kept.newest() is None
    first = kept.kept(archive(tmp_path, FILES))
    second = kept.kept(archive(tmp_path, {"work.py": "x = 2"}))
    assert first is not None
    assert kept.newest() == second
    os.utime(first, (0, time.time() + 60))
    assert kept.newest() == first
    assert Sources().newest() is None


def test_an_archive_that_would_write_elsewhere_is_refused_and_not_kept(tmp_path: Path) -> None:
    kept = Sources(tmp_path / "sources")
    with pytest.raises(tarfile.TarError):
        kept.unpack(archive(tmp_path, {"../outside.py": ""}), tmp_path / "job")
    assert list((tmp_path / "sources").iterdir()) == []


def test_links_in_a_loop_are_copied_as_they_are(tmp_path: Path) -> None:
    link = tarfile.TarInfo("package/again")
    link.type, link.linkname = tarfile.SYMTYPE, "."
    path = tmp_path / "source.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        tar.addfile(link)
    Sources(tmp_path / "sources").unpack(path, tmp_path / "job")
    assert (tmp_path / "job" / "package" / "again").is_symlink()


@pytest.mark.parametrize("limit", ["MAX_FILES", "MAX_BYTES"])
def test_a_source_without_end_is_refused_and_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(sources, limit, 2)
    packed = archive(tmp_path, {f"{number}.py": "x" for number in range(3)})
    with pytest.raises(tarfile.TarError, match="allowed: up to"):
        Sources(tmp_path / "sources").unpack(packed, tmp_path / "job")
    assert list((tmp_path / "sources").iterdir()) == []


def test_a_hard_link_to_nothing_is_refused(tmp_path: Path) -> None:
    link = tarfile.TarInfo("a")
    link.type, link.linkname = tarfile.LNKTYPE, "a"
    path = tmp_path / "source.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        tar.addfile(link)
    with pytest.raises(tarfile.TarError, match="links nowhere"):
        Sources().unpack(path, tmp_path / "job")


def test_a_header_without_end_is_refused_before_it_is_read(tmp_path: Path) -> None:
    member = tarfile.TarInfo("pax")
    member.type, member.size = tarfile.XHDTYPE, 2**30
    path = tmp_path / "source.tar.gz"
    path.write_bytes(gzip.compress(member.tobuf()))
    with pytest.raises(tarfile.TarError, match="a header of 1073741824 bytes; allowed: 1048576"):
        Sources().unpack(path, tmp_path / "job")
