"""Features of a problem: what tells how much two problems are alike, and costs little to keep.

They are computed once, by Prepare, which has the problem in memory; a record of its run has them
whatever the problem's size.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict, Field

from quantum_pipeline.ising import IsingModel, typical_field
from quantum_pipeline.problems import (
    AnyProblem,
    BinaryProblem,
    Chemistry,
    Classification,
    FormProblem,
)

MOST_CUBED = 256
"""Spins up to which a cube of the couplings takes some milliseconds."""


class _Features(BaseModel):
    model_config = ConfigDict(frozen=True)


class Spread(_Features):
    """Least, mean and largest of some values."""

    least: float
    mean: float
    largest: float

    @classmethod
    def of(cls, values: ArrayLike) -> Self:
        """Return the spread of values; of none, zeros.

        >>> Spread.of([1, 2, 6])
        Spread(least=1.0, mean=3.0, largest=6.0)
        """
        found = np.asarray(values, dtype=float)
        if not found.size:
            return cls(least=0.0, mean=0.0, largest=0.0)
        return cls(least=found.min(), mean=found.mean(), largest=found.max())


class IsingFeatures(_Features):
    """Of a problem of binary variables, by its Ising model of n spins and m couplings.

    ``density`` is 2 m / (n (n - 1)), 0 of one spin. ``degree`` counts a spin's couplings, and
    ``weight`` is the size of one, |J|. ``typical_field`` is the root mean square of the field on a
    spin: gammas in units of 1 / typical_field are alike in problems that are. ``field_share`` is
    the share of the fields in its square, and ``skewness`` the third cumulant of the energies of
    random bits, a spin, in units of its cube: what triangles and the fields along couplings make of
    them. It is None of more than MOST_CUBED spins; records of earlier releases lack both.
    """

    kind: Literal["ising"] = "ising"
    n_qubits: int
    n_couplings: int
    density: float
    degree: Spread
    weight: Spread
    field_free: bool
    typical_field: float
    field_share: float | None = None
    skewness: float | None = None

    @classmethod
    def of(cls, model: IsingModel) -> Self:
        """Return the features of a model. Cost: O(n + m), up to MOST_CUBED spins O(n^3)."""
        n, m = model.n_variables, len(model.couplings)
        couplings = np.array(model.couplings, dtype=float).reshape(m, 3)
        ends = couplings[:, :2].astype(np.int64).ravel()
        return cls(
            n_qubits=n,
            n_couplings=m,
            density=2 * m / (n * (n - 1)) if n > 1 else 0.0,
            degree=Spread.of(np.bincount(ends, minlength=n)),
            weight=Spread.of(np.abs(couplings[:, 2])),
            field_free=not any(model.fields),
            typical_field=typical_field(model),
            field_share=_field_share(model),
            skewness=_skewness(model) if n <= MOST_CUBED else None,
        )


def _field_share(model: IsingModel) -> float:
    """Return sum h^2 / (sum h^2 + 2 sum J^2), 0 of a model without either."""
    unit = typical_field(model)  # no square of a very small or large number is lost
    of_fields = sum((field / unit) ** 2 for field in model.fields)
    of_couplings = sum((coupling / unit) ** 2 for _, _, coupling in model.couplings)
    return of_fields / ((of_fields + 2 * of_couplings) or 1.0)


def _skewness(model: IsingModel) -> float:
    """Return (3 h J h + tr J^3) / (n typical_field^3), which is <(E - <E>)^3> a spin, in units.

    Three factors of E have a mean where each spin occurs an even number of times: in h_i J_ij h_j
    and in triangles, each in six orders.

    >>> triangle = IsingModel.from_spins([0, 0, 0], [(0, 1, 1), (0, 2, 1), (1, 2, 1)])
    >>> _skewness(triangle).__round__(3)
    0.707
    """
    n, unit = model.n_variables, typical_field(model)
    fields, couplings = np.array(model.fields) / unit, np.zeros((n, n))
    for i, j, coupling in model.couplings:
        couplings[i, j] = couplings[j, i] = coupling / unit
    triangles = np.sum((couplings @ couplings) * couplings)
    return float((3 * fields @ couplings @ fields + triangles) / n)


class MoleculeFeatures(_Features):
    """Of a molecule: electrons and orbitals are those of the active space, lengths those asked."""

    kind: Literal["molecule"] = "molecule"
    n_qubits: int
    formula: str
    basis: str | None
    multiplicity: int
    n_electrons: int
    n_orbitals: int
    n_lengths: int

    @classmethod
    def of(cls, problem: Chemistry) -> Self:
        """Return the features of a molecule."""
        space = problem.space
        return cls(
            n_qubits=problem.n_qubits,
            formula=problem.formula,
            basis=problem.basis,
            multiplicity=problem.multiplicity,
            n_electrons=space.n_alpha + space.n_beta,
            n_orbitals=space.n_orbitals,
            n_lengths=len(problem.lengths),
        )


class FormFeatures(_Features):
    """Of a problem on a form: its bits and groups, its polynomial and its constraints.

    ``n_states`` is the product of the groups' levels, and ``order`` that of the polynomial.
    """

    kind: Literal["form"] = "form"
    n_qubits: int
    n_groups: int
    n_states: int
    n_products: int
    order: int
    n_constraints: int
    weight: Spread

    @classmethod
    def of(cls, problem: FormProblem) -> Self:
        """Return the features of a problem on a form."""
        form = problem.form
        products = form.objective.monomials
        return cls(
            n_qubits=problem.n_qubits,
            n_groups=len(form.space.groups),
            n_states=form.space.n_states,
            n_products=len(products),
            order=form.objective.order,
            n_constraints=len(form.constraints),
            weight=Spread.of([abs(each.coefficient) for each in products]),
        )


class TableFeatures(_Features):
    """Of a table whose rows are classified: columns are those beside the target.

    ``balance`` is the rows of the rarest class by those of the most frequent one.
    """

    kind: Literal["table"] = "table"
    n_qubits: int
    n_rows: int
    n_columns: int
    n_numeric: int
    n_categorical: int
    n_classes: int
    balance: float

    @classmethod
    def of(cls, problem: Classification) -> Self:
        """Return the features of a table."""
        counts = Counter(problem.labels).values()
        categorical = sum(each.words is not None for each in problem.features)
        return cls(
            n_qubits=problem.n_qubits,
            n_rows=len(problem.rows),
            n_columns=len(problem.features),
            n_numeric=len(problem.features) - categorical,
            n_categorical=categorical,
            n_classes=len(problem.classes),
            balance=min(counts) / max(counts),
        )


AnyFeatures = IsingFeatures | MoleculeFeatures | FormFeatures | TableFeatures
Features = Annotated[AnyFeatures, Field(discriminator="kind")]


def features(problem: AnyProblem) -> AnyFeatures:
    """Return the features of a problem.

    >>> from quantum_pipeline.problems import MaxCut
    >>> found = features(MaxCut(edges=[[0, 1], [1, 2, -3.0]]))
    >>> found.density.__round__(3), found.degree.mean.__round__(3), found.weight.largest
    (0.667, 1.333, 1.5)
    """
    if isinstance(problem, BinaryProblem):
        return IsingFeatures.of(problem.ising)
    if isinstance(problem, FormProblem):
        return FormFeatures.of(problem)
    if isinstance(problem, Classification):
        return TableFeatures.of(problem)
    return MoleculeFeatures.of(problem)
