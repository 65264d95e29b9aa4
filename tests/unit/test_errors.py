"""The tree of errors: complete, with the exit codes that the CLI promises."""

from __future__ import annotations

import inspect

import pytest

from quantum_pipeline import errors
from quantum_pipeline.errors import ERRORS, InvalidRequest, PipelineError

EXIT_CODES = {
    "PipelineError": 1,
    "InvalidRequest": 2,
    "BudgetExceeded": 3,
    "DeviceUnavailable": 4,
    "ServiceUnavailable": 75,
    "QuotaExceeded": 75,
    "JobFailed": 1,
    "JobInterrupted": 1,
    "InvalidResult": 1,
}


def test_every_error_of_the_module_is_in_the_tree_under_its_name() -> None:
    classes = {
        name: each
        for name, each in vars(errors).items()
        if inspect.isclass(each) and issubclass(each, Exception)
    }
    assert classes == ERRORS


@pytest.mark.parametrize("name", EXIT_CODES)
def test_each_error_ends_the_command_with_its_own_code(name: str) -> None:
    assert ERRORS[name].exit_code == EXIT_CODES[name]


def test_no_error_is_without_an_exit_code_in_this_table() -> None:
    assert ERRORS.keys() == EXIT_CODES.keys()


def test_every_error_but_the_root_says_when_in_one_sentence_and_stands_in_the_drawn_tree() -> None:
    for name, each in ERRORS.items():
        assert issubclass(each, PipelineError)
        assert each.__doc__
        assert each.__doc__.endswith(".")
        assert name in (errors.__doc__ or "")
        drawn = next(line for line in str(errors.__doc__).splitlines() if name in line)
        assert each is PipelineError or drawn.endswith(f"exit {each.exit_code}")


def test_a_refusal_names_field_value_and_what_is_allowed() -> None:
    refused = InvalidRequest.of("shots", -5, "an integer from 1 to 50000")
    assert str(refused) == "shots: got -5; allowed: an integer from 1 to 50000"
