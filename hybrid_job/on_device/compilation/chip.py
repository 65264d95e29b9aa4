"""A device as the compiler sees it: sites, couplers, distances, and the losses to minimise.

Sites are numbered 0, 1, ... within the largest connected part of the device. A loss is -log of a
fidelity, so the losses of a circuit's gates add up to that of its estimated fidelity.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, replace
from functools import cached_property
from math import exp, log

from qiskit.circuit import Measure, Parameter
from qiskit.circuit.library import CZGate, RXXGate, RZZGate, UGate, iSwapGate
from qiskit.transpiler import InstructionProperties, Target

from quantum_pipeline.devices.states import DeviceState
from quantum_pipeline.errors import DeviceUnavailable
from quantum_pipeline.wording import refusal

ENTANGLERS = ("cz", "iswap", "zz", "xx", "ms")
"""Native gates on two qubits that circuits are written in, the first choice first."""

ASSUMED_PAIR, ASSUMED_GATE, ASSUMED_READOUT = 0.99, 0.999, 0.97
"""Fidelities assumed where a device reports none."""

_QISKIT = {
    "cz": CZGate(),
    "iswap": iSwapGate(),
    "zz": RZZGate(Parameter("t")),
    "xx": RXXGate(Parameter("t")),
    "ms": RXXGate(Parameter("t")),
}


@dataclass(frozen=True)
class Chip:
    """Sites with their losses; ``pairs`` holds each coupled pair once, smaller site first.

    ``numbers[site]`` is the device's number of the qubit. ``calibrated`` says whether the device
    reports fidelities of two-qubit gates; if not, losses are assumed.
    """

    numbers: tuple[int, ...]
    natives: frozenset[str]
    entangler: str
    pairs: dict[tuple[int, int], float]
    gate_losses: tuple[float, ...]
    readout_losses: tuple[float, ...]
    calibrated: bool
    all_to_all: bool

    @property
    def n_sites(self) -> int:
        """Number of usable qubits."""
        return len(self.numbers)

    def pair_loss(self, a: int, b: int) -> float:
        """Loss of the native gate on two coupled sites."""
        return self.pairs[(a, b) if a < b else (b, a)]

    @cached_property
    def mean_pair_loss(self) -> float:
        """Mean loss of a native gate on two qubits."""
        return sum(self.pairs.values()) / len(self.pairs)

    @cached_property
    def neighbours(self) -> tuple[tuple[int, ...], ...]:
        """Sites coupled to each site."""
        near: list[list[int]] = [[] for _ in self.numbers]
        for a, b in self.pairs:
            near[a].append(b)
            near[b].append(a)
        return tuple(tuple(sorted(each)) for each in near)

    @cached_property
    def distances(self) -> list[list[int]]:
        """Couplers between each two sites, by breadth-first search: O(sites * couplers)."""
        return [_distances_from(site, self.neighbours) for site in range(self.n_sites)]

    def least(self, n: int) -> Chip:
        """Return the chip, or, where all qubits are coupled, that of the n with best readout.

        Which ones are coupled is then no question, and a search for a layout takes minutes.
        """
        if not self.all_to_all or not 2 <= n < self.n_sites:
            return self
        kept = sorted(sorted(range(self.n_sites), key=self.readout_losses.__getitem__)[:n])
        return replace(
            self,
            numbers=tuple(self.numbers[site] for site in kept),
            pairs={(a, b): self.pair_loss(kept[a], kept[b]) for b in range(n) for a in range(b)},
            gate_losses=tuple(self.gate_losses[site] for site in kept),
            readout_losses=tuple(self.readout_losses[site] for site in kept),
        )

    @cached_property
    def target(self) -> Target:
        """The chip for qiskit: any rotation of one qubit, and the native gate on two.

        Rotations are turned into native ones by ``native_circuit`` afterwards, for qiskit's as for
        our own circuits.
        """
        target = Target(num_qubits=self.n_sites)
        angles = [Parameter(name) for name in ("theta", "phi", "lam")]
        sites = range(self.n_sites)
        target.add_instruction(
            UGate(*angles),
            {(q,): InstructionProperties(error=_error(self.gate_losses[q])) for q in sites},
        )
        both = {
            ends: InstructionProperties(error=_error(loss))
            for (a, b), loss in self.pairs.items()
            for ends in ((a, b), (b, a))
        }
        target.add_instruction(_QISKIT[self.entangler], both)
        target.add_instruction(
            Measure(),
            {(q,): InstructionProperties(error=_error(self.readout_losses[q])) for q in sites},
        )
        return target


def chip_of(state: DeviceState) -> Chip:
    """Return the largest connected part of a device, with the entangler that most couplers have.

    A coupler whose fidelity was not measured counts as the worst measured one, a qubit likewise.

    Raises:
        DeviceUnavailable: no gate on two qubits that circuits can be written in, or no couplers.
    """
    entangler = _entangler(state)
    numbers = [qubit.number for qubit in state.qubits] or list(range(state.n_qubits or 0))
    if state.couplers is None:
        known = [state.pair_fidelity] if state.pair_fidelity else []
        reported = {(a, b): state.pair_fidelity for k, b in enumerate(numbers) for a in numbers[:k]}
    else:
        usable = [each for each in state.couplers if each.gate in (None, entangler)]
        reported = {each.qubits: each.fidelity for each in usable}
        known = [each.fidelity for each in usable if each.fidelity]
    worst = min(known, default=ASSUMED_PAIR)
    pairs = {pair: _loss(fidelity or worst) for pair, fidelity in reported.items()}
    kept = _largest_part(numbers, pairs)
    if len(kept) < 2:
        raise DeviceUnavailable(refusal("device", state.name, "a device with coupled qubits"))
    site = {number: k for k, number in enumerate(kept)}
    gate = {each.number: each.gate_fidelity for each in state.qubits}
    readout = {each.number: each.readout_fidelity for each in state.qubits}
    return Chip(
        numbers=kept,
        natives=frozenset(state.native_gates),
        entangler=entangler,
        pairs={
            (min(site[a], site[b]), max(site[a], site[b])): loss
            for (a, b), loss in pairs.items()
            if a in site and b in site
        },
        gate_losses=_losses(kept, gate, ASSUMED_GATE),
        readout_losses=_losses(kept, readout, ASSUMED_READOUT),
        calibrated=bool(known),
        all_to_all=state.couplers is None,
    )


def _entangler(state: DeviceState) -> str:
    native = [name for name in ENTANGLERS if name in state.native_gates]
    measured = Counter(each.gate for each in state.couplers or () if each.gate in native)
    if measured:
        return str(measured.most_common(1)[0][0])
    if not native:
        raise DeviceUnavailable(
            refusal("native gates", list(state.native_gates), "one of " + ", ".join(ENTANGLERS))
        )
    return native[0]


def _losses(
    kept: tuple[int, ...], reported: dict[int, float | None], assumed: float
) -> tuple[float, ...]:
    worst = min((each for each in reported.values() if each), default=assumed)
    return tuple(_loss(reported.get(number) or worst) for number in kept)


def _loss(fidelity: float) -> float:
    return -log(min(max(fidelity, 1e-3), 1.0))


def _error(loss: float) -> float:
    return 1 - exp(-loss)


def _largest_part(numbers: list[int], pairs: dict[tuple[int, int], float]) -> tuple[int, ...]:
    near: dict[int, set[int]] = {number: set() for number in numbers}
    for a, b in pairs:
        near.setdefault(a, set()).add(b)
        near.setdefault(b, set()).add(a)
    parts: list[set[int]] = []
    left = set(near)
    while left:
        part, border = set(), {min(left)}
        while border:
            part |= border
            border = {end for each in border for end in near[each]} - part
        parts.append(part)
        left -= part
    sizes = [len(part) for part in parts]
    return tuple(sorted(parts[sizes.index(max(sizes))])) if parts else ()


def _distances_from(site: int, neighbours: tuple[tuple[int, ...], ...]) -> list[int]:
    distance = [-1] * len(neighbours)
    distance[site] = 0
    queue = deque([site])
    while queue:
        here = queue.popleft()
        for end in neighbours[here]:
            if distance[end] < 0:
                distance[end] = distance[here] + 1
                queue.append(end)
    return distance
