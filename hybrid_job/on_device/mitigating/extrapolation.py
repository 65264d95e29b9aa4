"""Extrapolates energies at several noise scales to zero noise.

    linear        E(s) = E0 + c s                    least squares with the weights 1 / variance
    richardson    the polynomial through all points  E0 = sum_k E_k prod_{l != k} s_l / (s_l - s_k)
    exponential   E(s) = E_inf + (E0 - E_inf) f / (c + (1 - c) f),  f = exp(-b s), weighted likewise

with E_inf the energy of the maximally mixed state and c the part of its shots that are accepted:
1 without a symmetry, and then this is a mere decay. Where mixed shots are left out, the rest is the
part f of the shots that no error has struck, and c of the others.

Whatever the form, ``weights`` are the derivatives of E0 by the energies, by which their errors
carry over. The exponential gives way to the straight line where the data do not determine it: the
energy of the least noise is indistinguishable from E_inf, the decay runs to the end of what is
allowed, b is within two standard errors of 0, or the error of E0 exceeds |E - E_inf| at the least
noise. Where b is not significant, c < 1 may leave it undetermined, and E0 with an error
beyond all bounds; for a slow decay the line is the same to first order, and has 1.6 times an
energy's error at the scales 1 and 3. A mean of all scales would have a smaller one, but be off by a
slope that was merely not seen.

Source: K. Temme, S. Bravyi and J. Gambetta, "Error mitigation for short-depth quantum circuits",
Phys. Rev. Lett. 119, 180509 (2017); S. Endo, S. Benjamin and Y. Li, "Practical quantum error
mitigation for near-future applications", Phys. Rev. X 8, 031027 (2018).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize_scalar

from hybrid_job.on_device.mitigating.readout import Real
from quantum_pipeline.requests.mitigation import Extrapolation, Form

DECAYS = (-1.0, 3.0)
"""Smallest and largest b: below, noise would make the energy better; above, it leaves 5 % of it."""

SIGNIFICANT = 2.0
"""Standard errors that the energy of the least noise must be away from E_inf, and b from 0."""


@dataclass(frozen=True)
class Extrapolated:
    """E0, its derivatives by the energies, and the form that was taken: None for a mere energy.

    ``fallback`` says why another form was taken than was asked for.
    """

    energy: float
    weights: Real
    form: Form | None
    fallback: str | None = None


@dataclass(frozen=True)
class Mixed:
    """The maximally mixed state: its energy E_inf, and the part c of its shots that count."""

    energy: float
    accepted: float = 1.0


def extrapolated(
    method: Extrapolation, scales: Real, energies: Real, variances: Real, mixed: Mixed
) -> Extrapolated:
    """Return the energy at scale 0.

    ``scales``, ``energies`` and ``variances`` have the shape (points,). Fewer than two different
    scales leave nothing to extrapolate: the energy of the least noise is returned, and said so.

    >>> points = np.array([1.0, 3.0])
    >>> made = extrapolated("linear", points, np.array([-3.0, -1.0]), np.ones(2), Mixed(0.0))
    >>> round(made.energy, 9), made.weights.round(9).tolist()
    (-4.0, [1.5, -0.5])
    """
    if method == "none" or len(set(scales.tolist())) < 2:
        least = np.zeros(len(scales))
        least[np.argmin(scales)] = 1
        why = None if method == "none" else f"no {method} extrapolation: there is one noise scale"
        return Extrapolated(float(least @ energies), least, None, why)
    if method == "richardson" and len(set(scales.tolist())) == len(scales):
        return _weighted("richardson", _richardson(scales), energies)
    # Shots that all agree leave no variance, and yet must not outweigh all others.
    importance = 1 / np.maximum(variances, 1e-6 * variances.max() or 1.0)
    line = _weighted("linear", _linear(scales, importance), energies)
    if method == "exponential":
        found = _exponential(scales, energies, importance, mixed)
        if isinstance(found, Extrapolated):
            return found
        return replace(line, fallback=f"linear in place of exponential: {found}")
    if method == "richardson":
        why = "linear in place of richardson: gates are too few for scales that differ"
        return replace(line, fallback=why)
    return line


def _exponential(
    scales: Real, energies: Real, importance: Real, mixed: Mixed
) -> Extrapolated | str:
    """Return the exponential at scale 0, or why it has nothing to go by."""
    decay, signal = _Decay(scales, importance, mixed.accepted), energies - mixed.energy
    b = decay.fitted(signal)
    if isinstance(b, str):
        return b
    amplitude = decay.amplitude(b, signal)
    if not decay.is_resolved(b, amplitude):
        return "the decay is within two standard errors of none"
    weights = decay.weights(b, amplitude)
    if weights**2 @ (1 / importance) > signal[np.argmin(scales)] ** 2:
        return "its error is larger than what noise has left"
    return Extrapolated(mixed.energy + amplitude, weights, "exponential")


def _weighted(form: Form, weights: Real, energies: Real) -> Extrapolated:
    return Extrapolated(float(weights @ energies), weights, form)


def _richardson(scales: Real) -> Real:
    others = [np.delete(scales, k) for k in range(len(scales))]
    return np.array([np.prod(o / (o - s)) for s, o in zip(scales, others, strict=True)])


def _linear(scales: Real, importance: Real) -> Real:
    powers = np.stack([np.ones(len(scales)), scales], axis=1)
    weighted = powers.T * importance
    weights: Real = np.linalg.solve(weighted @ powers, weighted)[0]
    return weights


@dataclass(frozen=True)
class _Decay:
    """Least squares of (E0 - E_inf) f / (c + (1 - c) f) in E0 - E_inf and b."""

    scales: Real
    importance: Real
    accepted: float

    def fitted(self, signal: Real) -> float | str:
        """Return b, or why there is none."""
        least = np.argmin(self.scales)
        if abs(signal[least]) * np.sqrt(self.importance[least]) < SIGNIFICANT:
            return "the energy is indistinguishable from that of the mixed state"

        def misfit(b: Real) -> Real:
            shape = self._shape(b)
            rest = signal - self._amplitude(shape, signal)[..., None] * shape
            return np.asarray(rest**2 @ self.importance)

        # The misfit may have several valleys: the best of a grid, then its own.
        grid = np.linspace(*DECAYS, 81, dtype=np.float64)
        best = int(np.argmin(misfit(grid)))
        if best in (0, len(grid) - 1):
            return "the energy does not decay with the noise"
        around = (grid[best - 1], grid[best + 1])
        found = minimize_scalar(
            lambda b: float(misfit(b)), bounds=around, method="bounded", options={"xatol": 1e-10}
        )
        return float(found.x)

    def amplitude(self, b: float, signal: Real) -> float:
        """Return the best E0 - E_inf, in which the form is linear."""
        return float(self._amplitude(self._shape(b), signal))

    def _amplitude(self, shape: Real, signal: Real) -> Real:
        return np.asarray((shape * self.importance) @ signal / (shape**2 @ self.importance))

    def is_resolved(self, b: float, amplitude: float) -> bool:
        """Return whether b is significant: its variance is 1 / (S_bb - S_ab^2 / S_aa)."""
        slopes = self._slopes(b, amplitude)
        products = slopes.T * self.importance @ slopes
        hold = products[1, 1] - products[0, 1] ** 2 / products[0, 0]
        return bool(b**2 * hold > SIGNIFICANT**2)

    def weights(self, b: float, amplitude: float) -> Real:
        """Return the derivatives of E0 by the energies."""
        slopes = self._slopes(b, amplitude)
        weighted = slopes.T * self.importance
        weights: Real = np.linalg.solve(weighted @ slopes, weighted)[0]
        return weights

    def _slopes(self, b: float, amplitude: float) -> Real:
        """Return the derivatives of the form by E0 and by b, shape (points, 2)."""
        shape, f = self._shape(b), np.exp(-b * self.scales)
        by_b = -amplitude * self.scales * self.accepted * shape**2 / f
        return np.stack([shape, by_b], axis=1)

    def _shape(self, b: float | Real) -> Real:
        """Return the form at each scale, shape (points,), or (n, points) of n decays."""
        f = np.exp(-np.multiply.outer(b, self.scales))
        shape: Real = f / (self.accepted + (1 - self.accepted) * f)
        return shape
