"""A small campaign: what holds of runs whatever fails, and is seen where it does not hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from quantum_pipeline import runs
from tests.faults.calls_of_aws import CALLS
from tests.faults.campaign import Campaign, Run
from tests.faults.invariants import INVARIANTS, broken
from tests.faults.places import ENGINE, Place
from tests.faults.plans import AIMS, ON_DEVICES, Plan, drawn
from tests.stack import Stack, priced_stack

N_DRAWN = 6000
SEED = 11
PLANS = [
    plan for plan in (drawn(SEED, number) for number in range(14)) if plan.run not in ON_DEVICES
][:7]
"""As many as a test may take; on devices they would load the SDK. `make faults` runs more."""


@pytest.fixture(scope="module")
def plans() -> list[Plan]:
    return [drawn(SEED, number) for number in range(N_DRAWN)]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with priced_stack() as stack:
        yield stack


@pytest.fixture(scope="module")
def campaign(stack: Stack) -> Iterator[Campaign]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield Campaign(stack, monkeypatch)


@pytest.fixture(scope="module")
def completed(stack: Stack, campaign: Campaign) -> Run:
    run = campaign.run(Plan.parse("local:"), "completed")
    assert broken(stack, run) == []
    return run


@pytest.mark.parametrize("number", range(len(PLANS)))
def test_a_run_ends_as_promised_whatever_fails(
    stack: Stack, campaign: Campaign, number: int
) -> None:
    plan = PLANS[number]
    run = campaign.run(plan, f"plan-{number}")
    assert broken(stack, run) == [], f"make faults PLAN='{plan}'"
    unknown = {each for each in run.strikes.seen if each.operation not in CALLS[each.caller]}
    assert unknown == set(), "calls at which no plan lets anything fail"


def test_a_plan_replays_from_its_text(plans: list[Plan]) -> None:
    for plan in plans:
        replayed = Plan.parse(str(plan))
        assert (str(replayed), replayed.faults) == (str(plan), plan.faults)
        assert (replayed.run, replayed.stuck, replayed.events) == (
            plan.run,
            plan.stuck,
            plan.events,
        )


def test_plans_strike_every_call_and_a_third_of_them_aim_at_one_place(plans: list[Plan]) -> None:
    struck = {fault.place for plan in plans for fault in plan.faults}
    assert struck == {Place(caller, each) for caller in CALLS for each in CALLS[caller]}
    aimed = [plan for plan in plans if plan.kind in AIMS]
    assert len(aimed) == N_DRAWN / 3
    assert {len(plan.faults) for plan in aimed} == {2, 3}
    stopped = {
        fault.place.operation
        for plan in plans
        for fault in plan.faults
        if fault.place.caller == ENGINE and fault.kind.startswith("stop")
    }
    assert stopped == set(CALLS[ENGINE])


@contextmanager
def changed(stack: Stack, run: Run, name: str, change: Callable[[Any], Any]) -> Iterator[None]:
    """Change one of the run's records for a while, or remove it where the change is to None."""
    with rewritten(stack, runs.key(run.run_id, name), change):
        yield


@contextmanager
def rewritten(stack: Stack, key: str, change: Callable[[Any], Any]) -> Iterator[None]:
    """Change an object of the bucket for a while, or remove it."""
    where = {"Bucket": stack.bucket, "Key": key}
    before = stack.s3.get_object(**where)["Body"].read()
    after = change(json.loads(before)) if key.endswith(".json") else None
    if after is None:
        stack.s3.delete_object(**where)
    else:
        stack.s3.put_object(**where, Body=json.dumps(after))
    try:
        yield
    finally:
        stack.s3.put_object(**where, Body=before)


IN_THE_BUCKET: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "one record of its end": ("end.json", lambda claim: claim | {"record": "failure.json"}),
    "a right report": ("completed.json", lambda record: record | {"objective": 5}),
    "nothing half-written": ("report.html", lambda _: None),
    "told once": ("end.json", lambda claim: claim | {"told": False}),
}


@pytest.mark.parametrize("invariant", IN_THE_BUCKET)
def test_what_is_wrong_in_the_bucket_is_seen(stack: Stack, completed: Run, invariant: str) -> None:
    with changed(stack, completed, *IN_THE_BUCKET[invariant]):
        assert [each.partition(":")[0] for each in broken(stack, completed)] == [invariant]


