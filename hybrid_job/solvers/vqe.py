"""VQE as the job runs it: point by point the integrals, the amplitudes and the exact energy.

The amplitudes are trained on the exact state, which is free. On a device the energy of the lowest
point is measured then.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from hybrid_job.job import VqeJob, versions
from hybrid_job.journal import Journal
from hybrid_job.metrics import log_metric
from hybrid_job.molecules.ansatz import Ansatz
from hybrid_job.molecules.excitation_search import Budget, Real
from hybrid_job.molecules.point import Solved, solve_point
from quantum_pipeline.chemistry.sector import Sector
from quantum_pipeline.results import Evaluation, MoleculePoint, MoleculeResult

DECISION = "states to measure"
"""What the journal keeps before a device is paid for it: time may end a training elsewhere."""


@dataclass
class RecordedBudget(Budget):
    """A budget whose evaluations are in the journal: a job that starts again repeats none.

    ``point`` is the number of the geometry, ``before`` how many evaluations the others took.
    """

    journal: Journal = field(kw_only=True)
    point: int = field(kw_only=True)
    before: int = field(kw_only=True)

    def evaluate(self, ansatz: Ansatz, parameters: Real) -> tuple[float, Real]:
        """Return energy and gradient as they stand in the journal, or compute and record them."""
        key = np.array([self.point, *parameters])
        found = self.journal.evaluation(key)
        if found is None or len(self.history) == self.max_evaluations:
            found = super().evaluate(ansatz, parameters)
            self.journal.record_evaluation(key, *found)
        else:
            self.history.append(found[0])
        log_metric("energy", found[0], self.before + len(self.history))
        return found


def solve(job: VqeJob) -> MoleculeResult:
    """Return the result of a run: each geometry solved, the one of lowest energy sampled.

    The evaluations and the time are shared out evenly, what one geometry leaves to the next ones.
    Where the time ends first, the geometries from there on are left out.

    Raises:
        PipelineError: what happens on a device, see ``on_device.molecules.energy``.
    """
    solved, left_out = _recorded(job) or _trained(job)
    points = [each.point for each in solved]
    stopped = [point for point in points if not point.converged]
    first = next(iter(stopped), points[-1])
    return MoleculeResult(
        run_id=job.prepared.run_id,
        algorithm="vqe",
        engine="exact state among the determinants, numpy",
        ansatz=job.algorithm.ansatz,
        points=tuple(points),
        history=_history(solved),
        converged=not stopped and not left_out,
        stop_reason=left_out or first.stop_reason,
        stopped_by="limits.max_runtime_seconds" if left_out else first.stopped_by,
        **_sampled(job, solved, left_out),
        seconds=job.seconds,
        versions=versions(),
    )


def _trained(job: VqeJob) -> tuple[list[Solved], str]:
    """Return the geometries solved, and what ended that early."""
    lengths, solved = job.problem.lengths, list[Solved]()
    for number, length in enumerate(lengths):
        if solved and time.monotonic() > job.training_deadline:
            reached = f"{number} of {len(lengths)} lengths"
            return solved, f"limits.max_runtime_seconds: {reached}"
        solved.append(_solve_point(job, length, solved))
    return solved, ""


def _recorded(job: VqeJob) -> tuple[list[Solved], str] | None:
    """Return what an earlier attempt has trained, and began to pay for the energy of."""
    found = job.journal.decision(DECISION)
    if found is None:
        return None
    points = map(MoleculePoint.model_validate, found["points"])
    return list(map(Solved, points, found["energies"])), found["left_out"]


def _solve_point(job: VqeJob, length: float | None, before: Sequence[Solved]) -> Solved:
    return solve_point(
        job.problem,
        length,
        job.algorithm.ansatz,
        partial(_budget, job, before),
        start=_start(before),
        deadline=job.deadline(reserved=0.5),
        report=partial(print, flush=True),
    )


def _budget(job: VqeJob, before: Sequence[Solved]) -> RecordedBudget:
    """Return an even share of the evaluations and of the time that are left."""
    left = len(job.problem.lengths) - len(before)
    done = sum(each.point.evaluations for each in before)
    now, end = time.monotonic(), job.training_deadline
    return RecordedBudget(
        max_evaluations=max(1, (job.algorithm.max_evaluations - done) // left),
        deadline=now + (end - now) / left,
        journal=job.journal,
        point=len(before),
        before=done,
    )


def _start(before: Sequence[Solved]) -> Real | None:
    """Return the amplitudes of the geometry before, near which those of the next one are."""
    if not before:
        return None
    return np.array([each.amplitude for each in before[-1].point.amplitudes])


def _history(solved: Sequence[Solved]) -> tuple[Evaluation, ...]:
    flat = [(point, energy) for point, each in enumerate(solved, 1) for energy in each.energies]
    return tuple(
        Evaluation(evaluation=number, start=point, energy=energy)
        for number, (point, energy) in enumerate(flat, 1)
    )


def _sampled(job: VqeJob, solved: Sequence[Solved], left_out: str) -> dict[str, Any]:
    """Return what was drawn of the state of lowest energy, or what a device measured of it."""
    lowest = min((each.point for each in solved), key=lambda point: point.energy)
    if job.prepared.device.kind == "local":
        return {"counts": _counts(job, lowest), "measured": None, "pair_counts": ()}
    print(f"{job.prepared.device.name}: measuring the energy", flush=True)
    from hybrid_job.on_device.molecules.energy import (  # noqa: PLC0415 (takes seconds to import)
        measured_energy,
    )

    if job.journal.decision(DECISION) is None:
        trained = {
            "points": [each.point.model_dump(mode="json") for each in solved],
            "energies": [list(each.energies) for each in solved],
            "left_out": left_out,
        }
        job.journal.record_decision(DECISION, trained)
    found = measured_energy(job, lowest)
    return {
        "counts": found.counts,
        "measured": found.raw,
        "pair_counts": found.pair_counts,
        "device_run": found.run,
        "tasks": found.tasks,
    }


def _counts(job: VqeJob, point: MoleculePoint) -> dict[str, int]:
    """Return determinants drawn from the state: what measured spin orbitals would show."""
    sector = Sector.of(point.integrals)
    probabilities = point.state() ** 2
    shots = job.prepared.request.shots
    drawn = job.rng("shots").multinomial(shots, probabilities / probabilities.sum())
    return {sector.bitstring(int(at)): int(drawn[at]) for at in np.flatnonzero(drawn)}
