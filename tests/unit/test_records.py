"""Records of runs that ended: made of what the run has left, and readable for good."""

from __future__ import annotations

import json
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from pydantic import ValidationError

from quantum_pipeline.catalogue.filters import device_names
from quantum_pipeline.catalogue.record import RunRecord
from quantum_pipeline.catalogue.sources import record_of
from quantum_pipeline.devices.catalogue import find
from quantum_pipeline.ising import IsingModel, all_energies, typical_field
from quantum_pipeline.planning.prepared import OtherDevice, PreparedRun, RunHeader
from quantum_pipeline.problems.features import (
    MOST_CUBED,
    FormFeatures,
    IsingFeatures,
    MoleculeFeatures,
)
from quantum_pipeline.results.optimisation import DepthStep
from tests.unit.earlier_runs import ended, record, written
from tests.unit.finished_device_run import device_result, noisy_counts, prepared_on_device
from tests.unit.finished_molecule import H2, prepared_molecule, report_of_molecule
from tests.unit.finished_run import (
    CREATED,
    EXECUTION,
    PETERSEN,
    prepared_run,
    report_of,
    solved_run,
)

STORED = Path(__file__).with_name("record_v1.json")


def test_a_success_is_recorded_with_what_its_report_says() -> None:
    prepared = prepared_run(PETERSEN, owner="ann@lab", tags={"project": "P1"}, name="a name")
    report = report_of(prepared, solved_run(prepared))
    found = record(prepared, report, ended())
    assert (found.owner, found.tags, found.name) == ("ann@lab", {"project": "P1"}, "a name")
    assert (found.created_at, found.execution_arn) == (CREATED, EXECUTION)
    assert (found.status, found.error, found.partial) == ("SUCCEEDED", None, False)
    assert found.quality is not None
    assert found.quality.objective == report.solution.objective == 12
    for name in ("best_known", "approximation_ratio", "expected_ratio", "outcome"):
        assert getattr(found.quality, name) == getattr(report.quality, name)
    assert found.cost is not None
    assert found.cost.actual_usd == report.cost.actual_usd
    assert found.cost.estimated_usd == report.cost.estimated_usd
    assert found.seconds.job == report.timing.job_seconds
    assert found.algorithm is not None
    assert found.algorithm.evaluations == len(report.convergence.history)
    assert found.algorithm.settings["max_evaluations"] == 1000


def test_features_of_a_graph_are_those_that_networkx_finds() -> None:
    graph = nx.gnp_random_graph(9, 0.4, seed=3)
    weights = {edge: 0.25 * (1 + k) for k, edge in enumerate(graph.edges)}
    edges = [[i, j, -w] for (i, j), w in weights.items()]
    problem = {"type": "maxcut", "edges": edges, "n_nodes": 9}
    features = prepared_run(problem).features
    assert isinstance(features, IsingFeatures)
    degrees = [degree for _, degree in graph.degree]
    assert features.density == pytest.approx(nx.density(graph))
    assert features.degree.mean == pytest.approx(sum(degrees) / 9)
    assert (features.degree.least, features.degree.largest) == (min(degrees), max(degrees))
    assert features.weight.largest == max(weights.values()) / 2
    assert features.field_free


def test_skewness_is_the_third_moment_of_all_energies() -> None:
    rng = np.random.default_rng(2)
    couplings = [(i, j, float(rng.normal())) for j in range(7) for i in range(j)]
    model = IsingModel.from_spins(rng.normal(size=7).tolist(), couplings)
    energies = all_energies(model) - model.offset
    moment = np.mean(energies**3) / (7 * typical_field(model) ** 3)
    assert IsingFeatures.of(model).skewness == pytest.approx(moment)
    many = IsingModel.from_spins([1.0] * (MOST_CUBED + 1), [])
    assert IsingFeatures.of(many).skewness is None


def test_a_run_that_grew_is_recorded_with_the_angles_of_all_its_depths() -> None:
    prepared = prepared_run({"type": "maxcut", "edges": PETERSEN["edges"]})
    angles = (np.array([[0.4], [-0.5]]), np.array([[0.3, 0.6], [-0.6, -0.3]]))
    steps = tuple(DepthStep.of(each, -1.0, 1, grown=True) for each in angles)
    report = report_of(prepared, solved_run(prepared, depths=steps))
    algorithm = record(prepared, report, ended()).algorithm
    assert algorithm is not None
    assert [each.model_dump() for each in algorithm.passed] == [
        {"normalised_gammas": (round(0.4 * (3 / 4) ** 0.5, 4),), "betas": (-0.5,)}
    ]


def test_normalised_angles_are_the_same_whatever_the_weights_are_measured_in() -> None:
    found = []
    for unit in (1.0, 40.0):
        edges = [[i, j, unit] for i, j in PETERSEN["edges"]]
        prepared = prepared_run({"type": "maxcut", "edges": edges})
        gammas = (0.3 / unit, 0.6 / unit)
        report = report_of(prepared, solved_run(prepared, gammas=gammas))
        algorithm = record(prepared, report, ended()).algorithm
        assert algorithm is not None
        assert algorithm.gammas == gammas
        found.append(algorithm.normalised_gammas)
    assert found[0] == pytest.approx(found[1])
    assert found[0] == pytest.approx([0.3 * (3 / 4) ** 0.5, 0.6 * (3 / 4) ** 0.5])


