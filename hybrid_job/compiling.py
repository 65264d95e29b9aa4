"""Loops compiled by numba, and kept for later processes where a folder can be written.

numba keeps them beside their source, else in the user's cache, by the source's time and size and
by the processor: seconds of compiling become hundredths of reading.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(signature: Any, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator that compiles a function for one signature, or reads what is kept of it.

    Args:
        signature: numba's, such as ``void(float64[::1])``.
        options: of ``numba.njit``.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        try:
            return njit(signature, cache=True, **options)(function)
        except (RuntimeError, OSError):  # no folder to keep it in, or no room there
            return njit(signature, **options)(function)

    return decorate
