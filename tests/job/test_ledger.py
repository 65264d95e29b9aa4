"""The tasks of a run, of all attempts: each is known, counted, and none is left in a queue."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from braket.circuits import Circuit

from hybrid_job.on_device.cancelling import END_SECONDS
from hybrid_job.on_device.executor import NotAffordable, TimeReached
from hybrid_job.on_device.measurement import Compiled
from quantum_pipeline.errors import BudgetExceeded, JobFailed, QuotaExceeded, ServiceUnavailable
from quantum_pipeline.local.braket.task import Task
from tests.clock import Clock
from tests.job.braket_job import (
    COIN,
    NO_SETS,
    changed,
    executor_of,
    prepared_on,
    refuse,
    tasks_of,
)
from tests.local.braket.server import Server

OTHER = Compiled(Circuit().h(0).h(1).x(0), (0, 1))
"""What the circuit would be after another calibration."""


pytestmark = pytest.mark.usefixtures("at_once")


def statuses(server: Server, run_id: str) -> list[str]:
    return [task["status"] for task in tasks_of(server, run_id)]


def test_tasks_of_a_lost_checkpoint_count_though_no_batch_asks_for_them(
    braket: Server, tmp_path: Path
) -> None:
    prepared = prepared_on("garnet", "lost", limits={"max_cost_usd": 10.0})
    with executor_of(prepared, tmp_path / "lost") as executor:
        executor.run([COIN], 100, "training")
        first = executor.tasks
    with executor_of(prepared, tmp_path) as executor:
        before = executor.spending.spent
        executor.run([OTHER], 200, "training")
        found = executor.tasks
    assert [(task.purpose, task.executables, task.shots) for task in found] == [
        ("training", 1, 100),
        ("training", 1, 200),
    ]
    assert found[0] == first[0]
    assert before > 0.30 + 100 * 0.00145
    assert {task.arn for task in found} == {
        task["quantumTaskArn"] for task in tasks_of(braket, "lost")
    }


def test_shots_of_a_lost_checkpoint_are_those_that_are_paid_for_until_they_are_refused(
    braket: Server, tmp_path: Path
) -> None:
    prepared = prepared_on("garnet", "lost-shots", limits={"max_cost_usd": 0.9})
    with executor_of(prepared, tmp_path / "lost") as executor:
        executor.run([COIN], 300, "samples")
    with executor_of(prepared, tmp_path) as executor:
        assert executor.affordable_shots(1, 1000) == 300
        assert executor.affordable_shots(5, 1000) == 0  # not of as many circuits
        with pytest.raises(NotAffordable):
            executor.run([OTHER], 300, "samples")
        assert executor.affordable_shots(1, 1000) == 0
        executor.run([COIN], 300, "samples")  # in its place after all
    assert len(tasks_of(braket, "lost-shots")) == 1


def test_batch_that_was_meant_and_not_created_says_nothing_about_shots(
    braket: Server, tmp_path: Path
) -> None:
    prepared = prepared_on("garnet", "meant", limits={"max_cost_usd": 2.0})
    refuse(braket, "CreateQuantumTask", "AccessDeniedException")
    denied = pytest.raises(JobFailed, match=r"has braket:CreateQuantumTask$")
    with executor_of(prepared, tmp_path) as executor, denied:
        executor.run([COIN], 1000, "samples")
    with executor_of(prepared, tmp_path) as executor:
        executor.keep(1.0)
        assert executor.affordable_shots(1, 1000) < 1000


def test_what_a_lost_checkpoint_left_in_a_queue_is_cancelled_at_the_end(
    braket: Server, tmp_path: Path
) -> None:
    prepared = prepared_on("emerald", "orphan", limits={"max_cost_usd": 10.0})
    with changed(braket, prepared, waiting=1):
        with (
            executor_of(prepared, tmp_path / "lost") as executor,
            pytest.raises(ServiceUnavailable),
            executor,
        ):
            refuse(braket, "GetQuantumTask", "InternalServiceException")
            executor.run([COIN], 10, "samples", deadline=time.monotonic())
        braket.service.intercept = None
        assert statuses(braket, "orphan") == ["QUEUED"]  # for the next attempt
        with executor_of(prepared, tmp_path) as executor:
            assert [task.shots for task in executor.tasks] == [10]
            executor.close()
            assert executor.tasks == ()
    assert statuses(braket, "orphan") == ["CANCELLED"]


def test_task_that_was_cancelled_with_an_attempt_is_created_anew_in_the_next(
    braket: Server, tmp_path: Path
) -> None:
    prepared = prepared_on("emerald", "anew", limits={"max_cost_usd": 10.0})
    with changed(braket, prepared, waiting=1), executor_of(prepared, tmp_path) as executor:
        refuse(braket, "GetQuantumTask", "InternalServiceException")
        with pytest.raises(ServiceUnavailable):
            executor.run([COIN], 10, "samples", deadline=time.monotonic())
        braket.service.intercept = None
        executor.close()
    with executor_of(prepared, tmp_path) as executor:
        (counts,) = executor.run([COIN], 10, "samples")
    assert sum(counts.values()) == 10
    assert statuses(braket, "anew") == ["CANCELLED", "COMPLETED"]


def test_end_of_a_run_makes_no_call_where_all_tasks_have_ended(
    braket: Server, tmp_path: Path
) -> None:
    with executor_of(prepared_on("sv1", "ended"), tmp_path) as executor:
        executor.run([COIN], 10, "samples")
        calls: list[str] = []
        braket.service.intercept = lambda operation, _: calls.append(operation)
        executor.close()
    assert calls == []


def test_task_that_could_not_be_cancelled_is_at_the_end(
    braket: Server, tmp_path: Path, clock: Clock
) -> None:
    prepared = prepared_on("emerald", "left", limits={"max_cost_usd": 10.0})
    with changed(braket, prepared, waiting=1), executor_of(prepared, tmp_path) as executor:
        refuse(braket, "CancelQuantumTask", "ThrottlingException")
        with pytest.raises(TimeReached):
            executor.run([COIN], 10, "training", deadline=clock.now)
        assert statuses(braket, "left") == ["QUEUED"]
        assert [task.shots for task in executor.tasks] == [10]  # it may yet run
        refused = refuse(braket, "CancelQuantumTask", "ThrottlingException", times=5)
        executor.close()
        assert len(refused) == 5
        assert executor.tasks == ()
    assert statuses(braket, "left") == ["CANCELLED"]


def test_giving_up_takes_as_long_for_many_tasks_as_for_one(
    braket: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    prepared = prepared_on("emerald", "stuck", limits={"max_cost_usd": 10.0})
    monkeypatch.setattr(Task, "cancel", lambda task: setattr(task, "status", "CANCELLING"))
    with (
        changed(braket, prepared, waiting=1, **NO_SETS),
        executor_of(prepared, tmp_path) as executor,
    ):
        started = clock.now
        with pytest.raises(TimeReached):
            executor.run([COIN] * 6, 10, "samples", deadline=started)
        assert END_SECONDS <= clock.now - started < 2 * END_SECONDS  # not six times as long


def test_batch_that_time_ended_ends_again_in_the_next_attempt(
    braket: Server, tmp_path: Path
) -> None:
    prepared = prepared_on("emerald", "time", limits={"max_cost_usd": 10.0})
    with (
        changed(braket, prepared, waiting=1),
        executor_of(prepared, tmp_path) as executor,
        pytest.raises(TimeReached),
    ):
        executor.run([COIN], 10, "training", deadline=time.monotonic())
    with executor_of(prepared, tmp_path) as executor:
        with pytest.raises(TimeReached, match=r"^limits\.max_runtime_seconds: arn:\S+ for train"):
            executor.run([COIN], 10, "training")
        executor.run([COIN], 20, "samples")
        assert [task.purpose for task in executor.tasks] == ["samples"]
    assert statuses(braket, "time") == ["CANCELLED", "COMPLETED"]


def test_quota_that_others_fill_is_waited_for(braket: Server, tmp_path: Path) -> None:
    refused = refuse(braket, "CreateQuantumTask", "ServiceQuotaExceededException", times=3)
    with executor_of(prepared_on("sv1", "full"), tmp_path) as executor:
        (counts,) = executor.run([COIN], 10, "samples")
    assert sum(counts.values()) == 10
    assert len(refused) == 3


def test_quota_that_others_fill_until_the_deadline_ends_the_batch_by_its_name(
    braket: Server, tmp_path: Path, clock: Clock
) -> None:
    refused = refuse(braket, "CreateQuantumTask", "ServiceQuotaExceededException")
    with executor_of(prepared_on("sv1", "filled"), tmp_path) as executor:
        with pytest.raises(QuotaExceeded, match=r"not now.*waited for, and given up after"):
            executor.run([COIN], 10, "samples", deadline=clock.now + 0.5)
        assert executor.tasks == ()
    assert len(refused) > 1


def test_task_beyond_a_spending_limit_of_the_account_exceeds_a_budget(
    braket: Server, tmp_path: Path
) -> None:
    prepared = prepared_on("garnet", "limited", limits={"max_cost_usd": 10.0})
    client = braket.client("braket")
    made = client.create_spending_limit(
        deviceArn=prepared.device.arn, spendingLimit="0.40", clientToken="t" * 32
    )
    try:
        with (
            executor_of(prepared, tmp_path) as executor,
            pytest.raises(BudgetExceeded, match=r"spending limit of 0\.40 USD") as refused,
        ):
            executor.run([COIN], 100, "samples")
        assert type(refused.value) is BudgetExceeded
    finally:
        client.delete_spending_limit(spendingLimitArn=made["spendingLimitArn"])


def test_task_that_returned_fewer_shots_is_billed_by_those_as_braket_does(
    braket: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = Task.end

    def fewer(task: Task, status: str, reason: str | None = None, **more: Any) -> None:
        end(task, status, reason, successful_shots=93)

    monkeypatch.setattr(Task, "end", fewer)
    prepared = prepared_on("garnet", "fewer", limits={"max_cost_usd": 10.0})
    with executor_of(prepared, tmp_path) as executor:
        executor.run([COIN], 100, "samples")
        (task,) = executor.tasks
    assert task.shots == 93
    assert braket.service.billing.total(task.arn) == pytest.approx(0.30 + 93 * 0.00145)
