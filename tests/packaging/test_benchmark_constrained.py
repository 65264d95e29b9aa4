"""The benchmark of constrained problems on its smallest instance: what it prints and writes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.constrained import main, penalised, solved, tsp


def test_a_knapsack_is_solved_beside_blind_picks(tmp_path: Path) -> None:
    """Its figures are those of one run, by name."""
    file = tmp_path / "figures.json"
    asked = ["--small", "--only", "knapsack", "--instances", "1", "--json", str(file)]
    done = CliRunner().invoke(main, asked, catch_exceptions=False)
    assert "knapsack" in done.stdout
    [found] = json.loads(file.read_text("utf-8"))["knapsack"]
    assert (found["states"], found["optimal"], found["shots"]) == (1024, True, 1000)
    assert found["probability"] > 20 * found["blind"] > 0


def test_a_penalised_form_has_the_same_best_answer_on_free_bits() -> None:
    """Of four cities: the groups' rules are constraints there, and no group is found again."""
    problem = tsp(4)(np.random.default_rng(1))
    own, other = (solved(each, algorithm={"depth": 1}) for each in (problem, penalised(problem)))
    assert (own.states, other.states) == (27, 2**9)
    assert own.feasible * own.states == other.feasible * other.states == pytest.approx(6)
    assert own.objective == other.objective
