"""The compiled engine against the reference in numpy: each kind of cost, size and processor."""

from __future__ import annotations

import ctypes
import math
import platform
import tracemalloc
from typing import Any

import networkx as nx
import numpy as np
import pytest
from numpy.typing import NDArray

from hybrid_job.engines import compiled
from hybrid_job.engines.distinct import distinct, quantile
from hybrid_job.engines.kernels.language import REAL, VECTOR, Function
from hybrid_job.engines.kernels.machine import Machine, Processor, host
from hybrid_job.engines.kernels.phases import LARGEST_PHASE, cos_sin
from quantum_pipeline.ising import IsingModel, all_energies, statevector
from quantum_pipeline.planning.memory import TABLE, compiled_bytes

Array = NDArray[Any]

WHOLE, SPLIT = 11, 16
"""Qubits of a state that is one tile, and of one with columns."""

KINDS = ["few values", "thousands of values", "reals", "few values, symmetric", "reals, symmetric"]


def costs(n: int, kind: str) -> Array:
    rng = np.random.default_rng(n)
    size = 2**n // 2 if "symmetric" in kind else 2**n
    if kind.startswith("few"):
        values = rng.integers(-5, 6, size).astype(np.float64)
    elif kind.startswith("thousands"):
        values = rng.integers(-800, 800, size) / 200.0
    else:
        values = rng.normal(size=size)
    return np.concatenate([values, values[::-1]]) if "symmetric" in kind else values


def some_angles(depth: int, size: float = 0.4) -> Array:
    return size * np.random.default_rng(depth).normal(size=(2, depth))


def assert_same(ours: tuple[float, Array], theirs: tuple[float, Array]) -> None:
    assert ours[0] == pytest.approx(theirs[0], abs=1e-12)
    np.testing.assert_allclose(ours[1], theirs[1], atol=1e-10)


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "undone"])
@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [compiled.FEWEST_QUBITS, WHOLE, SPLIT])
def test_energy_gradient_and_state_are_those_of_the_reference(
    n: int, kind: str, depth: int, kept: bool
) -> None:
    cost, angles = costs(n, kind), some_angles(depth)
    reference, qaoa = statevector.Qaoa(cost), compiled.Qaoa(cost, kept=kept)

    expected = reference.energy_and_gradient(angles)

    assert_same(qaoa.energy_and_gradient(angles), expected)
    assert qaoa.energy(angles) == pytest.approx(expected[0], abs=1e-12)
    np.testing.assert_allclose(qaoa.state(angles), reference.state(angles), atol=1e-14)
    np.testing.assert_allclose(
        qaoa.probabilities(angles), reference.probabilities(angles), atol=1e-15
    )


@pytest.mark.parametrize("n", [compiled.FEWEST_QUBITS, SPLIT])
def test_one_engine_takes_costs_of_any_kind_one_after_the_other(n: int) -> None:
    qaoa = compiled.Qaoa(np.zeros(1 << n), lasting=False)
    for kind in KINDS:
        cost, angles = costs(n, kind), some_angles(2)
        qaoa.replace(cost)
        reference = statevector.Qaoa(cost)
        assert_same(qaoa.energy_and_gradient(angles), reference.energy_and_gradient(angles))
        probabilities = reference.probabilities(angles)
        np.testing.assert_allclose(qaoa.probabilities(angles), probabilities, atol=1e-15)


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "undone"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [WHOLE, SPLIT])
def test_another_observable_is_measured_in_the_same_state(n: int, kind: str, kept: bool) -> None:
    cost, angles = costs(n, kind), some_angles(2)
    observable = np.random.default_rng(9).normal(size=cost.size)

    qaoa = compiled.Qaoa(cost, observable, kept=kept)

    expected = statevector.Qaoa(cost, observable).energy_and_gradient(angles)
    assert_same(qaoa.energy_and_gradient(angles), expected)
    assert qaoa.energy(angles) == pytest.approx(expected[0], abs=1e-12)


@pytest.mark.parametrize("alpha", [0.02, 0.5, 1.0])
@pytest.mark.parametrize("kind", KINDS)
def test_tail_is_that_of_the_reference(kind: str, alpha: float) -> None:
    cost, angles = costs(WHOLE, kind), some_angles(2)
    for diagonals in ((cost,), (cost, -np.flip(cost) / 3)):  # of the cost, and of an observable
        expected = statevector.Qaoa(*diagonals).tail_and_gradient(angles, alpha)
        assert_same(compiled.Qaoa(*diagonals).tail_and_gradient(angles, alpha), expected)


@pytest.mark.parametrize("n", [WHOLE, WHOLE + 1, SPLIT])
@pytest.mark.parametrize("kind", KINDS)
def test_betas_of_any_size_are_folded(n: int, kind: str) -> None:
    cost = costs(n, kind)
    betas = [math.pi / 2, -math.pi / 4, 0.0, 2.5, -40.0, math.pi]
    angles = np.array([some_angles(6)[0], betas])
    reference, qaoa = statevector.Qaoa(cost), compiled.Qaoa(cost)

    assert_same(qaoa.energy_and_gradient(angles), reference.energy_and_gradient(angles))
    np.testing.assert_allclose(qaoa.state(angles), reference.state(angles), atol=1e-13)


def test_a_hundred_layers_at_the_largest_tangent_neither_overflow_nor_vanish() -> None:
    cost = costs(compiled.FEWEST_QUBITS, "reals")
    angles = np.full((2, 100), math.pi / 4)

    ours = compiled.Qaoa(cost).energy_and_gradient(angles)

    assert_same(ours, statevector.Qaoa(cost).energy_and_gradient(angles))


