"""The sum of products that a cut circuit is, and the circuits that it takes of each part.

Every coupling between parts is a ZZ rotation in each layer, and each of these is cut. Of a product
of operations a part sees, at every of its sites (a variable at a cut, in a layer), either quarter
turns or a measurement; turns add up, and so do measurements: a second one has the same outcome.

    before the first layer's phases a qubit is in the superposition of all bits: a measurement there
    is half of 0 prepared and half of 1, and takes two circuits
    in a later layer its outcome goes to an ancilla: one circuit

A circuit of a part is named by one letter a site: 0, 1, 2, 3 quarter turns, a bit that is prepared
(z for 0, o for 1), or a measurement (m). All phases of a layer commute, so where in it a site's
operation stands does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.cutting.decomposition import Operation, overhead, terms
from quantum_pipeline.cutting.partition import Part, crossing
from quantum_pipeline.ising import IsingModel

Real = NDArray[np.float64]

ZERO, ONE, MEASURED = "z", "o", "m"


class Site(NamedTuple):
    """A variable at a cut, in a layer, counted from 0."""

    layer: int
    variable: int


class Share(NamedTuple):
    """What a circuit's counts are taken into an operand with: a weight, and whose signs.

    ``signs`` are places among the ancillas of the circuit.
    """

    weight: float
    circuit: str
    signs: tuple[int, ...] = ()


Operand = tuple[str, ...]
"""What a product has at each site of a part: quarter turns, or m and M for measurements, where M
multiplies by the outcome and m, an even number of them, does not."""


@dataclass(frozen=True)
class Expansion:
    """A cut circuit as sum_t c_t prod_p (operand of part p).

    ``angles`` has shape (2, depth): gammas, then betas; in layer k coupling J turns by 2 gamma_k J.
    """

    model: IsingModel
    parts: tuple[Part, ...]
    angles: Real

    @property
    def depth(self) -> int:
        """Layers."""
        return int(self.angles.shape[1])

    @cached_property
    def home(self) -> dict[int, int]:
        """The part of each variable."""
        return {v: k for k, part in enumerate(self.parts) for v in part.variables}

    @cached_property
    def sites(self) -> tuple[tuple[Site, ...], ...]:
        """Sites of each part, layer by layer."""
        return sites_of(self.model, [part.variables for part in self.parts], self.depth)

    @property
    def thetas(self) -> list[float]:
        """The angle of each rotation that is cut, layer by layer."""
        cut = crossing(self.model, [part.variables for part in self.parts])
        return [2 * gamma * coupling for gamma in self.angles[0] for _, _, coupling in cut]

    @property
    def overhead(self) -> float:
        """How many times the shots of the uncut circuit sampling all terms would take."""
        return overhead(*self.thetas)

    @cached_property
    def products(self) -> dict[tuple[Operand, ...], float]:
        """Each different product of operands, by part, with its coefficient.

        Which there are does not depend on the angles. Cost: O(6^gates).
        """
        cut = crossing(self.model, [part.variables for part in self.parts])
        gates = [(layer, i, j) for layer in range(self.depth) for i, j, _ in cut]
        found: dict[tuple[Operand, ...], float] = {}
        for chosen in product(*map(terms, self.thetas)):
            done: dict[Site, list[Operation]] = {}
            for (layer, i, j), term in zip(gates, chosen, strict=True):
                done.setdefault(Site(layer, i), []).append(term.one)
                done.setdefault(Site(layer, j), []).append(term.other)
            operands = tuple(tuple(_operand(done[site]) for site in part) for part in self.sites)
            coefficient = prod(term.coefficient for term in chosen)
            found[operands] = found.get(operands, 0.0) + coefficient
        return found

    def shares(self, part: int, operand: Operand) -> Iterator[Share]:
        """Yield what of which circuits an operand of a part is."""
        first = [site.layer == 0 for site in self.sites[part]]
        spots = (
            [(0.5, ZERO), (-0.5 if each == "M" else 0.5, ONE)]
            if at_start and each in "mM"
            else [(1.0, each.lower())]
            for each, at_start in zip(operand, first, strict=True)
        )
        for letters in product(*spots):
            circuit = "".join(letter for _, letter in letters)
            later = [each for each, at_start in zip(operand, first, strict=True) if not at_start]
            ancillas = [each for each in later if each in "mM"]
            signs = tuple(k for k, each in enumerate(ancillas) if each == "M")
            yield Share(prod(weight for weight, _ in letters), circuit, signs)

    @cached_property
    def circuits(self) -> tuple[tuple[str, ...], ...]:
        """The circuits of each part, by their names, in alphabetical order."""
        return tuple(
            tuple(
                sorted(
                    {
                        share.circuit
                        for operand in {operands[k] for operands in self.products}
                        for share in self.shares(k, operand)
                    }
                )
            )
            for k in range(len(self.parts))
        )

    def n_bits(self, part: int, circuit: str) -> int:
        """Return the measured bits of a circuit: the part's variables, then its ancillas."""
        return len(self.parts[part].variables) + circuit.count(MEASURED)


def sites_of(
    model: IsingModel, parts: Sequence[Sequence[int]], depth: int
) -> tuple[tuple[Site, ...], ...]:
    """Return the sites of each part, layer by layer."""
    cut = crossing(model, parts)
    ends = {v for i, j, _ in cut for v in (i, j)}
    return tuple(
        tuple(Site(layer, v) for layer in range(depth) for v in sorted(ends.intersection(part)))
        for part in parts
    )


def _operand(operations: Sequence[Operation]) -> str:
    measured = operations.count("M")
    if measured:
        return "M" if measured % 2 else "m"  # of a bit, what turned about z is a global phase
    return str(sum(each for each in operations if each != "M") % 4)
