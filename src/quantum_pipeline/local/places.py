"""Where this machine has the application, and where it keeps what makes the next run quick."""

from __future__ import annotations

import os
from pathlib import Path

_IN_THE_WHEEL = Path(__file__).with_name("application")
_CHECKOUT = Path(__file__).resolve().parents[3]

INSTALLED = _IN_THE_WHEEL.is_dir()
"""Whether this is an installed wheel, and no checkout."""

APPLICATION = _IN_THE_WHEEL if INSTALLED else _CHECKOUT
"""Folder of template.yaml and of what it names: functions/ and statemachine/."""


def cache_folder() -> Path:
    """Return $QPIPE_CACHE; else .cache of a checkout, or this application's of the user's caches.

    Of a wheel it is quantum-pipeline in $XDG_CACHE_HOME, which is ~/.cache unless it is set.
    """
    if named := os.environ.get("QPIPE_CACHE"):
        return Path(named)
    if not INSTALLED:
        return _CHECKOUT / ".cache"
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "quantum-pipeline"
