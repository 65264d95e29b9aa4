"""Runs that wait for a job's slot: their order, who tries, and tickets that nobody renews."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto.s3.models import s3_backends

from quantum_pipeline import runs
from quantum_pipeline.aws.tickets import LOST
from quantum_pipeline.errors import QuotaExceeded
from tests.functions.stages import execution_of, prepared
from tests.stack import Stack

START = datetime(2026, 8, 24, 9, 30, tzinfo=UTC)
SLOTS = 3
"""Of the stack: the default of ConcurrentJobs."""


@pytest.fixture(autouse=True)
def empty_line(stack: Stack) -> Iterator[None]:
    yield
    stack.aws.braket.intercept = None
    for key in in_line(stack):
        stack.s3.delete_object(Bucket=stack.bucket, Key=key)


def in_line(stack: Stack) -> list[str]:
    found = stack.s3.list_objects_v2(Bucket=stack.bucket, Prefix=runs.LINE).get("Contents", [])
    return [item["Key"] for item in found]


def others(stack: Stack, number: int, *, after: float = 0, age: timedelta | None = None) -> None:
    """Put runs in line that started so many seconds after START, renewed so long ago."""
    for each in range(number):
        key = runs.ticket(f"other-{each}", START + timedelta(seconds=after + each))
        stack.s3.put_object(Bucket=stack.bucket, Key=key, Body=b"")
        if age is not None:
            held: Any = s3_backends["123456789012"]["aws"].buckets[stack.bucket].keys[key]
            held.last_modified -= age


def submit(stack: Stack, asked: dict[str, Any], after: float, waits: int = 0) -> dict[str, Any]:
    started = START + timedelta(seconds=after)
    return stack.invoke("Submit", asked | {"started_at": started.isoformat(), "waits": waits})


def test_a_run_waits_for_a_slot_with_a_ticket_and_gives_it_back(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    asked = prepared(stack, "waits", request_data)
    refused = stack.refuse("CreateJob", "ServiceQuotaExceededException", times=10**6)
    answer = submit(stack, asked, after=0.25)
    assert (answer["status"], answer["waits"], answer["wait_seconds"]) == ("WAITING", 1, 2)
    assert len(refused) == 1
    assert in_line(stack) == ["line/20260824T093000.250000/waits"]
    stack.aws.braket.intercept = None
    assert submit(stack, asked, after=0.25, waits=1)["status"] == "QUEUED"
    assert in_line(stack) == []


def test_who_is_behind_as_many_as_there_are_slots_does_not_try(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    others(stack, SLOTS)
    others(stack, 1, after=100)  # started later: it waits behind
    asked = prepared(stack, "behind", request_data)
    refused = stack.refuse("CreateJob", "ServiceQuotaExceededException", times=10**6)
    answer = submit(stack, asked, after=50)
    assert (answer["status"], answer["place"]) == ("WAITING", SLOTS)
    assert refused == []
    assert runs.ticket("behind", START + timedelta(seconds=50)) in in_line(stack)


def test_who_started_first_comes_first_whenever_it_comes(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    others(stack, SLOTS, after=10)
    asked = prepared(stack, "first", request_data)
    assert submit(stack, asked, after=5)["status"] == "QUEUED"
    assert len(in_line(stack)) == SLOTS


def test_tickets_that_nobody_renews_block_nobody(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    others(stack, SLOTS + 5, age=LOST + timedelta(seconds=5))
    asked = prepared(stack, "not-blocked", request_data)
    assert submit(stack, asked, after=50)["status"] == "QUEUED"


def test_a_run_far_behind_looks_less_often(stack: Stack, request_data: dict[str, Any]) -> None:
    others(stack, 30)
    asked = prepared(stack, "far-behind", request_data)
    assert submit(stack, asked, after=50)["wait_seconds"] == 10
    assert submit(stack, asked, after=50, waits=40)["wait_seconds"] > 40


def test_an_execution_that_began_before_there_was_a_line_is_refused_as_it_was(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    others(stack, SLOTS)
    prepared(stack, "old", request_data)
    stack.refuse("CreateJob", "ServiceQuotaExceededException", times=1)
    with pytest.raises(QuotaExceeded):
        stack.invoke("Submit", {"run_id": "old", "attempt": 1})
    assert stack.invoke("Submit", {"run_id": "old", "attempt": 1})["status"] == "QUEUED"


def test_cancel_takes_a_run_out_of_the_line(stack: Stack, request_data: dict[str, Any]) -> None:
    others(stack, SLOTS)
    asked = prepared(stack, "leaves", request_data)
    assert submit(stack, asked, after=50)["status"] == "WAITING"
    stack.invoke(
        "Cancel",
        {
            "run_id": "leaves",
            "execution_arn": execution_of("leaves"),
            "error": {"Error": "JobFailed", "Cause": "no"},
        },
    )
    assert [key for key in in_line(stack) if key.endswith("/leaves")] == []
    assert len(in_line(stack)) == SLOTS
