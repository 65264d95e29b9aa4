"""The report of a run on a device: its figures, its bill, and what follows from them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantum_pipeline.cli import console
from quantum_pipeline.devices.catalogue import find
from quantum_pipeline.ising import energies, spins_of
from quantum_pipeline.pages.extrapolation import curve
from quantum_pipeline.planning.costs import Cost, InstancePrice
from quantum_pipeline.reports import OptimisationReport
from quantum_pipeline.reports.advice import recommend
from quantum_pipeline.reports.device_parts import cost_part
from quantum_pipeline.requests.limits import Limit
from quantum_pipeline.results import JobSeconds, QuantumTask
from tests.unit.finished_device_run import (
    COMPILATION,
    CUT,
    CUT_SHORT,
    TASK,
    device_result,
    estimated,
    measured_on_device,
    noisy_counts,
    not_billed,
    prepared_on_device,
)
from tests.unit.finished_run import TRIANGLE, report_of, sampled

PREPARED = prepared_on_device()
REPORT = measured_on_device(PREPARED)
KEPT_RAW = {"kept": "raw", "kept_because": "it is not smaller beyond doubt"}
EXPONENTIAL = {"extrapolation": "exponential", "extrapolation_used": ("exponential",)}
TIME: dict[str, Any] = {
    "cut_short": "the time was up",
    "cut_short_by": ("limits.max_runtime_seconds",),
}


def advice(report: OptimisationReport) -> str:
    return "\n".join(report.recommendations)


def stopped_by(limit: Limit) -> dict[str, Any]:
    """Return the end of an optimisation by a limit, as fields of a result."""
    return {"converged": False, "stop_reason": "all are used", "stopped_by": limit}


def test_report_survives_json() -> None:
    assert OptimisationReport.model_validate_json(REPORT.model_dump_json()) == REPORT


def test_the_mean_energy_stays_that_of_the_counts() -> None:
    counts = noisy_counts(PREPARED)
    energy = energies(PREPARED.ising, spins_of(list(counts)))
    mean = sum(e * n for e, n in zip(energy, counts.values(), strict=True)) / 1000
    assert REPORT.quality.mean_energy == pytest.approx(mean)
    assert REPORT.mitigation is not None
    assert REPORT.mitigation.raw.energy == pytest.approx(mean)


def test_mitigated_exact_and_raw_energies_have_ratios_of_the_same_definition() -> None:
    quality = REPORT.quality
    assert (quality.trained_energy, quality.mitigated_energy) == (-5, -4.96)
    assert quality.trained_ratio == pytest.approx(5 / 6)
    assert quality.mitigated_ratio == pytest.approx(4.96 / 6)
    assert quality.mitigated_standard_error == 0.055
    assert quality.expected_ratio == pytest.approx(-quality.mean_energy / 6)


def test_a_mitigated_energy_that_was_not_kept_is_no_figure_of_quality() -> None:
    quality = measured_on_device(mitigated=KEPT_RAW).quality
    assert quality.mitigated_energy is quality.mitigated_standard_error is None
    assert quality.mitigated_ratio is None


def error_factor(**changes: Any) -> float | None:
    outcome = measured_on_device(**changes).mitigation
    assert outcome is not None
    return outcome.error_factor


def test_error_factor_is_that_of_the_errors() -> None:
    off = {"mitigated": estimated(-4.9, 0.055)}
    assert error_factor(mitigated=off) == pytest.approx((5 - 4.568) / (5 - 4.9))


def test_error_factor_takes_no_credit_for_chance() -> None:
    assert error_factor() == pytest.approx((5 - 4.568) / 0.055)  # off by 0.04 alone
    assert error_factor(run={"trained_energy": -4.96}) == pytest.approx((4.96 - 4.568) / 0.055)


def test_error_factor_is_left_open_without_an_exact_energy() -> None:
    assert error_factor(run={"trained_energy": None}) is None
    without_spread = {"mitigated": estimated(-5, 0)}
    assert error_factor(mitigated=without_spread) is None


def test_qubits_used_are_those_of_variables_and_those_passed_through() -> None:
    through = COMPILATION.model_copy(update={"used": (*COMPILATION.used, (5, 6))})
    report = measured_on_device(run={"compilation": through})
    assert report.device.qubits_used == (4, 5, 6, 9, 10, 14, 15)


def test_tasks_and_instance_make_up_the_bill() -> None:
    cost = REPORT.cost
    instance = next(item.usd for item in cost.breakdown if item.kind == "instance")
    assert sum(task.usd for task in cost.tasks) + instance == pytest.approx(cost.actual_usd)
    assert cost.tasks[0].usd == pytest.approx(0.30 + 14_000 * 0.00145)
    assert sum(item.usd for item in cost.estimate) == pytest.approx(cost.estimated_usd)
    assert cost.estimate_ratio == pytest.approx(cost.actual_usd / cost.estimated_usd)


def test_mitigation_costs_the_tasks_and_shots_that_raw_would_not_have_taken() -> None:
    assert REPORT.cost.mitigation_usd == pytest.approx(13_000 * 0.00145)  # one task either way
    each = QuantumTask(arn=TASK, shots=1000)
    apart = measured_on_device(tasks=(each,) * 14)
    assert apart.cost.mitigation_usd == pytest.approx(13 * 0.30 + 13_000 * 0.00145)
    trained = each.model_copy(update={"purpose": "training", "shots": 70_000})
    with_training = measured_on_device(tasks=(*(each,) * 14, trained))
    assert with_training.cost.mitigation_usd == pytest.approx(13 * 0.30 + 13_000 * 0.00145)
    assert measured_on_device(mitigated=False).cost.mitigation_usd is None


def test_mitigation_on_a_simulator_costs_its_part_of_the_minutes() -> None:
    tasks = (QuantumTask(arn=TASK, shots=1000, billed_minutes=0.05),) * 14
    prepared = PREPARED.model_copy(update={"device": find("dm1")})
    cost = cost_part(prepared, prepared.estimate, device_result(PREPARED, tasks=tasks))
    assert cost.mitigation_usd == pytest.approx(13 * 0.05 * 0.075)


def test_an_assumed_price_is_called_that() -> None:
    unknown = InstancePrice(instance_type="ml.m5.large", usd_per_hour=0, as_of="nobody told it")
    cost = report_of(
        PREPARED.model_copy(update={"instance": unknown}), device_result(PREPARED)
    ).cost
    assert cost.assumed_price == "job instance ml.m5.large: unknown, assumed as 0.4 USD an hour"
    assert REPORT.cost.assumed_price is None


def test_an_estimate_of_nothing_has_no_ratio() -> None:
    free = PREPARED.model_copy(update={"estimate": Cost(items=(), prices_as_of="")})
    assert report_of(free, device_result(PREPARED)).cost.estimate_ratio is None


def test_a_run_on_no_device_has_no_part_of_one() -> None:
    report = sampled(TRIANGLE, {"001": 1})
    assert report.compilation is None
    assert report.mitigation is None
    assert not report.cost.tasks
    assert not report.device.qubits_used
    assert not report.partial
    assert report.device.kind == "local"


def test_what_is_emulated_is_known_even_if_the_job_told_nothing() -> None:
    report = report_of(PREPARED, device_result(PREPARED, device_run=None))
    assert report.device.emulated == REPORT.device.emulated is not None


def test_a_run_that_was_cut_short_is_partial_and_says_what_it_takes() -> None:
    prepared = prepared_on_device(limits={"max_cost_usd": 10.0})
    cut = measured_on_device(prepared, run=CUT_SHORT, mitigated=False)
    assert cut.partial
    assert cut.status == "SUCCEEDED"
    assert cut.cost.cut_short == CUT
    usd = math.ceil(100 * cut.cost.estimated_usd) / 100
    assert cut.cost.cut_short_by == ("limits.max_cost_usd",)
    assert f"({CUT}): raise limits.max_cost_usd from 10 to {usd:.2f}, the whole" in advice(cut)
    assert "max_runtime_seconds" not in advice(cut)


def test_a_training_that_money_ended_is_told_once_with_the_figure_that_would_do() -> None:
    prepared = prepared_on_device(
        algorithm={"train_on": "device", "optimizer": "spsa"}, limits={"max_cost_usd": 10.0}
    )
    early = stopped_by("limits.max_cost_usd")
    why = "limits.max_cost_usd: the training ended early"
    run = CUT_SHORT | {"cut_short": why}
    report = measured_on_device(prepared, run=run, mitigated=False, **early)
    (told,) = (line for line in report.recommendations if "max_cost_usd" in line)
    assert f"({why}): raise limits.max_cost_usd from 10 to " in told
    assert "The optimiser stopped" not in advice(report)


def test_a_run_cut_short_within_its_cost_needs_more_time() -> None:
    cut = measured_on_device(run=TIME)
    seconds = cut.request["limits"]["max_runtime_seconds"]
    assert f"raise limits.max_runtime_seconds above {seconds}" in advice(cut)


def test_an_optimiser_that_stopped_early_names_the_limit_that_stopped_it() -> None:
    report = measured_on_device(**stopped_by("algorithm.max_evaluations"))
    assert report.convergence.stopped_by == "algorithm.max_evaluations"
    assert "early (all are used): raise algorithm.max_evaluations." in advice(report)


AT_THE_CAP = prepared_on_device(
    algorithm={"train_on": "device", "optimizer": "spsa"}, limits={"max_cost_usd": 10.0}
)


@pytest.mark.parametrize(
    "report",
    [
        measured_on_device(mitigated=KEPT_RAW | EXPONENTIAL),
        measured_on_device(not_billed()),
        measured_on_device(AT_THE_CAP, run=CUT_SHORT, **stopped_by("limits.max_cost_usd")),
        measured_on_device(run=TIME),
        measured_on_device(**stopped_by("algorithm.max_evaluations")),
    ],
    ids=["raw kept", "nothing billed", "cut by cost", "cut by time", "stopped early"],
)
def test_what_is_advised_and_drawn_does_not_hang_on_words(report: OptimisationReport) -> None:
    assert report.mitigation is not None
    words = {
        report.convergence.stop_reason: "limits.max_runtime_seconds: limits.max_cost_usd",
        report.mitigation.kept_because: "linear in place of linear in place of exponential",
        report.cost.cut_short or "no cut": "max_runtime_seconds and max_cost_usd",
        report.cost.prices_as_of: "yesterday",
        **{item.what: f"instance {item.usd}" for item in report.cost.estimate},
    }
    text = report.model_dump_json()
    for said, nonsense in words.items():
        text = text.replace(said, nonsense)
    other = OptimisationReport.model_validate_json(text)
    assert other != report
    assert recommend(other) == other.recommendations
    assert other.mitigation is not None
    at = np.linspace(0, 5, 11, dtype=np.float64)
    assert (curve(other.mitigation, at) == curve(report.mitigation, at)).all()


def test_a_rehearsal_says_how_it_becomes_a_run_on_hardware() -> None:
    assert "deploy the stack in eu-north-1, the region of Garnet, and add --stack" in advice(REPORT)
    assert f"there it is estimated at {REPORT.cost.estimated_usd:.4f} USD." in advice(REPORT)
    unbilled = measured_on_device(not_billed())
    usd = f"{unbilled.cost.estimated_usd:.4f} USD"
    tasks = f"there its quantum tasks are estimated at {usd}, and the job's instance is billed too."
    assert tasks in advice(unbilled)
    real = measured_on_device(prepared_on_device(emulated=None))
    assert real.device.emulated is None
    assert "rehearsal" not in advice(real)


def test_a_circuit_with_an_error_in_most_shots_is_pointed_out() -> None:
    assert "fidelity" not in advice(REPORT)
    poor = COMPILATION.model_copy(update={"estimated_fidelity": 0.21})
    report = measured_on_device(run={"compilation": poor})
    assert "The estimated fidelity of the circuit is 0.21, with 24 two-qubit gates" in advice(
        report
    )


def test_mitigation_that_was_not_kept_says_why_and_what_it_cost() -> None:
    assert "Mitigation" not in advice(REPORT)
    report = measured_on_device(mitigated=KEPT_RAW)
    said = f"{KEPT_RAW['kept_because']}. Raise shots, or leave mitigation out, which saves 13000"
    assert said in advice(report)


def test_more_shots_than_a_request_may_have_are_not_advised() -> None:
    most = measured_on_device(prepared_on_device(shots=50_000), mitigated=KEPT_RAW)
    assert f"{KEPT_RAW['kept_because']}. Leave mitigation out" in advice(most)


def test_fees_are_held_against_the_exact_energy_that_has_none() -> None:
    real = measured_on_device(prepared_on_device(emulated=None))
    assert "without noise, -5, at no fee; the tasks on Garnet took 20.6000 USD" in advice(real)
    assert "at no fee; the tasks on Garnet would take 20.6000 USD" in advice(REPORT)
    unknown = measured_on_device(run={"trained_energy": None})
    assert "no fee" not in advice(unknown)


def test_times_of_an_emulator_are_no_ratio_and_no_advice() -> None:
    slow = JobSeconds(optimise=5.0, sample=5.0, classical=0.001, total=11.0)
    emulated = measured_on_device(seconds=slow)
    real = measured_on_device(prepared_on_device(emulated=None), seconds=slow)
    assert emulated.quality.verdict == (
        "as good as enumeration (the optimum); times are not compared, for the device was emulated"
    )
    assert real.quality.verdict.endswith("(the optimum), 10,000 times slower")
    assert "is quicker" not in advice(emulated)
    assert "enumeration is quicker" in advice(real)


def shown(report: OptimisationReport, folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    (folder / "report.json").write_text(report.model_dump_json())
    console.result(folder, as_json=False)
    return capsys.readouterr().out


def test_terminal_shows_raw_mitigated_and_exact_energy_beside_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = "mean energy  raw -4.568 +- 0.036, mitigated -4.960 +- 0.055, exact -5\n"
    assert kept in shown(REPORT, tmp_path, capsys)
    not_kept = shown(measured_on_device(mitigated=KEPT_RAW), tmp_path, capsys)
    assert "mitigated -4.960 +- 0.055 (not kept), exact -5\n" in not_kept
    plain = shown(measured_on_device(mitigated=False), tmp_path, capsys)
    assert "mean energy  raw -4.568 +- 0.036, exact -5\n" in plain
    assert "mean energy" not in shown(sampled(TRIANGLE, {"001": 1}), tmp_path, capsys)


def test_terminal_says_of_a_rehearsal_that_nothing_was_billed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "cost         nothing billed here; on AWS 20.6000 USD of tasks, estimated 20.6304, and"
    assert said in shown(REPORT, tmp_path, capsys)
    real = shown(measured_on_device(prepared_on_device(emulated=None)), tmp_path, capsys)
    assert "cost         20.6020 USD, estimated 20.6304\n" in real


def test_terminal_says_what_a_run_that_was_cut_short_left_out_in_lines_of_100_columns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = shown(measured_on_device(run=CUT_SHORT), tmp_path, capsys)
    assert f"partial      cut short: {CUT}\n" in lines
    assert "partial" not in shown(REPORT, tmp_path, capsys)
    assert max(map(len, lines.splitlines())) <= max(
        100, len(f"report       {tmp_path}/report.html")
    )
