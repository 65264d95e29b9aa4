"""Optimises angles where each energy is a mean of shots: SPSA, COBYLA and NFT.

    spsa    two evaluations a step, whatever the depth: the difference along a random direction
            that is orthogonal to those before, as far as there are such
    cobyla  a linear model in a shrinking region: quick at first, stops where noise hides the slope
    nft     sequential minimal optimisation: one angle's curve is fitted, and its minimum taken

What can be measured at the same time is asked for in one batch, which a device takes as one task:
both sides of a difference, the points of a curve. None sees a gradient, and all are deterministic
for a seed and the energies that they get. Inside, gammas are measured by ``unit``, as in
``optimiser``; the scale of energies matters to none. What an optimiser has seen is biased, for it
goes where noise was low: the result is therefore measured once more, by itself.

Why ``nft`` is not quite Nakanishi's: there a parameter drives one gate, so its curve is a sinusoid.
An angle of QAOA drives all gates of its layer. For the last beta the curve is still short and
exact, since C has at most two Z a term, of which each turns at frequency 2:

    E(beta_p) = a_0 + sum_(k=1,2) a_k cos 2k beta_p + b_k sin 2k beta_p

Five points give it whole. Earlier betas act on an observable that later layers have spread over all
qubits, with frequencies up to 2n; those of a gamma are all differences of energies. No few points
give such a curve: there a parabola through three near ones is used, and its steps are bounded.

Sources: Spall, IEEE Trans. Aerosp. Electron. Syst. 34, 817 (1998), its directions by Choromanski et
al., arXiv:1804.02395; Powell (1994), in SciPy; Nakanishi, Fujii, Todo, arXiv:1903.12166.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from hybrid_job.limits import LimitReached, evaluations_used, time_is_up
from hybrid_job.optimising.optimiser import Optimum, Real
from quantum_pipeline.planning.optimiser_steps import CURVE, Method, spsa
from quantum_pipeline.requests.limits import Limit

Single = Callable[[Real], tuple[float, float]]
"""Mean energy of shots at angles of shape (2, depth), and its standard error."""

Estimate = Callable[[Sequence[Real]], Sequence[tuple[float, float]]]
"""The same at several angles, which are measured together."""

CURVATURE = 7.0
"""Second derivative of the energy by an angle near a minimum, in units, over how far the minimum is
below random bits: 5 to 8 of most models and depths."""

LONGEST = 0.15
"""Most that SPSA's first steps move an angle, root mean square, in units: a fifth of the ramp."""

DIFFERENCE = 0.1
"""Half the distance of SPSA's first two points: nearer ones differ by noise alone."""

REGION = 0.2
"""COBYLA's first region."""

ROUNDS = 4
"""Times that COBYLA starts anew."""

ROUNDING = 1e-9
"""Part of a curve's range that is rounding."""

WIDTH = 0.2
"""Distance of a parabola's first points from its centre."""


@dataclass
class ShotOptimum(Optimum):
    """The angles found; ``energy`` is one measurement's mean, made after they were chosen."""

    standard_error: float = math.inf


def one_by_one(estimate: Single) -> Estimate:
    """Return the estimate of several angles that measures one after the other."""
    return lambda batch: [estimate(angles) for angles in batch]


