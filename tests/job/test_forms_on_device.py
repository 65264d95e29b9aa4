"""Runs on forms on devices: shots in the groups' space, post-selection, and what is verified."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hybrid_job.solvers import training
from quantum_pipeline.cli.main_figures import main_figures
from quantum_pipeline.errors import InvalidRequest, InvalidResult
from quantum_pipeline.pages import render
from quantum_pipeline.planning.estimates import estimate
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.problems import FormProblem
from quantum_pipeline.reports import ConstrainedReport, build_report
from quantum_pipeline.results.constrained import ConstrainedResult
from tests.job.braket_job import enter, planned_on, tasks_of
from tests.job.constrained_jobs import read, solved
from tests.local.braket.server import Server
from tests.planned import planned
from tests.unit.finished_run import outcome_of

PATH = {
    "type": "graph_coloring",
    "node_labels": ["A", "B", "C"],
    "edges": [[0, 1, 2.0], [1, 2]],
    "colors": 2,
}
PAIRS = {
    "type": "constrained",
    "variables": {"a": "binary", "b": "binary", "c": "binary", "d": "binary"},
    "objective": {"sense": "maximise", "linear": {"a": 3, "b": 2, "c": 4, "d": 1}},
    "constraints": [
        {"linear": {"a": 1, "b": 1, "c": 1}, "sense": "==", "bound": 2},
        {"linear": {"a": 1, "b": 1, "d": 1}, "sense": "<=", "bound": 1},
    ],
}
NOISE = {"one_qubit": 0.002, "two_qubit": 0.03, "readout": 0.02}
Run = tuple[PreparedRun, ConstrainedResult]


def report_of(prepared: PreparedRun, result: ConstrainedResult) -> ConstrainedReport:
    report = build_report(prepared, outcome_of(prepared, result.tasks), result)
    assert isinstance(report, ConstrainedReport)
    return report


@pytest.fixture(scope="module")
def noisy(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A colouring on DM1 with noise, whose shots that break a group's rule are left out."""
    with pytest.MonkeyPatch.context() as patch:
        enter(patch, server)
        prepared = planned_on(
            "dm1", "noisy-colouring", PATH, shots=1500, noise=NOISE, algorithm={"depth": 1},
            mitigation={"symmetry": True},
        )  # fmt: skip
        yield prepared, solved(prepared, tmp_path_factory.mktemp("noisy"))


def test_without_noise_every_shot_keeps_the_groups_rules_and_figures_are_those_of_the_state(
    braket: Server, tmp_path: Path
) -> None:
    prepared = planned_on("sv1", "ideal-pairs", PAIRS, shots=2000, algorithm={"depth": 2})
    result = solved(prepared, tmp_path)
    read(result, prepared)
    assert all(bits[:3].count("1") == 2 for bits in result.counts)
    assert result.measured is not None
    assert result.measured.space_share == 1.0
    assert result.best_bitstring == "1010"  # with b or d beside a there were two
    p = result.figures.probability_of_best
    assert result.measured.share_of_best == pytest.approx(p, abs=4 * (p * (1 - p) / 2000) ** 0.5)
    assert result.device_run is not None
    assert result.device_run.trained_energy is not None
    error = result.measured.energy.energy - result.device_run.trained_energy
    assert abs(error) < 4 * result.measured.energy.standard_error
    assert result.cost is not None
    assert (result.cost.product, result.cost.lower_states) == (1, 0)


