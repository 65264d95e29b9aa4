"""The optimiser: known optima, any scale of energies, and limits that are kept."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from hybrid_job.optimising import optimiser
from hybrid_job.optimising.optimiser import (
    Evaluate,
    Optimum,
    Real,
    linear_ramp,
    minimise,
    starting_points,
    typical_field,
)
from quantum_pipeline.ising import IsingModel, all_energies
from quantum_pipeline.ising.statevector import Qaoa
from tests.clock import clock_of

FOREVER = float("inf")


def ring(n: int, coupling: float = 0.5) -> IsingModel:
    return IsingModel.from_spins([0] * n, [(i, (i + 1) % n, coupling) for i in range(n)])


def optimum(model: IsingModel, depth: int, starts: int = 1, **limits: float) -> Optimum:
    unit = typical_field(model)
    points = starting_points(depth, starts, unit, np.random.default_rng(0))
    settings = {"max_evaluations": 1000, "deadline": FOREVER} | limits
    evaluate = Qaoa(all_energies(model)).energy_and_gradient
    return minimise(evaluate, points, unit=unit, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_ring_at_depth_p_reaches_2p_plus_1_over_2p_plus_2(depth: int) -> None:
    n = 10
    found = optimum(ring(n), depth)
    cut = n / 2 - found.energy
    assert cut / n == pytest.approx((2 * depth + 1) / (2 * depth + 2), abs=1e-4)
    assert found.converged


def test_one_layer_finds_the_best_angles_of_a_cubic_graph_without_triangles() -> None:
    graph = nx.petersen_graph()
    model = IsingModel.from_spins([0] * 10, [(i, j, 0.5) for i, j in graph.edges])
    assert 0.5 - optimum(model, depth=1).energy / 15 == pytest.approx(0.69245, abs=1e-4)


@pytest.mark.parametrize("factor", [1e-12, 1e-6, 1e6, 1e12])
def test_scaled_problem_has_scaled_gammas_and_energy(factor: float) -> None:
    rng = np.random.default_rng(4)
    fields, weights = rng.normal(size=6), rng.normal(size=6)
    couplings = [(i, (i + 1) % 6, weights[i]) for i in range(6)]
    model = IsingModel.from_spins(fields.tolist(), couplings)
    scaled = IsingModel.from_spins(
        (factor * fields).tolist(), [(i, j, factor * w) for i, j, w in couplings]
    )

    plain, other = optimum(model, 3), optimum(scaled, 3)

    assert other.energy == pytest.approx(factor * plain.energy, rel=1e-6)
    np.testing.assert_allclose(other.angles * [[factor], [1]], plain.angles, rtol=1e-4)


@pytest.mark.parametrize("fields", [[0, 0, 0], [1e-300, 0, 0]])
def test_problem_without_energies_converges_at_once(fields: list[float]) -> None:
    found = optimum(IsingModel.from_spins(fields, []), 2)
    assert found.converged
    assert len(found.history) == 1
    assert np.isfinite(found.angles).all()


def test_best_of_all_starts_is_kept() -> None:
    rng = np.random.default_rng(8)
    couplings = [(i, j, rng.normal()) for i in range(7) for j in range(i)]
    model = IsingModel.from_spins(rng.normal(size=7).tolist(), couplings)
    found = optimum(model, 2, starts=4)
    assert [start for start, _ in found.history] == sorted(start for start, _ in found.history)
    assert {start for start, _ in found.history} == {1, 2, 3, 4}
    assert found.energy == min(energy for _, energy in found.history)
    assert Qaoa(all_energies(model)).energy(found.angles) == pytest.approx(found.energy)


def test_evaluations_of_all_starts_together_keep_the_limit() -> None:
    found = optimum(ring(8), 3, starts=5, max_evaluations=17)
    assert len(found.history) == 17
    assert not found.converged
    assert found.stop_reason == "algorithm.max_evaluations: all 17 are used"
    assert found.stopped_by == "algorithm.max_evaluations"


@pytest.fixture
def slow_bowl(monkeypatch: pytest.MonkeyPatch) -> Evaluate:
    """A function that takes a second each time; it is 100 s on the clock."""
    clock = clock_of(monkeypatch, optimiser)

    def bowl(angles: Real) -> tuple[float, Real]:
        clock.sleep(1.0)
        return float(((angles - 9) ** 4).sum()), 4 * (angles - 9) ** 3

    return bowl


@pytest.mark.parametrize(("deadline", "evaluations"), [(105.5, 5), (105.0, 5), (104.9, 4)])
def test_no_evaluation_is_begun_that_would_pass_the_deadline(
    slow_bowl: Evaluate, deadline: float, evaluations: int
) -> None:
    ramp = linear_ramp(3)
    found = minimise(slow_bowl, [ramp], unit=1.0, max_evaluations=1000, deadline=deadline)
    assert len(found.history) == evaluations
    assert not found.converged
    assert found.stop_reason.startswith("limits.max_runtime_seconds")
    assert found.stopped_by == "limits.max_runtime_seconds"
    assert found.energy == min(energy for _, energy in found.history)


def test_one_evaluation_is_made_even_after_the_deadline(slow_bowl: Evaluate) -> None:
    found = minimise(slow_bowl, [linear_ramp(3)], unit=1.0, max_evaluations=1000, deadline=0.0)
    assert len(found.history) == 1
    assert found.energy == slow_bowl(linear_ramp(3))[0]
