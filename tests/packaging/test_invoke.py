"""`make invoke`: one function on its example event, with the stages before it run for real."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from scripts.invoke import main


@pytest.mark.parametrize(
    ("function", "field", "expected"),
    [
        ("Prepare", "problem_type", "maxcut"),
        ("PostProcess", "status", "SUCCEEDED"),  # after Prepare, Submit and Monitor
        ("Cancel", "error", "JobFailed"),
        ("Sweep", "left", []),
        ("Summarise", "status", "SUCCEEDED"),  # after PlanRound, the runs, and PlanRound again
        ("StopRuns", "stopped", 1),
        ("PostProcess --pack", "succeeded", 2),
        ("Cancel --pack", "run_id", "rings-20260824-093000.five"),
    ],
)
def test_each_function_answers_its_example(function: str, field: str, expected: object) -> None:
    outcome = CliRunner().invoke(main, function.split())
    assert outcome.exit_code == 0, outcome.output
    assert json.loads(outcome.stdout)[field] == expected
    assert ("at the template's price" in outcome.stderr) == (function == "Prepare")


def test_an_unknown_function_is_refused_by_name() -> None:
    outcome = CliRunner().invoke(main, ["Postpone"])
    assert outcome.exit_code == 2
    assert "'Postpone' is not one of 'Prepare', 'Submit'" in outcome.output