def test_post_selection_brings_the_mean_nearer_and_says_what_it_leaves_out(noisy: Run) -> None:
    """Figures of the shots by plain sums, from the problem's own words."""
    prepared, result = noisy
    problem = prepared.request.problem
    assert isinstance(problem, FormProblem)
    assert result.measured is not None
    kept = {
        bits: n
        for bits, n in result.counts.items()
        if all(bits[k : k + 2].count("1") == 1 for k in (0, 2, 4))
    }
    shots, inside = sum(result.counts.values()), sum(kept.values())
    conflict = {bits: problem.objective(list(map(int, bits))) for bits in kept}
    selected = sum(n * conflict[bits] for bits, n in kept.items()) / inside
    blind = 1.5  # each edge joins equal colours half of the time
    raw = (inside * selected + (shots - inside) * blind) / shots
    assert result.measured.space_share == pytest.approx(inside / shots, abs=1e-12)
    assert result.measured.energy.energy == pytest.approx(raw, abs=1e-12)
    assert result.measured.selected is not None
    assert result.measured.selected.energy == pytest.approx(selected, abs=1e-12)
    assert result.device_run is not None
    exact, outcome = result.device_run.trained_energy, result.device_run.mitigation
    assert exact is not None
    assert outcome is not None
    assert outcome.methods == ("symmetry",)
    assert outcome.raw.energy == pytest.approx(raw, abs=1e-12)
    assert outcome.mitigated.energy == pytest.approx(selected, abs=1e-12)
    assert 0.3 < inside / shots < 0.9
    assert abs(selected - exact) < abs(raw - exact)


def test_the_report_counts_from_shots_and_shows_the_state_without_noise(noisy: Run) -> None:
    prepared, result = noisy
    report = report_of(prepared, read(result, prepared))
    quality, measured = report.quality, result.measured
    assert measured is not None
    shots = sum(result.counts.values())
    best = sum(result.counts.get(bits, 0) for bits in ("100110", "011001"))
    assert quality.probability_of_best == pytest.approx(best / shots, abs=1e-12)
    assert quality.feasible_share == quality.feasible_share_of_shots
    assert quality.trained_probability_of_best == result.figures.probability_of_best
    assert quality.discarded_shots == shots - round(measured.space_share * shots)
    assert report.noise_free_energy == quality.trained_energy
    assert report.mitigation is not None
    lines = dict(main_figures(report.model_dump(mode="json")))
    assert f"without the other {quality.discarded_shots:,}" in lines["in groups"]
    page = render(report)["report.html"].decode()
    assert f"left out ({quality.discarded_shots:,} of {shots:,})" in page
    assert "space_share_of_shots" in page
    assert "times slower" not in quality.verdict


TAMPERED: list[dict[str, Any]] = [
    {"measured": {"space_share": 1.0}},
    {"measured": {"feasible_share": 0.99}},
    {"measured": {"share_of_best": 0.9}},
    {"measured": {"mean": 0.0}},
    {"measured": {"energy": {"energy": 0.0, "standard_error": 0.01}}},
    {"measured": {"selected": None}},
    {"measured": None},
    {"cost": {"weight": 1e6}},
    {"cost": {"lower_states": 5}},
    {"cost": {"product": 3}},
    {"mean_energy": 0.0},
    {"figures": {"share": 0.5}},
    {"mixer": "pairs"},
    {"counts": {"1001100": 1500}},
]


@pytest.mark.parametrize("change", TAMPERED, ids=str)
def test_what_a_device_cannot_have_given_is_refused(noisy: Run, change: dict[str, Any]) -> None:
    prepared, result = noisy
    read(result, prepared)
    with pytest.raises(InvalidResult):
        read(result, prepared, **change)


def test_a_run_whose_shots_keep_no_rule_has_no_answer(noisy: Run) -> None:
    prepared, result = noisy
    blind = 1.5
    energy = {"energy": blind, "standard_error": 0.0}
    changes: dict[str, Any] = {
        "counts": {"000000": 1000, "111000": 500},
        "best_bitstring": None,
        "best_objective": None,
        "mean_energy": blind,
        "measured": {
            "space_share": 0.0, "feasible_share": 0.0, "share_of_best": 0.0, "mean": None,
            "energy": energy, "selected": None,
        },
        "device_run": {"mitigation": None},
    }  # fmt: skip
    report = report_of(prepared, read(result, prepared, **changes))
    assert report.solution.decoded is None
    assert [(each.rule, each.by) for each in report.solution.violated] == [
        ("each group of variables keeps its rule", 2.0)
    ]
    assert report.solution.bitstring == "111000"
    assert report.quality.outcome == "infeasible"
    assert report.quality.mean_objective is None
    assert "no answer" in render(report)["report.html"].decode()
    lines = dict(main_figures(report.model_dump(mode="json")))
    assert lines["objective"].startswith("no feasible answer")


