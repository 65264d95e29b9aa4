"""The requests in events/: the valid ones are right, each invalid one is refused as written."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from quantum_pipeline.devices.catalogue import EXACT_QUBITS, find
from quantum_pipeline.errors import PipelineError
from quantum_pipeline.ising import all_energies
from quantum_pipeline.planning.packs import prepare_pack
from quantum_pipeline.planning.preparation import prepare
from quantum_pipeline.problems import (
    PROBLEM_TYPES,
    BinaryProblem,
    Chemistry,
    Classification,
    FormProblem,
)
from quantum_pipeline.requests.json_text import parse_json
from quantum_pipeline.requests.pack import Pack, StoredPack, parse_input
from quantum_pipeline.requests.request import (
    ProblemReference,
    Request,
    ResolvedRequest,
    parse_request,
)
from scripts import tables
from scripts.request_docs import REQUEST
from tests.unit.best_known import BEST
from tests.unit.examples import EVENTS, NOON, PRICE, states

REQUESTS = sorted((EVENTS / "requests").glob("*.json"))
INVALID = {path.name: path for path in REQUESTS if path.name.startswith("invalid_")}
VALID = {path.name: path for path in REQUESTS if path.name not in INVALID}
PACKS = {name: path for name, path in VALID.items() if name.startswith("pack_")}
SINGLE = {name: path for name, path in VALID.items() if name not in PACKS}
REFUSALS = json.loads((EVENTS / "refusals.json").read_text("utf-8"))


def asked(path: Path) -> Request | Pack | StoredPack:
    return parse_input(parse_json(path.read_bytes(), path.name))


def single(path: Path) -> Request:
    found = asked(path)
    assert isinstance(found, Request)
    return found


def admitted(request: Request, *, emulated: bool) -> ResolvedRequest:
    """Return a request that would be run in us-east-1, or raise as the pipeline does."""
    known = states(request, emulated=emulated)
    return prepare(request, known, instance=PRICE, region="us-east-1", now=NOON).request


def best_of_form(problem: FormProblem) -> float:
    form = problem.form
    energy = form.objective.over(form.space) + form.objective.constant
    return problem.objective_of_energy(float(energy[form.violations() == 0].min()))


WIDE = {
    # Alternates, and the other half is its opposite: all rungs are cut.
    "maxcut_moebius_ladder.json": "01" * 15 + "10" * 15,
    "ising_torus_divided.json": "1101110000011010000100101000111000111111110111111010000011111101",
}
"""Answers of examples that are too wide to be enumerated."""


@pytest.mark.parametrize("name", SINGLE)
def test_a_valid_example_is_admitted_and_has_the_optimum_that_is_known(name: str) -> None:
    request = single(SINGLE[name])
    if isinstance(request.problem, ProblemReference):
        return
    problem = admitted(request, emulated=True).problem
    if isinstance(problem, Chemistry | Classification):
        return  # energies and classes are for the pipeline to find
    if isinstance(problem, FormProblem):
        assert best_of_form(problem) == pytest.approx(BEST[name], abs=1e-8)
        return
    if problem.n_variables > EXACT_QUBITS:
        assert problem.objective([int(bit) for bit in WIDE[name]]) == BEST[name]
        return
    best = problem.objective_of_energy(float(all_energies(problem.ising).min()))
    assert best == pytest.approx(BEST[name], abs=1e-8)


@pytest.mark.parametrize("name", PACKS)
def test_a_pack_of_the_examples_is_admitted(name: str) -> None:
    pack = asked(PACKS[name])
    if isinstance(pack, Pack):
        assert len(prepare_pack(pack, instance=PRICE, region="us-east-1", now=NOON).runs) == 3


def test_every_problem_type_and_way_to_ask_has_an_example() -> None:
    requests = [single(path) for path in SINGLE.values()]
    assert {request.problem.type for request in requests} == {
        *(*PROBLEM_TYPES, "classification by uri", "uri")
    }
    used = {"auto", "sv1", "garnet", find("Cepheus-1-108Q").arn}
    assert {request.device for request in requests} >= used
    assert {request.algorithm.train_on for request in requests} == {"exact", "device"}
    assert "auto" in {request.mitigation for request in requests}
    assert {request.algorithm.optimizer for request in requests} == {"auto", "none", "spsa"}


def test_the_tables_are_what_their_script_makes() -> None:
    made = {f"classification_{name}": each for name, each in tables.requests().items()}
    for name, request in made.items():
        assert (EVENTS / "requests" / f"{name}.json").read_text("utf-8") == tables.text_of(request)
    of_rows = {path.stem for path in VALID.values() if path.stem.startswith("classification_")}
    assert of_rows - made.keys() == {"classification_from_s3"}


def test_the_numbers_are_split_evenly() -> None:
    numbers = np.array([25, 7, 13, 31, 42, 17, 21, 10])
    energy = all_energies(single(VALID["qubo_number_partitioning.json"]).problem.ising)  # type: ignore[union-attr]
    best = format(int(energy.argmin()), "08b")
    assert numbers[[bit == "1" for bit in best]].sum() * 2 == numbers.sum()


def test_the_given_angles_reach_three_quarters_of_the_ring() -> None:
    request = admitted(single(VALID["maxcut_ring_given_angles.json"]), emulated=True)
    (gamma,), (beta,) = request.algorithm.gammas or (), request.algorithm.betas or ()
    assert isinstance(request.problem, BinaryProblem)
    energy = all_energies(request.problem.ising)
    state = np.exp(-1j * gamma * energy).reshape((2,) * 12) / 2**6
    for qubit in range(12):  # exp(-i beta X)
        state = np.cos(beta) * state - 1j * np.sin(beta) * np.flip(state, qubit)
    assert np.abs(state.ravel()) ** 2 @ energy == pytest.approx(-0.75 * 12)


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_example_gets_the_refusal_that_is_written_down(name: str) -> None:
    with pytest.raises(PipelineError) as error:
        found = asked(INVALID[name])
        if isinstance(found, Request):
            admitted(found, emulated=False)
        elif isinstance(found, Pack):
            prepare_pack(found, instance=PRICE, region="us-east-1", now=NOON)
    refusal = {"error": type(error.value).__name__, "message": str(error.value)}
    assert refusal == REFUSALS[name]


def test_no_refusal_is_written_down_for_an_example_that_is_not_there() -> None:
    assert REFUSALS.keys() == INVALID.keys()


def test_the_published_schema_is_the_models() -> None:
    assert REQUEST.schema_file.read_text("utf-8") == REQUEST.schema_text()


@cache
def published() -> jsonschema.Draft202012Validator:
    schema = json.loads(REQUEST.schema_file.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("name", VALID)
def test_a_valid_example_satisfies_the_published_schema(name: str) -> None:
    published().validate(json.loads(VALID[name].read_text("utf-8")))


SEEN_BY_THE_MODEL_ALONE = {  # what a schema cannot say, or what is decided after reading
    "invalid_above_budget.json",
    "invalid_analog_device.json",
    "invalid_angles_without_partner.json",
    "invalid_billion_nodes.json",
    "invalid_bqm_biases_missing.json",
    "invalid_chemistry_active_space_of_too_many.json",
    "invalid_chemistry_atoms_too_close.json",
    "invalid_chemistry_by_qaoa.json",
    "invalid_chemistry_no_length.json",
    "invalid_chemistry_odd_electrons.json",
    "invalid_chemistry_trained_on_a_device.json",
    "invalid_chemistry_too_large.json",
    "invalid_chemistry_unknown_element.json",
    "invalid_classification_by_qaoa.json",
    "invalid_classification_class_of_one_row.json",
    "invalid_classification_column_twice.json",
    "invalid_classification_folds_of_few_rows.json",
    "invalid_classification_landmarks_without_kernel.json",
    "invalid_classification_missing_value.json",
    "invalid_classification_of_a_number.json",
    "invalid_classification_on_a_device.json",
    "invalid_classification_row_too_short.json",
    "invalid_classification_too_many_components.json",
    "invalid_classification_unknown_target.json",
    "invalid_clique_by_rqaoa.json",
    "invalid_coloring_negative_weight.json",
    "invalid_constrained_bound_out_of_reach.json",
    "invalid_constrained_unknown_variable.json",
    "invalid_cut_at_too_many_gates.json",
    "invalid_cut_mitigated.json",
    "invalid_cut_of_divide.json",
    "invalid_cut_on_no_device.json",
    "invalid_cut_with_depth_auto.json",
    "invalid_device_of_another_region.json",
    "invalid_devices_of_two_regions.json",
    "invalid_devices_with_a_simulator.json",
    "invalid_devices_without_divide.json",
    "invalid_divide_mitigated.json",
    "invalid_edge_twice.json",
    "invalid_field_twice.json",
    "invalid_graph_of_unknown_node.json",
    "invalid_index_out_of_range.json",
    "invalid_kernel_entries_above_budget.json",
    "invalid_kernel_of_a_graph.json",
    "invalid_kernel_projected_on_a_device.json",
    "invalid_knapsack_trained_on_a_device.json",
    "invalid_mitigation_scales.json",
    "invalid_mitigation_without_errors.json",
    "invalid_nan.json",
    "invalid_node_out_of_range.json",
    "invalid_reserved_tag.json",
    "invalid_noise_on_a_qpu.json",
    "invalid_pack_above_its_limit.json",
    "invalid_pack_name_twice.json",
    "invalid_pack_on_a_device.json",
    "invalid_pack_run_above_its_limit.json",
    "invalid_portfolio_of_too_many.json",
    "invalid_ragged_matrix.json",
    "invalid_reservation_of_a_simulator.json",
    "invalid_retired_device.json",
    "invalid_self_loop.json",
    "invalid_smallest_run_above_budget.json",
    "invalid_symmetry_of_a_problem_with_fields.json",
    "invalid_million_variables.json",
    "invalid_too_few_shots_for_the_device.json",
    "invalid_too_little_time_for_the_device.json",
    "invalid_too_wide_to_train.json",
    "invalid_too_wide_for_the_device.json",
    "invalid_training_on_no_device.json",
    "invalid_tsp_of_sixteen_cities.json",
    "invalid_unknown_device.json",
}


def test_the_published_schema_refuses_every_other_invalid_example() -> None:
    validator = published()
    passed = set()
    for name, path in INVALID.items():
        try:
            data: Any = json.loads(path.read_bytes())
        except ValueError:
            continue
        if validator.is_valid(data):
            passed.add(name)
    assert passed == SEEN_BY_THE_MODEL_ALONE


def test_the_page_has_the_circuits_that_mitigation_takes() -> None:
    square, molecule = (
        {"type": "maxcut", "edges": [[0, 1], [1, 2], [2, 3], [3, 0]]},
        {"type": "chemistry", "molecule": "H2", "bond_length_angstrom": 0.74},
    )
    with_fields = {"type": "ising", "fields": [1.0, 0.5, 0.2], "couplings": [[0, 1, 1.0]]}
    page = REQUEST.page.read_text("utf-8")
    for mitigation, name in (
        ("none", "`none`"),
        ("auto", "`auto`"),
        ({"readout": True}, "`readout` alone"),
    ):
        row = next(line for line in page.splitlines() if line.startswith(f"| {name}"))
        cells = [int(cell.split()[-1]) for cell in row.strip("| ").split(" | ")[1:]]
        for problem, cell in zip((square, with_fields, molecule), cells, strict=True):
            limits = {"max_cost_usd": 1000.0}
            asked = {"problem": problem, "mitigation": mitigation, "limits": limits}
            request = parse_request(asked | {"device": "garnet"})
            found = prepare(
                request,
                states(request, emulated=True),
                instance=PRICE,
                region="us-east-1",
                now=NOON,
            )
            assert found.plan.batches[-1].executables == cell


def test_the_page_has_every_field_of_every_model_in_step() -> None:
    page = REQUEST.page.read_text("utf-8")
    assert page == REQUEST.page_text(page)
    for name in REQUEST.models():
        assert REQUEST.table(name) in page, f"docs/request.md has no table of {name}"
