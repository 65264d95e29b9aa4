"""Divides the variables into blocks of one size: communities of the couplings, kept together.

Louvain's method (networkx) finds communities of communities. In the order of that tree, neighbours
stand near one another, and blocks are cut from it one after the other, all as large as the others.

Source: Blondel, Guillaume, Lambiotte, Lefebvre, arXiv:0803.0476.
"""

from __future__ import annotations

from math import ceil

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from hybrid_job.dividing.system import Places, System

MOST_COUPLINGS = 500_000
"""Of more, the communities take longer than they are worth: the order is that of the variables."""


def partition(system: System, size: int, seed: int) -> list[Places]:
    """Return ceil(n/size) blocks of all variables, each of at most ``size``.

    Cost: about 0.2 ms a coupling, once.
    """
    order = _order(system, seed)
    return [np.sort(part) for part in np.array_split(order, ceil(system.n / size))]


def _order(system: System, seed: int) -> NDArray[np.int64]:
    if system.matrix.nnz > 2 * MOST_COUPLINGS or not system.matrix.nnz:
        return np.arange(system.n)
    graph = nx.from_scipy_sparse_array(abs(system.matrix), edge_attribute="weight")
    levels = []
    for communities in nx.community.louvain_partitions(graph, weight="weight", seed=seed):
        label = np.empty(system.n, dtype=np.int64)
        for number, members in enumerate(communities):
            label[list(members)] = number
        levels.append(label)
    return np.asarray(
        np.lexsort(levels)
    )  # the last level, of the largest communities, decides first
