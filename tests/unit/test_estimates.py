"""What a run will take is known before it starts, and what does not fit is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.estimates import check_memory, memory_bytes
from quantum_pipeline.requests import ResolvedRequest, parse_request, resolve


def ring(n: int, **algorithm: Any) -> ResolvedRequest:
    edges = [[i, (i + 1) % n] for i in range(n)]
    data = {"problem": {"type": "maxcut", "edges": edges}, "algorithm": algorithm}
    return resolve(parse_request(data))[0]


def test_widest_state_fits_the_default_instance_and_no_half_of_it() -> None:
    widest = ring(26)
    check_memory(widest, "ml.m5.large")
    assert memory_bytes(widest) > 2 * 2**30


def test_what_does_not_fit_is_refused_with_both_figures() -> None:
    fields = [0.1] * 26
    problem = {"type": "ising", "fields": fields, "couplings": [[0, 1, 1.0]]}
    warm = {"name": "qaoa", "depth": 1, "warm_start": "relaxed"}
    request, _ = resolve(parse_request({"problem": problem, "algorithm": warm}))
    with pytest.raises(InvalidRequest, match=r"problem: 26 qubits need .* GiB in the job; allowed"):
        check_memory(request, "ml.m5.large")
    check_memory(request, "ml.m5.xlarge")
    check_memory(request, "ml.of.tomorrow")


def test_memory_grows_by_two_with_each_variable() -> None:
    none, small, large = (memory_bytes(ring(n, depth=1)) for n in (3, 23, 25))
    assert 3.5 < (large - none) / (small - none) < 4.2


def test_recursive_qaoa_of_thousands_needs_no_state() -> None:
    assert memory_bytes(ring(4000)) < 2**30
