"""Low-autocorrelation binary sequences."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, StrictInt

from quantum_pipeline.problems.base import Label
from quantum_pipeline.problems.decoded import Values, Violation
from quantum_pipeline.problems.formed import FormProblem, free
from quantum_pipeline.spaces import Polynomial, Space
from quantum_pipeline.wording import digits


class Labs(FormProblem):
    """Choose signs s_1 .. s_n of little autocorrelation:  E = sum_{k=1}^{n-1} C_k²  is minimised.

    C_k = sum_i s_i s_{i+k}; the merit factor n² / (2 E) is then large. Bit i is 1 where s is -1.

    Source: M. J. E. Golay, IEEE Trans. Inf. Theory 28, 543 (1982).
    """

    type: Literal["labs"] = "labs"
    n: Annotated[StrictInt, Field(ge=2, le=4096)] = Field(description="length of the sequence")

    @property
    def n_qubits(self) -> int:
        """Length of the sequence."""
        return self.n

    @property
    def n_terms(self) -> int:
        """Number of products of two products."""
        return sum((self.n - k) * (self.n - k - 1) // 2 for k in range(1, self.n))

    @property
    def labels(self) -> Sequence[Label]:
        """The places of the sequence, from 1."""
        return range(1, self.n + 1)

    @cached_property
    def space(self) -> Space:
        """All sequences."""
        return Space(free(self.n))

    def minimised(self) -> Polynomial:
        """Return E: (n - k) of each C_k², and twice the products of two different ones."""
        products: list[tuple[tuple[int, ...], float]] = []
        for k in range(1, self.n):
            places = range(self.n - k)
            products += [((i, i + k, j, j + k), 2.0) for j in places for i in range(j)]
        return Polynomial.of(products, self.n * (self.n - 1) / 2, spins=True)

    def objective(self, bits: Sequence[int]) -> float:
        """Return E."""
        s = [1 - 2 * bit for bit in bits]
        shifted = (zip(s, s[k:], strict=False) for k in range(1, self.n))
        return float(sum(sum(a * b for a, b in pairs) ** 2 for pairs in shifted))

    def decoded(self, bits: Sequence[int]) -> Values:
        """Return the sequence, the lengths of its runs, and its merit factor."""
        energy = self.objective(bits)
        merit = self.n**2 / (2 * energy)
        changes = [i for i, (a, b) in enumerate(pairwise(bits), start=1) if a != b]
        runs = [b - a for a, b in pairwise([0, *changes, self.n])]
        sequence = "".join("+-"[bit] for bit in bits)
        return Values(
            words=f"{sequence}, energy {energy:.0f}, merit factor {digits(merit)}, runs of "
            f"{', '.join(map(str, runs))}",
            figures={"energy": energy, "merit factor": merit},
            values={str(i): 1 - 2 * bit for i, bit in enumerate(bits, start=1)},
        )

    def check(self, bits: Sequence[int]) -> tuple[Violation, ...]:  # noqa: ARG002 - none can break
        """Return nothing: every sequence is one."""
        return ()
