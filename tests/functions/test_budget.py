"""The monthly budget of a stack: what counts, who is refused, and who is told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.wrappers import Request, Response

from quantum_pipeline.aws.budget import MonthlyBudget
from quantum_pipeline.errors import BudgetExceeded, ServiceUnavailable
from quantum_pipeline.local.aws import LocalAws
from quantum_pipeline.planning.budget import month_of
from tests.functions.stages import event, execution_of, prepared
from tests.stack import LONG, PARAMETERS, REQUEST, Stack, Subscriber, with_room

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

POST_PROCESS: dict[str, Any] = json.loads(
    Path("events/functions/post_process.json").read_text("utf-8")
)
CANCEL: dict[str, Any] = json.loads(Path("events/functions/cancel.json").read_text("utf-8"))
USD_PER_HOUR, BUDGET_USD = 6.0, 2.4
MONTH = re.compile(rb'(?<="month": \{"S": ")\d{4}-\d\d(?=")')
"""A month as the key of an item, where a request names it."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A stack whose month has room for a few runs."""
    parameters = PARAMETERS | {
        "JobInstanceUsdPerHour": str(USD_PER_HOUR),
        "MonthlyBudgetUsd": str(BUDGET_USD),
    }
    braket = partial(with_room, usd_per_hour=USD_PER_HOUR)
    with LocalAws(parameters=parameters, braket=braket) as aws:
        keep_the_month(aws)
        yield Stack(aws)
    assert not aws.authority.refused


def keep_the_month(aws: LocalAws) -> None:
    """Let all be counted in one month, for the clock's own may turn in the midst of a test."""

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        environ["wsgi.input"] = BytesIO(MONTH.sub(b"2000-01", body))
        return tables(environ, start_response)

    tables = aws.router._services["dynamodb"]
    aws.router._services = {**aws.router._services, "dynamodb": serve}


@pytest.fixture(autouse=True)
def new_month(stack: Stack) -> Iterator[None]:
    """Let each test begin in a month of which nothing is spent."""
    yield
    stack.aws.router.intercept = None
    table = stack.aws.outputs["BudgetTableName"]
    for item in stack.dynamodb.scan(TableName=table)["Items"]:
        stack.dynamodb.delete_item(TableName=table, Key={"month": item["month"]})


def months(stack: Stack) -> list[dict[str, Any]]:
    """Return the items of the table, numbers as such."""
    found = stack.dynamodb.scan(TableName=stack.aws.outputs["BudgetTableName"])["Items"]
    return [{name: int(v["N"]) for name, v in item.items() if "N" in v} for item in found]


def counted(stack: Stack) -> float:
    """Return what the month counts for, in USD."""
    [month] = months(stack)
    return float(month["counted"] / 1e6)


def prepare(stack: Stack, run_id: str) -> float:
    """Prepare a run; return its estimate in USD."""
    return float(stack.invoke("Prepare", event(run_id, REQUEST))["estimated_usd"])


def fail(stack: Stack, run_id: str) -> None:
    stack.invoke("Cancel", CANCEL | {"run_id": run_id, "execution_arn": execution_of(run_id)})


