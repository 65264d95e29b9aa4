"""What an emulated QPU is: its qubits and couplers, native gates, errors, times and limits.

Each is a file of ``data/``, which names the source and the date of its topology, gates and errors
and lists what is assumed. Where a source tells a median alone, the qubits and couplers of the
emulator are spread around it: the k-th smallest of n errors is

    median * exp(spread * z((k + 1/2) / n)),   z the quantiles of the standard normal distribution,

dealt to the qubits by a shuffle whose seed is the device's name. So an emulator has better and
worse qubits, the same ones in every process.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator, Sequence
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
    ``t2`` are in seconds, None where gates are so fast beside them that no source tells them.
    ``shot_seconds`` is one shot with its reset. ``max_executables`` is that of a program set, 0
    where the device takes none.
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
    max_executables: int
    verbatim: bool
    status: str
    calibrated_at: str
    """ISO 8601: the date of the errors."""

    sources: str
    """Where topology, gates and errors come from, with dates, and what is assumed."""


def read(told: dict[str, Any]) -> EmulatedQpu:
    """Return the QPU that a file of ``data/`` describes."""
    name = told["name"]
    qubits, couplers = _graph(told["topology"])
    errors, spread = told["errors"], told["errors"]["spread"]
    draw = random.Random(name)

    def spread_over(many: Sequence[Any], middle: float) -> dict[Any, float]:
        return dict(zip(many, _spread(len(many), middle, spread, draw), strict=True))

    one = spread_over(qubits, errors["one_qubit"])
    two = spread_over(couplers, errors["two_qubit"])
    readout = spread_over(qubits, errors["readout"])
    t1 = spread_over(qubits, errors["t1_seconds"])
    t2 = spread_over(qubits, errors["t2_seconds"])
    skew = errors["readout_asymmetry"]
    return EmulatedQpu(
        arn=told["arn"],
        name=name,
        provider=told["provider"],
        qubits=qubits,
        couplers={pair: 1 - error for pair, error in two.items()},
        all_to_all=told["topology"].get("all_to_all", False),
        native_gates=tuple(told["native_gates"]),
        two_qubit_gate=told["two_qubit_gate"],
        gate_fidelity={qubit: 1 - error for qubit, error in one.items()},
        readout_fidelity={qubit: 1 - error for qubit, error in readout.items()},
        readout_errors={q: (e * (1 - skew), e * (1 + skew)) for q, e in readout.items()},
        t1=t1,
        # No state keeps its phase longer than twice its energy.
        t2={qubit: min(time, 2 * t1[qubit]) for qubit, time in t2.items()},
        gate_seconds=told["gate_seconds"],
        shot_seconds=told["shot_seconds"],
        shots=(told["shots"][0], told["shots"][1]),
        max_executables=told["max_executables"],
        verbatim=told["verbatim"],
        status=told.get("status", "ONLINE"),
        calibrated_at=told["calibrated_at"],
        sources=_sources(told),
    )


def _graph(topology: dict[str, Any]) -> tuple[tuple[int, ...], list[Pair]]:
    """Return qubits and couplers: those of a drawn lattice, or of ``count`` qubits all coupled.

    In ``lattice`` each character is a site of the square lattice, ``#`` a qubit; they are numbered
    in the order of reading from ``first`` on, and neighbours are coupled, but for ``broken``.
    """
    first = topology["first"]
    if topology.get("all_to_all"):
        qubits = tuple(range(first, first + topology["count"]))
        return qubits, list(combinations(qubits, 2))
    sites = [
        (row, column)
        for row, line in enumerate(topology["lattice"])
        for column, site in enumerate(line)
        if site == "#"
    ]
    number = {site: first + index for index, site in enumerate(sites)}
    broken = {(low, high) for low, high in topology.get("broken", ())}
    pairs = [
        (number[site], number[near])
        for site in sites
        for near in ((site[0], site[1] + 1), (site[0] + 1, site[1]))
        if near in number
    ]
    return tuple(number.values()), [pair for pair in pairs if pair not in broken]


def _spread(n: int, middle: float, spread: float, draw: random.Random) -> list[float]:
    normal = NormalDist()
    values = [middle * math.exp(spread * normal.inv_cdf((k + 0.5) / n)) for k in range(n)]
    draw.shuffle(values)
    return values


def _sources(told: dict[str, Any]) -> str:
    named = "; ".join(f"{what}: {source}" for what, source in told["sources"].items())
    assumed = ", ".join(told["assumed"])
    return f"{named}; assumed: {assumed}" if assumed else named


def _read_all() -> Iterator[EmulatedQpu]:
    for file in sorted(_DATA.iterdir(), key=lambda each: each.name):
        yield read(json.loads(file.read_text(encoding="utf-8")))


EMULATED = {qpu.arn: qpu for qpu in _read_all()}
"""Every emulated QPU, by its ARN."""
