"""The requests of a study, which axes apply to them, and what is known before anything starts."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from quantum_pipeline.errors import BudgetExceeded, InvalidRequest, PipelineError
from quantum_pipeline.planning.estimates import estimate as estimate_run
from quantum_pipeline.planning.preparation import check as check_run
from quantum_pipeline.requests.request import parse_request
from quantum_pipeline.studies.checks import check
from quantum_pipeline.studies.estimate import estimate
from quantum_pipeline.studies.requests import Requests, request_of
from quantum_pipeline.studies.rows import Setting
from quantum_pipeline.studies.strategies import known
from quantum_pipeline.studies.study import Study, parse_study
from tests.unit.examples import planned, study

RING = {"type": "maxcut", "edges": [[0, 1], [1, 2], [2, 3], [3, 0]]}
WIDER = {"type": "maxcut", "edges": [[i, i + 1] for i in range(120)]}
WIDE = {"type": "maxcut", "edges": [[i, i + 1] for i in range(30)]}
HYDROGEN = {"type": "chemistry", "molecule": "H2", "bond_length_angstrom": 0.74}
KNAPSACK = {
    "type": "knapsack",
    "capacity": 5,
    "items": [{"value": 3, "weight": 2}, {"value": 4, "weight": 3}, {"value": 5, "weight": 4}],
}
COLOURING = {"type": "graph_coloring", "edges": [[0, 1], [1, 2]], "colors": 2}


def asked(vary: dict[str, Any], base: dict[str, Any] | None = None, **others: Any) -> Study:
    return parse_study(
        {"name": "s", "base": {"problem": RING} | (base or {}), "vary": vary} | others
    )


def test_values_are_put_where_their_paths_lead_and_the_base_stays_as_it_is() -> None:
    base = {"algorithm": {"depth": 1, "starts": 2}, "tags": {"a": "b"}}
    found = asked({"algorithm.depth": [3], "limits.max_cost_usd": [0.5], "tags": [{}]}, base)
    setting = Setting(number=0, values={path: axis[0] for path, axis in found.vary.items()})  # type: ignore[index]
    assert request_of(found, setting) == {
        "problem": RING,
        "algorithm": {"depth": 3, "starts": 2},
        "limits": {"max_cost_usd": 0.5},
        "tags": {},
    }
    assert found.base == {"problem": RING} | base


def test_a_path_inside_another_is_put_in_after_it() -> None:
    angles = {"algorithm.gammas.1": [0.5], "algorithm.gammas": [[0.1, 0.2]]}
    found = asked(angles | {"algorithm": [{"gammas": [1.0], "betas": [0.3, 0.4]}]})
    (setting,) = known(found)
    assert request_of(found, setting)["algorithm"] == {"gammas": [0.1, 0.5], "betas": [0.3, 0.4]}
    assert found.vary["algorithm.gammas"] == [[0.1, 0.2]]


def test_learning_is_asked_of_every_run() -> None:
    found = asked({"algorithm.depth": [2]}, learn=True)
    (setting,) = known(found)
    assert request_of(found, setting)["algorithm"] == {"depth": 2, "learn": True}


SETTINGS = {
    "device": "garnet",
    "algorithm.warm_start": "relaxed",
    "algorithm.cvar_alpha": 0.5,
    "algorithm.shots_per_evaluation": 100,
    "algorithm.train_on": "device",
    "algorithm.starts": 2,
    "algorithm.max_depth": 3,
    "algorithm.initial_angles": "ramp",
    "algorithm.ansatz": "adapt",
    "algorithm.mixer": "ring",
    "algorithm.penalty": 2.0,
    "algorithm.inequality": "unbalanced",
    "algorithm.block_size": 4,
    "algorithm.cut": "auto",
    "algorithm.max_rounds": 3,
    "noise": {"two_qubit": 0.01},
    "mitigation": {"readout": True},
    "reservation_arn": "arn:aws:braket:eu-north-1:123456789012:reservation/a",
}
"""A value of each setting that is not its default, and that some run takes."""


@pytest.mark.parametrize("problem", [RING, WIDE, WIDER, HYDROGEN, KNAPSACK, COLOURING], ids=str)
def test_what_is_left_out_is_what_the_planner_refuses(problem: dict[str, Any]) -> None:
    """Whatever else a request asks: a setting is left out if, and only if, it is refused there."""
    names, optimizers = (
        ("auto", "qaoa", "rqaoa", "divide", "vqe"),
        ("auto", "l-bfgs-b", "spsa", "nft"),
    )
    devices: tuple[Any, ...] = ("auto", "local", "dm1", "garnet", ["garnet", "emerald"])
    depths, looked_at = (None, 2), 0
    for name, optimizer, device, depth in itertools.product(names, optimizers, devices, depths):
        algorithm = {"name": name, "optimizer": optimizer} | ({"depth": depth} if depth else {})
        base = {"problem": problem, "algorithm": algorithm, "device": device}
        if _is_refused(base):
            continue
        for path, value in SETTINGS.items():
            found = asked({path: [value]}, base)
            request = request_of(found, Setting(number=0, values={path: value}))
            applies = path in Requests(found).kept({path: value})
            assert applies is not _is_refused(request), (base, path)
            looked_at += 1
    assert looked_at > 100


@pytest.mark.parametrize("problem", [RING, WIDE, WIDER], ids=str)
def test_what_a_cut_leaves_out_is_what_the_planner_refuses(problem: dict[str, Any]) -> None:
    devices: tuple[Any, ...] = ("garnet", ["garnet", "emerald"])
    for name, device in itertools.product(("auto", "qaoa"), devices):
        base = {"problem": problem, "algorithm": {"name": name, "cut": 2}, "device": device}
        for path, value in SETTINGS.items():
            found = asked({path: [value]}, base)
            request = request_of(found, Setting(number=0, values={path: value}))
            applies = path in Requests(found).kept({path: value})
            assert applies is not _is_refused(request), (base, path)


def _is_refused(request: dict[str, Any]) -> bool:
    try:
        check_run(parse_request(request))
    except PipelineError:
        return True
    return False


def test_an_axis_that_applies_nowhere_is_refused() -> None:
    with pytest.raises(InvalidRequest, match=r"^vary\.algorithm\.penalty: is of no use"):
        check(asked({"algorithm.penalty": [1.0, 2.0], "algorithm.depth": [1, 2]}), planned)


def test_a_stored_problem_is_known_by_the_algorithm_alone() -> None:
    stored = {"problem": {"uri": "s3://bucket/problem.json"}}
    vary = {"algorithm.name": ["qaoa", "rqaoa"], "algorithm.cvar_alpha": [0.5, 1.0]}
    assert len(known(asked(vary, stored))) == 3


def test_the_estimate_of_runs_on_devices_is_the_sum_of_their_own() -> None:
    benchmark = study("device_benchmark.json")
    each = [
        estimate_run(planned(parse_request(request_of(benchmark, setting)))).total_usd
        for setting in known(benchmark)
    ]
    found = estimate(benchmark, planned)
    assert found.total_usd == pytest.approx(sum(each))
    assert (found.n_runs, found.executions, found.dearest_usd) == (40, 40, max(each))


def test_runs_that_share_a_job_share_its_start() -> None:
    sweep = study("depth_sweep.json")
    alone = estimate_run(planned(parse_request(request_of(sweep, known(sweep)[0])))).total_usd
    found = estimate(sweep, planned)
    assert (found.n_runs, found.executions) == (12, 1)
    assert alone < found.total_usd < 1.1 * alone


@pytest.mark.parametrize("strategy", [
    {"name": "random", "n_runs": 20}, {"name": "bayesian", "n_runs": 20, "batch": 7},
])  # fmt: skip
def test_what_is_drawn_is_bounded_by_the_dearest_corner(strategy: dict[str, Any]) -> None:
    vary = {
        "shots": {"from": 100, "to": 1000, "log": True},
        "device": ["sv1", "garnet", "emerald"],
        "seed": {"count": 2},
    }
    base, limits = {"limits": {"max_cost_usd": 3.0}}, {"max_cost_usd": 50}
    found = estimate(asked(vary, base, strategy=strategy, limits=limits), planned)
    most = {"problem": RING, "shots": 1000, "device": "emerald", **base}
    assert found.dearest_usd == estimate_run(planned(parse_request(most))).total_usd
    assert found.total_usd == pytest.approx(20 * found.dearest_usd)
    assert found.rounds == (3 if strategy["name"] == "bayesian" else 1)


def test_a_study_is_refused_above_its_cap_and_not_at_it() -> None:
    vary, base = {"seed": {"count": 10}}, {"device": "garnet", "limits": {"max_cost_usd": 2.0}}
    cost = estimate(asked(vary, base), planned).total_usd
    check(asked(vary, base, limits={"max_cost_usd": cost}), planned)
    with pytest.raises(BudgetExceeded, match="the estimate of 10 runs"):
        check(asked(vary, base, limits={"max_cost_usd": 0.999 * cost}), planned)


def test_seeds_are_planned_once() -> None:
    calls = 0

    def counted(request: Any) -> Any:
        nonlocal calls
        calls += 1
        return planned(request)

    check(asked({"seed": {"count": 50}, "algorithm.depth": [1, 2]}), counted)
    assert calls == 2
