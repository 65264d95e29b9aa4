"""Compute QAOA angles for MaxCut on d-regular graphs without short cycles.

    python -m scripts.fixed_angles            derives hybrid_job/optimising/data (minutes)
    python -m scripts.fixed_angles --check    evaluates what is stored, beside published ratios

At depth p an edge sees its neighbourhood of radius p. Where that is a tree, which it is in every
graph of girth above 2p + 1, <Z_u Z_v> is one number for all edges of all such graphs. Write it as
a sum over paths of the spins: a = (a_1..a_p; a'_1..a'_p) are a spin's values before each mixer, in
the ket and in the bra. A spin weighs a path with F_w, an edge with K, a branch of the tree with H:

    L(a, a_0) = 2^(-1/2) prod_k <a_(k+1)| exp(-i beta_k X) |a_k>,     a_(p+1) = a_0
    F_w(a, a') = sum_(a_0) w(a_0) L(a, a_0) conj L(a', a_0),          w = 1 or w = a_0
    K(a, a') = prod_k exp(-i gamma_k (a_k - a'_k))
    H_0 = 1,    H_m(a) = (sum_b F_1(b) H_(m-1)(b) K(a b))^(d-1)    (F_1: w = 1, F_z: w = a_0)
    <Z_u Z_v> = sum_(a, b) F_z(a) H_p(a) K(a b) F_z(b) H_p(b)

K depends on the products a_k b_k alone, so each sum over b is a convolution over Z_2^(2p), which
the Walsh-Hadamard transform makes a product: with a and a' as row and column, X -> W X W, and K
becomes a product of one factor (cos gamma_k, -i sin gamma_k) a layer and its conjugate. The
gradient goes the same way back. Cost: O(p 8^p), in about 8p matrix products.

Sources: Basso, Farhi, Marwaha, Villalonga, Zhou, arXiv:2110.14206 (the iteration);
Wurtz, Lykov, arXiv:2107.00677 (fixed angles and their guaranteed ratios).
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import hadamard
from scipy.optimize import minimize

from quantum_pipeline.ising.angles import interpolated

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]

FILE = Path(__file__).parents[1] / "hybrid_job" / "optimising" / "data" / "fixed_angles.json"
DEGREES = range(2, 9)
MAX_DEPTH = 8
"""Higher degrees lose digits from depth to depth: errors of a branch grow with its power d - 1."""

PUBLISHED = {1: 0.6925, 2: 0.7559, 3: 0.7924, 4: 0.8169, 5: 0.8364, 8: 0.8674}
"""Guaranteed ratios of 3-regular graphs by depth, Wurtz and Lykov: the tree's cut fractions."""


def cut_fraction(degree: int, angles: Real) -> tuple[float, Real]:
    """Return (1 - <Z_u Z_v>)/2 on the tree, and its derivatives, shape (2, depth).

    The convention is the pipeline's: exp(-i gamma C) with C = sum of Z_u Z_v over the edges.

    >>> best = [[math.atan(math.sqrt(1 / 2)) / 2], [-math.pi / 8]]
    >>> round(cut_fraction(3, np.array(best))[0], 10) == round(0.5 + 1 / 27**0.5, 10)
    True
    """
    depth = angles.shape[1]
    walsh = hadamard(2**depth).astype(np.complex128)
    paths = _paths(angles[1])
    spin = np.array([1.0, -1.0])
    even = paths @ paths.conj().T
    odd = (paths * spin) @ paths.conj().T
    phases = _phases(angles[0])
    kernel = np.outer(phases, phases.conj())

    branches, transformed, sums = [np.ones_like(even)], [], []
    for _ in range(depth):
        transformed.append(walsh @ (even * branches[-1]) @ walsh)
        sums.append(walsh @ (kernel * transformed[-1]) @ walsh)
        branches.append(sums[-1] ** (degree - 1))
    ends = walsh @ (odd * branches[-1]) @ walsh
    correlation = float(np.sum(kernel * ends**2).real)

    # Everything is analytic in the entries of even, odd and kernel: no conjugates on the way back.
    in_kernel = ends**2
    back = walsh @ (2 * kernel * ends) @ walsh
    in_odd, in_even = back * branches[-1], np.zeros_like(even)
    back = back * odd
    for branch, known, total in zip(branches[-2::-1], transformed[::-1], sums[::-1], strict=True):
        back = walsh @ (back * (degree - 1) * total ** (degree - 2)) @ walsh
        in_kernel += back * known
        back = walsh @ (back * kernel) @ walsh
        in_even += back * branch
        back = back * even
    gradient = np.empty_like(angles)
    for k in range(depth):
        changed = _phases(angles[0], k)
        gradient[0, k] = _both_sides(in_kernel, changed[:, None], phases[:, None])
        changed = _paths(angles[1], k)
        gradient[1, k] = _both_sides(in_even, changed, paths)
        gradient[1, k] += _both_sides(in_odd, changed * spin, paths)
    return (1 - correlation) / 2, -gradient / 2


