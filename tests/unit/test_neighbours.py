"""What earlier runs suggest: which of them count, how far they are, and when none is followed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np
import pytest
from scipy.optimize import minimize

from quantum_pipeline.catalogue.neighbours import (
    FAR,
    WORTH,
    distance_of,
    suggested,
    together,
    usual,
)
from quantum_pipeline.catalogue.record import AnglesOfRecord, RunRecord
from quantum_pipeline.ising import IsingModel, all_energies
from quantum_pipeline.ising.angles import at_depth, interpolated
from quantum_pipeline.planning.learning import Learning, Verdict
from quantum_pipeline.problems.features import IsingFeatures
from quantum_pipeline.requests.request import parse_request
from tests.planned import planned
from tests.unit.earlier_runs import earlier, regular
from tests.unit.finished_molecule import H2
from tests.unit.textbook import qaoa_probabilities

ANGLES = {"gammas": (0.3, 0.6), "betas": (-0.6, -0.3)}


def learned(
    problem: dict[str, Any], *records: RunRecord, real: bool = False, **algorithm: Any
) -> Learning:
    request = parse_request({"problem": problem, "algorithm": {"learn": True, **algorithm}})
    found = suggested(request, lambda family: records, on_real_device=real)
    assert found is not None
    return found


def test_a_request_that_does_not_ask_learns_nothing() -> None:
    request = parse_request({"problem": regular(3)})
    assert suggested(request, lambda family: [earlier(regular(3))], on_real_device=False) is None


def test_angles_come_rescaled_by_the_typical_field_whatever_the_weights_are_measured_in() -> None:
    heavy = regular(3) | {"edges": [[*edge, 40.0] for edge in regular(3)["edges"]]}
    found = learned(heavy, earlier(regular(3)), depth=2)
    assert found.verdict is Verdict.USED
    assert found.suggestion is not None
    assert found.suggestion.gammas == pytest.approx([0.3 * (3 / 4) ** 0.5, 0.6 * (3 / 4) ** 0.5])
    assert found.suggestion.betas == pytest.approx((-0.6, -0.3))
    assert [run.run_id for run in found.runs] == ["r1"]


def test_angles_are_interpolated_to_the_depth_that_is_wanted() -> None:
    found = learned(regular(3), earlier(regular(3)), depth=3)
    assert found.suggestion is not None
    gammas, betas = interpolated(np.array([[0.3, 0.6], [-0.6, -0.3]])).tolist()
    assert found.suggestion.gammas == pytest.approx(np.array(gammas) * (3 / 4) ** 0.5)
    assert found.suggestion.betas == pytest.approx(betas)


def test_a_depth_that_grows_begins_where_earlier_runs_ended_and_not_above_the_most() -> None:
    depth: dict[str, Any] = {
        "settings": {"depth": "auto", "optimizer": "l-bfgs-b", "cvar_alpha": 1.0}
    }
    found = learned(regular(3), earlier(regular(3), **depth))
    assert found.suggestion is not None
    assert found.suggestion.depth == 2
    found = learned(regular(3), earlier(regular(3), **depth), max_depth=1)
    assert found.suggestion is not None
    assert found.suggestion.depth == 1


def test_of_a_run_that_grew_the_angles_of_the_depth_that_is_wanted_count() -> None:
    passed = AnglesOfRecord(normalised_gammas=(0.45,), betas=(-0.55,))
    grown = earlier(regular(3), passed=(passed,))
    found = learned(regular(3), grown, depth=1)
    assert found.suggestion is not None
    assert found.suggestion.model_dump()["gammas"] == pytest.approx([0.45])
    assert found.suggestion.betas == (-0.55,)
    assert (found.runs[0].depth, found.runs[0].distance) == (1, 0.0)
    without = learned(regular(3), earlier(regular(3)), depth=1)
    assert without.runs[0].distance == pytest.approx(0.1)


@pytest.mark.parametrize("seed", [0, 3, 6])
def test_angles_of_a_graph_without_triangles_are_better_where_they_are_moved(seed: int) -> None:
    cube, triangles = regular(3, 8), regular(3, 8, seed)
    cube["edges"] = [list(edge) for edge in nx.cubical_graph().edges]
    there = minimize(_energy(cube), [0.36, 0.8, 1.05, -0.51, -0.31, -0.18], method="BFGS").x
    known = earlier(cube, normalised_gammas=tuple(there[:3]), betas=tuple(there[3:]))
    found = learned(triangles, known, depth=3)
    assert found.suggestion is not None
    moved = np.array([found.suggestion.gammas, found.suggestion.betas]).ravel()
    here = _energy(triangles)
    assert here(moved) < here(there) < 0


def _energy(problem: dict[str, Any]) -> Callable[[Any], float]:
    """Return the energy of three layers by their angles, gammas in units, from matrices."""
    couplings = [(i, j, 0.5) for i, j in problem["edges"]]
    spectrum = all_energies(IsingModel.from_spins([0.0] * problem["n_nodes"], couplings))

    def energy(x: Any) -> float:
        gammas, betas = np.reshape(x, (2, 3))
        chances = qaoa_probabilities(spectrum, gammas / (np.sqrt(3) / 2), betas)
        return float(chances @ spectrum)

    return energy


def test_fewer_layers_undo_an_interpolation_of_straight_lines() -> None:
    line = np.array([[0.1, 0.3, 0.5, 0.7], [-0.8, -0.6, -0.4, -0.2]])
    halved = at_depth(line, 2)
    np.testing.assert_allclose(halved, [[0.2, 0.6], [-0.7, -0.3]])


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "FAILED"},
        {"status": "CANCELLED"},
        {"partial": True},
        {"converged": False},
        {"converged": None},
        {"normalised_gammas": ()},
        {"betas": (-0.6,)},
        {"name": "rqaoa"},
        {"settings": {"warm_start": "relaxed"}},
        {"settings": {"cvar_alpha": 0.2}},
    ],
)
def test_what_failed_or_was_cut_off_or_is_of_another_kind_teaches_nothing(
    changes: dict[str, Any],
) -> None:
    ours = earlier(regular(3))
    assert learned(regular(3), ours, depth=2).verdict is Verdict.USED
    assert ours.algorithm is not None
    of_run = {name: value for name, value in changes.items() if name in ("status", "partial")}
    of_algorithm = {name: value for name, value in changes.items() if name not in of_run}
    algorithm = ours.algorithm.model_copy(update=of_algorithm)
    unfit = ours.model_copy(update={"algorithm": algorithm} | of_run)
    found = learned(regular(3), unfit, depth=2)
    assert (found.verdict, found.suggestion, found.runs) == (Verdict.NO_RUNS, None, ())


def test_a_real_device_learns_from_no_emulated_one_and_an_emulated_one_does() -> None:
    ours = earlier(regular(3))
    assert ours.device is not None
    device = ours.device.model_copy(update={"emulated": "by this machine"})
    emulated = ours.model_copy(update={"device": device})
    asked = {"depth": 2, "train_on": "exact"}
    assert learned(regular(3), emulated, real=True, **asked).verdict is Verdict.NO_RUNS
    assert learned(regular(3), emulated, real=False, **asked).verdict is Verdict.USED
    assert learned(regular(3), ours, real=True, **asked).verdict is Verdict.USED


def test_runs_of_problems_with_other_angles_are_too_far_and_the_nearest_is_named() -> None:
    path = {"type": "maxcut", "edges": [[0, 1]], "n_nodes": 2}
    found = learned(regular(9), earlier(path, "far"), depth=2)
    assert (found.verdict, found.suggestion) == (Verdict.TOO_FAR, None)
    assert [run.run_id for run in found.runs] == ["far"]
    assert found.runs[0].distance > FAR
    assert "far, is too far: its angles are expected 0." in found.words


def test_where_the_default_start_needs_few_evaluations_none_can_be_saved() -> None:
    quick = earlier(regular(3), until_descended=WORTH - 1)
    slow = earlier(regular(3), until_descended=WORTH)
    found = learned(regular(3), quick, depth=2)
    assert (found.verdict, found.suggestion) == (Verdict.NO_GAIN, None)
    assert "after 4 evaluations in the median: none can be saved" in found.words
    assert learned(regular(3), slow, depth=2).verdict is Verdict.USED
    # What runs needed that learned, or that began elsewhere, says nothing of the default start.
    for changes in (
        {"learned": True},
        {"settings": {"depth": 2, "gammas": [0.1, 0.2]}},
        {"settings": {"depth": 3}},
    ):
        other = earlier(regular(3), until_descended=1, **changes)
        assert learned(regular(3), other, depth=2).verdict is Verdict.USED


@pytest.mark.parametrize(
    ("problem", "algorithm", "words"),
    [
        ({"type": "chemistry"} | H2, {}, "amplitudes of a molecule"),
        (
            {"type": "tsp", "distances": [[0, 1, 2], [1, 0, 3], [2, 3, 0]]},
            {},
            "its penalty's weight",
        ),
        (regular(3), {"name": "rqaoa"}, "recursive QAOA"),
        (regular(3), {"name": "divide"}, "of blocks"),
        (regular(3), {"warm_start": "relaxed"}, "warm starts"),
    ],
)
def test_of_what_nothing_is_kept_the_catalogue_is_not_asked(
    problem: dict[str, Any], algorithm: dict[str, Any], words: str
) -> None:
    def asked(family: str) -> list[RunRecord]:
        raise AssertionError(family)

    request = parse_request({"problem": problem, "algorithm": {"learn": True, **algorithm}})
    found = suggested(request, asked, on_real_device=False)
    assert found is not None
    assert found.verdict is Verdict.NOT_KEPT
    assert words in found.words


def test_the_family_that_is_asked_for_is_that_of_the_records() -> None:
    families: list[str] = []

    def asked(family: str) -> list[RunRecord]:
        families.append(family)
        return []

    request = parse_request({"problem": regular(3), "algorithm": {"learn": True}})
    suggested(request, asked, on_real_device=False)
    assert families == [earlier(regular(3)).family] == ["maxcut/field-free/qaoa"]


def test_energies_do_not_change_when_angles_take_their_usual_form() -> None:
    rng = np.random.default_rng(4)
    couplings = [(i, j, rng.normal()) for j in range(5) for i in range(j)]
    for fields in ([0.0] * 5, rng.normal(size=5).tolist()):
        energies = all_energies(IsingModel.from_spins(fields, couplings))
        field_free = not any(fields)
        angles = np.array([[-0.8, 0.3], [2.9, -1.3]])
        there = usual(angles, field_free)
        assert there[0].sum() >= 0
        assert np.abs(there[1]).max() <= (math.pi / 4 if field_free else math.pi / 2)
        before, after = (qaoa_probabilities(energies, *each) @ energies for each in (angles, there))
        assert after == pytest.approx(before)


def test_the_nearer_counts_more_and_another_minimum_not_at_all() -> None:
    one, other = np.array([[0.4], [-0.5]]), np.array([[0.5], [-0.4]])
    odd = np.array([[1.9], [0.6]])
    found = together([one, one, other, odd], [0.0, 0.0, 0.09, 0.0])
    assert 0.4 < found[0, 0] < 0.42
    np.testing.assert_array_equal(together([one, odd], [0.0, 0.1]), one)


def test_distances_are_nought_to_itself_and_grow_with_each_feature() -> None:
    def features(n: int, degree: int, field: float = 0.0, weight: float = 1.0) -> IsingFeatures:
        graph = nx.random_regular_graph(degree, n, seed=1)
        edges = [(i, j, weight) for i, j in graph.edges]
        return IsingFeatures.of(IsingModel.from_spins([field] * n, edges))

    here = features(10, 3, field=0.5)
    assert distance_of(here, here) == 0
    assert distance_of(here, features(10, 3, field=5.0, weight=10.0)) == pytest.approx(0)
    others = [features(20, 3, 0.5), features(10, 6, 0.5), features(10, 3, 1.0)]
    assert all(0 < distance_of(here, each) == distance_of(each, here) for each in others)
    unknown = here.model_copy(update={"field_share": None})
    assert distance_of(here, unknown) == pytest.approx(0.0555)  # as far as shares scatter


def test_where_shots_train_the_optimiser_that_led_furthest_is_suggested_if_two_were_tried() -> None:
    def by(optimizer: str, ratio: float, number: int) -> RunRecord:
        settings = {"settings": {"optimizer": optimizer, "depth": 2, "cvar_alpha": 1.0}}
        found = earlier(regular(3), f"{optimizer}-{number}", **settings)
        assert found.quality is not None
        quality = found.quality.model_copy(update={"expected_ratio": ratio})
        return found.model_copy(update={"quality": quality})

    runs = [by("spsa", 0.7, 1), by("spsa", 0.8, 2), by("nft", 0.9, 1), by("nft", 0.9, 2)]
    asked: dict[str, Any] = {"shots_per_evaluation": 100}
    found = learned(regular(3), *runs, **asked).suggestion
    assert found is not None
    assert found.settings == {"optimizer": "nft"}
    for fewer in (
        learned(regular(3), *runs[:3], **asked),
        learned(regular(3), *runs, **asked, optimizer="spsa"),
        learned(regular(3), *runs, depth=2),
    ):
        assert fewer.suggestion is not None
        assert fewer.suggestion.settings == {}


def test_where_shots_train_the_angles_of_each_run_are_suggested_too() -> None:
    runs = [earlier(regular(3), f"r{k}", betas=(-0.6 + k / 100, -0.3)) for k in range(2)]
    found = learned(regular(3), *runs, shots_per_evaluation=100).suggestion
    assert found is not None
    assert {other.betas for other in found.others} == {(-0.6, -0.3), (-0.59, -0.3)}
    assert found.betas == pytest.approx((-0.595, -0.3))
    one = learned(regular(3), *runs[:1], shots_per_evaluation=100).suggestion
    exact = learned(regular(3), *runs, depth=2).suggestion
    assert one is not None and exact is not None
    assert (one.others, exact.others) == ((), ())


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"train_on": "device"}, 15),
        ({"train_on": "device", "max_evaluations": 30}, None),
        ({"train_on": "device", "optimizer": "nft"}, None),
        ({"shots_per_evaluation": 100}, None),
    ],
)
def test_half_of_the_evaluations_are_suggested_where_they_are_paid_for_and_left_open(
    asked: dict[str, Any], expected: int | None
) -> None:
    request = parse_request(
        {
            "problem": regular(3),
            "algorithm": {"learn": True, **asked},
            "device": "garnet" if "train_on" in asked else "local",
        }
    )
    records = [earlier(regular(3))]
    found = suggested(request, lambda family: records, on_real_device=False)
    assert found is not None and found.suggestion is not None
    assert found.suggestion.max_evaluations == expected


def test_what_a_device_delivered_decides_where_the_device_is_left_open() -> None:
    ours = earlier(regular(3))
    asked = {"problem": regular(3), "algorithm": {"learn": True, "train_on": "device"}}
    asked["limits"] = {"max_cost_usd": 1000}
    emulated: dict[str, Any] = {"emulated": "by this machine", "two_qubit_fidelity": 0.99}
    by_estimate = planned(asked, **emulated)
    chosen = by_estimate.device.name

    def on(device: str, share: float) -> RunRecord:
        assert ours.device is not None and ours.quality is not None
        there = ours.device.model_copy(update={"name": device, "kind": "qpu"})
        quality = ours.quality.model_copy(update={"delivered": share})
        return ours.model_copy(update={"device": there, "quality": quality})

    request = parse_request(asked)
    records = [on(chosen, 0.01), on(chosen, 0.02), on("Emerald", 0.9)]
    learning = suggested(request, lambda family: records, on_real_device=False)
    assert learning is not None
    assert {each.device: each.n_runs for each in learning.delivered} == {chosen: 2, "Emerald": 1}
    emerald = next(each for each in learning.delivered if each.device == "Emerald")
    assert math.exp(-emerald.decay * 2 * 15) == pytest.approx(0.9)
    assert chosen != "Emerald"
    found = planned(asked, learning=learning, **emulated)
    assert found.device.name == "Emerald"
    assert found.reasons.device.why == "delivered"
    assert "by 1 earlier run 0.9 of its descent will be delivered" in found.reasons.device.words
