"""Strategies: which settings they propose, in which order, and when they are done."""

from __future__ import annotations

import itertools
import math
import random
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from quantum_pipeline.studies.rows import RunRow, Setting
from quantum_pipeline.studies.strategies import propose
from quantum_pipeline.studies.study import Study, parse_study

RING = {"type": "maxcut", "edges": [[0, 1], [1, 2], [2, 3], [3, 0]]}
HYDROGEN = {"type": "chemistry", "molecule": "H2", "bond_length_angstrom": 0.74}
UNIT = {"log": False, "from": 0.0, "to": 1.0}


def study(vary: dict[str, Any], name: str = "grid", **others: Any) -> Study:
    asked = {"problem": RING} | others.pop("base", {})
    strategy = {"name": name} | others.pop("strategy", {})
    return parse_study({"name": "s", "base": asked, "vary": vary, "strategy": strategy} | others)


def values(settings: Sequence[Setting]) -> list[dict[str, Any]]:
    return [setting.values for setting in settings]


def row(setting: Setting, objective: float | None, **others: Any) -> RunRow:
    ended = {"setting": setting, "run_id": f"s-{setting.number}-1", "status": "SUCCEEDED"}
    return RunRow(**ended | {"objective": objective, "cost_usd": 0.0} | others)


def found_by(asked: Study, objective: Callable[[dict[str, Any]], float]) -> list[RunRow]:
    """Return the rows of a study whose runs end with a function of their values."""
    rows: list[RunRow] = []
    while settings := propose(asked, rows, [each.setting for each in rows]):
        rows += (row(each, objective(each.values)) for each in settings)
    return rows


def test_a_grid_is_every_combination_with_the_last_axis_the_fastest() -> None:
    vary = {"algorithm.depth": [1, 2, 3], "shots": [10, 20], "seed": {"count": 4}}
    proposed = propose(study(vary), (), ())
    every = itertools.product([1, 2, 3], [10, 20], range(4))
    assert [tuple(each.values()) for each in values(proposed)] == list(every)
    assert [setting.number for setting in proposed] == list(range(24))


def test_settings_that_differ_in_what_does_not_apply_are_one() -> None:
    vary = {
        "algorithm.name": ["qaoa", "rqaoa"],
        "algorithm.cvar_alpha": [0.5, 1.0],
        "algorithm.optimizer": ["l-bfgs-b", "cobyla"],
        "algorithm.shots_per_evaluation": [64, 128],
    }
    proposed = values(propose(study(vary), (), ()))
    tails = (0.5, 1.0)
    assert [tuple(each.values()) for each in proposed] == [
        *(
            each
            for tail in tails
            for each in (
                ("qaoa", tail, "l-bfgs-b"),
                ("qaoa", tail, "cobyla", 64),
                ("qaoa", tail, "cobyla", 128),
            )
        ),
        ("rqaoa",),
    ]


@pytest.mark.parametrize("name", ["grid", "random"])
def test_what_was_not_planned_yet_is_proposed_again(name: str) -> None:
    vary = {"algorithm.depth": [1, 2, 3], "seed": {"count": 4}}
    asked = study(vary, name, strategy={"n_runs": 12} if name == "random" else {})
    first = propose(asked, (), ())
    planned = [first[number] for number in (0, 5, 7)]
    rest = propose(asked, (), planned)
    assert [each.number for each in rest] == [1, 2, 3, 4, 6, 8, 9, 10, 11]
    assert propose(asked, (), [*planned, *rest]) == ()


def test_random_settings_are_in_their_ranges_and_spread_as_asked() -> None:
    vary = {
        "algorithm.cvar_alpha": {"from": 0.25, "to": 1},
        "algorithm.max_evaluations": {"from": 10, "to": 1000, "log": True},
        "algorithm.depth": {"from": 1, "to": 4},
        "algorithm.optimizer": ["spsa", "cobyla"],
    }
    drawn = values(propose(study(vary, "random", strategy={"n_runs": 400, "seed": 3}), (), ()))
    tails, budgets, depths, optimizers = zip(*(each.values() for each in drawn), strict=True)
    assert min(tails) >= 0.25 and max(tails) <= 1
    assert statistics.mean(tails) == pytest.approx(0.625, abs=4 * 0.75 / math.sqrt(12 * 400))
    assert {type(each) for each in budgets} == {int}
    assert min(budgets) >= 10 and max(budgets) <= 1000
    below = sum(each < 100 for each in budgets)  # half, in the logarithm
    assert below == pytest.approx(200, abs=4 * math.sqrt(400 / 4))
    counts = [depths.count(depth) for depth in range(1, 5)]
    assert sum(counts) == 400
    assert all(count == pytest.approx(100, abs=4 * math.sqrt(400 * 3 / 16)) for count in counts)
    assert optimizers.count("spsa") == pytest.approx(200, abs=4 * math.sqrt(400 / 4))


