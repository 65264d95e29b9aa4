"""What a run has cost, by hand from the price list, and what still fits its limit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from hybrid_job.job import Job
from hybrid_job.journal import Batch, Journal
from hybrid_job.on_device.spending import NotAffordable, Spending
from quantum_pipeline.devices.catalogue import find
from quantum_pipeline.devices.states import DeviceState
from quantum_pipeline.planning.costs import FREE
from quantum_pipeline.planning.prepared import PreparedRun
from tests.clock import Clock
from tests.job.braket_job import prepared_on

NOW = 1e6
"""Of a clock that stands still: no time passes while a test looks."""


@pytest.fixture(autouse=True)
def now(clock: Clock) -> None:
    clock.now = NOW


TASK, SHOT = 0.30, 0.00145
"""USD on Garnet."""

MINUTE = 0.075
"""USD on SV1, of which at least three seconds are billed."""

SECOND = 0.115 / 3600
"""USD of the job's instance."""

STARTED = 180 * SECOND
"""USD of its start."""

RUN = TASK + 300 * SHOT + (5 + 0.3) * SECOND
"""USD of a task of 300 shots, with the job's time while it runs."""

ENDING = 30 * SECOND
"""USD that are kept for its end."""


def state_of(device: str, **more: Any) -> DeviceState:
    found = find(device)
    return DeviceState(
        arn=found.arn,
        name=found.name,
        kind="qpu" if found.kind == "qpu" else "simulator",
        status="ONLINE",
        **{"max_shots": 20_000} | more,
    )


@contextmanager
def spending_of(
    prepared: PreparedRun,
    folder: Path,
    *batches: Batch,
    attempts: tuple[float, ...] = (0,),
    **state: Any,
) -> Iterator[Spending]:
    """What a job has spent whose attempts began so many seconds ago, and ran these batches."""
    with closing(Journal(folder, prepared.request)) as journal:
        for ago in attempts:
            journal.record_attempt(NOW - ago)
        for number, batch in enumerate(batches):
            run(journal, str(number), batch)
        job = Job(prepared, journal, NOW - attempts[-1])
        yield Spending(job, state_of(prepared.device.name, **state))


def run(journal: Journal, digest: str, batch: Batch) -> None:
    journal.record_intent(digest, Batch(batch.purpose, 0, batch.executables, batch.shots))
    if batch.arn is not None:
        journal.record_batch(digest, batch.arn)
    if batch.status is not None:
        journal.record_end(
            digest, batch.status, successful_shots=batch.successful_shots, minutes=batch.minutes
        )


def approximately(usd: float) -> Any:
    """Return an amount, give or take a second of the instance."""
    return pytest.approx(usd, abs=SECOND)


def garnet(**request: Any) -> PreparedRun:
    return prepared_on("garnet", "r", **request)


DONE = Batch("training", 0, 3, 100, "arn:1", "COMPLETED", 300)


@pytest.mark.parametrize(
    ("batches", "usd"),
    [
        ([], 0.0),
        ([Batch("training", 0, 3, 100)], 0.0),
        ([Batch("training", 0, 3, 100, "arn:1")], RUN),
        ([DONE], RUN),
        ([DONE, DONE], 2 * RUN),
        ([Batch("training", 0, 3, 100, "arn:1", "COMPLETED", 290)], RUN - 10 * SHOT),
        ([Batch("training", 0, 3, 100, "arn:1", "FAILED")], 0.0),
        ([Batch("training", 0, 3, 100, "arn:1", "CANCELLED")], 0.0),
        ([Batch("training", 0, 3, 100, "arn:1", "CANCELLED", 120)], RUN - 180 * SHOT),
    ],
    ids=[
        "nothing",
        "meant",
        "running",
        "done",
        "two",
        "fewer-shots",
        "failed",
        "cancelled",
        "cancelled-half-way",
    ],
)
def test_tasks_of_a_qpu_cost_their_fee_and_their_shots(
    tmp_path: Path, batches: list[Batch], usd: float
) -> None:
    with spending_of(garnet(), tmp_path, *batches) as spending:
        assert spending.spent == approximately(STARTED + usd)


def test_simulator_is_billed_by_the_time_it_took_and_by_the_planned_time_until_then(
    tmp_path: Path,
) -> None:
    prepared = prepared_on("sv1", "r")
    with spending_of(
        prepared, tmp_path, Batch("samples", 0, 1, 100, "arn:1", "COMPLETED", 100, minutes=2.0)
    ) as spending:
        assert spending.spent == approximately(STARTED + 2 * MINUTE)
        batch = Batch("samples", 0, 1, 100)
        assert spending.bounded_minutes(batch, seconds=0.4) == 3 / 60
        assert spending.bounded_minutes(batch, seconds=90.0) == 1.5
        planned = spending.bounded_minutes(batch)
        assert planned >= 3 / 60
    running = Batch("samples", 0, 1, 100, "arn:1")
    with spending_of(prepared, tmp_path / "running", running) as spending:
        assert spending.spent == approximately(STARTED + planned * MINUTE)


