"""How good a solution is: each figure of quality against sums by hand and known answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from quantum_pipeline.reports.evaluation import Analysis, Quality, analyse, quality
from quantum_pipeline.results import ClassicalSolution, JobSeconds
from tests.unit.finished_run import (
    TRIANGLE,
    enumerated,
    history,
    job_result,
    prepared_run,
    problem_of,
)

BELOW_ZERO = {"type": "qubo", "linear": [-1.0, -3.0]}
"""Energies 0, -1, -3, -4."""


def quality_of(problem: Mapping[str, Any], counts: Mapping[str, int], **changes: Any) -> Quality:
    prepared = prepared_run(problem, shots=sum(counts.values()))
    result = job_result(prepared, counts, **changes)
    return quality(problem_of(prepared.request.problem), prepared.ising, result)


def course(*starts: list[float]) -> Analysis:
    return analyse(history(*starts), tolerance=1e-9)


def annealed(energy: float, bitstring: str) -> ClassicalSolution:
    return ClassicalSolution(
        method="simulated annealing",
        bitstring=bitstring,
        energy=energy,
        worst_energy=None,
        proven=False,
        seconds=0.001,
    )


def test_ratio_of_a_cut_is_the_cut_over_the_best_cut() -> None:
    found = quality_of(TRIANGLE, {"000": 1, "001": 3})  # cuts 0 and 2; the best is 2
    assert found.best_known == 2
    assert found.best_known_by == "exact"
    assert found.approximation_ratio == 1
    assert found.expected_ratio == pytest.approx(1.5 / 2)
    assert found.random_ratio == pytest.approx(1.5 / 2)  # each of three edges is cut by half
    assert found.ratio_definition == "cut / best known cut"
    assert found.ratio_undefined_because is None


def test_ratio_of_energies_below_zero_runs_from_the_worst_to_the_best() -> None:
    found = quality_of(BELOW_ZERO, {"01": 1, "10": 1})  # energies -3 and -1; 0 worst, -4 best
    assert found.approximation_ratio == pytest.approx(3 / 4)
    assert found.expected_ratio == pytest.approx(2 / 4)
    assert found.random_ratio == pytest.approx(2 / 4)


def test_ratio_does_not_change_with_the_constant_of_the_energies() -> None:
    shifted = {"type": "ising", "fields": [1.0, 2.0], "offset": 1000.0}
    plain = shifted | {"offset": 0.0}
    counts = {"01": 1, "10": 1}
    assert quality_of(shifted, counts).expected_ratio == pytest.approx(
        quality_of(plain, counts).expected_ratio
    )


def test_the_best_sample_has_ratio_one_exactly_where_it_is_the_best_known() -> None:
    prepared = prepared_run(BELOW_ZERO, shots=1)
    otherwise_rounded = enumerated(prepared.ising).model_copy(update={"energy": -4 - 1e-12})
    found = quality_of(BELOW_ZERO, {"11": 1}, classical=otherwise_rounded)
    assert found.approximation_ratio == 1.0


def test_a_graph_without_a_positive_cut_has_no_ratio_and_says_so() -> None:
    found = quality_of({"type": "maxcut", "edges": [[0, 1, -1.0]]}, {"00": 1})
    assert found.approximation_ratio is found.expected_ratio is found.random_ratio is None
    assert found.ratio_undefined_because == "the best known cut is not above zero"
    assert str(found.best_known) == "0.0"  # not -0.0


def test_an_unknown_worst_energy_leaves_the_ratio_open() -> None:
    found = quality_of(BELOW_ZERO, {"01": 1}, classical=annealed(-4.0, "11"))
    assert found.approximation_ratio is None
    assert found.ratio_undefined_because is not None
    assert "unknown" in found.ratio_undefined_because
    assert found.best_known_by == "simulated annealing"


def test_equal_energies_have_no_ratio() -> None:
    found = quality_of({"type": "qubo", "linear": [0.0, 0.0]}, {"01": 1})
    assert found.expected_ratio is None
    assert found.ratio_undefined_because == "every bitstring has the same energy"


def test_a_cut_is_rated_without_the_worst_energy() -> None:
    found = quality_of(TRIANGLE, {"001": 1}, classical=annealed(-2.0, "001"))
    assert found.approximation_ratio == 1


def test_a_worse_quantum_result_is_called_worse() -> None:
    found = quality_of(BELOW_ZERO, {"01": 1})
    assert found.outcome == "worse"
    assert found.verdict == "worse by 1 than enumeration (the optimum)"


def test_an_equal_quantum_result_is_called_as_good() -> None:
    quick = JobSeconds(optimise=0.0001, sample=0.0001, classical=0.001, total=0.1)
    found = quality_of(BELOW_ZERO, {"11": 1}, seconds=quick)
    assert (found.outcome, found.classical.proven) == ("equal", True)
    assert found.verdict == "as good as enumeration (the optimum), 5.0 times faster"


def test_a_baseline_without_a_proof_is_called_one() -> None:
    equal = quality_of(BELOW_ZERO, {"11": 1}, classical=annealed(-4.0, "11"))
    assert (equal.outcome, equal.classical.proven) == ("equal", False)
    assert (
        equal.verdict
        == "as good as the best that simulated annealing found, not proven, 250 times slower"
    )
    worse = quality_of(BELOW_ZERO, {"01": 1}, classical=annealed(-4.0, "11"))
    assert worse.verdict == "worse by 1 than the best that simulated annealing found, not proven"


def test_a_better_quantum_result_is_called_better_but_not_exact() -> None:
    found = quality_of(BELOW_ZERO, {"11": 1}, classical=annealed(-3.0, "01"))
    assert found.outcome == "better"
    assert found.verdict == "better by 1 than the best that simulated annealing found, not proven"
    assert (found.best_known, found.best_known_by) == (-4.0, "quantum samples")


def test_a_clock_that_saw_no_time_is_no_division_by_zero() -> None:
    prepared = prepared_run(TRIANGLE, shots=1)
    nothing = JobSeconds(optimise=0, sample=0, classical=0, total=0)
    found = quality_of(
        TRIANGLE, {"001": 1}, seconds=nothing, classical=enumerated(prepared.ising, seconds=0)
    )
    assert found.verdict.endswith("1.0 times faster")


def test_random_bits_have_the_mean_of_all_energies() -> None:
    assert quality_of(BELOW_ZERO, {"11": 1}).random_mean_energy == pytest.approx(-2)


def test_analysis_of_a_descent_below_zero() -> None:
    found = course([-4.0, -6.0, -5.0, -7.99, -8.0])
    assert (found.initial_energy, found.final_energy) == (-4.0, -8.0)
    assert found.reduction_percent == pytest.approx(100)
    assert found.convergence_evaluation == 4  # 3.99 of 4 is more than 99 %
    assert found.convergence_rate == pytest.approx((2 + 1.99 + 0.01) / 3)
    assert found.efficiency == pytest.approx(1 / 5)


def test_analysis_of_a_descent_through_zero() -> None:
    found = course([2.0, -1.0])
    assert found.reduction_percent == pytest.approx(150)
    assert found.stability == pytest.approx(1 / (1 + 2.25 / 0.25))


def test_a_first_energy_of_zero_has_no_relative_reduction() -> None:
    assert course([0.0, -1.0]).reduction_percent is None
    assert course([1e-12, -1.0]).reduction_percent is None


def test_energies_with_mean_zero_have_no_stability() -> None:
    assert course([1.0, -1.0]).stability is None
    assert course([0.1, 0.2, -0.3]).stability is None  # 0.1 + 0.2 - 0.3 is 5.6e-17


def test_stability_is_of_the_last_ten_energies_of_the_best_start() -> None:
    settled = [5.0, *[-8.0] * 10]
    assert course(settled, [9.0, 1.0]).stability == 1
    assert course([9.0, 1.0], settled).stability == 1


def test_stability_of_energies_whose_squares_are_too_small_for_a_float() -> None:
    tiny = analyse(history((2e-300, 1e-300, 1e-300)), tolerance=1e-309)
    assert tiny.stability is not None


def test_an_energy_that_only_rises_is_not_reduced() -> None:
    found = course([-3.0, -2.0, -1.0])
    assert (found.final_energy, found.reduction_percent) == (-3.0, 0)
    assert (found.convergence_evaluation, found.convergence_rate) == (1, 0)


def test_a_single_evaluation_has_no_efficiency() -> None:
    found = course([-3.0])
    assert found.efficiency is None
    assert found.convergence_evaluation == 1


@pytest.mark.parametrize("reached", [2, 5, 7])
def test_efficiency_is_the_share_of_evaluations_that_were_not_needed(reached: int) -> None:
    found = course([0.0] * (reached - 1) + [-1.0] * (11 - reached))
    assert found.efficiency == pytest.approx((10 - reached) / 10)


def test_the_rate_counts_the_first_fifty_evaluations_only() -> None:
    assert course([-1.0] * 50 + [-100.0]).convergence_rate == 0
