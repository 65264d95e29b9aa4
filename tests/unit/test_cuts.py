"""Cuts: the terms of a rotation, where a problem is cut, and how a run that is cut is planned."""

from __future__ import annotations

from itertools import product
from math import pi
from typing import Any

import numpy as np
import pytest

from quantum_pipeline.cutting.decomposition import Operation, overhead, terms
from quantum_pipeline.cutting.partition import crossing, partition
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.ising import IsingModel
from quantum_pipeline.planning.blocks import Room, spread
from quantum_pipeline.planning.cuts import cut_plan
from quantum_pipeline.planning.preparation import check
from quantum_pipeline.requests.algorithm import SettledCut
from quantum_pipeline.requests.request import parse_request
from tests.planned import planned
from tests.unit.two_squares import REQUEST, width

Z = np.diag([1.0, -1.0])

BOTH = ["Garnet", "Emerald"]


def superoperator(operation: Operation) -> Any:
    """Return what takes vec(rho), row by row, to that of the operation's outcome."""
    if operation == "M":
        ups = [(np.eye(2) + sign * Z) / 2 for sign in (1, -1)]
        return np.kron(ups[0], ups[0]) - np.kron(ups[1], ups[1])
    turn = np.diag(np.exp([-1j * operation * pi / 4, 1j * operation * pi / 4]))
    return np.kron(turn, turn.conj())


@pytest.mark.parametrize("theta", [0.0, 0.3, -1.1, pi / 2, 2.5])
def test_the_terms_add_up_to_the_rotation(theta: float) -> None:
    rng = np.random.default_rng(0)
    rho = rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4))
    rotation = np.diag(np.exp(-0.5j * theta * np.array([1, -1, -1, 1])))
    found = np.zeros((2, 2, 2, 2), dtype=complex)  # i, j of the one qubit's ket, the other's, bras
    for coefficient, one, other in terms(theta):
        first, second = (superoperator(each).reshape((2,) * 4) for each in (one, other))
        found += coefficient * np.einsum(
            "acef,bdgh,egfh->abcd", first, second, rho.reshape((2,) * 4)
        )

    assert found.reshape(4, 4) == pytest.approx(rotation @ rho @ rotation.conj().T)
    weight = sum(abs(term.coefficient) for term in terms(theta))
    assert overhead(theta) == pytest.approx(weight**2)


def fewest(model: IsingModel, width: int, depth: int) -> int | None:
    """Return the fewest couplings between parts that fit, of all ways to label the variables."""
    best = None
    for labels in product(range(3), repeat=model.n_variables):
        parts = [[v for v, label in enumerate(labels) if label == k] for k in range(3)]
        cut = crossing(model, parts)
        ends = {v for i, j, _ in cut for v in (i, j)}
        fits = all(len(p) + (depth - 1) * len(ends.intersection(p)) <= width for p in parts)
        if fits and (best is None or len(cut) < best):
            best = len(cut)
    return best


@pytest.mark.parametrize(("seed", "width", "depth"), [(0, 4, 1), (1, 4, 1), (2, 3, 1), (3, 5, 2)])
def test_no_partition_cuts_fewer_couplings(seed: int, width: int, depth: int) -> None:
    rng, n = np.random.default_rng(seed), 7
    pairs = [(i, j) for i in range(n) for j in range(i) if rng.random() < 0.4]
    model = IsingModel.from_spins([0.0] * n, [(i, j, 1.0) for i, j in pairs])

    found = partition(model, width, depth=depth, most=6)

    assert found is not None
    assert sorted(v for part in found for v in part) == list(range(n))
    assert len(crossing(model, found)) == fewest(model, width, depth)


def path(*strengths: float) -> IsingModel:
    return IsingModel.from_spins(
        [0.0] * (len(strengths) + 1), [(k, k + 1, J) for k, J in enumerate(strengths)]
    )


def test_of_equally_few_couplings_the_weakest_is_cut() -> None:
    assert partition(path(1, 1, 0.1, 1, 1), 4, depth=1, most=1) == ((0, 1, 2), (3, 4, 5))
    assert partition(path(1, 0.1, 1, 1, 1), 4, depth=1, most=1) == ((0, 1), (2, 3, 4, 5))


