"""A small campaign: whole runs under plans of faults, and what then holds of each of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.calls_of_aws import CALLS
from tests.faults.campaign import Campaign
from tests.faults.invariants import broken
from tests.faults.places import ENGINE, Place
from tests.faults.plans import AIMS, Plan, drawn
from tests.stack import Stack, priced_stack

N_DRAWN = 3000
SEED = 11
PLANS = [plan for plan in (drawn(SEED, number) for number in range(14)) if plan.run != "sv1"][:7]
"""As many as a test may take; those on SV1 would load the SDK for it. `make faults` runs more."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with priced_stack(tmp_path_factory.mktemp("cache")) as stack:
        yield stack


@pytest.fixture(scope="module")
def campaign(stack: Stack) -> Iterator[Campaign]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield Campaign(stack, monkeypatch)


@pytest.mark.parametrize("number", range(len(PLANS)))
def test_a_run_ends_as_promised_whatever_fails(
    stack: Stack, campaign: Campaign, number: int
) -> None:
    plan = PLANS[number]
    run = campaign.run(plan, f"plan-{number}")
    assert broken(stack, run) == [], f"make faults PLAN='{plan}'"
    unknown = {each for each in run.strikes.seen if each.operation not in CALLS[each.caller]}
    assert unknown == set(), "calls at which no plan lets anything fail"


def test_a_plan_replays_from_its_text() -> None:
    for number in range(N_DRAWN):
        plan = drawn(SEED, number)
        replayed = Plan.parse(str(plan))
        assert (str(replayed), replayed.faults) == (str(plan), plan.faults)
        assert (replayed.run, replayed.stuck, replayed.events) == (
            plan.run,
            plan.stuck,
            plan.events,
        )


def test_plans_strike_every_call_and_a_third_of_them_aim_at_one_place() -> None:
    plans = [drawn(SEED, number) for number in range(N_DRAWN)]
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