def test_a_job_that_starts_again_pays_and_trains_nothing_twice(
    braket: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = planned_on("sv1", "colouring-twice", PATH, shots=100, algorithm={"depth": 1})
    first = solved(prepared, tmp_path)
    monkeypatch.setattr(training, "descend", None)
    again = solved(prepared, tmp_path)
    assert (again.counts, again.tasks, again.gammas) == (first.counts, first.tasks, first.gammas)
    assert len(tasks_of(braket, "colouring-twice")) == 1


KNAPSACK = {
    "type": "knapsack",
    "items": [{"value": 3 + k % 4, "weight": 2 + k % 5} for k in range(8)],
    "capacity": 14,
}


@pytest.mark.parametrize(
    ("inequality", "qubits", "said"),
    [
        ("auto", 8, "1 by a parabola, which proves nothing; algorithm.inequality slack would"),
        ("slack", 12, "12 qubits, 4 of them slack; algorithm.inequality unbalanced would take 8"),
        ("unbalanced", 8, "by a parabola, which proves nothing; algorithm.inequality slack would"),
    ],
)
def test_the_estimate_says_how_constraints_are_kept_and_what_else_there_is(
    inequality: str, qubits: int, said: str
) -> None:
    request = {"problem": KNAPSACK, "device": "sv1", "algorithm": {"inequality": inequality}}
    found = planned(request)
    told = estimate(found)
    assert told.n_qubits == qubits
    assert said in (told.rules or "")
    assert said in found.reasons.algorithm.words


def test_slack_is_run_and_left_out_of_the_answer(braket: Server, tmp_path: Path) -> None:
    """Shots are of the items alone, and the compiled circuit is of all qubits."""
    asked = {"depth": 1, "inequality": "slack"}
    prepared = planned_on("sv1", "slack", KNAPSACK, shots=200, algorithm=asked)
    result = solved(prepared, tmp_path)
    assert {len(bits) for bits in result.counts} == {8}
    assert result.cost is not None
    assert (result.cost.slack_bits, result.cost.n_states) == (4, 2**12)
    report = report_of(prepared, read(result, prepared))
    assert report.problem.n_qubits == 12
    weights = np.array([2 + k % 5 for k in range(8)])
    kept = sum(n for x, n in result.counts.items() if weights @ list(map(int, x)) <= 14)
    assert report.quality.feasible_share == pytest.approx(kept / 200, abs=1e-12)


@pytest.mark.parametrize(
    ("problem", "request_", "said"),
    [
        (PATH, {"algorithm": {"mixer": "complete"}}, "algorithm.mixer"),
        (PATH, {"algorithm": {"inequality": "slack"}}, "algorithm.inequality"),
        (PATH, {"algorithm": {"train_on": "device"}}, "algorithm.train_on"),
        (
            KNAPSACK
            | {"capacity": 1e9, "items": [{"value": 1, "weight": 0.1 + k / 7} for k in range(8)]},
            {"algorithm": {"inequality": "slack"}},
            "algorithm.inequality: got .*; what constraint capacity may leave takes too many bits",
        ),
        ({"type": "labs", "n": 21}, {}, "problem: got 2,097,152 states"),
        ({"type": "labs", "n": 17}, {"device": "garnet", "mitigation": {"readout": True}}, "mitig"),
        ({"type": "labs", "n": 8}, {"device": "garnet", "mitigation": {"symmetry": True}}, "mitig"),
    ],
    ids=str,
)
def test_what_a_device_cannot_do_is_refused_by_name(
    problem: dict[str, Any], request_: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidRequest, match=f"^{said}"):
        planned({"problem": problem, "device": "sv1"} | request_)


@pytest.mark.parametrize("n", [3, 12])
def test_auto_leaves_shots_out_where_groups_have_rules(n: int) -> None:
    """And corrects readouts of up to 16 qubits."""
    nodes = {"type": "graph_coloring", "n_nodes": n, "edges": [[0, 1]], "colors": 2}
    found = planned({"problem": nodes, "device": "emerald", "mitigation": "auto", "shots": 100})
    assert found.request.mitigation.symmetry
    assert found.request.mitigation.readout == (n == 3)
    assert found.reasons.mitigation is not None
    assert "shots that break a group's rule left out" in found.reasons.mitigation.words
