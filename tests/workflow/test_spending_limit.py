"""The stack's own cap on a QPU, which Braket keeps."""

from __future__ import annotations

from pathlib import Path

from quantum_pipeline.local.aws import LocalAws
from tests.stack import Stack

GARNET = "arn:aws:braket:eu-north-1::device/qpu/iqm/Garnet"


def limits(parameters: dict[str, str], folder: Path) -> list[tuple[str, str]]:
    with LocalAws(cache_folder=folder, parameters=parameters) as aws:
        found = Stack(aws).braket.search_spending_limits()["spendingLimits"]
    return [(each["deviceArn"], each["spendingLimit"]) for each in found]


def test_a_stack_that_asks_for_a_spending_limit_has_one(tmp_path: Path) -> None:
    asked = {"SpendingLimitDeviceArn": GARNET, "SpendingLimitUsd": "12.50"}
    assert limits(asked, tmp_path) == [(GARNET, "12.50")]


def test_a_stack_has_no_spending_limit_unless_it_asks_for_one(tmp_path: Path) -> None:
    assert limits({}, tmp_path) == []
