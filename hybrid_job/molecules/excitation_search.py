"""Finds excitations and their amplitudes: UCCSD and ADAPT, minimised within limits.

UCCSD is the product of all single and double excitations out of Hartree-Fock, doubles first. ADAPT
starts with none and appends one at a time, that of the steepest descent, until no slope is left.
Either is minimised by L-BFGS-B in the coordinates theta_k sqrt(D_k), where D_k is twice the energy
that the excitation takes without correlation. There the energy is about equally curved in all
directions, and a handful of evaluations are enough.

Sources: Peruzzo et al., arXiv:1304.3061; Romero et al., arXiv:1701.02691 (UCCSD); Grimsley et al.,
arXiv:1812.11173 (ADAPT).
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_array

from hybrid_job.limits import LimitReached, evaluations_used, time_is_up
from hybrid_job.molecules.ansatz import Ansatz, Pool, sparse
from quantum_pipeline.chemistry.excitations import Excitation, rotation, singles_and_doubles
from quantum_pipeline.chemistry.hamiltonian import Hamiltonian
from quantum_pipeline.chemistry.integrals import Integrals
from quantum_pipeline.chemistry.sector import Sector
from quantum_pipeline.requests.algorithm import Ansatz as AnsatzName
from quantum_pipeline.requests.limits import Limit
from quantum_pipeline.results import Growth

Real = NDArray[np.float64]

LEAST_COST = 0.2
"""Least D_k in hartree, so that orbitals of nearly one energy do not make giant steps."""

SLOPE = 1e-3
"""Norm of the pool's gradient, in hartree, at which ADAPT stops: the paper's middle setting."""

GROWTH_TOLERANCE = 1e-8
"""Hartree that an appended excitation must gain."""

TIE = 1e-7
"""Relative difference of two slopes that is rounding; the earlier excitation is then chosen."""


@dataclass
class Budget:
    """What an optimisation may use, and what it did."""

    max_evaluations: int
    deadline: float
    history: list[float] = field(default_factory=list)
    slowest: float = 0.0

    def evaluate(self, ansatz: Ansatz, parameters: Real) -> tuple[float, Real]:
        """Return energy and gradient, or raise ``LimitReached``."""
        began = time.monotonic()
        if len(self.history) == self.max_evaluations:
            raise evaluations_used(self.max_evaluations)
        if self.history and began + self.slowest > self.deadline:
            raise time_is_up()
        energy, gradient = ansatz.energy_and_gradient(parameters)
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.history.append(energy)
        return energy, gradient


@dataclass
class Search:
    """A molecule's matrix and excitations, and the best product of them so far."""

    integrals: Integrals
    budget: Budget
    sector: Sector = field(init=False)
    matrix: csr_array = field(init=False)
    pool: list[Excitation] = field(init=False)
    energy: float = math.inf
    chosen: list[Excitation] = field(default_factory=list)
    parameters: Real = field(default_factory=lambda: np.zeros(0))
    growth: list[Growth] = field(default_factory=list)
    converged: bool = False
    stop_reason: str = ""
    stopped_by: Limit | None = None

    def __post_init__(self) -> None:
        self.sector = Sector.of(self.integrals)
        self.matrix = sparse(Hamiltonian.of(self.integrals, self.sector))
        self.pool = singles_and_doubles(self.sector)
        self._cost = excitation_costs(self.integrals, self.pool)

    def run(self, ansatz: AnsatzName, start: Real | None = None) -> None:
        """Minimise by the ansatz of that name until it has converged, or a limit ends it."""
        try:
            if ansatz == "uccsd":
                self.uccsd(start)
            else:
                self.adapt()
        except LimitReached as reached:
            self.converged, self.stop_reason, self.stopped_by = False, str(reached), reached.limit

    def minimise(self, ansatz: Ansatz, excitations: list[Excitation], start: Real) -> None:
        """Keep the best parameters from ``start`` on; where a limit ends it, those so far."""
        cost = dict(zip(self.pool, self._cost.tolist(), strict=True))
        scale = np.sqrt([cost[each] for each in excitations])

        def objective(x: Real) -> tuple[float, Real]:
            parameters = x / scale
            energy, gradient = self.budget.evaluate(ansatz, parameters)
            if energy < self.energy:
                self.energy, self.parameters = energy, parameters
                self.chosen = list(excitations)
            return energy, gradient / scale

        end = minimize(objective, start * scale, **L_BFGS_B)
        self.converged = bool(end.success)
        self.stop_reason = "L-BFGS-B: " + (
            "the energy does not fall any more" if end.success else str(end.message)
        )

    def uccsd(self, start: Real | None) -> None:
        """Minimise the product of all excitations, from ``start`` if that is below Hartree-Fock."""
        ansatz = Ansatz(self.matrix, (rotation(self.sector, each) for each in self.pool))
        zeros = np.zeros(ansatz.n_parameters)
        lower = start is not None and ansatz.energy(start) < ansatz.energy(zeros)
        self.minimise(ansatz, self.pool, start if start is not None and lower else zeros)

    def adapt(self) -> None:
        """Append the steepest excitation and minimise anew, until the pool's gradient is small."""
        pool = Pool(rotation(self.sector, each) for each in self.pool)
        ansatz, excitations = Ansatz(self.matrix), list[Excitation]()
        self.energy, _ = self.budget.evaluate(ansatz, self.parameters)
        while True:
            psi = ansatz.state(self.parameters)
            slopes = np.abs(pool.gradient(psi, self.matrix @ psi))
            norm, before = float(np.linalg.norm(slopes)), self.energy
            if norm < SLOPE:
                self.converged = True
                self.stop_reason = f"ADAPT: the gradient of the pool is below {SLOPE:g} hartree"
                return
            steepest = int(np.argmax(slopes > slopes.max() * (1 - TIE)))
            ansatz.append(pool.rotations[steepest])
            excitations.append(self.pool[steepest])
            self.minimise(ansatz, excitations, np.append(self.parameters, 0.0))
            self.growth.append(
                Growth(n_parameters=len(excitations), gradient_norm=norm, energy=self.energy)
            )
            if self.energy > before - GROWTH_TOLERANCE:
                self.converged = False
                self.stop_reason = "ADAPT: no single excitation lowers the energy any more"
                return


L_BFGS_B = {
    "method": "L-BFGS-B",
    "jac": True,
    "options": {"ftol": 1e-10, "gtol": 1e-5, "maxcor": 20, "maxiter": 10**6, "maxfun": 10**6},
}


def excitation_costs(integrals: Integrals, excitations: Sequence[Excitation]) -> Real:
    """Return D_k, at least ``LEAST_COST``: the curvature of the energy in each angle, roughly.

        D_k = 2 (sum of the created orbitals' energies - sum of the annihilated ones')

    The orbital energies are the diagonal of each spin's Fock matrix.
    """
    n = integrals.n_orbitals
    coulomb = np.einsum("ppqq->pq", integrals.eri)
    exchange = np.einsum("pqqp->pq", integrals.eri)
    up, down = ((np.arange(n) < k).astype(float) for k in (integrals.n_alpha, integrals.n_beta))
    energies = np.empty(2 * n)
    for spin, own in enumerate((up, down)):
        energies[spin::2] = np.diagonal(integrals.h) + coulomb @ (up + down) - exchange @ own
    costs = [
        2 * (energies[list(each.create)].sum() - energies[list(each.annihilate)].sum())
        for each in excitations
    ]
    return np.maximum(costs, LEAST_COST)
