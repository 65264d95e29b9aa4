"""Whole runs on devices that bill: what they cost, what their report tells, and what a cap does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from quantum_pipeline import runs
from tests.functions.stages import execution_of
from tests.stack import Stack, priced_stack

GARNET = "arn:aws:braket:eu-north-1::device/qpu/iqm/Garnet"
RING: dict[str, Any] = {"type": "maxcut", "edges": [[i, (i + 1) % 6] for i in range(6)]}
SAMPLED = {
    "problem": RING,
    "device": "Garnet",
    "shots": 400,
    "seed": 7,
    "algorithm": {"depth": 1},
    "owner": "ann@lab",
    "tags": {"project": "rings"},
}
"""MaxCut on a ring of 6, best cut 6: angles from the exact state, then 400 shots of Garnet."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with priced_stack() as stack:
        yield stack


@pytest.fixture(scope="module")
def sampled(stack: Stack) -> dict[str, Any]:
    """The report of a run that nothing disturbs."""
    return report_of(stack, SAMPLED, "sampled")


def report_of(stack: Stack, request: dict[str, Any], run_id: str) -> dict[str, Any]:
    """Return the report of a run once it has succeeded."""
    ended = stack.ended(stack.start(request, run_id))
    assert ended["status"] == "SUCCEEDED", ended
    return stack.record(run_id, "report.json")


def half_the_estimate(stack: Stack, request: dict[str, Any], run_id: str) -> float:
    """Return half of what a request is estimated at, in USD."""
    event = {"run_id": run_id, "execution_arn": execution_of(run_id), "request": request}
    stack.invoke("Prepare", event)
    items = stack.record(run_id, "prepared.json")["estimate"]["items"]
    return float(sum(item["usd"] for item in items)) / 2


def check_cost(stack: Stack, report: dict[str, Any]) -> None:
    """Hold a report to Braket's own bill, and the estimate to at most a tenth above it."""
    cost, billed = report["cost"], stack.billed(report["run_id"])
    assert cost["actual_usd"] == pytest.approx(billed, rel=1e-3)
    assert 1 <= cost["estimated_usd"] / billed <= 1.1
    tasks = [task["usd"] for task in cost["tasks"]]
    assert sorted(tasks) == pytest.approx(sorted(stack.billed_tasks(report["run_id"])))
    assert (cost["cut_short"], cost["cut_short_by"]) == (None, [])
    assert not report["partial"]


def test_a_run_on_a_qpu_costs_what_was_estimated(stack: Stack, sampled: dict[str, Any]) -> None:
    check_cost(stack, sampled)
    [task] = stack.tasks("sampled")
    assert (task["deviceArn"], task["status"], task["shots"]) == (GARNET, "COMPLETED", 400)
    [job] = stack.jobs("sampled")
    for tags in (task["tags"], job["tags"]):
        assert tags[runs.RUN_ID_TAG] == "sampled"
        assert (tags["quantum-pipeline:owner"], tags["project"]) == ("ann@lab", "rings")
    [billed] = sampled["cost"]["tasks"]
    assert (billed["arn"], billed["purpose"]) == (task["quantumTaskArn"], "samples")
    assert billed["usd"] == pytest.approx(0.30 + 400 * 0.00145)  # as the price list has it


def test_a_run_on_a_qpu_tells_where_and_how_its_circuit_ran(
    stack: Stack, sampled: dict[str, Any]
) -> None:
    device, compilation = sampled["device"], sampled["compilation"]
    assert (device["name"], device["kind"]) == ("Garnet", "qpu")
    assert device["emulated"].startswith("Emulated; ")
    assert compilation["verbatim"]
    assert compilation["plain"]["two_qubit_gates"] == 6  # a ZZ for each coupling
    # A CZ for each coupling of a tree, of which |+> is known, and two for the one beside.
    assert compilation["compiled"]["two_qubit_gates"] >= 7
    assert compilation["reference"]["two_qubit_gates"] >= 12
    assert len(set(compilation["qubits"])) == 6
    assert set(compilation["qubits"]) <= set(device["qubits_used"])
    couplers = {tuple(sorted(pair)) for pair in compilation["couplers"]}
    assert {tuple(sorted(pair)) for pair in compilation["used"]} <= couplers
    assert "plots/layout.png" in sampled["artifacts"]["plots"]
    assert "plots/layout.png" in stack.records("sampled")


def test_the_samples_of_a_qpu_solve_a_small_problem(sampled: dict[str, Any]) -> None:
    assert sum(sampled["samples"].values()) == 400
    bits = sampled["solution"]["bitstring"]
    assert sum(bits[i] != bits[j] for i, j in RING["edges"]) == 6
    assert sampled["solution"]["objective"] == 6


def test_half_the_estimate_is_refused_for_a_whole_run(stack: Stack) -> None:
    cap = half_the_estimate(stack, SAMPLED, "whole")
    execution = stack.start(SAMPLED | {"limits": {"max_cost_usd": cap}}, "refused")
    ended = stack.ended(execution)
    assert (ended["status"], ended["error"]) == ("FAILED", "BudgetExceeded")
    assert f"allowed: up to {cap:.4f}" in ended["cause"]
    assert stack.visited(execution) == ["Prepare", "Cancel", "Failed"]
    assert stack.job_statuses("refused") == stack.task_statuses("refused") == []
    assert stack.billed("refused") == 0


