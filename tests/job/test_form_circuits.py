"""Circuits of forms: against dense matrices, on families of chips, and their numbers of gates."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest
from braket.circuits import Circuit

from hybrid_job.on_device.compilation import compile_circuit
from hybrid_job.on_device.forms.circuit import form_circuit
from hybrid_job.on_device.forms.preparation import prepare
from quantum_pipeline.planning.forms import circuit_size
from quantum_pipeline.requests.mitigation import Noise
from quantum_pipeline.spaces import Form, Group, Polynomial, Space
from quantum_pipeline.spaces.encoding import Encoding
from quantum_pipeline.spaces.mixers import Mixer
from quantum_pipeline.spaces.statevector import Qaoa
from tests.job.devices_by_hand import FAMILIES, device, line, probabilities, vector
from tests.unit.dense_spaces import BETAS, GAMMAS, SPACES, dense_state


def two_qubit_gates(circuit: Circuit) -> int:
    return sum(len(each.target) == 2 for each in circuit.instructions)


def places(space: Space) -> list[int]:
    bits = space.bits(range(space.n_states)).tolist()
    return [int("".join(map(str, row)), 2) for row in bits]


@pytest.mark.parametrize("n", range(1, 8))
def test_a_group_is_prepared_in_equal_parts_of_all_its_patterns(n: int) -> None:
    for ones in range(n + 1):
        circuit = Circuit()
        prepare(circuit, Group(tuple(range(n)), ones))
        equal = np.zeros(2**n)
        for chosen in combinations(range(n), ones):
            equal[sum(1 << (n - 1 - k) for k in chosen)] = comb(n, ones) ** -0.5
        np.testing.assert_allclose(vector(circuit, range(n)).ravel(), equal, atol=1e-12)


def test_preparations_take_few_gates_on_two_qubits() -> None:
    """W states 2 n - 3; of Dicke states less than 5 k n, by how many planning counts them."""

    def gates(n: int, ones: int) -> int:
        circuit = Circuit()
        prepare(circuit, Group(tuple(range(n)), ones))
        return two_qubit_gates(circuit)

    assert [gates(n, 1) for n in (2, 3, 4, 8)] == [1, 3, 5, 13]
    assert [gates(n, n - 1) for n in (3, 4, 8)] == [3, 5, 13]
    assert [gates(4, 2), gates(6, 3), gates(8, 2), gates(8, 6)] == [11, 31, 39, 39]


@pytest.mark.parametrize("mixer", ["pairs", "ring"])
@pytest.mark.parametrize("name", ["exactly one", "exactly two", "all but one"])
def test_the_circuit_is_that_of_xy_hamiltonians_on_all_qubits(name: str, mixer: Mixer) -> None:
    """With a cost of products of up to four spins; but for a global phase."""
    space, rng = SPACES[name], np.random.default_rng(4)
    n = space.n_bits
    products = [
        (chosen, float(rng.normal()))
        for order in range(1, min(n, 4) + 1)
        for chosen in combinations(range(n), order)
        if rng.random() < 0.5
    ]
    spins = 1 - 2 * space.bits(range(space.n_states)).astype(float)
    costs = sum((c * spins[:, list(each)].prod(axis=1) for each, c in products), np.zeros(()))
    cost = Polynomial.of(products, spins=True)
    state = vector(form_circuit(space, cost, [GAMMAS, BETAS], mixer), range(n)).ravel()
    dense = dense_state(space, np.asarray(costs), mixer)
    assert abs(np.vdot(dense, state[places(space)])) == pytest.approx(1, abs=1e-12)


def test_products_that_begin_alike_share_what_makes_their_parity() -> None:
    """Of 0123 and 0124 one parity of three: 4 CX and two ZZ, where apart it were 8 and two."""
    space = Space(tuple(Group((k,)) for k in range(5)))
    cost = Polynomial.of([((0, 1, 2, 3), 1.0), ((0, 1, 2, 4), 2.0)], spins=True)
    assert two_qubit_gates(form_circuit(space, cost, [[0.1], [0.2]], "ring")) == 4 + 2


@pytest.mark.usefixtures("few_tries")
@pytest.mark.parametrize("family", ["IQM", "Rigetti", "IonQ", "AQT"])
def test_on_each_maker_of_chips_the_circuit_samples_its_state(family: str) -> None:
    """W state, a product of three, exchanges: on a line, in native gates alone."""
    space = Space((Group((0, 1, 2), 1), Group((3,))))
    cost = Polynomial.of([((0, 3), 0.7), ((1, 2, 3), -0.4), ((2,), 0.3)], spins=True)
    chip = device(5, line(5), family)
    angles = np.array([[0.8], [0.5]])
    circuit = form_circuit(space, cost, angles.tolist(), "ring")
    compiled = compile_circuit(circuit, chip, noise=Noise(), seed=1)
    names = {each.operator.name.lower() for each in compiled.circuit.instructions}
    assert names <= set(FAMILIES[family])
    found = probabilities(compiled, chip)
    wanted = Qaoa(space, cost.over(space), mixer="ring").probabilities(angles)
    np.testing.assert_allclose(found[places(space)], wanted, atol=1e-9)
    assert found.sum() == pytest.approx(found[places(space)].sum(), abs=1e-9)


@pytest.mark.parametrize("mixer", ["pairs", "ring"])
def test_planning_counts_the_gates_that_the_circuit_has(mixer: Mixer) -> None:
    """Each ZZ and exchange as two; a Dicke state by its bound."""
    space = Space((Group((0, 1, 2, 3), 1), Group((4, 5, 6), 1), Group((7,))))
    products = [((i, j), 1.0 + i + j) for i in range(4) for j in range(4, 7)]
    encoding = Encoding.of(Form(space, Polynomial.of([*products, ((0, 4, 7), 3.0)])))
    circuit = form_circuit(space, encoding.cost(1.0, ()), [[0.3] * 2, [0.2] * 2], mixer)
    twice = sum(each.operator.name in ("ZZ", "XY") for each in circuit.instructions)
    counted = circuit_size(encoding, mixer, 2)
    assert counted.pairs == two_qubit_gates(circuit) + twice


def test_where_all_qubits_are_coupled_those_with_the_best_readout_are_taken() -> None:
    """No layout is searched for among all 36, which took minutes."""
    chip = device(36, None, "IonQ")
    space = Space((Group((0, 1, 2), 1),))
    circuit = form_circuit(
        space, Polynomial.of([((0, 1), 1.0)], spins=True), [[0.3], [0.2]], "ring"
    )
    compiled = compile_circuit(circuit, chip, noise=Noise(), seed=1)
    best = sorted(chip.qubits, key=lambda each: -(each.readout_fidelity or 0.0))[:3]
    assert set(compiled.qubits) == {each.number for each in best}