def test_instance_is_counted_from_the_start_of_each_attempt(tmp_path: Path) -> None:
    with spending_of(garnet(), tmp_path, attempts=(1000, 400, 100)) as spending:
        assert spending.spent == approximately((3 * 180 + 1000) * SECOND)


def test_earlier_attempt_lasted_no_longer_than_it_could(tmp_path: Path) -> None:
    prepared = garnet(limits={"max_runtime_seconds": 600})
    with spending_of(prepared, tmp_path, attempts=(100_000, 50)) as spending:
        assert spending.spent == approximately((2 * 180 + 600 + 50) * SECOND)


def test_instance_of_unknown_price_is_counted_by_an_assumption(tmp_path: Path) -> None:
    prepared = garnet()
    unknown = prepared.instance.model_copy(update={"usd_per_hour": 0.0})
    prepared = prepared.model_copy(update={"instance": unknown})
    with spending_of(prepared, tmp_path, attempts=(3420,)) as spending:
        assert spending.spent == pytest.approx(unknown.counted_usd_per_hour, rel=0.01)
        assert spending.spent > 0.1


def test_batch_is_one_task_for_each_full_program_set(tmp_path: Path) -> None:
    with spending_of(garnet(), tmp_path, max_executables=100) as spending:
        assert spending.sizes(250, 10) == [100, 100, 50]
    with spending_of(garnet(), tmp_path, max_executables=100, max_set_shots=4000) as spending:
        assert spending.sizes(7, 1000) == [4, 3]
        assert spending.sizes(2, 5000) == [1, 1]
    with spending_of(garnet(), tmp_path) as spending:
        assert spending.sizes(3, 10) == [1, 1, 1]


def test_batch_that_passes_the_limit_is_refused_with_all_that_counts(tmp_path: Path) -> None:
    prepared = garnet(limits={"max_cost_usd": 3 * TASK + 400 * SHOT})
    with spending_of(prepared, tmp_path, DONE) as spending:
        spending.require(1, 100)
        spending.kept = TASK + 100 * SHOT
        with pytest.raises(
            NotAffordable,
            match=r"limits.max_cost_usd: 1 circuits of 100 shots can cost 0\.44\d+ USD after the "
            r"0\.74\d+ that are spent and with 0\.44\d+ kept for the end; allowed: up to 1\.4800",
        ):
            spending.require(1, 100)


@pytest.mark.parametrize(("executables", "sets", "tasks"), [(1, 1, 1), (4, 1, 4), (4, 100, 1)])
def test_most_shots_that_fit_leave_no_room_for_more(
    tmp_path: Path, executables: int, sets: int, tasks: int
) -> None:
    limit = 2.0
    prepared = garnet(limits={"max_cost_usd": limit})
    with spending_of(prepared, tmp_path, DONE, max_executables=sets) as spending:
        found = spending.affordable_shots(executables, 10_000)
        queue = 600 * SECOND
        left = limit - STARTED - ENDING - RUN - queue - tasks * (TASK + 5 * SECOND)
        assert found == pytest.approx(left / executables / (SHOT + 0.001 * SECOND), abs=2)
        spending.kept = queue
        spending.require(executables, found)
        with pytest.raises(NotAffordable):
            spending.require(executables, found + 2)


def test_shots_that_fit_are_within_the_range_of_the_device(tmp_path: Path) -> None:
    with spending_of(garnet(limits={"max_cost_usd": 1.0}), tmp_path, min_shots=100) as spending:
        assert spending.affordable_shots(1, 150) == 150
        assert spending.affordable_shots(1, 50) == 0
        spending.kept = 1.0 - TASK - 100 * SHOT
        assert spending.affordable_shots(1, 150) == 0


def test_instance_may_go_on_until_its_time_has_taken_what_is_left(tmp_path: Path) -> None:
    prepared = garnet(limits={"max_cost_usd": STARTED + ENDING + 600 * SECOND})
    with spending_of(prepared, tmp_path, attempts=(100,)) as spending:
        assert spending.seconds_left() == pytest.approx(500, abs=2)
    free = prepared.instance.model_copy(update={"usd_per_hour": 0.0, "as_of": FREE})
    with spending_of(prepared.model_copy(update={"instance": free}), tmp_path) as spending:
        assert spending.seconds_left() == float("inf")


def test_running_total_is_a_metric(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with spending_of(garnet(), tmp_path, DONE) as spending:
        spending.publish()
        spending.publish()
    lines = capsys.readouterr().out.splitlines()
    told = [re.search(r"cost_usd=(\S+); iteration_number=(\d+);", line) for line in lines]
    assert [match and int(match[2]) for match in told] == [1, 2]
    assert [match and float(match[1]) for match in told] == [approximately(STARTED + RUN)] * 2
