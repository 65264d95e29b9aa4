"""The phases of a polynomial over spins as gates: products of Z by ladders with shared prefixes.

    exp(-i gamma c Z_a Z_b Z_c) = CX(a, b) exp(-i gamma c Z_b Z_c) CX(a, b)

for CX(a, b) leaves the parity of both in b. Products that begin alike share what makes the parity
of their beginning: they are leaves of one tree, which is walked once. Variables come in the order
of how many products of three or more they are in, so that many products begin alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from quantum_pipeline.spaces.polynomial import Polynomial


class Cx(NamedTuple):
    """CX: the parity of both qubits goes to the second."""

    control: int
    target: int


class Phase(NamedTuple):
    """exp(-i gamma c Z) of one qubit, or of the product Z Z of two."""

    qubits: tuple[int, ...]
    coefficient: float


@dataclass
class _Node:
    coefficient: float = 0.0
    children: dict[int, _Node] = field(default_factory=dict)


def ladder(polynomial: Polynomial) -> Iterator[Cx | Phase]:
    """Yield the gates of exp(-i gamma C), C over spins and less its constant, in their order.

    A product of two takes one gate; one of r > 2 has r - 2 CX on either side, less those that it
    shares with others.

    >>> [*map(tuple, ladder(Polynomial.of([((0, 1, 2), 2.0), ((0, 1, 3), 1.0)], spins=True)))]
    [(0, 1), ((1, 2), 2.0), ((1, 3), 1.0), (0, 1)]
    """
    assert polynomial.spins
    uses = Counter(i for each, _ in polynomial.monomials if len(each) > 2 for i in each)
    root = _Node()
    for variables, coefficient in polynomial.monomials:
        node = root
        for variable in sorted(variables, key=lambda i: (-uses[i], i)):
            node = node.children.setdefault(variable, _Node())
        node.coefficient = coefficient
    for first, node in root.children.items():
        if node.coefficient:
            yield Phase((first,), node.coefficient)
        yield from _from(first, node)


def _from(holder: int, node: _Node) -> Iterator[Cx | Phase]:
    """Yield the gates of what a node has below; ``holder`` has the parity of its variables."""
    for variable, child in node.children.items():
        if not child.children:
            yield Phase((holder, variable), child.coefficient)
            continue
        yield Cx(holder, variable)
        if child.coefficient:
            yield Phase((variable,), child.coefficient)
        yield from _from(variable, child)
        yield Cx(holder, variable)