def test_random_draws_nothing_twice_and_ends_where_nothing_is_left() -> None:
    vary = {"algorithm.depth": [1, 2, 3], "shots": [10, 20], "seed": {"count": 2}}
    drawn = values(propose(study(vary, "random", strategy={"n_runs": 50}), (), ()))
    assert len({tuple(each.values()) for each in drawn}) == len(drawn) == 12


def test_the_seed_of_a_strategy_decides_what_is_drawn() -> None:
    vary = {"shots": {"from": 1, "to": 50_000}}

    def drawn(seed: int) -> tuple[Setting, ...]:
        return propose(study(vary, "random", strategy={"n_runs": 5, "seed": seed}), (), ())

    assert drawn(1) == drawn(1) != drawn(2)


@pytest.mark.parametrize("name", ["random", "bayesian"])
def test_seeds_go_round(name: str) -> None:
    vary = {"seed": {"count": 3}, "shots": {"from": 1, "to": 50_000}}
    rows = found_by(study(vary, name, strategy={"n_runs": 8}), lambda at: at["shots"])
    assert [each.setting.values["seed"] for each in rows] == [0, 1, 2, 0, 1, 2, 0, 1]


def test_bayesian_proposes_batches_up_to_its_runs() -> None:
    vary = {"algorithm.cvar_alpha": {"from": 0.1, "to": 1}}
    asked = study(vary, "bayesian", strategy={"n_runs": 11, "batch": 4})
    rows: list[RunRow] = []
    sizes = []
    while settings := propose(asked, rows, [each.setting for each in rows]):
        sizes.append(len(settings))
        rows += (row(each, each.values["algorithm.cvar_alpha"]) for each in settings)
    assert sizes == [4, 4, 3]
    assert [each.setting.number for each in rows] == list(range(11))
    assert len({each.setting.values["algorithm.cvar_alpha"] for each in rows}) == 11


def bowl(at: dict[str, Any]) -> float:
    """Return what is largest, 0, at depth 5, a tail of 0.3 and 200 evaluations of cobyla."""
    return -float(
        (at["algorithm.depth"] - 5) ** 2 / 16
        + (at["algorithm.cvar_alpha"] - 0.3) ** 2
        + math.log(at["algorithm.max_evaluations"] / 200) ** 2 / 4
        + 0.3 * (at["algorithm.optimizer"] != "cobyla")
    )


BOWL = {
    "algorithm.depth": {"from": 1, "to": 9},
    "algorithm.cvar_alpha": {"from": 0.05, "to": 1.0},
    "algorithm.max_evaluations": {"from": 10, "to": 1000, "log": True},
    "algorithm.optimizer": ["spsa", "cobyla", "nft"],
}


def test_bayesian_finds_more_than_random_in_as_many_runs() -> None:
    def best(name: str, seed: int) -> float:
        strategy = {"n_runs": 30, "seed": seed} | ({"batch": 5} if name == "bayesian" else {})
        rows = found_by(study(BOWL, name, strategy=strategy), bowl)
        return max(each.objective for each in rows if each.objective is not None)

    guided, blind = ([best(name, seed) for seed in range(4)] for name in ("bayesian", "random"))
    assert statistics.median(guided) > statistics.median(blind) / 2  # both are below 0


def test_a_retry_proposes_the_same_whatever_order_the_rows_are_in() -> None:
    asked = study(BOWL, "bayesian", strategy={"n_runs": 40, "batch": 4})
    rows = found_by(study(BOWL, "random", strategy={"n_runs": 20}), bowl)
    planned = [each.setting for each in rows]
    shuffled = random.Random(1).sample(rows, 20)
    again = [RunRow.model_validate_json(each.model_dump_json()) for each in shuffled]
    proposed = propose(asked, rows, planned)
    assert proposed == propose(asked, again, [each.setting for each in again])
    assert [each.number for each in proposed] == [20, 21, 22, 23]


