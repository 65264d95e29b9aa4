"""The re-uploading classifier as the job fits it: its gradients, and what it learns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.epoch import PennyLane, difference, drawn, gates
from hybrid_job.engines import rotations
from hybrid_job.learning.reuploading import Labelled, Loss, Shape
from hybrid_job.learning.reuploading_training import Adam, Training, fitted
from quantum_pipeline.classification.parts import folds
from quantum_pipeline.classification.prediction import decided
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


def quadrants(n_rows: int, seed: int = 3) -> Labelled:
    """Return rows of two classes by the sign of x0 x1: neither component says anything alone."""
    rng = np.random.default_rng(seed)
    rows = rng.uniform(-1.5, 1.5, size=(n_rows, 2))
    return Labelled(rows, (rows[:, 0] * rows[:, 1] > 0).astype(np.int64))


@pytest.mark.parametrize(("entangled", "least", "most"), [(True, 0.9, 1.0), (False, 0.3, 0.7)])
def test_what_hangs_on_two_components_at_once_needs_entanglement(
    least: float, most: float, *, entangled: bool
) -> None:
    shape, training = Shape(2, 2, 2, entangled), Training(0.1, 0.5, 0.0, 60, 16)
    found, tested = fitted(shape, training, quadrants(120), seed=1), quadrants(400, seed=4)
    right = decided(Loss(shape).scores(found.parameters, tested.rows)) == tested.classes
    assert least <= right.mean() <= most


def test_training_keeps_the_parameters_with_the_least_loss_of_the_rows_held_out() -> None:
    data, shape = quadrants(60), Shape(2, 2, 2, entangled=True)
    found = fitted(shape, Training(0.2, 0.5, 0.0, 80, 16), data, seed=2)
    held = folds(data.classes.tolist(), 5, seed=2)[0]
    least = min(each.validation_loss for each in found.epochs)
    assert Loss(shape).value(found.parameters, data.at(held)) == pytest.approx(least, rel=1e-12)
    assert found.converged == (found.epochs[-1].validation_loss > least)


def test_training_is_the_same_with_the_same_seed_alone() -> None:
    data, shape, training = quadrants(40), Shape(1, 2, 2, True), Training(0.1, 0.5, 0.01, 5, 16)
    first, again, other = (fitted(shape, training, data, seed) for seed in (1, 1, 2))
    assert first.epochs == again.epochs
    assert first.epochs != other.epochs


def test_training_stops_in_time_with_the_best_so_far() -> None:
    shape = Shape(1, 2, 2, entangled=True)
    found = fitted(shape, Training(0.1, 0.5, 0.0, 50, 8), quadrants(40), seed=1, deadline=0.0)
    assert found.late
    assert not found.converged
    assert len(found.epochs) == 1


def test_a_step_of_adam_is_its_rate_at_first_and_follows_the_signs() -> None:
    step = Adam(0.1, 2).step(np.array([3.0, -0.01]))
    np.testing.assert_allclose(step, [-0.1, 0.1], rtol=1e-5)
