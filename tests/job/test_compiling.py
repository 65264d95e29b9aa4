"""Loops are compiled, wherever what is compiled can or cannot be kept."""

from __future__ import annotations

import errno
from typing import NoReturn

import pytest
from numba import int64
from numba.core import caching

from hybrid_job.compiling import compiled


def full(*_: object) -> NoReturn:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("name", "instead"), [("_locator_classes", []), ("__init__", full)], ids=["nowhere", "no room"]
)
def test_loops_are_compiled_where_nothing_can_be_kept(
    monkeypatch: pytest.MonkeyPatch, name: str, instead: object
) -> None:
    monkeypatch.setattr(caching.CompileResultCacheImpl, name, instead)
    assert compiled(int64(int64))(lambda n: n + 1)(41) == 42
