"""Circuits of a job on a device: paid once, in time, and every failure by its name."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from braket.circuits import Circuit
from braket.tracking import Tracker

from hybrid_job.on_device import ledger
from hybrid_job.on_device.executor import TimeReached
from hybrid_job.on_device.measurement import Compiled
from hybrid_job.on_device.spending import ENDING_SECONDS, CapReached
from hybrid_job.on_device.tasks import ATTEMPTS
from quantum_pipeline.errors import (
    DeviceUnavailable,
    InvalidRequest,
    JobFailed,
    PipelineError,
    ServiceUnavailable,
)
from quantum_pipeline.progress import PhaseReached
from quantum_pipeline.runs import BATCH_TAG, RUN_ID_TAG
from tests.clock import Clock
from tests.job.braket_job import (
    AS_IT_WAS,
    COIN,
    NO_SETS,
    changed,
    enter,
    executor_of,
    flipped,
    prepared_on,
    refuse,
    tasks_of,
)
from tests.local.braket.server import BUCKET, Server, finished

WIDE_APART = (9, 2, 5)
"""Qubits that are not next to one another, in an order that is neither up nor down."""


def test_bit_k_of_a_key_is_the_kth_measured_qubit(braket: Server, tmp_path: Path) -> None:
    with executor_of(prepared_on("sv1", "order"), tmp_path) as executor:
        for qubit, key in zip(WIDE_APART, ("100", "010", "001"), strict=True):
            assert executor.run([flipped(qubit, of=WIDE_APART)], 20, "samples") == [{key: 20}]


def test_device_may_tell_its_measured_qubits_in_any_order(braket: Server, tmp_path: Path) -> None:
    prepared = prepared_on("sv1", "reordered")
    alone, batch = [flipped(9, of=WIDE_APART)], [flipped(2, of=WIDE_APART), flipped(5, of=(2, 5))]
    for _ in range(2):
        with executor_of(prepared, tmp_path) as executor:
            assert executor.run(alone, 20, "samples") == [{"100": 20}]
            assert executor.run(batch, 20, "samples") == [{"010": 20}, {"01": 20}]
            tasks = executor.tasks
        for task in tasks:
            key = f"jobs/1/tasks/{task.arn.rpartition('/')[2]}/results.json"
            body = json.loads(braket.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
            for result in measured(body):
                result["measuredQubits"].reverse()
                result["measurements"] = [shot[::-1] for shot in result["measurements"]]
            braket.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(body).encode())


def measured(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the measurements of each circuit in a result."""
    programs = body.get("programResults")
    return [body] if programs is None else [each["executableResults"][0] for each in programs]


def test_circuits_of_a_batch_are_one_task_where_the_device_takes_sets(
    braket: Server, tmp_path: Path
) -> None:
    with executor_of(prepared_on("sv1", "set"), tmp_path) as executor:
        batch = [flipped(9, of=WIDE_APART), flipped(2, of=(2, 5)), flipped(5, of=(2, 5))]
        set_of = executor.run(batch, 20, "training")
        assert set_of == [{"100": 20}, {"10": 20}, {"01": 20}]
        (told,) = executor.tasks
    assert (told.purpose, told.executables, told.shots) == ("training", 3, 60)
    (task,) = tasks_of(braket, "set")
    assert task["quantumTaskArn"] == told.arn
    assert task["shots"] == 60


