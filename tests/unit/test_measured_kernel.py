"""Kernels that a device measures: circuits, order of the entries, repair, plan, what is offered."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from quantum_pipeline.classification import kernels
from quantum_pipeline.classification.encodings import Encoding, EncodingName, overlap_gates
from quantum_pipeline.classification.measured import assembled, pairs_of
from quantum_pipeline.errors import BudgetExceeded, InvalidRequest
from quantum_pipeline.requests.mitigation import Mitigation
from tests.planned import planned
from tests.unit.gates_in_pennylane import put
from tests.unit.tables import table

RNG = np.random.default_rng(4)


@pytest.mark.parametrize("name", ["angle", "iqp", "reuploading"])
@pytest.mark.parametrize(("n", "depth"), [(1, 2), (2, 1), (4, 2)])
def test_all_zeros_are_as_probable_as_two_states_are_alike(
    name: EncodingName, n: int, depth: int
) -> None:
    import pennylane

    encoding = Encoding(name=name, n_qubits=n, depth=depth)
    x, y = RNG.normal(size=(2, n))
    gates = list(overlap_gates(encoding, x, y))

    def probabilities() -> Any:
        for gate in gates:
            put(gate)
        return pennylane.probs(wires=range(n))

    node = pennylane.QNode(probabilities, pennylane.device("default.qubit", wires=n))

    exact = abs(np.vdot(*encoding.states(np.array([x, y])))) ** 2
    assert node()[0] == pytest.approx(exact, abs=1e-12)
    entangling = sum(len(gate.qubits) == 2 for gate in gates)
    assert entangling < 2 * depth * len(encoding.pairs) or n == 1  # the middle is merged


@pytest.mark.parametrize("columns", [range(9), (1, 4, 7)])
def test_entries_in_order_are_put_back_where_they_belong(columns: range | tuple[int, ...]) -> None:
    encoding, places = Encoding(name="iqp", n_qubits=2, depth=2), np.array(columns)
    trained, tested = RNG.normal(size=(9, 2)), RNG.normal(size=(3, 2))
    pairs = pairs_of(trained, tested, places)
    exact = [
        float(abs(np.vdot(*encoding.states(np.array(each)))) ** 2)
        for each in zip(*pairs, strict=True)
    ]
    found = assembled(exact, 9, places)
    whole = kernels.fidelities(encoding, np.concatenate([trained, tested]))
    np.testing.assert_allclose(found.raw, whole[np.ix_(places, places)], atol=1e-12)
    np.testing.assert_allclose(found.trained, whole[:9][:, places], atol=1e-12)
    np.testing.assert_allclose(found.tested, whole[9:][:, places], atol=1e-12)


def test_a_repaired_matrix_is_positive_and_a_positive_one_is_left_as_it_is() -> None:
    points = RNG.normal(size=(12, 3))
    exact = np.exp(-kernels.distances(points))
    noise = np.triu(0.3 * RNG.normal(size=exact.shape), 1)
    noisy = np.clip(exact + noise + noise.T, 0, 1)
    assert np.linalg.eigvalsh(noisy)[0] < -0.1

    found = kernels.repaired(noisy)

    assert np.linalg.eigvalsh(found)[0] > -1e-12
    assert np.diag(found).tolist() == [1.0] * 12
    np.testing.assert_array_equal(found, found.T)
    np.testing.assert_array_equal(kernels.repaired(exact), exact)


def garnet(n_rows: int = 40, **more: Any) -> dict[str, Any]:
    algorithm = {"name": "kernel", **more.pop("algorithm", {})}
    return {"problem": table(n_rows), "device": "garnet", "algorithm": algorithm, **more}


@pytest.mark.parametrize(
    ("landmarks", "mitigation", "executables"),
    [(None, "none", 435 + 300), (None, "auto", 737), (6, "auto", 15 + 24 * 6 + 10 * 6 + 2)],
)
def test_every_entry_is_planned_once_before_anything_is_paid(
    landmarks: int | None, mitigation: str, executables: int
) -> None:
    asked = garnet(
        shots=100,
        algorithm={"landmarks": landmarks},
        mitigation=mitigation,
        limits={"max_cost_usd": 200.0},
    )
    found = planned(asked)
    (use,) = found.plan.uses
    assert (use.executables, use.shots) == (executables, 100 * executables)
    assert found.request.algorithm.kernel == "fidelity"
    assert found.request.mitigation == Mitigation(readout=mitigation == "auto")
    usd = sum(item.usd for item in found.cost.items if item.kind in ("shots", "tasks"))
    assert usd == pytest.approx(0.3 * use.tasks + 0.00145 * use.shots)


def test_what_costs_too_much_is_refused_with_what_would_fit() -> None:
    asked = garnet(shots=100, limits={"max_cost_usd": 40.0})
    with pytest.raises(BudgetExceeded) as refused:
        planned(asked, within_budget=True)
    assert "algorithm.landmarks up to 7 (Nystroem) or up to 24 rows" in str(refused.value)
    planned(asked | {"algorithm": {"name": "kernel", "landmarks": 7}}, within_budget=True)
    planned(asked | {"problem": table(24)}, within_budget=True)
    for more in ({"algorithm": {"name": "kernel", "landmarks": 8}}, {"problem": table(25)}):
        with pytest.raises(BudgetExceeded):
            planned(asked | more, within_budget=True)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (garnet(400), "problem: got 74,850 entries of the kernel to measure"),
        (garnet(mitigation={"zne": "linear"}), "mitigation.zne"),
        (garnet(mitigation={"symmetry": True}), "mitigation.symmetry"),
        (garnet(device="sv1", mitigation={"readout": True}), "SV1 makes no errors"),
        (garnet(algorithm={"kernel": "projected"}), "algorithm.kernel"),
        (garnet(algorithm={"name": "reuploading"}), "algorithm.name"),
    ],
)
def test_what_no_device_measures_is_refused_by_name(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        planned(asked)
    assert said in str(refused.value)