def test_parts_that_are_apart_are_cut_for_nothing() -> None:
    apart = IsingModel.from_spins([0.0] * 7, [(0, 1, 1.0), (2, 3, 1.0), (4, 5, 1.0)])

    assert partition(apart, 4, depth=1, most=0) == ((0, 1, 2, 3), (4, 5, 6))


def test_later_layers_need_room_for_ancillas() -> None:
    assert partition(path(1, 1, 1), 2, depth=1, most=4) == ((0, 1), (2, 3))
    assert partition(path(1, 1, 1), 2, depth=2, most=2) is None
    assert partition(path(1, 1, 1), 3, depth=2, most=4) == ((0, 1), (2, 3))


def asked(algorithm: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**REQUEST, "algorithm": algorithm, **more}


def test_a_run_is_cut_where_it_takes_the_fewest_gates() -> None:
    found = planned(asked({"cut": "auto"}), **width(5))

    algorithm = found.request.algorithm
    assert isinstance(algorithm, SettledCut)
    assert [part.variables for part in algorithm.parts] == [(0, 1, 2, 3), (4, 5, 6, 7)]
    assert {part.device for part in algorithm.parts} == {"Garnet"}
    [batch] = found.plan.batches
    assert (batch.executables, batch.shots) == (100, 10)  # 12 circuits, the rest are copies
    plan = cut_plan(found.request)
    assert plan is not None
    assert (plan.gates, plan.circuits, plan.widths, plan.most) == (1, 12, (4, 4), 9.0)


def test_a_cut_run_is_read_back_as_it_was_written() -> None:
    request = planned(asked({"cut": "auto"}), **width(5)).request

    assert type(request).model_validate_json(request.model_dump_json()) == request


def test_a_circuit_that_fits_is_not_cut() -> None:
    found = planned(asked({"cut": "auto"}), **width(8))

    assert not isinstance(found.request.algorithm, SettledCut)
    assert found.reasons.algorithm.words.endswith("its 8 qubits fit Garnet, so nothing is cut")


def test_without_program_sets_no_circuit_has_a_copy() -> None:
    [batch] = planned(asked({"cut": "auto"}), **width(5, max_executables=1)).plan.batches

    assert (batch.executables, batch.shots) == (12, 83)


@pytest.mark.parametrize(
    ("algorithm", "more", "said"),
    [
        (
            {"cut": 0},
            {},
            "got 0; allowed: up to 4; 8 variables .* 5 qubits, .* 1 gate cut",
        ),
        ({"cut": 1, "depth": 2}, {}, "got 1; .* take 2 gates cut at depth 2"),
        ({"cut": "auto"}, {"shots": 20}, "shots: got 20; allowed: 24 or more: 2 of each of 12 cir"),
        ({"cut": 1, "max_depth": 3}, {}, "max_depth: got 3; allowed: depth as a number"),
        ({"cut": 1, "optimizer": "spsa"}, {}, "optimizer: .* allowed: auto, l-bfgs-b or none"),
        ({"cut": 1, "warm_start": "relaxed"}, {}, "warm_start: .* allowed: none with cut"),
        ({"cut": 1, "cvar_alpha": 0.5}, {}, "cvar_alpha: .* allowed: nothing with cut"),
        ({"cut": 1, "train_on": "device"}, {}, "train_on: .* allowed: exact with cut"),
        ({"cut": 1, "block_size": 4}, {}, "block_size: got 4; allowed: nothing here; .* of divide"),
        ({"cut": 1, "penalty": 2.0}, {}, "penalty: .* nothing here; .* of problems with groups"),
        (
            {"cut": 1, "name": "divide"},
            {},
            "cut: got 1; allowed: nothing here; cut is .* of qaoa and rqaoa",
        ),
        ({"cut": 1, "max_rounds": 2}, {}, "max_rounds: got 2; .* of divide, and of rqaoa with cut"),
        ({"cut": 1, "name": "rqaoa"}, {}, "of 8 variables rqaoa fixes none, the last 12 are enum"),
        ({"cut": 1}, {"mitigation": {"readout": True}}, "readout: got true; allowed: false where"),
        ({"cut": 1}, {"device": "local"}, "cut: got 1; allowed: nothing on local"),
        ({"cut": 0}, {"device": BOTH}, "5 qubits, those of Garnet and Emerald, take 1 gate cut"),
        ({"cut": 1}, {"device": ["garnet", "sv1"]}, "a list of QPUs alone, which SV1 is not"),
    ],
)
def test_what_does_not_go_with_cuts_is_refused(
    algorithm: dict[str, Any], more: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidRequest, match=said):
        planned(asked(algorithm, **more), **width(5))


