"""What the lines of a job's log say of how far it is."""

from __future__ import annotations

import re
from typing import NamedTuple

from quantum_pipeline.progress import PhaseReached

_NUMBER = r"-?\d{1,25}(?:\.\d{1,25})?(?:e[+-]?\d{1,3})?"
_ENERGY = re.compile(rf"^Metrics - .*; energy=({_NUMBER}); iteration_number=(\d{{1,9}});")
_COST = re.compile(rf"^Metrics - .*; cost_usd=({_NUMBER}); ")
_ENDED = re.compile(r"^Metrics - .*; runs_ended=(\d{1,3}); ")


class Logged(NamedTuple):
    """What the newest lines of a job's log say: of one run, or how many of a pack have ended."""

    evaluation: int | None = None
    energy: float | None = None
    runs_ended: int | None = None
    phase: PhaseReached | None = None
    cost_usd: float | None = None

    def after(self, line: str) -> Logged:
        """Return the same with what a further line says."""
        if energy := _ENERGY.match(line):
            return self._replace(evaluation=int(energy[2]), energy=float(energy[1]))
        if phase := PhaseReached.read(line):
            return self._replace(phase=phase)
        if cost := _COST.match(line):
            return self._replace(cost_usd=float(cost[1]))
        if ended := _ENDED.match(line):
            return self._replace(runs_ended=int(ended[1]))
        return self
