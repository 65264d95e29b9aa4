"""Problems on a form: bits in groups, a polynomial, and the constraints that groups do not keep.

Such a problem says everything twice, by code that shares nothing: ``form`` is what is solved,
``objective``, ``decoded`` and ``check`` are what the user asked for, from the bits and the
problem's own numbers. Wherever a solution is reported the two check each other.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import cached_property
from typing import ClassVar

from quantum_pipeline.problems.base import Goal, Label, Problem
from quantum_pipeline.problems.decoded import Groups, Selection, Tour, Values, Violation
from quantum_pipeline.spaces import Constraint, Form, Group, Polynomial, Space

MAX_BITS = 4096
"""Most bits of a form, as many as a problem without constraints may have."""


class FormProblem(Problem):
    """A problem with constraints, or of any order: its states are those of its form.

    ``n_qubits`` (the bits) and ``n_terms`` are known before anything is built, so that what is too
    large is refused in time.
    """

    counts_violations: ClassVar[bool] = False
    """Whether what ``check`` finds is what the objective counts, and no constraint of the form."""

    @property
    def sense(self) -> Goal:
        """Whether ``objective`` is to be small or large; the form's is minimised."""
        return "minimise"

    @property
    @abstractmethod
    def n_terms(self) -> int:
        """Number of products in the objective and of coefficients in constraints, about."""

    @property
    @abstractmethod
    def labels(self) -> Sequence[Label]:
        """What each bit says, in the user's words."""

    @cached_property
    @abstractmethod
    def space(self) -> Space:
        """The states, without their objective."""

    @abstractmethod
    def minimised(self) -> Polynomial:
        """Return the objective over the bits, its negative where we maximise."""

    def constraints(self) -> tuple[Constraint, ...]:
        """Return what the groups do not keep by themselves."""
        return ()

    @cached_property
    def form(self) -> Form:
        """What is solved."""
        return Form(self.space, self.minimised(), self.constraints())

    @abstractmethod
    def objective(self, bits: Sequence[int]) -> float:
        """Return what the user asked for, of bits that keep the groups' rules.

        Also of those that break a constraint. From the problem's own numbers, not through the
        form; the sum is exact and rounded once.
        """

    @abstractmethod
    def decoded(self, bits: Sequence[int]) -> Tour | Selection | Groups | Values:
        """Return the answer that bits stand for; they keep the groups' rules."""

    @abstractmethod
    def check(self, bits: Sequence[int]) -> tuple[Violation, ...]:
        """Return what the answer breaks, and by how much; nothing where it is feasible."""

    def objective_of_energy(self, energy: float) -> float:
        """Return the objective that belongs to a value of the form's polynomial."""
        return -energy + 0.0 if self.sense == "maximise" else energy


def free(n: int, first: int = 0) -> tuple[Group, ...]:
    """Return groups of n bits that take every value, from bit ``first`` on."""
    return tuple(Group((i,)) for i in range(first, first + n))


def one_of(n_groups: int, n_levels: int) -> Space:
    """Return a space in which bit g n_levels + l says that thing g has level l."""
    starts = range(0, n_groups * n_levels, n_levels)
    return Space(tuple(Group(tuple(range(i, i + n_levels)), 1) for i in starts))


def ones(bits: Sequence[int]) -> list[int]:
    """Return the places of the bits that are 1.

    >>> ones([0, 1, 1])
    [1, 2]
    """
    return [i for i, bit in enumerate(bits) if bit]


def rows(bits: Sequence[int], width: int) -> list[list[int]]:
    """Return, of each row of so many bits, the places of those that are 1.

    >>> rows([0, 1, 1, 0], 2)
    [[1], [0]]
    """
    return [ones(bits[start : start + width]) for start in range(0, len(bits), width)]


def exact(value: float) -> Fraction:
    """Return the decimal that was written.

    >>> exact(0.1) * 3
    Fraction(3, 10)
    """
    return Fraction(repr(value))


def total(values: Iterable[float | Fraction]) -> float:
    """Return a sum of decimals, rounded once; never -0.

    >>> total([0.1, 0.2])
    0.3
    """
    parts = (each if isinstance(each, Fraction) else exact(each) for each in values)
    return float(sum(parts, Fraction())) + 0.0


def broken(rule: str, by: float | Fraction) -> tuple[Violation, ...]:
    """Return the violation of a rule, or nothing where it is kept."""
    return (Violation(rule=rule, by=float(by)),) if by > 0 else ()


def grouped(
    given: Iterable[Group], loose: Iterable[int], constraints: Iterable[Constraint]
) -> tuple[Space, tuple[Constraint, ...]]:
    """Return a space that keeps what constraints it can by itself, and the constraints left.

    Exactly k of some loose bits, each with coefficient 1, becomes a group where no earlier one has
    any of them.

    Args:
        given: groups that stand already.
        loose: the bits of none of these.
        constraints: in their order; the first ones become groups.
    """
    groups, left, still = list(given), [], set(loose)
    for each in constraints:
        bits = tuple(bit for bit, _ in each.coefficients)
        unit = all(coefficient == 1 for _, coefficient in each.coefficients)
        counts = each.sense == "==" and unit and each.bound in range(len(bits) + 1)
        if counts and bits and still.issuperset(bits):
            still.difference_update(bits)
            groups.append(Group(bits, int(each.bound)))
        else:
            left.append(each)
    groups += [Group((bit,)) for bit in still]
    return Space(tuple(sorted(groups, key=lambda group: group.bits))), tuple(left)
