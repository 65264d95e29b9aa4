"""What all problems share: an objective, an Ising model, and checked numbers.

A validator raises ValueError with the sentence of ``wording.refusal``: its field counts from the
model that raises, and ``refusals.describe`` puts the path to that model in front.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    StrictInt,
    StrictStr,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from quantum_pipeline.ising import IsingModel
from quantum_pipeline.ising.exact import ExactEnergies, Terms
from quantum_pipeline.refusals import refused
from quantum_pipeline.wording import refusal, shown

MAX_MAGNITUDE = 1e12
"""Largest coefficient: beyond it floats hold no quarters of a unit."""

MIN_MAGNITUDE = 1e-150
"""Smallest coefficient but 0: below it squares, and soon quarters, are no floats any more."""

MAX_TERMS = 2**19
"""Most terms of an objective, those of a dense matrix of 724 variables, or of half a one of 1023.

What Prepare may take decides: with so many it takes two seconds, and 600 MB of its memory.
"""


def _not_tiny(value: float) -> float:
    if -MIN_MAGNITUDE < value < MIN_MAGNITUDE and value:
        raise refused(f"0, or a number from {MIN_MAGNITUDE:g} to {MAX_MAGNITUDE:g} in size")
    return value


Number = Annotated[
    float,
    Field(strict=True, allow_inf_nan=False, ge=-MAX_MAGNITUDE, le=MAX_MAGNITUDE),
    AfterValidator(_not_tiny),
]
Goal = Literal["minimise", "maximise"]
Index = Annotated[int, Field(strict=True, ge=0)]
Term = Annotated[
    tuple[Index, Index, Number],
    Field(json_schema_extra={"allowed": "[i, j, value]: two variables, counted from 0, a number"}),
]
Label = Annotated[StrictInt | StrictStr, Field(json_schema_extra={"allowed": "an integer or text"})]
MOST_NESTED = 8


def _text_of_tuple(label: Any) -> Any:
    if not isinstance(label, list | tuple):
        return label
    found = _as_tuple(label, MOST_NESTED)
    return label if found is None else str(found)


def _as_tuple(label: Any, depth: int) -> Any:
    """Return a list as the tuple that it was; None where it holds other things."""
    if isinstance(label, int | float | str):
        return label
    if not isinstance(label, list | tuple) or not label or not depth:
        return None
    entries = tuple(_as_tuple(each, depth - 1) for each in label)
    return None if None in entries else entries


NestedLabel = Annotated[
    Label,
    BeforeValidator(_text_of_tuple),
    WithJsonSchema(
        {
            "type": ["integer", "string", "array"],
            "items": {"type": ["integer", "number", "string", "array"]},
            "allowed": "an integer, text, or a list of such",
        }
    ),
]
"""A tuple in Python, a list in JSON, is the tuple's text here."""


class Problem(BaseModel, ABC):
    """What all problems have: a type, and qubits that they take."""

    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)

    type: str

    @property
    @abstractmethod
    def n_qubits(self) -> int:
        """Number of qubits."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is allowed, but may not be meant as it is written: a sentence each."""
        return ()

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the schema with ``type`` required: a default would not tell problems apart."""
        reference = handler(core)
        schema = handler.resolve_ref_schema(reference)
        schema["required"] = ["type", *schema.get("required", [])]
        schema["properties"]["type"].pop("default", None)
        return reference


class BinaryProblem(Problem):
    """Binary variables with labels, an objective and an Ising model: one qubit a variable."""

    @property
    def sense(self) -> Goal:
        """Whether the objective is to be small or large."""
        return "minimise"

    @property
    @abstractmethod
    def n_variables(self) -> int:
        """Number of binary variables."""

    @property
    @abstractmethod
    def n_terms(self) -> int:
        """Number of terms of the objective as it was written, known before any is computed."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Variables in no term, and an optimum that needs no computing."""
        if max(self.n_variables, self.n_terms) > MAX_TERMS:
            return ()  # refused by who plans it
        found = []
        if unused := self.unused:
            named = ", ".join(shown(self.labels[k]) for k in unused[:5])
            more = f" and {len(unused) - 5} more" if len(unused) > 5 else ""
            from_one = unused == [0] and isinstance(self.labels, range)
            hint = ": counted from 1? here the first is 0" if from_one else ""
            what = "variable" if len(unused) == 1 else "variables"
            found.append(f"{what} {named}{more} in no term{hint}")
        if self.trivial_optimum is not None:
            found.append(
                f"the optimum is trivial: {self.trivial_optimum}; is the problem as meant?"
            )
        return tuple(found)

    @cached_property
    def unused(self) -> list[int]:
        """The variables whose value changes nothing."""
        terms = self.terms()
        used = {i for i, value in enumerate(terms.linear) if value}
        for i, j, value in terms.quadratic:
            if value:
                used.update((i, j))
        return [i for i in range(self.n_variables) if i not in used]

    @cached_property
    def trivial_optimum(self) -> str | None:
        """An optimum that the signs of the coefficients show, in words; None where they do not.

        Cost: O(n_terms).
        """
        terms = self.terms()
        pairs = [value for i, j, value in terms.quadratic if i != j]
        linear = [*terms.linear, *(value for i, j, value in terms.quadratic if i == j)]
        if not any(pairs):
            return "each variable is by itself"
        if terms.spins:
            agree = max(pairs) <= 0 and (max(linear) <= 0 or min(linear) >= 0)
            return "all variables alike" if agree else None
        if min(pairs) >= 0 and min(linear) >= 0:
            return "all variables 0"
        return "all variables 1" if max(pairs) <= 0 and max(linear) <= 0 else None

    @property
    def n_qubits(self) -> int:
        """Number of qubits: as many as variables."""
        return self.n_variables

    @property
    def labels(self) -> Sequence[Label]:
        """The user's name of each variable."""
        return range(self.n_variables)

    @property
    def constant(self) -> float:
        """Constant of the objective, which every bitstring has."""
        return 0.0

    @abstractmethod
    def terms(self) -> Terms:
        """Return the minimised objective as it was written, less its constant."""

    @cached_property
    def ising(self) -> IsingModel:
        """The model whose energy is the minimised objective, constant included."""
        terms = self.terms()
        build = IsingModel.from_spins if terms.spins else IsingModel.from_bits
        return build(terms.linear, terms.quadratic, self.constant)

    def less_constant(self, model: IsingModel) -> IsingModel:
        """Return the problem's Ising model less its constant, which would cost energies digits."""
        return model.model_copy(update={"offset": float(self.exact.mean)})

    @cached_property
    def exact(self) -> ExactEnergies:
        """The minimised objective less its constant, as exact numbers."""
        return ExactEnergies(self.terms())

    def objective(self, bits: Sequence[int]) -> float:
        """Return what the user asked for, at one assignment of n bits; its sum is rounded once."""
        energy = self.with_constant(self.exact.energy("".join(map(str, bits))))
        return self.objective_of_energy(energy) + 0.0  # -0.0 is written as 0.0

    def with_constant(self, energy: float | Fraction) -> float:
        """Return an energy that was computed without the problem's constant, with it."""
        return float(energy + Fraction(repr(self.constant))) if self.constant else float(energy)

    def energy_of_objective(self, objective: float) -> float:
        """Return the energy that belongs to an objective."""
        return -objective if self.sense == "maximise" else objective

    def objective_of_energy(self, energy: float) -> float:
        """Return the objective that belongs to an energy: its negative where we maximise."""
        return -energy if self.sense == "maximise" else energy


