"""The report of a run without a device: its figures, its bounds, and its fields in the docs."""

from __future__ import annotations

import json
import re
from datetime import UTC, timedelta, timezone
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.reports import OptimisationReport
from quantum_pipeline.results import ClassicalSolution, JobSeconds
from tests.unit.finished_run import (
    CREATED,
    PETERSEN,
    TRIANGLE,
    history,
    job_result,
    prepared_run,
    report_of,
    sampled,
)
from tests.unit.report_fields import DOCS, fields, part_of

TABLES = DOCS.read_text("utf-8").partition("## Molecules")[0]
BEST = {"001": 60, "000": 40}
AT_ONCE = JobSeconds(optimise=0.0001, sample=0.0001, classical=0.001, total=0.1)


def test_report_survives_json() -> None:
    report = sampled(PETERSEN, {"0010111000": 7, "0000000000": 3})
    assert OptimisationReport.model_validate_json(report.model_dump_json()) == report


def test_report_has_no_number_that_json_has_not() -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    json.loads(sampled(TRIANGLE, BEST).model_dump_json(), parse_constant=refuse)


def test_moments_are_utc_to_the_second() -> None:
    data = json.loads(sampled(TRIANGLE, BEST).model_dump_json())
    assert data["created_at"] == "2026-08-21T12:00:00Z"
    elsewhere = CREATED.astimezone(timezone(timedelta(hours=5)))
    moved = OptimisationReport.model_validate(data | {"created_at": elsewhere.isoformat()})
    assert moved.created_at == CREATED.replace(microsecond=0)
    assert moved.created_at.tzinfo is UTC


def test_solution_is_the_best_sample_and_never_the_classical_answer() -> None:
    report = sampled(PETERSEN, {"0000000000": 9, "1000000000": 1})
    assert report.solution.bitstring == "1000000000"
    assert report.solution.objective == 3
    assert report.solution.energy == -3
    assert report.quality.classical.objective == 12


def test_assignment_goes_by_the_labels() -> None:
    graph = {"nodes": [{"id": "a"}, {"id": "b"}], "links": [{"source": "a", "target": "b"}]}
    report = sampled({"type": "maxcut", "graph": graph}, {"01": 1})
    assert report.solution.assignment == {"a": 0, "b": 1}


def test_a_model_that_is_not_the_problem_s_is_refused() -> None:
    prepared = prepared_run(TRIANGLE, shots=1)
    other = prepared.ising.model_copy(update={"offset": 1.0})
    strange = prepared.model_copy(update={"model": other})
    with pytest.raises(InvalidResult, match=r"objective: 2\.0 from the problem"):
        report_of(strange, job_result(strange, {"001": 1}))


def test_one_evaluation_gets_no_picture_of_a_reduction() -> None:
    one = sampled(TRIANGLE, BEST, history=history([-1.9]))
    assert "plots/reduction.png" not in one.artifacts.plots
    assert "plots/reduction.png" in sampled(TRIANGLE, BEST).artifacts.plots


def test_only_graphs_get_a_picture_of_the_solution() -> None:
    assert "plots/solution.png" in sampled(TRIANGLE, BEST).artifacts.plots
    qubo = sampled({"type": "qubo", "linear": [1.0]}, {"0": 1})
    assert "plots/solution.png" not in qubo.artifacts.plots


def advice(report: OptimisationReport) -> str:
    return "\n".join(report.recommendations)


def test_a_good_and_quick_result_calls_for_nothing() -> None:
    assert not sampled(TRIANGLE, BEST, seconds=AT_ONCE, mean_energy=-1.9).recommendations


def test_a_result_worse_than_the_classical_one_says_to_take_that() -> None:
    report = sampled(TRIANGLE, {"000": 1}, seconds=AT_ONCE)
    assert "objective 0, enumeration found 2: use the classical answer" in advice(report)


def test_it_says_so_without_a_ratio_too() -> None:
    annealed = ClassicalSolution(
        method="simulated annealing",
        bitstring="11",
        energy=-4,
        worst_energy=None,
        proven=False,
        seconds=1,
    )
    report = sampled({"type": "qubo", "linear": [-1.0, -3.0]}, {"01": 1}, classical=annealed)
    assert report.quality.approximation_ratio is None
    assert "objective -3, simulated annealing found -4" in advice(report)


def test_a_slower_quantum_result_says_what_it_is_worth() -> None:
    assert "enumeration is quicker (0.001 s against 0.25 s)" in advice(sampled(TRIANGLE, BEST))