def test_a_run_that_is_not_in_the_catalogue_is_seen(stack: Stack, completed: Run) -> None:
    table = stack.aws.outputs["CatalogueTableName"]
    key = {"run_id": {"S": completed.run_id}}
    item = stack.dynamodb.get_item(TableName=table, Key=key)["Item"]
    stack.dynamodb.delete_item(TableName=table, Key=key)
    try:
        assert broken(stack, completed) == ["in the catalogue: the catalogue has no record"]
    finally:
        stack.dynamodb.put_item(TableName=table, Item=item)


def test_a_run_of_a_pack_without_an_end_is_seen(stack: Stack, campaign: Campaign) -> None:
    pack = campaign.run(Plan.parse("pack:"), "pack")
    assert broken(stack, pack) == []
    unknown = {each for each in pack.strikes.seen if each.operation not in CALLS[each.caller]}
    assert unknown == set(), "calls at which no plan lets anything fail"
    one = replace(pack, run_id="pack.a")
    with changed(stack, one, "completed.json", lambda _: None):
        found, _ = broken(stack, pack)
    assert found.startswith("each run of a pack: a has ")


@pytest.fixture(scope="module")
def summarised(stack: Stack, campaign: Campaign) -> Run:
    run = campaign.run(Plan.parse("study:"), "angles")
    assert broken(stack, run) == []
    return run


OF_STUDIES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "one end": ("studies/_ends/angles.json", lambda end: end | {"status": "FAILED"}),
    "told once": ("studies/_ends/angles.json", lambda end: end | {"told": False}),
    "a right summary": ("studies/angles/report.json", lambda found: found | {"spent": {"usd": 7}}),
    "each run ends once": ("runs/angles-0-1.2/completed.json", lambda _: None),
}


@pytest.mark.parametrize("invariant", OF_STUDIES)
def test_what_is_wrong_of_a_study_is_seen(stack: Stack, summarised: Run, invariant: str) -> None:
    key, change = OF_STUDIES[invariant]
    with rewritten(stack, key, change):
        found = [each.partition(":")[0] for each in broken(stack, summarised)]
    assert invariant in found


def test_a_study_of_which_sweeps_find_more_and_more_is_seen(stack: Stack, summarised: Run) -> None:
    unfinished = replace(summarised, swept=[["angles"]] * 4)
    assert [each.partition(":")[0] for each in broken(stack, unfinished)] == ["it ended"]


ELSEWHERE: dict[str, Callable[[Run], Run]] = {
    "it ended": lambda run: replace(run, swept=[[run.run_id]] * 4),
    "told once": lambda run: replace(run, told=run.told * 2),
}


@pytest.mark.parametrize("invariant", ELSEWHERE)
def test_an_end_that_is_never_finished_or_told_twice_is_seen(
    stack: Stack, completed: Run, invariant: str
) -> None:
    found = broken(stack, ELSEWHERE[invariant](completed))
    assert [each.partition(":")[0] for each in found] == [invariant]


def test_a_failure_that_names_another_error_and_one_without_a_fault_are_seen(
    stack: Stack, campaign: Campaign
) -> None:
    refused = campaign.run(Plan.parse("refused:"), "refused")
    assert broken(stack, refused) == []
    with changed(stack, refused, "failure.json", lambda end: end | {"error": "JobFailed"}):
        found, remembered = broken(stack, refused)
    assert found.startswith("the first error")
    assert remembered.startswith("in the catalogue")
    [found] = broken(stack, replace(refused, plan=Plan.parse("local:")))
    assert found.startswith("few faults are ridden out")


def test_a_second_job_is_seen_and_that_it_is_left(stack: Stack, completed: Run) -> None:
    [job] = stack.jobs(completed.run_id)
    first = stack.braket.get_job(jobArn=job["jobArn"])
    asked = {
        "jobName": "another",
        "roleArn": first["roleArn"],
        "algorithmSpecification": first["algorithmSpecification"],
        "instanceConfig": first["instanceConfig"],
        "deviceConfig": first["deviceConfig"],
        "outputDataConfig": first["outputDataConfig"],
        "tags": job["tags"],
    }
    stack.aws.braket.queue_seconds = 3600
    arn = stack.braket.create_job(**asked)["jobArn"]
    found = {each.partition(":")[0] for each in broken(stack, completed)}
    stack.braket.cancel_job(jobArn=arn)
    assert found == {"one job an attempt", "no job or task left"}
    assert INVARIANTS.keys() == {
        *IN_THE_BUCKET,
        *ELSEWHERE,
        *found,
        "each run of a pack",
        "the first error",
        "in the catalogue",
        "few faults are ridden out",
    }
