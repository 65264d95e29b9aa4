"""Reports of problems on a form: their figures, recomputed here, and how they are told."""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hybrid_job.journal import Journal
from hybrid_job.main import solve
from quantum_pipeline.cli.main_figures import main_figures
from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.pages import answers, form_figures, render
from quantum_pipeline.pages.form_study import FormStudy
from quantum_pipeline.pages.page import form_page
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.problems import FORM_TYPES, FormProblem
from quantum_pipeline.reports import ConstrainedReport, Report, build_report
from quantum_pipeline.reports.constrained import DRAWN_TYPES
from quantum_pipeline.reports.constrained_quality import against_blind
from quantum_pipeline.results import read_result
from quantum_pipeline.results.constrained import ConstrainedResult, FeasibleFigures
from quantum_pipeline.spaces import Form, Polynomial
from tests.unit.best_known import BEST
from tests.unit.finished_run import outcome_of, prepared_run
from tests.unit.form_instances import INSTANCES
from tests.unit.report_fields import DOCS, fields

VALUES = (10, 9, 6, 7, 3, 5, 4, 8)
WEIGHTS = (26, 12, 9, 4, 11, 14, 22, 5)
KNAPSACK = {
    "type": "knapsack",
    "items": [
        {"name": f"<item {k}>", "value": v, "weight": w / 10}
        for k, (v, w) in enumerate(zip(VALUES, WEIGHTS, strict=True))
    ],
    "capacity": 5.0,
}
TRIANGLE = {
    "type": "graph_coloring",
    "edges": [[0, 1, 2.0], [1, 2, 3.0], [0, 2, 1.5]],
    "node_labels": ["A", "B", "C"],
    "colors": ["red", "blue"],
}
Solved = tuple[PreparedRun, ConstrainedResult]


def solved(problem: dict[str, Any], folder: Path, **request: Any) -> Solved:
    prepared = prepared_run(problem, seed=3, **request)
    with closing(Journal(folder, prepared.request)) as journal:
        result = solve(prepared, journal, time.monotonic())
    found = read_result(result.model_dump(mode="json"), prepared)
    assert isinstance(found, ConstrainedResult)
    return prepared, found


def report_of(prepared: PreparedRun, result: ConstrainedResult) -> ConstrainedReport:
    report = build_report(prepared, outcome_of(prepared, result.tasks), result)
    assert isinstance(report, ConstrainedReport)
    return report


@pytest.fixture(scope="module")
def knapsack(tmp_path_factory: pytest.TempPathFactory) -> Solved:
    return solved(KNAPSACK, tmp_path_factory.mktemp("knapsack"), shots=400)


@pytest.fixture(scope="module")
def triangle(tmp_path_factory: pytest.TempPathFactory) -> Solved:
    return solved(TRIANGLE, tmp_path_factory.mktemp("triangle"), shots=50)


def without_an_answer(solved: Solved) -> Solved:
    """Return the run as if only shots that are too heavy had come."""
    prepared, result = solved
    counts = {"11111111": 3, "11101000": 2}
    changes = {"counts": counts, "best_bitstring": None, "best_objective": None}
    return prepared, result.model_copy(update=changes)


def test_the_figures_are_those_of_all_packings(knapsack: Solved) -> None:
    """Against every way to pack, from the shots and by no code of the pipeline."""
    report = report_of(*knapsack)
    quality = report.quality
    ways = list(itertools.product((0, 1), repeat=8))
    weight = {x: sum(w * b for w, b in zip(WEIGHTS, x, strict=True)) for x in ways}
    value = {x: sum(v * b for v, b in zip(VALUES, x, strict=True)) for x in ways}
    feasible = [x for x in ways if weight[x] <= 50]
    best, worst = max(value[x] for x in feasible), min(value[x] for x in feasible)
    shots = {tuple(map(int, key)): n for key, n in report.samples.items()}
    found = max(value[x] for x in shots if weight[x] <= 50)
    mean = sum(value[x] for x in feasible) / len(feasible)
    blind = sum(value[x] == best for x in feasible) / len(feasible)

    assert (quality.best_known, report.objective) == (best, found)
    assert quality.approximation_ratio == pytest.approx((found - worst) / (best - worst), abs=1e-12)
    assert quality.random_ratio == pytest.approx((mean - worst) / (best - worst), abs=1e-12)
    assert quality.random_feasible_share == pytest.approx(len(feasible) / 256, abs=1e-12)
    kept = sum(n for x, n in shots.items() if weight[x] <= 50)
    assert quality.feasible_share_of_shots == pytest.approx(kept / 400, abs=1e-12)
    assert quality.blind_probability_of_best == pytest.approx(blind, abs=1e-12)
    p = quality.probability_of_best
    assert quality.probability_of_best_in_shots == pytest.approx(1 - (1 - p) ** 400, abs=1e-9)
    assert quality.times_blind == pytest.approx(p / blind)
    assert not report.solution.violated
    assert set(report.solution.assignment) == {f"<item {k}>" for k in range(8)}


