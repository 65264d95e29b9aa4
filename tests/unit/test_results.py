"""The job's result: what is read, and that nothing tampered with passes."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
import pytest

from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.results import ClassicalSolution, OptimisationResult, read_result
from tests.unit.finished_run import (
    TRIANGLE,
    enumerated,
    job_result,
    prepared_run,
    refusal_of,
    solved_run,
)

PREPARED = prepared_run(TRIANGLE, shots=100, algorithm={"depth": 2})
HONEST = solved_run(PREPARED)
MEAN = HONEST.mean_energy


def written(**changes: Any) -> dict[str, Any]:
    """Return the honest result as the job writes it, with its fields replaced."""
    result: dict[str, Any] = json.loads(HONEST.model_dump_json())
    return result | changes


def classical(**changes: Any) -> dict[str, Any]:
    return {**enumerated(PREPARED.ising).model_dump(), **changes}


def course(energy: float) -> dict[str, Any]:
    """Return a course of one evaluation."""
    return {
        "history": [{"evaluation": 1, "start": 1, "energy": energy}],
        "depths": [{"depth": 2, "energy": energy, "evaluations": 1}],
    }


def depth(**changes: Any) -> dict[str, Any]:
    return {"depths": [HONEST.depths[0].model_dump() | changes]}


def seconds(optimise: float) -> dict[str, Any]:
    return {"seconds": HONEST.seconds.model_dump() | {"optimise": optimise}}


def refused(data: object, prepared: PreparedRun = PREPARED) -> str:
    return refusal_of(data, prepared)


def test_an_honest_result_is_read_and_survives_json() -> None:
    result = read_result(written(), PREPARED)
    assert isinstance(result, OptimisationResult)
    assert OptimisationResult.model_validate_json(result.model_dump_json()) == result
    assert (result.best_bitstring, result.best_energy) == (HONEST.best_bitstring, -2.0)


def test_what_was_recomputed_is_reported_in_place_of_the_claim() -> None:
    result = read_result(written(mean_energy=MEAN + 1e-9, best_energy=-2.0 + 1e-10), PREPARED)
    assert isinstance(result, OptimisationResult)
    assert result.mean_energy == pytest.approx(MEAN, abs=1e-13)
    assert result.best_energy == -2.0


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
        {"best_bitstring": "111", "best_energy": 0.0},
        'best_bitstring: got "111"; allowed: one of the samples',
    ),
    ("a count raised", {"counts": {"011": 41, "000": 60}}, "counts: got 101; the run has 100"),
    ("a count lost", {"counts": {"011": 40}}, "counts: got 40; the run has 100"),
    (
        "a count of nothing",
        {"counts": {"011": 0, "000": 100}},
        'results.json: counts."011": got 0; allowed: an integer from 1 to',
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
    ("mean off", {"mean_energy": -1.9}, "mean_energy: got -1.9; recomputed it is -1.8607"),
    (
        "exact mean out of range",
        {"mean_energy": -2.1, "mean_energy_exact": True},
        "mean_energy: got -2.1; it must lie from -2.0 to 0.0",
    ),
    (
        "an energy of the history out of range",
        course(-7.0),
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
        'classical.bitstring: got "000"; allowed: no proof, for 100 goes beyond it',
    ),
    (
        "a worst energy off",
        {"classical": classical(worst_energy=-1.0)},
        "classical.worst_energy: got -1.0; recomputed it is 0.0",
    ),
    (
        "a worst bitstring that is not",
        {"classical": classical(worst_bitstring="001", worst_energy=-2.0)},
        'classical.worst_bitstring: got "001"; allowed: no proof, for ',
    ),
    (
        "another optimum than enumeration finds first",
        {"classical": classical(bitstring="010")},
        'classical.bitstring: got "010"; the run has "001"',
    ),
    (
        "an optimum that is called unproven",
        {"classical": classical(proven=False)},
        "classical.proven: got false; the run has true",
    ),
    (
        "another method",
        {"classical": classical(method="HiGHS")},
        'classical.method: got "HiGHS"; the run has "enumeration"',
    ),
    (
        "a doubt that there is not",
        {"classical": classical(doubtful=True)},
        "classical.doubtful: got true; the run has false",
    ),
    (
        "an exact mean that is said to be of shots",
        {"mean_energy_exact": False},
        "mean_energy_exact",
    ),
    (
        "a standard error off",
        {"standard_error": 0.06},
        "standard_error: got 0.06; recomputed it is",
    ),
    ("an error of nothing", {"standard_error": None}, "standard_error given: got false"),
    (
        "a probability made up",
        {"probability_of_best": 1.0},
        "probability_of_best: got 1.0; recomputed it is 0.9303",
    ),
    ("a probability left out", {"probability_of_best": None}, "probability_of_best given: got tr"),
    ("angles of another state", {"gammas": [0.3, 0.7]}, "lowest of history: got -1.8607"),
    ("a course that ends lower", course(MEAN - 0.1), "lowest of history: got -1.96"),
    ("a course that ends higher", course(MEAN + 0.1), "lowest of history: got -1.76"),
    (
        "an evaluation left out",
        {"history": json.loads(HONEST.model_dump_json())["history"][1:]},
        "history: evaluations: got [2, 3]; the run has [1, 2]",
    ),
    ("a depth's evaluations", depth(evaluations=2), "evaluations of depths: got 2; the run has 3"),
    ("a depth's energy", depth(energy=-1.9), "depths.0.energy: got -1.9; recomputed it is -1.8"),
    ("another depth", depth(depth=3), "depths: got [3]; the run has [2]"),
    ("tilts of no warm start", {"tilts": [1.0, 1.0, 1.0]}, "tilts given: got 3; the run has 0"),
    ("a number as text", {"mean_energy": str(MEAN)}, 'mean_energy: got "-1.86'),
    ("a truth value as text", {"converged": "yes"}, 'converged: got "yes"; allowed: true or false'),
    ("a truth value as a number", {"converged": 1}, "converged: got 1; allowed: true or false"),
    ("a count as a fraction", {"counts": {"001": 100.0}}, 'counts."001": got 100.0; allowed: an'),
    (
        "seconds of NaN",
        seconds(float("nan")),
        "seconds.optimise: got NaN; allowed: a number from 0",
    ),
    ("seconds below 0", seconds(-1), "seconds.optimise: got -1; allowed: a number from 0"),
    (
        "seconds whose sum is none",
        seconds(1e308),
        "seconds.optimise: got 1e+308; allowed: a number",
    ),
    ("half a character", {"stop_reason": "\ud800"}, 'stop_reason: got "'),
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
    "field",
    sorted(
        written().keys()
        - {"schema_version", "tasks", "device_run", "devices", "tilts", "compared", "cut_rounds"}
    ),
)
def test_a_result_that_lacks_a_field_is_refused(field: str) -> None:
    data = written()
    del data[field]
    assert refused(data).startswith(f"results.json: {field}: missing; allowed: ")


@pytest.mark.parametrize("data", [None, [], "result", 7], ids=repr)
def test_a_result_that_is_no_object_is_refused(data: object) -> None:
    assert refused(data).startswith("results.json: result: got ")


def test_counts_that_the_state_would_hardly_give_are_refused() -> None:
    said = refused(written(counts={"001": 40, "000": 60}))  # 000 has a probability of 0.03
    assert "mean energy of counts: got -0.8; it must lie from " in said


def test_rounding_is_no_tampering() -> None:
    read_result(written(best_energy=-2.0 + 1e-12, mean_energy=MEAN - 1e-12), PREPARED)


RING = prepared_run(
    {"type": "maxcut", "edges": [[k, (k + 1) % 22] for k in range(22)]},
    shots=400,
    algorithm={"depth": 2},
)
"""Of more variables than are listed: what is claimed of its state is held to the shots."""


def on_ring(**changes: Any) -> dict[str, Any]:
    """Return the result of random bits, as a state without any angles would give them."""
    bits = np.random.default_rng(3).integers(0, 2, (400, 22))
    counts = Counter("".join(map(str, each)) for each in bits.tolist())
    proven = ClassicalSolution(
        method="enumeration",
        bitstring="01" * 11,
        energy=-22.0,
        worst_bitstring="0" * 22,
        worst_energy=0.0,
        proven=True,
        seconds=0.1,
    )
    figures = {"mean_energy_exact": True, "standard_error": 0.117, "probability_of_best": 1e-6}
    made = job_result(RING, counts, classical=proven, **figures)
    return {**json.loads(made.model_dump_json()), **changes}


def false_optimum(bitstring: str, energy: float) -> dict[str, Any]:
    return {"classical": on_ring()["classical"] | {"bitstring": bitstring, "energy": energy}}


BEYOND: dict[str, tuple[dict[str, Any], str]] = {
    "a mean that its shots would hardly have": (
        {"mean_energy": -19.5},
        "mean_energy: got -19.5; it must lie from -17.",
    ),
    "a standard error that they would hardly have": (
        {"standard_error": 0.7},
        "standard_error: got 0.7; it must lie from ",
    ),
    "a probability of what was never seen": (
        {"probability_of_best": 0.5},
        "probability_of_best: got 0.5; allowed: what 0 of 400 shots may come of",
    ),
    "an optimum that one flip improves": (
        false_optimum("00" + "01" * 10, -20.0),
        'classical.bitstring: got "0001',
    ),
    "an energy below the proven lowest": (
        course(-23.0),
        "history: got -23.0; it must lie from -22",
    ),
}


@pytest.mark.parametrize("name", BEYOND)
def test_what_is_not_recomputed_is_held_to_bounds_and_to_the_shots(name: str) -> None:
    changes, said = BEYOND[name]
    read_result(on_ring(), RING)
    assert said in refused(on_ring(**changes), RING)
