"""Runs the circuits of a cut circuit's parts on its devices, all in one measurement.

The shots are shared out by the weights of the circuits: a circuit has as many copies as its weight
in the energy's error asks for, each copy the same shots. What was decided is journalled before it
is paid for. Of several devices each measures the parts that were planned for it, unless it is
lost: then the others do, by what they hold and when they are done.

Recursive QAOA measures one cut circuit after the other: each has its ``place`` among those of the
run. The first may have fewer shots than planned, for it is what all rests on; a later one has all
of them or is not measured.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from hybrid_job.cutting.circuits import PartCircuit, part_circuit
from hybrid_job.job import BinaryJob
from hybrid_job.journal import Kept as Record
from hybrid_job.metrics import log_phase
from hybrid_job.on_device.compilation.parts import PartCompiler
from hybrid_job.on_device.executor import Executor
from hybrid_job.on_device.kept import Kept
from hybrid_job.on_device.lanes import HANDS, Lane, Lanes
from hybrid_job.on_device.measurement import Compiled, Counts
from hybrid_job.on_device.spending import CapReached, NotAffordable
from quantum_pipeline.cutting.expansion import Expansion
from quantum_pipeline.cutting.reconstruction import FEWEST, deviations, shared_out
from quantum_pipeline.devices.states import DeviceState
from quantum_pipeline.errors import DeviceUnavailable
from quantum_pipeline.planning.blocks import Room, spread
from quantum_pipeline.planning.tasks import SAMPLES
from quantum_pipeline.quantities import Count, Entries
from quantum_pipeline.requests.limits import RunLimit
from quantum_pipeline.requests.mitigation import Noise
from quantum_pipeline.results import Compilation, DeviceRun, DeviceShare, PartCounts
from quantum_pipeline.wording import refusal

CAP: RunLimit = "limits.max_cost_usd"

DECISION = "shots of the parts"


class _Shots(Record):
    """Copies of each circuit, and the shots of a copy."""

    copies: Entries[Count]
    shots: Count

    @property
    def every(self) -> list[int]:
        """The circuit that each copy is of."""
        return [k for k, copies in enumerate(self.copies) for _ in range(copies)]


class MeasuredParts(ABC):
    """The circuits of an expansion, by part and name, and what is measured of them.

    ``executables`` are their copies, all together, at most. ``cut_short`` says what was left out of
    the shots for the limit on cost.
    """

    def __init__(self, job: BinaryJob, expansion: Expansion, place: int = 0) -> None:
        self._job, self._expansion, self._place = job, expansion, place
        self.cut_short: str | None = None
        batches = [batch for plan in job.prepared.plans for batch in plan.batches]
        self.executables, self._shots = sum(each.executables for each in batches), batches[0].shots
        self._names = [(k, name) for k, names in enumerate(expansion.circuits) for name in names]

    def run(self) -> tuple[PartCounts, ...]:
        """Return the counts of every circuit.

        Raises:
            CapReached: not even the fewest shots can be paid for, or of a later circuit not all.
            PipelineError: by name, as ``Executor.run`` raises.
        """
        log_phase("compiling")
        decided = self._decided()
        try:
            counts = self._measured(decided)
        except NotAffordable:  # decided by an attempt that was interrupted before it paid
            if self._paid():
                raise
            decided = self._decide()
            counts = self._measured(decided)
        if decided.shots < self._shots:
            limit = self._job.prepared.request.limits.max_cost_usd
            self.cut_short = f"{CAP} = {limit:g}: {decided.shots} of {self._shots} shots a circuit"
        return self._together(decided, counts)

    def device_run(self, trained_energy: float) -> DeviceRun:
        """Return what ran; ``trained_energy`` is that of the whole without noise."""
        return DeviceRun(
            emulated=self._emulated(),
            compilation=self._compilation(),
            mitigation=None,
            trained_energy=trained_energy,
            cut_short=self.cut_short,
            cut_short_by=() if self.cut_short is None else (CAP,),
        )

    @property
    def width(self) -> int:
        """Qubits of the widest circuit."""
        return self._widest(range(len(self._names))).n_qubits

    @abstractmethod
    def _measured(self, decided: _Shots) -> Sequence[Counts]:
        """Return the counts of each copy.

        Raises:
            NotAffordable: they cannot be paid for.
        """

    @abstractmethod
    def _affordable(self, copies: Sequence[int]) -> int:
        """Return the most shots of a copy that can be paid for, 0 where there are none."""

    @abstractmethod
    def _paid(self) -> bool:
        """Return whether something is paid for that another decision would make vain."""

    @abstractmethod
    def _compilation(self) -> Compilation | None:
        """Return how the widest circuit was compiled; None on simulators."""

    @abstractmethod
    def _emulated(self) -> str | None:
        """Return what stands in for the device."""

    @property
    def shares(self) -> tuple[DeviceShare, ...]:
        """What each of several devices did; nothing where there is one."""
        return ()

    def _compiler(self, state: DeviceState) -> PartCompiler:
        request = self._job.prepared.request
        return PartCompiler(state, request.noise or Noise(), request.seed)

    def _circuit(self, k: int) -> PartCircuit:
        return part_circuit(self._expansion, *self._names[k])

    @property
    def _decision(self) -> str:
        return f"{DECISION} {self._place}"

    def _widest(self, among: Iterable[int]) -> PartCircuit:
        return max(map(self._circuit, among), key=lambda circuit: circuit.n_qubits)

    def _decided(self) -> _Shots:
        found = self._job.journal.decision(self._decision, _Shots)
        if found is None:
            return self._decide()
        with self._job.journal.checked(self._decision):
            if len(found.copies) != len(self._names):
                raise ValueError(refusal("copies", len(found.copies), f"{len(self._names)}"))
            if sum(found.copies) * found.shots > self.executables * self._shots:
                raise ValueError(refusal("shots", found.shots, f"up to {self._shots}"))
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
        copies = shared_out(weights, max(self.executables, len(weights)))
        shots = self._affordable(copies)
        if shots < (self._shots if self._place else FEWEST):
            limit = self._job.prepared.request.limits.max_cost_usd
            raise CapReached(f"{CAP} = {limit:g}: what is left of it pays for no samples")
        decided = _Shots(copies=tuple(copies), shots=shots)
        self._job.journal.record_decision(self._decision, decided)
        return decided

    def _together(self, decided: _Shots, counts: Sequence[Counts]) -> tuple[PartCounts, ...]:
        together = [Counter[str]() for _ in self._names]
        for k, each in zip(decided.every, counts, strict=True):
            together[k].update(each)
        return tuple(
            PartCounts(part=part, circuit=name, counts=dict(sorted(found.items())))
            for (part, name), found in zip(self._names, together, strict=True)
        )


class PartsOfOne(MeasuredParts):
    """All parts on one device."""

    def __init__(
        self, job: BinaryJob, executor: Executor, expansion: Expansion, place: int = 0
    ) -> None:
        super().__init__(job, expansion, place)
        self._executor = executor
        self._kept = Kept(job.journal, executor.state)
        self._own = self._compiler(executor.state)

    def _measured(self, decided: _Shots) -> Sequence[Counts]:
        purpose = f"parts {self._place}"
        circuits = self._kept.circuits(purpose, self._expansion.angles, self._compiled)
        return self._executor.run([circuits[k] for k in decided.every], decided.shots, SAMPLES)

    def _compiled(self) -> list[Compiled]:
        return [self._own.compile(self._circuit(k)) for k in range(len(self._names))]

    def _affordable(self, copies: Sequence[int]) -> int:
        return self._executor.affordable_shots(sum(copies), self._shots)

    def _paid(self) -> bool:
        return False  # the executor refuses a batch of which nothing was created

    def _compilation(self) -> Compilation | None:
        every = range(len(self._names))
        return self._kept.summary(
            self._expansion.angles, lambda: self._own.summary(self._widest(every))
        )

    def _emulated(self) -> str | None:
        return self._executor.state.emulated


class PartsOfSeveral(MeasuredParts):
    """Parts on several devices, at the same time."""

    def __init__(self, job: BinaryJob, lanes: Lanes, expansion: Expansion, place: int = 0) -> None:
        super().__init__(job, expansion, place)
        self._lanes = lanes

    def shared(
        self, circuits: Mapping[int, int], rooms: Mapping[str, Room]
    ) -> dict[str, list[int]]:
        """Return which places each device takes, of a circuit each."""
        parts = self._expansion.parts
        mine: dict[int, list[int]] = {}
        for place, circuit in circuits.items():
            mine.setdefault(self._names[circuit][0], []).append(place)
        taken: dict[str, list[int]] = {name: [] for name in rooms}
        lost = [part for part in mine if parts[part].device not in rooms]
        widths, sizes = [parts[k].width for k in lost], [len(mine[k]) for k in lost]
        homes = {part: parts[part].device for part in mine}
        for name, chosen in zip(rooms, spread(widths, list(rooms.values()), sizes), strict=True):
            homes |= {lost[k]: name for k in chosen}
        for part, places in mine.items():
            taken[homes[part]] += places
        return taken

    def compiled(self, lane: Lane, circuits: Sequence[int], ordinal: int) -> dict[int, Compiled]:
        """Return circuits for a device, as an earlier attempt sent them."""
        state = lane.there.state
        compiler = self._compiler(state)
        asked = np.concatenate([self._expansion.angles.ravel(), np.array(circuits, np.float64)])
        made = Kept(self._job.journal, state).circuits(
            f"parts on {lane.device.name} {ordinal}",
            asked,
            lambda: [compiler.compile(self._circuit(k)) for k in circuits],
        )
        widest = self._widest(circuits)
        self._lanes.note(lane, widest.n_qubits, lambda: compiler.summary(widest))
        return dict(zip(circuits, made, strict=True))

    def _measured(self, decided: _Shots) -> Sequence[Counts]:
        first = HANDS * self._place
        found = self._lanes.measure(_Copies(self, decided), lambda hand: first + hand)
        counts = [each for each in found if each is not None]
        if len(counts) < len(found):
            left = f"{len(found) - len(counts)} of {len(found)} circuits"
            raise DeviceUnavailable(f"device: {left} were measured by no device")
        return counts

    def _affordable(self, copies: Sequence[int]) -> int:
        circuits = Counter[str]()
        for (part, _), count in zip(self._names, copies, strict=True):
            circuits[self._expansion.parts[part].device] += count
        return self._lanes.affordable_shots(circuits, self._shots)

    def _paid(self) -> bool:
        return any(each.arn is not None for each in self._job.journal.batches.values())

    def _compilation(self) -> Compilation | None:
        return max(
            (lane.compiled for lane in self._lanes.every), key=lambda made: made.width
        ).compilation

    def _emulated(self) -> str | None:
        return self._lanes.emulated

    @property
    def shares(self) -> tuple[DeviceShare, ...]:
        """What each device did."""
        return self._lanes.shares


class _Copies:
    """A measurement of copies of circuits; those of one part go to the same device."""

    what = "parts"

    def __init__(self, parts: PartsOfSeveral, decided: _Shots) -> None:
        self._parts, self._every = parts, decided.every
        self.size, self.shots = len(self._every), decided.shots

    def shared(self, places: Sequence[int], rooms: Mapping[str, Room]) -> Mapping[str, list[int]]:
        """Return the copies that each device takes: of the parts that are planned there, or lost.

        A lost device's parts go each where it is done first.
        """
        return self._parts.shared({k: self._every[k] for k in places}, rooms)

    def compiled(self, lane: Lane, places: Sequence[int], ordinal: int) -> list[Compiled]:
        """Return the circuits for a device, as an earlier attempt sent them."""
        wanted = [self._every[k] for k in places]
        made = self._parts.compiled(lane, sorted(set(wanted)), ordinal)
        return [made[k] for k in wanted]
