"""The benchmark of digits: it finds nothing wrong with a sample of runs, and what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.digits import Judge, problems, report_of
from tests.choices import choice


@pytest.mark.parametrize("seed", range(2))
def test_no_claim_of_a_sample_of_runs_is_wrong(tmp_path: Path, seed: int) -> None:
    for k, problem in enumerate(problems(16, seed)):
        report = report_of(problem, k, tmp_path / str(k))
        assert not list(Judge(problem, report).wrong()), problem


@pytest.mark.parametrize(
    "lie",
    [
        {"outcome": "equal", "verdict": "as good as enumeration (the optimum)"},
        {"best_known": -8999999.993},
        {"approximation_ratio": 1.0},
        {"expected_ratio": 0.9},
        {"random_ratio": 0.9},
        {"probability_of_best": 0.999},
        {"difference": 0.0},
        {"all_equal": True},
    ],
    ids=lambda lie: next(iter(lie)),
)
def test_a_lie_about_the_quality_is_found(tmp_path: Path, lie: dict[str, Any]) -> None:
    problem = choice([0.001 * k for k in range(1, 8)], 3, 1e6)
    reports = (report_of(problem, seed, tmp_path / str(seed)) for seed in range(20))
    report = next(each for each in reports if each.quality.outcome == "worse")
    assert not list(Judge(problem, report).wrong())
    told = report.model_copy(update={"quality": report.quality.model_copy(update=lie)})
    assert list(Judge(problem, told).wrong())
