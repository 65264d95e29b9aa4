"""The compiler's benchmark on one small graph: what it prints and writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def test_circuits_beside_qiskit_are_compared_and_ours_take_no_more_gates(
    benchmark: Callable[..., tuple[int, str, dict[str, Any]]],
) -> None:
    small = ["--graphs", "1", "--seeds", "1", "--qubits", "6", "--depth", "1"]
    status, printed, found = benchmark("compilation", "--device", "Garnet", *small)
    assert status == 0, printed
    assert "MaxCut n = 6, p = 1" in printed
    kinds = found["devices"]["Garnet"]
    assert set(kinds) == {"3-regular", "G(n, 1/2)"}
    for figures in kinds.values():
        assert figures["ratio_to_median"] <= 1
        assert figures["ours"]["estimated_fidelity"] >= figures["qiskit_best"]["estimated_fidelity"]
