"""Programs: an objective and constraints over variables, as LP files and dimod's models have them.

What becomes of one is a problem of type constrained. Continuous variables, products in constraints
and names with = are refused by name. The bounds of integers that are not given are those that the
constraints leave: no assignment that keeps all is lost.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from quantum_pipeline.files.document import Found
from quantum_pipeline.problems.formed import MAX_BITS, exact
from quantum_pipeline.spaces.form import Sense
from quantum_pipeline.wording import refusal, shown

_PASSES = 20
"""How often bounds are followed from constraint to constraint."""

Product = tuple[str, str]


@dataclass
class Variable:
    """The kind of a variable, and the least and the largest value that it may take."""

    kind: str
    """binary, integer or continuous."""
    least: float = 0.0
    most: float = math.inf


@dataclass
class Sum:
    """constant + sum a v + sum q v w."""

    linear: dict[str, float] = field(default_factory=dict)
    quadratic: dict[Product, float] = field(default_factory=dict)
    constant: float = 0.0

    def add(self, value: float, *names: str) -> None:
        """Add a term of no variable, one or two."""
        if not names:
            self.constant += value
        elif len(names) == 1:
            self.linear[names[0]] = self.linear.get(names[0], 0.0) + value
        else:
            a, b = sorted(names)
            self.quadratic[a, b] = self.quadratic.get((a, b), 0.0) + value

    def without_zeros(self, variables: Mapping[str, Variable]) -> Sum:
        """Return the same, what adds up to 0 left out; a binary variable's square is itself."""
        kept = Sum(dict(self.linear), {}, self.constant)
        for (a, b), value in self.quadratic.items():
            if a == b and variables[a].kind == "binary":
                kept.add(value, a)
            elif value:
                kept.add(value, a, b)
        kept.linear = {name: value for name, value in kept.linear.items() if value}
        return kept


@dataclass
class Rule:
    """A constraint:  sum  sense  bound."""

    name: str | None
    sum: Sum
    sense: Sense
    bound: float


@dataclass
class Program:
    """An objective, constraints, and the variables of both by name."""

    variables: dict[str, Variable]
    objective: Sum
    rules: list[Rule]
    maximise: bool = False


def problem_of(program: Program, notes: tuple[str, ...] = ()) -> Found:
    """Return the problem of a program.

    Raises:
        ValueError: names a variable or a constraint that there is no such problem for.
    """
    if not program.variables:
        raise ValueError("got no variables; allowed: a program of one or more")
    said = list(notes)
    objective = program.objective.without_zeros(program.variables)
    rules = list(_linear_rules(program, said))
    _check_names(program.variables)
    said += _bounded(program.variables, rules)
    problem: dict[str, Any] = {
        "type": "constrained",
        "variables": {name: _values(name, each) for name, each in program.variables.items()},
        "objective": {
            "sense": "maximise" if program.maximise else "minimise",
            "linear": objective.linear,
            "quadratic": [[a, b, value] for (a, b), value in objective.quadratic.items()],
            "constant": objective.constant,
        },
        "constraints": [
            {"name": each.name, "linear": each.sum.linear, "sense": each.sense, "bound": each.bound}
            for each in rules
        ],
    }
    return Found(problem, tuple(said))


def _linear_rules(program: Program, said: list[str]) -> Iterator[Rule]:
    """Yield the constraints, variables on the left and a number on the right."""
    for number, rule in enumerate(program.rules, start=1):
        name = f"constraint {shown(rule.name if rule.name is not None else number)}"
        left = rule.sum.without_zeros(program.variables)
        if left.quadratic:
            a, b = next(iter(left.quadratic))
            allowed = "sums of variables; products stand in the objective alone"
            raise ValueError(refusal(name, f"{a} * {b}", allowed))
        bound = float(exact(rule.bound) - exact(left.constant))
        if left.linear:
            yield Rule(rule.name, Sum(left.linear), rule.sense, bound)
            continue
        if not {"<=": bound >= 0, ">=": bound <= 0, "==": bound == 0}[rule.sense]:
            got = f"0 {rule.sense} {bound:g}"
            raise ValueError(refusal(name, got, "a constraint on variables, or one that holds"))
        said.append(f"{name} has no variables and holds, and was left out")


def _check_names(variables: Mapping[str, Variable]) -> None:
    for name, each in variables.items():
        fixed = each.least == each.most and each.least == round(each.least)
        if each.kind == "continuous" and not fixed:
            allowed = "binary and integer variables: there are no bits for what is between"
            raise ValueError(f"variable {shown(name)}: got a continuous one; allowed: {allowed}")
        if "=" in name:
            raise ValueError(refusal("variable", name, "names without ="))


def _values(name: str, variable: Variable) -> Any:
    """Return the values of a variable as a request has them.

    Raises:
        ValueError: none, or too many.
    """
    least, most = variable.least, variable.most
    got = f"{least:g} to {most:g}"
    if not most - least < MAX_BITS:
        allowed = f"up to {MAX_BITS} values: bounds of its own, or by constraints"
        raise ValueError(refusal(f"variable {shown(name)}", got, allowed))
    least, most = math.ceil(least), math.floor(most)
    if most < least:
        raise ValueError(refusal(f"variable {shown(name)}", got, "bounds with an integer between"))
    return "binary" if (least, most) == (0, 1) else {"integer": [least, most]}


def _bounded(variables: Mapping[str, Variable], rules: list[Rule]) -> Iterator[str]:
    """Give integers without bounds those that the constraints leave, and say so."""
    open_ = [name for name, each in variables.items() if each.most - each.least >= MAX_BITS]
    for _ in range(_PASSES if open_ else 0):
        before = [(variables[name].least, variables[name].most) for name in open_]
        for rule in rules:
            _tighten(variables, rule)
        if before == [(variables[name].least, variables[name].most) for name in open_]:
            break
    for name in open_:
        each = variables[name]
        if math.isfinite(each.least) and math.isfinite(each.most):
            yield f"{name} is from {each.least:g} to {each.most:g}, as the constraints leave it"


def _tighten(variables: Mapping[str, Variable], rule: Rule) -> None:
    """Draw in the bounds of a constraint's integers, as far as the others let them go."""
    if rule.sense != ">=":
        _bound_above(variables, rule.sum.linear, exact(rule.bound))
    if rule.sense != "<=":
        turned = {name: -a for name, a in rule.sum.linear.items()}
        _bound_above(variables, turned, -exact(rule.bound))


def _bound_above(
    variables: Mapping[str, Variable], linear: Mapping[str, float], bound: Fraction
) -> None:
    """Draw in the bounds by  sum a v <= bound: each term by what the others are at least."""
    ends = {name: _least(variables[name], a) for name, a in linear.items()}
    total = sum((end for end in ends.values() if end is not None), Fraction())
    n_endless = sum(end is None for end in ends.values())
    for name, a in linear.items():
        each, own = variables[name], ends[name]
        if each.most - each.least < MAX_BITS or n_endless - (own is None):
            continue
        limit = (bound - total + (own or 0)) / exact(a)
        if a > 0:
            each.most = min(each.most, math.floor(limit))
        else:
            each.least = max(each.least, math.ceil(limit))


def _least(variable: Variable, a: float) -> Fraction | None:
    """Return the least value of a times a variable, None where it has none."""
    end = variable.least if a > 0 else variable.most
    return exact(a) * exact(end) if math.isfinite(end) else None
