"""Which engine is chosen, and the memory that is computed before."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray

from hybrid_job.engines import choice, compiled
from hybrid_job.engines.choice import Choice, Engine, engine_for
from quantum_pipeline.ising import statevector
from quantum_pipeline.planning.memory import compiled_bytes, reference_bytes, run_bytes

Real = NDArray[np.float64]


@pytest.fixture(autouse=True)
def not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a fresh process, where the kernels still have to be compiled."""
    monkeypatch.delitem(sys.modules, "hybrid_job.engines.compiled", raising=False)


def cost_of(n: int) -> Real:
    return np.random.default_rng(n).normal(size=1 << n)


def chosen(n: int, evaluations: int, depth: int = 3) -> Choice:
    return engine_for(cost_of(n), evaluations=evaluations, depth=depth)


def test_few_variables_wait_for_no_compiler() -> None:
    code = """if True:
        import sys
        import numpy as np
        from hybrid_job.engines.choice import engine_for
        choice = engine_for(np.arange(256.0), evaluations=300, depth=3)
        choice.engine.energy_and_gradient(np.ones((2, 3)))
        print(choice.name, "numba" in sys.modules, "llvmlite" in sys.modules)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["numpy", "False", "False"]


def test_many_amplitudes_are_compiled_even_for_few_evaluations() -> None:
    assert chosen(18, 20).name == "compiled"


def test_more_evaluations_pay_for_the_start() -> None:
    assert chosen(12, 100).name == "numpy"
    assert chosen(12, 10_000).name == "compiled"


def test_the_choice_does_not_depend_on_what_was_started_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "hybrid_job.engines.compiled", compiled)
    assert chosen(12, 100).name == "numpy"


def test_two_qubits_are_too_few_for_the_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hybrid_job.engines.compiled", compiled)
    choice = chosen(2, 10**6)
    assert choice.name == "numpy"
    assert "7 qubits" in choice.because


def test_without_llvmlite_numpy_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    choice = chosen(15, 10**6)
    assert choice.name == "numpy"
    assert "llvmlite" in choice.because


def test_the_reason_has_the_figures() -> None:
    assert chosen(8, 50).because == (
        "50 evaluations of 8 qubits at depth 3 take about 0.014 s; compiled kernels would "
        "need 0.0011 s, but 0.5 s to start"
    )


def test_layers_are_kept_only_where_memory_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    enough = 2 * compiled_bytes(15, 4, symmetric=False, kept=True)
    sizes = []
    for free in (enough, enough - 1):
        monkeypatch.setattr(choice, "free_bytes", lambda free=free: free)
        evaluate = chosen(15, 10**4, depth=4).engine.energy_and_gradient
        sizes.append(peak_of(partial(evaluate, np.ones((2, 4)))))
    assert sizes[0] - sizes[1] == pytest.approx(2 * 16 * 2**15, rel=0.1)  # 3 states, or 1


def test_free_memory_is_a_sensible_number() -> None:
    assert 2**20 < choice.free_bytes() < 2**50


def peak_of(action: Callable[[], object]) -> int:
    tracemalloc.start()
    action()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_reference_allocates_no_more_than_was_computed() -> None:
    cost, angles = np.round(cost_of(15)), np.ones((2, 2))

    peak = peak_of(lambda: statevector.Qaoa(cost).energy_and_gradient(angles))

    assert reference_bytes(15) / 2 < peak <= reference_bytes(15)


def test_depth_costs_memory_only_where_layers_are_kept() -> None:
    kept = [compiled_bytes(24, p, symmetric=False, kept=True) for p in (1, 2, 8)]
    undone = [compiled_bytes(24, p, symmetric=False) for p in (1, 2, 8)]
    state = 16 * 2**24
    assert np.diff(kept) / state == pytest.approx([1, 6], rel=0.01)
    assert np.diff(undone) / state == pytest.approx([1, 0], abs=0.01)


def test_half_a_state_is_enough_for_a_problem_without_fields() -> None:
    halved = compiled_bytes(24, 3, symmetric=True)
    assert halved == pytest.approx(compiled_bytes(24, 3, symmetric=False) / 2, rel=0.02)


def test_twenty_six_qubits_run_within_six_gibibytes() -> None:
    assert run_bytes(26, 1, symmetric=True) < 6 * 2**30


def test_both_engines_are_engines() -> None:
    cost, angles = cost_of(8), 0.3 * np.ones((2, 1))
    engines: list[Engine] = [statevector.Qaoa(cost), compiled.Qaoa(cost)]
    first, second = ([each.n_qubits, each.energy(angles)] for each in engines)
    assert first == pytest.approx(second, abs=1e-13)
