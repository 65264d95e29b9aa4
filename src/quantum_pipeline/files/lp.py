"""LP files as CPLEX and Gurobi have them, for problems of type constrained.

    Maximize                obj: 3 x + 2 n + [ 4 x * y - n ^ 2 ] / 2 + 5
    Subject To              c1: x + 2 y - n <= 4        -2 <= x + n <= 7
    Bounds                  n <= 5        -3 <= m <= 3        k free
    General  n m            Binary  x y             End

Sections by any of their names, in upper or lower case; after a backslash the rest of a line is a
comment. dimod's own reader passes over what it does not know, names no lines and does not take
ranges; it is what this one is compared with.

Source: IBM, CPLEX, LP file format: algebraic representation; Gurobi, LP format.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from quantum_pipeline.files.document import Document, Found
from quantum_pipeline.files.lines import number_of, wrong
from quantum_pipeline.files.lp_tokens import NOTHING, Tokens, sections
from quantum_pipeline.files.programs import Program, Rule, Sum, Variable, problem_of
from quantum_pipeline.spaces.form import Sense

_SENSES: dict[str, Sense] = {
    **dict.fromkeys(("<", "<=", "=<"), "<="),
    **dict.fromkeys((">", ">=", "=>"), ">="),
    "=": "==",
}
_TURNED: dict[Sense, Sense] = {"<=": ">=", ">=": "<=", "==": "=="}
_INFINITE = ("inf", "infinity")
_INFINITE_FROM = 1e20
"""As CPLEX has it."""


def read_lp(document: Document) -> Found:
    """Read a program with an objective of up to the second order and linear constraints."""
    program = Program({}, Sum(), [])
    kinds: dict[str, str] = {}
    for section, tokens in sections(document):
        match section:
            case "minimise" | "maximise":
                program.maximise = section == "maximise"
                _label(tokens)
                program.objective = _sum(tokens, program, of_objective=True)
                if tokens.peek() is not NOTHING:
                    raise tokens.wrong("terms of the objective, then Subject To")
            case "constraints":
                while tokens.peek() is not NOTHING:
                    program.rules += _constraint(tokens, program)
            case "bounds":
                while tokens.peek() is not NOTHING:
                    _bounds(tokens, program)
            case _:
                while tokens.peek() is not NOTHING:
                    kinds[_name(tokens)] = section
    for name, kind in kinds.items():
        variable = _variable(program, name)
        variable.kind = kind
        if kind == "binary":
            variable.least, variable.most = max(variable.least, 0.0), min(variable.most, 1.0)
    return problem_of(program)


def _variable(program: Program, name: str) -> Variable:
    return program.variables.setdefault(name, Variable("continuous"))


def _name(tokens: Tokens) -> str:
    if tokens.peek().kind != "name":
        raise tokens.wrong("the name of a variable")
    return tokens.next().text


def _label(tokens: Tokens) -> str | None:
    """Return the name before a colon, if there is one."""
    if tokens.peek().kind not in ("name", "number") or tokens.peek(1).text != ":":
        return None
    name = tokens.next().text
    tokens.next()
    return name


def _signed(tokens: Tokens) -> float | None:
    """Return the sign before a term, None where there is none."""
    sign = 1.0
    first = tokens.at
    while found_sign := tokens.take("+", "-"):
        sign *= -1.0 if found_sign == "-" else 1.0
    return sign if tokens.at > first else None


def _sum(tokens: Tokens, program: Program, *, of_objective: bool = False) -> Sum:
    """Read terms with a sign between them, as far as they go."""
    total, empty = Sum(), True
    while True:
        before = tokens.at
        sign = _signed(tokens)
        begins = tokens.peek().kind in ("number", "name") or tokens.peek().text == "["
        if not begins or (sign is None and not empty):
            if sign is not None:
                raise tokens.wrong("a term after the sign")
            tokens.at = before
            return total
        _term(tokens, program, total, 1.0 if sign is None else sign, of_objective)
        empty = False


def _term(tokens: Tokens, program: Program, total: Sum, sign: float, of_objective: bool) -> None:
    """Add a number, a variable or both, or a bracket of products."""
    if tokens.take("["):
        _bracket(tokens, program, total, sign, of_objective)
        return
    value = sign
    if tokens.peek().kind == "number":
        value *= _factor(tokens)
        if tokens.peek().kind != "name" or tokens.peek(1).text == ":":
            total.add(value)
            return
    name = _name(tokens)
    _variable(program, name)
    total.add(value, name)
    if tokens.peek().text in ("*", "^"):
        raise tokens.wrong("products and squares in brackets: [ x * y + x ^ 2 ]")


def _factor(tokens: Tokens) -> float:
    """Return the number before a variable, or by itself."""
    value = number_of(tokens.peek().line, tokens.peek().text)
    if abs(value) >= _INFINITE_FROM:
        raise tokens.wrong("a finite number")
    tokens.next()
    tokens.take("*")
    return value


def _bracket(tokens: Tokens, program: Program, total: Sum, sign: float, of_objective: bool) -> None:
    products: list[tuple[float, str, str]] = []
    while not tokens.take("]"):
        one = _signed(tokens)
        if one is None and products:
            raise tokens.wrong("+, - or ] after a product")
        value = 1.0 if one is None else one
        if tokens.peek().kind == "number":
            value *= _factor(tokens)
        name = _name(tokens)
        if tokens.take("^"):
            if tokens.next().text != "2":
                tokens.at -= 1
                raise tokens.wrong("squares, as x ^ 2")
            other = name
        elif tokens.take("*"):
            other = _name(tokens)
        else:
            raise tokens.wrong("x * y or x ^ 2 in brackets")
        products.append((value, name, other))
    if of_objective:
        if not (tokens.take("/") and tokens.next().text == "2"):
            tokens.at -= 1
            raise tokens.wrong("/ 2 after the brackets of an objective")
        sign /= 2
    for value, name, other in products:
        _variable(program, name)
        _variable(program, other)
        total.add(sign * value, name, other)


def _number(tokens: Tokens) -> float | None:
    """Return the number that stands next, None where none does; infinite ones are by name."""
    before = tokens.at
    sign = _signed(tokens) or 1.0
    token = tokens.peek()
    if token.kind == "number":
        tokens.next()
        value = number_of(token.line, token.text)
        return sign * (value if value < _INFINITE_FROM else math.inf)
    if token.text.lower() in _INFINITE:
        tokens.next()
        return sign * math.inf
    tokens.at = before
    return None


def _sense(tokens: Tokens) -> Sense | None:
    sign = tokens.take(*_SENSES)
    return None if sign is None else _SENSES[sign]


def _constraint(tokens: Tokens, program: Program) -> Iterator[Rule]:
    """Read  sum <= number,  number <= sum  or  number <= sum <= number."""
    name = _label(tokens)
    left = _sum(tokens, program)
    first = _sense(tokens)
    if first is None:
        raise tokens.wrong("<=, >= or = after the sum of a constraint")
    if left.linear or left.quadratic or not _is_number_first(tokens):
        yield Rule(name, left, first, _bound(tokens))
        return
    middle = _ranged(tokens, program)
    second = _sense(tokens)
    both = "" if second is None or name is None else ", "
    yield Rule(f"{name}{both}lower" if both else name, middle, _TURNED[first], left.constant)
    if second is not None:
        yield Rule(f"{name}{both}upper" if both else name, middle, second, _bound(tokens))


def _is_number_first(tokens: Tokens) -> bool:
    """Return whether variables follow a number and <=: else the sum itself has none."""
    token = tokens.peek(1 if tokens.peek().text in ("+", "-") else 0)
    names = token.kind == "name" and token.text.lower() not in _INFINITE
    after = tokens.peek(1 if token is tokens.peek() else 2)
    factor = token.kind == "number" and after.kind == "name" and after.line == token.line
    return names or factor or token.text == "["


def _ranged(tokens: Tokens, program: Program) -> Sum:
    """Read a sum after a number and <=: it ends where a line begins without a sign."""
    end = tokens.at + 1
    while end < len(tokens.tokens) and tokens.tokens[end].text not in _SENSES:
        token, last = tokens.tokens[end], tokens.tokens[end - 1]
        new_line = token.line > last.line and last.text not in ("+", "-", "*", "[")
        if new_line and token.text not in ("+", "-", "*", "^", "]"):
            break
        end += 1
    part = Tokens(tokens.tokens[tokens.at : end])
    total = _sum(part, program)
    tokens.at += part.at
    return total


def _bound(tokens: Tokens) -> float:
    """Read the number on the right, alone on its line."""
    value = _number(tokens)
    if value is None:
        raise tokens.wrong("a number on the right, variables on the left")
    last, after = tokens.tokens[tokens.at - 1], tokens.peek()
    if math.isinf(value):
        raise wrong(last.line, [last.text], "a finite number on the right")
    if after.text == "->":
        raise tokens.wrong("linear constraints, without conditions")
    if after.line == last.line and tokens.peek(1).text != ":":
        raise tokens.wrong("a number alone on the right, variables on the left")
    return value


def _bounds(tokens: Tokens, program: Program) -> None:
    """Read  n <= 5,  0 <= n,  0 <= n <= 5,  n = 3  or  n free."""
    low = _number(tokens)
    if low is not None:
        sense = _sense(tokens)
        if sense is None:
            raise tokens.wrong("<=, >= or = after the number of a bound")
    variable = _variable(program, _name(tokens))
    if low is not None:
        assert sense is not None
        _set(variable, _TURNED[sense], low)
    elif tokens.peek().text.lower() == "free":
        tokens.next()
        variable.least, variable.most = -math.inf, math.inf
        return
    sense = _sense(tokens)
    if sense is None:
        if low is None:
            raise tokens.wrong("<=, >= or = after the name in a bound, or free")
        return
    high = _number(tokens)
    if high is None:
        raise tokens.wrong("a number at the end of a bound")
    _set(variable, sense, high)


def _set(variable: Variable, sense: Sense, value: float) -> None:
    if sense != "<=":
        variable.least = value
    if sense != ">=":
        variable.most = value