def test_circuits_of_a_batch_are_tasks_at_once_where_it_takes_none(
    braket: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepared = prepared_on("sv1", "each")
    with changed(braket, prepared, **NO_SETS), executor_of(prepared, tmp_path) as executor:
        calls: list[str] = []
        braket.service.intercept = lambda operation, _: calls.append(operation)
        batch = [flipped(9, of=WIDE_APART), flipped(2, of=(2, 5)), flipped(5, of=(2, 5))]
        assert executor.run(batch, 20, "samples") == [{"100": 20}, {"10": 20}, {"01": 20}]
        assert calls[:3] == ["CreateQuantumTask"] * 3
        assert [task.shots for task in executor.tasks] == [20, 20, 20]
    assert len(tasks_of(braket, "each")) == 3
    told = [
        found for line in capsys.readouterr().out.splitlines() if (found := PhaseReached.read(line))
    ]
    assert (told[0], told[-1]) == (("sampling", 0, 3), ("sampling", 3, 3))


def test_second_attempt_reads_what_the_first_one_paid_for(
    braket: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = prepared_on("sv1", "resumed")
    found = []
    for attempt in (1, 2):
        enter(monkeypatch, braket, attempt)
        with executor_of(prepared, tmp_path) as executor:
            counts = [executor.run([COIN, COIN], 500, "training") for _ in range(2)]
            found.append((counts, executor.run([COIN], 500, "samples"), executor.tasks))
    assert found[0] == found[1]
    assert len(tasks_of(braket, "resumed")) == 3  # batches of their own, however alike


def test_second_attempt_compiles_for_what_the_first_one_paid_for(
    braket: Server, tmp_path: Path
) -> None:
    prepared, states = prepared_on("sv1", "calibrated"), []
    for others, pays in ((0, False), (5, True), (9, True)):
        with changed(braket, prepared, waiting=others), executor_of(prepared, tmp_path) as executor:
            states.append(executor.state)
        if pays:
            with executor_of(prepared, tmp_path) as executor:
                executor.run([COIN], 10, "samples")
    assert states[0] != states[1]
    assert states[2].queue == 0  # as it was when the first task was paid for


def meant(folder: Path, *, lines: int) -> None:
    """Leave the first lines of the journal alone: the job was killed there."""
    (path,) = folder.glob("journal-*")
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:lines]))


ATTEMPT, DEVICE, INTENT = 1, 2, 3
"""Lines of a journal until there."""


@pytest.mark.parametrize("lines", [0, ATTEMPT, DEVICE, INTENT])
def test_task_that_was_created_and_not_noted_is_found_by_its_tags(
    braket: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: int
) -> None:
    prepared = prepared_on("sv1", f"unnoted-{lines}")
    with executor_of(prepared, tmp_path) as executor:
        before = executor.run([COIN], 500, "samples")
    meant(tmp_path, lines=lines)
    enter(monkeypatch, braket, attempt=2)
    calls: list[str] = []
    braket.service.intercept = lambda operation, _: calls.append(operation)
    with executor_of(prepared, tmp_path) as executor:
        assert executor.run([COIN], 500, "samples") == before
        assert len(executor.tasks) == 1
    assert "CreateQuantumTask" not in calls
    assert len(tasks_of(braket, prepared.run_id)) == 1


def test_task_is_announced_before_it_is_created(braket: Server, tmp_path: Path) -> None:
    announced = []

    def look(operation: str, params: dict[str, Any]) -> None:
        if operation == "CreateQuantumTask":
            entry = json.loads(journal_lines(tmp_path)[-1])
            tagged, *_ = params["tags"][BATCH_TAG].split()
            same = entry["digest"] == tagged == params["clientToken"]
            announced.append((entry["kind"], same))

    braket.service.intercept = look
    with executor_of(prepared_on("sv1", "announced"), tmp_path) as executor:
        executor.run([COIN], 10, "samples")
    assert announced == [("intent", True)]


def test_task_that_was_meant_and_not_created_is_created(braket: Server, tmp_path: Path) -> None:
    prepared = prepared_on("sv1", "uncreated")
    refuse(braket, "CreateQuantumTask", "AccessDeniedException")
    with executor_of(prepared, tmp_path) as executor, pytest.raises(JobFailed):
        executor.run([COIN], 500, "samples")
    braket.service.intercept = None
    with executor_of(prepared, tmp_path) as executor:
        (counts,) = executor.run([COIN], 500, "samples")
    assert sum(counts.values()) == 500
    assert len(tasks_of(braket, "uncreated")) == 1


