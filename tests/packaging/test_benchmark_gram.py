"""The benchmark of kernel matrices on a tiny table: all three ways have the same entries."""

import numpy as np

from benchmarks.gram import MOST_DIFFERENCE, compared, n_pairs
from benchmarks.timing import Limits
from quantum_pipeline.classification.encodings import Encoding


def test_a_kernel_matrix_is_pennylanes_by_states_and_by_pairs() -> None:
    rows = np.random.default_rng(0).normal(size=(5, 3))
    found = compared(Encoding(name="iqp", n_qubits=3, depth=2), rows, 3, Limits(1))
    assert found["max_difference"] < MOST_DIFFERENCE
    assert set(found["times_ours"]) == {"ours", "lightning", "pairs"}


def test_pairs_are_counted_once() -> None:
    assert [n_pairs(n) for n in (2, 3, 400)] == [1, 3, 79_800]
