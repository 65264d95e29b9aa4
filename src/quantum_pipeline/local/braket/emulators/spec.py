"""The specification of an emulated QPU: qubits, couplers, native gates, errors, times and limits.

Each is a file of ``data/``, which names the source and the date of its topology, gates and errors
and lists what is assumed. Where a source gives medians only, the qubits and couplers of the
emulator are spread around them: the k-th smallest of n errors or times is

    median * exp(spread * z((k + 1/2) / n)),   z the quantiles of the standard normal distribution,

dealt out by a shuffle whose seed is the device's name. So an emulator has better and worse qubits,
the same ones in every process.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from itertools import combinations
from statistics import NormalDist
from typing import Any

_DATA = files("quantum_pipeline.local.braket.emulators") / "data"

Pair = tuple[int, int]


@dataclass(frozen=True)
class EmulatedQpu:
    """A QPU as it is emulated.

    Fidelities are average gate fidelities. ``couplers`` holds each pair once, the smaller number
    first, also where every pair is coupled (``all_to_all``). ``readout_errors`` are
    (P(1 read | 0), P(0 read | 1)), whose mean is one minus the fidelity of the readout. ``t1`` and
    ``t2`` are in seconds. ``shot_seconds`` is one shot with its reset. ``max_executables`` is that
    of a program set, 0 where the device takes none, and ``max_set_shots`` all its shots together.
    """

    arn: str
    name: str
    provider: str
    qubits: tuple[int, ...]
    couplers: dict[Pair, float]
    all_to_all: bool
    native_gates: tuple[str, ...]
    two_qubit_gate: str
    gate_fidelity: dict[int, float]
    readout_fidelity: dict[int, float]
    readout_errors: dict[int, tuple[float, float]]
    t1: dict[int, float]
    t2: dict[int, float]
    gate_seconds: dict[str, float]
    shot_seconds: float
    shots: tuple[int, int]
    usd_per_shot: float
    """What GetDevice reports; what is billed is not decided here."""

    max_executables: int
    max_set_shots: int
    verbatim: bool
    status: str
    calibrated_at: str
    """ISO 8601: the date of the errors."""

    sources: str
    """Where topology, gates and errors come from, with dates, and what is assumed."""


@dataclass(frozen=True)
class _Qubit:
    """Errors of a qubit, times in microseconds: a row of ``qubits`` in a file."""

    number: int
    gate_fidelity: float
    one_for_zero: float
    zero_for_one: float
    t1_us: float
    t2_us: float


def read(data: dict[str, Any]) -> EmulatedQpu:
    """Return the QPU that a file of ``data/`` describes.

    Raises:
        ValueError: errors are given for other qubits or couplers than the topology has.
    """
    numbers, pairs = _graph(data["topology"])
    draw = random.Random(data["name"])
    rows = [_Qubit(*row) for row in data["qubits"]] if "qubits" in data else None
    measured = rows or _around_medians(numbers, data["medians"], draw)
    couplers = _couplers(pairs, data, draw)
    if {qubit.number for qubit in measured} != set(numbers) or set(couplers) != set(pairs):
        raise ValueError(f"{data['name']}: errors of other qubits or couplers than its own")
    errors = {qubit.number: (qubit.one_for_zero, qubit.zero_for_one) for qubit in measured}
    return EmulatedQpu(
        arn=data["arn"],
        name=data["name"],
        provider=data["provider"],
        qubits=numbers,
        couplers=couplers,
        all_to_all="ions" in data["topology"],
        native_gates=tuple(data["native_gates"]),
        two_qubit_gate=data["two_qubit_gate"],
        gate_fidelity={qubit.number: qubit.gate_fidelity for qubit in measured},
        readout_fidelity={number: 1 - (zero + one) / 2 for number, (zero, one) in errors.items()},
        readout_errors=errors,
        t1={qubit.number: qubit.t1_us / 1e6 for qubit in measured},
        # No state keeps its phase longer than twice its energy.
        t2={qubit.number: min(qubit.t2_us, 2 * qubit.t1_us) / 1e6 for qubit in measured},
        gate_seconds=data["gate_seconds"],
        shot_seconds=data["shot_seconds"],
        shots=(data["shots"][0], data["shots"][1]),
        usd_per_shot=data["usd_per_shot"],
        max_executables=data["max_executables"],
        max_set_shots=data["max_set_shots"],
        verbatim=data["verbatim"],
        status=data.get("status", "ONLINE"),
        calibrated_at=data["calibrated_at"],
        sources=_sources(data),
    )


def _graph(topology: dict[str, Any]) -> tuple[tuple[int, ...], list[Pair]]:
    """Return qubits and couplers: those of a drawn lattice, or of ``ions`` that are all coupled.

    In ``lattice`` each character is a site of the square lattice: ``#`` a qubit, ``x`` one that
    does not work and keeps its number, ``.`` none. They are numbered in the order of reading from
    ``first`` on, and neighbours are coupled, but for the ``broken`` pairs.
    """
    first = topology["first"]
    if "ions" in topology:
        qubits = tuple(range(first, first + topology["ions"]))
        return qubits, list(combinations(qubits, 2))
    sites = [
        (row, column, site)
        for row, line in enumerate(topology["lattice"])
        for column, site in enumerate(line)
        if site != "."
    ]
    number = {
        (row, column): first + index
        for index, (row, column, site) in enumerate(sites)
        if site == "#"
    }
    broken = {(low, high) for low, high in topology.get("broken", ())}
    pairs = [
        (qubit, number[near])
        for (row, column), qubit in number.items()
        for near in ((row, column + 1), (row + 1, column))
        if near in number
    ]
    return tuple(number.values()), [pair for pair in pairs if pair not in broken]


def _couplers(pairs: list[Pair], data: dict[str, Any], draw: random.Random) -> dict[Pair, float]:
    if "couplers" in data:
        return {(low, high): fidelity for low, high, fidelity in data["couplers"]}
    if "pair_fidelity" in data:
        return dict.fromkeys(pairs, data["pair_fidelity"])
    medians = data["medians"]
    errors = _spread(len(pairs), medians["two_qubit"], medians["spread"], draw)
    return {pair: 1 - error for pair, error in zip(pairs, errors, strict=True)}


def _around_medians(
    numbers: tuple[int, ...], medians: dict[str, float], draw: random.Random
) -> list[_Qubit]:
    skew = medians["readout_asymmetry"]
    columns = [
        _spread(len(numbers), medians[name], medians["spread"], draw)
        for name in ("one_qubit", "readout", "t1_us", "t2_us")
    ]
    return [
        _Qubit(number, 1 - gate, readout * (1 - skew), readout * (1 + skew), t1, t2)
        for number, gate, readout, t1, t2 in zip(numbers, *columns, strict=True)
    ]


def _spread(n: int, median: float, spread: float, draw: random.Random) -> list[float]:
    normal = NormalDist()
    values = [median * math.exp(spread * normal.inv_cdf((k + 0.5) / n)) for k in range(n)]
    draw.shuffle(values)
    return values


def _sources(data: dict[str, Any]) -> str:
    named = [f"{what}: {source}" for what, source in data["sources"].items()]
    return "; ".join([*named, f"assumed: {', '.join(data['assumed'])}"])


def _read_all() -> Iterator[EmulatedQpu]:
    for file in sorted(_DATA.iterdir(), key=lambda each: each.name):
        yield read(json.loads(file.read_text(encoding="utf-8")))


EMULATED = {qpu.arn: qpu for qpu in _read_all()}
"""Every emulated QPU, by its ARN."""
