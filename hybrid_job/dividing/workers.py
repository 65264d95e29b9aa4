"""Solves blocks in parallel processes; what comes out does not depend on how many there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import current_process, get_context

import numpy as np

from hybrid_job.dividing.blocks import Solver
from hybrid_job.dividing.system import Block, Real

Task = tuple[Solver, Block, tuple[int, ...]]


class Workers:
    """Processes that solve blocks; without any, this one does."""

    def __init__(self, pool: ProcessPoolExecutor | None, processes: int) -> None:
        self._pool, self._processes = pool, processes

    def solve(self, solver: Solver, blocks: Sequence[Block], seed: tuple[int, ...]) -> list[Real]:
        """Return the spins of each block, its random numbers by ``seed`` and its place."""
        tasks = [(solver, block, (*seed, place)) for place, block in enumerate(blocks)]
        if self._pool is None or len(tasks) == 1:
            return [_solved(task) for task in tasks]
        share = -(-len(tasks) // (4 * self._processes))
        return list(self._pool.map(_solved, tasks, chunksize=share))


@contextmanager
def workers(processors: int) -> Iterator[Workers]:
    """Yield as many workers as processors; a process of a pack has itself alone."""
    if processors < 2 or current_process().daemon:
        yield Workers(None, 1)
        return
    # Ended by what it is sent, not by signals, which a process may have handlers for.
    with ProcessPoolExecutor(processors, mp_context=get_context("fork")) as pool:
        yield Workers(pool, processors)


def _solved(task: Task) -> Real:
    solver, block, seed = task
    return solver(block, np.random.default_rng(list(seed)))
