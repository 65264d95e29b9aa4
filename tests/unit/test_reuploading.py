"""Re-uploading circuits as numpy has them: against the textbook's matrices."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy.linalg import expm

from quantum_pipeline.classification.reuploading import Parameters, expectations, scores, state
from quantum_pipeline.classification.stored import ReuploadingModel

Y = np.array([[0, -1j], [1j, 0]])
Z = np.diag([1.0, -1.0])


def model(n: int, layers: int, *, entangled: bool = True, n_scores: int = 1) -> ReuploadingModel:
    """Return a model with random parameters."""
    rng = np.random.default_rng([n, layers])
    size = 3 * n * (layers + 1)
    return ReuploadingModel(
        kind="reuploading",
        n_qubits=n,
        layers=layers,
        entangled=entangled,
        weights=tuple(rng.normal(size=size).tolist()),
        biases=tuple(rng.normal(size=size).tolist()),
        readout=tuple(map(tuple, rng.normal(size=(n_scores, n)).tolist())),
        intercepts=tuple(rng.normal(size=n_scores).tolist()),
    )


def test_one_layer_of_two_qubits_is_the_product_of_its_matrices() -> None:
    angles = np.random.default_rng(1).normal(size=(1, 2, 2, 3))

    def turn(a: NDArray[np.float64]) -> NDArray[np.complex128]:
        y0, z, y1 = (expm(-0.5j * t * p) for t, p in zip(a, (Y, Z, Y), strict=True))
        product: NDArray[np.complex128] = y1 @ z @ y0
        return product

    first, last = (np.kron(turn(layer[0]), turn(layer[1])) for layer in angles[0])
    expected = last @ np.diag([1, 1, 1, -1]) @ first @ [1, 0, 0, 0]
    real, imaginary = state(angles, entangled=True)[:, 0]
    np.testing.assert_allclose(real + 1j * imaginary, expected, atol=1e-15)


def test_a_row_scores_the_same_bit_for_bit_beside_any_others() -> None:
    given, rows = model(4, 3, n_scores=3), np.random.default_rng(2).normal(size=(37, 4))
    together = scores(given, rows)
    alone = np.concatenate([scores(given, row[None]) for row in rows])
    assert together.tobytes() == alone.tobytes()


def test_without_entanglement_a_score_is_a_sum_over_components() -> None:
    given, rows = model(3, 2, entangled=False), np.random.default_rng(3).normal(size=(4, 3))
    corners = [np.where([i & 1, i >> 1 & 1, 0], rows[:1], rows[1:2]) for i in range(4)]
    a, b, c, d = (float(scores(given, corner)[0, 0]) for corner in corners)
    assert a - b == pytest.approx(c - d, abs=1e-12)


def test_scores_are_the_readout_of_the_expectations() -> None:
    given, rows = model(3, 1, n_scores=3), np.random.default_rng(4).normal(size=(5, 3))
    parameters = Parameters.of(given)
    means = expectations(parameters.angles(rows), entangled=True)
    expected = reduce(np.add, means.T[:, :, None] * np.array(given.readout).T[:, None])
    np.testing.assert_allclose(scores(given, rows), expected + given.intercepts, atol=1e-14)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("weights", (1.0,), "length of weights: got 1; allowed: 12"),
        ("biases", (), "length of biases: got 0; allowed: 12"),
        ("readout", ((1.0,),), "length of readout: got 1; allowed: 2"),
        ("readout", ((1.0, 1.0), (1.0, 1.0)), "length of intercepts: got 1; allowed: 2"),
        ("n_qubits", 30, "less than or equal to 16"),
        ("layers", 10**6, "less than or equal to 64"),
    ],
)
def test_a_stored_circuit_that_does_not_fit_together_is_refused(
    field: str, value: object, said: str
) -> None:
    given = model(2, 1).model_dump() | {field: value}
    with pytest.raises(ValidationError, match=said):
        ReuploadingModel.model_validate(given)