def test_task_that_braket_does_not_show_yet_is_not_created_twice(
    braket: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared, client = prepared_on("sv1", "hidden"), braket.client("braket")
    with executor_of(prepared, tmp_path) as executor:
        before = executor.run([COIN], 500, "samples")
        (task,) = executor.tasks
    meant(tmp_path, lines=INTENT)
    tag = client.get_quantum_task(quantumTaskArn=task.arn)["tags"][BATCH_TAG]
    client.untag_resource(resourceArn=task.arn, tagKeys=[BATCH_TAG])
    searches = 0

    def show_at_last(operation: str, _: dict[str, Any]) -> None:
        nonlocal searches
        searches += operation == "SearchQuantumTasks"
        if searches == 3 and operation == "SearchQuantumTasks":
            client.tag_resource(resourceArn=task.arn, tags={BATCH_TAG: tag})

    braket.service.intercept = show_at_last
    monkeypatch.setattr(ledger, "SEARCHES", (0.0, 0.1, 0.1))
    enter(monkeypatch, braket, attempt=2)
    with executor_of(prepared, tmp_path) as executor:
        assert executor.run([COIN], 500, "samples") == before
    assert len(tasks_of(braket, "hidden")) == 1


def journal_lines(folder: Path) -> list[str]:
    (path,) = folder.glob("journal-*")
    return path.read_text().splitlines()


def test_reservation_and_tags_are_passed_on(braket: Server, tmp_path: Path) -> None:
    reservation = "arn:aws:braket:us-east-1:123456789012:reservation/r"
    prepared = prepared_on("sv1", "reserved")
    request = prepared.request.model_copy(update={"reservation_arn": reservation})
    with executor_of(prepared.model_copy(update={"request": request}), tmp_path) as executor:
        executor.run([COIN], 10, "samples")
        (task,) = executor.tasks
    told = braket.client("braket").get_quantum_task(quantumTaskArn=task.arn)
    assert told["associations"] == [{"arn": reservation, "type": "RESERVATION_TIME_WINDOW_ARN"}]
    assert told["tags"][RUN_ID_TAG] == "reserved"
    assert told["outputS3Directory"].startswith("jobs/1/tasks/")


def test_running_total_of_a_simulator_is_what_the_sdk_tracks(
    braket: Server, tmp_path: Path
) -> None:
    with Tracker() as tracker, executor_of(prepared_on("sv1", "tracked"), tmp_path) as executor:
        for _ in range(2):
            executor.run([COIN], 10, "training")
        minutes = sum(task.billed_minutes for task in executor.tasks)
    (told,) = tracker.quantum_tasks_statistics().values()
    assert told["tasks"] == {"COMPLETED": 2}
    assert minutes * 60 == pytest.approx(told["billed_execution_duration"].total_seconds())


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("DeviceOfflineException", DeviceUnavailable),
        ("DeviceRetiredException", DeviceUnavailable),
        ("ThrottlingException", ServiceUnavailable),
        ("InternalServiceException", ServiceUnavailable),
        ("ValidationException", InvalidRequest),
        ("AccessDeniedException", JobFailed),
    ],
)
def test_refusal_of_a_task_has_its_name(
    braket: Server, at_once: None, tmp_path: Path, code: str, error: type[PipelineError]
) -> None:
    refused = refuse(braket, "CreateQuantumTask", code)
    with executor_of(prepared_on("sv1", f"refused-{code}"), tmp_path) as executor:
        with pytest.raises(error, match="not now"):
            executor.run([COIN], 10, "samples")
        assert executor.tasks == ()
    again = code in ("ThrottlingException", "InternalServiceException")
    assert len(refused) == (ATTEMPTS if again else 1)


