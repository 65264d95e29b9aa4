"""The Ising model, to which every optimisation problem is converted.

    E(s) = offset + sum_i h_i s_i + sum_{i<j} J_ij s_i s_j,    s_i in {-1, +1}

Beside it: ``exact`` compares its energies as exact numbers, ``statevector`` is QAOA on it in numpy,
and ``cones`` says what a term of it depends on.

Conventions, used everywhere and pinned by tests/unit/test_ising.py:

- Energies are minimised. Spin s_i = 1 - 2 x_i: bit 0 is spin +1, bit 1 is spin -1.
- Bit i of a bitstring, counted from the left, is variable i, as in Braket's measurement counts;
  as a number, "x_0 x_1 ... x_{n-1}" is read in binary, so variable 0 is the most significant bit.

Source: A. Lucas, "Ising formulations of many NP problems", Front. Phys. 2, 5 (2014).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import fsum, hypot, sqrt
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.wording import refusal

Coupling = tuple[int, int, float]

EPSILON = 2.0**-53
"""Largest relative error of one rounding, u."""

SMALLEST = 2.0**-1022
"""Of the floats that have all their digits."""


class IsingModel(BaseModel):
    """Fields h, couplings J with i < j (each pair once, zeros left out) and a constant."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    fields: Annotated[tuple[float, ...], Field(min_length=1)]
    couplings: tuple[Coupling, ...]
    offset: float = 0.0

    @model_validator(mode="after")
    def _check_pairs(self) -> Self:
        n = self.n_variables
        for i, j, _ in self.couplings:
            if not 0 <= i < j < n:
                allowed = f"i < j, both from 0 to {n - 1}"
                raise ValueError(refusal("couplings", [i, j], allowed))
        return self

    @property
    def n_variables(self) -> int:
        """Number of spins, n."""
        return len(self.fields)

    @property
    def scale(self) -> float:
        """Sum of the absolute fields and couplings: no energy is farther from the offset."""
        return sum(map(abs, self.fields)) + sum(abs(j) for _, _, j in self.couplings)

    @property
    def tolerance(self) -> float:
        """How far apart two computations of one energy may be, by rounding alone.

            2 u (n + couplings + 8) (sum |h| + sum |J| + |offset|),    u = 2^-53

        In either, every addition, one a term and some more, is off by u of a partial sum.
        """
        terms = self.n_variables + len(self.couplings) + 8
        return 2 * EPSILON * terms * (self.scale + abs(self.offset)) + SMALLEST

    @property
    def sums_are_floats(self) -> bool:
        """Whether all numbers are integers, and so small that no sum of them is rounded."""
        values = [*self.fields, *(value for _, _, value in self.couplings), self.offset]
        return all(map(float.is_integer, values)) and self.scale + abs(self.offset) < 2**53

    @classmethod
    def from_spins(
        cls, fields: Sequence[float], couplings: Iterable[Coupling], offset: float = 0.0
    ) -> IsingModel:
        """Return the model of a sum over pairs in any order; repeated pairs add up, rounded once.

        >>> IsingModel.from_spins([0, 0], [(1, 0, 0.5), (0, 1, 0.25)]).couplings
        ((0, 1, 0.75),)
        """
        total: dict[tuple[int, int], float] = {}
        repeated: dict[tuple[int, int], list[float]] = {}
        for i, j, value in couplings:
            pair = (i, j) if i < j else (j, i)
            if pair in total:
                repeated.setdefault(pair, [total[pair]]).append(value)
            else:
                total[pair] = value
        total.update((pair, fsum(values)) for pair, values in repeated.items())
        kept = tuple((i, j, value) for (i, j), value in sorted(total.items()) if value)
        return cls(fields=tuple(map(float, fields)), couplings=kept, offset=float(offset))

    @classmethod
    def from_bits(
        cls, linear: Sequence[float], quadratic: Iterable[Coupling], constant: float = 0.0
    ) -> IsingModel:
        """Return the model of  constant + sum_i l_i x_i + sum q_ij x_i x_j  over bits.

        With x = (1 - s)/2:  x_i x_j = (1 - s_i - s_j + s_i s_j)/4; i = j adds to l_i, for x² = x.
        Each number is the exact sum of its parts, rounded once.

        >>> model = IsingModel.from_bits([1.0, 0.0], [(0, 1, 4.0)])
        >>> model.fields, model.couplings, model.offset
        ((-1.5, -1.0), ((0, 1, 1.0),), 1.5)
        """
        fields = [[-value / 2] for value in linear]
        offset = [constant, *(value / 2 for value in linear)]
        couplings: list[Coupling] = []
        for i, j, q in quadratic:
            if i == j:
                fields[i].append(-q / 2)
                offset.append(q / 2)
                continue
            fields[i].append(-q / 4)
            fields[j].append(-q / 4)
            offset.append(q / 4)
            couplings.append((i, j, q / 4))
        return cls.from_spins([fsum(each) for each in fields], couplings, fsum(offset))


