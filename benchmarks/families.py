"""Random Ising models by family: graphs, weights, fields, and penalty-dominated problems."""

from __future__ import annotations

from collections.abc import Callable

import networkx as nx
import numpy as np
from numpy.random import Generator

from quantum_pipeline.ising import IsingModel


def maxcut(graph: nx.Graph) -> IsingModel:
    """Return MaxCut without weights, less its constant."""
    edges = [(i, j, 0.5) for i, j in graph.edges]
    return IsingModel.from_spins([0.0] * len(graph), edges)


def regular(degree: int) -> Callable[[int, Generator], IsingModel]:
    def model(n: int, rng: Generator) -> IsingModel:
        return maxcut(nx.random_regular_graph(degree, n, seed=int(rng.integers(2**30))))

    return model


def scale_free(n: int, rng: Generator) -> IsingModel:
    return maxcut(nx.barabasi_albert_graph(n, 2, seed=int(rng.integers(2**30))))


def pairs(n: int, probability: float, rng: Generator) -> list[tuple[int, int]]:
    return [(i, j) for j in range(n) for i in range(j) if rng.random() < probability]


def weighted(probability: float) -> Callable[[int, Generator], IsingModel]:
    """Return MaxCut with weights from 0.1 to 2."""

    def model(n: int, rng: Generator) -> IsingModel:
        edges = [(i, j, rng.uniform(0.1, 2) / 2) for i, j in pairs(n, probability, rng)]
        return IsingModel.from_spins([0.0] * n, edges)

    return model


def qubo(probability: float) -> Callable[[int, Generator], IsingModel]:
    """Return a QUBO with normal coefficients."""

    def model(n: int, rng: Generator) -> IsingModel:
        quadratic = [(i, j, rng.normal()) for i, j in pairs(n, probability, rng)]
        return IsingModel.from_bits(rng.normal(size=n).tolist(), quadratic)

    return model


def spin_glass(n: int, rng: Generator) -> IsingModel:
    """Return Sherrington and Kirkpatrick's model."""
    return IsingModel.from_spins([0.0] * n, [(i, j, rng.normal()) for i, j in pairs(n, 1, rng)])


def independent_set(n: int, rng: Generator) -> IsingModel:
    """Return a largest independent set: each node counts -1, each edge inside costs 2."""
    return IsingModel.from_bits([-1.0] * n, [(i, j, 2.0) for i, j in pairs(n, 0.3, rng)])


def partition(n: int, rng: Generator) -> IsingModel:
    """Return number partitioning, (sum a_i s_i)^2 less its constant, with a_i from 1 to 99."""
    a = rng.integers(1, 100, n).astype(float)
    return IsingModel.from_spins([0.0] * n, [(i, j, 2 * a[i] * a[j]) for i, j in pairs(n, 1, rng)])


def portfolio(n: int, rng: Generator) -> IsingModel:
    """Return risk less return of n/2 assets out of n, their number held by a penalty."""
    gains, loadings = rng.normal(0.1, 0.1, n), rng.normal(0, 0.2, (n, 3))
    risk = loadings @ loadings.T + np.diag(rng.uniform(0.01, 0.05, n))
    penalty, budget = 2 * np.abs(gains).max(), n // 2
    linear = np.diag(risk) - gains + penalty * (1 - 2 * budget)
    quadratic = [(i, j, 2 * risk[i, j] + 2 * penalty) for i, j in pairs(n, 1, rng)]
    return IsingModel.from_bits(linear.tolist(), quadratic, penalty * budget**2)


FAMILIES: dict[str, Callable[[int, Generator], IsingModel]] = {
    "ring": regular(2),
    "3-regular": regular(3),
    "4-regular": regular(4),
    "6-regular": regular(6),
    "scale-free": scale_free,
    "weighted sparse": weighted(0.25),
    "weighted half": weighted(0.5),
    "spin glass": spin_glass,
    "QUBO sparse": qubo(0.2),
    "QUBO half": qubo(0.5),
    "independent set": independent_set,
    "partition": partition,
    "portfolio": portfolio,
}