def _both_sides(weights: Complex, changed: Complex, plain: Complex) -> float:
    """Return the change of  sum weights * (plain conj(plain)^T)  with plain's, in ket and bra."""
    ket = np.sum(changed * (weights @ plain.conj()))
    bra = np.sum(changed.conj() * (weights.T @ plain))
    return float((ket + bra).real)


def _paths(betas: Real, changed: int | None = None) -> Complex:
    """Return L, shape (2^depth, 2), or its derivative by one of the betas."""
    paths = np.full((1, 2), 2**-0.5, dtype=np.complex128)
    for k, beta in enumerate(betas):
        stay, flip = math.cos(beta), -1j * math.sin(beta)
        if k == changed:
            stay, flip = -math.sin(beta), -1j * math.cos(beta)
        mixer = np.array([[stay, flip], [flip, stay]])
        paths = (paths[:, :, None] * mixer).reshape(-1, 2)
    return paths


def _phases(gammas: Real, changed: int | None = None) -> Complex:
    """Return the transformed edge phases of the ket, shape (2^depth,), or a derivative of them."""
    factors = [np.array([math.cos(gamma), -1j * math.sin(gamma)]) for gamma in gammas]
    if changed is not None:
        gamma = gammas[changed]
        factors[changed] = np.array([-math.sin(gamma), -1j * math.cos(gamma)])
    return reduce(np.kron, factors)


def best_angles(degree: int, start: Real) -> tuple[float, Real]:
    """Return the greatest cut fraction near ``start``, and its angles."""
    shape, scale = start.shape, np.array([[math.sqrt(degree)], [1.0]])

    def objective(x: Real) -> tuple[float, Real]:
        fraction, gradient = cut_fraction(degree, x.reshape(shape) / scale)
        return -fraction, -(gradient / scale).ravel()

    options = {"ftol": 1e-15, "gtol": 1e-9, "maxiter": 1000}
    end = minimize(objective, (start * scale).ravel(), jac=True, method="L-BFGS-B", options=options)
    return -float(end.fun), end.x.reshape(shape) / scale


def derived() -> list[dict[str, Any]]:
    """Return the entries of the file: each depth starts from the one before, interpolated."""
    entries = []
    for degree in DEGREES:
        angles = np.array([[math.atan((degree - 1) ** -0.5) / 2], [-math.pi / 8]])
        for depth in range(1, MAX_DEPTH + 1):
            start = angles if depth == 1 else interpolated(angles)
            fraction, angles = best_angles(degree, start)
            print(f"degree {degree}, depth {depth}: {fraction:.6f}", file=sys.stderr)
            gammas, betas = np.round(angles, 7).tolist()
            entries.append(
                {
                    "degree": degree,
                    "depth": depth,
                    "cut_fraction": round(fraction, 10),
                    "gammas": gammas,
                    "betas": betas,
                }
            )
    return entries


def check(entries: list[dict[str, Any]]) -> int:
    """Print the table; return 1 where an entry is no maximum or differs from a publication."""
    wrong = 0
    print("degree depth  stored      computed    |gradient|  published")
    for entry in entries:
        degree, depth = entry["degree"], entry["depth"]
        fraction, gradient = cut_fraction(degree, np.array([entry["gammas"], entry["betas"]]))
        published = PUBLISHED.get(depth) if degree == 3 else None
        if degree == 2:
            published = (2 * depth + 1) / (2 * depth + 2)
        good = abs(fraction - entry["cut_fraction"]) < 1e-8 and np.abs(gradient).max() < 1e-4
        good &= published is None or abs(fraction - published) < 1e-3
        wrong += not good
        print(
            f"{degree:6} {depth:5}  {entry['cut_fraction']:.8f}  {fraction:.8f}  "
            f"{np.abs(gradient).max():.1e}     {'' if published is None else f'{published:.4f}'}"
            f"{'' if good else '  WRONG'}"
        )
    return int(wrong > 0)


def main() -> int:
    """Derive and write, or check."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="evaluate what is stored")
    if parser.parse_args().check:
        return check(json.loads(FILE.read_text("utf-8")))
    lines = ",\n".join(json.dumps(entry) for entry in derived())
    FILE.write_text(f"[\n{lines}\n]\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
