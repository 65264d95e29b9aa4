"""An epoch of gradients of a re-uploading classifier, beside PennyLane's lightning.

``python -m benchmarks.epoch`` takes the mean cross-entropy of all rows and its derivatives by all
parameters at random ones, by

    ours        eight rows at a time, forth and back in compiled loops
    lightning   lightning.qubit without PennyLane's front: its device is given all rows' finished
                circuits at once, first for <Z_k>, then for the adjoint product of their Jacobians
                with the loss' derivatives; the product by chain rule is ours
    pennylane   as its users write it: a QNode on lightning.qubit, adjoint, under its autograd; a
                row after the other, for its adjoint method takes broadcast parameters apart

Rounds are interleaved, medians compared. A gradient that differs by more than 1e-8 voids its row;
then, or where one of the others takes less than 20 times as long, the command exits with 1.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks import machine, options
from benchmarks.timing import Clock, Limits, Timing, interleave
from hybrid_job.learning.reuploading import Labelled, Loss, Shape
from quantum_pipeline.classification.reuploading import Parameters

Real = NDArray[np.float64]
Found = tuple[float, Parameters]
Gradient = Callable[[], Found]

AGREE, WANTED = 1e-8, 20.0


def drawn(shape: Shape, n_rows: int, seed: int) -> tuple[Parameters, Labelled]:
    """Return random parameters, and random rows of random classes."""
    rng = np.random.default_rng(seed)
    angles = (shape.layers + 1, shape.n_qubits, 3)
    parameters = Parameters(
        weights=rng.normal(size=angles),
        biases=rng.normal(size=angles),
        readout=rng.normal(size=(shape.n_scores, shape.n_qubits)),
        intercepts=rng.normal(size=shape.n_scores),
    )
    rows = rng.normal(size=(n_rows, shape.n_qubits))
    return parameters, Labelled(rows, rng.integers(shape.n_classes, size=n_rows))


def gates(angles: Any) -> None:
    """Queue a row's circuit, of angles of shape (layers + 1, n, 3)."""
    import pennylane as qml

    layers, n, _ = angles.shape
    pairs = [(k, (k + 1) % n) for k in range(n if n > 2 else n - 1)]
    for layer in range(layers):
        for pair in pairs if layer else ():
            qml.CZ(pair)
        for k in range(n):
            for gate, j in ((qml.RY, 0), (qml.RZ, 1), (qml.RY, 2)):
                gate(angles[layer, k, j], wires=k)


class Lightning:
    """The device called directly, with all circuits at once."""

    def __init__(self, parameters: Parameters, data: Labelled) -> None:
        import pennylane as qml
        from pennylane.devices import ExecutionConfig

        self._parameters, self._data = parameters, data
        self._device = qml.device("lightning.qubit", wires=data.rows.shape[1])
        self._config = self._device.setup_execution_config(
            ExecutionConfig(
                gradient_method="adjoint",
                use_device_gradient=True,
                use_device_jacobian_product=True,
            )
        )

    def __call__(self) -> Found:
        parameters, (rows, classes) = self._parameters, self._data
        angles = parameters.angles(rows)
        tapes = [self._tape(each) for each in angles]
        means = np.array(self._device.execute(tapes, self._config))
        signs = 2.0 * classes - 1.0
        margins = signs * (means @ parameters.readout[0] + parameters.intercepts[0])
        by_score = -signs / (1 + np.exp(margins)) / len(rows)
        weights = list(by_score[:, None] * parameters.readout)
        products = self._device.compute_vjp(tapes, weights, self._config)
        by_angle = np.array(products).reshape(angles.shape)
        return float(np.log1p(np.exp(-margins)).mean()), Parameters(
            weights=np.einsum("rlkj,rk->lkj", by_angle, rows),
            biases=by_angle.sum(axis=0),
            readout=(by_score @ means)[None],
            intercepts=by_score.sum(keepdims=True),
        )

    @staticmethod
    def _tape(angles: Real) -> Any:
        import pennylane as qml

        with qml.queuing.AnnotatedQueue() as queue:
            gates(angles)
        operations = qml.tape.QuantumScript.from_queue(queue).operations
        measured = [qml.expval(qml.PauliZ(k)) for k in range(angles.shape[1])]
        return qml.tape.QuantumScript(operations, measured)


