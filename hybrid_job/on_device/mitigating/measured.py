"""Computes raw and mitigated energy from the counts of one measurement.

In this order the readout is corrected, the shots that break the symmetry are left out, and the
noise is extrapolated away: of each setting by itself, for each has a decay of its own. Errors
carry over to first order; those of the readout's probabilities, which all energies share, are added
up before they are squared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from hybrid_job.on_device.measurement import Counts, Setting
from hybrid_job.on_device.mitigating.estimates import Estimate, estimated, mixed_state
from hybrid_job.on_device.mitigating.extrapolation import Extrapolated, extrapolated
from hybrid_job.on_device.mitigating.readout import Misreading, Real
from quantum_pipeline.requests.mitigation import Extrapolation, Form
from quantum_pipeline.results.device_run import Estimated, ScaledEnergy
from quantum_pipeline.wording import digits


@dataclass(frozen=True)
class Rules:
    """What is done to each measurement: ``misread`` of all ``qubits``, None to leave it as read.

    ``lowest`` is the lowest energy that there is, None where it is not known.
    """

    zne: Extrapolation
    qubits: tuple[int, ...]
    misread: Misreading | None
    lowest: float | None


@dataclass(frozen=True)
class Measured:
    """An energy without noise, and those that it was extrapolated from.

    ``forms`` are those of the extrapolation, each once: settings may differ, and there is none
    where nothing was extrapolated. ``notes`` say where something that was asked for was not done.
    """

    mitigated: Estimated
    scaled: tuple[ScaledEnergy, ...]
    forms: tuple[Form, ...] = ()
    notes: tuple[str, ...] = ()


def raw_energy(settings: Sequence[Setting], counts: Sequence[Counts]) -> Estimated:
    """Return the energy of all shots as they are read."""
    found = [
        estimated(replace(setting, accepted=None), seen, None)
        for setting, seen in zip(settings, counts, strict=True)
    ]
    energy = sum(each.energy for each in found if each)
    return Estimated(
        energy=energy, standard_error=sqrt(sum(each.variance for each in found if each))
    )


def mitigated_energy(
    settings: Sequence[Setting], scales: Real, counts: Sequence[Sequence[Counts]], rules: Rules
) -> Measured | None:
    """Return the energy at noise 0, None where too few shots of a circuit obey the symmetry.

    Args:
        settings: whose energies add up to it.
        scales: noise of each setting's circuits in that of the first, shape (settings, scales).
        counts: of each scale those of each setting.
        rules: what is done.
    """
    points: list[list[Estimate]] = []
    totals = []
    forms: dict[Form, None] = {}
    notes: dict[str, None] = {}
    for number, setting in enumerate(settings):
        found = [_estimate(setting, seen[number], rules) for seen in counts]
        each = [estimate for estimate in found if estimate is not None]
        if len(each) < len(found):
            return None
        total, extrapolation = _without_noise(setting, scales[number], each, rules.zne)
        points.append(each)
        totals.append(total)
        if extrapolation.form is not None:
            forms[extrapolation.form] = None
        if extrapolation.fallback is not None:
            notes[extrapolation.fallback] = None
    whole = _sum(totals)
    energy = whole.energy
    if rules.lowest is not None and energy < rules.lowest:
        below = digits(rules.lowest - energy)
        notes[f"the mitigated energy is {below} below the lowest that there is: it is that"] = None
        energy = rules.lowest
    error = _error(whole, rules.misread)
    scaled = []
    for k, scale in enumerate(scales.mean(axis=0).tolist()):
        at_scale = _sum([each[k] for each in points])
        scaled.append(
            ScaledEnergy(
                scale=scale,
                energy=at_scale.energy,
                standard_error=_error(at_scale, rules.misread),
                accepted=at_scale.accepted,
            )
        )
    mitigated = Estimated(energy=energy, standard_error=error)
    return Measured(mitigated, tuple(scaled), tuple(forms), tuple(notes))


def _without_noise(
    setting: Setting, scales: Real, estimates: Sequence[Estimate], zne: Extrapolation
) -> tuple[Estimate, Extrapolated]:
    """Return a setting's energy at noise 0, and the extrapolation that gave it."""
    energies = np.array([each.energy for each in estimates])
    variances = np.array([each.variance for each in estimates])
    found = extrapolated(zne, scales, energies, variances, mixed_state(setting))
    slopes = np.tensordot(found.weights, np.array([each.slopes for each in estimates]), 1)
    return Estimate(found.energy, float(found.weights**2 @ variances), slopes), found


def _estimate(setting: Setting, counts: Counts, rules: Rules) -> Estimate | None:
    """Return a setting's energy; its slopes are by the readout of all qubits of the rules."""
    slopes = np.zeros((len(rules.qubits), 2))
    if rules.misread is None:
        found = estimated(setting, counts, None)
    else:
        bits = [rules.qubits.index(qubit) for qubit in setting.compiled.qubits]
        found = estimated(setting, counts, rules.misread.of(bits))
        if found is not None:
            slopes[bits] = found.slopes
    return None if found is None else replace(found, slopes=slopes)


def _sum(estimates: Sequence[Estimate]) -> Estimate:
    """Return the sum; the accepted part is the mean of the settings that check a symmetry."""
    parts = [each.accepted for each in estimates if each.accepted is not None]
    slopes: Real = np.sum([each.slopes for each in estimates], axis=0)
    return Estimate(
        sum(each.energy for each in estimates),
        sum(each.variance for each in estimates),
        slopes,
        sum(parts) / len(parts) if parts else None,
    )


def _error(estimate: Estimate, misread: Misreading | None) -> float:
    """Return the standard error of the shots and of the readout's probabilities together."""
    shared = 0.0 if misread is None else float(np.sum(estimate.slopes**2 * misread.variances))
    return sqrt(estimate.variance + shared)
