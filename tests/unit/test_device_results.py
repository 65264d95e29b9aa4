"""The result of a run on a device: what of it is held to the run, and to itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.results import Check, OptimisationResult, QuantumTask, read_result, verify
from tests.unit.finished_device_run import (
    COMPILATION,
    CUT_SHORT,
    LATTICE,
    TASK,
    estimated,
    honest_on_device,
    noisy_counts,
    prepared_on_device,
)
from tests.unit.finished_run import job_result, prepared_run

PREPARED = prepared_on_device(algorithm={"depth": 2})
HONEST = honest_on_device(PREPARED)
FEWER = noisy_counts(PREPARED, 400)
TOO_FEW_TASKS = (QuantumTask(arn=TASK, executables=14, shots=13_999),)
WORSE = (Check(exact=-6, raw=estimated(-5.5, 0.1), mitigated=estimated(-6.6, 0.1)),)
BEYOND = (Check(exact=-6, raw=estimated(-7.5, 0.1), mitigated=estimated(-6, 0.1)),)


def compiled(**changes: Any) -> dict[str, Any]:
    return {"run": {"compilation": COMPILATION.model_copy(update=changes)}}


def refused(result: OptimisationResult) -> str:
    with pytest.raises(InvalidResult) as error:
        verify(result, PREPARED)
    return str(error.value)


def test_an_honest_result_is_read_and_survives_json() -> None:
    result = read_result(json.loads(HONEST.model_dump_json()), PREPARED)
    assert isinstance(result, OptimisationResult)
    assert OptimisationResult.model_validate_json(result.model_dump_json()) == result
    assert result.mean_energy == pytest.approx(HONEST.mean_energy, abs=1e-12)


TAMPERED: dict[str, tuple[dict[str, Any], str]] = {
    "a qubit for two variables": (
        compiled(qubits=(4, 5, 10, 15, 14, 4)),
        "compilation.qubits: got [4, 5, 10, 15, 14, 4]; allowed: 6 different qubits",
    ),
    "a variable without a qubit": (compiled(qubits=(4, 5, 10)), "allowed: 6 different qubits"),
    "a device that the run has not": (
        compiled(device="Emerald"),
        'compilation.device: got "Emerald"; allowed: Garnet',
    ),
    "a coupler that the device has not": (
        compiled(used=((4, 15),)),
        "compilation.used: got [4, 15]; allowed: a coupler of the device",
    ),
    "fewer gates than couplers that they act on": (
        compiled(compiled=COMPILATION.compiled.model_copy(update={"two_qubit_gates": 5})),
        "two_qubit_gates: got 5; allowed: at least one on each of 6 couplers",
    ),
    "an energy without noise that the circuit has not": (
        {"run": {"trained_energy": -5.0}},
        "device_run.trained_energy: got -5.0; recomputed it is -4.",
    ),
    "an energy without noise left out": (
        {"run": {"trained_energy": None}},
        "device_run.trained_energy: got null; allowed: -4.",
    ),
    "a mean that is called exact": (
        {"mean_energy_exact": True},
        "mean_energy_exact: got true; the run has false",
    ),
    "a mean of other counts": (
        {"mean_energy": -4.4},
        "mean_energy: got -4.4; recomputed it is -4.5",
    ),
    "a standard error of other counts": (
        {"standard_error": 0.02},
        "standard_error: got 0.02; recomputed it is 0.03",
    ),
    "a probability of a state that has noise": (
        {"probability_of_best": 0.9},
        "probability_of_best given: got false; the run has true",
    ),
    "a raw error of other counts": (
        {"mitigated": {"raw": estimated(HONEST.mean_energy, 0.02)}},
        "mitigation.raw.standard_error: got 0.02; recomputed it is 0.03",
    ),
    "a known circuit measured beyond all energies": (
        {"mitigated": {"checks": BEYOND}},
        "mitigation.checks.raw: got -7.5; it must lie from -6.0",
    ),
    "a raw energy of other counts": (
        {"mitigated": {"raw": estimated(-4.9, 0.03)}},
        "mitigation.raw.energy: got -4.9; recomputed it is -4.5",
    ),
    "a mitigated energy kept that was farther off": (
        {"mitigated": {"checks": WORSE}},
        'mitigation.kept: got "mitigated"; allowed: raw, whose errors',
    ),
    "a mitigated energy kept without any check": (
        {"mitigated": {"checks": ()}},
        'mitigation.kept: got "mitigated"; allowed: raw, whose errors',
    ),
    "shots of mitigation that no task took": (
        {"tasks": TOO_FEW_TASKS},
        "mitigation.extra_shots: got 13000; allowed: up to 12999, which the tasks took beside 1000",
    ),
    "no task": ({"tasks": ()}, "tasks: got []; allowed: what ran on Garnet"),
    "nothing of the device": (
        {"device_run": None},
        "device_run: got null; allowed: what ran on Garnet",
    ),
    "an emulator that calls itself hardware": (
        {"run": {"emulated": None}},
        "device_run: emulated: got false; the run has true",
    ),
    "an energy without noise below the lowest": (
        {"run": {"trained_energy": -6.1}},
        "device_run.trained_energy: got -6.1; it must lie from -6.0 to 0.0",
    ),
    "an extrapolation that was not asked for": (
        {"mitigated": {"extrapolation": "exponential"}},
        'mitigation.extrapolation: got "exponential"; the run has "linear"',
    ),
    "a form of it that was not asked for": (
        {"mitigated": {"extrapolation_used": ("richardson",)}},
        'mitigation.extrapolation_used: got "richardson"; allowed: linear',
    ),
    "an energy extrapolated in no form": (
        {"mitigated": {"extrapolation_used": ()}},
        "mitigation.extrapolation_used: of more than one scale: got false; the run has true",
    ),
    "an extrapolation from one scale": (
        {"mitigated": {"scaled": ()}},
        "mitigation.extrapolation_used: of more than one scale: got true; the run has false",
    ),
    "words for a cut that no limit made": (
        {"run": {"cut_short": "shots left out"}},
        "device_run.cut_short_by: got false; the run has true",
    ),
    "fewer shots than asked for, and not cut short": (
        {"counts": FEWER},
        "counts: got 400; the run has 1000",
    ),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_result_that_was_tampered_with_is_refused_by_its_figure(name: str) -> None:
    changes, said = TAMPERED[name]
    assert said in refused(honest_on_device(PREPARED, **changes))


def test_a_method_that_was_not_asked_for_is_refused() -> None:
    prepared = prepared_on_device(algorithm={"depth": 2}, mitigation={"zne": "linear"})
    with pytest.raises(InvalidResult, match=r'methods: got "readout"; allowed: zne'):
        verify(honest_on_device(prepared), prepared)


def test_a_run_that_was_cut_short_has_fewer_shots_and_no_more() -> None:
    cut: dict[str, Any] = {"run": CUT_SHORT, "mitigated": False}
    verify(honest_on_device(PREPARED, FEWER, **cut), PREPARED)
    assert "counts: got 1001" in refused(
        honest_on_device(PREPARED, noisy_counts(PREPARED, 1001), **cut)
    )


def test_couplers_are_the_same_either_way_round() -> None:
    turned = tuple((b, a) for a, b in LATTICE)
    verify(honest_on_device(PREPARED, **compiled(couplers=turned)), PREPARED)


def test_a_job_that_sampled_by_itself_has_nothing_of_a_device() -> None:
    local = prepared_run({"type": "qubo", "linear": [1.0]}, shots=1, algorithm={"depth": 2})
    for change in ({"tasks": HONEST.tasks}, {"device_run": HONEST.device_run}):
        with pytest.raises(InvalidResult, match=r"^(tasks|device_run): got"):
            verify(job_result(local, {"0": 1}, **change), local)


def test_a_qpu_may_return_a_few_shots_less_than_it_was_sent() -> None:
    prepared = prepared_on_device(algorithm={"depth": 2})
    honest = honest_on_device(prepared, counts=noisy_counts(prepared, 998))
    tasks = (QuantumTask(arn=TASK, executables=14, shots=13_980),)
    verify(honest.model_copy(update={"tasks": tasks}), prepared)


def test_a_mitigated_energy_below_the_lowest_is_refused() -> None:
    result = honest_on_device(PREPARED, mitigated={"mitigated": estimated(-6.2, 0.3)})
    assert "mitigation.mitigated: got -6.2; it must lie from -6.0" in refused(result)


@pytest.mark.parametrize("shots", [10**400, 0, 1000.0, "1000", True], ids=str)
def test_a_task_has_a_number_of_shots(shots: object) -> None:
    data = json.loads(HONEST.model_dump_json())
    data["tasks"][0]["shots"] = shots
    with pytest.raises(InvalidResult, match=r"^results.json: tasks.0.shots: got "):
        read_result(data, PREPARED)
