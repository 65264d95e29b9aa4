"""A rotation under several controls: turns about y with CZ between, in the order of a Gray code.

Source: M. Mottonen et al., Phys. Rev. Lett. 93, 130502 (2004).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Step(NamedTuple):
    """A turn about y, and the control of the CZ after it."""

    turn: float
    control: int | None


def walk(angle: float, controls: Sequence[tuple[int, int]]) -> list[Step]:
    """Return the steps of Ry(angle) where each control has its value: 2^k of k controls.

    Each CZ turns the sign of what comes after it, or not, by its control; the Gray code passes all
    signs once and ends with the last control.
    """
    k = len(controls)
    steps = []
    for number in range(2**k):
        code = number ^ number >> 1
        odd = sum(value for bit, (_, value) in enumerate(controls) if code >> bit & 1)
        changed = min((number + 1 & -(number + 1)).bit_length(), k) - 1
        control = controls[changed][0] if k else None
        steps.append(Step((-1) ** odd * angle / 2**k, control))
    return steps


def walk_onto_zero(angle: float, controls: Sequence[tuple[int, int]]) -> list[Step]:
    """Return the same for a qubit in 0 wherever the last control is 1: one CZ less.

    The walk is taken backwards, and would open with what closed it: there it does nothing. The CZ
    of each step but the last comes after its turn, as in ``walk``.

    >>> walk_onto_zero(1.0, [(7, 1)])
    [Step(turn=-0.5, control=7), Step(turn=0.5, control=None)]
    """
    steps = walk(angle, controls)[::-1]
    after = [step.control for step in steps[1:]]
    return [Step(step.turn, control) for step, control in zip(steps, [*after, None], strict=True)]
