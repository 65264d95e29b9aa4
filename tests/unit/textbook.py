"""What textbooks have: a molecule's integrals, and the state of QAOA gate by gate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.chemistry.integrals import Integrals


def h2() -> Integrals:
    """H2 at 1.4 bohr in a minimal basis. Source: Szabo, Ostlund, Modern Quantum Chemistry."""
    eri = np.zeros((2, 2, 2, 2))
    eri[0, 0, 0, 0], eri[1, 1, 1, 1] = 0.6746, 0.6975
    eri[0, 0, 1, 1] = eri[1, 1, 0, 0] = 0.6636
    for p, q, r, s in ((0, 1, 0, 1), (0, 1, 1, 0), (1, 0, 0, 1), (1, 0, 1, 0)):
        eri[p, q, r, s] = 0.1813
    made = Integrals.of(
        np.diag([-1.2528, -0.4756]), eri, n_alpha=1, n_beta=1, n_core=0,
        nuclear_repulsion=1 / 1.4, core_energy=1 / 1.4, hartree_fock=0.0,
    )  # fmt: skip
    return made.model_copy(update={"hartree_fock": made.recomputed_hartree_fock()})


def qaoa_probabilities(
    energies: NDArray[np.float64], gammas: Sequence[float], betas: Sequence[float]
) -> NDArray[np.float64]:
    """Return |psi|^2 of all bitstrings: exp(-i gamma C), then exp(-i beta X) of each qubit."""
    n = energies.size.bit_length() - 1
    state: NDArray[Any] = np.full(energies.size, 2 ** (-n / 2), dtype=complex)
    for gamma, beta in zip(gammas, betas, strict=True):
        state = (state * np.exp(-1j * gamma * energies)).reshape((2,) * n)
        turn = np.array([[np.cos(beta), -1j * np.sin(beta)], [-1j * np.sin(beta), np.cos(beta)]])
        for qubit in range(n):
            state = np.moveaxis(np.tensordot(turn, state, (1, qubit)), 0, qubit)
        state = state.ravel()
    return np.asarray(np.abs(state) ** 2)
