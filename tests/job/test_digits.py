"""Answers beside large penalties and offsets: what a run claims, against fractions."""

from __future__ import annotations

import time
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import digits
from hybrid_job.journal import Journal
from hybrid_job.main import solve
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.ising.exact import ExactEnergies
from quantum_pipeline.pages import render
from quantum_pipeline.planning.reasons import Why
from quantum_pipeline.reports import OptimisationReport
from quantum_pipeline.results import OptimisationResult, read_result
from tests.choices import choice
from tests.planned import planned
from tests.unit.finished_run import prepared_run, report_of

PENALTIES = {
    "type": "qubo",
    "linear": [-1000000001, -1000000002, -1000000003],
    "quadratic": [[0, 1, 2e9], [0, 2, 2e9], [1, 2, 2e9]],
}
FEW = {"depth": 2, "max_evaluations": 30}


def reported(problem: dict[str, Any], folder: Path, **request: Any) -> OptimisationReport:
    """Return the report of a run, of whose claims none is wrong."""
    prepared = prepared_run(problem, **request)
    with closing(Journal(folder, prepared.request)) as journal:
        result = solve(prepared, journal, time.monotonic())
    assert isinstance(result, OptimisationResult)
    read = read_result(result.model_dump(mode="json"), prepared)
    assert isinstance(read, OptimisationResult)
    report = report_of(prepared, read)
    if len(report.solution.bitstring) <= 10:
        assert not list(digits.Judge(problem, report).wrong())
    return report


def bqm(couplings: list[float], offset: float, kind: str = "SPIN") -> dict[str, Any]:
    """A chain, with a weak field at its end."""
    n = len(couplings) + 1
    model = {
        "type": "BinaryQuadraticModel",
        "use_bytes": False,
        "variable_type": kind,
        "offset": offset,
        "variable_labels": list(range(n)),
        "linear_biases": [0.0] * (n - 1) + [couplings[0] / 4],
        "quadratic_biases": couplings,
        "quadratic_head": list(range(n - 1)),
        "quadratic_tail": list(range(1, n)),
    }
    return {"type": "bqm", "bqm": model}


def test_an_answer_worse_by_one_beside_penalties_of_1e9_is_not_the_optimum(tmp_path: Path) -> None:
    report = reported(PENALTIES, tmp_path, shots=3, seed=1)
    quality = report.quality
    assert quality.best_known == -1000000003
    assert quality.classical.bitstring == "001"
    assert (report.solution.bitstring, quality.outcome) == ("010", "worse")
    assert quality.verdict == "worse by 1 than enumeration (the optimum)"
    assert quality.approximation_ratio is not None
    assert 1 - 1e-9 < quality.approximation_ratio < 1
    assert "objective -1000000002, enumeration found -1000000003" in report.recommendations[0]
    page = render(report)["report.html"].decode()
    assert "Short of the best known −1000000003, which enumeration found." in page
    assert "ratio 0.9999" in page


@pytest.mark.parametrize("penalty", [1e3, 1e6, 1e9])
def test_the_optimum_of_a_choice_is_one_of_many_that_are_feasible(
    tmp_path: Path, penalty: float
) -> None:
    weights = [0.001 * (1 + k / 10) for k in range(8)]
    report = reported(choice(weights, 3, penalty), tmp_path, shots=50, algorithm=FEW)
    probability = report.quality.probability_of_best
    assert report.quality.classical.bitstring == "11100000"
    assert probability is not None
    assert probability < 0.03  # 56 bitstrings have three ones


def test_equal_weights_have_as_many_optima_as_choices(tmp_path: Path) -> None:
    report = reported(choice([0.1] * 8, 3, 1e9), tmp_path, shots=50, algorithm=FEW)
    three = sum(count for bits, count in report.samples.items() if bits.count("1") == 3)
    assert three > 25
    assert report.quality.probability_of_best == pytest.approx(three / 50, abs=0.2)


