"""QAOA on a device: energies during training, and the samples of the final circuit.

What was decided about the final samples (angles, shots, mitigated or not) is journalled before
they are paid for: an attempt that starts again and has less money or time left decides the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from hybrid_job.engines import sampling
from hybrid_job.engines.sampling import Sampled
from hybrid_job.job import QaoaJob
from hybrid_job.journal import Kept as Record
from hybrid_job.journal import Vector, angles_of
from hybrid_job.limits import LimitReached
from hybrid_job.metrics import log_phase
from hybrid_job.on_device.compilation import compiler_for
from hybrid_job.on_device.executor import Executor, TimeReached
from hybrid_job.on_device.kept import Kept
from hybrid_job.on_device.kept_compiler import KeptCompiler
from hybrid_job.on_device.measurement import Compiled, Counts, Measurement, Setting
from hybrid_job.on_device.mitigating.checks import calibration_angles
from hybrid_job.on_device.mitigating.protocol import Protocol
from hybrid_job.on_device.mitigating.readout import (
    in_native_gates,
    in_plain_gates,
    readout_circuits,
)
from hybrid_job.on_device.spending import CapReached, NotAffordable
from hybrid_job.optimising.optimiser import Optimum, Real
from quantum_pipeline.errors import BudgetExceeded
from quantum_pipeline.ising import IsingModel, energies, spins_of
from quantum_pipeline.planning.tasks import SAMPLES, TRAINING
from quantum_pipeline.quantities import Count, Flag, Text
from quantum_pipeline.requests.limits import RunLimit
from quantum_pipeline.requests.mitigation import CHECKS, Noise
from quantum_pipeline.results import DeviceRun, MitigationOutcome
from quantum_pipeline.wording import refusal

LEAST_PART = 0.25
"""Part of the shots asked for that an energy is still mitigated with; one shot is not enough."""


ROUNDING = 1e-6
"""Part of the largest angle that the same angle may differ by from attempt to attempt."""


class _Asked(Record):
    """Angles of a batch of energies, each of shape (2, depth)."""

    angles: tuple[tuple[Vector, ...], ...]


class _Decision(Record):
    """What the final samples are to be: of these angles, so many shots, mitigated or not.

    ``cut_short`` says what is left out, ``cut_short_by`` has the limits for which it is.
    """

    angles: tuple[Vector, ...]
    shots: Count
    mitigated: Flag
    cut_short: Text | None
    cut_short_by: tuple[RunLimit, ...]


class DeviceQaoa:
    """The circuits of a run, compiled for its device and run there."""

    def __init__(
        self, job: QaoaJob, executor: Executor, tilts: Sequence[float] | None, lowest: float
    ) -> None:
        """Compile for the executor's device; no energy is below ``lowest``."""
        request = job.prepared.request
        self._job, self._algorithm, self._model = job, job.algorithm, job.model
        self._mitigation, self._shots = request.mitigation, request.shots
        self._executor = executor
        self._lowest = lowest
        compiler = compiler_for(
            self._model,
            self._executor.state,
            tilts=tilts,
            noise=request.noise or Noise(),
            seed=request.seed,
        )
        self._compiler = KeptCompiler(compiler, Kept(job.journal, executor.state))
        self._batches = 0

    def energies(self, batch: Sequence[Real]) -> list[tuple[float, float]]:
        """Return mean energy, or that of the lowest tail, and its standard error for each angles.

        Raises:
            LimitReached: the batch could cost what is kept for the final samples, or take their
                time.
        """
        executor, shots = self._executor, self._algorithm.shots_per_evaluation or self._shots
        executor.keep(executor.spending.last_batch(self._executables, self._shots))
        place = f"{TRAINING} {self._batches}"
        self._batches += 1
        circuits = [self._compiler.compile(angles) for angles in self._asked(place, batch)]
        try:
            counts = executor.run(circuits, shots, TRAINING, deadline=self._job.training_deadline)
        except (CapReached, TimeReached) as reached:
            raise LimitReached(reached.limit, str(reached)) from None
        alpha = self._algorithm.cvar_alpha
        return [tail_of(self._model, each, alpha) for each in counts]

    def sample(self, optimum: Optimum, exact: Callable[[Real], float]) -> Sampled:
        """Return the samples of the circuit at the angles found, or at those that are paid for.

        ``exact`` gives the energy of the circuit without noise: of calibration circuits as well.

        Raises:
            BudgetExceeded: not even the fewest shots can be paid for.
            PipelineError: by name, as ``Executor.run`` raises.
        """
        decision = self._decided(optimum)
        try:
            counts, outcome = self._measured(decision, exact)
        except NotAffordable:
            # Decided by an attempt that was interrupted before it paid: now less is left.
            decision = self._record(self._decide(optimum))
            counts, outcome = self._measured(decision, exact)
        self._executor.close()  # what is cancelled now is not billed
        angles = self._angles(decision)
        return Sampled(
            angles=angles,
            samples=sampling.from_counts(self._model, counts),
            tasks=self._executor.tasks,
            run=DeviceRun(
                emulated=self._executor.state.emulated,
                compilation=self._compiler.summary(angles),
                mitigation=outcome,
                trained_energy=exact(angles),
                cut_short=decision.cut_short,
                cut_short_by=decision.cut_short_by,
            ),
        )

    def _asked(self, place: str, batch: Sequence[Real]) -> list[Real]:
        """Return the angles of a batch: those of an earlier attempt, where these are the same.

        They are but for last digits, which an optimiser's own arithmetic may differ in: unless it
        had to choose between equals, an attempt takes the way of the one before.
        """
        journal, written = self._job.journal, [angles.tolist() for angles in batch]
        found = journal.decision(place, _Asked)
        if found is not None and len(found.angles) == len(written):
            paid = [angles_of(journal, place, each) for each in found.angles]
            if all(map(_same, paid, batch)):
                return paid
        journal.record_decision(place, _Asked(angles=tuple(written)))
        return list(batch)

    @property
    def _executables(self) -> int:
        return self._mitigation.executables(1, verified_apart=True)

    def _decided(self, optimum: Optimum) -> _Decision:
        self._executor.keep(0.0)
        made = self._job.journal.decision(SAMPLES, _Decision)
        if made is None:
            return self._record(self._decide(optimum))
        with self._job.journal.checked(SAMPLES):
            if made.shots > self._shots:
                raise ValueError(refusal("shots", made.shots, f"up to {self._shots}"))
        return made

    def _record(self, decision: _Decision) -> _Decision:
        self._job.journal.record_decision(SAMPLES, decision)
        return decision

    def _angles(self, decision: _Decision) -> Real:
        return angles_of(self._job.journal, SAMPLES, decision.angles)

    def _decide(self, optimum: Optimum) -> _Decision:
        """Decide for all that was asked for, or for as much of it as can be paid for.

        Fewer shots cost less accuracy than the errors of a device do: mitigation is the last to go.
        """
        asked, executor = self._shots, self._executor
        wanted = not self._mitigation.is_none
        shots = executor.affordable_shots(self._executables, asked) if wanted else 0
        mitigated = shots > 1 and shots >= LEAST_PART * asked
        if not mitigated:
            shots = executor.affordable_shots(1, asked)
        cap: RunLimit = "limits.max_cost_usd"
        limit = f"{cap} = {self._job.prepared.request.limits.max_cost_usd:g}"
        if not shots:
            raise BudgetExceeded(f"{limit}: what is left of it pays for no samples")
        left_out = ["no mitigation"] * (wanted and not mitigated)
        left_out += [f"{shots} of {asked} shots"] * (shots < asked)
        cuts = self._training_cut(optimum)
        cuts += [(cap, f"{limit}: {', '.join(left_out)}")] if left_out else []
        return _Decision(
            angles=optimum.angles.tolist(),
            shots=shots,
            mitigated=mitigated,
            cut_short="; ".join(words for _, words in cuts) or None,
            cut_short_by=tuple(dict.fromkeys(limit for limit, _ in cuts)),
        )

    def _training_cut(self, optimum: Optimum) -> list[tuple[RunLimit, str]]:
        """Return the limit that ended the training on the device, and the words for it, if any."""
        reached = optimum.stopped_by
        if self._algorithm.train_on != "device" or reached is None:
            return []
        if reached == "algorithm.max_evaluations":  # all that was asked for
            return []
        return [(reached, f"{reached}: the training ended early")]

    def _measured(
        self, decision: _Decision, exact: Callable[[Real], float]
    ) -> tuple[Counts, MitigationOutcome | None]:
        log_phase("compiling")
        own = self._angles(decision)
        circuit = self._compiler.compile(own)
        if not decision.mitigated:
            [counts] = self._executor.run([circuit], decision.shots, SAMPLES)
            return counts, None
        native = self._executor.state.native_gates
        prepare = in_native_gates(native) if circuit.verbatim else in_plain_gates
        protocol = Protocol(
            self._mitigation,
            self._measurement(own, circuit),
            [
                self._measurement(angles, self._compiler.compile(angles), exact(angles))
                for angles in calibration_angles(own, CHECKS)
            ],
            decision.shots,
            readout=partial(readout_circuits, prepare=prepare),
            lowest=self._lowest,
        )
        every = self._executor.run(protocol.circuits, decision.shots, SAMPLES)
        log_phase("mitigating")
        [plain], outcome = protocol.outcome(every)
        return plain, outcome

    def _measurement(
        self, angles: Real, circuit: Compiled, exact: float | None = None
    ) -> Measurement:
        plain = (Setting(circuit, self._model),)
        found = self._compiler.verified(angles) if self._mitigation.symmetry else None
        if found is None:
            return Measurement(plain, None, exact)
        compiled, check = found
        verified = Setting(compiled, self._model, check.decode, check.accepted)
        return Measurement(plain, (verified,), exact)


def _same(paid: Real, asked: Real) -> bool:
    """Return whether gammas and betas are the same but for rounding, each by the largest one."""
    size = np.abs(paid).max(axis=1, keepdims=True)
    return bool((np.abs(paid - asked) <= ROUNDING * size).all())


def tail_of(model: IsingModel, counts: Counts, alpha: float) -> tuple[float, float]:
    """Return the mean energy of the lowest ``alpha`` of the shots, and its standard error.

    >>> tail_of(IsingModel.from_spins([1.0], []), {"0": 1, "1": 3}, 0.5)
    (-1.0, 0.0)
    """
    found = np.repeat(energies(model, spins_of(list(counts))), list(counts.values()))
    lowest = np.sort(found)[: math.ceil(alpha * found.size)]
    return float(lowest.mean()), float(lowest.std()) / math.sqrt(lowest.size)
