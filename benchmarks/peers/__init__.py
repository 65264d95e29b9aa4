"""The peers, one module each, found by name; to add a peer, add a module.

A module has ``NEEDS``, the package that must be importable, and ``Peer``, made from a problem and
a depth. All simulate  prod_k exp(-i beta_k sum X) exp(-i gamma_k C) |+>^n  exactly, in double
precision, with angles of shape (2, depth): gammas, then betas.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.problem import Problem

Real = NDArray[np.float64]

EXACT, DIFFERENCES = 1e-8, 1e-4
"""How far a gradient may be from another's: an analytic one, and one by finite differences."""

STEP = 1e-7


class Competitor(Protocol):
    """One simulator, set up for circuits of one depth of one problem."""

    how: str
    """The form in which it computes, in a few words."""
    tolerance: float
    """How far its gradient may be from an exact one."""

    def energy(self, angles: Real) -> float: ...

    def energy_and_gradient(self, angles: Real) -> tuple[float, Real]: ...


Maker = Callable[[Problem, int], Competitor]


def known() -> list[str]:
    """Return all peers that there is a module for."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def chosen(names: Iterable[str] | None) -> dict[str, Maker | None]:
    """Return what makes each peer, None where it is not installed; all peers if none is named."""
    return {name: load(name) for name in (known() if names is None else names)}


def load(name: str) -> Maker | None:
    """Return what makes the peer; None if its package is not installed.

    A name with a dot is a module of your own, anywhere on the path.
    """
    module = importlib.import_module(name if "." in name else f"{__name__}.{name}")
    if importlib.util.find_spec(module.NEEDS) is None:
        return None
    peer: Maker = module.Peer
    return peer


def shifted(angles: Real) -> list[Real]:
    """Return the angles, and the angles with each of them a step further: 2 depth + 1 in all."""
    steps = STEP * np.eye(angles.size).reshape(-1, *angles.shape)
    return [angles, *(angles + steps)]


def forward_differences(energies: list[float], angles: Real) -> tuple[float, Real]:
    """Return energy and gradient from the energies at the ``shifted`` angles, in their order."""
    energy, *further = energies
    return energy, ((np.array(further) - energy) / STEP).reshape(angles.shape)