@pytest.mark.parametrize("operation", ["CreateQuantumTask", "GetQuantumTask", "GetDevice"])
def test_call_that_is_throttled_for_a_while_is_made_again(
    braket: Server, at_once: None, tmp_path: Path, operation: str
) -> None:
    refused = refuse(braket, operation, "ThrottlingException", times=5)
    with executor_of(prepared_on("sv1", f"throttled-{operation}"), tmp_path) as executor:
        (counts,) = executor.run([COIN], 10, "samples")
    assert sum(counts.values()) == 10
    assert len(refused) == 5
    assert len(tasks_of(braket, f"throttled-{operation}")) == 1


def test_waiting_outlasts_a_service_that_fails(
    braket: Server, at_once: None, tmp_path: Path
) -> None:
    refused = refuse(braket, "GetQuantumTask", "InternalServiceException", times=3 * ATTEMPTS)
    with executor_of(prepared_on("sv1", "patient"), tmp_path) as executor:
        (counts,) = executor.run([COIN], 10, "samples")
    assert sum(counts.values()) == 10
    assert len(refused) == 3 * ATTEMPTS


def test_service_that_never_answers_is_not_waited_for_beyond_the_deadline(
    braket: Server, at_once: None, tmp_path: Path, clock: Clock
) -> None:
    refuse(braket, "GetQuantumTask", "InternalServiceException")
    with executor_of(prepared_on("sv1", "silent"), tmp_path) as executor:
        deadline = clock.now + 1
        with pytest.raises(ServiceUnavailable):
            executor.run([COIN], 10, "samples", deadline=deadline)
    assert clock.now == pytest.approx(deadline)


def test_device_that_does_not_exist_is_unavailable(braket: Server, tmp_path: Path) -> None:
    prepared = prepared_on("sv1", "gone")
    device = prepared.device.model_copy(update={"arn": f"{prepared.device.arn}-0"})
    with (
        pytest.raises(DeviceUnavailable, match="does not exist"),
        executor_of(prepared.model_copy(update={"device": device}), tmp_path),
    ):
        pass


@pytest.mark.parametrize("status", ["OFFLINE", "RETIRED"])
def test_device_that_went_away_since_the_run_was_prepared_is_unavailable(
    braket: Server, tmp_path: Path, status: str
) -> None:
    prepared = prepared_on("emerald", f"away-{status}")
    with (
        changed(braket, prepared, status=status),
        pytest.raises(DeviceUnavailable, match=f"device: Emerald is {status} since"),
        executor_of(prepared, tmp_path),
    ):
        pass


def test_device_that_goes_away_half_way_leaves_no_task_in_its_queue(
    braket: Server, tmp_path: Path
) -> None:
    prepared = prepared_on("emerald", "half-way", limits={"max_cost_usd": 10.0})
    with changed(braket, prepared, waiting=1, **NO_SETS):
        braket.service.faults.go_offline_after(prepared.device.arn, 2)
        with executor_of(prepared, tmp_path) as executor:
            with pytest.raises(DeviceUnavailable, match="Emerald is OFFLINE"):
                executor.run([COIN] * 3, 10, "samples")
            assert executor.tasks == ()
    statuses = [task["status"] for task in tasks_of(braket, "half-way")]
    assert statuses == ["CANCELLED", "CANCELLED"]


def test_device_that_is_closed_is_waited_for_until_it_opens(braket: Server, tmp_path: Path) -> None:
    prepared = prepared_on("garnet", "closed")
    opened: list[str] = []

    def open_later(operation: str, _: dict[str, Any]) -> None:
        if operation == "GetQuantumTask" and not opened:
            opened.append(tasks_of(braket, "closed")[0]["status"])
            braket.service.devices.set(prepared.device.arn, **AS_IT_WAS)  # type: ignore[arg-type]

    braket.service.intercept = open_later
    with changed(braket, prepared, windows=[]), executor_of(prepared, tmp_path) as executor:
        (counts,) = executor.run([COIN], 10, "samples")
    assert opened == ["QUEUED"]
    assert sum(counts.values()) == 10


