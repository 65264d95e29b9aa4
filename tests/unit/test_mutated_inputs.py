"""Mutated requests, text files and command lines: read, or refused by name; a share of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from benchmarks import mutating
from benchmarks.mutations import (
    argument_case,
    pack_case,
    qpipe,
    request_case,
    text_case,
    validate,
    validate_text,
)

SHORT = 100_000
"""Bytes: longer cases take seconds, and ``python -m benchmarks.mutations`` has them."""

NAMES = {"accepted", "usage", "InvalidRequest", "BudgetExceeded", "DeviceUnavailable"}


@pytest.mark.parametrize(
    ("case", "read"),
    [
        (request_case, validate),
        (pack_case, validate),
        (text_case, validate_text),
        (argument_case, qpipe),
    ],
    ids=["requests", "packs", "texts", "arguments"],
)
def test_mutated_input_is_read_or_refused_by_name(
    case: Callable[[Random, int], bytes],
    read: Callable[[bytes], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    cases = [case(mutating.generator(0, number), number) for number in range(60)]
    ends = {read(each) for each in cases if len(each) < SHORT}
    assert ends <= NAMES
    assert len(ends) > 1


def test_the_same_seed_makes_the_same_cases() -> None:
    value = json.loads(Path("events/requests/maxcut_petersen.json").read_text("utf-8"))
    made = [mutating.mutated(value, mutating.generator(1, number)) for number in range(50)]
    again = [mutating.mutated(value, mutating.generator(1, number)) for number in range(50)]
    assert made == again
    assert len(set(made)) > 40


@pytest.mark.parametrize(
    "part",
    [b"NaN", b"-Infinity", b"5e-324", b"0" * 400, b"\\ud800", b"[" * 1000, b'"k0000999":'],
    ids=["NaN", "infinity", "denormal", "huge", "half", "nested", "crowd"],
)
def test_mutations_hold_what_readers_stumble_over(part: bytes) -> None:
    value = {"problem": {"type": "ising", "fields": [1.0, -1.0]}, "shots": 10}
    made = (mutating.mutated(value, mutating.generator(3, number)) for number in range(2000))
    assert any(part in each for each in made)
