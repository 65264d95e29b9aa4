"""Depth: grown while a layer pays, and ended for a reason that its energies prove."""

from __future__ import annotations

import numpy as np
import pytest

from hybrid_job.optimising import depth, optimiser
from hybrid_job.optimising.depth import Growth, grow
from hybrid_job.optimising.optimiser import Evaluate, Real, minimise, starting_points, typical_field
from quantum_pipeline.ising import IsingModel, all_energies
from quantum_pipeline.ising.statevector import Qaoa
from tests.clock import clock_of

FOREVER = float("inf")


def ring(n: int) -> IsingModel:
    return IsingModel.from_spins([0.0] * n, [(i, (i + 1) % n, 0.5) for i in range(n)])


def glass(n: int) -> IsingModel:
    rng = np.random.default_rng(2)
    couplings = [(i, j, rng.normal()) for j in range(n) for i in range(j)]
    return IsingModel.from_spins(rng.normal(size=n).tolist(), couplings)


def grown(
    model: IsingModel, *, evaluate: Evaluate | None = None, starts: int = 1, **settings: float
) -> Growth:
    unit = typical_field(model)
    limits = {"max_depth": 4, "max_evaluations": 1000, "deadline": FOREVER} | settings
    return grow(
        evaluate or Qaoa(all_energies(model)).energy_and_gradient,
        starting_points(1, starts, unit, np.random.default_rng(0)),
        unit=unit,
        **limits,  # type: ignore[arg-type]
    )


def test_each_depth_of_a_ring_reaches_2p_plus_1_over_2p_plus_2() -> None:
    growth = grown(ring(12), max_depth=5)
    for step in growth.steps:
        p = step.depth
        assert 0.5 - step.energy / 12 == pytest.approx((2 * p + 1) / (2 * p + 2), abs=1e-4)
    assert [step.depth for step in growth.steps] == [1, 2, 3, 4, 5]
    assert growth.because == "depth 5 is the most allowed"
    assert growth.stopped_by is None


def test_growth_reaches_what_many_starts_at_the_last_depth_reach() -> None:
    model = glass(7)
    unit, evaluate = typical_field(model), Qaoa(all_energies(model)).energy_and_gradient
    points = starting_points(4, 6, unit, np.random.default_rng(1))
    best = minimise(evaluate, points, unit=unit, max_evaluations=10_000, deadline=FOREVER)
    assert grown(model, least_gain=0.0).optimum.energy <= best.energy + 1e-4 * abs(best.energy)


def test_growth_ends_with_the_first_layer_that_gains_too_little() -> None:
    growth = grown(glass(6), max_depth=30, least_gain=0.03)
    energies = [step.energy for step in growth.steps]
    gains = -np.diff(energies) / -np.array(energies[1:])
    assert (gains[:-1] >= 0.03).all()
    assert gains[-1] < 0.03
    depth = len(energies)
    assert growth.because == f"depth {depth} gained {gains[-1]:.2%} of the descent, less than 3.00%"


def test_constant_in_all_energies_changes_nothing_where_the_start_state_has_it() -> None:
    evaluate = Qaoa(all_energies(glass(6))).energy_and_gradient

    def raised(angles: Real) -> tuple[float, Real]:
        energy, gradient = evaluate(angles)
        return energy + 64, gradient

    plain = grown(glass(6), max_depth=30, least_gain=0.03)
    other = grown(glass(6), evaluate=raised, untouched=64, max_depth=30, least_gain=0.03)
    assert other.optimum.energy == pytest.approx(plain.optimum.energy + 64, abs=1e-3)
    assert len(other.steps) == len(plain.steps)


def test_solved_problem_takes_no_layer_after_the_one_that_shows_it() -> None:
    # Fields alone: one layer is exact, gamma h = pi/4 and beta = -pi/4 turn each spin down.
    growth = grown(IsingModel.from_spins([1.0, -1.0, 1.0], []), max_depth=9)
    assert growth.optimum.energy == pytest.approx(-3, abs=1e-4)
    assert len(growth.steps) == 2


def test_problem_without_energies_ends_at_once() -> None:
    growth = grown(IsingModel.from_spins([0.0, 0.0], []))
    assert growth.because == "depth 1 is no lower than the start state"
    assert growth.optimum.energy == 0


def test_evaluations_of_all_depths_together_keep_the_limit() -> None:
    growth = grown(ring(10), max_evaluations=25)
    assert len(growth.optimum.history) == 25 == sum(step.evaluations for step in growth.steps)
    assert growth.because == "algorithm.max_evaluations: all 25 are used"
    assert growth.stopped_by == "algorithm.max_evaluations"


def test_optimum_is_the_lowest_of_all_depths_with_the_evaluations_of_all() -> None:
    growth = grown(glass(7), starts=3)
    history = growth.optimum.history
    assert growth.optimum.energy == min(step.energy for step in growth.steps)
    assert len(history) == sum(step.evaluations for step in growth.steps)
    assert {start for start, _ in history} == set(range(1, len(growth.steps) + 3))


def test_layer_that_makes_it_worse_is_not_taken() -> None:
    def worse_with_depth(angles: Real) -> tuple[float, Real]:
        depth = angles.shape[1]
        return float((angles**2).sum() - 3 + 2 * (depth > 1)), 2 * angles

    growth = grown(ring(4), evaluate=worse_with_depth)
    assert growth.optimum.angles.shape == (2, 1)
    assert growth.because == "depth 2 gained 0.00% of the descent, less than 1.00%"


def test_tail_is_grown_from_the_tail_of_the_start_state() -> None:
    qaoa, alpha = Qaoa(all_energies(ring(10))), 0.25
    untouched, _ = qaoa.tail_and_gradient(np.zeros((2, 1)), alpha)
    growth = grown(
        ring(10),
        evaluate=lambda angles: qaoa.tail_and_gradient(angles, alpha),
        untouched=untouched,
        max_depth=8,
    )
    assert growth.optimum.energy == pytest.approx(-5, abs=1e-6)
    assert "gained" in growth.because


@pytest.mark.parametrize(("spare", "depths"), [(1.5, 1), (2.5, 2)])
def test_no_layer_is_added_that_would_pass_the_deadline(
    monkeypatch: pytest.MonkeyPatch, spare: float, depths: int
) -> None:
    clock, qaoa = clock_of(monkeypatch, optimiser, depth), Qaoa(all_energies(ring(6)))

    def evaluate(angles: Real) -> tuple[float, Real]:
        clock.sleep(angles.shape[1])  # a second a layer
        return qaoa.energy_and_gradient(angles)

    first = grown(ring(6), evaluate=evaluate, max_depth=1)
    growth = grown(
        ring(6), evaluate=evaluate, deadline=clock.now + len(first.optimum.history) + spare
    )
    assert len(growth.steps) == depths
    assert "limits.max_runtime_seconds" in growth.because
    assert growth.stopped_by == "limits.max_runtime_seconds"
