"""Which runs go on in a folder of this machine, and in which processes.

A process that runs one holds a lock of the run's name as long as it lives, however it ends: a name
without a lock is of a process that is gone.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree

from filelock import FileLock, Timeout

_FOLDER = ".running"
_TRIES = 10


@contextmanager
def marked(folder: Path, run_id: str, of_pack: Iterable[str] = ()) -> Iterator[None]:
    """Let others see that a run goes on in this process, as long as the body does.

    ``of_pack`` are the names of its runs, if it is a pack. Nothing is marked where nothing can be
    written: what ends the run then says so.
    """
    lock = FileLock(_lock(folder, run_id))
    try:
        _acquire(lock)
        _process(folder, run_id).write_text("\n".join((str(os.getpid()), *of_pack)), "utf-8")
    except OSError:
        yield
        return
    try:
        yield
    finally:
        for path in (_process(folder, run_id), _lock(folder, run_id)):
            with suppress(OSError):
                path.unlink()
        rmtree(_asked(folder, run_id), ignore_errors=True)
        lock.release()
        with suppress(OSError):  # others go on
            (folder / _FOLDER).rmdir()


def _acquire(lock: FileLock) -> None:
    """Take a lock; its folder may be removed by the last run of another process just then."""
    for _ in range(_TRIES):
        with suppress(FileNotFoundError):
            Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
            return
    raise FileNotFoundError(lock.lock_file)


def process_of(folder: Path, run_id: str) -> int | None:
    """Return the process that a run goes on in, None where it does in none."""
    path = _lock(folder, run_id)
    if not path.exists():
        return None
    try:
        with FileLock(path, timeout=0):
            return None
    except Timeout:
        with suppress(OSError, ValueError):
            return int(_process(folder, run_id).read_text("utf-8").split("\n")[0])
        return None


def names_in_pack(folder: Path, pack_id: str) -> list[str]:
    """Return the names of the runs of a pack that goes on; none of any other run."""
    if process_of(folder, pack_id) is None:
        return []
    return _process(folder, pack_id).read_text("utf-8").split("\n")[1:]


def names(folder: Path) -> list[str]:
    """Return the runs that go on."""
    found = sorted(path.stem for path in (folder / _FOLDER).glob("*.lock"))
    return [name for name in found if process_of(folder, name) is not None]


def cancel_in_pack(folder: Path, pack_id: str, name: str) -> None:
    """Ask the process that a pack goes on in to cancel one of its runs."""
    asked = _asked(folder, pack_id)
    asked.mkdir(parents=True, exist_ok=True)
    (asked / name).touch()


def cancelled_in_pack(folder: Path, pack_id: str) -> Iterator[str]:
    """Yield the names of runs of a pack that are to be cancelled, each once."""
    with suppress(OSError):
        for path in sorted(_asked(folder, pack_id).glob("*")):
            path.unlink()
            yield path.name


def _asked(folder: Path, pack_id: str) -> Path:
    return folder / _FOLDER / f"{pack_id}.cancel"


def _lock(folder: Path, run_id: str) -> Path:
    return folder / _FOLDER / f"{run_id}.lock"


def _process(folder: Path, run_id: str) -> Path:
    return folder / _FOLDER / f"{run_id}.pid"
