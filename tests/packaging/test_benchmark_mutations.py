"""The benchmark of mutated input: what it sees of a case that breaks its promises."""

from __future__ import annotations

import os
import signal

from benchmarks.mutations import broken
from benchmarks.watched import UNNAMED, Watched

MEGABYTE = 2**20


def call(case: bytes) -> str:
    if case == b"raises":
        raise KeyError("unheard of")
    if case == b"dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if case == b"large":
        return str(len(b"x" * (700 * MEGABYTE)))[:3]
    if case == b"slow":
        return str(sum(number for number in range(10**7)) % 7)
    return case.decode()


def ready() -> None:
    os.environ["READY"] = "1"


def test_what_a_case_takes_is_its_own_and_what_has_no_name_is_told() -> None:
    with Watched(call, ready) as watched:
        ends = {case: watched(case) for case in (b"fine", b"raises", b"dies", b"large", b"again")}
        slow = watched(b"slow")
    assert [ends[case].end for case in (b"fine", b"again")] == ["fine", "again"]
    assert ends[b"raises"].end == ends[b"dies"].end == UNNAMED
    assert "KeyError: \"'unheard of'\"" in broken(ends[b"raises"])
    assert broken(ends[b"dies"]) == "the process ended with -9"
    assert ends[b"large"].megabytes > 700
    assert broken(ends[b"large"]).endswith(" MB")
    assert ends[b"again"].megabytes < 200
    assert slow.seconds > 10 * ends[b"fine"].seconds
