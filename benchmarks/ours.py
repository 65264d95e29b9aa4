"""This project's engine as a competitor like the others, with its set-up time."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers import EXACT
from benchmarks.problem import Problem
from hybrid_job.engines.choice import engine_for

Real = NDArray[np.float64]
MANY = 10**9
"""Evaluations: as many as make compiling worth its time wherever it can be had."""


class Ours:
    tolerance = EXACT

    def __init__(self, problem: Problem, depth: int) -> None:
        cost = problem.cost
        begun = time.perf_counter()
        choice = engine_for(cost, evaluations=MANY, depth=depth)
        self.engine = choice.engine
        self.how = f"{choice.name} engine, adjoint"
        self.energy(np.zeros((2, depth)))
        self.energy_and_gradient(np.zeros((2, depth)))
        self.setup_seconds = time.perf_counter() - begun

    def energy(self, angles: Real) -> float:
        return self.engine.energy(angles)

    def energy_and_gradient(self, angles: Real) -> tuple[float, Real]:
        return self.engine.energy_and_gradient(angles)
