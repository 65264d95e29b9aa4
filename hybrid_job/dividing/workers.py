"""Solves blocks in parallel processes; what comes out does not depend on how many there are."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import current_process, get_context

import numpy as np

from hybrid_job.dividing.blocks import Solver
from hybrid_job.dividing.system import Block, Real
from hybrid_job.processes import die_with
from quantum_pipeline.errors import JobFailed

WORTH = 1 << 16
"""States of all blocks, times evaluations, below which sending them to processes takes longer than
solving them here."""

Task = tuple[Solver, Block, tuple[int, ...]]


class Workers:
    """Processes that solve blocks; without any, and where these are small, this one does."""

    def __init__(
        self, pool: ProcessPoolExecutor | None, processes: int, worth: int = WORTH
    ) -> None:
        self._pool, self._processes, self._worth = pool, processes, worth

    def solve(self, solver: Solver, blocks: Sequence[Block], seed: tuple[int, ...]) -> list[Real]:
        """Return the spins of each block, its random numbers by ``seed`` and its place.

        Raises:
            JobFailed: one of the processes was killed.
        """
        tasks = [(solver, block, (*seed, place)) for place, block in enumerate(blocks)]
        states = sum(1 << len(block.fields) for block in blocks)
        small = states * (1 + getattr(solver, "evaluations", 0)) < self._worth
        if self._pool is None or len(tasks) == 1 or small:
            return [_solved(task) for task in tasks]
        share = -(-len(tasks) // (4 * self._processes))
        try:
            return list(self._pool.map(_solved, tasks, chunksize=share))
        except BrokenProcessPool as error:
            raise JobFailed(
                "a process that solves blocks was killed, as for want of memory"
            ) from error


@contextmanager
def workers(processors: int, worth: int = WORTH) -> Iterator[Workers]:
    """Yield as many workers as processors; a process of a pack has itself alone."""
    if processors < 2 or current_process().daemon:
        yield Workers(None, 1)
        return
    # An executor ends its processes by what it sends them. A Pool does by a signal, which one that
    # has a handler of this process may miss while it begins to wait for a lock: it never ends then.
    with ProcessPoolExecutor(
        processors, get_context("fork"), initializer=die_with, initargs=(os.getpid(),)
    ) as pool:
        yield Workers(pool, processors, worth)


def _solved(task: Task) -> Real:
    solver, block, seed = task
    return solver(block, np.random.default_rng(list(seed)))