def minimise_shots(
    estimate: Estimate,
    start: Real,
    *,
    method: Method,
    unit: float,
    max_evaluations: int,
    deadline: float,
    rng: np.random.Generator,
) -> ShotOptimum:
    """Return angles of low mean energy near ``start``, shape (2, depth), and a fresh mean there.

    ``estimate`` gets at most ``max_evaluations`` angles, the last ones for the result, even where
    they were measured before. ``deadline`` is a time of ``time.monotonic``: no batch is begun that
    leaves no time for the result's, judged by how long those before took. All starts in
    ``history`` are 1. Where the estimate itself raises ``LimitReached``, the result is not
    measured once more: its energy is the last one seen, NaN without any, its error infinite.

    Energy reached from the ramp with 1000 shots an evaluation, at most 200 evaluations, over that
    of L-BFGS-B on exact gradients, mean of 10 models of 10 spins (``python -m benchmarks.shots``):

                          depth 1                    depth 3
                          spsa   cobyla  nft         spsa   cobyla  nft
        3-regular         1.000  .983    1.000       .991   .969    .987
        weighted          1.000  .980     .999       .997   .981    .994
        QUBO              1.000  .993     .999       .991   .986    .999
        evaluations         199    37       32        199     78     140
        100 shots, all     .999  .941     .995       .990   .933    .965
    """
    run = _Run(estimate, start, unit, max_evaluations, deadline)
    optimise = {"spsa": _spsa, "cobyla": _cobyla, "nft": _nft}[method]
    try:
        reason, stopped_by = optimise(run, rng), None
    except LimitReached as reached:
        reason, stopped_by = str(reached), reached.limit
    return run.result(reason, stopped_by)


class _Run:
    """Evaluations within limits, one kept for the result; ``at`` is the best guess, in units."""

    def __init__(
        self, estimate: Estimate, start: Real, unit: float, max_evaluations: int, deadline: float
    ) -> None:
        self._estimate, self._deadline = estimate, deadline
        self._max_evaluations = max_evaluations
        self._scale = np.array([[unit], [1.0]])
        self._slowest = 0.0
        self.at: Real = (start * self._scale).ravel()
        self.history: list[tuple[int, float]] = []

    @property
    def left(self) -> int:
        """Evaluations that are left to the optimiser."""
        return self._max_evaluations - 1 - len(self.history)

    def __call__(self, *points: Real) -> list[float]:
        """Return the estimates at angles in units, each of shape (2 * depth,)."""
        if self.left < len(points):
            raise evaluations_used(self._max_evaluations)
        if time.monotonic() + (len(points) + 1) * self._slowest >= self._deadline:
            raise time_is_up()
        return [energy for energy, _ in self._measure(points)]

    def _measure(self, points: Sequence[Real]) -> Sequence[tuple[float, float]]:
        began = time.monotonic()
        found = self._estimate([self.angles(x) for x in points])
        self._slowest = max(self._slowest, (time.monotonic() - began) / len(points))
        self.history += [(1, energy) for energy, _ in found]
        return found

    def angles(self, x: Real) -> Real:
        angles: Real = x.reshape(2, -1) / self._scale
        return angles

    def result(self, reason: str, stopped_by: Limit | None) -> ShotOptimum:
        try:
            [(energy, error)] = self._measure([self.at])
        except LimitReached as reached:
            energy, error = self.history[-1][1] if self.history else math.nan, math.inf
            reason, stopped_by = str(reached), reached.limit
        return ShotOptimum(
            angles=self.angles(self.at),
            energy=energy,
            history=self.history,
            converged=stopped_by is None,
            stop_reason=reason,
            stopped_by=stopped_by,
            standard_error=error,
        )


