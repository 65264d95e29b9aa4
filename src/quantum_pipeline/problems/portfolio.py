"""Portfolios: so many of some assets, with much return and little risk."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, StrictInt, model_validator

from quantum_pipeline.problems.base import (
    Goal,
    Label,
    Number,
    check_labels,
    check_square,
    n_entries,
)
from quantum_pipeline.problems.decoded import Selection, Violation, listed
from quantum_pipeline.problems.formed import FormProblem, broken, exact, ones, total
from quantum_pipeline.quantities import Entries
from quantum_pipeline.spaces import Group, Polynomial, Space
from quantum_pipeline.wording import digits, refusal


class Portfolio(FormProblem):
    """Choose exactly k assets, to maximise  r.x - q x^T S x  of returns r, risks S, aversion q."""

    type: Literal["portfolio"] = "portfolio"
    returns: Entries[Number] = Field(min_length=1, description="r: expected return of each asset")
    risks: Entries[Entries[Number]] = Field(
        description="S, row by row: covariances of the returns, variances on the diagonal"
    )
    risk_aversion: Annotated[Number, Field(ge=0)] = Field(
        1.0, description="q: how much return a unit of risk has to pay for"
    )
    cardinality: Annotated[StrictInt, Field(ge=1)] = Field(
        description="k: how many assets are chosen, exactly"
    )
    assets: Entries[Label] | None = Field(
        None, description="names of the assets; their numbers, from 0, if not given"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        n = len(self.returns)
        check_square("risks", self.risks, n)
        if self.cardinality > n:
            raise ValueError(refusal("cardinality", self.cardinality, f"an integer from 1 to {n}"))
        if self.assets is not None and len(self.assets) != n:
            length = len(self.assets)
            raise ValueError(f"assets: got a length of {length}; allowed: {n}, as many as returns")
        check_labels("assets", self.assets or ())
        return self

    @property
    def sense(self) -> Goal:
        """Return less risk is to be large."""
        return "maximise"

    @property
    def n_qubits(self) -> int:
        """Number of assets."""
        return len(self.returns)

    @property
    def n_terms(self) -> int:
        """Number of returns, and of risks that are not 0."""
        return len(self.returns) + n_entries(self.risks)

    @property
    def labels(self) -> Sequence[Label]:
        """The assets' names."""
        return self.assets or range(len(self.returns))

    @cached_property
    def space(self) -> Space:
        """All choices of k assets."""
        return Space((Group(tuple(range(self.n_qubits)), self.cardinality),))

    def minimised(self) -> Polynomial:
        """Return q x^T S x - r.x, each coefficient rounded once."""
        q = exact(self.risk_aversion)
        rewards = [((i,), -r) for i, r in enumerate(self.returns)]
        risks = [
            ((i, j), float(q * exact(s)))
            for i, row in enumerate(self.risks)
            for j, s in enumerate(row)
        ]
        return Polynomial.of([*rewards, *risks])

    def _figures(self, bits: Sequence[int]) -> tuple[float, float]:
        chosen = ones(bits)
        return (
            total(self.returns[i] for i in chosen),
            total(self.risks[i][j] for i in chosen for j in chosen),
        )

    def objective(self, bits: Sequence[int]) -> float:
        """Return r.x - q x^T S x."""
        gain, risk = self._figures(bits)
        return total([gain, -exact(self.risk_aversion) * exact(risk)])

    def decoded(self, bits: Sequence[int]) -> Selection:
        """Return the chosen assets, their return and their risk."""
        gain, risk = self._figures(bits)
        chosen = tuple(self.labels[i] for i in ones(bits))
        return Selection(
            words=f"{listed(chosen)}: return {digits(gain)}, risk {digits(risk)}",
            figures={"return": gain, "risk": risk},
            chosen=chosen,
            left_out=tuple(self.labels[i] for i, bit in enumerate(bits) if not bit),
        )

    def check(self, bits: Sequence[int]) -> tuple[Violation, ...]:
        """Return whether there are more or fewer assets than asked for."""
        k = self.cardinality
        return broken(f"exactly {k} of the assets", abs(sum(bits) - k))
