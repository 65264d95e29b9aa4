"""The job's result: what is read, and that nothing tampered with passes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.results import OptimisationResult, read_result
from tests.unit.finished_run import (
    TRIANGLE,
    enumerated,
    history,
    job_result,
    prepared_run,
    refusal_of,
)

COUNTS = {"011": 40, "000": 60}  # cuts 2 and 0
PREPARED = prepared_run(TRIANGLE, shots=100, algorithm={"depth": 2})
HONEST = job_result(PREPARED, COUNTS, history=history([-0.5, -0.7, -0.8]))


def written(**changes: Any) -> dict[str, Any]:
    """Return the honest result as the job writes it, with its fields replaced."""
    result: dict[str, Any] = json.loads(HONEST.model_dump_json())
    return result | changes


def classical(**changes: Any) -> dict[str, Any]:
    return {**enumerated(PREPARED.ising).model_dump(), **changes}


def refused(data: object, prepared: PreparedRun = PREPARED) -> str:
    return refusal_of(data, prepared)


def test_an_honest_result_is_read_and_survives_json() -> None:
    result = read_result(written(), PREPARED)
    assert OptimisationResult.model_validate_json(result.model_dump_json()) == result
    assert (result.best_bitstring, result.best_energy, result.mean_energy) == ("011", -2.0, -0.8)


TAMPERED: list[tuple[str, dict[str, Any], str]] = [
    ("another run", {"run_id": "r2"}, 'run_id: got "r2"; the run has "r1"'),
    ("best energy too good", {"best_energy": -3.0}, "best_energy: got -3.0; recomputed it is -2.0"),
    ("best energy too bad", {"best_energy": 0.0}, "best_energy: got 0.0; recomputed it is -2.0"),
    (
        "best is not the best of the samples",
        {"best_bitstring": "000", "best_energy": 0.0},
        "lowest energy of counts: got 0.0; recomputed it is -2.0",
    ),
    (
        "best is no sample",
        {"best_bitstring": "110"},
        'best_bitstring: got "110"; allowed: one of the samples',
    ),
    ("a count raised", {"counts": {"011": 41, "000": 60}}, "counts: got 101; the run has 100"),
    ("a count lost", {"counts": {"011": 40}}, "counts: got 40; the run has 100"),
    (
        "a count of nothing",
        {"counts": {"011": 0, "000": 100}},
        'results.json: counts."011": got 0; allowed: an integer from 1 up',
    ),
    ("no counts", {"counts": {}}, "counts: got 0; the run has 100"),
    (
        "a bitstring too short",
        {"counts": {"01": 40, "000": 60}},
        'counts: got "01"; allowed: 3 characters, each 0 or 1',
    ),
    (
        "a bitstring too long",
        {"counts": {"0111": 40, "000": 60}},
        'counts: got "0111"; allowed: 3 characters, each 0 or 1',
    ),
    (
        "a bitstring of other digits",
        {"counts": {"012": 40, "000": 60}},
        'counts: got "012"; allowed: 3 characters, each 0 or 1',
    ),
    ("mean off", {"mean_energy": -0.9}, "mean_energy: got -0.9; recomputed it is -0.8"),
    (
        "exact mean out of range",
        {"mean_energy": -2.1, "mean_energy_exact": True},
        "mean_energy: got -2.1; it must lie from -2.0 to 0.0",
    ),
    (
        "an energy of the history out of range",
        {"history": [{"evaluation": 1, "start": 1, "energy": -7.0}]},
        "history: got -7.0; it must lie from -2.0 to 0.0",
    ),
    (
        "classical energy off",
        {"classical": classical(energy=-4.0)},
        "classical.energy: got -4.0; recomputed it is -2.0",
    ),
    (
        "a classical bitstring too short",
        {"classical": classical(bitstring="0")},
        'classical.bitstring: got "0"; allowed: 3 characters, each 0 or 1',
    ),
    (
        "a proven optimum that a sample beats",
        {"classical": classical(bitstring="000", energy=0.0)},
        "energies of counts (classical calls its range proven): got -2.0; it must lie from 0.0",
    ),
    (
        "a proven worst that a sample beats",
        {"classical": classical(worst_energy=-1.0)},
        "energies of counts (classical calls its range proven): got 0.0; it must lie from -2.0",
    ),
    ("an angle too few", {"gammas": [0.3]}, "gammas given: got 1; the run has 2"),
    ("an angle too many", {"betas": [0.3] * 3}, "betas given: got 3; the run has 2"),
    (
        "a best energy of NaN",
        {"best_energy": float("nan")},
        "results.json: best_energy: got NaN; allowed: a number",
    ),
    (
        "a mean of infinity",
        {"mean_energy": float("inf")},
        "results.json: mean_energy: got Infinity; allowed: a number",
    ),
    ("a negative error", {"standard_error": -0.1}, "standard_error: got -0.1; allowed: a number"),
    ("a probability above one", {"probability_of_best": 1.1}, "probability_of_best: got 1.1; allo"),
    ("another schema", {"schema_version": 1}, "results.json: schema_version: got 1; allowed: 2"),
    ("a field too many", {"note": "trust me"}, "results.json: note: no such field; allowed: sch"),
    ("no history", {"history": []}, "results.json: history: got []; allowed: a list of one or mo"),
]


@pytest.mark.parametrize(
    ("changes", "said"), [each[1:] for each in TAMPERED], ids=[t[0] for t in TAMPERED]
)
def test_a_result_that_was_tampered_with_is_refused_by_its_figure(
    changes: dict[str, Any], said: str
) -> None:
    assert said in refused(written(**changes))


@pytest.mark.parametrize(
    "field", sorted(written().keys() - {"schema_version", "tasks", "device_run"})
)
def test_a_result_that_lacks_a_field_is_refused(field: str) -> None:
    data = written()
    del data[field]
    assert refused(data).startswith(f"results.json: {field}: missing; allowed: ")


@pytest.mark.parametrize("data", [None, [], "result", 7], ids=repr)
def test_a_result_that_is_no_object_is_refused(data: object) -> None:
    assert refused(data).startswith("results.json: result: got ")


def test_an_exact_mean_need_not_be_the_mean_of_the_samples() -> None:
    result = read_result(written(mean_energy=-1.5, mean_energy_exact=True), PREPARED)
    assert isinstance(result, OptimisationResult)
    assert result.mean_energy == -1.5


def test_without_a_proven_range_the_problems_own_bounds_hold() -> None:
    annealed = classical(method="simulated annealing", proven=False, worst_energy=None)
    beyond = [{"evaluation": 1, "start": 1, "energy": -3.1}]
    assert "history: got -3.1; it must lie from -3.0 to 0.0" in refused(
        written(classical=annealed, history=beyond)
    )


def test_rounding_is_no_tampering() -> None:
    read_result(written(best_energy=-2.0 + 1e-12, mean_energy=-0.8 - 1e-12), PREPARED)
