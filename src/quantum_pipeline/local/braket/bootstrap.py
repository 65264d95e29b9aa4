"""Runs a job's entry point the way the job container does: the only code of ours in its process.

python -P bootstrap.py FAILURE_FILE     in the folder with the unpacked code
"""

import importlib
import inspect
import json
import os
import runpy
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

OURS = ("quantum_pipeline", "hybrid_job")


def entry_point(name: str) -> Callable[..., Any]:
    """Return the function of ``package.module:function``, or one that runs the module."""
    module, colon, function = name.partition(":")
    if colon:
        found: Callable[..., Any] = getattr(importlib.import_module(module), function)
        return found
    return lambda: runpy.run_module(module, run_name="__main__")


def arguments(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the hyperparameters as arguments, converted by annotation, if they fit."""
    values = json.loads(Path(os.environ["AMZN_BRAKET_HP_FILE"]).read_text())
    try:
        inspect.signature(function).bind(**values)
    except TypeError:
        return {}
    kinds = inspect.getfullargspec(function).annotations
    return {name: kinds.get(name, str)(value) for name, value in values.items()}


class Ours:
    """Finds packages of ours in the unpacked code alone, whatever copy is installed."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)

    def find_spec(self, name: str, _path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return where a package of ours is; None of all other modules, and of those within."""
        if name not in OURS:
            return None
        found = PathFinder.find_spec(name, [self._folder], target)
        if found is None:
            raise ModuleNotFoundError(f"No module named {name!r} in the job's code", name=name)
        return found


def use_code(folder: Path) -> None:
    """Make the unpacked code importable: last of all, but for packages of ours."""
    sys.path.append(str(folder))
    sys.meta_path.insert(0, Ours(folder))
    sys.dont_write_bytecode = True  # the folder is gone after the job
    for file in sorted(folder.rglob("requirements.txt")):
        print(f"{file.relative_to(folder)} is not installed: what this Python has must do")


def run(failure: Path) -> None:
    """Call the entry point; an exception becomes the failure file's "Type: message"."""
    try:
        use_code(Path.cwd())
        function = entry_point(os.environ["AMZN_BRAKET_SCRIPT_ENTRY_POINT"])
        function(**arguments(function))
    except Exception as error:  # whatever the job's code raises, it is raised again
        name = type(error).__name__
        failure.write_text(f"{name}: {error}" if str(error) else name)
        raise


if __name__ == "__main__":
    run(Path(sys.argv[1]))
