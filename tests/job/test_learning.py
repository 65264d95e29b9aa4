"""A job to which earlier runs suggest angles: it takes the better start, and reports both."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hybrid_job.main import solve_in
from hybrid_job.optimising import optimiser
from hybrid_job.optimising.optimiser import Real, minimise
from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.ising import all_energies
from quantum_pipeline.ising.angles import from_units
from quantum_pipeline.pages.page import page
from quantum_pipeline.pages.study import Study
from quantum_pipeline.planning.learning import (
    Learning,
    Neighbour,
    SuggestedAngles,
    Suggestion,
    Verdict,
)
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.reports import OptimisationReport, build_report
from quantum_pipeline.requests.request import parse_request
from quantum_pipeline.results import OptimisationResult, read_result
from tests.planned import planned
from tests.unit.finished_run import CREATED, EXECUTION, PETERSEN, outcome_of
from tests.unit.textbook import qaoa_probabilities

NEAR = ((0.36, 0.8, 1.05), (-0.51, -0.31, -0.18))
"""Near the best angles of three layers, gammas in units."""


def learning(angles: tuple[tuple[float, ...], ...] = NEAR, **settings: Any) -> Learning:
    run = Neighbour(
        run_id="earlier-1", distance=0.01, depth=3, evaluations=90, until_descended=60, seconds=2.0
    )
    gammas, betas = angles
    return Learning(
        verdict=Verdict.USED,
        words="1 of 1 run of the family counts",
        runs=(run,),
        suggestion=Suggestion(gammas=gammas, betas=betas, **settings),
    )


def prepared(learned: Learning | None, **algorithm: Any) -> PreparedRun:
    asked = parse_request({"problem": PETERSEN, "algorithm": {"learn": True, **algorithm}})
    return PreparedRun.of(
        planned(asked, learning=learned),
        run_id="r1",
        execution_arn=EXECUTION,
        problem_uri=None,
        created_at=CREATED,
        prepare_seconds=0.0,
        asked=asked,
    )


def solved(run: PreparedRun, folder: Path) -> OptimisationResult:
    """Return the verified result of a job that read the record as it is stored."""
    stored = PreparedRun.model_validate_json(run.model_dump_json(by_alias=True))
    result = solve_in(stored, folder, time.monotonic())
    found = read_result(result.model_dump(mode="json"), stored)
    assert isinstance(found, OptimisationResult)
    return found


def report_of(run: PreparedRun, result: OptimisationResult) -> OptimisationReport:
    report = build_report(run, outcome_of(run, ()), result)
    assert isinstance(report, OptimisationReport)
    return report


def test_of_several_starts_the_best_alone_is_optimised_and_evaluated_once() -> None:
    asked: list[tuple[float, ...]] = []

    def bowl(angles: Real) -> tuple[float, Real]:
        asked.append(tuple(angles.ravel()))
        return float(np.sum((angles - 0.3) ** 2)), 2 * (angles - 0.3)

    starts = [np.full((2, 1), 2.0), np.full((2, 1), 0.4), np.full((2, 1), -3.0)]
    limits = {"unit": 0.5, "max_evaluations": 50, "deadline": math.inf}
    found = minimise(bowl, starts, best_alone=True, first_step=0.07, **limits)  # type: ignore[arg-type]
    np.testing.assert_allclose(found.angles, 0.3, atol=1e-4)
    assert len(asked) == len(set(asked)) == len(found.history)
    assert [start for start, _ in found.history] == [1, 2, 3, *[4] * (len(asked) - 3)]
    short = minimise(bowl, starts, best_alone=True, **limits | {"max_evaluations": 2})  # type: ignore[arg-type]
    assert [start for start, _ in short.history] == [1, 2]
    assert short.stopped_by == "algorithm.max_evaluations"


def test_a_job_goes_on_from_the_better_start_and_reports_both(tmp_path: Path) -> None:
    run = prepared(learning(), depth=3)
    found = solved(run, tmp_path)
    plain = solved(prepared(None, depth=3), tmp_path / "plain")
    assert found.compared is not None and found.compared.taken == "learned"
    first, second, *_ = found.history
    assert (found.compared.learned, found.compared.default) == (first.energy, second.energy)
    assert second.energy == plain.history[0].energy  # of the default start
    assert first.energy < second.energy
    unit = optimiser.typical_field(run.ising)
    assert np.abs(from_units(np.array([found.gammas, found.betas]), 1 / unit) - NEAR).max() < 0.2
    part = report_of(run, found).learning
    assert part is not None and part.came_of_it is not None
    assert part.came_of_it.evaluations == len(found.history) < 20
    assert (part.came_of_it.default_evaluations, part.came_of_it.default_seconds) == (90, 2.0)
    assert "from the default start the earlier runs took 90 evaluations" in part.conclusion
    assert "of other problems, for here it was not run" in part.conclusion
    shown = page(Study.of(report_of(run, found)), {})
    assert "What earlier runs suggested" in shown and "earlier-1" in shown
    without = report_of(prepared(None, depth=3), plain)
    assert "What earlier runs suggested" not in page(Study.of(without), {})


def test_a_bad_suggestion_costs_an_evaluation_and_no_more(tmp_path: Path) -> None:
    bad = learning(((1.5, -1.0, 0.4), (0.5, 0.1, 0.7)))
    found = solved(prepared(bad, depth=3), tmp_path)
    plain = solved(prepared(None, depth=3), tmp_path / "plain")
    assert found.compared is not None and found.compared.taken == "default"
    assert found.mean_energy == pytest.approx(plain.mean_energy, abs=1e-3)
    report = report_of(prepared(bad, depth=3), found)
    assert report.learning is not None
    assert "the default start was lower" in report.learning.conclusion


def test_a_depth_that_grows_begins_with_the_layers_that_were_suggested(tmp_path: Path) -> None:
    found = solved(prepared(learning(), max_depth=4), tmp_path)
    assert [step.depth for step in found.depths] == [3, 4]
    assert len(found.history) == sum(step.evaluations for step in found.depths)


def test_each_depth_of_a_run_that_grew_has_the_angles_of_its_energy(tmp_path: Path) -> None:
    run = prepared(None, max_depth=3)
    found = solved(run, tmp_path)
    spectrum = all_energies(run.ising)
    for step in found.depths:
        energy = qaoa_probabilities(spectrum, step.gammas, step.betas) @ spectrum
        assert step.energy == pytest.approx(energy)
    assert (found.depths[-1].gammas, found.depths[-1].betas) == (found.gammas, found.betas)
    assert solved(prepared(None, depth=2), tmp_path / "fixed").depths[0].gammas == ()
    for number, angles in ((0, ()), (-1, tuple(-each for each in found.gammas))):
        data = found.model_dump(mode="json")
        data["depths"][number]["gammas"] = angles
        with pytest.raises(InvalidResult, match=r"^depths\.[02]\.gammas"):
            read_result(data, run)


def test_where_shots_train_the_starts_are_compared_on_the_exact_state(tmp_path: Path) -> None:
    shots = {"shots_per_evaluation": 50, "max_evaluations": 8}
    run = prepared(learning(optimizer="nft"), depth=3, **shots)
    assert run.request.algorithm.optimizer == "nft"
    found = solved(run, tmp_path)
    assert found.compared is not None and found.compared.taken == "learned"
    exact = solved(prepared(learning(), depth=3), tmp_path / "exact").compared
    assert exact is not None
    assert found.compared.learned == pytest.approx(exact.learned)
    assert found.compared.default == pytest.approx(exact.default)
    assert len(found.history) <= 8
    part = report_of(run, found).learning
    assert part is not None and part.came_of_it is not None
    assert part.came_of_it.compared_on == "exact state"


def test_where_shots_train_the_lowest_of_all_that_earlier_runs_found_is_taken(
    tmp_path: Path,
) -> None:
    gammas, betas = NEAR
    far = learning(((1.5, -1.0, 0.4), (0.5, 0.1, 0.7)))
    assert far.suggestion is not None
    others = (SuggestedAngles(gammas=gammas, betas=betas),)
    both = far.model_copy(
        update={"suggestion": far.suggestion.model_copy(update={"others": others})}
    )
    shots = {"depth": 3, "shots_per_evaluation": 50, "max_evaluations": 3}
    found = solved(prepared(both, **shots), tmp_path).compared
    near = solved(prepared(learning(), **shots), tmp_path / "near").compared
    assert found is not None and near is not None
    assert found.taken == "learned"
    assert found.learned == pytest.approx(near.learned)


def test_a_run_that_found_no_one_to_learn_from_is_as_without_learning(tmp_path: Path) -> None:
    nobody = Learning(verdict=Verdict.NO_RUNS, words="no earlier run of the family")
    run = prepared(nobody, depth=2)
    found, plain = solved(run, tmp_path), solved(prepared(None, depth=2), tmp_path / "plain")
    assert found.compared is None
    assert (found.history, found.gammas) == (plain.history, plain.gammas)
    part = report_of(run, found).learning
    assert part is not None
    assert (part.came_of_it, part.conclusion) == (None, "The run took the default start.")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"taken": "default"}, "compared.taken"),
        ({"learned": -11.9}, "compared.learned"),
        ({"default": -1.0}, "compared.default"),
        (None, "compared given"),
    ],
)
def test_a_comparison_that_the_evaluations_do_not_bear_out_is_refused(
    tmp_path: Path, change: dict[str, Any] | None, named: str
) -> None:
    run = prepared(learning(), depth=3)
    data = solved(run, tmp_path).model_dump(mode="json")
    data["compared"] = None if change is None else data["compared"] | change
    with pytest.raises(InvalidResult, match=named):
        read_result(data, run)
