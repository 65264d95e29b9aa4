"""The problem that all competitors solve: a seeded graph, and its Ising model without the constant.

maxcut   random 3-regular graph, energy = -cut: the same with all spins turned over
fields   with fields of +1/2 and -1/2 as well: few distinct energies, no symmetry
weights  real weights and fields: as many distinct energies as states
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.ising import IsingModel, all_energies

Real = NDArray[np.float64]
KINDS = ("maxcut", "fields", "weights")
DEGREE = 3


@dataclass(frozen=True)
class Problem:
    """An Ising model, and the constant that makes its energy minus the cut."""

    model: IsingModel
    constant: float

    @property
    def n_qubits(self) -> int:
        return self.model.n_variables

    @property
    def terms(self) -> list[tuple[tuple[int, ...], float]]:
        """Products of Z and their coefficients: fields first."""
        fields = [((i,), h) for i, h in enumerate(self.model.fields) if h]
        return [*fields, *(((i, j), coupling) for i, j, coupling in self.model.couplings)]

    @cached_property
    def cost(self) -> Real:
        """Energy of every bitstring, shape (2^n,), variable 0 the most significant bit."""
        return all_energies(self.model)


def random_problem(n_qubits: int, seed: int = 1, kind: str = "maxcut") -> Problem:
    """Return the problem of a random 3-regular graph; ``n_qubits`` is even and at least 4."""
    graph = nx.random_regular_graph(DEGREE, n_qubits, seed=seed)
    generator = np.random.default_rng(seed)
    edges = sorted(tuple(sorted(edge)) for edge in graph.edges)
    weights: Real = np.ones(len(edges))
    fields: Real = np.zeros(n_qubits)
    if kind == "fields":
        fields = generator.choice([-0.5, 0.5], n_qubits)
    if kind == "weights":
        weights, fields = generator.uniform(0.2, 2, len(edges)), generator.normal(0, 1, n_qubits)
    couplings = [(i, j, w / 2) for (i, j), w in zip(edges, weights.tolist(), strict=True)]
    model = IsingModel.from_spins(fields.tolist(), couplings)
    return Problem(model, constant=-float(weights.sum()) / 2)


def random_angles(depth: int, seed: int = 1) -> Real:
    """Return angles of the usual size, shape (2, depth): gammas, then betas."""
    return np.random.default_rng(seed).uniform(0.1, 0.6, (2, depth))
