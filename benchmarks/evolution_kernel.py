"""The projected kernel that XanaduAI/qml-benchmarks stores a mean of, made by its description.

Of n numbers scaled to [-pi/2, pi/2] there are n + 1 qubits, each turned at random; then in each of
L steps every number x_j evolves qubits j and j + 1 by exp(-i s x_j (XX + YY + ZZ) / 2), s = t n /
L. As XX + YY + ZZ = 2 SWAP - 1, that is cos(s x_j) - i sin(s x_j) SWAP but for a phase. The kernel
is exp(-g |r - r'|^2) of the Bloch vectors, g a factor by the variance of their numbers and by n.

Source: Bowles, Ahmed, Schuld, arXiv:2403.07059, and the grid and the seeds beside its code; H.-Y.
Huang et al., Nat. Commun. 12, 2631 (2021).
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import SVC

from quantum_pipeline.classification import kernels

Real = NDArray[np.float64]
Classes = NDArray[np.int64]

TIMES, STEPS = (0.01, 0.1, 1.0), (1, 3, 5)
REGULARISATIONS, FACTORS = (0.1, 1.0, 10.0, 100.0), (0.1, 1.0, 10.0)
SEED_OF_FOLDS, SEEDS = 42, range(5)
TOGETHER = 30
"""Rows whose states are in the processor's cache together."""


class Rows(NamedTuple):
    """Numbers, shape (n_rows, width), and classes, 0 or 1."""

    numbers: Real
    classes: Classes


class Tuned(NamedTuple):
    """The mean over folds of the best setting, and its accuracies on tested rows, by seed."""

    folds: float
    tested: list[float]


def tuned(trained: Rows, tested: Rows) -> Tuned:
    """Return what the setting that is best in five folds of the trained rows comes to."""
    accuracies = defaultdict[tuple[float, int, float, float], list[float]](list)
    for fitted, asked in StratifiedKFold(5).split(*trained):
        own, fold = (Rows(trained.numbers[at], trained.classes[at]) for at in (fitted, asked))
        for time, steps in itertools.product(TIMES, STEPS):
            vectors = bloch_vectors(own, fold, SEED_OF_FOLDS, time, steps)
            for factor, regularisation in itertools.product(FACTORS, REGULARISATIONS):
                found = _accuracy(vectors, own, fold, factor, regularisation)
                accuracies[time, steps, factor, regularisation].append(found)
    best = max(accuracies, key=lambda setting: float(np.mean(accuracies[setting])))
    time, steps, factor, regularisation = best
    every = [bloch_vectors(trained, tested, seed, time, steps) for seed in SEEDS]
    scores = [_accuracy(each, trained, tested, factor, regularisation) for each in every]
    return Tuned(float(np.mean(accuracies[best])), scores)


def _accuracy(
    vectors: tuple[Real, Real], trained: Rows, tested: Rows, factor: float, regularisation: float
) -> float:
    mine, others = vectors
    gamma = factor / mine.var() / trained.numbers.shape[1]
    machine = SVC(kernel="precomputed", C=regularisation)
    machine.fit(np.exp(-gamma * kernels.distances(mine)), trained.classes)
    columns = np.exp(-gamma * kernels.distances_from(others, mine))
    return float(machine.score(columns, tested.classes))


def bloch_vectors(
    trained: Rows, tested: Rows, seed: int, time: float, steps: int
) -> tuple[Real, Real]:
    """Return the Bloch vectors of both, shape (n_rows, 3 (width + 1)); the scale is of the first.

    Cost: O(n_rows 2^width width steps).
    """
    rng = np.random.default_rng(seed)
    rng.integers(100_000)  # theirs draws a seed of the machine first
    turns = 2 * np.pi * rng.uniform(size=(trained.numbers.shape[1] + 1, 3))
    scale = MinMaxScaler((-np.pi / 2, np.pi / 2)).fit(trained.numbers)
    evolved, asked = (
        np.concatenate(
            [
                _evolved(rows[first : first + TOGETHER], turns, time, steps)
                for first in range(0, len(rows), TOGETHER)
            ]
        )
        for rows in map(scale.transform, (trained.numbers, tested.numbers))
    )
    return evolved, asked


def _evolved(rows: Real, turns: Real, time: float, steps: int) -> Real:
    n_rows, n = rows.shape
    angles = rows * (time * n / steps)
    stay, swap = np.cos(angles), -1j * np.sin(angles)
    start: NDArray[np.complex128] = np.ones(1, dtype=np.complex128)
    for each in turns:
        start = np.asarray(np.kron(start, _turned(each)))
    states = np.tile(start, (n_rows, 1))
    for _, j in itertools.product(range(steps), range(n)):
        split = states.reshape(n_rows, 2**j, 2, 2, -1)
        amounts = (each[:, j, None, None, None, None] for each in (stay, swap))
        mixed = next(amounts) * split + next(amounts) * split.swapaxes(2, 3)
        states = mixed.reshape(n_rows, -1)
    return np.column_stack([_bloch_vector(states, qubit) for qubit in range(n + 1)])


def _turned(angles: Real) -> NDArray[np.complex128]:
    """Return the state of a qubit after R_Z, R_Y, R_Z."""
    first, middle, last = angles / 2
    phases = np.exp(-1j * np.array([first + last, first - last]))
    return np.asarray(phases * np.array([np.cos(middle), np.sin(middle)]))


def _bloch_vector(states: NDArray[np.complex128], qubit: int) -> Real:
    split = states.reshape(len(states), 2**qubit, 2, -1)
    zero, one = split[:, :, 0], split[:, :, 1]
    joint = 2 * np.einsum("rab,rab->r", zero.conj(), one)
    z = (np.abs(zero) ** 2).sum((1, 2)) - (np.abs(one) ** 2).sum((1, 2))
    return np.column_stack([joint.real, joint.imag, z])
