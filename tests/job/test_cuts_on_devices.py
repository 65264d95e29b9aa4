"""Parts of cut circuits on several devices at once: one cap, handed over, nothing paid twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from hybrid_job.on_device import lanes
from quantum_pipeline.errors import BudgetExceeded
from quantum_pipeline.local.braket.billing import qpu_task_usd
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.results import OptimisationResult
from tests.job.braket_job import tasks_of
from tests.job.several_devices import (
    BOTH,
    EMERALD,
    GARNET,
    check_bill,
    done_in,
    prepared_of,
    verified,
)
from tests.local.braket.server import Server
from tests.unit.finished_run import report_of
from tests.unit.two_squares import REQUEST, width

pytestmark = pytest.mark.usefixtures("few_tries")


def prepared_on(run_id: str, **more: Any) -> PreparedRun:
    """Return a run in two parts of four variables on two devices."""
    request = {**REQUEST, "algorithm": {"cut": "auto"}, "device": BOTH, **more}
    return prepared_of(request, run_id, **width(5))


def solved(prepared: PreparedRun, folder: Path) -> OptimisationResult:
    found = verified(prepared, folder)
    assert isinstance(found, OptimisationResult)
    return found


def test_each_part_is_measured_on_its_device_and_paid_for_once(
    braket_on: Server, tmp_path: Path
) -> None:
    prepared = prepared_on("parts")
    result = solved(prepared, tmp_path)
    report = report_of(prepared, result)
    assert report.cut is not None
    assert [part.device for part in report.cut.parts] == ["Garnet", "Emerald"]
    for part, device in zip(report.cut.parts, report.cut.devices, strict=True):
        assert (device.name, device.shots, device.lost) == (part.device, part.shots, None)
        assert device.planned_circuits == 50
        assert device.usd > 0
    assert report.cut.shots == sum(plan.shots for plan in prepared.plans) == 1000
    [journal] = tmp_path.glob("journal-*.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    for kept in (1, len(lines) // 2, len(lines) - 3):
        journal.write_bytes(b"".join(lines[:kept]) + lines[kept][:9])
        again = solved(prepared, tmp_path)
        assert (again.cut_rounds, again.mean_energy) == (result.cut_rounds, result.mean_energy)
        assert {each.arn for each in again.tasks} == {each.arn for each in result.tasks}
    assert len(tasks_of(braket_on, "parts")) == len(result.tasks) == 2


def test_the_parts_of_a_device_that_goes_offline_are_measured_by_the_other(
    braket_on: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "LOOK_SECONDS", 0.2)
    prepared = prepared_on("lost")
    braket_on.service.faults.go_offline_after(EMERALD, 1)
    result = solved(prepared, tmp_path)
    garnet, emerald = result.devices
    assert emerald.lost is not None
    assert (garnet.circuits, emerald.circuits) == (100, 0)
    assert 0 < emerald.handed_over < 100
    done = check_bill(braket_on, prepared, result)
    assert Counter(each["deviceArn"] for each in done) == {GARNET: 2}
    assert report_of(prepared, result).recommendations[0].startswith("Emerald took no more")


def test_both_devices_have_fewer_shots_below_the_one_limit(
    braket_on: Server, tmp_path: Path
) -> None:
    limits = {"max_cost_usd": 1.7, "allow_partial": True}
    prepared = prepared_on("capped", limits=limits)
    result = solved(prepared, tmp_path)
    assert result.device_run is not None
    assert result.device_run.cut_short_by == ("limits.max_cost_usd",)
    spent = sum(
        qpu_task_usd(each["deviceArn"], each["shots"]) for each in done_in(braket_on, "capped")
    )
    assert 1.0 < spent < 1.7


def test_a_limit_that_no_shots_fit_is_named(braket_on: Server, tmp_path: Path) -> None:
    prepared = prepared_on("poor")
    request = prepared.request
    limits = request.limits.model_copy(update={"max_cost_usd": 0.7})
    poor = prepared.model_copy(update={"request": request.model_copy(update={"limits": limits})})
    with pytest.raises(BudgetExceeded, match="pays for no samples"):
        solved(poor, tmp_path)
    assert not tasks_of(braket_on, "poor")


def test_rounds_that_are_killed_pay_for_nothing_twice(braket_on: Server, tmp_path: Path) -> None:
    ring = [[i, (i + 1) % 7] for i in range(7)]
    edges = [*ring, *([7 + i, 7 + j] for i, j in ring), [0, 7]]
    algorithm = {"name": "rqaoa", "cut": "auto", "max_rounds": 2}
    request = {**REQUEST, "problem": {"type": "maxcut", "edges": edges}, "algorithm": algorithm}
    prepared = prepared_of({**request, "device": BOTH, "shots": 200}, "rounds", **width(8))
    result = solved(prepared, tmp_path)
    assert len(result.cut_rounds) == 2
    [journal] = tmp_path.glob("journal-*.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    for kept in (1, len(lines) // 3, len(lines) // 2, len(lines) - 9):
        journal.write_bytes(b"".join(lines[:kept]) + lines[kept][:9])
        again = solved(prepared, tmp_path)
        assert again.cut_rounds == result.cut_rounds
        assert {each.arn for each in again.tasks} == {each.arn for each in result.tasks}
    check_bill(braket_on, prepared, result)
