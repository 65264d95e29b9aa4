"""The stack's own cap on a QPU, which Braket keeps."""

from __future__ import annotations

from quantum_pipeline.local.aws import LocalAws
from tests.stack import Stack

GARNET = "arn:aws:braket:eu-north-1::device/qpu/iqm/Garnet"


def limits(parameters: dict[str, str]) -> list[tuple[str, str]]:
    with LocalAws(parameters=parameters) as aws:
        found = Stack(aws).braket.search_spending_limits()["spendingLimits"]
    return [(each["deviceArn"], each["spendingLimit"]) for each in found]


def test_a_stack_that_asks_for_a_spending_limit_has_one() -> None:
    asked = {"SpendingLimitDeviceArn": GARNET, "SpendingLimitUsd": "12.50"}
    assert limits(asked) == [(GARNET, "12.50")]


def test_a_stack_has_no_spending_limit_unless_it_asks_for_one() -> None:
    assert limits({}) == []
