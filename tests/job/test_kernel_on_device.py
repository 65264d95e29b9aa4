"""A kernel measured on an emulated QPU: once paid, held to its counts, beside the exact one."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from hybrid_job.journal import Journal
from hybrid_job.main import solve
from quantum_pipeline.classification.stored import KernelModel
from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.pages import render
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.reports import ClassificationReport, build_report
from quantum_pipeline.results import read_result
from quantum_pipeline.results.classification import ClassificationResult, MeasuredKernel
from tests.job.braket_job import enter, planned_on, tasks_of
from tests.local.braket.server import Server
from tests.unit.finished_run import outcome_of

SHOTS = 400


class Run(NamedTuple):
    """A run, its result, and that of a second attempt with the same journal."""

    prepared: PreparedRun
    result: ClassificationResult
    again: ClassificationResult
    tasks: list[dict[str, Any]]


def solved(prepared: PreparedRun, folder: Path) -> ClassificationResult:
    with closing(Journal(folder, prepared.request)) as journal:
        result = solve(prepared, journal, time.monotonic())
    assert isinstance(result, ClassificationResult)
    return result


@pytest.fixture(scope="module")
def run(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Sixteen rows, twelve of them trained on, compared with four landmarks on Garnet."""
    rng = np.random.default_rng(0)
    rows = [[*(rng.normal(size=2) + 2 * (k % 2)).round(3).tolist(), "ab"[k % 2]] for k in range(16)]
    problem = {"type": "classification", "target": "y", "columns": ["u", "v", "y"], "rows": rows}
    algorithm = {"name": "kernel", "landmarks": 4, "encoding": "iqp", "depth": 1, "folds": 2}
    with pytest.MonkeyPatch.context() as patch:
        enter(patch, server)
        prepared = planned_on(
            "garnet", "kernel-on-garnet", problem, shots=SHOTS, mitigation="auto",
            algorithm=algorithm | {"max_evaluations": 1}, limits={"max_cost_usd": 60.0},
        )  # fmt: skip
        folder = tmp_path_factory.mktemp("measured")
        first = solved(prepared, folder)
        again = solved(prepared, folder)
        yield Run(prepared, first, again, tasks_of(server, "kernel-on-garnet"))


def measured(result: ClassificationResult) -> MeasuredKernel:
    assert result.measured is not None
    return result.measured


def test_every_entry_is_paid_once_and_the_bill_is_that_of_the_plan(run: Run) -> None:
    (use,) = run.prepared.plan.uses
    assert use.executables == 6 + 8 * 4 + 4 * 4 + 2
    assert sum(each.shots for each in run.result.tasks) == use.shots
    assert len(run.result.tasks) == len(run.tasks) == use.tasks
    assert run.again.tasks == run.result.tasks
    assert measured(run.again) == measured(run.result)
    assert run.again.models[0].scores == run.result.models[0].scores


def test_entries_are_near_those_of_exact_states_and_readout_brings_them_nearer(run: Run) -> None:
    found, result = measured(run.result), run.result
    assert found.mitigation == "readout"
    assert set(found.shots) == {SHOTS}
    assert result.measured_gram is not None
    exact, mitigated = np.array(result.gram), np.array(result.measured_gram)
    assert np.abs(mitigated - exact).max() < 0.2
    raw = np.array(found.zeros[:6]) / SHOTS
    beside = ~np.eye(4, dtype=bool)
    assert np.array(found.entries[:6]).mean() > raw.mean()
    assert np.abs(mitigated - exact)[beside].mean() < 0.1


def test_the_report_has_both_kernels_and_the_accuracy_beside_the_exact_ones(run: Run) -> None:
    result = read_result(run.result.model_dump(mode="json"), run.prepared)
    report = build_report(run.prepared, outcome_of(run.prepared, result.tasks), result)
    assert isinstance(report, ClassificationReport)
    assert report.kernel is not None
    part = report.kernel.measured
    assert part is not None
    assert part.n_entries == 54
    assert 0 <= part.exact_accuracy <= 1
    assert part.mitigated_error < 0.1
    model = run.result.model.model
    assert isinstance(model, KernelModel)
    assert model.measured_on == "Garnet"
    html = render(report)["report.html"].decode()
    assert "entries that the device measured" in html
    assert report.cost.actual_usd == pytest.approx(report.cost.estimated_usd, rel=0.05)


TAMPERED: list[tuple[tuple[Any, ...], Any, str]] = [
    (("measured", "zeros", 3), SHOTS + 1, "measured.shots.3"),
    (("measured", "shots", 3), 2 * SHOTS, "measured.shots.3"),
    (("measured", "entries", 3), 1.5, "measured.entries.3"),
    (("measured", "entries", 0), 0.123, "measured_gram"),
    (("measured", "entries", 53), 0.987, "models.quantum.scores.3"),
    (("measured", "columns", 0), 11, "measured.columns"),
    (("measured", "support", 0), 3, "measured.support"),
    (("measured", "exact_predictions", 0), 2, "measured.exact_predictions"),
    (("measured", "mitigation"), "none", "measured.entries."),
    (("measured",), None, "measured"),
    (("repaired_gram", 0, 1), 0.5, "repaired_gram.0"),
    (("model", "model", "measured_on"), None, "model.measured_on"),
]


@pytest.mark.parametrize(("path", "value", "said"), TAMPERED)
def test_what_is_tampered_with_is_refused_by_name(
    run: Run, path: tuple[Any, ...], value: Any, said: str
) -> None:
    data = copy.deepcopy(run.result.model_dump(mode="json"))
    inner = data
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    with pytest.raises(InvalidResult) as refused:
        read_result(data, run.prepared)
    assert said in str(refused.value)


def test_an_entry_of_fewer_shots_than_were_asked_for_is_refused(run: Run) -> None:
    data = run.result.model_dump(mode="json")
    zeros = data["measured"]["zeros"]
    data["measured"]["shots"][zeros.index(min(zeros))] = SHOTS * 3 // 4
    with pytest.raises(InvalidResult, match=f"counts: got 300; the run has {SHOTS}"):
        read_result(data, run.prepared)
