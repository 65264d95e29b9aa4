"""HiGHS on the constrained form: integer linear programming, products by variables of their own.

A product y of bits x_i with a coefficient c is what it should be where it matters:

    c > 0   y >= sum_i x_i - (bits - 1), y >= 0          c < 0   y <= x_i

Where a bit multiplies all the bits of an exactly-one group, the sum of these products is the bit
itself, which tightens the relaxation. Source: F. Glover, E. Woolsey, Oper. Res. 22, 180 (1974).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from quantum_pipeline.spaces import Form, Polynomial

MOST_PRODUCTS = 2000
"""Products beyond which HiGHS seldom proves anything within seconds."""

OPTIMAL = 0
"""scipy's status of a proven optimum."""


class Answer(NamedTuple):
    """Bits that HiGHS found, and whether it proved them best; none where it found none in time."""

    bits: list[int] | None
    proven: bool


class _Row(NamedTuple):
    """lower <= sum of coefficients times variables <= upper."""

    terms: Sequence[tuple[int, float]]
    lower: float
    upper: float


def solve(form: Form, seconds: float) -> Answer | None:
    """Return what HiGHS finds in some seconds; None of a form with too many products."""
    polynomial = in_bits(form.objective)
    n = form.space.n_bits
    products = [each for each in polynomial.monomials if len(each.variables) > 1]
    if len(products) > MOST_PRODUCTS:
        return None
    costs = np.zeros(n + len(products))
    for variables, coefficient in polynomial.monomials:
        if len(variables) == 1:
            costs[variables[0]] = coefficient
    costs[n:] = [each.coefficient for each in products]
    place = {each.variables: n + k for k, each in enumerate(products)}
    rows = [*_rules(form), *_links(products, n), *_sums(form, place)]
    found = milp(
        costs,
        integrality=(np.arange(len(costs)) < n).astype(int),
        bounds=Bounds(0, 1),
        constraints=_constraints(rows, len(costs)) if rows else None,
        options={"time_limit": seconds, "mip_rel_gap": 0.0},
    )
    if found.x is None:
        return Answer(None, proven=False)
    return Answer(np.rint(found.x[:n]).astype(int).tolist(), proven=found.status == OPTIMAL)


def in_bits(polynomial: Polynomial) -> Polynomial:
    """Return a polynomial over bits, less its constant: of spins, with s = 1 - 2 x.

    >>> [tuple(each) for each in in_bits(Polynomial.of([((0, 1), 1.0)], spins=True)).monomials]
    [((0,), -2.0), ((0, 1), 4.0), ((1,), -2.0)]
    """
    if not polynomial.spins:
        return polynomial
    expanded: list[tuple[Sequence[int], float]] = []
    for variables, coefficient in polynomial.monomials:
        parts: list[tuple[int, ...]] = [()]
        for variable in variables:
            parts += [(*part, variable) for part in parts]
        expanded += [(part, coefficient * (-2.0) ** len(part)) for part in parts if part]
    return Polynomial.of(expanded)


def _rules(form: Form) -> Iterator[_Row]:
    for group in form.space.groups:
        if group.ones is not None:
            yield _Row([(bit, 1.0) for bit in group.bits], group.ones, group.ones)
    for each in form.constraints:
        lower = -np.inf if each.sense == "<=" else each.bound
        upper = np.inf if each.sense == ">=" else each.bound
        yield _Row(each.coefficients, lower, upper)


def _links(products: Sequence[tuple[tuple[int, ...], float]], n: int) -> Iterator[_Row]:
    for k, (variables, coefficient) in enumerate(products):
        if coefficient > 0:
            terms = [(n + k, -1.0), *((bit, 1.0) for bit in variables)]
            yield _Row(terms, -np.inf, len(variables) - 1)
        else:
            for bit in variables:
                yield _Row([(n + k, 1.0), (bit, -1.0)], -np.inf, 0.0)


def _sums(form: Form, place: dict[tuple[int, ...], int]) -> Iterator[_Row]:
    """Yield that the products of a bit with all bits of an exactly-one group sum to it."""
    ones = [group.bits for group in form.space.groups if group.ones == 1]
    for bit in sorted({bit for pair in place if len(pair) == 2 for bit in pair}):
        for bits in ones:
            pairs = [place.get((min(bit, b), max(bit, b))) for b in bits]
            if bit not in bits and None not in pairs:
                yield _Row([(bit, -1.0), *((p, 1.0) for p in pairs if p is not None)], 0.0, 0.0)


def _constraints(rows: Sequence[_Row], n: int) -> LinearConstraint:
    data = [(k, column, value) for k, row in enumerate(rows) for column, value in row.terms]
    places: NDArray[np.int64] = np.array([each[:2] for each in data], dtype=np.int64).T
    values = [value for *_, value in data]
    matrix = csr_array((values, (places[0], places[1])), shape=(len(rows), n))
    return LinearConstraint(matrix, [row.lower for row in rows], [row.upper for row in rows])
