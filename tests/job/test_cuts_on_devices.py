"""Parts of a cut circuit on several devices at once: one cap, handed over, nothing paid twice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hybrid_job.journal import Journal
from hybrid_job.main import solve
from hybrid_job.on_device import lanes
from quantum_pipeline.devices.catalogue import find
from quantum_pipeline.errors import BudgetExceeded
from quantum_pipeline.local.braket.billing import qpu_task_usd
from quantum_pipeline.planning.costs import bill
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.results import OptimisationResult, verify
from tests.job.braket_job import tasks_of
from tests.local.braket.server import Server
from tests.planned import planned
from tests.unit.finished_run import CREATED, EXECUTION, report_of
from tests.unit.two_squares import REQUEST, width

GARNET, EMERALD = find("Garnet").arn, find("Emerald").arn


def prepared_on(run_id: str, **more: Any) -> PreparedRun:
    """Return a run in two parts of four variables on two devices."""
    request = {**REQUEST, "algorithm": {"cut": "auto"}, "device": ["Garnet", "Emerald"], **more}
    return PreparedRun.of(
        planned(request, emulated="Emulated", **width(5)),
        run_id=run_id,
        execution_arn=f"{EXECUTION}-{run_id}",
        problem_uri=None,
        created_at=CREATED,
        prepare_seconds=0.0,
    )


def solved(prepared: PreparedRun, folder: Path) -> OptimisationResult:
    with closing(Journal(folder, prepared.request)) as journal:
        result = solve(prepared, journal, time.monotonic())
    assert isinstance(result, OptimisationResult)
    found = verify(result, prepared)
    assert isinstance(found, OptimisationResult)
    return found


@pytest.fixture
def braket_on(braket: Server) -> Iterator[Server]:
    """Braket with both devices there, whatever a test does to them."""
    yield braket
    braket.service.devices.set(EMERALD, status="ONLINE")


def done_in(braket: Server, run_id: str) -> list[dict[str, Any]]:
    return [each for each in tasks_of(braket, run_id) if each["status"] == "COMPLETED"]


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
        assert (again.parts, again.mean_energy) == (result.parts, result.mean_energy)
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
    done = done_in(braket_on, "lost")
    assert Counter(each["deviceArn"] for each in done) == {GARNET: 2}
    assert {each["quantumTaskArn"] for each in done} == {task.arn for task in result.tasks}
    cost = bill(
        instance_seconds=0,
        instance=prepared.instance,
        device=prepared.device,
        others=prepared.devices[1:],
        tasks=result.tasks,
    ).total_usd
    billed = sum(qpu_task_usd(each["deviceArn"], each["shots"]) for each in done)
    assert cost == pytest.approx(float(billed))
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
