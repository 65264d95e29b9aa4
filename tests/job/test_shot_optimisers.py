"""Optimisers on shots: near the exact optimum, honest about it, repeatable, and within limits."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from hybrid_job.limits import LimitReached
from hybrid_job.optimising import shot_optimisers
from hybrid_job.optimising.optimiser import (
    Real,
    linear_ramp,
    minimise,
    starting_points,
    typical_field,
)
from hybrid_job.optimising.shot_optimisers import (
    ShotOptimum,
    Single,
    minimise_shots,
    one_by_one,
)
from quantum_pipeline.ising import IsingModel, all_energies
from quantum_pipeline.ising.statevector import Qaoa
from quantum_pipeline.planning.optimiser_steps import Method, batch_sizes
from tests.clock import clock_of

METHODS: list[Method] = ["spsa", "cobyla", "nft"]
FOREVER = math.inf


def model(n: int, seed: int, scale: float = 1.0) -> IsingModel:
    rng = np.random.default_rng(seed)
    couplings = [(i, j, scale * rng.normal()) for j in range(n) for i in range(j)]
    return IsingModel.from_spins((scale * rng.normal(size=n)).tolist(), couplings)


def sampled(qaoa: Qaoa, shots: int, seed: int) -> Single:
    rng = np.random.default_rng(seed)

    def estimate(angles: Real) -> tuple[float, float]:
        probabilities = qaoa.probabilities(angles)
        drawn = rng.choice(qaoa.cost.values, shots, p=probabilities / probabilities.sum())
        return float(drawn.mean()), float(drawn.std(ddof=1) / math.sqrt(shots))

    return estimate


def ramp(ising: IsingModel, depth: int) -> Real:
    return starting_points(depth, 1, typical_field(ising), np.random.default_rng(0))[0]


def found(
    ising: IsingModel, estimate: Single, method: Method, depth: int = 1, **limits: float
) -> ShotOptimum:
    settings = {"max_evaluations": 200, "deadline": FOREVER} | limits
    return minimise_shots(
        one_by_one(estimate),
        ramp(ising, depth),
        method=method,
        unit=typical_field(ising),
        rng=np.random.default_rng(5),
        **settings,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(("depth", "near"), [(1, 0.97), (2, 0.95)])
@pytest.mark.parametrize("method", METHODS)
def test_a_thousand_shots_come_near_what_exact_gradients_reach(
    method: Method, depth: int, near: float
) -> None:
    reached = []
    for seed in range(5):
        ising = model(7, seed)
        qaoa = Qaoa(all_energies(ising))
        exact = minimise(
            qaoa.energy_and_gradient,
            [ramp(ising, depth)],
            unit=typical_field(ising),
            max_evaluations=500,
            deadline=FOREVER,
        )
        end = found(ising, sampled(qaoa, 1000, seed), method, depth)
        reached.append(qaoa.energy(end.angles) / exact.energy)
    assert np.mean(reached) > near


def test_spsa_is_not_led_far_away_where_minima_are_narrower_than_it_takes_them_for() -> None:
    """As those of a penalty: J_ij = 2 a_i a_j, from a start that has most of the descent."""
    kept = []
    for seed in range(8):
        a = np.random.default_rng(seed).integers(1, 100, 8).astype(float)
        couplings = [(i, j, 2 * a[i] * a[j]) for j in range(8) for i in range(j)]
        steep = IsingModel.from_spins([0.0] * 8, couplings)
        qaoa, start = Qaoa(all_energies(steep)), ramp(steep, 4)
        end = minimise_shots(
            one_by_one(sampled(qaoa, 100, seed)),
            start,
            method="spsa",
            unit=typical_field(steep),
            max_evaluations=30,
            deadline=math.inf,
            rng=np.random.default_rng(seed),
        )
        kept.append(qaoa.energy(end.angles) / qaoa.energy(start))
    assert np.mean(kept) > 0.9


def test_a_few_steps_of_spsa_from_a_start_near_the_minimum_do_not_lead_away_from_it() -> None:
    reached = []
    for seed in range(6):
        ising = model(6, seed)
        qaoa, unit = Qaoa(all_energies(ising)), typical_field(ising)
        exact = minimise(
            qaoa.energy_and_gradient,
            [ramp(ising, 2)],
            unit=unit,
            max_evaluations=500,
            deadline=FOREVER,
        )
        end = minimise_shots(
            one_by_one(sampled(qaoa, 1000, seed)),
            exact.angles + np.array([[0.04 / unit], [-0.04]]),
            method="spsa",
            unit=unit,
            max_evaluations=15,
            deadline=FOREVER,
            rng=np.random.default_rng(seed),
        )
        reached.append(qaoa.energy(end.angles) / exact.energy)
    assert min(reached) > 0.98
    assert np.mean(reached) > 0.99


@pytest.mark.parametrize("method", METHODS)
def test_energy_is_unbiased_and_its_standard_error_is_its_scatter(method: Method) -> None:
    ising = model(6, 3)
    qaoa = Qaoa(all_energies(ising))
    ends = [found(ising, sampled(qaoa, 100, s), method, max_evaluations=30) for s in range(40)]
    z = np.array([(end.energy - qaoa.energy(end.angles)) / end.standard_error for end in ends])
    assert abs(z.mean()) < 3 / math.sqrt(len(z))
    assert np.mean(z**2) == pytest.approx(1, abs=3 * math.sqrt(2 / len(z)))


@pytest.mark.parametrize("method", METHODS)
def test_same_seed_and_same_energies_lead_to_the_same_angles(method: Method) -> None:
    ising = model(6, 1)
    first, second = (
        found(ising, sampled(Qaoa(all_energies(ising)), 200, seed=9), method, 2) for _ in range(2)
    )
    np.testing.assert_array_equal(first.angles, second.angles)
    assert first.history == second.history


@pytest.mark.parametrize("factor", [2.0**-20, 2.0**20])
@pytest.mark.parametrize("method", METHODS)
def test_scaled_problem_has_scaled_gammas(method: Method, factor: float) -> None:
    def exactly(ising: IsingModel) -> Single:
        qaoa = Qaoa(all_energies(ising))
        return lambda angles: (qaoa.energy(angles), 0.0)

    plain, scaled = model(5, 2), model(5, 2, factor)
    one, other = (found(each, exactly(each), method, 2) for each in (plain, scaled))
    np.testing.assert_allclose(other.angles * [[factor], [1]], one.angles, rtol=1e-4)


@pytest.mark.parametrize("evaluations", [1, 2, 3, 7, 40])
@pytest.mark.parametrize("method", METHODS)
def test_evaluations_keep_the_limit_and_the_result_is_the_last(
    method: Method, evaluations: int
) -> None:
    ising = model(5, 4)
    measured: list[bytes] = []
    noisy = sampled(Qaoa(all_energies(ising)), 50, seed=1)

    def estimate(angles: Real) -> tuple[float, float]:
        measured.append(angles.tobytes())
        return noisy(angles)

    end = found(ising, estimate, method, depth=2, max_evaluations=evaluations)
    assert len(measured) == len(end.history) <= evaluations
    assert measured[-1] == end.angles.tobytes()
    assert end.history[-1] == (1, end.energy)
    if not end.converged:
        assert end.stop_reason == f"algorithm.max_evaluations: all {evaluations} are used"
        assert end.stopped_by == "algorithm.max_evaluations"


@pytest.mark.parametrize(
    ("method", "deadline", "evaluations"),
    [
        ("cobyla", 110.5, 10),
        ("cobyla", 110.0, 9),
        ("cobyla", 100.5, 2),
        ("cobyla", 100.0, 1),
        ("nft", 110.5, 10),  # the centre, four parabolas, the result
        ("nft", 104.0, 2),  # a parabola's two would end with no time for the result
        ("spsa", 116.0, 15),  # seven steps, the result
        ("spsa", 115.0, 13),
        ("spsa", 100.0, 1),
    ],
)
def test_no_batch_is_begun_that_leaves_no_time_for_the_result(
    monkeypatch: pytest.MonkeyPatch, method: Method, deadline: float, evaluations: int
) -> None:
    clock = clock_of(monkeypatch, shot_optimisers)

    def slow_bowl(angles: Real) -> tuple[float, float]:
        clock.sleep(1.0)
        return float(((angles - 9) ** 2).sum()), 0.1

    end = minimise_shots(
        one_by_one(slow_bowl),
        linear_ramp(3),
        method=method,
        unit=1.0,
        max_evaluations=1000,
        deadline=deadline,
        rng=np.random.default_rng(0),
    )
    assert len(end.history) == evaluations
    assert not end.converged
    assert end.stop_reason.startswith("limits.max_runtime_seconds")
    assert end.stopped_by == "limits.max_runtime_seconds"


@pytest.mark.parametrize("evaluations", [1, 2, 3, 4, 5, 7, 12, 21, 30, 57, 200])
@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("method", METHODS)
def test_batches_are_those_of_the_schedule_and_then_the_result_alone(
    method: Method, depth: int, evaluations: int
) -> None:
    asked: list[int] = []
    rng = np.random.default_rng(evaluations)

    def estimate(batch: Sequence[Real]) -> list[tuple[float, float]]:
        asked.append(len(batch))
        return [(float(np.sin(each).sum() + 0.1 * rng.normal()), 0.1) for each in batch]

    end = minimise_shots(
        estimate,
        linear_ramp(depth),
        method=method,
        unit=1.0,
        max_evaluations=evaluations,
        deadline=FOREVER,
        rng=np.random.default_rng(0),
    )
    *optimising, result = asked
    scheduled = list(batch_sizes(method, evaluations - 1, depth))
    assert optimising == scheduled[: len(optimising)]
    assert result == 1
    if method == "spsa" or not end.converged:
        assert optimising == scheduled


@pytest.mark.parametrize("method", METHODS)
def test_an_estimate_that_may_spend_no_more_ends_the_search_where_it_is(method: Method) -> None:
    ising = model(5, 4)
    noisy = sampled(Qaoa(all_energies(ising)), 50, seed=1)
    measured: list[tuple[float, float]] = []

    def estimate(angles: Real) -> tuple[float, float]:
        if len(measured) == 20:
            raise LimitReached("limits.max_cost_usd", "no more money")
        measured.append(noisy(angles))
        return measured[-1]

    end = found(ising, estimate, method, depth=2)
    assert len(end.history) <= 20
    assert end.energy == end.history[-1][1]
    assert (end.converged, end.stop_reason) == (False, "no more money")
    assert end.stopped_by == "limits.max_cost_usd"
    assert math.isinf(end.standard_error)


def test_last_beta_is_set_to_the_minimum_of_its_whole_curve_by_four_evaluations() -> None:
    # Without noise the fitted curve is exact: no other last beta is lower.
    ising = model(6, 8)
    qaoa = Qaoa(all_energies(ising))
    end = found(ising, lambda angles: (qaoa.energy(angles), 0.0), "nft", max_evaluations=8)
    curve = []
    for beta in np.linspace(-np.pi / 2, np.pi / 2, 500):
        angles = end.angles.copy()
        angles[1, 0] = beta
        curve.append(qaoa.energy(angles))
    assert end.energy == pytest.approx(min(curve), rel=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_flat_energies_end_where_they_began(method: Method) -> None:
    flat = IsingModel.from_spins([0.0, 0.0], [])
    end = found(flat, lambda angles: (0.0, 0.0), method, max_evaluations=100)
    assert end.energy == 0
    assert np.isfinite(end.angles).all()


@pytest.mark.parametrize("lower", [-1, 1])
def test_of_equal_minima_of_a_curve_the_nearest_is_taken_whichever_rounding_makes_lower(
    lower: int,
) -> None:
    shifts = np.linspace(-np.pi / 2, np.pi / 2, 2001, dtype=np.float64)
    curve = -np.cos(4 * (shifts - 0.3)) + lower * 1e-14 * np.sign(shifts)
    nearest = shifts[shot_optimisers._nearest_minimum(shifts, curve)]
    assert nearest == pytest.approx(0.3, abs=1e-3)