def test_an_early_stop_names_the_limits() -> None:
    early: dict[str, Any] = {"converged": False, "stop_reason": "out of luck", "stopped_by": None}
    either = "raise algorithm.max_evaluations or limits.max_runtime_seconds."
    assert f"stopped early (out of luck): {either}" in advice(sampled(TRIANGLE, BEST, **early))
    limited = sampled(TRIANGLE, BEST, **early | {"stopped_by": "limits.max_runtime_seconds"})
    assert "stopped early (out of luck): raise limits.max_runtime_seconds." in advice(limited)


def test_given_angles_are_not_blamed_for_not_converging() -> None:
    angles = {"gammas": [0.1], "betas": [0.2], "optimizer": "none"}
    prepared = prepared_run(TRIANGLE, shots=100, algorithm=angles)
    report = report_of(prepared, job_result(prepared, BEST, converged=False))
    assert "stopped early" not in advice(report)


def test_a_rare_optimum_says_how_many_shots_meet_it() -> None:
    report = sampled(TRIANGLE, BEST, probability_of_best=0.01)
    assert "probability 0.01; 100 shots give it 1 times" in advice(report)
    assert "probability" not in advice(sampled(TRIANGLE, BEST, probability_of_best=0.05))


def test_no_more_shots_are_advised_than_a_request_may_ask_for() -> None:
    most = {"000": 50_000}
    said = advice(sampled(TRIANGLE, most, seconds=AT_ONCE))
    assert "use the classical answer, or raise algorithm.max_depth above" in said
    assert "or shots above" not in said
    assert "average: raise algorithm.depth." in advice(
        sampled(TRIANGLE, most, seconds=AT_ONCE, probability_of_best=1e-5)
    )


def test_a_state_no_better_than_random_bits_is_called_that() -> None:
    exact = sampled(TRIANGLE, BEST, mean_energy=-1.5, mean_energy_exact=True)
    assert "-1.5 is no better than the -1.5 of random bits" in advice(exact)
    better = sampled(TRIANGLE, BEST, mean_energy=-1.51, mean_energy_exact=True)
    assert "random bits" not in advice(better)


def test_shots_are_no_better_than_random_bits_within_two_standard_errors() -> None:
    noisy = sampled(TRIANGLE, BEST, mean_energy=-1.7, standard_error=0.15)
    assert "no better than" in advice(noisy)
    clear = sampled(TRIANGLE, BEST, mean_energy=-1.7, standard_error=0.05)
    assert "no better than" not in advice(clear)


def test_equal_energies_are_pointed_out_and_nothing_else() -> None:
    flat = sampled({"type": "qubo", "linear": [0.0]}, {"0": 1, "1": 1}, seconds=AT_ONCE)
    assert len(flat.recommendations) == 1
    assert "Every bitstring has the objective 0" in advice(flat)


def test_energies_that_are_small_are_not_called_equal() -> None:
    tiny = sampled({"type": "ising", "fields": [1e-12, 2e-12]}, {"00": 1})
    assert "Every bitstring" not in advice(tiny)
    assert "The best sample has the objective 3e-12, enumeration found -3e-12" in advice(tiny)


def test_every_field_of_the_report_is_defined_in_the_docs_and_no_other() -> None:
    documented = re.findall(r"^\| `([^`]+)` \|", TABLES, flags=re.MULTILINE)
    assert len(documented) == len(set(documented))
    assert set(documented) == fields(OptimisationReport)


def test_the_docs_say_where_a_figure_may_be_null() -> None:
    rows = re.findall(r"^\| `([^`]+)` .*\| ([^|]+) \|$", TABLES, re.MULTILINE)
    nullable = {path for path, when in rows if when != "never"}
    assert nullable == {path for path in fields(OptimisationReport) if may_be_none(path)}


def may_be_none(path: str) -> bool:
    """Return whether a field may be null, or a part that it stands in."""
    model: type[BaseModel] | None = OptimisationReport
    found = False
    for name in path.split("."):
        assert model is not None
        annotation = model.model_fields[name.removesuffix("[]")].annotation
        found |= type(None) in get_args(annotation)
        model = part_of(annotation)[0]
    return found


def test_the_history_is_kept_whole() -> None:
    starts = history([1.0, 0.5], [0.7, -0.5])
    report = sampled(TRIANGLE, BEST, history=starts)
    assert report.convergence.history == starts
    assert report.analysis.final_energy == -0.5


def test_what_rests_on_the_jobs_word_are_fields_of_the_report() -> None:
    small = sampled(TRIANGLE, BEST)
    large = sampled({"type": "maxcut", "edges": [[i, i + 1] for i in range(21)]}, {22 * "0": 5})
    for report in (small, large):
        named = [figure for each in report.jobs_word for figure in each.figures]
        assert len(named) == len(set(named))
        assert set(named) <= fields(OptimisationReport) | {"compilation", "mitigation"}
    assert "quality.mean_energy" in str(large.jobs_word)
    assert "quality.mean_energy" not in str(small.jobs_word)