def typical_field(model: IsingModel) -> float:
    """Return the root mean square of the field on a spin: sqrt((sum h^2 + 2 sum J^2) / n).

    >>> typical_field(IsingModel.from_spins([1, 1, 0, 0], [(0, 1, -1)]))
    1.0
    """
    couplings = [coupling for _, _, coupling in model.couplings]
    total = hypot(*model.fields, *couplings, *couplings)
    return total / sqrt(model.n_variables) if total > 1e-290 else 1.0


def energies(model: IsingModel, spins: NDArray[np.int8]) -> NDArray[np.float64]:
    """Return the energy of each spin configuration.

        E(s) = offset + sum_i h_i s_i + sum_{i<j} J_ij s_i s_j

    Args:
        model: Ising model of n variables; energies in the units of the problem.
        spins: shape (n_samples, n), entries -1 or +1; column i is variable i.

    Returns:
        Shape (n_samples,), in the order of the rows of ``spins``.

    Raises:
        InvalidRequest: ``spins`` does not have n columns or has other entries.

    Cost: O(n_samples * n_couplings).

    >>> energies(IsingModel.from_spins([1, 0], [(0, 1, 2)]), np.array([[1, 1], [1, -1]], np.int8))
    array([ 3., -1.])
    """
    if spins.ndim != 2 or spins.shape[1] != model.n_variables:
        raise InvalidRequest.of("spins", spins.shape, f"shape (any, {model.n_variables})")
    if not np.isin(spins, (-1, 1)).all():
        raise InvalidRequest.of("spins", np.unique(spins).tolist(), "entries -1 or +1")
    values = model.offset + spins @ np.asarray(model.fields)
    for i, j, coupling in model.couplings:
        values += coupling * (spins[:, i] * spins[:, j])
    return np.asarray(values, dtype=np.float64)


def spins_of(bitstrings: Sequence[str]) -> NDArray[np.int8]:
    """Return the spins of bitstrings of one length n: shape (len(bitstrings), n).

    >>> spins_of(["01"]).tolist()
    [[1, -1]]
    """
    bits = np.frombuffer("".join(bitstrings).encode("ascii"), dtype=np.uint8) - ord("0")
    return (1 - 2 * bits.astype(np.int8)).reshape(len(bitstrings), -1)


def energy_of(model: IsingModel, bitstring: str) -> float:
    """Return the energy of one bitstring."""
    return float(energies(model, spins_of([bitstring]))[0])


def all_energies(model: IsingModel) -> NDArray[np.float64]:
    """Return the energy of every bitstring: the diagonal of the cost operator C.

    Returns:
        Shape (2^n,); entry k belongs to the bitstring that is k in binary, variable 0 first.

    Cost: O(2^n + sum_{i<j} 2^(n - i)) additions, 8 * 2^n bytes, and half as many for partial sums.

    >>> all_energies(IsingModel.from_spins([0, 0], [(0, 1, 1)])).tolist()
    [1.0, -1.0, -1.0, 1.0]
    """
    n = model.n_variables
    later: list[list[tuple[int, float]]] = [[] for _ in range(n)]
    for i, j, coupling in model.couplings:
        later[i].append((j, coupling))
    values, spin = np.empty(1 << n), np.array([1.0, -1.0])
    values[0] = model.offset
    for i in reversed(range(n)):
        # What all spins after i make of it: h_i + sum_{j>i} J_ij s_j, on an axis each.
        local = np.full((2,) * (n - i - 1), model.fields[i])
        for j, coupling in later[i]:
            local += coupling * spin.reshape((2,) + (1,) * (n - j - 1))
        size = 1 << (n - i - 1)
        up, down = values[:size], values[size : 2 * size]
        np.subtract(up, local.ravel(), out=down)
        up += local.ravel()
    return values