@pytest.mark.parametrize("seed", range(20))
def test_the_ratio_among_feasible_states_is_that_of_the_samples(seed: int, tmp_path: Path) -> None:
    """Of random penalty problems, from nothing but their numbers and the report's samples."""
    rng, n = np.random.default_rng(seed), 6
    names = [f"v{k}" for k in range(n)]
    linear, pairs = rng.integers(-9, 10, n).tolist(), rng.integers(-5, 6, (n, n)).tolist()
    sums, bound = rng.integers(1, 8, n).tolist(), int(rng.integers(6, 18))
    sign, sense = (1, "maximise") if seed % 2 else (-1, "minimise")

    def value(x: tuple[int, ...]) -> int:
        products = sum(pairs[i][j] * x[i] * x[j] for j in range(n) for i in range(j))
        return int(products + sum(a * b for a, b in zip(linear, x, strict=True)))

    problem = {
        "type": "constrained",
        "variables": dict.fromkeys(names, "binary"),
        "objective": {
            "sense": sense,
            "linear": dict(zip(names, linear, strict=True)),
            "quadratic": [[names[i], names[j], pairs[i][j]] for j in range(n) for i in range(j)],
        },
        "constraints": [
            {"linear": dict(zip(names, sums, strict=True)), "sense": "<=", "bound": bound}
        ],
    }
    angles = {"gammas": [0.3], "betas": [-0.4]}
    quality = (report := report_of(*solved(problem, tmp_path, shots=60, algorithm=angles))).quality
    kept = {
        x: value(x)
        for x in itertools.product((0, 1), repeat=n)
        if sum(a * b for a, b in zip(sums, x, strict=True)) <= bound
    }
    best, worst = max(kept.values(), key=sign.__mul__), min(kept.values(), key=sign.__mul__)
    drawn = {tuple(map(int, bits)): count for bits, count in report.samples.items()}
    inside = {x: count for x, count in drawn.items() if x in kept}
    found = max((kept[x] for x in inside), key=sign.__mul__)
    ratio, share = (found - worst) / (best - worst), sum(inside.values()) / 60
    assert quality.approximation_ratio == pytest.approx(ratio, abs=1e-12)
    assert quality.feasible_share_of_shots == pytest.approx(share, abs=1e-12)


def test_a_small_space_is_said_to_prove_nothing(knapsack: Solved) -> None:
    prepared, result = knapsack
    few = result.figures.blind_probability_of_best
    assert (1 - few) ** 400 < 0.05
    report = report_of(prepared, result)
    assert report.quality.blind_finds_best
    assert "400 blind feasible picks find it as well" in report.quality.verdict
    assert "no merit of the state" in report.quality.verdict
    assert any("too small to show anything" in each for each in report.recommendations)


EXAMPLES = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in sorted(Path("events/requests").glob("*.json"))
    if path.stem.partition("_")[0] not in ("invalid", "maxcut", "pack")
}
WIDE = ("labs_thirteen", "max_clique_karate_club", "tsp_hanseatic_cities")
"""Examples that find their optimum with few layers; all that they may have take seconds."""


@pytest.mark.parametrize(
    "name", [name for name, each in EXAMPLES.items() if each["problem"]["type"] in FORM_TYPES]
)
def test_an_example_is_solved_to_its_optimum(name: str, tmp_path: Path) -> None:
    layers = {"depth": 3} if name in WIDE else {}
    report = report_of(*solved(EXAMPLES[name]["problem"], tmp_path, algorithm=layers))
    assert report.solution.feasible
    assert report.objective == pytest.approx(BEST[f"{name}.json"])
    assert report.quality.outcome == "equal"
    if not report.quality.all_equal:
        assert report.quality.approximation_ratio == pytest.approx(1)


def figures(p: float, blind: float, *, worst: float = 1.0) -> FeasibleFigures:
    return FeasibleFigures(
        n_states=4000,
        n_feasible=1000,
        share=0.5,
        mean=0.4,
        probability_of_best=p,
        best=0.0,
        worst=worst,
        blind_mean=0.5,
        blind_probability_of_best=blind,
    )


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (figures(0.001, 0.001), "a shot finds the best answer only 1 times as often as a pick"),
        (figures(0.0002, 0.001), "only 0.2 times as often"),
        (figures(0.03, 0.001), "a shot finds the best answer 30 times as often as a pick"),
        (figures(0.03, 0.5), "100 picks find it as well (100 %), so that the answer is no merit"),
        (figures(0.5, 1.0, worst=0.0), "a shot is one 2 times as often as a random state"),
    ],
)
def test_a_blind_pick_is_never_called_good(found: FeasibleFigures, said: str) -> None:
    assert said in against_blind(found, 100, "pick")


def test_without_a_feasible_shot_there_is_no_answer(knapsack: Solved) -> None:
    report = report_of(*without_an_answer(knapsack))
    assert report.objective is None
    assert report.ratios[0] is None
    assert not report.solution.feasible
    assert report.solution.bitstring == "11101000"  # 5.8 kg, of 5
    [broken] = report.solution.violated
    assert (broken.rule, broken.by) == ("the weight is at most the capacity", 0.8)
    assert report.quality.outcome == "infeasible"
    assert "none of 5 shots kept all constraints" in report.quality.verdict
    assert "use the classical answer" in report.recommendations[0]
    page = form_page(FormStudy.of(report), {})
    assert "no feasible answer" in page
    assert "the weight is at most the capacity: by 0.8" in page


