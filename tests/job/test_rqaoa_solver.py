"""Recursive QAOA as the job runs it: problems too wide for a state vector get a solution."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hybrid_job.journal import Journal
from hybrid_job.main import solve
from quantum_pipeline.pages import render
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.results import OptimisationResult, verify
from tests.unit.finished_run import PETERSEN, prepared_run, report_of


def circulant(n: int) -> dict[str, Any]:
    """A cubic graph: a ring of n nodes, each joined to the one across."""
    ring = [[i, (i + 1) % n] for i in range(n)]
    return {"type": "maxcut", "edges": ring + [[i, i + n // 2] for i in range(n // 2)]}


def solved(prepared: PreparedRun, folder: Path) -> OptimisationResult:
    with closing(Journal(folder, prepared.request)) as journal:
        result = solve(prepared, journal, time.monotonic())
    assert isinstance(result, OptimisationResult)
    verify(result, prepared)
    return result


def test_a_graph_too_wide_for_a_state_vector_is_cut_at_its_proven_best(tmp_path: Path) -> None:
    # 70 nodes, joined across by odd steps: two sides, so that all 105 edges can be cut.
    prepared = prepared_run(circulant(70))
    assert prepared.request.algorithm.name == "rqaoa"

    result = solved(prepared, tmp_path)

    assert result.best_energy == -105
    assert result.classical.proven
    assert result.classical.energy == -105
    assert result.counts == {}
    assert result.mean_energy == pytest.approx(-105 * 0.69245, abs=1e-3)  # no triangles, p = 1


def test_its_report_shows_what_was_fixed_by_which_correlation(tmp_path: Path) -> None:
    prepared = prepared_run(circulant(30), algorithm={"name": "rqaoa", "depth": 2})
    report = report_of(prepared, solved(prepared, tmp_path))

    assert report.solution.found_by == "recursive rounding"
    assert report.samples == {}
    assert len(report.algorithm.eliminations) >= 10
    files = render(report)
    assert files["plots/eliminations.png"].startswith(b"\x89PNG")
    assert "plots/distribution.png" not in files
    assert b"the rounded solution" in files["report.html"]


def test_small_problem_is_solved_recursively_where_it_is_asked_for(tmp_path: Path) -> None:
    result = solved(prepared_run(PETERSEN, algorithm={"name": "rqaoa"}), tmp_path)
    assert result.best_energy == -12


def test_same_request_gives_the_same_eliminations(tmp_path: Path) -> None:
    prepared = prepared_run(circulant(20), algorithm={"name": "rqaoa"})
    first, second = (solved(prepared, tmp_path / name) for name in "ab")
    assert first.eliminations == second.eliminations
    assert first.history == second.history
