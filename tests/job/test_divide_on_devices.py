"""Divide on devices: blocks from shots, several devices at once, nothing paid twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from hybrid_job.on_device import lanes
from quantum_pipeline.devices.states import Qubit
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.results import DividedResult
from tests.job.braket_job import tasks_of
from tests.job.several_devices import BOTH, EMERALD, check_bill, prepared_of, verified
from tests.local.braket.server import Server

QUBITS = tuple(Qubit(number=number) for number in range(20))
EDGES = [[i, (i + 1) % 12] for i in range(12)] + [[i, (i + 5) % 12, 0.5] for i in range(0, 12, 2)]
PROBLEM = {"type": "maxcut", "edges": EDGES}


pytestmark = pytest.mark.usefixtures("few_tries")


def prepared_on(devices: Any, run_id: str, **more: Any) -> PreparedRun:
    """Return a run of divide on devices."""
    algorithm = {"name": "divide", "block_size": 4, "max_rounds": 2, "depth": 1}
    asked = {"problem": PROBLEM, "algorithm": algorithm, "device": devices, "shots": 50}
    asked |= {"limits": {"max_cost_usd": 50.0}} | more
    return prepared_of(asked, run_id, n_qubits=20, qubits=QUBITS)


def solved(prepared: PreparedRun, folder: Path) -> DividedResult:
    found = verified(prepared, folder)
    assert isinstance(found, DividedResult)
    return found


def by_device(tasks: Sequence[Any]) -> Counter[str]:
    """Return the circuits that were measured on each device."""
    found: Counter[str] = Counter()
    for task in tasks:
        found[task.device] += task.executables
    return found


def test_blocks_are_measured_on_a_simulator_and_paid_for_once(
    braket: Server, tmp_path: Path
) -> None:
    prepared = prepared_on("sv1", "simulated")
    result = solved(prepared, tmp_path)
    # Three blocks, one that merges them, and two rounds of as many: 3 + 1 + 2 * 3 circuits.
    (share,) = result.devices
    assert (share.device, share.circuits, share.lost) == ("SV1", 10, None)
    assert sum(task.executables for task in result.tasks) == 10
    assert all(task.shots == 50 * task.executables for task in result.tasks)
    again = solved(prepared, tmp_path)
    assert (again.best_bitstring, again.tasks) == (result.best_bitstring, result.tasks)
    assert len(tasks_of(braket, "simulated")) == len(result.tasks) == 4


def test_an_attempt_that_starts_again_at_any_line_pays_for_nothing_twice(
    braket: Server, tmp_path: Path
) -> None:
    prepared = prepared_on("sv1", "again")
    whole = solved(prepared, tmp_path)
    [journal] = tmp_path.glob("journal-*.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    for kept in range(1, len(lines), 9):
        journal.write_bytes(b"".join(lines[:kept]) + lines[kept][:9])
        again = solved(prepared, tmp_path)
        assert (again.best_bitstring, again.rounds) == (whole.best_bitstring, whole.rounds)
        assert {each.arn for each in again.tasks} == {each.arn for each in whole.tasks}
    assert len(tasks_of(braket, "again")) == len(whole.tasks)


def test_what_a_device_leaves_that_goes_offline_is_measured_by_the_other(
    braket_on: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "LOOK_SECONDS", 0.2)
    prepared = prepared_on(BOTH, "offline")
    # Its second task is created and never run: the device is gone with it in its queue.
    braket_on.service.faults.go_offline_after(EMERALD, 2)
    result = solved(prepared, tmp_path)
    garnet, emerald = result.devices
    assert emerald.lost is not None
    assert "Emerald is OFFLINE" in emerald.lost
    assert (garnet.lost, emerald.handed_over > 0) == (None, True)
    assert garnet.circuits + emerald.circuits == 10
    assert by_device(result.tasks) == {"Garnet": garnet.circuits, "Emerald": emerald.circuits}
    check_bill(braket_on, prepared, result)
    braket_on.service.devices.set(EMERALD, status="ONLINE")
    again = solved(prepared, tmp_path)
    assert (again.tasks, again.devices) == (result.tasks, result.devices)


def test_both_devices_together_stay_below_the_one_limit(braket_on: Server, tmp_path: Path) -> None:
    limits = {"max_cost_usd": 1.7, "allow_partial": True}
    prepared = prepared_on(BOTH, "capped", limits=limits, shots=20)
    result = solved(prepared, tmp_path)
    assert result.device_run is not None
    assert result.device_run.cut_short_by == ("limits.max_cost_usd",)
    assert len(result.rounds) < 3