def test_conflicts_that_no_colouring_avoids_are_the_optimum_and_not_feasible(
    triangle: Solved,
) -> None:
    report = report_of(*triangle)
    assert report.objective == report.quality.best_known == 1.5
    assert not report.solution.feasible
    assert [(each.rule, each.by) for each in report.solution.violated] == [
        ("A and C differ in colour", 1.5)
    ]
    assert report.quality.outcome == "equal"
    assert (report.quality.feasible_share, report.quality.feasible_share_of_shots) == (0.0, 0.0)
    assert (report.problem.n_states, report.problem.n_feasible) == (8, 0)
    assert "over all states" in report.quality.ratio_definition


def test_a_form_that_says_other_things_than_its_problem_is_refused(tmp_path: Path) -> None:
    prepared, result = solved(KNAPSACK, tmp_path, shots=20, algorithm={"depth": 1})
    problem = prepared.request.problem
    assert isinstance(problem, FormProblem)
    form = problem.form
    problem.__dict__["form"] = Form(form.space, Polynomial.of([((0,), 1.0)]), form.constraints)
    with pytest.raises(InvalidResult, match="from the problem"):
        report_of(prepared, result)
    problem.__dict__["form"] = Form(form.space, form.objective)
    with pytest.raises(InvalidResult, match="of the problem's rules, by 0"):
        report_of(*without_an_answer((prepared, result)))


def test_a_report_survives_json(knapsack: Solved) -> None:
    report = report_of(*knapsack)
    assert ConstrainedReport.model_validate_json(report.model_dump_json(by_alias=True)) == report


def section() -> str:
    return DOCS.read_text("utf-8").partition("## Problems with constraints")[2]


def own_fields() -> set[str]:
    own = fields(ConstrainedReport) - fields(Report)
    return {re.sub(r"decoded\..*", "decoded", each) for each in own}


def test_every_field_of_the_report_is_defined_in_the_docs_and_no_other() -> None:
    documented = re.findall(r"^\| `([^`]+)` \|", section(), flags=re.MULTILINE)
    assert len(documented) == len(set(documented))
    assert set(documented) == own_fields()


def test_the_page_has_every_figure_and_escapes_names(knapsack: Solved) -> None:
    report = report_of(*knapsack)
    files = render(report)
    assert set(files) == {*report.artifacts.plots, "report.html"}
    page = files["report.html"].decode()
    assert "&lt;item 0&gt;" in page
    assert "<item 0>" not in page
    for name in ("times_blind", "feasible_share", "penalty.weight", "probability_of_best_in_shots"):
        assert f"<code>{name}</code>" in page
    assert report.solution.decoded is not None
    assert report.solution.decoded.words.replace("<", "&lt;").replace(">", "&gt;") in page


@pytest.mark.parametrize("type_", sorted(DRAWN_TYPES))
def test_an_answer_is_drawn_with_its_figures(type_: str, knapsack: Solved) -> None:
    problem = prepared_run(INSTANCES[type_](0)[0]).request.problem
    assert isinstance(problem, FormProblem)
    [bits] = problem.space.bits([problem.space.n_states // 3]).tolist()
    draw: Callable[..., Any] = next(
        draw for types, draw in answers.DRAWN_BY if isinstance(problem, types)
    )
    title, caption, figure = draw(problem, bits)
    assert title
    assert caption
    assert figure.axes


def test_the_distribution_is_of_feasible_shots_beside_all_feasible_states(
    knapsack: Solved,
) -> None:
    study = FormStudy.of(report_of(*knapsack))
    assert study.sampled is not None
    assert study.blind is not None
    assert study.sampled.probabilities.sum() == pytest.approx(1)
    assert study.blind.values.max() == study.report.quality.best_known
    mean = study.blind.values @ study.blind.probabilities
    assert mean == pytest.approx(study.report.quality.random_mean_objective)
    assert (
        "in none of the shots"
        in form_figures.distribution(FormStudy.of(report_of(*without_an_answer(knapsack)))).title
    )


def test_the_console_tells_the_answer_beside_blind_picks(knapsack: Solved) -> None:
    report = report_of(*knapsack)
    lines = dict(main_figures(report.model_dump(mode="json")))
    assert report.solution.decoded is not None
    assert lines["answer"] == report.solution.decoded.words
    assert re.search(r"proven by (HiGHS|enumeration)$", lines["objective"])  # the first in time
    assert "blind picks" in lines["best"]
    nothing = report_of(*without_an_answer(knapsack))
    lines = dict(main_figures(nothing.model_dump(mode="json")))
    assert lines["objective"].startswith("no feasible answer")
    assert lines["broken"] == "the weight is at most the capacity: by 0.8"
