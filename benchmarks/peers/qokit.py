"""QOKit's C simulator of QAOA, with forward differences: 2 depth + 1 evaluations a gradient.

Its wheel has the compiled library at the top of site-packages, as an extension module named
``simulator``, where QOKit's loader does not look: it is given the path. Only the simulator is
imported, not the whole package, which needs toolkits of several companies.
"""

from __future__ import annotations

import importlib.util
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers import DIFFERENCES, forward_differences, shifted
from benchmarks.problem import Problem

Real = NDArray[np.float64]
NEEDS = "qokit"


class Peer:
    how, tolerance = "C simulator, forward differences", DIFFERENCES

    def __init__(self, problem: Problem, _depth: int) -> None:
        self.simulator = _simulator()(problem.n_qubits, costs=problem.cost)

    def energy(self, angles: Real) -> float:
        gammas, betas = angles
        state = self.simulator.simulate_qaoa(2 * gammas, betas)  # its phase is exp(-i gamma C / 2)
        return float(self.simulator.get_expectation(state))

    def energy_and_gradient(self, angles: Real) -> tuple[float, Real]:
        return forward_differences([self.energy(each) for each in shifted(angles)], angles)


def _simulator() -> Any:
    library = importlib.util.find_spec("simulator")
    found = importlib.util.find_spec("qokit")
    assert found
    if library is None or library.origin is None:
        raise FileNotFoundError("QOKit's wheel has no compiled simulator for this machine")
    if "qokit" not in sys.modules:
        package = ModuleType("qokit")
        package.__path__ = list(found.submodule_search_locations or ())
        package.__spec__ = found
        sys.modules["qokit"] = package
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # there is no CUDA here
        from qokit.fur.c.csim import libpath

        libpath.libpath = Path(library.origin)
        from qokit.fur.c.qaoa_simulator import QAOAFURXSimulatorC
    return QAOAFURXSimulatorC
