"""Syntax trees of state machines, kept on the disk.

To parse the pipeline's own takes moto's engine a third of a second, before anything can start.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import moto

KEPT_SECONDS = 86_400.0
"""How long a tree is kept that nobody asks for."""


def syntax_tree(text: str, parse: Callable[[str], Any], folder: Path) -> Any:
    """Return what a parser makes of a text; it is given each text once.

    A file of the folder is loaded as Python's own compiled files are: whoever can write there can
    run code here.
    """
    file = folder / _name(text)
    tree = _load(file)
    if tree is None:
        tree = parse(text)
        with suppress(OSError, RecursionError):  # no room, or too deep: parsed again next time
            _store(file, tree)
    return tree


def _name(text: str) -> str:
    """Return a name that says what the tree was made of, and what can load it."""
    made = moto.__version__, sys.version_info[:2], text
    return hashlib.sha256(repr(made).encode()).hexdigest()


def _load(file: Path) -> Any:
    try:
        tree = pickle.loads(file.read_bytes())
        os.utime(file)
    except Exception:  # noqa: BLE001 - it is not there, or is damaged in whatever way
        return None
    return tree


def _store(file: Path, tree: Any) -> None:
    folder = file.parent
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        with suppress(FileNotFoundError):  # another process has just removed it
            if old.stat().st_mtime < time.time() - KEPT_SECONDS:
                old.unlink()
    _separate(tree)
    content = pickle.dumps(tree, pickle.HIGHEST_PROTOCOL)
    handle, new = tempfile.mkstemp(dir=folder)
    with os.fdopen(handle, "wb") as written:
        written.write(content)
    Path(new).replace(file)


def _separate(node: Any) -> None:
    """Let a tree hold its own text in place of the parser, which holds all that it has read."""
    if hasattr(node, "parser"):
        node.parser = None
    for name in ("start", "stop", "symbol"):
        if (token := getattr(node, name, None)) is not None:
            token.text = token.text
            token.source = (None, None)
    for child in getattr(node, "children", None) or ():
        _separate(child)