class PennyLane:
    """A QNode for each row, under autograd."""

    def __init__(
        self, parameters: Parameters, data: Labelled, device: str = "lightning.qubit"
    ) -> None:
        import pennylane as qml
        from pennylane import numpy as differentiable

        (rows, classes), n = data, data.rows.shape[1]

        def circuit(weights: Any, biases: Any, row: Real) -> Any:
            gates(weights * row[:, None] + biases)
            return [qml.expval(qml.PauliZ(k)) for k in range(n)]

        node = qml.QNode(circuit, qml.device(device, wires=n), diff_method="adjoint")

        def loss(weights: Any, biases: Any, readout: Any, intercepts: Any) -> Any:
            total = 0.0
            for row, sign in zip(rows, 2 * classes - 1, strict=True):
                means = differentiable.stack(node(weights, biases, row))
                margin = sign * (differentiable.dot(readout[0], means) + intercepts[0])
                total = total + differentiable.log(1 + differentiable.exp(-margin))
            return total / len(rows)

        self._given = [differentiable.array(each, requires_grad=True) for each in parameters]
        self._gradient = qml.grad(loss)

    def __call__(self) -> Found:
        slopes = self._gradient(*self._given)
        return float(self._gradient.forward), Parameters(*map(np.asarray, slopes))


def difference(found: Found, other: Found) -> float:
    """Return the largest difference of losses and gradients."""
    parts = zip(found[1], other[1], strict=True)
    slopes = (float(np.abs(mine - theirs).max()) for mine, theirs in parts)
    return max(abs(found[0] - other[0]), *slopes)


def compare(shape: Shape, n_rows: int, seed: int, limits: Limits) -> dict[str, Timing]:
    """Return the timings of all, their gradients as results."""
    parameters, data = drawn(shape, n_rows, seed)
    loss = Loss(shape)
    calls: dict[str, Gradient] = {
        "ours": lambda: loss.gradient(parameters, data),
        "lightning": Lightning(parameters, data),
        "pennylane": PennyLane(parameters, data),
    }
    return interleave(calls, limits)


def table(timings: dict[str, Timing]) -> Table:
    """Return the table that is printed."""
    ours, drawn_up = timings["ours"], Table("", "epoch", "times ours", "gradient differs by")
    for name, timing in timings.items():
        apart = difference(ours.result, timing.result)
        ratio = f"{timing.seconds / ours.seconds:.3g}" if apart <= AGREE else "void"
        drawn_up.add_row(name, str(timing), ratio, f"{apart:.1e}")
    return drawn_up


@click.command()
@click.option("--rows", "n_rows", default=200, show_default=True, type=click.IntRange(min=1))
@click.option("--qubits", default=8, show_default=True, type=click.IntRange(1, 16))
@click.option("--layers", default=5, show_default=True, type=click.IntRange(min=1))
@options.threads
@options.rounds
@options.budget
@options.clock
@options.seed
@options.json_file
def main(
    *, n_rows: int, qubits: int, layers: int, threads: int, rounds: int, budget: float,
    clock: Clock, seed: int, json_file: Path | None,
) -> None:  # fmt: skip
    """Print the time of an epoch's gradient, and how many times ours the others take."""
    machine.pin_threads(threads)
    import pennylane  # noqa: F401

    shape = Shape(layers, qubits, 2, entangled=True)
    timings = compare(shape, n_rows, seed, Limits(rounds, budget, clock))
    Console().print(table(timings))
    ours = timings["ours"]
    figures = {
        name: {"seconds": each.seconds, "difference": difference(ours.result, each.result)}
        for name, each in timings.items()
    }
    options.write(json_file, {"threads": threads, "rows": n_rows, "epoch": figures})
    others = [each.seconds for name, each in timings.items() if name != "ours"]
    fast = min(others) >= WANTED * ours.seconds
    right = all(each["difference"] <= AGREE for each in figures.values())
    sys.exit(not (fast and right))


if __name__ == "__main__":
    main()
