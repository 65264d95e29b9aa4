"""Rows of a table as numbers, in their parts, scaled: against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from quantum_pipeline.classification.columns import Cell, column, encoded, width
from quantum_pipeline.classification.parts import folds, parts, spread
from quantum_pipeline.classification.scaling import fitted, scaled

WORDS = ["red", "blue", "red", "green"]


def test_words_become_the_indicators_of_scikit_learn() -> None:
    columns = [column("size", [1.0, 2, 3, 4], impute=False), column("c", WORDS, impute=False)]
    rows: list[list[Cell]] = [["left out", 5, "green"], ["", -1, "unknown"]]
    theirs = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    theirs.fit([[each] for each in WORDS])

    ours = encoded(columns, rows, ["other", "size", "c"])

    assert ours[:, 0].tolist() == [5, -1]
    assert ours[:, 1:].tolist() == theirs.transform([[row[2]] for row in rows]).tolist()
    assert width(columns) == ours.shape[1]


def test_what_is_missing_takes_the_median_or_the_most_frequent_word() -> None:
    numbers = column("n", [4, None, 1, 10], impute=True)
    words = column("w", ["b", "a", None, "a", "b"], impute=True)

    assert (numbers.fill, words.fill) == (4.0, "a")
    assert encoded([numbers, words], [[None, None]], ["n", "w"]).tolist() == [[4, 1, 0]]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("wide", 'rows.1.n: got "wide"; allowed: a number'),
        (
            None,
            "rows.1.n: got null; allowed: a value; nothing stands for a missing one in a model "
            "without missing: impute",
        ),
    ],
)
def test_a_cell_that_is_no_number_is_refused(cell: str | None, said: str) -> None:
    numbers = column("n", [1, 2], impute=False)

    with pytest.raises(ValueError, match=r".") as refused:
        encoded([numbers], [[1], [cell]], ["n"])

    assert str(refused.value) == said


@pytest.mark.parametrize("share", [0.05, 0.25, 0.5])
def test_each_class_has_its_share_in_both_parts(share: float) -> None:
    classes = [0] * 40 + [2] * 7 + [1] * 3 + [0] * 11

    trained, tested = parts(classes, share, seed=3)

    assert sorted([*trained, *tested]) == list(range(len(classes)))
    for each, count in ((0, 51), (1, 3), (2, 7)):
        n_tested = sum(classes[place] == each for place in tested)
        assert 1 <= n_tested <= count - 2
        assert abs(n_tested - share * count) <= 1
    assert parts(classes, share, seed=3).tested.tolist() == tested.tolist()
    assert parts(classes, share, seed=4).tested.tolist() != tested.tolist()


@pytest.mark.parametrize("count", [2, 3, 5])
def test_folds_deal_out_each_class(count: int) -> None:
    classes = np.array([0, 1, 2] * 8 + [0] * 17 + [1] * 4)

    found = folds(classes.tolist(), count, seed=0)

    assert sorted(np.concatenate(found)) == list(range(len(classes)))
    assert np.ptp([len(fold) for fold in found]) <= 1
    for each in range(3):
        assert np.ptp([np.sum(classes[fold] == each) for fold in found]) <= 1


def test_rows_that_are_shown_are_of_all_classes_and_spread_over_each() -> None:
    """Also of a table that is sorted by class, or has a class of few rows."""
    classes = np.array([0] * 300 + [1] * 5 + [2] * 90 + [0] * 100)

    found = spread(classes.tolist(), 64)

    assert np.bincount(classes[found]).tolist() == [29, 5, 29]
    assert (np.diff(classes[found]) >= 0).all()
    for each in range(3):
        places, shown = np.flatnonzero(classes == each), found[classes[found] == each]
        gaps = np.diff(np.searchsorted(places, shown))
        assert gaps.min() >= 1
        assert np.ptp(gaps) <= 1
        assert shown[-1] >= places[-1 - gaps.max()]
    assert spread([1, 0, 1], 64).tolist() == [1, 0, 2]


def _table(n_rows: int, width: int) -> NDArray[np.float64]:
    generator = np.random.default_rng(0)
    return generator.normal(3, 2, (n_rows, 3)) @ generator.normal(size=(3, width)) + (
        generator.normal(size=(n_rows, width)) * generator.uniform(0.1, 2, width)
    )


def test_scaling_is_that_of_scikit_learn() -> None:
    rows = _table(50, 8)
    trained, tested = rows[:40], rows[40:]
    scaler, pca = StandardScaler().fit(trained), PCA(3)
    pca.fit(scaler.transform(trained))

    plain, turned = fitted(trained, 8), fitted(trained, 3)

    assert plain.components is None
    assert scaled(plain, tested) == pytest.approx(scaler.transform(tested), abs=1e-12)
    theirs = pca.transform(scaler.transform(tested)) / pca.transform(scaler.transform(trained)).std(
        axis=0
    )
    assert scaled(turned, tested) == pytest.approx(theirs, abs=1e-10)
    assert scaled(turned, trained).std(axis=0) == pytest.approx(1)


def test_a_row_is_scaled_alike_whichever_are_beside_it() -> None:
    rows = _table(33, 21)
    scaling = fitted(rows, 6)

    alone = np.concatenate([scaled(scaling, row[None]) for row in rows])

    assert alone.tobytes() == scaled(scaling, rows).tobytes()


def test_constant_columns_and_too_few_rows_are_scaled_by_one() -> None:
    rows = np.column_stack([_table(3, 6), np.full(3, 0.1)])

    scaling = fitted(rows, 5)

    assert scaling.scales[-1] == 1
    assert scaling.spreads is not None and scaling.spreads[2:] == (1, 1, 1)
    assert np.abs(scaled(scaling, rows)[:, 2:]).max() < 1e-12
