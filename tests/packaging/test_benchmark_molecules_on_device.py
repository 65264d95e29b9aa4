"""The benchmark of molecules under noise on the smallest one: what it prints and writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def test_mitigated_energies_are_beside_raw_ones_and_at_least_three_times_nearer(
    benchmark: Callable[..., tuple[int, str, dict[str, Any]]],
) -> None:
    asked = ["--molecule", "HeH+", "--seeds", "1", "--shots", "5000"]
    status, printed, found = benchmark("molecules_on_device", *asked)
    assert status == 0, printed
    assert "HeH+ 0.9 angstrom" in printed
    (figures,) = found["molecules"].values()
    assert figures["circuits"] == 2 * 3 * 3 + 2
    assert len(figures["raw"]) == len(figures["mitigated"]) == 1
    assert figures["ratio"] >= 3
