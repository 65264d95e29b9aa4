"""Warm starts: qubits are tilted towards a solution that a classical method found.

Qubit i starts in cos(t_i/2)|0> + sin(t_i/2)|1>, so that bit i is 1 with probability
c_i = sin(t_i/2)^2. Values near 0 or 1 leave a qubit nothing to explore: c is kept within
[epsilon, 1 - epsilon]. Source: Egger, Marecek, Woerner, arXiv:2009.10095.

A warm start is half a classical solution: what it gains is not all the circuit's. Probability of an
optimal bitstring in one shot at depth 3, n = 12 (``python -m benchmarks.warm_starts``):

    tilted by                     3-regular  weighted  QUBO  independent set  partition  portfolio
    nothing                          .36       .09     .21        .06           .017       .002
    the relaxation                   .74       .33     .62        .27           .015       .047
    bits of one local descent        .37       .10     .64        .01           .025       .001

Bits of a local minimum that is not the optimum hold the circuit there; the relaxation knows how
sure it is of each bit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hybrid_job.optimising.optimiser import typical_field
from quantum_pipeline.ising import IsingModel

Real = NDArray[np.float64]

EPSILON = 0.25
"""Least probability of either value of a bit, as Egger et al. take it."""

SWEEPS = 500
"""Most sweeps of the relaxation; a few dozen are usual."""


def tilts_of(probabilities: Real, epsilon: float = EPSILON) -> tuple[float, ...]:
    """Return t_i = 2 arcsin sqrt(c_i), with the probabilities c_i of a 1 kept off 0 and 1.

    >>> [round(tilt / np.pi, 6) for tilt in tilts_of(np.array([0.0, 0.5, 1.0]))]
    [0.333333, 0.5, 0.666667]
    """
    kept = np.clip(probabilities, epsilon, 1 - epsilon)
    return tuple((2 * np.arcsin(np.sqrt(kept))).tolist())


def tilts_of_bits(bitstring: str, epsilon: float = EPSILON) -> tuple[float, ...]:
    """Return the tilts of a bitstring: each bit keeps its value with probability 1 - epsilon."""
    return tilts_of(np.array([float(bit) for bit in bitstring]), epsilon)


def relaxed(model: IsingModel, rng: np.random.Generator) -> Real:
    """Return the probabilities of a 1 in a relaxed solution, shape (n,): unit vectors for spins.

    Each spin becomes a vector v_i of length 1 in k > sqrt(2 n) dimensions, fields couple to one
    more vector v_0, and

        E = sum_i h_i v_0.v_i + sum_(i<j) J_ij v_i.v_j

    is minimised by turning one vector at a time against its field: at this k nearly all local
    minima are those of the semidefinite relaxation. A spin's expectation is its share along v_0,
    or, without fields, along the direction in which the vectors spread most.
    Cost: O(sweeps n^2 k).
    Sources: Burer, Monteiro, Math. Program. 95, 329 (2003); Goemans, Williamson, J. ACM 42 (1995).
    """
    n = model.n_variables
    couplings = np.zeros((n + 1, n + 1))
    couplings[0, 1:] = couplings[1:, 0] = model.fields
    for i, j, coupling in model.couplings:
        couplings[i + 1, j + 1] = couplings[j + 1, i + 1] = coupling
    couplings /= typical_field(model)
    vectors = rng.normal(size=(n + 1, int(np.sqrt(2 * n)) + 2))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for _ in range(SWEEPS):
        turned = 0.0
        for i in range(n + 1):
            field = -couplings[i] @ vectors
            length = float(np.linalg.norm(field))
            if length > 1e-12:
                turned = max(turned, float(np.abs(field / length - vectors[i]).max()))
                vectors[i] = field / length
        if turned < 1e-6:
            break
    along = vectors[0] if any(model.fields) else np.linalg.svd(vectors[1:])[2][0]
    spins = vectors[1:] @ along
    probabilities: Real = (1 - spins) / 2
    return probabilities
