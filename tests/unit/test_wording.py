"""Values in messages: as JSON writes them, short, and safe to print."""

from __future__ import annotations

import pytest

from quantum_pipeline.wording import shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (-5, "-5"),
        (0.5, "0.5"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        ("größe", '"größe"'),
        ((1, "a"), '[1, "a"]'),
    ],
)
def test_a_value_is_shown_as_json_writes_it(value: object, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize("value", ["\x1b[31m\n", "\ud800", "\x7f\x9b", "\u202e", 'quote " and \\'])
def test_what_is_shown_can_be_printed_on_one_line(value: str) -> None:
    text = shown(value)
    assert text.encode("utf-8")
    assert text.isprintable()


@pytest.mark.parametrize(
    "value",
    [list(range(10**5)), "x" * 10**6, 10**5000, {"a": {"b": [[[[]]]]}}],
    ids=["list", "text", "integer", "nested"],
)
def test_what_is_shown_is_short(value: object) -> None:
    assert len(shown(value)) < 200


def test_a_device_arn_is_shown_whole() -> None:
    arn = "arn:aws:braket:us-east-1::device/qpu/ionq/Forte-Enterprise-1"
    assert shown(arn) == f'"{arn}"'
