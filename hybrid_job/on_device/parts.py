"""Runs the circuits of a cut QAOA circuit's parts on the device, all in one batch.

The shots are shared out by the weights of the circuits: a circuit has as many copies in the batch
as its weight in the energy's error asks for, each copy the same shots. What was decided is
journalled before it is paid for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from hybrid_job.cutting.circuits import PartCircuit, part_circuit
from hybrid_job.job import QaoaJob
from hybrid_job.journal import Kept as Record
from hybrid_job.metrics import log_phase
from hybrid_job.on_device.compilation.parts import PartCompiler
from hybrid_job.on_device.executor import Executor
from hybrid_job.on_device.kept import Kept
from hybrid_job.on_device.measurement import Compiled
from hybrid_job.on_device.spending import NotAffordable
from quantum_pipeline.cutting.expansion import Expansion
from quantum_pipeline.cutting.reconstruction import FEWEST, deviations, shared_out
from quantum_pipeline.errors import BudgetExceeded
from quantum_pipeline.planning.tasks import SAMPLES
from quantum_pipeline.quantities import Count, Entries
from quantum_pipeline.requests.limits import RunLimit
from quantum_pipeline.requests.mitigation import Noise
from quantum_pipeline.results import DeviceRun, PartCounts
from quantum_pipeline.wording import refusal

CAP: RunLimit = "limits.max_cost_usd"

DECISION = "shots of the parts"


class _Shots(Record):
    """Copies of each circuit, and the shots of a copy."""

    copies: Entries[Count]
    shots: Count


class MeasuredParts:
    """The circuits of an expansion, compiled for the executor's device and run there."""

    def __init__(self, job: QaoaJob, executor: Executor, expansion: Expansion) -> None:
        request = job.prepared.request
        self._job, self._executor, self._expansion = job, executor, expansion
        [self._planned] = job.prepared.plan.batches
        self._kept = Kept(job.journal, executor.state)
        self._compiler = PartCompiler(executor.state, request.noise or Noise(), request.seed)

    def run(self, trained_energy: float) -> tuple[tuple[PartCounts, ...], DeviceRun]:
        """Return the counts of every circuit, and what ran.

        Raises:
            BudgetExceeded: not even the fewest shots can be paid for.
            PipelineError: by name, as ``Executor.run`` raises.
        """
        log_phase("compiling")
        circuits = self._kept.circuits("parts", self._expansion.angles, self._compiled)
        decided = self._decided()
        try:
            counts = self._counted(circuits, decided)
        except NotAffordable:  # decided by an attempt that was interrupted before it paid
            decided = self._decide()
            counts = self._counted(circuits, decided)
        asked = self._planned.shots
        cut_short = None
        if decided.shots < asked:
            limit = self._job.prepared.request.limits.max_cost_usd
            cut_short = f"{CAP} = {limit:g}: {decided.shots} of {asked} shots a circuit"
        return counts, DeviceRun(
            emulated=self._executor.state.emulated,
            compilation=self._kept.summary(
                self._expansion.angles, lambda: self._compiler.summary(self._widest())
            ),
            mitigation=None,
            trained_energy=trained_energy,
            cut_short=cut_short,
            cut_short_by=() if cut_short is None else (CAP,),
        )

    def _names(self) -> list[tuple[int, str]]:
        """Return the part and the name of each circuit."""
        return [(k, name) for k, names in enumerate(self._expansion.circuits) for name in names]

    def _circuits(self) -> Iterator[PartCircuit]:
        for part, name in self._names():
            yield part_circuit(self._expansion, part, name)

    def _compiled(self) -> list[Compiled]:
        return list(map(self._compiler.compile, self._circuits()))

    def _widest(self) -> PartCircuit:
        return max(self._circuits(), key=lambda circuit: circuit.n_qubits)

    def _decided(self) -> _Shots:
        found = self._job.journal.decision(DECISION, _Shots)
        if found is None:
            return self._decide()
        with self._job.journal.checked(DECISION):
            if len(found.copies) != len(self._names()):
                raise ValueError(refusal("copies", len(found.copies), f"{len(self._names())}"))
            if sum(found.copies) * found.shots > self._planned.executables * self._planned.shots:
                raise ValueError(refusal("shots", found.shots, f"up to {self._planned.shots}"))
        return found

    def _decide(self) -> _Shots:
        """Decide for all shots that were asked for, or for as many as can be paid for."""
        weights = [
            each[name]
            for each, names in zip(
                deviations(self._expansion), self._expansion.circuits, strict=True
            )
            for name in names
        ]
        copies = shared_out(weights, max(self._planned.executables, len(weights)))
        shots = self._executor.affordable_shots(sum(copies), self._planned.shots)
        if shots < FEWEST:
            limit = self._job.prepared.request.limits.max_cost_usd
            raise BudgetExceeded(f"{CAP} = {limit:g}: what is left of it pays for no samples")
        decided = _Shots(copies=tuple(copies), shots=shots)
        self._job.journal.record_decision(DECISION, decided)
        return decided

    def _counted(self, circuits: list[Compiled], decided: _Shots) -> tuple[PartCounts, ...]:
        every = [each for each, n in zip(circuits, decided.copies, strict=True) for _ in range(n)]
        counts = iter(self._executor.run(every, decided.shots, SAMPLES))
        found = []
        for (part, name), copies in zip(self._names(), decided.copies, strict=True):
            together = Counter[str]()
            for _ in range(copies):
                together.update(next(counts))
            found.append(PartCounts(part=part, circuit=name, counts=dict(sorted(together.items()))))
        return tuple(found)