def test_devices_that_hold_the_whole_are_not_asked_for_parts() -> None:
    with pytest.raises(InvalidRequest, match=r"one of them .*: each holds all 8 qubits uncut"):
        planned(asked({"cut": 1}, device=BOTH), **width(8))


def test_each_part_is_planned_on_a_device_of_several() -> None:
    found = planned(asked({"cut": 1}, device=BOTH), **width(5))

    algorithm = found.request.algorithm
    assert isinstance(algorithm, SettledCut)
    assert [part.device for part in algorithm.parts] == ["Garnet", "Emerald"]
    shares = [found.plan, *(other.plan for other in found.others)]
    assert [(each.tasks, each.shots) for each in shares] == [(1, 500), (1, 500)]
    plan = cut_plan(found.request)
    assert plan is not None
    assert "into parts of 4 on Garnet, 4 on Emerald qubits" in plan.words()
    dearest = max(device.usd_per_shot for device in (found.device, found.others[0].device))
    tasks_and_shots = sum(item.usd for item in found.cost.items if item.kind != "instance")
    assert tasks_and_shots == pytest.approx(2 * 0.30 + 1000 * dearest)  # wherever they go


def test_a_part_goes_where_it_is_done_first() -> None:
    rooms = [Room(name, 20, 0.0, 5.0, 1.0) for name in ("one", "other")]

    assert spread([4, 4, 4], rooms, [36, 6, 12]) == [[0], [1, 2]]
    assert spread([4, 9], [rooms[0]._replace(qubits=5), rooms[1]], [6, 6]) == [[0], [1]]
    assert spread([4, 4], [rooms[0]._replace(queue_seconds=90.0), rooms[1]], [6, 6]) == [[], [0, 1]]


RINGS = [[k + i, k + (i + 1) % 7] for k in (0, 7) for i in range(7)]


@pytest.mark.parametrize(
    ("algorithm", "qubits", "rounds", "words"),
    [
        ({}, 8, 2, "1 gate, into parts of 7, 7 qubits: 12 circuits, and so in up to 2 rounds"),
        ({"max_rounds": 1}, 8, 1, "1 gate, into parts of 7, 7 qubits: 12 circuits; sampling"),
        ({}, 20, 2, "0 gates, into one part of 14 qubits: 1 circuit, and so in up to 2 rounds"),
    ],
)
def test_rounds_of_recursive_qaoa_are_planned_as_long_as_variables_are_left_to_fix(
    algorithm: dict[str, Any], qubits: int, rounds: int, words: str
) -> None:
    problem = {"type": "maxcut", "edges": [*RINGS, [0, 7]]}
    request = asked({"name": "rqaoa", "cut": "auto", **algorithm}, problem=problem)
    found = planned(request, **width(qubits))
    [batch] = found.plan.batches
    assert batch.times == rounds
    assert found.plan.shots == 1000 * rounds
    plan = cut_plan(found.request)
    assert plan is not None
    assert words in plan.words()


def test_a_round_takes_a_simulator_as_long_as_the_circuits_of_qaoa() -> None:
    more = {"problem": {"type": "maxcut", "edges": [*RINGS, [0, 7]]}, "device": "sv1"}
    once, twice = (
        planned(asked({"name": name, "cut": 1, "depth": 1}, **more), n_qubits=8, max_shots=50_000)
        for name in ("qaoa", "rqaoa")
    )
    assert twice.plan.seconds == pytest.approx(2 * once.plan.seconds)


@pytest.mark.parametrize("rounds", [0, 101])
def test_rounds_that_cannot_be_measured_are_refused(rounds: int) -> None:
    problem = {"type": "maxcut", "edges": [*RINGS, [0, 7]]}
    algorithm = {"name": "rqaoa", "cut": "auto", "max_rounds": rounds}
    with pytest.raises(InvalidRequest, match=f"max_rounds: got {rounds}; allowed: 1 to 100 in"):
        planned(asked(algorithm, problem=problem), **width(8))


def test_settings_are_refused_before_any_device_is_asked() -> None:
    check(parse_request(asked({"cut": "auto"})))
    with pytest.raises(InvalidRequest, match=r"algorithm\.depth"):
        check(parse_request(asked({"cut": "auto", "depth": "auto"})))
