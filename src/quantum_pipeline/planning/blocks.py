"""How divide uses devices: how many blocks are solved at a time, and which device takes which.

Parts of a cut circuit are spread by the same rule, each with its number of circuits. The plan and
the job follow the same rules: the plan says before what all rounds take at most, the job which
blocks of a wave go where, as the devices' queues are then.

    levels   the partition, and what merges its blocks: one measurement each, and at most so many
             blocks in it
    waves    those of a round: blocks of one wave see what the one before has changed
    spread   the blocks of one measurement among devices, each where it is done first
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from typing import NamedTuple

from quantum_pipeline.devices.catalogue import Device
from quantum_pipeline.devices.states import DeviceState
from quantum_pipeline.errors import DeviceUnavailable
from quantum_pipeline.requests.algorithm import SettledDivide
from quantum_pipeline.wording import refusal

WAVES, FEWEST = 8, 8
"""Waves of a round, and blocks of one at least."""

DEVICE_WAVES = 2
"""Waves of a round on devices, where each waits for its tasks."""


def levels(n: int, size: int) -> list[int]:
    """Return the blocks of the partition of n variables, and of each merge until one is left.

    >>> levels(100, 8), levels(5, 8)
    ([13, 2, 1], [1])
    """
    counts = [ceil(n / size)]
    while counts[-1] > 1:
        counts.append(ceil(counts[-1] / size))
    return counts


def waves(blocks: int, most: int = WAVES) -> list[int]:
    """Return how many blocks each wave of a round has.

    >>> waves(20, most=2), waves(9, most=2), waves(100)
    ([10, 10], [8, 1], [13, 13, 13, 13, 13, 13, 13, 9])
    """
    at_once = max(FEWEST, ceil(blocks / most))
    return [min(at_once, blocks - first) for first in range(0, blocks, at_once)]


def measured(n: int, algorithm: SettledDivide) -> Iterator[tuple[int, int]]:
    """Yield the blocks of each measurement on devices, and how often there is one like it.

    A round has as many blocks as the partition at most: those that promise most.
    """
    counts = levels(n, algorithm.block_size)
    for blocks in counts:
        yield blocks, 1
    if algorithm.max_rounds:
        for blocks in waves(counts[0], DEVICE_WAVES):
            yield blocks, algorithm.max_rounds


class Room(NamedTuple):
    """What decides when a device is done: its qubits, and seconds of queue, task and circuit.

    ``qubits`` is None where it takes circuits of any width.
    """

    name: str
    qubits: int | None
    queue_seconds: float
    task_seconds: float
    circuit_seconds: float

    @classmethod
    def of(cls, device: Device, state: DeviceState | None, shots: int) -> Room:
        """Return that of a device as it is now, for blocks of so many shots."""
        waiting = 0 if state is None else state.queue or 0
        return cls(
            name=device.name,
            qubits=width_of(state),
            queue_seconds=waiting * device.assumed_task_seconds,
            task_seconds=device.assumed_task_seconds,
            circuit_seconds=shots * device.assumed_shot_seconds,
        )

    def holds(self, width: int) -> bool:
        """Return whether a block of so many variables fits."""
        return self.qubits is None or width <= self.qubits


def width_of(state: DeviceState | None) -> int | None:
    """Return the qubits of a device that work, None where it says nothing of them.

    A simulator has no qubits of its own, but a widest circuit.
    """
    if state is None:
        return None
    return len(state.qubits) or state.n_qubits


def spread(
    widths: Sequence[int], rooms: Sequence[Room], circuits: Sequence[int] | None = None
) -> list[list[int]]:
    """Return the places of the blocks that each device takes: each where it is done first.

    The widest go first, of equal devices to the one named first. ``circuits`` has how many each
    one takes, by default one.

    Raises:
        DeviceUnavailable: a block fits none of them.

    >>> alike = [Room(name, 20, 0.0, 5.0, 1.0) for name in ("a", "b")]
    >>> spread([8, 8, 8, 8], alike)
    [[0, 2], [1, 3]]
    >>> spread([8, 8, 8], [alike[0], alike[1]._replace(queue_seconds=60.0)])
    [[0, 1, 2], []]
    """
    taken: list[list[int]] = [[] for _ in rooms]
    loads = [0] * len(rooms)
    each = circuits or [1] * len(widths)
    for place in sorted(range(len(widths)), key=lambda k: (-widths[k], -each[k])):
        able = [k for k, room in enumerate(rooms) if room.holds(widths[place])]
        if not able:
            allowed = ", ".join(f"{room.qubits} on {room.name}" for room in rooms)
            said = refusal("variables of a block", widths[place], f"up to {allowed}")
            raise DeviceUnavailable(said)
        chosen = min(able, key=lambda k: _done(rooms[k], loads[k] + each[place]))
        taken[chosen].append(place)
        loads[chosen] += each[place]
    return [sorted(places) for places in taken]


def _done(room: Room, circuits: int) -> float:
    return room.queue_seconds + room.task_seconds + circuits * room.circuit_seconds
