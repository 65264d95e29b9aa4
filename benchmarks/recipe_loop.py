"""The loop that this project replaces, for comparison: ``python -m benchmarks.recipe_loop FILE``.

QAOA circuits of depth 3, 100 evaluations of 1000 shots each on Braket's LocalSimulator, with angles
moved by a random walk: what the published recipe does with its circuit, on the same problem.
Prints the mean energy of the last evaluation.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from braket.circuits import Circuit
from braket.devices import LocalSimulator
from numpy.typing import NDArray

Angles = NDArray[np.float64]
EVALUATIONS, SHOTS, DEPTH, STEP = 100, 1000, 3, 0.1


def circuit(n: int, edges: list[tuple[int, int]], gammas: Angles, betas: Angles) -> Circuit:
    made = Circuit().h(range(n))
    for gamma, beta in zip(gammas, betas, strict=True):
        for i, j in edges:
            made.zz(i, j, float(gamma))
        made.rx(range(n), 2 * float(beta))
    return made


def mean_energy(counts: dict[str, int], edges: list[tuple[int, int]]) -> float:
    cut = sum(count * sum(bits[i] != bits[j] for i, j in edges) for bits, count in counts.items())
    return -cut / sum(counts.values())


def main(path: str) -> None:
    problem = json.loads(Path(path).read_text("utf-8"))["problem"]
    edges = [(i, j) for i, j, *_ in problem["edges"]]
    n = 1 + max(max(edge) for edge in edges)
    generator = np.random.default_rng(42)
    angles = generator.uniform(0, 2 * np.pi, (2, DEPTH))
    device = LocalSimulator()
    energy = 0.0
    for _ in range(EVALUATIONS):
        result = device.run(circuit(n, edges, *angles), shots=SHOTS).result()
        energy = mean_energy(result.measurement_counts, edges)
        angles = angles - STEP * generator.normal(0, 0.1, angles.shape)
    print(energy)


if __name__ == "__main__":
    main(sys.argv[1])