def test_phases_beyond_the_reach_of_the_kernels_are_right_too() -> None:
    cost = costs(compiled.FEWEST_QUBITS, "reals")
    angles = np.array([[10 * LARGEST_PHASE], [0.3]])

    ours = compiled.Qaoa(cost).energy_and_gradient(angles)

    assert ours[0] == statevector.Qaoa(cost).energy(angles)


def test_one_layer_cuts_the_known_fraction_of_a_cubic_graph_without_triangles() -> None:
    graph = nx.dodecahedral_graph()
    couplings = [(i, j, 0.5) for i, j in graph.edges]
    qaoa = compiled.Qaoa(all_energies(IsingModel.from_spins([0] * 20, couplings)))
    best = np.array([[math.atan(1 / math.sqrt(2))], [-math.pi / 8]])

    energy, gradient = qaoa.energy_and_gradient(best)

    assert 0.5 - energy / 30 == pytest.approx(0.5 + 1 / (3 * math.sqrt(3)), abs=1e-12)  # 0.69245
    np.testing.assert_allclose(gradient, 0, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_a_processor_without_wide_registers_computes_the_same(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = "x86-64" if platform.machine() in ("x86_64", "AMD64") else "generic"
    cost, angles = costs(SPLIT, kind), some_angles(3)
    expected = compiled.Qaoa(cost).energy_and_gradient(angles)

    monkeypatch.setattr(compiled, "host", lambda: Processor(plain, ""))

    assert_same(compiled.Qaoa(cost).energy_and_gradient(angles), expected)


@pytest.mark.parametrize("largest", [1.0, 1e4, LARGEST_PHASE])
def test_cosine_and_sine_are_right_to_the_last_digits(largest: float) -> None:
    f = Function("both", x="ptr", c="ptr", s="ptr", count="i64")
    x, c, s, count = f.arguments
    with f.loop(0, count) as loop:
        cosine, sine = cos_sin(f, f.load(x, loop.index, VECTOR))
        f.store(cosine, c, loop.index)
        f.store(sine, s, loop.index)
    f.give()
    machine = Machine([f], host())
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, ctypes.c_int64)(machine.address("both"))
    angles = np.random.default_rng(0).uniform(-largest, largest, 80_000)
    angles[:8] = [0.0, math.pi / 4, -math.pi / 4, math.pi / 2, -math.pi, largest, -largest, 1e-300]
    found = np.empty((2, angles.size))

    call(angles.ctypes.data, found[0].ctypes.data, found[1].ctypes.data, angles.size // 8)

    np.testing.assert_allclose(found, [np.cos(angles), np.sin(angles)], rtol=0, atol=3e-16)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("kept", [True, False], ids=["kept", "undone"])
@pytest.mark.parametrize("depth", [1, 3])
def test_no_more_memory_is_allocated_than_was_computed(kind: str, kept: bool, depth: int) -> None:
    n = SPLIT
    cost, observable = costs(n, kind), costs(n, "reals")
    compiled.Qaoa(cost)  # compiles
    tracemalloc.start()

    qaoa = compiled.Qaoa(cost, observable, kept=kept)
    qaoa.energy_and_gradient(some_angles(depth))

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    symmetric = "symmetric" in kind
    computed = compiled_bytes(n, depth, symmetric=symmetric, kept=kept, observable=True)
    assert computed / 3 < peak <= computed


def test_index_of_distinct_values_gives_the_values_back() -> None:
    values = np.random.default_rng(2).integers(0, 300, 2**16).astype(np.float64)
    values[-1] = -7.5  # one that is met last

    table, index = distinct(values)

    assert index is not None
    assert index.dtype == np.uint16
    np.testing.assert_array_equal(table[index], values)


def test_too_many_values_make_no_table() -> None:
    rng = np.random.default_rng(6)
    many = np.floor(rng.uniform(0, 2 * TABLE, 64 * TABLE))
    assert distinct(many)[1] is None
    assert distinct(rng.normal(size=64))[1] is None


@pytest.mark.parametrize("alpha", [0.001, 0.37, 1.0])
@pytest.mark.parametrize("kind", ["spread", "one far away", "all the same"])
def test_quantile_is_that_of_the_sorted_values(kind: str, alpha: float) -> None:
    rng = np.random.default_rng(3)
    values, weights = rng.normal(size=50_000), rng.random(50_000)
    if kind == "one far away":
        values[7] = 1e9
    elif kind == "all the same":
        values[:] = -2.0

    order = np.argsort(values)
    below = np.cumsum(weights[order])
    expected = values[order][min(np.searchsorted(below, alpha * below[-1] * (1 - 1e-12)), 49_999)]

    assert quantile(values, weights, alpha) == expected


def test_an_array_of_another_layout_is_read_as_what_it_says() -> None:
    cost, angles = costs(WHOLE, "reals"), some_angles(1)

    qaoa = compiled.Qaoa(np.repeat(cost, 2)[::2])

    assert qaoa.energy(angles) == compiled.Qaoa(cost).energy(angles)


@pytest.mark.parametrize("size", [64, 200])
def test_sizes_that_the_kernels_cannot_do_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match=r"2\^n entries, n at least 7"):
        compiled.Qaoa(np.zeros(size))


def test_code_is_refused_where_it_is_not_well_formed() -> None:
    f = Function("wrong", REAL)
    f.give(f.value(1, "i64"))
    with pytest.raises(RuntimeError, match="result type"):
        Machine([f], host())