@pytest.mark.parametrize("shots", [0, 50_001])
def test_shots_outside_the_range_are_refused_and_nothing_is_created(
    braket: Server, tmp_path: Path, shots: int
) -> None:
    with (
        executor_of(prepared_on("sv1", f"shots-{shots}"), tmp_path) as executor,
        pytest.raises(InvalidRequest, match=rf"shots: got {shots}; allowed: 1 to 50000 on SV1"),
    ):
        executor.run([COIN], shots, "samples")
    assert tasks_of(braket, f"shots-{shots}") == []


def test_circuit_that_is_too_wide_is_refused_and_nothing_is_created(
    braket: Server, tmp_path: Path
) -> None:
    wide = Compiled(Circuit().h(range(35)), tuple(range(35)))
    with (
        executor_of(prepared_on("sv1", "wide"), tmp_path) as executor,
        pytest.raises(DeviceUnavailable, match="SV1 has 34 qubits, the circuit 35"),
    ):
        executor.run([wide], 10, "samples")
    assert tasks_of(braket, "wide") == []


FAILING = Compiled(Circuit().h(range(27)), tuple(range(27)))
"""A circuit that does not fit this machine."""


def test_task_that_fails_twice_fails_the_job_with_its_reason_and_is_not_billed(
    braket: Server, tmp_path: Path
) -> None:
    prepared = prepared_on("sv1", "failing")
    for _ in range(2):  # the second attempt creates no third task
        with executor_of(prepared, tmp_path) as executor:
            with pytest.raises(JobFailed, match=r"task/\S+ ended FAILED: .*27 qubits"):
                executor.run([FAILING], 10, "samples")
            assert executor.tasks == ()
    assert len(tasks_of(braket, "failing")) == 2


def test_task_that_fails_once_is_created_once_more(braket: Server, tmp_path: Path) -> None:
    prepared = prepared_on("sv1", "failed")
    braket.service.faults.end_next(prepared.device.arn)
    found = []
    for _ in range(2):  # the second attempt creates no third task
        with executor_of(prepared, tmp_path) as executor:
            found.append((executor.run([COIN], 10, "samples"), executor.tasks))
    assert found[0] == found[1]
    failed, completed = tasks_of(braket, "failed")
    assert (failed["status"], completed["status"]) == ("FAILED", "COMPLETED")
    assert [task.arn for task in found[0][1]] == [completed["quantumTaskArn"]]


def test_task_that_somebody_cancels_fails_the_job(braket: Server, tmp_path: Path) -> None:
    prepared = prepared_on("sv1", "cancelled")
    braket.service.faults.end_next(prepared.device.arn, status="CANCELLED")
    with executor_of(prepared, tmp_path) as executor:
        with pytest.raises(JobFailed, match=r"task/\S+ ended CANCELLED: no reason given"):
            executor.run([COIN], 10, "samples")
        assert executor.tasks == ()
    assert len(tasks_of(braket, "cancelled")) == 1


@pytest.mark.parametrize("left", [None, b"{", b"{}"])
def test_result_that_is_missing_or_unreadable_fails_the_job(
    braket: Server, tmp_path: Path, left: bytes | None
) -> None:
    prepared = prepared_on("sv1", f"lost-{left!r}")
    with executor_of(prepared, tmp_path) as executor:
        executor.run([COIN], 10, "samples")
        (task,) = executor.tasks
    key = f"jobs/1/tasks/{task.arn.rpartition('/')[2]}/results.json"
    braket.s3.delete_object(Bucket=BUCKET, Key=key)
    if left is not None:
        braket.s3.put_object(Bucket=BUCKET, Key=key, Body=left)
    with executor_of(prepared, tmp_path) as executor:
        with pytest.raises(JobFailed, match=f"result of quantum task {task.arn}"):
            executor.run([COIN], 10, "samples")
        assert executor.tasks == (task,)  # it is paid for nevertheless


