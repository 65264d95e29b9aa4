"""Statistics of predictions: beside scikit-learn and scipy, which the Lambdas do without."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import binomtest
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, roc_auc_score, roc_curve

from quantum_pipeline.reports import classification_statistics as statistics


@pytest.mark.parametrize(("right", "n"), [(0, 7), (1, 30), (25, 38), (38, 38), (990, 1000)])
def test_an_accuracy_lies_in_the_interval_of_wilson(right: int, n: int) -> None:
    expected = binomtest(right, n).proportion_ci(method="wilson")
    found = statistics.wilson(right, n)
    assert [found.low, found.high] == pytest.approx([expected.low, expected.high], abs=1e-12)


@pytest.mark.parametrize(("b", "c"), [(0, 0), (1, 0), (5, 0), (0, 6), (9, 2), (3, 14), (400, 470)])
def test_two_models_are_held_together_by_the_exact_test(b: int, c: int) -> None:
    first = np.repeat([True, False, True, False], [b, c, 7, 2])
    second = np.repeat([False, True, True, False], [b, c, 7, 2])
    expected = binomtest(b, b + c).pvalue if b + c else 1.0
    found = statistics.paired(first, second)
    assert (found.first_only, found.second_only) == (b, c)
    assert found.p_value == pytest.approx(expected, rel=1e-12)


def test_what_few_rows_can_show_is_what_the_test_shows_of_them() -> None:
    assert statistics.detectable(5) is None
    for n in (6, 40, 333):
        difference = statistics.detectable(n)
        assert difference is not None
        rows = round(difference * n)
        assert binomtest(rows, rows).pvalue < statistics.LEVEL
        assert binomtest(rows - 1, rows - 1).pvalue >= statistics.LEVEL


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_figures_of_predictions_are_those_of_scikit_learn(n_classes: int) -> None:
    generator = np.random.default_rng(n_classes)
    labels = generator.permutation(np.arange(90) % n_classes)
    scores = np.round(generator.normal(size=(90, n_classes)) + np.eye(n_classes)[labels], 1)
    predicted = scores.argmax(1)
    matrix = statistics.confusion(labels, predicted, n_classes)
    assert np.array_equal(matrix, confusion_matrix(labels, predicted))
    expected = balanced_accuracy_score(labels, predicted)
    assert statistics.balanced_accuracy(matrix) == pytest.approx(expected)
    if n_classes == 2:
        scores = scores[:, 1:]
    column_of = [0, 0] if n_classes == 2 else range(n_classes)
    each = [roc_auc_score(labels == c, scores[:, k]) for c, k in enumerate(column_of)]
    found = statistics.roc_area(labels, scores, n_classes)
    assert found is not None
    assert found.value == pytest.approx(each[1] if n_classes == 2 else np.mean(each))
    assert found.interval.low < found.value < found.interval.high
    for c, (own, column) in statistics.against_the_rest(labels, scores, n_classes).items():
        others, owns, _ = roc_curve(labels == c, column, drop_intermediate=False)
        assert np.allclose(statistics.roc_curve(own, column), (others, owns))


def test_an_area_has_an_interval_even_where_it_is_one() -> None:
    """The variance of Hanley and McNeil in their own form, at the edge."""

    def variance(a: float, m: int) -> float:
        q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
        return (a * (1 - a) + (m - 1) * (q1 - a * a + q2 - a * a)) / m**2

    low = brentq(lambda a: (1 - a) ** 2 - statistics.Z**2 * variance(a, 20), 0.1, 0.999)
    found = statistics.area_interval(1.0, 20, 20)
    assert [found.low, found.high] == pytest.approx([low, 1.0])


def test_the_interval_of_an_area_holds_it_as_often_as_it_says() -> None:
    generator, held = np.random.default_rng(1), 0
    own = np.arange(45) < 15
    true = 0.8  # of two normal distributions this far apart: Phi(apart / sqrt 2)
    for _ in range(400):
        scores = generator.normal(size=45) + 1.1902 * own
        found = statistics.area_interval(statistics.area(own, scores), 15, 30)
        held += found.low <= true <= found.high
    assert 0.92 < held / 400 < 0.99


def test_classes_without_tested_rows_count_nowhere() -> None:
    labels = np.array([0, 0, 2, 2])
    matrix = statistics.confusion(labels, np.array([0, 1, 2, 2]), 3)
    assert statistics.balanced_accuracy(matrix) == 0.75
    scores = np.array([[3.0, 0, 1], [2, 5, 1], [1, 0, 2], [0, 0, 3]])
    found = statistics.roc_area(labels, scores, 3)
    assert found is not None
    assert found.value == 1.0
    assert statistics.roc_area(np.array([1, 1]), np.array([[1.0], [2.0]]), 2) is None
