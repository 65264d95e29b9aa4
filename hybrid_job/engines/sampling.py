"""Draws shots, and computes the mean energy of their state: exact if known, else from the shots."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.ising import IsingModel, energies, spins_of
from quantum_pipeline.ising.exact import ExactEnergies
from quantum_pipeline.ising.statevector import mean_and_deviation
from quantum_pipeline.results import DeviceRun, QuantumTask

Real = NDArray[np.float64]
Places = NDArray[np.intp]


@dataclass(frozen=True)
class Samples:
    """Counts by bitstring, mean energy, and standard deviation of a single shot's energy.

    ``probability_of_best`` is that of the lowest energy of all in one shot, None where unknown.
    """

    counts: dict[str, int]
    mean_energy: float
    deviation: float
    exact: bool
    probability_of_best: float | None

    @property
    def standard_error(self) -> float | None:
        """Standard error of the mean over the shots; of one shot there is none."""
        shots = sum(self.counts.values())
        return self.deviation / math.sqrt(shots) if shots > 1 else None

    def best(self, exact: ExactEnergies) -> tuple[str, float]:
        """Return the sampled bitstring of lowest energy, and its energy."""
        sampled = list(self.counts)
        best = sampled[exact.best(sampled)]
        return best, float(exact.energy(best))


@dataclass(frozen=True)
class Sampled:
    """The samples of the final circuit, the angles that they are of, and what ran for them."""

    angles: Real
    samples: Samples
    tasks: tuple[QuantumTask, ...] = ()
    run: DeviceRun | None = None


def from_state(
    spectrum: Real,
    offset: float,
    probabilities: Real,
    shots: int,
    rng: np.random.Generator,
    *,
    best: NDArray[np.intp],
) -> Samples:
    """Return shots from an exact state, with the exact figures beside them.

    ``spectrum`` and ``probabilities`` have shape (2^n,): energy, less the offset, and probability
    of each bitstring. ``best`` are the bitstrings of lowest energy, as numbers. Memory: one more
    vector of 2^n real numbers.
    """
    mean, deviation = mean_and_deviation(spectrum, probabilities)
    probability = float(probabilities[best].sum() / probabilities.sum())
    counts = sample(probabilities, shots, rng)
    return Samples(counts, offset + mean, deviation, True, probability)


def from_counts(model: IsingModel, counts: dict[str, int]) -> Samples:
    """Return the shots of a device, with the energy and error that follow from them."""
    sampled = energies(model, spins_of(list(counts)))
    mean, deviation = mean_and_deviation(sampled, np.array(list(counts.values()), dtype=np.float64))
    return Samples(counts, mean, deviation, False, None)


def sample(probabilities: Real, shots: int, rng: np.random.Generator) -> dict[str, int]:
    """Return the counts of ``shots`` measurements of all qubits.

    Args:
        probabilities: shape (2^n,); entry k belongs to the bitstring that is k in binary.
        shots: number of measurements.
        rng: source of the random numbers.

    >>> sample(np.array([0, 0, 1, 0]), 5, np.random.default_rng(0))
    {'10': 5}
    """
    n_qubits = probabilities.size.bit_length() - 1
    values, counts = np.unique(draws(probabilities, shots, rng), return_counts=True)
    return {
        format(value, f"0{n_qubits}b"): count
        for value, count in zip(values.tolist(), counts.tolist(), strict=True)
    }


def estimate(
    spectrum: Real, probabilities: Real, shots: int, alpha: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Return an energy from shots and its standard error, as a device would give them.

    The energy is the mean over the shots, or over the lowest ``alpha`` of them (rounded up).
    """
    energies_ = np.sort(spectrum[draws(probabilities, shots, rng)])
    lowest = energies_[: math.ceil(alpha * shots)]
    return float(lowest.mean()), float(lowest.std()) / math.sqrt(lowest.size)


def draws(probabilities: Real, shots: int, rng: np.random.Generator) -> Places:
    """Return the place of the outcome of each of ``shots`` measurements."""
    cumulative = np.cumsum(probabilities)
    drawn = rng.random(shots) * cumulative[-1]
    return np.asarray(np.searchsorted(cumulative, drawn, side="right"))