def _spsa(run: _Run, rng: np.random.Generator) -> str:
    """Take Newton's steps along random directions, by a curvature that needs no measurement.

    Along a direction whose square is the number of angles, the curvature is that number times
    CURVATURE times the energy, which the two points measure by the way; so noise that shrinks all
    energies alike changes no step. The largest energy so far counts, for a smaller one after a step
    that climbed would make the next step longer. A step moves angles by at most LONGEST, and fades
    as 1/(A + k)^0.602, differences as 1/k^0.101, k = 1, 2, ..., with A a quarter of the steps. The
    end is the mean of the last quarter, where steps only scatter.
    """
    steps = spsa(run.left)
    slow, depth = steps / 4, 0.0
    ends: list[Real] = []
    directions = _directions(run.at.size, rng)
    for k in range(1, max(1, steps) + 1):  # one is refused where none is left
        direction, width = next(directions), DIFFERENCE / k**0.101
        ahead, behind = run(*(run.at + sign * width * direction for sign in (1, -1)))
        depth = max(depth, abs(ahead + behind) / 2)
        newton = (ahead - behind) / (2 * width) / ((CURVATURE * run.at.size * depth) or 1.0)
        fade = ((1 + slow) / (k + slow)) ** 0.602
        run.at = run.at - fade * np.clip(newton, -LONGEST, LONGEST) * direction
        ends.append(run.at)
    run.at = np.mean(ends[-max(1, steps // 4) :], axis=0)
    return f"SPSA: all {steps} steps are made"


def _directions(size: int, rng: np.random.Generator) -> Iterator[Real]:
    """Yield random directions of length sqrt(size), each ``size`` of them orthogonal."""
    while True:
        basis, _ = np.linalg.qr(rng.standard_normal((size, size)))
        yield from math.sqrt(size) * basis.T


def _cobyla(run: _Run, _rng: np.random.Generator) -> str:
    """Go through ROUNDS, each from where the last one ended, with a region less wide at first.

    One round ends after a few dozen evaluations, most often before the minimum, where noise made
    the region shrink too soon; the next finds the slope again.
    """
    for round_ in range(ROUNDS):
        options = {"rhobeg": REGION * 0.75**round_, "tol": 0.03, "maxiter": 10**6}
        run.at = minimize(lambda x: run(x)[0], run.at, method="COBYLA", options=options).x
    return f"COBYLA: {ROUNDS} rounds ended with their region as small as asked for"


def _nft(run: _Run, _rng: np.random.Generator) -> str:
    """Go through the angles until a sweep moves none by a hundredth; points draw closer each time.

    The energy at the centre is what the last fit says, so that a parabola costs two evaluations
    and the last beta's curve four.
    """
    width, [centre], axes = WIDTH, run(run.at), np.eye(run.at.size)
    while True:
        before, moved = run.at, 0.0
        for index in range(run.at.size):
            if index == run.at.size - 1:
                shift, centre = _whole_curve(run, axes[index], centre)
            else:
                shift, centre = _parabola(run, width * axes[index], centre)
                shift *= width
            run.at = run.at + shift * axes[index]
            moved = max(moved, abs(shift))
        along = (run.at - before) / max(moved, 1e-9) * width
        shift, centre = _parabola(run, along, centre)
        run.at = run.at + shift * along
        if moved < 0.01:
            return "NFT: a sweep over all angles moves none by 0.01"
        width *= 0.9


def _parabola(run: _Run, step: Real, centre: float) -> tuple[float, float]:
    """Return the steps to the minimum of the parabola, at most two, and its energy."""
    behind, ahead = run(run.at - step, run.at + step)
    slope, bend = (ahead - behind) / 2, ahead + behind - 2 * centre
    shift = -slope / bend if bend > abs(slope) / 2 else -2.0 * float(np.sign(slope))
    return shift, centre + slope * shift + bend * shift**2 / 2


def _whole_curve(run: _Run, axis: Real, centre: float) -> tuple[float, float]:
    """Return the shift of the last beta to the minimum of its curve, period pi, and the energy."""
    shifts = np.linspace(0, math.pi, 1 + CURVE, endpoint=False, dtype=np.float64)
    values = [centre, *run(*(run.at + shift * axis for shift in shifts[1:]))]
    fit = np.linalg.solve(_waves(shifts), values)
    fine = np.linspace(-math.pi / 2, math.pi / 2, 2001, dtype=np.float64)
    curve = _waves(fine) @ fit
    lowest = _nearest_minimum(fine, curve)
    return float(fine[lowest]), float(curve[lowest])


def _nearest_minimum(shifts: Real, curve: Real) -> int:
    """Return where a curve is lowest; of minima that are equal but for rounding, the nearest to 0.

    Without fields the curve repeats itself within its period: rounding must not choose.
    """
    equal = curve <= curve.min() + ROUNDING * np.ptp(curve)
    return int(np.argmin(np.where(equal, np.abs(shifts), np.inf)))


def _waves(beta: Real) -> Real:
    waves = [np.ones_like(beta)]
    for k in (2, 4):
        waves += [np.cos(k * beta), np.sin(k * beta)]
    return np.stack(waves, axis=1)
