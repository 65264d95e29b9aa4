"""A row's numbers as a state of qubits: the circuits of kernels.

Conventions as everywhere: R_P(t) = exp(-i t P / 2), exp(-i t ZZ / 2); bit k of an index, from the
left, is qubit k. A layer of n qubits, x a row times the bandwidth:

    angle        R_Y(x_k) on qubit k, then CZ on neighbours in a ring
    iqp          H on all, R_Z(x_k), then ZZ(x_j x_k) on neighbours in a ring
    reuploading  R_Y(x_k) R_Z(x_k), then CZ on neighbours in a ring

repeated ``depth`` times. Without entanglement the last part of a layer is left out. The ring of two
qubits is one pair, that of one none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from quantum_pipeline.quantities import Count, Flag

EncodingName = Literal["angle", "iqp", "reuploading"]
GateName = Literal["h", "ry", "rz", "cz", "zz"]

Rows = NDArray[np.float64]
States = NDArray[np.complex128]


class Gate(NamedTuple):
    """A gate on one or two qubits; ``angle`` in radians, 0 of those that have none."""

    name: GateName
    qubits: tuple[int, ...]
    angle: float = 0.0


class Encoding(BaseModel):
    """A circuit that a row becomes the angles of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: EncodingName
    n_qubits: Count
    depth: Count
    entangled: Flag = True

    def gates(self, row: Rows) -> Iterator[Gate]:
        """Yield the gates that make a row's state of |0...0>; ``row`` has the bandwidth in it."""
        raise NotImplementedError

    def states(self, rows: Rows) -> States:
        """Return the states of rows: shape (n_rows, 2^n), of rows of shape (n_rows, n).

        Cost: O(n_rows * 2^n * gates).
        """
        raise NotImplementedError
