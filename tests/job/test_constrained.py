"""Runs on the states of a form: solved, resumed, verified; against trying all bitstrings."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantum_pipeline.errors import InvalidRequest, InvalidResult
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.results.constrained import ConstrainedResult
from tests.job.constrained_jobs import read, solved
from tests.unit.finished_run import prepared_run
from tests.unit.textbook import qaoa_probabilities

VALUES = (12, 7, 15, 9, 4, 11)
WEIGHTS = (5, 3, 8, 4, 2, 6)
KNAPSACK = {
    "type": "constrained",
    "variables": {f"item{i}": "binary" for i in range(6)},
    "objective": {
        "sense": "maximise",
        "linear": {f"item{i}": value for i, value in enumerate(VALUES)},
        "constant": 0.5,
    },
    "constraints": [
        {
            "name": "weight",
            "linear": {f"item{i}": weight for i, weight in enumerate(WEIGHTS)},
            "sense": "<=",
            "bound": 14,
        }
    ],
}
PORTFOLIO = {
    "type": "portfolio",
    "returns": [0.11, 0.05, 0.09, 0.12, 0.07, 0.04],
    "risks": [[0.05 if i == j else 0.01 * ((i + j) % 3) for j in range(6)] for i in range(6)],
    "cardinality": 3,
}


def same(found: ConstrainedResult, expected: ConstrainedResult) -> None:
    """Hold results to each other, figures but for the last digits of another engine."""
    given, wanted = found.model_dump(), expected.model_dump()
    for name in ("figures", "penalty"):
        assert given.pop(name) == pytest.approx(wanted.pop(name), abs=1e-12)
    assert given.pop("mean_energy") == pytest.approx(wanted.pop("mean_energy"), abs=1e-12)
    assert given == wanted


@pytest.fixture(scope="module")
def knapsack(tmp_path_factory: pytest.TempPathFactory) -> tuple[ConstrainedResult, PreparedRun]:
    prepared = prepared_run(KNAPSACK, seed=3)
    return solved(prepared, tmp_path_factory.mktemp("checkpoints")), prepared


def test_a_knapsack_is_packed_best_and_its_figures_recompute(
    knapsack: tuple[ConstrainedResult, PreparedRun],
) -> None:
    """Against all 64 ways to pack, from the problem's own numbers."""
    result, prepared = knapsack
    ways = list(product((0, 1), repeat=6))
    weights = {x: sum(w * b for w, b in zip(WEIGHTS, x, strict=True)) for x in ways}
    worth = {x: 0.5 + sum(v * b for v, b in zip(VALUES, x, strict=True)) for x in ways}
    feasible = [x for x in ways if weights[x] <= 14]
    best = max(worth[x] for x in feasible)
    optima = ["".join(map(str, x)) for x in feasible if worth[x] == best]
    least = max((worth[x] - best) / (weights[x] - 14) for x in ways if weights[x] > 14)

    assert result.best_bitstring in optima
    assert result.best_objective == result.classical.objective == result.figures.best == -best
    assert result.classical.proven
    assert result.penalty.least == pytest.approx(least, abs=1e-12)
    assert result.penalty.weight == pytest.approx(2 * least, abs=1e-12)
    assert result.penalty.ceiling == -0.5
    assert (result.figures.n_states, result.figures.n_feasible) == (64, len(feasible))
    assert result.figures.blind_mean == pytest.approx(
        -sum(worth[x] for x in feasible) / len(feasible), abs=1e-12
    )
    assert result.figures.blind_probability_of_best == len(optima) / len(feasible)
    assert sum(result.counts.values()) == 1000
    same(read(result, prepared), result)


def test_a_group_of_exactly_k_never_breaks_its_rule(tmp_path: Path) -> None:
    """Every shot has three assets, and the best of them all is among the shots."""
    prepared = prepared_run(PORTFOLIO, algorithm={"mixer": "ring"}, shots=300)
    result = solved(prepared, tmp_path)
    assert all(bits.count("1") == 3 for bits in result.counts)
    assert (result.mixer, result.penalty.chosen) == ("ring", "no constraint left")
    assert result.figures.n_states == result.figures.n_feasible == 20
    assert result.best_objective == result.figures.best
    same(read(result, prepared), result)


def test_a_job_that_starts_again_reads_what_it_had_computed(tmp_path: Path) -> None:
    """The same result, and not one evaluation more in the journal."""
    prepared = prepared_run(PORTFOLIO)
    first = solved(prepared, tmp_path)
    [journal] = tmp_path.iterdir()
    written = journal.read_bytes()
    again = solved(prepared, tmp_path)
    assert journal.read_bytes() == written
    assert again.model_dump(exclude={"seconds", "classical"}) == first.model_dump(
        exclude={"seconds", "classical"}
    )


