"""MaxCut: the largest cut of a weighted graph."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import fsum
from typing import Literal

from quantum_pipeline.ising import IsingModel
from quantum_pipeline.ising.exact import Terms
from quantum_pipeline.problems.base import BinaryProblem, Goal, Label
from quantum_pipeline.problems.graphs import Graph


class MaxCut(Graph, BinaryProblem):
    """Split the nodes of a graph so that the edges between the two sides weigh most.

    cut(x) = sum_{(i,j,w)} w [x_i != x_j],    energy = -cut
    """

    type: Literal["maxcut"] = "maxcut"

    @property
    def sense(self) -> Goal:
        """A cut is to be large."""
        return "maximise"

    @property
    def n_variables(self) -> int:
        """Number of nodes."""
        return self.node_count

    @property
    def n_terms(self) -> int:
        """Number of edges."""
        return len(self.edges)

    @property
    def labels(self) -> Sequence[Label]:
        """The nodes' names."""
        return self.nodes

    def terms(self) -> Terms:
        """Return -cut = (sum_{ij} w s_i s_j - sum_{ij} w) / 2."""
        gained = [-w for *_, w in self.edges]
        return Terms([0.0] * self.n_variables, self.edges, gained, spins=True, divisor=2)

    @cached_property
    def ising(self) -> IsingModel:
        """-cut = sum_{ij} w (s_i s_j - 1)/2."""
        halves = [(i, j, w / 2) for i, j, w in self.edges]
        offset = -fsum(w for *_, w in halves)
        return IsingModel.from_spins([0.0] * self.n_variables, halves, offset)
