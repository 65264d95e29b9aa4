"""The classical baseline: what an ordinary computer finds for the same Ising model."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from hybrid_job.optimiser import typical_field
from quantum_pipeline.ising import IsingModel, energy_of
from quantum_pipeline.results import ClassicalSolution

ENUMERATED = 24
"""Most variables whose bitstrings are all listed; beyond, simulated annealing."""


def enumerate_all(
    model: IsingModel, spectrum: NDArray[np.float64], spectrum_seconds: float
) -> ClassicalSolution:
    """Return the proven optimum from the energy of every bitstring, shape (2^n,).

    ``spectrum`` may lack the offset; ``spectrum_seconds`` is what it took to compute.
    """
    began = time.monotonic()
    lowest, highest = int(spectrum.argmin()), int(spectrum.argmax())
    seconds = spectrum_seconds + time.monotonic() - began
    bits = f"0{model.n_variables}b"
    return ClassicalSolution(
        method="enumeration",
        bitstring=format(lowest, bits),
        energy=energy_of(model, format(lowest, bits)),
        worst_energy=energy_of(model, format(highest, bits)),
        proven=True,
        seconds=seconds,
    )


def anneal(
    model: IsingModel, rng: np.random.Generator, *, reads: int = 64, sweeps: int = 400
) -> ClassicalSolution:
    """Return the best of many simulated anneals, run side by side.

    Metropolis updates of one spin after the other, in all reads at once, while the temperature
    falls geometrically from the typical field on a spin times 3 to a hundredth of that.

    Cost: O(sweeps * n^2 * reads). Source: Kirkpatrick et al., Science 220, 671 (1983).
    """
    began = time.monotonic()
    n = model.n_variables
    couplings = np.zeros((n, n))
    for i, j, coupling in model.couplings:
        couplings[i, j] = couplings[j, i] = coupling
    spins = rng.choice([-1.0, 1.0], size=(n, reads))
    fields = np.asarray(model.fields)[:, None] + couplings @ spins
    hot = 3 * typical_field(model)
    for temperature in np.geomspace(hot, hot / 100, sweeps):
        # Accept dE = -2 s f with probability exp(-dE/T): compare to T log(uniform).
        thresholds = temperature * np.log1p(-rng.random((n, reads)))
        for i in range(n):
            flipped = np.where(2 * spins[i] * fields[i] > thresholds[i], 2 * spins[i], 0.0)
            spins[i] -= flipped
            fields -= couplings[:, i, None] * flipped
    local = (fields + np.asarray(model.fields)[:, None]) / 2
    best = spins[:, (spins * local).sum(axis=0).argmin()]
    bitstring = "".join("0" if spin > 0 else "1" for spin in best)
    return ClassicalSolution(
        method="simulated annealing",
        bitstring=bitstring,
        energy=energy_of(model, bitstring),
        worst_energy=None,
        proven=False,
        seconds=time.monotonic() - began,
    )