def test_constraints_that_contradict_each_other_are_named(tmp_path: Path) -> None:
    """Those that cannot hold even alone by their names."""
    both = [
        {"name": name, "linear": {"item0": 1, "item1": 1}, "sense": sense, "bound": bound}
        for name, sense, bound in (("few", "<=", 0.0), ("many", ">=", 1.0))
    ]
    with pytest.raises(InvalidRequest, match="of its 64 states none keeps all constraints at once"):
        solved(prepared_run(KNAPSACK | {"constraints": both}), tmp_path)


def test_a_penalty_is_as_asked(tmp_path: Path) -> None:
    """And the least one stands beside it."""
    result = solved(prepared_run(KNAPSACK, algorithm={"penalty": 0.125}), tmp_path)
    assert (result.penalty.chosen, result.penalty.weight) == ("as asked", 0.125)
    assert result.penalty.least > 0.125


def test_labs_is_as_an_independent_state_vector_has_it(tmp_path: Path) -> None:
    """Energies by plain sums of products, the state gate by gate; the best there is among shots."""
    result = solved(prepared_run({"type": "labs", "n": 8}), tmp_path)
    sequences = [[1 - 2 * int(bit) for bit in format(k, "08b")] for k in range(256)]
    energies = np.array(
        [
            float(sum(sum(s[i] * s[i + k] for i in range(8 - k)) ** 2 for k in range(1, 8)))
            for s in sequences
        ]
    )
    found = qaoa_probabilities(energies, result.gammas, result.betas)
    best = energies == energies.min()
    assert result.best_objective == energies.min() == 64 / (2 * 4.0)  # merit factor 4
    assert result.mean_energy == pytest.approx(float(found @ energies), abs=1e-9)
    assert result.figures.probability_of_best == pytest.approx(float(found[best].sum()), abs=1e-9)


@pytest.mark.parametrize(
    ("algorithm", "said"),
    [
        ({"name": "vqe"}, "algorithm.name"),
        ({"name": "rqaoa"}, "algorithm.name"),
        ({"warm_start": "relaxed"}, "algorithm.warm_start"),
        ({"shots_per_evaluation": 100}, "algorithm.shots_per_evaluation"),
        ({"optimizer": "spsa"}, "algorithm.optimizer"),
        ({"initial_angles": "ramp"}, "algorithm.initial_angles"),
        ({"mixer": "ring"}, "algorithm.mixer"),
    ],
)
def test_settings_that_forms_have_not_are_refused_by_name(
    algorithm: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidRequest, match=f"^{said}: got .*; allowed: "):
        prepared_run(KNAPSACK, algorithm=algorithm)


def test_settings_of_forms_are_refused_elsewhere() -> None:
    """A weight where nothing costs, a mixer where nothing is grouped."""
    graph = {"type": "maxcut", "edges": [[0, 1]]}
    for problem, algorithm in (
        (graph, {"mixer": "complete"}),
        (graph, {"penalty": 1.0}),
        (PORTFOLIO, {"penalty": 1.0}),
    ):
        with pytest.raises(InvalidRequest, match=r"^algorithm\.(mixer|penalty): got .*; allowed: "):
            prepared_run(problem, algorithm=algorithm)


TAMPERED: list[dict[str, Any]] = [
    {"run_id": "r2"},
    {"mixer": "ring"},
    {"best_bitstring": "000000"},
    {"best_bitstring": None, "best_objective": None},
    {"best_objective": -40.0},
    {"mean_energy": -20.0},
    {"counts": {"111111": 1000}},
    {"counts": {"11": 1000}},
    {"gammas": [0.1]},
    {"penalty": {"weight": 1.0}},
    {"penalty": {"least": 0.1}},
    {"penalty": {"ceiling": None}},
    {"penalty": {"chosen": "as asked"}},
    {"figures": {"n_states": 63}},
    {"figures": {"n_feasible": 3}},
    {"figures": {"share": 1.0}},
    {"figures": {"mean": -20.0}},
    {"figures": {"probability_of_best": 0.9}},
    {"figures": {"best": -40.0}},
    {"figures": {"worst": 3.0}},
    {"figures": {"blind_mean": -1.0}},
    {"figures": {"blind_probability_of_best": 0.5}},
    {"classical": {"objective": -40.0}},
    {"classical": {"bitstring": "111111"}},
    {"classical": {"bitstring": "000000", "objective": -0.5}},
    {"classical": {"bitstring": None, "objective": None}},
    {"classical": {"proven": False}},
]


@pytest.mark.parametrize("changes", TAMPERED, ids=str)
def test_what_was_tampered_with_is_refused(
    changes: dict[str, Any], knapsack: tuple[ConstrainedResult, PreparedRun]
) -> None:
    """One figure changed is one claim that does not recompute."""
    result, prepared = knapsack
    with pytest.raises(InvalidResult):
        read(result, prepared, **changes)


def test_a_figure_within_rounding_is_replaced_by_the_recomputed_one(
    knapsack: tuple[ConstrainedResult, PreparedRun],
) -> None:
    result, prepared = knapsack
    nudged = {"probability_of_best": result.figures.probability_of_best + 1e-10}
    same(read(result, prepared, figures=nudged), result)
