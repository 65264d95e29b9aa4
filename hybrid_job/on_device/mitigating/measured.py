"""What the counts of one measurement tell: its energy raw, and with all that mitigation does.

In this order the readout is corrected, the shots that break the symmetry are left out, and the
noise is extrapolated away. Errors carry over to first order; those of the readout's probabilities,
which the energies at all noise scales share, are added up before they are squared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from hybrid_job.on_device.measurement import Counts, Setting
from hybrid_job.on_device.mitigating.estimates import Estimate, estimated, mixed_energy
from hybrid_job.on_device.mitigating.extrapolation import extrapolated
from hybrid_job.on_device.mitigating.folding import effective_scale
from hybrid_job.on_device.mitigating.readout import Misreading, Real
from quantum_pipeline.mitigation import Extrapolation
from quantum_pipeline.results.device_run import Estimated, ScaledEnergy


@dataclass(frozen=True)
class Rules:
    """What is done to each measurement: ``misread`` of all ``qubits``, None to leave it as read.

    ``asymptote`` is the energy of the maximally mixed state, None to compute it; ``lowest`` the
    lowest energy that there is, None where it is not known.
    """

    zne: Extrapolation
    scales: tuple[float, ...]
    qubits: tuple[int, ...]
    misread: Misreading | None
    asymptote: float | None
    lowest: float | None


@dataclass(frozen=True)
class Measured:
    """An energy without noise, and those that it was extrapolated from.

    ``notes`` say where something that was asked for was not done.
    """

    mitigated: Estimated
    scaled: tuple[ScaledEnergy, ...]
    notes: tuple[str, ...] = ()


def raw_energy(settings: Sequence[Setting], counts: Sequence[Counts]) -> Estimated:
    """Return the energy of all shots as they are read."""
    total = _energy([replace(each, accepted=None) for each in settings], counts, (), None)
    assert total is not None
    return Estimated(energy=total.energy, standard_error=sqrt(total.variance))


def mitigated_energy(
    settings: Sequence[Setting], counts: Sequence[Sequence[Counts]], rules: Rules
) -> Measured | None:
    """Return the energy at noise 0; ``counts`` has those of each scale, of each setting.

    None where at some scale too few shots obey the symmetry.
    """
    estimates: list[Estimate] = []
    for seen in counts:
        each = _energy(settings, seen, rules.qubits, rules.misread)
        if each is None:
            return None
        estimates.append(each)
    scales = [_scale(settings, scale) for scale in rules.scales]
    energies = np.array([each.energy for each in estimates])
    variances = np.array([each.variance for each in estimates])
    asymptote = rules.asymptote
    if asymptote is None:
        asymptote = sum(mixed_energy(each) for each in settings)
    found = extrapolated(rules.zne, np.array(scales), energies, variances, asymptote)
    slopes = np.tensordot(found.weights, np.array([each.slopes for each in estimates]), 1)
    error = _error(float(found.weights**2 @ variances), slopes, rules.misread)
    energy, notes = found.energy, [] if found.fallback is None else [found.fallback]
    if rules.lowest is not None and energy < rules.lowest:
        lowest = f"{rules.lowest:.6g}, the lowest that there is"
        notes.append(f"the mitigated energy comes to {energy:.6g} and counts as {lowest}")
        energy = rules.lowest
    return Measured(
        Estimated(energy=energy, standard_error=error),
        tuple(
            ScaledEnergy(
                scale=scale,
                energy=each.energy,
                standard_error=_error(each.variance, each.slopes, rules.misread),
                accepted=each.accepted,
            )
            for scale, each in zip(scales, estimates, strict=True)
        ),
        tuple(notes),
    )


def _energy(
    settings: Sequence[Setting],
    counts: Sequence[Counts],
    qubits: tuple[int, ...],
    misread: Misreading | None,
) -> Estimate | None:
    """Return the sum over the settings; its slopes are by the readout of all ``qubits``."""
    energy, variance, accepted = 0.0, 0.0, []
    slopes = np.zeros((len(qubits), 2))
    for setting, seen in zip(settings, counts, strict=True):
        bits = [qubits.index(each) for each in setting.compiled.qubits] if misread else []
        each = estimated(setting, seen, misread.of(bits) if misread else None)
        if each is None:
            return None
        energy, variance = energy + each.energy, variance + each.variance
        if misread:
            slopes[bits] += each.slopes
        if each.accepted is not None:
            accepted.append(each.accepted)
    part = sum(accepted) / len(accepted) if accepted else None
    return Estimate(energy, variance, slopes, part)


def _scale(settings: Sequence[Setting], scale: float) -> float:
    return sum(effective_scale(each.compiled, scale) for each in settings) / len(settings)


def _error(variance: float, slopes: Real, misread: Misreading | None) -> float:
    """Return the standard error of the shots and of the readout's probabilities together."""
    shared = 0.0 if misread is None else float(np.sum(slopes**2 * misread.variances))
    return sqrt(variance + shared)
