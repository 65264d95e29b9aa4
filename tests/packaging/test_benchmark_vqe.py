"""The molecules' benchmark on the smallest one: what it prints and writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def test_molecules_beside_pennylane_are_compared_and_come_to_the_exact_energy(
    benchmark: Callable[..., tuple[int, str, dict[str, Any]]],
) -> None:
    status, printed, found = benchmark("vqe", "--molecule", "H2", "--rounds", "1")
    assert status == 0, printed
    assert "H2 at 0.74 angstrom" in printed
    figures = found["molecules"]["H2"]
    assert set(figures["setup_seconds"]) == {"ours", "pennylane"}
    assert set(figures["optimise_seconds"]) == {"ours", "pennylane fermionic", "pennylane qubit"}
    assert abs(figures["error_millihartree"]["ours"]) < 1e-3
    assert figures["max_difference"]["pennylane fermionic"] < 1e-8
    assert found["machine"]["pennylane"] != "not installed"
