"""Chooses the engine for a circuit: numpy, or compiled kernels where they save time.

Nobody with a few variables waits for a compiler: numpy does them in less time than the compiled
engine takes to start, which is an import and a fraction of a second of LLVM. The figures behind the
choice are those of one machine (``measured`` prints this one's); only their ratio matters.
"""

from __future__ import annotations

import importlib.util
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.ising import statevector
from quantum_pipeline.planning import memory
from quantum_pipeline.spaces import Space
from quantum_pipeline.spaces import statevector as spaces
from quantum_pipeline.spaces.mixers import Mixer
from quantum_pipeline.spaces.statevector import is_of_qubits

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]

EVALUATIONS_A_START = 40
"""Evaluations that a start of the optimiser usually takes."""

START_SECONDS = 0.5
"""From nothing to compiled kernels."""

NUMPY_SECONDS = (8e-5, 6e-9)
"""Of an energy and gradient per layer: always, and per amplitude and qubit."""

COMPILED_SECONDS = (6e-6, 5e-10)

LOOPS_SECONDS = 3.0
"""From nothing to compiled loops over the states of a space."""

STEP_SECONDS = (1e-7, 1e-8)
"""Of an energy and gradient on a space per state, layer and group, by numpy and compiled.

Exactly k of n count as min(k, n - k)^2 groups."""

FEWEST_QUBITS = 7
"""The compiled engine's fewest."""


class Engine(Protocol):
    """A QAOA circuit with a diagonal cost C, and what can be asked of its state.

    Angles have shape (2, depth): gammas, then betas; gradients have the same.
    """

    @property
    def n_qubits(self) -> int:
        """Number of qubits, n."""

    def energy(self, angles: Real) -> float:
        """Return <psi|O|psi> of the observable O: the cost, unless another was given."""

    def energy_and_gradient(self, angles: Real) -> tuple[float, Real]:
        """Return <psi|O|psi> and its derivatives."""

    def tail_and_gradient(self, angles: Real, alpha: float) -> tuple[float, Real]:
        """Return the mean of C over the lowest ``alpha`` of the probability, and derivatives."""

    def state(self, angles: Real) -> Complex:
        """Return |psi>, shape (2^n,)."""

    def probabilities(self, angles: Real) -> Real:
        """Return the probability of each bitstring, shape (2^n,)."""


@dataclass(frozen=True)
class Choice:
    """An engine, its name (numpy or compiled), and a sentence why, with its figures."""

    engine: Engine
    name: str
    because: str