def test_of_fifty_runs_at_once_as_many_start_as_there_is_room_for(stack: Stack) -> None:
    estimate = prepare(stack, "first")
    room = int(BUDGET_USD // estimate)
    assert room == 7

    def start(number: int) -> str | None:
        while True:
            try:
                prepare(stack, f"at-once-{number}")
            except BudgetExceeded as error:
                return str(error)
            except stack.lambdas.exceptions.TooManyRequestsException:
                continue  # as the state machine does
            return None

    with ThreadPoolExecutor(16) as pool:
        refusals = list(pool.map(start, range(50)))
    assert refusals.count(None) == room - 1
    assert counted(stack) == pytest.approx(room * estimate)
    left = BUDGET_USD - room * estimate
    for refusal in filter(None, refusals):
        assert f"estimate in USD: got {estimate:g}; allowed: up to {left:.6g}, which " in refusal
    assert not {f"at-once-{n}" for n, each in enumerate(refusals) if each} & {
        key["Key"].split("/")[1]
        for key in stack.s3.list_objects_v2(Bucket=stack.bucket, Prefix="runs/")["Contents"]
    }


def test_a_run_counts_once_however_often_it_is_prepared(stack: Stack) -> None:
    estimate = prepare(stack, "again")
    assert prepare(stack, "again") == estimate
    assert counted(stack) == pytest.approx(estimate)


def test_a_pack_is_reserved_whole_and_freed_by_the_ends_of_its_runs(stack: Stack) -> None:
    def pack(request: dict[str, Any]) -> dict[str, Any]:
        found = [{"name": name, "request": request} for name in "ab"]
        return {"pack": found, "limits": {"max_cost_usd": 1000}}

    asked = event("pack", pack(REQUEST))
    for _ in range(2):
        estimate = float(stack.invoke("Prepare", asked)["estimated_usd"])
        assert counted(stack) == pytest.approx(estimate)
    with pytest.raises(BudgetExceeded, match="month"):
        stack.invoke("Prepare", event("large", pack(LONG)))
    assert counted(stack) == pytest.approx(estimate)
    for run_id in ("large", "pack"):
        fail(stack, run_id)
    assert stack.record("large.b", "failure.json")["error"] == "JobFailed"  # as Cancel was told
    assert counted(stack) == 0


def test_runs_that_are_reserved_together_count_all_or_none(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as a pack may have; each is settled by itself."""
    for name, value in stack.aws.environment().items():
        monkeypatch.setenv(name, value)
    budget = MonthlyBudget(
        stack.aws.outputs["BudgetTableName"], 2.4, stack.aws.outputs["NotificationTopicArn"]
    )
    now = datetime.now(UTC)
    pack = {f"pack.run-{number:02}": 0.015 for number in range(100)}
    for _ in range(2):
        budget.reserve(pack, now)
        assert counted(stack) == pytest.approx(1.5)
    with pytest.raises(BudgetExceeded, match=r"got 1\.5; allowed: up to 0\.9, which"):
        budget.reserve({f"other.{name}": usd for name, usd in pack.items()}, now)
    budget.settle("pack.run-99", month_of(now), 0.001)
    assert counted(stack) == pytest.approx(1.486)
    [month] = months(stack)
    assert month.keys() == {"counted", *(f"run:{name}" for name in pack)} - {"run:pack.run-99"}


def test_a_run_that_ended_counts_with_its_bill(stack: Stack, request_data: dict[str, Any]) -> None:
    """With what it was estimated at until then; what its end finds done is not done again."""
    answer = stack.invoke("Submit", prepared(stack, "billed", request_data))
    assert stack.job_ended(answer["job_arn"])["status"] == "COMPLETED"
    before = counted(stack)
    ended = POST_PROCESS | {"run_id": "billed", "job_arn": answer["job_arn"]}
    bill = stack.invoke("PostProcess", ended)["actual_usd"]
    assert bill == stack.record("billed", "report.json")["cost"]["actual_usd"] != before
    assert counted(stack) == pytest.approx(bill, abs=1e-6)
    stack.invoke("PostProcess", ended)
    assert counted(stack) == pytest.approx(bill, abs=1e-6)
    assert months(stack)[0].keys() == {"counted"}


def test_a_run_without_a_report_counts_if_a_job_was_made_for_it(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    prepare(stack, "never-began")
    estimate = counted(stack)
    fail(stack, "never-began")
    assert counted(stack) == 0
    arn = stack.invoke("Submit", prepared(stack, "began", request_data))["job_arn"]
    stack.job_ended(arn)
    fail(stack, "began")
    assert counted(stack) == pytest.approx(estimate)
    fail(stack, "refused-before-it-counted")
    assert counted(stack) == pytest.approx(estimate)


def test_the_topic_is_told_once_that_four_fifths_are_spent(stack: Stack) -> None:
    told, before = Subscriber(stack), month_of(datetime.now(UTC))
    estimates = [prepare(stack, f"told-{number}") for number in range(6)]
    assert sum(estimates) < 0.8 * BUDGET_USD
    assert told() == []
    total = sum(estimates) + prepare(stack, "told-6")
    [message] = told()
    assert before <= message.pop("month") <= month_of(datetime.now(UTC))
    assert message == {
        "status": "BUDGET",
        "counted_usd": pytest.approx(total, abs=1e-5),
        "monthly_budget_usd": BUDGET_USD,
    }
    fail(stack, "told-0")
    prepare(stack, "told-7")
    assert [each["status"] for each in told()] == ["FAILED"]


def test_a_run_above_the_whole_budget_is_refused_in_a_month_without_any(stack: Stack) -> None:
    refused = r"estimate in USD: got \d+\.\d+; allowed: up to 2\.4 a month, MonthlyBudgetUsd"
    with pytest.raises(BudgetExceeded, match=refused):
        stack.invoke("Prepare", event("too-much", LONG))
    assert months(stack) == []


def test_an_end_waits_for_a_budget_that_does_not_answer(stack: Stack) -> None:
    """Nobody is told of it before it counts, and who finishes it counts it."""
    told = Subscriber(stack)
    prepare(stack, "waits")
    estimate = counted(stack)

    def refuse(service: str, request: Request) -> Response | None:
        refused = service == "dynamodb" and ".UpdateItem" in request.headers["X-Amz-Target"]
        code = {"__type": "com.amazonaws.dynamodb.v20120810#InternalServerError"}
        return Response(json.dumps(code), 500) if refused else None

    stack.aws.router.intercept = refuse
    with pytest.raises(ServiceUnavailable, match="InternalServerError"):
        fail(stack, "waits")
    stack.aws.router.intercept = None
    assert (counted(stack), told()) == (estimate, [])
    fail(stack, "waits")
    assert counted(stack) == 0
    assert [each["status"] for each in told()] == ["FAILED"]
