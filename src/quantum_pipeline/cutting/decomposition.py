"""A ZZ rotation as a sum of six products of operations on single qubits.

With U = exp(-i theta/2 Z Z), and superoperators on either qubit,

    U rho U+ = cos^2(theta/2) I x I + sin^2(theta/2) Z x Z
             + sin(theta)/2 (M x R+ - M x R- + R+ x M - R- x M)

    R+, R-   the quarter turns Rz(pi/2) and Rz(-pi/2); Z is two of them, I none
    M        a measurement of Z whose outcome, +1 or -1, multiplies whatever is measured afterwards

The absolute coefficients sum to 1 + 2 |sin(theta)|: to sample the terms by their weights takes the
square of that times the shots of the uncut circuit, at the same error.

Source: K. Mitarai and K. Fujii, "Constructing a virtual two-qubit gate by sampling single-qubit
operations", New J. Phys. 23, 023021 (2021).
"""

from __future__ import annotations

from math import cos, prod, sin
from typing import Literal, NamedTuple

Operation = Literal[0, 1, 2, 3, "M"]
"""Quarter turns about z, or the measurement."""


class Term(NamedTuple):
    """A product: its coefficient, and the operation on either qubit."""

    coefficient: float
    one: Operation
    other: Operation


def terms(theta: float) -> tuple[Term, ...]:
    """Return the terms of exp(-i theta/2 Z Z); ``theta`` in radians.

    >>> [round(term.coefficient, 3) for term in terms(1.0)]
    [0.77, 0.23, 0.421, -0.421, 0.421, -0.421]
    """
    mixed = sin(theta) / 2
    return (
        Term(cos(theta / 2) ** 2, 0, 0),
        Term(sin(theta / 2) ** 2, 2, 2),
        Term(mixed, "M", 1),
        Term(-mixed, "M", 3),
        Term(mixed, 1, "M"),
        Term(-mixed, 3, "M"),
    )


def overhead(*thetas: float) -> float:
    """Return prod (1 + 2 |sin theta|)^2: how many times the shots these cuts take.

    >>> overhead(), round(overhead(1.5707963, 1.5707963), 3)
    (1.0, 81.0)
    """
    return float(prod((1 + 2 * abs(sin(theta))) ** 2 for theta in thetas))
