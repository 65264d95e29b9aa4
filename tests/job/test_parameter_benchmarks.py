"""The benchmarks of starts, depth, shots and warm starts run, and print a row for each case."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks import growth, shots, starts, warm_starts
from benchmarks.families import FAMILIES
from quantum_pipeline.ising import all_energies


@pytest.mark.parametrize(
    ("command", "arguments", "rows"),
    [
        (starts.main, ["--families", "3-regular,QUBO half"], 9 + 6),
        (growth.main, ["--families", "spin glass,portfolio", "--max-depth", "2"], 4),
        (shots.main, ["--families", "QUBO half"], 16),
        (warm_starts.main, ["--families", "partition"], 6),
    ],
    ids=["starts", "growth", "shots", "warm starts"],
)
def test_each_case_has_a_row(command: object, arguments: list[str], rows: int) -> None:
    result = CliRunner().invoke(
        command,  # type: ignore[arg-type]
        ["--variables", "6", "--models", "1", *arguments],
        catch_exceptions=False,
    )
    assert result.exit_code == 0
    assert sum(line.startswith("│") for line in result.output.splitlines()) == rows


def test_partition_is_the_square_of_the_difference_of_two_sums() -> None:
    model = FAMILIES["partition"](5, np.random.default_rng(1))
    a = np.random.default_rng(1).integers(1, 100, 5)
    spins = 1 - 2 * ((np.arange(32)[:, None] >> np.arange(5)[::-1]) & 1)
    np.testing.assert_allclose(all_energies(model) + (a**2).sum(), (spins @ a) ** 2)


def test_portfolio_prefers_half_of_the_assets() -> None:
    model = FAMILIES["portfolio"](8, np.random.default_rng(2))
    assert int(np.argmin(all_energies(model))).bit_count() == 4
