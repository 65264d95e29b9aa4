"""Compares us with peers on one problem at the same angles: interleaved, with results checked.

A competitor whose energy or gradient is not ours within its tolerance is void: it has no figures.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmarks import peers
from benchmarks.ours import Ours
from benchmarks.problem import Problem
from benchmarks.timing import Limits, Timing, interleave

Real = NDArray[np.float64]
ENERGY_TOLERANCE = 1e-8


@dataclass(frozen=True)
class Row:
    """One competitor's figures, and how far its results are from ours."""

    how: str
    energy: Timing
    gradient: Timing
    energy_difference: float
    gradient_difference: float
    tolerance: float

    @property
    def void(self) -> bool:
        return not (
            self.energy_difference <= ENERGY_TOLERANCE
            and self.gradient_difference <= self.tolerance
        )

    def as_json(self) -> dict[str, float]:
        return {
            "energy_seconds": self.energy.seconds,
            "gradient_seconds": self.gradient.seconds,
        }


@dataclass(frozen=True)
class Comparison:
    """All rows; ``skipped`` names peers that are not installed."""

    ours: Row
    peers: dict[str, Row]
    setup_seconds: float
    skipped: list[str]

    @property
    def everyone(self) -> dict[str, Row]:
        return {"ours": self.ours, **self.peers}

    @property
    def valid(self) -> dict[str, Row]:
        return {name: row for name, row in self.peers.items() if not row.void}

    @property
    def void(self) -> list[str]:
        return [name for name, row in self.peers.items() if row.void]

    def ratios(self, name: str) -> str:
        """Return how many times our energy and our gradient a peer's take, in words."""
        row = self.everyone.get(name)
        if row is None:
            return "not installed"
        if row.void:
            return "void"
        energy = row.energy.seconds / self.ours.energy.seconds
        return f"{energy:.1f}, {row.gradient.seconds / self.ours.gradient.seconds:.1f}"

    def as_json(self) -> dict[str, Any]:
        rows = list(self.peers.values())
        return {
            "ours": self.ours.as_json(),
            "peers": {name: row.as_json() for name, row in self.valid.items()},
            "max_energy_difference": _largest([row.energy_difference for row in rows]),
            "max_gradient_difference": _largest([row.gradient_difference for row in rows]),
            "engine": self.ours.how,
            "setup_seconds": self.setup_seconds,
            "rounds": {
                name: {"energy": row.energy.rounds, "gradient": row.gradient.rounds}
                for name, row in self.everyone.items()
            },
            "void": self.void,
            "skipped": self.skipped,
        }


def compare(
    problem: Problem, angles: Real, names: Iterable[str] | None, limits: Limits
) -> Comparison:
    """Time energy, and energy with gradient, of us and of each peer; None: of all there are."""
    depth = angles.shape[1]
    makers = peers.chosen(names)
    ours = Ours(problem, depth)
    everyone: dict[str, peers.Competitor] = {"": ours}
    everyone |= {name: make(problem, depth) for name, make in makers.items() if make}
    each_half = replace(limits, budget_seconds=limits.budget_seconds / 2)
    energies, gradients = (
        interleave(
            {name: partial(call, each, angles) for name, each in everyone.items()}, each_half
        )
        for call in (_energy, _energy_and_gradient)
    )
    energy, gradient = gradients[""].result
    rows = {
        name: Row(
            each.how,
            energies[name],
            gradients[name],
            _farthest([energies[name].result, gradients[name].result[0]], energy),
            _farthest(gradients[name].result[1], gradient),
            each.tolerance,
        )
        for name, each in everyone.items()
    }
    skipped = [name for name, make in makers.items() if not make]
    return Comparison(rows.pop(""), rows, ours.setup_seconds, skipped)


def _energy(competitor: peers.Competitor, angles: Real) -> float:
    return competitor.energy(angles)


def _energy_and_gradient(competitor: peers.Competitor, angles: Real) -> tuple[float, Real]:
    return competitor.energy_and_gradient(angles)


def _farthest(found: ArrayLike, expected: ArrayLike) -> float:
    """Return the largest difference; not a number if any is not, which no tolerance allows."""
    return float(np.max(np.abs(np.subtract(found, expected))))


def _largest(differences: list[float]) -> float | None:
    """Return the largest; 0 of none, and None, for JSON has no other word, if one is no number."""
    largest = float(np.max([0.0, *differences]))
    return largest if np.isfinite(largest) else None
