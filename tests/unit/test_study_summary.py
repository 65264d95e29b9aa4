"""The summary of a study: recomputed from runs.csv by scipy, and held to what was put into rows."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from benchmarks.device_study import cells
from benchmarks.study_figures import pairs
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.local.places import APPLICATION as PROJECT
from quantum_pipeline.studies import intervals
from quantum_pipeline.studies.contest import contestants, setting_part, winner
from quantum_pipeline.studies.intervals import Estimate
from quantum_pipeline.studies.levels import Varied, objective
from quantum_pipeline.studies.objectives import SENSES, sense_of
from quantum_pipeline.studies.rows import FIGURES, RunRow, Setting, row_of
from quantum_pipeline.studies.runs_csv import runs_csv
from quantum_pipeline.studies.strategies import known
from quantum_pipeline.studies.study import Objective, Study, parse_study
from quantum_pipeline.studies.summary import StudySummary
from quantum_pipeline.studies.words import comparison_words, findings
from tests.unit.finished_run import PETERSEN, prepared_run, report_of, solved_run
from tests.unit.study_rows import RINGS, failed, grid, row, rows_of, summary_of

Lines = list[dict[str, str]]


@pytest.fixture(scope="module")
def study() -> Study:
    return grid()


@pytest.fixture(scope="module")
def summary(study: Study) -> StudySummary:
    rows = rows_of(study)
    rows[5] = failed(rows[5])
    return summary_of(study, rows)


@pytest.fixture(scope="module")
def lines(study: Study) -> Lines:
    rows = rows_of(study)
    rows[5] = failed(rows[5])
    return list(csv.DictReader(io.StringIO(runs_csv(study, rows))))


def test_every_figure_is_recomputed_from_the_csv(summary: StudySummary, lines: Lines) -> None:
    """One of the runs has failed: it is in no pair, and its block at no level."""
    found = list(pairs(summary.model_dump(mode="json"), lines))
    assert [each for each in found if not each.is_same] == []
    kinds = Counter(each.path.split(".")[0] for each in found)
    assert kinds == {
        "spent": 3,
        "runs": 3,
        "settings": 9 * 10,
        "by_problem": 18 * 10,
        "winner": 4,
        "comparisons": 6 * 9,
        "effects": 3 + 3 * (3 + 3 + 2),
        "heat_map": 6,
    }


def test_the_run_that_failed_is_in_the_csv_as_in_the_summary(
    summary: StudySummary, lines: Lines
) -> None:
    [lost] = [line for line in lines if line["status"] == "FAILED"]
    [run] = summary.failed
    assert (run.run_id, run.error, run.cause) == (lost["run_id"], lost["error"], lost["cause"])
    assert (lost["objective"], lost["cost_usd"]) == ("", "")


def test_the_best_run_of_a_setting_is_that_of_the_highest_objective(
    summary: StudySummary, lines: Lines
) -> None:
    best = max(lines, key=lambda line: float(line["objective"] or 0))
    assert best["run_id"] in {part.best_run for part in summary.settings}


def test_what_is_told_apart_is_what_has_no_0_in_its_interval(summary: StudySummary) -> None:
    for each in summary.comparisons:
        low, high = each.objective.low or 0.0, each.objective.high or 0.0
        told = {1: "first", -1: "second", 0: "not told apart"}
        assert each.better == told[(low > 0) - (high < 0)]
    # Depth 3 is what counts; Forte-1 errs by no more than the noise.
    assert summary.winner is not None
    contenders = [summary.settings[place].levels for place in summary.winner.contenders]
    assert {levels["algorithm.depth"] for levels in contenders} == {3}


def test_what_mattered_is_said_to_be_luck_where_no_levels_are_told_apart(
    study: Study, summary: StudySummary
) -> None:
    noise = np.random.default_rng(0).normal(0.5, 0.1, len(known(study)))
    drawn = summary_of(study, [row(each, x) for each, x in zip(known(study), noise, strict=True)])
    said = [
        next(each.behind for each in findings(of) if each.about == "What mattered most")
        for of in (drawn, summary)
    ]
    assert said[0].endswith("no two levels are told apart: this may be luck.")
    assert "luck" not in said[1]


def test_the_fronts_are_what_nothing_beats(summary: StudySummary) -> None:
    assert summary.fronts is not None
    for kept, takes in ((summary.fronts.money, "cost_usd"), (summary.fronts.time, "seconds")):
        points = [(getattr(part, takes), part.quality or 0.0) for part in summary.settings]
        unbeaten = {
            place
            for place, (price, quality) in enumerate(points)
            if not any(
                other <= price and better >= quality and (other, better) != (price, quality)
                for other, better in points
            )
        }
        assert set(kept) == unbeaten


def test_a_setting_that_is_the_best_is_ruled_out_in_a_twentieth_of_studies_at_most() -> None:
    """Five settings that are equally good, four seeds: the first is as good as any is."""
    vary = {"algorithm.depth": [1, 2, 3, 4, 5], "seed": {"count": 4}}
    study = parse_study({"name": "equal", "base": {}, "vary": vary})
    generator, ruled_out, settings = np.random.default_rng(3), 0, known(study)
    for _ in range(300):
        rows = [row(each, float(generator.standard_normal())) for each in settings]
        varied = Varied(study, rows)
        each = contestants(varied, varied.choices)
        parts = [setting_part(one, varied.choices, "maximise", objective) for one in each]
        found = winner(each, parts, "maximise")
        assert found is not None
        ruled_out += 0 not in found.contenders
    # 5 % of 300 are 15, and twice the deviation of that are 7.5 more
    assert 0 < ruled_out < 23


def test_quantiles_are_those_of_student() -> None:
    for degrees in (*range(1, 30), 100, 199, 200, 201, 1000, 9999):
        for probability in (0.6, 0.95, 0.975, 0.9999, 0.999995):
            expected = stats.t.ppf(probability, degrees)
            assert intervals.quantile(probability, degrees) == pytest.approx(expected, rel=1e-8)


def test_means_without_pairs_are_held_together_by_welch() -> None:
    first, second = [1.0, 2.0, 4.0, 3.5], [0.5, 0.7, 1.1]
    found = intervals.apart(intervals.pooled([first]), intervals.pooled([second]))
    expected = stats.ttest_ind(first, second, equal_var=False)
    error = expected.confidence_interval(0.95)
    assert found.mean / (found.standard_error or 0) == pytest.approx(expected.statistic)
    low, high = found.interval()
    assert low is not None
    assert high is not None
    # degrees of freedom are rounded down, so that the interval is not narrower
    assert low <= error.low < error.high <= high


def test_one_run_each_has_no_interval_and_is_said_to_be_no_proof() -> None:
    study = parse_study({"name": "single", "base": {}, "vary": {"algorithm.depth": [1, 2]}})
    rows = [row(Setting(number=k, values={"algorithm.depth": 1 + k}), 0.8 + k / 10) for k in (0, 1)]
    summary = summary_of(study, rows)
    assert summary.settings[1].objective == Estimate(mean=0.9, low=None, high=None, n=1)
    assert summary.winner is not None
    assert summary.winner.contenders == (0, 1)
    won = next(findings(summary))
    assert (won.about, won.answer) == ("Ahead, not alone", "depth 2")
    assert "by one run each: it may be luck" in won.behind


def test_what_gave_the_same_is_neither_better_nor_luck_and_a_lone_result_has_won_nothing() -> None:
    study = parse_study({"name": "same", "base": {}, "vary": {"algorithm.depth": [1, 2, 3]}})
    rows = [row(each, 0.8, seconds=1.0 + each.number) for each in known(study)]
    won, mattered, *_ = findings(summary_of(study, rows))
    assert won.answer == "depth 1"
    assert "as good as depth 2, which takes more; 3 of 3 settings may be the best." in won.behind
    assert (mattered.answer, mattered.behind) == (
        "nothing",
        "The mean is 0.8, whatever was chosen.",
    )
    failed = rows[1].model_copy(update={"status": "FAILED", "objective": None, "figures": {}})
    alone, *_ = findings(summary_of(study, [rows[0], failed]))
    assert (alone.about, alone.answer) == ("Alone with a result", "depth 1")


def test_devices_that_share_a_run_are_named_together_and_emulated_each() -> None:
    vary = {"device": [["Garnet", "Emerald"], "Garnet"]}
    study = parse_study({"name": "lists", "base": {}, "vary": vary})
    rows = [
        RunRow(
            setting=each,
            run_id=name,
            status="SUCCEEDED",
            figures={"device.name": name, "device.emulated": True},
        )
        for each, name in zip(known(study), ("Garnet + Emerald", "Garnet"), strict=True)
    ]
    summary = summary_of(study, rows)
    assert summary.axes[0].levels == ("Garnet + Emerald", "Garnet")
    assert summary.emulated == ("Emerald", "Garnet")


def test_seeds_that_change_nothing_make_no_problem_count_twice() -> None:
    """Exact runs: ten runs of one value are one value, and say nothing of other problems."""
    study = grid()
    summary = summary_of(study, rows_of(study, sigma=0.0))
    part = summary.settings[0]
    assert part.objective is not None
    assert part.objective.low == pytest.approx(part.objective.mean, abs=1e-12)
    assert summary.winner is not None
    assert summary.winner.is_alone
    assert "alike with every seed" in next(findings(summary)).behind


def test_of_equal_means_the_cheaper_setting_is_first() -> None:
    vary = {"device": ["Garnet", "local"], "seed": {"count": 3}}
    study = parse_study({"name": "same", "base": {}, "vary": vary})
    summary = summary_of(study, [row(each, 0.9) for each in known(study)])
    assert summary.winner is not None
    assert summary.settings[summary.winner.setting].levels == {"device": "local"}
    assert summary.winner.contenders == (0, 1)
    assert summary.fronts is not None
    assert summary.fronts.money == (1,)
    [compared] = summary.comparisons
    assert (compared.better, compared.not_worth_its_money) == ("not told apart", "first")
    assert comparison_words(compared) == "not told apart; Garnet is not worth its money"


WORTH: list[tuple[str, float, str]] = [
    ("equal", 0.5, "not worth its money"),
    ("worse", 0.5, "not worth its money"),
    ("infeasible", 0.5, "not worth its money"),
    ("better", 0.5, "worth its money"),
    ("equal", 0.0, "cost nothing"),
]


@pytest.mark.parametrize(("outcome", "usd", "verdict"), WORTH)
def test_the_verdict_on_money_is_by_the_classical_answers(
    outcome: str, usd: float, verdict: str
) -> None:
    study = parse_study({"name": "worth", "base": {}, "vary": {"seed": {"count": 2}}})
    rows = [
        row(each, 0.9, cost_usd=usd, figures={"quality.outcome": found})
        for each, found in zip(known(study), (outcome, "equal"), strict=True)
    ]
    assert summary_of(study, rows).worth.verdict == verdict


@pytest.mark.parametrize(
    ("better", "of", "verdict"),
    [(1, 20, "unknown"), (3, 20, "unknown"), (4, 20, "worth its money"), (2, 2, "worth its money")],
)
def test_as_many_better_models_as_luck_makes_are_no_proof(
    better: int, of: int, verdict: str
) -> None:
    study = parse_study({"name": "worth", "base": {}, "vary": {"seed": {"count": of}}})
    rows = [
        row(
            each,
            0.9,
            cost_usd=1.0,
            figures={
                "quality.accuracy": 0.9,
                "quality.outcome": "better" if k < better else "no difference shown",
            },
        )
        for k, each in enumerate(known(study))
    ]
    assert summary_of(study, rows).worth.verdict == verdict
    luck = stats.binomtest(better, of, 0.05, alternative="greater").pvalue >= 0.05
    assert luck == (verdict == "unknown")


def test_the_share_of_runs_with_a_better_answer_has_its_interval() -> None:
    study = parse_study({"name": "worth", "base": {}, "vary": {"seed": {"count": 12}}})
    rows = [
        row(each, 0.9, figures={"quality.outcome": "better" if k == 0 else "worse"})
        for k, each in enumerate(known(study))
    ]
    found = stats.binomtest(1, 12).proportion_ci(method="wilson")
    said = summary_of(study, rows).worth.because
    assert said.startswith("1 of 12 runs found a better answer than enumeration")
    assert said.endswith(
        f"; of runs like these {100 * found.low:.0f} to {100 * found.high:.0f} % would"
    )


def test_intervals_of_shares_end_within_0_and_1_where_students_would_not() -> None:
    vary = {"algorithm.depth": [1, 2], "seed": {"count": 3}}
    asked = {"name": "shares", "base": {}, "vary": vary, "objective": "quality.accuracy"}
    study = parse_study(asked)
    values = [0.8, 1.0, 1.0, 0.0, 0.1, 0.02]
    rows = [row(each, x) for each, x in zip(known(study), values, strict=True)]
    summary = summary_of(study, rows)
    for part, own in zip(summary.settings, (values[:3], values[3:]), strict=True):
        found, mean = part.objective, np.mean(own)
        half = stats.t.ppf(0.975, 2) * stats.sem(own)
        assert found is not None and found.low is not None and found.high is not None
        assert 0 < found.low < found.mean < found.high < 1
        assert max(mean + half - 1, half - mean) > 0  # Student's leaves the range
        assert found.mean == pytest.approx(mean)
        ends = np.array([found.low, found.high])
        at_ends = half**2 * ends * (1 - ends) / (mean * (1 - mean))
        np.testing.assert_allclose((mean - ends) ** 2, at_ends, rtol=1e-9)
    [effect] = summary.effects
    for level in effect.levels:
        assert level.objective.low is not None and level.objective.high is not None
        assert 0 < level.objective.low < level.objective.high < 1


def test_runs_whose_report_lacks_the_figure_are_counted_and_told() -> None:
    study = parse_study({"name": "some", "base": {}, "vary": {"seed": {"count": 3}}})
    rows = [row(each, 0.9) for each in known(study)]
    rows[0] = rows[0].model_copy(update={"objective": None})
    told = {each.about: each for each in findings(summary_of(study, rows))}
    assert told["Without the figure"].answer == "1 of 3 runs"
    assert told["Without the figure"].is_warning
    whole = {each.about for each in findings(summary_of(study, rows[1:]))}
    assert "Without the figure" not in whole


def test_a_study_without_any_result_says_so() -> None:
    study = grid()
    summary = summary_of(study, [failed(each) for each in rows_of(study)[:3]], stopped_because="x")
    assert (summary.winner, summary.effects, summary.worth.verdict) == (None, (), "unknown")
    told = {each.about: each for each in findings(summary)}
    assert told["Without a result"].answer == "3 of 3 runs"
    assert told["Partial"].is_warning


def test_the_cost_as_objective_is_held_against_quality() -> None:
    study = grid(objective="cost.actual_usd")
    rows = [each.model_copy(update={"objective": each.cost_usd}) for each in rows_of(study)]
    summary = summary_of(study, rows)
    assert summary.objective.sense == "minimise"
    assert summary.fronts is not None
    assert summary.fronts.quality_path == "quality.expected_ratio"
    assert summary.winner is not None
    assert summary.settings[summary.winner.setting].cost_usd == 0


@pytest.mark.parametrize("n", [40, 12])
def test_an_axis_of_many_numbers_is_looked_at_in_bins(n: int) -> None:
    vary = {"algorithm.cvar_alpha": {"from": 0.1, "to": 1.0}}
    study = parse_study(
        {"name": "bins", "base": {}, "vary": vary, "strategy": {"name": "random", "n_runs": n}}
    )
    alphas = np.random.default_rng(1).uniform(0.1, 1.0, n)
    rows = [
        row(Setting(number=k, values={"algorithm.cvar_alpha": float(alpha)}), float(alpha) ** 2)
        for k, alpha in enumerate(alphas)
    ]
    summary = summary_of(study, rows)
    [effect] = summary.effects
    assert (len(effect.levels), summary.comparisons) == (4, ())
    for part, own in zip(effect.levels, np.split(np.sort(alphas), 4), strict=True):
        assert (part.level, part.upto) == (own[0], own[-1])
        expected = stats.t.interval(0.95, n / 4 - 1, np.mean(own**2), stats.sem(own**2))
        assert (part.objective.low, part.objective.high) == pytest.approx(expected)


def test_runs_of_axes_that_do_not_apply_are_compared_without_pairs() -> None:
    vary = {
        "algorithm.name": ["qaoa", "rqaoa"],
        "algorithm.cvar_alpha": [0.5, 1.0],
        "seed": {"count": 2},
    }
    study = parse_study({"name": "conditional", "base": {}, "vary": vary})
    values = [
        {"algorithm.name": "qaoa", "algorithm.cvar_alpha": alpha, "seed": seed}
        for alpha in (0.5, 1.0)
        for seed in (0, 1)
    ] + [{"algorithm.name": "rqaoa", "seed": seed} for seed in (0, 1)]
    rows = [row(Setting(number=k, values=each), 0.8 + 0.01 * k) for k, each in enumerate(values)]
    summary = summary_of(study, rows)
    assert [part.levels["algorithm.cvar_alpha"] for part in summary.settings] == [0.5, 1.0, None]
    by_path = {each.path: each.objective.method for each in summary.comparisons}
    assert by_path == {"algorithm.name": "unpaired", "algorithm.cvar_alpha": "paired"}


def test_a_row_has_the_figures_of_its_report() -> None:
    prepared = prepared_run(PETERSEN)
    report = report_of(prepared, solved_run(prepared)).model_dump(mode="json")
    setting = Setting(number=3, values={"seed": 1})
    found = row_of(
        setting, "r1", report, {"status": "SUCCEEDED"}, Objective(path="quality.expected_ratio")
    )
    assert found.objective == report["quality"]["expected_ratio"]
    assert found.cost_usd == report["cost"]["actual_usd"]
    assert found.seconds == report["timing"]["job_seconds"]
    assert found.figures["convergence.evaluations"] == len(report["convergence"]["history"])
    assert found.figures["quality.classical.method"] == report["quality"]["classical"]["method"]
    assert found.figures["quality.error_millihartree"] is None
    nested = Objective(path="algorithm.gammas.0", sense="minimise")
    first = row_of(setting, "r1", report, {"status": "SUCCEEDED"}, nested)
    assert first.objective == report["algorithm"]["gammas"][0]


def test_every_cell_of_the_csv_is_in_the_report() -> None:
    prepared = prepared_run(PETERSEN)
    report = report_of(prepared, solved_run(prepared)).model_dump(mode="json")
    study = parse_study({"name": "cells", "base": {}, "vary": {"seed": [1]}})
    [setting] = known(study)
    found = row_of(setting, "r1", report, {"status": "SUCCEEDED"}, study.objective)
    lines = list(csv.DictReader(io.StringIO(runs_csv(study, [found]))))
    compared = dict(cells(lines, {"r1": report}))
    assert len(compared) == 3 + len(FIGURES) - 3  # two say how many, or whether; one is no figure
    assert all(compared.values())
    report["quality"]["best_known"] += 1e-9
    assert [name for name, same in cells(lines, {"r1": report}) if not same] == [
        "r1.quality.best_known"
    ]


@pytest.mark.parametrize("path", ["quality.verdict", "quality.none", "samples", "partial"])
def test_what_is_no_number_is_no_objective(path: str) -> None:
    prepared = prepared_run(PETERSEN)
    report = report_of(prepared, solved_run(prepared)).model_dump(mode="json")
    objective = Objective(path=path, sense="maximise")
    found = row_of(Setting(number=0, values={}), "r1", report, {"status": "SUCCEEDED"}, objective)
    assert found.objective is None


def test_senses_are_known_for_figures_that_have_one_meaning() -> None:
    assert sense_of(Objective(path="timing.job_seconds")) == "minimise"
    assert sense_of(Objective(path="solution.objective", sense="minimise")) == "minimise"
    with pytest.raises(InvalidRequest, match=r"objective\.sense"):
        sense_of(Objective(path="solution.objective"))
    assert len(SENSES) > 20


def test_objects_have_short_names_that_tell_them_apart() -> None:
    plain = {"name": "qaoa", "depth": 1}
    algorithms = [plain, plain | {"warm_start": "relaxed"}]
    vary = {"problem": RINGS, "algorithm": algorithms}
    study = parse_study({"name": "names", "base": {}, "vary": vary})
    rows = [
        row(each, 0.9)
        for each in (
            Setting(number=2 * k + j, values={"problem": problem, "algorithm": algorithm})
            for k, problem in enumerate(RINGS)
            for j, algorithm in enumerate(algorithms)
        )
    ]
    axes = {axis.path: axis.levels for axis in Varied(study, rows).axes}
    assert axes == {
        "problem": ("maxcut #1", "maxcut #2"),
        "algorithm": ("qaoa", "qaoa, warm_start relaxed"),
    }
    lines = csv.DictReader(io.StringIO(runs_csv(study, rows)))
    assert [line["vary.problem"] for line in lines] == ["maxcut #1"] * 2 + ["maxcut #2"] * 2


def test_every_field_of_the_summary_is_in_the_docs() -> None:
    text = (PROJECT / "docs" / "studies.md").read_text("utf-8")
    described = text[text.index("### The summary") :]
    fields = set(StudySummary.model_fields) - {"schema_version"}
    assert fields <= set(re.findall(r"`([a-z_]+)`", described))
