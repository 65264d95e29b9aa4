"""A kernel matrix beside PennyLane's: ``python -m benchmarks.gram``.

The same rows, circuit and entries, double precision and the same number of threads for all.

    ours       the states of all rows at once, and products of real matrices
    lightning  the state of each row once by a QNode on lightning.qubit, and one complex product
    pairs      ``qml.kernels.kernel_matrix`` as its users write it: a circuit for each pair of rows,
               of fewer rows; its time is multiplied by the ratio of pairs, which is printed

Ends with 1 where an entry is not ours.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks import machine, options
from benchmarks.timing import Clock, Limits, Timing, in_words, interleave
from quantum_pipeline.classification.encodings import Encoding, EncodingName
from quantum_pipeline.classification.kernels import fidelities

Real = NDArray[np.float64]

MOST_DIFFERENCE = 1e-10


@click.command()
@click.option("--rows", "n_rows", default=400, show_default=True, type=click.IntRange(min=2))
@click.option("--qubits", default=10, show_default=True, type=click.IntRange(1, 16))
@click.option("--depth", default=2, show_default=True, type=click.IntRange(min=1))
@click.option("--pairs-of", default=24, show_default=True, type=click.IntRange(min=3))
@options.threads
@options.rounds
@options.clock
@options.seed
@options.json_file
def main(
    *,
    n_rows: int,
    qubits: int,
    depth: int,
    pairs_of: int,
    threads: int,
    rounds: int,
    clock: Clock,
    seed: int,
    json_file: Path | None,
) -> None:
    """Print the times of all, and their ratios to ours."""
    machine.pin_threads(threads)
    rows = np.random.default_rng(seed).normal(size=(n_rows, qubits))
    limits = Limits(rounds, clock=clock)
    figures = {
        name: compared(Encoding(name=name, n_qubits=qubits, depth=depth), rows, pairs_of, limits)
        for name in ENCODINGS
    }
    title = f"{n_rows} rows, {qubits} qubits, depth {depth}, threads: {threads}, seed: {seed}"
    console = Console()
    console.print(table(figures, title))
    pairs, measured = n_pairs(n_rows), n_pairs(min(pairs_of, n_rows))
    console.print(f"pairs: measured on {measured} pairs, times {pairs / measured:.4g}")
    worst = max(each["max_difference"] for each in figures.values())
    console.print(f"entries differ by {worst:.1e} at most; allowed: {MOST_DIFFERENCE:g}")
    further = {"rows": n_rows, "qubits": qubits, "depth": depth, "threads": threads, "seed": seed}
    options.write(json_file, further | {"encodings": figures, "pairs_of": pairs_of})
    sys.exit(worst > MOST_DIFFERENCE)


ENCODINGS: tuple[EncodingName, ...] = ("angle", "iqp", "reuploading")


def n_pairs(n_rows: int) -> int:
    return n_rows * (n_rows - 1) // 2


def compared(encoding: Encoding, rows: Real, pairs_of: int, limits: Limits) -> dict[str, Any]:
    """Return seconds, ratios to ours, and the largest difference of an entry."""
    few = rows[:pairs_of]
    scale = n_pairs(len(rows)) / n_pairs(len(few))
    lightning, pairs = by_states(encoding), by_pairs(encoding)
    found = interleave(
        {
            "ours": lambda: fidelities(encoding, rows),
            "lightning": lambda: lightning(rows),
            "pairs": lambda: pairs(few),
        },
        limits,
    )
    ours = found["ours"].result
    differences = [
        abs(found["lightning"].result - ours).max(),
        abs(found["pairs"].result - ours[: len(few), : len(few)]).max(),
    ]
    seconds = {name: each.seconds for name, each in found.items()}
    seconds["pairs"] *= scale
    return {
        "seconds": seconds,
        "ranges": {name: _range(each) for name, each in found.items()},
        "times_ours": {name: each / seconds["ours"] for name, each in seconds.items()},
        "max_difference": float(max(differences)),
    }


def _range(timing: Timing) -> list[float]:
    samples = timing.samples or [timing.first_seconds]
    return [min(samples), max(samples)]


def by_states(encoding: Encoding) -> Callable[[Real], Real]:
    """Return the matrix by a state of each row, and one product."""
    import pennylane as qml

    node = qml.QNode(_circuit(encoding, qml.state), _device(encoding), diff_method=None)

    def gram(rows: Real) -> Real:
        states = np.array([node(row) for row in rows])
        return np.asarray(np.abs(states.conj() @ states.T) ** 2)

    return gram


def by_pairs(encoding: Encoding) -> Callable[[Real], Real]:
    """Return the matrix as PennyLane's own demonstrations have it."""
    import pennylane as qml

    def overlap(one: Real, other: Real) -> Any:
        _gates(encoding, one)
        qml.adjoint(_gates)(encoding, other)
        return qml.probs(wires=range(encoding.n_qubits))

    node = qml.QNode(overlap, _device(encoding), diff_method=None)

    def gram(rows: Real) -> Real:
        made = qml.kernels.square_kernel_matrix(
            rows, lambda one, other: node(one, other)[0], assume_normalized_kernel=True
        )
        return np.asarray(made)

    return gram


def _device(encoding: Encoding) -> Any:
    import pennylane as qml

    return qml.device("lightning.qubit", wires=encoding.n_qubits)


def _circuit(encoding: Encoding, measured: Callable[[], Any]) -> Callable[[Real], Any]:
    def circuit(row: Real) -> Any:
        _gates(encoding, row)
        return measured()

    return circuit


def _gates(encoding: Encoding, row: Real) -> None:
    import pennylane as qml

    made: Mapping[str, Any] = {"ry": qml.RY, "rz": qml.RZ, "zz": qml.IsingZZ}
    for gate in encoding.gates(row):
        if gate.name in made:
            made[gate.name](gate.angle, wires=gate.qubits)
        elif gate.name == "h":
            qml.Hadamard(wires=gate.qubits)
        else:
            qml.CZ(wires=gate.qubits)


def table(figures: Mapping[EncodingName, Mapping[str, Any]], title: str) -> Table:
    """Return a row for each encoding: seconds, and how many times ours."""
    made = Table("encoding", "ours", "lightning, states", "pairs", "times ours", title=title)
    for name, each in figures.items():
        seconds, ratios = each["seconds"], each["times_ours"]
        times = f"{ratios['lightning']:.3g}, {ratios['pairs']:.3g}"
        made.add_row(name, *(in_words(value) for value in seconds.values()), times)
    return made


if __name__ == "__main__":
    main()