def test_a_problem_on_a_form_is_recorded_with_its_groups_and_constraints() -> None:
    ways = [[0, 1, 2, 3], [1, 0, 4, 5], [2, 4, 0, 6], [3, 5, 6, 0]]
    prepared = prepared_run({"type": "tsp", "distances": ways})
    features = prepared.features
    assert isinstance(features, FormFeatures)
    assert (features.n_qubits, features.n_groups, features.n_states) == (9, 3, 27)
    assert (features.order, features.n_constraints) == (2, 3)
    assert features.weight.largest == 6
    found = record(prepared, None, ended())
    assert found.family == "tsp/with constraints/qaoa"


def test_a_molecule_is_recorded_with_its_active_space_and_error() -> None:
    prepared = prepared_molecule(H2)
    report = report_of_molecule(prepared)
    found = record(prepared, report, ended())
    assert found.problem is not None
    features = found.problem.features
    assert isinstance(features, MoleculeFeatures)
    assert (features.formula, features.n_electrons, features.n_orbitals) == ("H2", 2, 2)
    assert found.family == "chemistry/H2 sto-3g/vqe"
    assert found.quality is not None
    assert found.quality.error_millihartree == report.quality.error_millihartree
    assert found.algorithm is not None
    assert found.algorithm.normalised_gammas == ()


def test_devices_beside_the_first_are_recorded_as_they_were_prepared() -> None:
    first, emerald = prepared_on_device(), find("Emerald")
    other = OtherDevice(device=emerald, state_summary=first.state_summary, plan=first.plan)
    found = record(first.model_copy(update={"others": (other,)}), None, ended("FAILED"))
    stored = found.model_dump(mode="json")
    assert device_names(stored) == ["Garnet", "Emerald"]
    assert stored["others"] == [stored["device"] | {"name": "Emerald", "arn": emerald.arn}]
    del stored["others"], stored["device"]
    assert device_names(stored | {"device": {"name": "Garnet"}}) == [
        "Garnet"
    ]  # of earlier releases


def test_a_device_is_recorded_with_its_calibration() -> None:
    prepared = prepared_on_device()
    report = report_of(prepared, device_result(prepared, noisy_counts(prepared)))
    found = record(prepared, report, ended())
    assert found.device is not None
    assert (found.device.name, found.device.kind) == ("Garnet", "qpu")
    assert found.device.two_qubit_fidelity == 0.995
    assert found.device.emulated == report.device.emulated
    assert found.cost is not None
    assert found.cost.actual_usd == report.cost.actual_usd > 0


def test_a_failure_says_what_is_known_and_no_more() -> None:
    failure = ended("FAILED", error="JobFailed", cause="x" * 9000, billable_seconds=31.0)
    found = record(prepared_run(PETERSEN), None, failure)
    assert (found.status, found.error) == ("FAILED", "JobFailed")
    assert len(found.cause or "") == 2000
    assert found.quality is None
    assert found.seconds.job == 31.0
    assert found.cost is not None
    assert found.cost.actual_usd is None
    assert found.family == "maxcut/field-free/qaoa"


def test_a_run_that_was_refused_has_its_error_alone() -> None:
    refused = ended("FAILED", error="InvalidRequest", cause="shots: got 0", execution_arn=EXECUTION)
    found = record(None, None, refused)
    assert (found.error, found.execution_arn) == ("InvalidRequest", EXECUTION)
    unknown = ("problem", "algorithm", "device", "quality", "cost", "family", "owner")
    assert {getattr(found, name) for name in unknown} == {None}


def test_a_run_that_an_earlier_release_prepared_has_no_features() -> None:
    prepared = json.loads(written(prepared_run(PETERSEN)))
    del prepared["features"], prepared["request"]["owner"], prepared["request"]["tags"]
    assert PreparedRun.model_validate(prepared).features is None
    found = record_of(ended("CANCELLED"), RunHeader.model_validate(prepared), None)
    assert found.problem is not None
    assert found.problem.features is None
    assert (found.family, found.tags) == (None, {})


def test_a_record_of_version_1_is_read_as_it_was_written_but_for_its_rating() -> None:
    stored = STORED.read_text("utf-8")
    found = RunRecord.model_validate_json(stored)
    expected = json.loads(stored)
    del expected["quality"]["rating"]
    expected["quality"] |= {"feasible_share": None, "times_blind": None, "delivered": None}
    expected["quality"] |= {"balanced_accuracy": None, "roc_area": None, "p_value": None}
    expected["algorithm"] |= {"learned": False, "until_descended": None}
    expected["problem"]["features"] |= {"field_share": None, "skewness": None}
    expected["algorithm"]["passed"] = []
    expected["seconds"]["quantum"] = None
    expected["others"] = []
    assert json.loads(written(found)) == expected
    assert found.family == "maxcut/field-free/qaoa"


def test_a_record_may_have_fields_that_this_release_does_not_know() -> None:
    stored = json.loads(STORED.read_text("utf-8"))
    assert RunRecord.model_validate(stored | {"later": 1}) == RunRecord.model_validate(stored)
    with pytest.raises(ValidationError, match="schema_version"):
        RunRecord.model_validate(stored | {"schema_version": 2})
