"""The energy without noise, from energies at several scales of it.

    linear        E(s) = E0 + c s                    least squares with the weights 1 / variance
    richardson    the polynomial through all points  E0 = sum_k E_k prod_{l != k} s_l / (s_l - s_k)
    exponential   E(s) = E_inf + (E0 - E_inf) exp(-b s), weighted likewise; E_inf is the energy of
                  the maximally mixed state

Whatever the form, ``weights`` are the derivatives of E0 by the energies, by which their errors
carry over. The exponential is left for the straight line where it has nothing to go by: the energy
of the least noise is not told from E_inf, or the decay runs to the end of what is allowed.

Source: K. Temme, S. Bravyi and J. Gambetta, "Error mitigation for short-depth quantum circuits",
Phys. Rev. Lett. 119, 180509 (2017); S. Endo, S. Benjamin and Y. Li, "Practical quantum error
mitigation for near-future applications", Phys. Rev. X 8, 031027 (2018).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from hybrid_job.on_device.mitigating.readout import Real
from quantum_pipeline.mitigation import Extrapolation

DECAYS = (-1.0, 3.0)
"""Smallest and largest b: below, noise would make the energy better; above, it leaves 5 % of it."""

SIGNIFICANT = 2.0
"""Standard errors that the energy of the least noise must be away from E_inf."""


@dataclass(frozen=True)
class Extrapolated:
    """E0, its derivatives by the energies, and why another form was taken than was asked for."""

    energy: float
    weights: Real
    fallback: str | None = None


def extrapolated(
    method: Extrapolation, scales: Real, energies: Real, variances: Real, asymptote: float
) -> Extrapolated:
    """Return the energy at scale 0.

    ``scales``, ``energies`` and ``variances`` have the shape (points,). Fewer than two different
    scales leave nothing to extrapolate: the energy of the least noise is returned, and said so.

    >>> points = np.array([1.0, 3.0])
    >>> made = extrapolated("linear", points, np.array([-3.0, -1.0]), np.ones(2), 0.0)
    >>> round(made.energy, 9), made.weights.round(9).tolist()
    (-4.0, [1.5, -0.5])
    """
    if method == "none" or len(set(scales.tolist())) < 2:
        least = np.zeros(len(scales))
        least[np.argmin(scales)] = 1
        why = None if method == "none" else f"no {method} extrapolation: there is one noise scale"
        return Extrapolated(float(least @ energies), least, why)
    if method == "richardson" and len(set(scales.tolist())) == len(scales):
        return _weighted(_richardson(scales), energies)
    # Shots that all agree leave no variance, and yet must not outweigh all others.
    importance = 1 / np.maximum(variances, 1e-6 * variances.max() or 1.0)
    if method == "exponential":
        found = _exponential(scales, energies - asymptote, importance)
        if not isinstance(found, str):
            b, amplitude = found
            return Extrapolated(
                asymptote + amplitude, _exponential_weights(scales, b, amplitude, importance)
            )
        line = _weighted(_linear(scales, importance), energies)
        return Extrapolated(line.energy, line.weights, f"linear in place of exponential: {found}")
    line = _weighted(_linear(scales, importance), energies)
    if method == "richardson":
        why = "linear in place of richardson: gates are too few for scales that differ"
        return Extrapolated(line.energy, line.weights, why)
    return line


def _weighted(weights: Real, energies: Real) -> Extrapolated:
    return Extrapolated(float(weights @ energies), weights)


def _richardson(scales: Real) -> Real:
    others = [np.delete(scales, k) for k in range(len(scales))]
    return np.array([np.prod(o / (o - s)) for s, o in zip(scales, others, strict=True)])


def _linear(scales: Real, importance: Real) -> Real:
    powers = np.stack([np.ones(len(scales)), scales], axis=1)
    weighted = powers.T * importance
    weights: Real = np.linalg.solve(weighted @ powers, weighted)[0]
    return weights


def _exponential(scales: Real, signal: Real, importance: Real) -> tuple[float, float] | str:
    """Return b and E0 - E_inf of the least squares, or why there are none."""
    least = np.argmin(scales)
    if abs(signal[least]) * np.sqrt(importance[least]) < SIGNIFICANT:
        return "the energy is not told from that of the mixed state"

    def amplitude(b: float) -> float:
        decay = np.exp(-b * scales)
        return float((importance * decay) @ signal / (importance @ decay**2))

    def misfit(b: float) -> float:
        return float(importance @ (signal - amplitude(b) * np.exp(-b * scales)) ** 2)

    # The misfit may have several valleys: the best of a grid, then its own.
    grid = np.linspace(*DECAYS, 81)
    best = int(np.argmin([misfit(b) for b in grid]))
    if best in (0, len(grid) - 1):
        return "the energy does not decay with the noise"
    around = (grid[best - 1], grid[best + 1])
    b = float(minimize_scalar(misfit, bounds=around, method="bounded", options={"xatol": 1e-10}).x)
    return b, amplitude(b)


def _exponential_weights(scales: Real, b: float, amplitude: float, importance: Real) -> Real:
    decay = np.exp(-b * scales)
    slopes = np.stack([decay, -amplitude * scales * decay], axis=1)
    weighted = slopes.T * importance
    weights: Real = np.linalg.solve(weighted @ slopes, weighted)[0]
    return weights
