"""The general form: variables with ranges, an objective up to the second order, constraints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, model_validator

from quantum_pipeline.problems.base import Goal, Label, Number, check_labels
from quantum_pipeline.problems.decoded import Values, Violation, listed_values
from quantum_pipeline.problems.formed import (
    MAX_BITS,
    FormProblem,
    broken,
    exact,
    grouped,
    total,
)
from quantum_pipeline.quantities import Entries
from quantum_pipeline.spaces import Constraint, Group, Polynomial, Space
from quantum_pipeline.spaces.form import Sense
from quantum_pipeline.wording import refusal, shown

_End = Annotated[StrictInt, Field(ge=-(10**9), le=10**9)]
_RANGE = "[least, most]: two integers of at most 1e9 in size, the second not below the first"


class Several(BaseModel):
    """A variable of several values: a range of integers, or the values one by one."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"oneOf": [{"required": ["integer"]}, {"required": ["one_of"]}]},
    )

    integer: tuple[_End, _End] | None = Field(
        None,
        description="the least and the largest value",
        json_schema_extra={"allowed": _RANGE},
    )
    one_of: Entries[Label] | None = Field(
        None, min_length=1, description="the values: integers, or words"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.integer is None) == (self.one_of is None):
            raise ValueError("integer: allowed: one of integer and one_of")
        if self.integer is not None and self.integer[1] < self.integer[0]:
            raise ValueError(refusal("integer", self.integer, _RANGE))
        if self.n_values > MAX_BITS:
            raise ValueError(f"integer: got {self.n_values} values; allowed: up to {MAX_BITS}")
        check_labels("one_of", self.one_of or ())
        return self

    @property
    def n_values(self) -> int:
        """Number of values."""
        return len(self.values)

    @property
    def values(self) -> Sequence[Label]:
        """All values, in their order."""
        if self.one_of is not None:
            return self.one_of
        least, most = self.integer or (0, 0)
        return range(least, most + 1)


Variable = Annotated[
    Literal["binary"] | Several,
    Field(
        json_schema_extra={
            "allowed": '"binary", {"integer": [least, most]} or {"one_of": [value, ...]}'
        }
    ),
]
Product = Annotated[
    tuple[StrictStr, StrictStr, Number],
    Field(json_schema_extra={"allowed": "[name, name, value]: two variables, a number"}),
]


class Objective(BaseModel):
    """What is minimised or maximised:  constant + sum l v + sum q v w."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sense: Goal = Field("minimise", description="whether it is to be small or large")
    linear: dict[str, Number] = Field({}, description="l: a coefficient by the variable's name")
    quadratic: Entries[Product] = Field(
        (), description="q: coefficients of products; those of the same variables add up"
    )
    constant: Number = Field(0.0, description="the same for all values")


class Rule(BaseModel):
    """A linear constraint:  sum a v  sense  bound."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: StrictStr | None = Field(
        None, description="its name in the report; if not given, its number, from 1"
    )
    linear: dict[str, Number] = Field(
        min_length=1, description="a: a coefficient by the variable's name"
    )
    sense: Sense = Field(description="how the sum stands to the bound")
    bound: Number = Field(description="what the sum is held to")


class _Reference(NamedTuple):
    """What a name in a sum means: bits, each with what it adds; only one of them is 1."""

    bits: tuple[tuple[int, int], ...]
    others_zero: bool

    @property
    def range(self) -> tuple[int, int]:
        values = [value for _, value in self.bits]
        return min([0, *values] if self.others_zero else values), max(
            [0, *values] if self.others_zero else values
        )


