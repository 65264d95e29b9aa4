"""Quantum tasks: the purposes they have, and how a measurement is split into them.

Circuits that are measured together share a task where the device takes program sets. The plan, the
job and the bill count tasks by the same rule.
"""

from __future__ import annotations

from typing import Final, Literal

Purpose = Literal["training", "samples"]
"""What tasks are for: energies for an optimiser, or what the run is asked for."""

TRAINING: Final = "training"
SAMPLES: Final = "samples"


def task_sizes(
    executables: int, shots: int, max_executables: int = 1, max_set_shots: int | None = None
) -> list[int]:
    """Return how many circuits each task of a measurement has, in as few tasks as there can be.

    Args:
        executables: circuits that are measured together.
        shots: of each.
        max_executables: most of them in a task, 1 where the device takes no program sets.
        max_set_shots: most shots of a program set in all, None where any number will do.

    >>> task_sizes(7, 100, max_executables=3), task_sizes(7, 100, 10, max_set_shots=500)
    ([3, 3, 1], [5, 2])
    """
    fit = executables if max_set_shots is None else max_set_shots // shots
    size = max(1, min(max_executables, fit))
    return [min(size, executables - first) for first in range(0, executables, size)]