def test_task_that_is_queued_until_the_deadline_is_cancelled(
    braket: Server, tmp_path: Path
) -> None:
    prepared = prepared_on("sv1", "queued")
    with changed(braket, prepared, waiting=1), executor_of(prepared, tmp_path) as executor:
        with pytest.raises(TimeReached, match=r"^limits\.max_runtime_seconds: arn:\S+ not done"):
            executor.run([COIN], 10, "samples", deadline=time.monotonic() + 0.5)
        assert executor.tasks == ()
    (task,) = tasks_of(braket, "queued")
    assert task["status"] == "CANCELLED"


def test_task_that_is_done_just_before_it_is_cancelled_is_used(
    braket: Server, tmp_path: Path
) -> None:
    client = braket.client("braket")
    late: list[str] = []

    def wait_until_done(operation: str, params: dict[str, Any]) -> None:
        if operation == "CancelQuantumTask":
            late.append(params["quantumTaskArn"])
            finished(client, late[0])

    braket.service.intercept = wait_until_done
    with executor_of(prepared_on("sv1", "late"), tmp_path) as executor:
        (counts,) = executor.run([COIN], 10, "samples", deadline=time.monotonic())
        (task,) = executor.tasks
    assert set(late) <= {task.arn}  # none, where it was done even before it was looked at
    assert sum(counts.values()) == 10


def test_batches_end_before_the_cost_limit_and_what_is_kept_remains(
    braket: Server, tmp_path: Path
) -> None:
    prepared = prepared_on("sv1", "capped", limits={"max_cost_usd": 0.03})
    with executor_of(prepared, tmp_path) as executor:
        last = executor.spending.worst_case(1, 100)
        executor.keep(last)
        done: list[Any] = []
        with pytest.raises(CapReached, match=r"limits\.max_cost_usd: 1 circuits of 10 shots"):
            while len(done) < 20:
                done += executor.run([COIN], 10, "training")
        assert done
        executor.keep(0.0)
        executor.run([COIN], 100, "samples")
        assert 0.8 * 0.03 < executor.spending.spent < 0.03
    assert len(tasks_of(braket, "capped")) == len(done) + 1


def test_second_attempt_reads_on_where_the_limit_was_reached(
    braket: Server, tmp_path: Path
) -> None:
    prepared = prepared_on("sv1", "capped-again", limits={"max_cost_usd": 0.02})
    found = []
    for _ in range(2):
        with executor_of(prepared, tmp_path) as executor:
            counts: list[Any] = []
            with pytest.raises(CapReached):
                while True:
                    shots = executor.affordable_shots(1, 10, "training")
                    counts += executor.run([COIN], shots or 10, "training")
            found.append(counts)
    assert found[0] == found[1]
    assert len(tasks_of(braket, "capped-again")) == len(found[0])


def test_waiting_ends_when_the_instance_has_taken_the_money_that_is_left(
    braket: Server, tmp_path: Path, clock: Clock
) -> None:
    prepared = prepared_on("sv1", "waiting", limits={"max_cost_usd": 1000.0})
    dear = prepared.instance.model_copy(update={"usd_per_hour": 3600.0})  # 1 USD a second
    prepared = prepared.model_copy(update={"instance": dear})
    with executor_of(prepared, tmp_path) as executor:
        needed = executor.spending.spent + executor.spending.worst_case(1, 10) + ENDING_SECONDS
    limits = prepared.request.limits.model_copy(update={"max_cost_usd": needed + 1.5})
    request = prepared.request.model_copy(update={"limits": limits})
    prepared = prepared.model_copy(update={"request": request})
    with changed(braket, prepared, waiting=1), executor_of(prepared, tmp_path / "2") as executor:
        with pytest.raises(CapReached, match=r"not done when the job's instance had taken"):
            executor.run([COIN], 10, "samples")
        assert executor.tasks == ()
        assert executor.spending.spent < limits.max_cost_usd
