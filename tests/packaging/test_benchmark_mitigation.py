"""The mitigation's benchmark on its first instance: what it prints and writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def test_mitigated_energies_beside_raw_ones_on_an_emulated_qpu(
    benchmark: Callable[..., tuple[int, str, dict[str, Any]]],
) -> None:
    status, printed, found = benchmark("mitigation", "--instances", "1", "--shots", "2000")
    assert status == 0, printed
    assert "Garnet, emulated: 2000 shots a circuit" in printed
    assert "worse than raw by more than stated: none" in printed
    (instance,) = found["instances"]
    # The energy that training reaches is below that of the mixed state.
    assert (instance["depth"], instance["exact"] < -4.5) == (1, True)
    assert found["mean_absolute_error"] <= 0.5 * found["raw_mean_absolute_error"]