def test_what_is_proposed_follows_from_what_was_found() -> None:
    vary = {"algorithm.cvar_alpha": {"from": 0.01, "to": 1.0}}
    asked = study(vary, "bayesian", strategy={"n_runs": 60, "batch": 20})
    planned = [
        Setting(number=n, values={"algorithm.cvar_alpha": each})
        for n, each in enumerate(np.linspace(0.02, 0.98, 40).tolist())
    ]

    def centre(found: Callable[[float], float | None], **others: Any) -> float:
        rows = [row(each, found(each.values["algorithm.cvar_alpha"]), **others) for each in planned]
        proposed = values(propose(asked, rows, planned))
        return float(statistics.median(each["algorithm.cvar_alpha"] for each in proposed))

    assert centre(lambda tail: -abs(tail - 0.2)) < 0.4
    assert centre(lambda tail: -abs(tail - 0.8)) > 0.6


def test_the_smaller_is_better_where_that_is_the_sense() -> None:
    vary = {"algorithm.cvar_alpha": {"from": 0.01, "to": 1.0}}
    objective = {"path": "solution.energy"}
    strategy = {"n_runs": 60, "batch": 20}
    asked = study(vary, "bayesian", strategy=strategy, objective=objective)
    planned = [
        Setting(number=n, values={"algorithm.cvar_alpha": each})
        for n, each in enumerate(np.linspace(0.02, 0.98, 40).tolist())
    ]
    rows = [row(each, each.values["algorithm.cvar_alpha"]) for each in planned]
    proposed = values(propose(asked, rows, planned))
    assert statistics.median(each["algorithm.cvar_alpha"] for each in proposed) < 0.4


def test_failed_runs_and_those_without_the_figure_tell_nothing() -> None:
    asked = study(BOWL, "bayesian", strategy={"n_runs": 40, "batch": 4})
    rows = found_by(study(BOWL, "random", strategy={"n_runs": 20}), bowl)
    planned = [each.setting for each in rows]
    failed = [row(each.setting, None, status="FAILED") for each in rows[:8]]
    missing = [row(each.setting, None) for each in rows[:8]]
    assert propose(asked, [*failed, *rows[8:]], planned) == propose(
        asked, [*missing, *rows[8:]], planned
    )


def test_bayesian_takes_every_setting_once_and_ends() -> None:
    vary = {"algorithm.name": ["qaoa", "rqaoa"], "algorithm.cvar_alpha": [0.2, 0.5, 1.0]}
    asked = study(vary, "bayesian", strategy={"n_runs": 30, "batch": 3})
    rows = found_by(asked, lambda at: at.get("algorithm.cvar_alpha", 0.0))
    kept = {tuple(sorted(each.setting.values.items())) for each in rows}
    assert len(kept) == len(rows) == 4


def test_against_money_both_ends_of_the_front_are_looked_at() -> None:
    """Quality rises with the tail and money with it: no setting is better than another."""
    vary = {"algorithm.cvar_alpha": {"from": 0.01, "to": 1.0}, "shots": [10, 20, 30]}
    objective = {"path": "quality.expected_ratio", "against": "cost_usd"}
    strategy = {"n_runs": 60, "batch": 20}
    asked = study(vary, "bayesian", strategy=strategy, objective=objective)
    tails = np.linspace(0.02, 0.98, 40).tolist()
    planned = [
        Setting(number=n, values={"algorithm.cvar_alpha": tail, "shots": 10 * (1 + n % 3)})
        for n, tail in enumerate(tails)
    ]
    rows = [
        row(
            each,
            each.values["algorithm.cvar_alpha"],
            cost_usd=each.values["algorithm.cvar_alpha"] * each.values["shots"],
        )
        for each in planned
    ]
    proposed = values(propose(asked, rows, planned))
    found = [each["algorithm.cvar_alpha"] for each in proposed]
    assert min(found) < 0.3 and max(found) > 0.7
    assert statistics.mean(each["shots"] for each in proposed) < 18  # the others cost more


def test_molecules_are_varied_inside_their_problem() -> None:
    vary = {"problem.bond_length_angstrom": [0.5, 1.0], "algorithm.depth": [1, 2]}
    proposed = propose(study(vary, base={"problem": HYDROGEN}), (), ())
    assert values(proposed) == [{"problem.bond_length_angstrom": each} for each in (0.5, 1.0)]