def check_indices(
    name: str, pairs: Iterable[tuple[int, int]], n: int, what: str = "variables"
) -> None:
    """Refuse a variable that is not there.

    Raises:
        ValueError: names the entry, the index and the allowed ones.
    """
    pairs = list(pairs)
    if max(map(max, pairs), default=-1) < n:
        return
    for position, pair in enumerate(pairs):
        if max(pair) >= n:
            allowed = f"{what} from 0 to {n - 1}"
            raise ValueError(refusal(f"{name}.{position}", list(pair), allowed))


def check_no_loops(name: str, pairs: Iterable[tuple[Label, Label]]) -> None:
    """Refuse a pair of a thing with itself.

    Raises:
        ValueError: names the entry.
    """
    for position, (a, b) in enumerate(pairs):
        if a == b:
            raise ValueError(refusal(f"{name}.{position}", [a, b], "two different ends"))


def check_no_repeats(name: str, pairs: Iterable[tuple[Label, Label]]) -> None:
    """Refuse a pair that is given twice, whichever way round.

    Raises:
        ValueError: names the second entry, and the first.
    """
    pairs = list(pairs)
    known = set(pairs)
    if len(known) == len(pairs) and not any((b, a) in known for a, b in pairs):
        return
    seen: dict[frozenset[Label], int] = {}
    for position, pair in enumerate(pairs):
        first = seen.setdefault(frozenset(pair), position)
        if first != position:
            allowed = f"each pair once; it stands in {name}.{first} already"
            raise ValueError(refusal(f"{name}.{position}", list(pair), allowed))


def check_labels(name: str, labels: Sequence[Label]) -> None:
    """Refuse labels that a report could not tell apart.

    Raises:
        ValueError: names the second of two labels with one text.
    """
    seen: dict[str, int] = {}
    for position, label in enumerate(labels):
        first = seen.setdefault(str(label), position)
        if first != position:
            allowed = f"labels of different text; {name}.{first} has the same"
            raise ValueError(refusal(f"{name}.{position}", label, allowed))


def check_square(name: str, rows: Sequence[Sequence[float]], n: int) -> None:
    """Refuse a matrix that is not n by n.

    Raises:
        ValueError: names the matrix or its row, and the length.
    """
    if len(rows) != n:
        raise ValueError(f"{name}: got a length of {len(rows)}; allowed: {n} rows of {n}")
    for position, row in enumerate(rows):
        if len(row) != n:
            raise ValueError(f"{name}.{position}: got a length of {len(row)}; allowed: {n}")


def n_entries(rows: Sequence[Sequence[float]]) -> int:
    """Return how many entries of a matrix are not zero.

    >>> n_entries([[0, 2], [3, 0]])
    2
    """
    return sum(len(row) - row.count(0) for row in rows)


def terms_of_matrix(rows: Sequence[Sequence[float]]) -> list[tuple[int, int, float]]:
    """Return the entries of a matrix that are not zero.

    >>> terms_of_matrix([[0, 2], [3, 0]])
    [(0, 1, 2), (1, 0, 3)]
    """
    return [(i, j, q) for i, row in enumerate(rows) for j, q in enumerate(row) if q]