def engine_for(
    cost: Real, observable: Real | None = None, *, evaluations: int, depth: int
) -> Choice:
    """Return the engine that needs the least time for a number of gradients at a depth.

    ``cost`` and ``observable`` have shape (2^n,). The compiled one keeps the states of all layers
    where half of the free memory holds them.
    """
    n_qubits = cost.size.bit_length() - 1
    slow, fast = (seconds(each, n_qubits, depth) for each in (NUMPY_SECONDS, COMPILED_SECONDS))
    # Whether or not the kernels run already: a job that starts again must choose as the first one
    # did, whose numbers are in its journal.
    saved = evaluations * (slow - fast) - START_SECONDS
    counted = f"{evaluations} evaluations of {n_qubits} qubits at depth {depth}"
    if n_qubits < FEWEST_QUBITS:
        reason = f"compiled kernels begin at {FEWEST_QUBITS} qubits, these are {n_qubits}"
        return Choice(statevector.Qaoa(cost, observable), "numpy", reason)
    if importlib.util.find_spec("llvmlite") is None:
        reason = "llvmlite, which compiles the kernels, is not installed"
        return Choice(statevector.Qaoa(cost, observable), "numpy", reason)
    if saved <= 0:
        reason = (
            f"{counted} take about {evaluations * slow:.2g} s; compiled kernels would need "
            f"{evaluations * fast:.2g} s, but {START_SECONDS:.2g} s to start"
        )
        return Choice(statevector.Qaoa(cost, observable), "numpy", reason)
    from hybrid_job.engines import compiled  # noqa: PLC0415 (numpy alone suffices for most small problems)

    kept = memory.compiled_bytes(
        n_qubits,
        depth,
        symmetric=compiled.is_symmetric(cost),
        kept=True,
        observable=observable is not None,
    )
    engine = compiled.Qaoa(cost, observable, kept=kept <= free_bytes() // 2)
    reason = (
        f"{counted} take about {START_SECONDS + evaluations * fast:.2g} s with compiled kernels, "
        f"their start included; numpy would need {evaluations * slow:.2g} s"
    )
    return Choice(engine, "compiled", reason)


class Circuit(Protocol):
    """What of an engine training and sampling need."""

    def energy_and_gradient(self, angles: Real) -> tuple[float, Real]:
        """Return the energy and its derivatives at angles of shape (2, depth)."""

    def tail_and_gradient(self, angles: Real, alpha: float) -> tuple[float, Real]:
        """Return the mean of the lowest ``alpha`` of the probability, and derivatives."""

    def probabilities(self, angles: Real) -> Real:
        """Return the probability of each state."""


class OnSpace(NamedTuple):
    """An engine of the states of a space, and a sentence which it is and why."""

    engine: Circuit
    words: str


def engine_on(
    space: Space,
    energies: Real,
    observable: Real | None = None,
    *,
    mixer: Mixer,
    evaluations: int,
    depth: int,
) -> OnSpace:
    """Return the engine that needs the least time for a number of gradients at a depth.

    ``energies`` are those of all states, shape (n_states,), and ``observable`` what is measured,
    if it is not they. Where these are all bitstrings of some qubits, it is an engine of qubits,
    whose mixers are the same.
    """
    if is_of_qubits(space) and observable is not None:
        reason = "numpy: compiled kernels have the tail of what turns the phases alone"
        return OnSpace(statevector.Qaoa(energies, observable), reason)
    if is_of_qubits(space):
        chosen = engine_for(energies, evaluations=evaluations, depth=depth)
        return OnSpace(chosen.engine, f"{chosen.name}: {chosen.because}")
    turns = sum(
        1 if group.ones is None else min(group.ones, len(group.bits) - group.ones) ** 2
        for group in space.groups
    )
    counted = f"{evaluations} evaluations of {space.n_states:,} states at depth {depth}"
    steps = evaluations * depth * turns * float(space.n_states)
    slow, fast = (each * steps for each in STEP_SECONDS)
    if mixer != "complete" or observable is not None:
        reason = "numpy: compiled loops are for the complete mixer alone"
    elif importlib.util.find_spec("numba") is None:
        reason = "numpy: numba, which compiles the loops, is not installed"
    elif slow - fast <= LOOPS_SECONDS:
        reason = f"numpy: {counted} take about {slow:.2g} s; to compile loops takes longer"
    else:
        from hybrid_job.engines import product  # noqa: PLC0415 (the import compiles)

        words = f"compiled: {counted} take about {LOOPS_SECONDS + fast:.2g} s with compiled loops"
        return OnSpace(product.Qaoa(space, energies), f"{words}; numpy would need {slow:.2g} s")
    return OnSpace(spaces.Qaoa(space, energies, observable, mixer=mixer), reason)


def seconds(figures: tuple[float, float], n_qubits: int, depth: int) -> float:
    """Return the time of one energy and gradient: (a + b n 2^n) depth.

    >>> seconds((1e-3, 1e-9), 20, 3) > 0.05
    True
    """
    always, each = figures
    return depth * (always + each * n_qubits * float(1 << n_qubits))


def free_bytes() -> int:
    """Return the memory that this process may still take, as far as the system reports it."""
    page = os.sysconf("SC_PAGE_SIZE")
    name = "SC_AVPHYS_PAGES" if "SC_AVPHYS_PAGES" in os.sysconf_names else "SC_PHYS_PAGES"
    free = page * os.sysconf(name)
    limit, used = (Path("/sys/fs/cgroup", f"memory.{x}") for x in ("max", "current"))
    if limit.exists() and used.exists() and limit.read_text().strip() != "max":
        free = min(free, int(limit.read_text()) - int(used.read_text()))
    return max(free, 0)


def measured() -> dict[str, float]:
    """Return this machine's seconds: the start, and each engine's gradient at 8 and 16 qubits."""
    began = time.perf_counter()
    from hybrid_job.engines import compiled  # noqa: PLC0415 (part of what is measured)

    rng = np.random.default_rng(1)
    angles = rng.normal(size=(2, 2))
    small, large = (rng.integers(-5, 6, 2**n).astype(np.float64) for n in (8, 16))
    compiled.Qaoa(small).energy(angles)
    found = {"start": time.perf_counter() - began}
    for name, cost in (("8", small), ("16", large)):
        for engine in (statevector.Qaoa(cost), compiled.Qaoa(cost)):
            times = []
            for _ in range(5):
                began = time.perf_counter()
                engine.energy_and_gradient(angles)
                times.append(time.perf_counter() - began)
            kind = "numpy" if isinstance(engine, statevector.Qaoa) else "compiled"
            found[f"{kind} {name}"] = min(times)
    return found