def test_half_the_estimate_buys_part_of_a_run_and_the_report_says_which(stack: Stack) -> None:
    cap = half_the_estimate(stack, SAMPLED, "all")
    limits = {"max_cost_usd": cap, "allow_partial": True}
    report = report_of(stack, SAMPLED | {"limits": limits}, "half")
    cost, [task] = report["cost"], stack.tasks("half")
    assert 0.30 + 0.00145 < stack.billed("half") <= cap
    assert cost["actual_usd"] == pytest.approx(stack.billed("half"), rel=1e-3)
    assert report["partial"]
    assert cost["cut_short_by"] == ["limits.max_cost_usd"]
    assert cost["cut_short"].startswith("limits.max_cost_usd")
    assert cost["cut_short"].endswith(f": {task['shots']} of 400 shots")
    assert 10 <= task["shots"] < 200
    assert sum(report["samples"].values()) == task["shots"]
    assert any(f"{task['shots']} of 400 shots" in line for line in report["recommendations"])


MITIGATED = SAMPLED | {
    "shots": 300,
    "limits": {"max_cost_usd": 10.0},
    "mitigation": {"readout": True, "zne": "exponential", "scales": [1.0, 3.0]},
}


def test_a_mitigated_run_has_both_energies_and_the_bill_of_either(stack: Stack) -> None:
    report = report_of(stack, MITIGATED, "mitigated")
    check_cost(stack, report)
    mitigation, quality = report["mitigation"], report["quality"]
    assert mitigation["methods"] == ["readout", "zne"]
    assert mitigation["raw"]["energy"] == pytest.approx(mean_energy(report))
    assert mitigation["raw"]["energy"] == quality["mean_energy"]
    assert mitigation["raw"] != mitigation["mitigated"]
    # Those of two calibration circuits too, at two scales each, and of two readouts.
    assert mitigation["extra_shots"] == 7 * 300
    assert sum(task["shots"] for task in stack.tasks("mitigated")) == 8 * 300
    assert report["cost"]["mitigation_usd"] == pytest.approx(7 * 300 * 0.00145)
    errors = [
        sum((check[kind]["energy"] - check["exact"]) ** 2 for check in mitigation["checks"])
        for kind in ("raw", "mitigated")
    ]
    assert len(mitigation["checks"]) == 2
    if mitigation["kept"] == "mitigated":
        assert errors[1] < errors[0]
        assert quality["mitigated_energy"] == mitigation["mitigated"]["energy"]
    else:
        assert quality["mitigated_energy"] is None


def mean_energy(report: dict[str, Any]) -> float:
    """Return the mean of minus the cut over a report's samples of the ring."""
    samples: dict[str, int] = report["samples"]
    cuts = [
        count * sum(bits[i] != bits[j] for i, j in RING["edges"]) for bits, count in samples.items()
    ]
    return -sum(cuts) / sum(samples.values())


TRAINED = SAMPLED | {
    "device": "sv1",
    "algorithm": {
        "depth": 1,
        "train_on": "device",
        "optimizer": "spsa",
        "max_evaluations": 37,
        "shots_per_evaluation": 50,
    },
}


def test_training_on_a_device_costs_what_was_estimated(stack: Stack) -> None:
    report = report_of(stack, TRAINED, "trained")
    check_cost(stack, report)
    assert len(report["convergence"]["history"]) == 37
    training = [task for task in report["cost"]["tasks"] if task["purpose"] == "training"]
    assert sum(task["shots"] for task in training) == 37 * 50
    assert len(report["cost"]["tasks"]) == len(training) + 1 == len(stack.tasks("trained"))


def test_a_job_that_dies_while_its_task_waits_ends_alike_and_pays_once(
    stack: Stack, sampled: dict[str, Any]
) -> None:
    killed: list[str] = []

    def kill_once(operation: str, params: dict[str, Any]) -> None:
        if killed:
            return
        if operation == "CreateQuantumTask":
            stack.aws.braket.devices.set(GARNET, waiting=1)  # until the job has died
        if operation == "GetQuantumTask":
            killed.append(params["quantumTaskArn"])
            stack.kill_job()
            stack.aws.braket.devices.set(GARNET, waiting=0)

    stack.aws.braket.intercept = kill_once
    try:
        report = report_of(stack, SAMPLED, "interrupted")
    finally:
        stack.aws.braket.intercept = None
    assert stack.job_statuses("interrupted") == ["COMPLETED", "FAILED"]
    [task] = stack.tasks("interrupted")
    assert [task["quantumTaskArn"]] == killed
    assert stack.billed_tasks("interrupted") == [pytest.approx(0.30 + 400 * 0.00145)]
    assert report["cost"]["actual_usd"] == pytest.approx(stack.billed("interrupted"), rel=1e-3)
    for part in ("samples", "solution", "compilation"):
        assert report[part] == sampled[part]
