"""The re-uploading classifier as the job fits it: its gradients, and what it learns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.epoch import PennyLane, difference, drawn, gates
from hybrid_job.engines import rotations
from hybrid_job.learning.reuploading import Loss, Shape
from quantum_pipeline.classification.reuploading import Parameters, expectations

SHAPES = [
    Shape(layers, n, classes, entangled)
    for layers, n in ((1, 1), (3, 2), (2, 4))
    for classes in (2, 3)
    for entangled in (True, False)
]


@pytest.mark.parametrize("shape", SHAPES)
def test_scores_are_those_of_the_stored_model(shape: Shape) -> None:
    parameters, (rows, _) = drawn(shape, 21, seed=1)
    expected = parameters.scores(expectations(parameters.angles(rows), entangled=shape.entangled))
    np.testing.assert_allclose(Loss(shape).scores(parameters, rows), expected, atol=1e-13)


@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_are_those_of_finite_differences(shape: Shape) -> None:
    (parameters, data), loss = drawn(shape, 11, seed=1), Loss(shape)
    value, gradient = loss.gradient(parameters, data)
    assert value == pytest.approx(loss.value(parameters, data), rel=1e-14)
    step = 1e-5
    for number, (values, slopes) in enumerate(zip(parameters, gradient, strict=True)):
        for at in np.ndindex(*values.shape):
            ends = []
            for sign in (step, -step):
                moved = [each.copy() for each in parameters]
                moved[number][at] += sign
                ends.append(loss.value(Parameters(*moved), data))
            assert slopes[at] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-9)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_expectations_are_those_of_pennylane(n: int) -> None:
    import pennylane as qml

    angles = np.random.default_rng(n).normal(size=(2, 4, n, 3))

    def circuit(row: NDArray[np.float64]) -> list[Any]:
        gates(row)
        return [qml.expval(qml.PauliZ(k)) for k in range(n)]

    node = qml.QNode(circuit, qml.device("default.qubit", wires=n))
    expected = [np.array(node(row)) for row in angles]
    np.testing.assert_allclose(expectations(angles, entangled=True), expected, atol=1e-12)


def test_gradients_are_those_of_pennylane() -> None:
    parameters, data = drawn(Shape(2, 3, 2, entangled=True), 3, seed=1)
    found = Loss(Shape(2, 3, 2, entangled=True)).gradient(parameters, data)
    assert difference(found, PennyLane(parameters, data, "default.qubit")()) < 1e-12


def test_rows_taken_in_parts_come_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = Shape(2, 3, 3, entangled=True)
    (parameters, data), loss = drawn(shape, 29, seed=1), Loss(shape)
    value, gradient = loss.gradient(parameters, data)
    monkeypatch.setattr(rotations, "AMPLITUDES", 1)
    again, others = loss.gradient(parameters, data)
    assert again == pytest.approx(value, rel=1e-13)
    for found, other in zip(gradient, others, strict=True):
        np.testing.assert_allclose(found, other, atol=1e-13)
    assert loss.scores(parameters, data.rows).shape == (29, 3)
