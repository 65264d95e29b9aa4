"""Molecules whose integrals and energies a textbook prints."""

from __future__ import annotations

import numpy as np

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
