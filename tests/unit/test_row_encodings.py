"""States of rows against textbook matrices and PennyLane; kernels against closed forms."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from quantum_pipeline.classification import kernels
from quantum_pipeline.classification.encodings import Encoding, EncodingName, Gate, ring
from tests.unit.gates_in_pennylane import put

Matrix = NDArray[Any]

X: Matrix = np.array([[0, 1], [1, 0]], dtype=np.complex128)
Y: Matrix = np.array([[0, -1j], [1j, 0]])
Z: Matrix = np.diag([1.0 + 0j, -1.0])
ENCODINGS: tuple[EncodingName, ...] = ("angle", "iqp", "reuploading")
RNG = np.random.default_rng(5)


def on(n_qubits: int, **matrices: Matrix) -> Matrix:
    """Return the Kronecker product of matrices by their qubits, q0 the first from the left."""
    made: Matrix = np.eye(1)
    for k in range(n_qubits):
        made = np.kron(made, matrices.get(f"q{k}", np.eye(2)))
    return made


def turn(generator: Matrix, angle: float) -> Matrix:
    identity = np.eye(len(generator))
    turned: Matrix = np.cos(angle / 2) * identity - 1j * np.sin(angle / 2) * generator
    return turned


def layer(name: EncodingName, x: NDArray[np.float64], entangled: bool) -> Matrix:
    """Return a layer as the module's first words have it, as one matrix."""
    n = len(x)
    made: Matrix = np.eye(2**n)
    for k in range(n):
        first = (X + Z) / np.sqrt(2) if name == "iqp" else turn(Y, x[k])
        second = np.eye(2) if name == "angle" else turn(Z, x[k])
        made = on(n, **{f"q{k}": second @ first}) @ made
    for j, k in ring(n) if entangled else []:
        both = on(n, **{f"q{j}": Z, f"q{k}": Z})
        ones = (np.eye(2**n) - on(n, **{f"q{j}": Z})) @ (np.eye(2**n) - on(n, **{f"q{k}": Z}))
        made = (turn(both, x[j] * x[k]) if name == "iqp" else np.eye(2**n) - ones / 2) @ made
    return made


@pytest.mark.parametrize("entangled", [True, False])
@pytest.mark.parametrize("name", ENCODINGS)
def test_states_are_those_of_textbook_matrices(name: EncodingName, entangled: bool) -> None:
    for n in (1, 2, 3, 4):
        for depth in (1, 3):
            rows = RNG.normal(size=(3, n))
            made = Encoding(name=name, n_qubits=n, depth=depth, entangled=entangled).states(rows)
            for row, state in zip(rows, made, strict=True):
                matrix = np.linalg.matrix_power(layer(name, row, entangled), depth)
                assert abs(state - matrix[:, 0]).max() < 1e-12


@pytest.mark.parametrize("name", ENCODINGS)
def test_gates_make_the_states_in_pennylane(name: EncodingName) -> None:
    import pennylane

    encoding = Encoding(name=name, n_qubits=7, depth=2)
    rows = RNG.normal(size=(2, 7))

    def state(row: NDArray[np.float64]) -> Any:
        for gate in encoding.gates(row):
            put(gate)
        return pennylane.state()

    node = pennylane.QNode(state, pennylane.device("default.qubit", wires=7))
    assert abs(encoding.states(rows) - [node(row) for row in rows]).max() < 1e-12


def test_rows_of_many_blocks_have_the_states_of_each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quantum_pipeline.classification.encodings.BLOCK", 64)
    encoding, rows = Encoding(name="reuploading", n_qubits=4, depth=2), RNG.normal(size=(11, 4))
    alone = [encoding.states(row[None])[0] for row in rows]
    assert abs(encoding.states(rows) - alone).max() < 1e-14


def test_gates_of_two_qubits_join_them_once() -> None:
    gates = list(Encoding(name="angle", n_qubits=2, depth=1).gates(np.array([0.5, 1.0])))
    assert gates == [Gate("ry", (0,), 0.5), Gate("ry", (1,), 1.0), Gate("cz", (0, 1))]


def test_fidelity_of_unentangled_angles_is_a_product_of_cosines() -> None:
    rows = RNG.normal(size=(9, 5))
    found = kernels.fidelities(Encoding(name="angle", n_qubits=5, depth=1, entangled=False), rows)
    closed = np.prod(np.cos((rows[:, None] - rows) / 2) ** 2, axis=2)
    assert abs(found - closed).max() < 1e-13


@pytest.mark.parametrize("name", ENCODINGS)
def test_fidelities_are_squared_overlaps_and_one_on_the_diagonal(
    name: EncodingName,
) -> None:
    encoding, rows = Encoding(name=name, n_qubits=4, depth=2), RNG.normal(size=(13, 4))
    states = encoding.states(rows)
    found = kernels.fidelities(encoding, rows)
    assert abs(found - abs(states.conj() @ states.T) ** 2).max() < 1e-13
    assert (found == found.T).all()
    assert (np.diag(found) == 1).all()
    assert found.max() == 1


@pytest.mark.parametrize("name", ENCODINGS)
def test_bloch_vectors_are_expectation_values(name: EncodingName) -> None:
    encoding, rows = Encoding(name=name, n_qubits=3, depth=2), RNG.normal(size=(4, 3))
    states = encoding.states(rows)
    wanted = [
        [(state.conj() @ on(3, **{f"q{k}": P}) @ state).real for k in range(3) for P in (X, Y, Z)]
        for state in states
    ]
    assert abs(kernels.bloch_vectors(encoding, rows) - wanted).max() < 1e-13


def test_distances_are_symmetric_and_zero_on_the_diagonal() -> None:
    points = RNG.normal(size=(8, 6))
    found = kernels.distances(points)
    assert abs(found - ((points[:, None] - points) ** 2).sum(axis=2)).max() < 1e-12
    assert (found == found.T).all()
    assert (np.diag(found) == 0).all()