class Constrained(FormProblem):
    """Minimise or maximise an objective over variables with ranges, under linear constraints.

    A name in a sum is a variable, by its value, or  name=value,  which is 1 where the variable has
    that value and 0 elsewhere; variables whose values are words have only the second.
    """

    type: Literal["constrained"] = "constrained"
    variables: dict[str, Variable] = Field(
        min_length=1, description="each variable by its name, with the values that it may take"
    )
    objective_: Objective = Field(alias="objective", description="what is minimised or maximised")
    rules: Entries[Rule] = Field((), alias="constraints", description="what has to hold")

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_labels("variables", list(self.variables))
        for name in self.variables:
            if not name or "=" in name:
                raise ValueError(
                    refusal("variables", name, "names without =, of one letter or more")
                )
        if self.n_qubits > MAX_BITS:
            allowed = f"variables of up to {MAX_BITS} values in all, a bit each"
            raise ValueError(f"variables: got {self.n_qubits} bits; allowed: {allowed}")
        self._check_names("objective.linear", self.objective_.linear)
        for k, (a, b, _) in enumerate(self.objective_.quadratic):
            self._check_names(f"objective.quadratic.{k}", (a, b))
        for k, rule in enumerate(self.rules):
            self._check_names(f"constraints.{k}.linear", rule.linear)
            self._check_attainable(f"constraints.{k}.bound", rule)
        seen: set[str] = set()
        for k, name in enumerate(self._rule_names):
            if name in seen:
                raise ValueError(refusal(f"constraints.{k}.name", name, "a name of its own"))
            seen.add(name)
        return self

    def _check_names(self, field: str, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._references:
                some = ", ".join(list(self._references)[:8])
                more = ", ..." if len(self._references) > 8 else ""
                raise ValueError(refusal(field, name, f"one of {some}{more}"))

    def _check_attainable(self, field: str, rule: Rule) -> None:
        least, most = self._reach(rule)
        below = rule.sense != ">=" and exact(rule.bound) < least
        above = rule.sense != "<=" and exact(rule.bound) > most
        if below or above:
            reached = f"{float(least):g} to {float(most):g}, what its sum can be"
            raise ValueError(refusal(field, rule.bound, f"a bound that can hold, of {reached}"))

    def _reach(self, rule: Rule) -> tuple[Fraction, Fraction]:
        """Return bounds of a constraint's sum: each variable by itself."""
        ends = [
            sorted(exact(a) * v for v in self._references[name].range)
            for name, a in rule.linear.items()
        ]
        return sum((e[0] for e in ends), Fraction()), sum((e[1] for e in ends), Fraction())

    @property
    def warnings(self) -> tuple[str, ...]:
        """Constraints that every assignment keeps."""
        found = []
        for name, rule in zip(self._rule_names, self.rules, strict=True):
            least, most = self._reach(rule)
            upper, lower = most <= exact(rule.bound), least >= exact(rule.bound)
            if {"<=": upper, ">=": lower, "==": upper and lower}[rule.sense]:
                found.append(f"constraint {shown(name)} holds whatever the variables are")
        return tuple(found)

    @property
    def sense(self) -> Goal:
        """As the objective has it."""
        return self.objective_.sense

    @cached_property
    def _rule_names(self) -> list[str]:
        return [
            f"constraint {k}" if rule.name is None else rule.name
            for k, rule in enumerate(self.rules, start=1)
        ]

    @cached_property
    def _layout(self) -> list[tuple[str, Variable, int]]:
        """Each variable with its first bit."""
        found, first = [], 0
        for name, variable in self.variables.items():
            found.append((name, variable, first))
            first += 1 if variable == "binary" else variable.n_values
        return found

    @cached_property
    def _references(self) -> dict[str, _Reference]:
        return dict(self._each_reference())

    def _each_reference(self) -> Iterator[tuple[str, _Reference]]:
        for name, variable, first in self._layout:
            if variable == "binary":
                yield name, _Reference(((first, 1),), others_zero=True)
                continue
            bits = range(first, first + variable.n_values)
            if all(isinstance(value, int) for value in variable.values):
                values = zip(bits, map(int, variable.values), strict=True)
                yield name, _Reference(tuple(values), others_zero=False)
            for bit, value in zip(bits, variable.values, strict=True):
                yield f"{name}={value}", _Reference(((bit, 1),), others_zero=len(bits) > 1)

    @property
    def n_qubits(self) -> int:
        """Number of bits: one of a binary variable, one for each value of others."""
        _, last, first = self._layout[-1]
        return first + (1 if last == "binary" else last.n_values)

    @property
    def n_terms(self) -> int:
        """Number of products of bits, and of bits in constraints."""

        def width(name: str) -> int:
            return len(self._references[name].bits)

        sums = [self.objective_.linear, *(rule.linear for rule in self.rules)]
        products = sum(width(a) * width(b) for a, b, _ in self.objective_.quadratic)
        return products + sum(width(name) for each in sums for name in each)

    @property
    def labels(self) -> Sequence[Label]:
        """A binary variable's name, or  name=value."""
        found: list[Label] = []
        for name, variable, _ in self._layout:
            if variable == "binary":
                found.append(name)
            else:
                found += [f"{name}={value}" for value in variable.values]
        return found

    def _linear(self, linear: dict[str, float]) -> Iterator[tuple[int, Fraction]]:
        for name, coefficient in linear.items():
            for bit, value in self._references[name].bits:
                yield bit, exact(coefficient) * value

    @cached_property
    def _grouped(self) -> tuple[Space, tuple[Constraint, ...]]:
        several, loose = [], []
        for _, variable, first in self._layout:
            if variable == "binary":
                loose.append(first)
            else:
                several.append(Group(tuple(range(first, first + variable.n_values)), 1))
        constraints = []
        for name, rule in zip(self._rule_names, self.rules, strict=True):
            sums: dict[int, Fraction] = {}
            for bit, value in self._linear(rule.linear):
                sums[bit] = sums.get(bit, Fraction()) + value
            coefficients = tuple((bit, float(value)) for bit, value in sums.items() if value)
            constraints.append(Constraint(name, coefficients, rule.sense, rule.bound))
        return grouped(several, loose, constraints)

    @cached_property
    def space(self) -> Space:
        """A group for each variable of several values, and for each exactly k of binary ones."""
        return self._grouped[0]

    def constraints(self) -> tuple[Constraint, ...]:
        """Return the constraints that are no groups."""
        return self._grouped[1]

    def minimised(self) -> Polynomial:
        """Return the objective over the bits, its negative where it is maximised."""
        sign = -1 if self.sense == "maximise" else 1
        products: list[tuple[tuple[int, ...], float]] = [
            ((bit,), float(sign * value)) for bit, value in self._linear(self.objective_.linear)
        ]
        for a, b, q in self.objective_.quadratic:
            for i, v in self._references[a].bits:
                for j, w in self._references[b].bits:
                    products.append(((i, j), float(sign * exact(q) * v * w)))
        return Polynomial.of(products, sign * self.objective_.constant)

    def _values(self, bits: Sequence[int]) -> dict[str, Label]:
        """Return each variable's value."""
        found: dict[str, Label] = {}
        left = list(bits)
        for name, variable in self.variables.items():
            if variable == "binary":
                found[name] = left.pop(0)
            else:
                own, left = left[: variable.n_values], left[variable.n_values :]
                found[name] = variable.values[own.index(1)]
        return found

    @staticmethod
    def _worth(name: str, values: dict[str, Label]) -> int:
        variable, given, value = name.partition("=")
        return int(str(values[variable]) == value) if given else int(values[variable])

    def objective(self, bits: Sequence[int]) -> float:
        """Return the objective at the variables' values."""
        asked, values = self.objective_, self._values(bits)
        linear = [exact(a) * self._worth(name, values) for name, a in asked.linear.items()]
        products = [
            exact(q) * self._worth(a, values) * self._worth(b, values)
            for a, b, q in asked.quadratic
        ]
        return total([asked.constant, *linear, *products])

    def decoded(self, bits: Sequence[int]) -> Values:
        """Return each variable's value."""
        values = self._values(bits)
        return Values(words=listed_values(values), figures={}, values=values)

    def check(self, bits: Sequence[int]) -> tuple[Violation, ...]:
        """Return the constraints that do not hold."""
        values = self._values(bits)
        found: tuple[Violation, ...] = ()
        for name, rule in zip(self._rule_names, self.rules, strict=True):
            reached = sum(
                (exact(a) * self._worth(each, values) for each, a in rule.linear.items()),
                Fraction(),
            )
            excess = reached - exact(rule.bound)
            by = {"<=": excess, ">=": -excess, "==": abs(excess)}[rule.sense]
            found += broken(name, by)
        return found
