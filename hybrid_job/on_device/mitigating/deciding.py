"""Decides whether the mitigated or the raw energy counts, from circuits of known energy.

With r and m the errors of the raw and of the mitigated energy of k calibration circuits, and s_r,
s_m their statistical errors, the mitigated energy counts where its mean square is significantly
smaller:

    D = mean(r^2) - mean(m^2) > 1.645 sqrt(var D),   var D = sum(4 r^2 s_r^2 + 4 m^2 s_m^2
                                                                 + 2 s_r^4 + 2 s_m^4) / k^2

which by chance happens once in twenty where both are alike. In words D is given as the difference
of the root mean squares, which is D over their sum, and its uncertainty likewise. The largest error
that mitigation leaves there, max |m|, is assumed to remain in the circuit's own energy too, and
added to its stated error: what folding does not stretch errs to the same side everywhere, where the
root mean square would fall short of it every other time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal

from quantum_pipeline.results.device_run import Check

DOUBT = 1.645
"""Standard errors; of a normal variable, one in twenty lies above."""


@dataclass(frozen=True)
class Decision:
    """What counts, why in words, and the largest error that mitigation leaves on known circuits."""

    kept: Literal["raw", "mitigated"]
    because: str
    residual: float


def decided(checks: Sequence[Check], unit: str = "") -> Decision:
    """Return what counts; ``unit`` is written behind energies.

    >>> from quantum_pipeline.results.device_run import Estimated
    >>> raw = Estimated(energy=-2.0, standard_error=0.1)
    >>> better = Estimated(energy=-2.9, standard_error=0.1)
    >>> decided([Check(exact=-3.0, raw=raw, mitigated=better)]).kept
    'mitigated'
    """
    if not checks:
        return Decision("raw", "no calibration circuit has a known energy to judge by", 0.0)
    raw = [(each.raw.energy - each.exact, each.raw.standard_error) for each in checks]
    rest = [(each.mitigated.energy - each.exact, each.mitigated.standard_error) for each in checks]
    before, after = _mean_square(raw), _mean_square(rest)
    terms = (4 * (error * spread) ** 2 + 2 * spread**4 for error, spread in (*raw, *rest))
    doubt = DOUBT * sqrt(sum(terms)) / len(checks)
    many = "1 calibration circuit" if len(checks) == 1 else f"{len(checks)} calibration circuits"
    shown = f" {unit}" if unit else ""
    figures = (
        f"on {many} of known energy the error is {sqrt(after):.3g}{shown} mitigated and "
        f"{sqrt(before):.3g}{shown} raw (root mean square)"
    )
    residual = max(abs(error) for error, _ in rest)
    if before - after > doubt:
        return Decision("mitigated", figures, residual)
    if after >= before:
        larger = "larger" if after > before else "no smaller"
        return Decision("raw", f"{figures}: mitigation makes it {larger}", residual)
    apart = doubt / (sqrt(before) + sqrt(after))
    why = f"but their difference is within its error, {apart:.2g}{shown} ({DOUBT} standard errors)"
    return Decision("raw", f"{figures}, {why}", residual)


def _mean_square(errors: Sequence[tuple[float, float]]) -> float:
    return sum(error**2 for error, _ in errors) / len(errors)