@pytest.mark.parametrize("kind", ["SPIN", "BINARY"])
@pytest.mark.parametrize(("scale", "offset"), [(1e-2, 1e9), (1e-9, 1e12), (1e9, -1e-9), (1.0, 0.0)])
def test_an_offset_changes_nothing_but_the_objective(
    tmp_path: Path, kind: str, scale: float, offset: float
) -> None:
    couplings = [0.5 * scale, -2 * scale, 1.5 * scale, 0.25 * scale]
    shifted, plain = (
        reported(bqm(couplings, constant, kind), tmp_path / str(constant), seed=2, algorithm=FEW)
        for constant in (offset, 0.0)
    )
    assert shifted.samples == plain.samples
    kept = {"approximation_ratio", "expected_ratio", "random_ratio", "probability_of_best"}
    kept |= {"outcome", "difference", "all_equal", "doubtful", "descent", "standard_error"}
    assert shifted.quality.model_dump(include=kept) == plain.quality.model_dump(include=kept)
    analysis = {"descent", "convergence_evaluation", "convergence_rate", "efficiency"}
    assert shifted.analysis.model_dump(include=analysis) == plain.analysis.model_dump(
        include=analysis
    )
    exact = Fraction(offset) + Fraction(plain.solution.objective)
    assert shifted.solution.objective == pytest.approx(float(exact), rel=1e-15)
    assert not shifted.quality.all_equal


def test_energies_beside_an_offset_are_drawn_and_told_without_it(tmp_path: Path) -> None:
    report = reported(bqm([1e-9, -2e-9, 1.5e-9], 1e12), tmp_path, seed=2, algorithm=FEW)
    assert report.less_constant is not None
    assert len(set(report.less_constant.history)) == len(report.less_constant.history)
    page = render(report)["report.html"].decode()
    assert "Mean energy, less the constant 1e+12, falls from" in page
    assert "stays at" not in page


def test_one_shot_has_no_standard_error(tmp_path: Path) -> None:
    report = reported(PENALTIES, tmp_path, shots=1, algorithm=FEW)
    assert report.quality.standard_error is None


def test_one_shot_is_not_mitigated() -> None:
    request = {"problem": PENALTIES, "device": "Garnet", "shots": 1}
    found = planned({**request, "mitigation": "auto"}, min_shots=1)
    assert found.request.mitigation.is_none
    assert found.reasons.mitigation is not None
    assert found.reasons.mitigation.why is Why.ONE_SHOT
    with pytest.raises(InvalidRequest, match="shots: got 1; allowed: 2 or more"):
        planned({**request, "mitigation": {"readout": True}}, min_shots=1)


def test_what_the_coefficients_leave_open_is_said_to_be_open(tmp_path: Path) -> None:
    # Of 0.1 + 0.2 and 0.3 the first is larger as floats, and they are equal as they were written.
    problem = {"type": "qubo", "linear": [-0.1, -0.2, -0.3], "quadratic": [[0, 2, 9], [1, 2, 9]]}
    report = reported(problem, tmp_path, shots=200, algorithm=FEW)
    assert report.quality.doubtful
    assert report.quality.outcome == "equal"
    assert (
        "(the optimum, to within what the coefficients were rounded by)" in report.quality.verdict
    )


def ring(n: int, weakest: int) -> dict[str, Any]:
    """A frustrated ring, one of whose bonds of 1e9 is the weakest by 1e-3."""
    weights = [1e9 + 0.001 * (1 + k % 3) for k in range(n)]
    weights[weakest] = 1e9
    signs = [-1.0] * (n - 1) + [1.0]
    couplings = [[k, (k + 1) % n, signs[k] * weights[k]] for k in range(n)]
    return {"type": "ising", "fields": [0.0] * n, "couplings": couplings, "offset": 1e12}


@pytest.mark.parametrize(("n", "weakest"), [(12, 5), (40, 17)])
def test_a_ring_breaks_at_its_weakest_bond(tmp_path: Path, n: int, weakest: int) -> None:
    problem = ring(n, weakest)
    report = reported(problem, tmp_path, shots=50)
    quality = report.quality
    spins = [1 if bit == "0" else -1 for bit in quality.classical.bitstring]
    unhappy = [k for k, (i, j, c) in enumerate(problem["couplings"]) if c * spins[i] * spins[j] > 0]
    assert quality.best_known_by == "exact"
    assert unhappy == [weakest]


def test_no_proof_is_claimed_of_what_beats_the_answer(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    n = 36
    couplings = [[i, (i + d) % n, float(rng.normal()) * 10.0 ** float(rng.integers(-6, 7))]
                 for i in range(n) for d in (1, 3)]  # fmt: skip
    problem = {"type": "ising", "fields": [0.0] * n, "couplings": couplings}
    quality = reported(problem, tmp_path).quality
    exact = ExactEnergies.of(prepared_run(problem).ising)
    best = quality.classical.bitstring
    flips = [best[:k] + str(1 - int(best[k])) + best[k + 1 :] for k in range(n)]
    if quality.classical.proven:
        assert not any(exact.compare(each, best).order < 0 for each in flips)
    else:
        assert quality.best_known_by != "exact"
