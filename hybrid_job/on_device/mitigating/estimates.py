"""Estimates an energy from counts, corrected for readout errors and filtered by a symmetry.

Without a symmetry and with the measured bits as variables, any number of qubits can be corrected:
the energy has products of two spins at most, and with f_i = (m_i - b_i) / a_i of the readout

    offset + sum_i h_i f_i + sum_{i<j} J_ij f_i f_j

has in each shot the energy as its mean. Otherwise the distribution p of the outcomes is corrected
as a whole, q = (A_1 x ... x A_n)^-1 p, and with v the energy of an outcome and a whether it counts

    E = sum q a v / sum q a

Standard errors are first order: that of a ratio by its influence function, and derivatives by the
readout's probabilities, which all energies of one correction share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hybrid_job.on_device.measurement import Bits, Counts, Setting
from hybrid_job.on_device.mitigating.extrapolation import Mixed
from hybrid_job.on_device.mitigating.readout import Misreading, Real
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.ising import IsingModel, energies, spins_of
from quantum_pipeline.requests.mitigation import WIDEST_OF_BOTH

FEWEST = 10
"""Shots that must obey the symmetry: with fewer there is no standard error."""

SIGNIFICANT = 3.0
"""Standard errors that the accepted part must be away from 0."""


@dataclass(frozen=True)
class Estimate:
    """An energy from shots.

    ``variance`` is that of the shots; ``slopes`` are the derivatives by the readout's
    probabilities, shape (measured bits, 2), all 0 where nothing is corrected. ``accepted`` is the
    part of the shots that obey the symmetry, None where none is checked.
    """

    energy: float
    variance: float
    slopes: Real
    accepted: float | None = None


def refuse_too_wide(setting: Setting) -> None:
    """Refuse a setting whose readout cannot be corrected.

    Raises:
        InvalidRequest: more than 16 measured bits that are decoded, checked for a symmetry, or of
            which the energy has products of more than two.
    """
    wide = len(setting.compiled.qubits)
    if not _is_plain(setting) and wide > WIDEST_OF_BOTH:
        allowed = (
            f"false with a symmetry checked on more than {WIDEST_OF_BOTH} qubits, these are {wide}"
        )
        raise InvalidRequest.of("mitigation.readout", True, allowed)


def estimated(setting: Setting, counts: Counts, misread: Misreading | None) -> Estimate | None:
    """Return the energy of a setting; None if too few shots obey its symmetry.

    Cost: O(distinct shots * couplings), or O(n 2^n) where the whole distribution is corrected.
    """
    if misread is None:
        return _of_shots(setting, counts)
    if isinstance(setting.model, IsingModel) and _is_plain(setting):
        return _of_spins(setting.model, counts, misread)
    return _of_distribution(setting, counts, misread)


def mixed_state(setting: Setting) -> Mixed:
    """Return the maximally mixed state's mean over all outcomes that count, and their part.

    Of more than 16 bits the mean is taken to be the model's offset, which is exact where each
    variable is as often 0 as 1 among them, and the part that of 4096 outcomes drawn with a seed.
    """
    n = len(setting.compiled.qubits)
    if _is_plain(setting):
        return Mixed(setting.model.offset)
    if n > WIDEST_OF_BOTH:
        bits = np.random.default_rng(0).integers(0, 2, (4096, n), np.int8)
        counted = _values(setting, bits)[1]
        return Mixed(setting.model.offset, max(float(counted.mean()), 1 / len(bits)))
    values, counted = _values(setting, _all_bits(n))
    if not counted.any():
        return Mixed(setting.model.offset)
    return Mixed(float(values[counted].mean()), float(counted.mean()))


def _is_plain(setting: Setting) -> bool:
    checked = setting.decode is not None or setting.accepted is not None
    return isinstance(setting.model, IsingModel) and not checked


def _are_too_few(setting: Setting, kept: float) -> bool:
    return setting.accepted is not None and round(kept) < FEWEST


def _all_bits(n: int) -> Bits:
    return ((np.arange(1 << n)[:, None] >> np.arange(n)[::-1]) & 1).astype(np.int8)


def _values(setting: Setting, bits: Bits) -> tuple[Real, NDArray[np.bool_]]:
    """Return the energy of each outcome, and whether it obeys the symmetry."""
    decoded = bits if setting.decode is None else setting.decode(bits)
    if isinstance(setting.model, IsingModel):
        values = energies(setting.model, (1 - 2 * decoded).astype(np.int8))
    else:
        values = setting.model.values(decoded)
    counted = np.ones(len(bits), bool) if setting.accepted is None else setting.accepted(bits)
    return values, counted


def _weights(counts: Counts) -> Real:
    return np.array(list(counts.values()), dtype=np.float64)


def _of_shots(setting: Setting, counts: Counts) -> Estimate | None:
    weights, bits = _weights(counts), (1 - spins_of(list(counts))) // 2
    values, counted = _values(setting, bits)
    shots, kept = float(weights.sum()), float(weights @ counted)
    if _are_too_few(setting, kept):
        return None
    energy = float((weights * counted) @ values / kept)
    spread = float((weights * counted) @ (values - energy) ** 2)
    return Estimate(
        energy,
        spread / kept / max(kept - 1, 1.0),
        np.zeros((bits.shape[1], 2)),
        None if setting.accepted is None else kept / shots,
    )


def _of_spins(model: IsingModel, counts: Counts, misread: Misreading) -> Estimate:
    weights = _weights(counts)
    shots = weights.sum()
    spins = (spins_of(list(counts)) - misread.shift) / misread.contrast
    fields = np.tile(np.asarray(model.fields), (len(spins), 1))
    values = model.offset + spins @ np.asarray(model.fields)
    for i, j, coupling in model.couplings:
        values += coupling * spins[:, i] * spins[:, j]
        fields[:, i] += coupling * spins[:, j]
        fields[:, j] += coupling * spins[:, i]
    energy = float(weights @ values / shots)
    # df/de0 = (f + 1) / a and df/de1 = (f - 1) / a, and dE/df_i is the field at spin i.
    slopes = np.stack(
        [weights @ (fields * (spins + sign)) / shots / misread.contrast for sign in (1, -1)], axis=1
    )
    spread = float(weights @ (values - energy) ** 2)
    return Estimate(energy, spread / shots / max(shots - 1, 1), slopes)


def _of_distribution(setting: Setting, counts: Counts, misread: Misreading) -> Estimate | None:
    n = len(setting.compiled.qubits)
    weights = _weights(counts)
    shots = weights.sum()
    read = np.zeros(1 << n)
    np.add.at(read, [int(bits, 2) for bits in counts], weights / shots)
    values, counted = _values(setting, _all_bits(n))
    if _are_too_few(setting, float(shots * (read @ counted))):
        return None
    inverses = [misread.inverse(bit) for bit in range(n)]
    true = _applied(inverses, read)
    corrected = _applied([each.T for each in inverses], counted.astype(np.float64))
    part = float(true @ counted)
    if part <= SIGNIFICANT * np.sqrt(read @ (corrected - part) ** 2 / shots):
        return None
    energy = float((true * counted) @ values / part)
    deviation = counted * (values - energy) / part
    influence = _applied([each.T for each in inverses], deviation)
    return Estimate(
        energy,
        float(read @ influence**2 / max(shots - 1, 1)),
        _slopes(inverses, true, deviation),
        None if setting.accepted is None else float(np.clip(read @ counted, 0, 1)),
    )


def _slopes(inverses: list[Real], true: Real, deviation: Real) -> Real:
    """Return d(deviation . q)/de: q changes by -A_i^-1 (dA_i/de) q, on the axis of bit i alone."""
    n = len(inverses)
    slopes = np.empty((n, 2))
    for bit, inverse in enumerate(inverses):
        shape = (1 << bit, 2, 1 << (n - bit - 1))
        # between[r, c]: the deviation at bit = r against the distribution at bit = c
        between = np.einsum("arb,acb->rc", deviation.reshape(shape), true.reshape(shape))
        for state, turned in enumerate(([[-1, 0], [1, 0]], [[0, 1], [0, -1]])):
            slopes[bit, state] = -np.sum(between * (inverse @ np.array(turned)))
    return slopes


def _applied(matrices: list[Real], vector: Real) -> Real:
    """Return (M_1 x ... x M_n) v; bit 0 is the most significant."""
    n = len(matrices)
    for bit, matrix in enumerate(matrices):
        vector = np.einsum("rc,acb->arb", matrix, vector.reshape(1 << bit, 2, 1 << (n - bit - 1)))
    return vector.reshape(-1)
