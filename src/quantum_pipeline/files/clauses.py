"""Clauses in DIMACS form, for maximum satisfiability: CNF, WCNF, and WCNF without a first line.

    p cnf variables clauses             then literals of each clause, to a 0; -3 negates variable 3
    p wcnf variables clauses [top]      the same, a weight before each clause; from ``top`` on hard
    h 1 -2 0        5 2 3 0             as of 2022: h before a hard clause, else its weight

Clauses run over line ends. A hard clause gets more weight than all that are not together: the best
assignment satisfies all hard ones if one can.

Sources: DIMACS challenge 2, "Satisfiability: Suggested Format"; MaxSAT Evaluation, the formats of
2006 to 2021 and of 2022; SATLIB, whose files end in lines of % and 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

from quantum_pipeline.files.document import Document, Found
from quantum_pipeline.files.lines import MOST_VARIABLES, Line, integer, lines_of, number_of, wrong
from quantum_pipeline.problems.base import MAX_TERMS

HARD = "h"
_MOST_ON_A_LINE = 2**14


class _Clause(NamedTuple):
    literals: list[int]
    weight: float | None
    """None of a hard one."""


def read_cnf(document: Document) -> Found:
    """Read clauses, weighted or not, hard or not."""
    lines = lines_of(document.data, (b"c", b"C"), _MOST_ON_A_LINE)
    number, words = lines[0]
    if words[0] != "p":
        clauses = list(_clauses(lines, MOST_VARIABLES, weighted=True, top=None))
        return _found(clauses, 0)
    kind = words[1] if len(words) > 1 else ""
    if kind not in ("cnf", "wcnf") or len(words) != 4 + (kind == "wcnf" and len(words) == 5):
        raise wrong(
            number, words[:8], '"p cnf variables clauses" or "p wcnf variables clauses top"'
        )
    n = integer(number, words[2], "variables", 1, MOST_VARIABLES)
    m = integer(number, words[3], "clauses", 1, MAX_TERMS)
    top = number_of(number, words[4]) if len(words) == 5 else None
    clauses = list(_clauses(lines[1:], n, weighted=kind == "wcnf", top=top))
    if len(clauses) != m:
        raise wrong(number, words, f"as many clauses as follow, {len(clauses)}")
    return _found(clauses, n)


def _words(lines: list[Line]) -> Iterator[tuple[int, str]]:
    """Yield each word with its line's number, up to a line that begins with %."""
    for number, words in lines:
        if words[0].startswith("%"):
            return
        for word in words:
            yield number, word


def _clauses(lines: list[Line], n: int, *, weighted: bool, top: float | None) -> Iterator[_Clause]:
    """Yield the clauses of lines; a weight from ``top`` on is a hard one's."""
    words = _words(lines)
    for first in words:
        weight = _weight(*first) if weighted else 1.0
        hard = weight is None or (top is not None and weight >= top)
        literals = _literals(words if weighted else chain([first], words), n, first)
        yield _Clause(literals, None if hard else weight)


def _weight(number: int, word: str) -> float | None:
    """Return a clause's weight, None of a hard one."""
    weight = None if word == HARD else number_of(number, word)
    if weight is not None and weight < 0:
        raise wrong(number, [word], "weights that are not negative, or h of a hard clause")
    return weight


def _literals(words: Iterable[tuple[int, str]], n: int, first: tuple[int, str]) -> list[int]:
    """Return the literals up to a 0.

    Raises:
        ValueError: there are none, or no 0; ``first`` is where the clause begins.
    """
    literals = list[int]()
    for number, word in words:
        if word == "0" and literals:
            return literals
        if word == "0":
            raise wrong(number, ["0"], "clauses of one literal or more: nothing satisfies none")
        variable = integer(number, word.removeprefix("-"), "literal", 1, n)
        literals.append(-variable if word.startswith("-") else variable)
    raise wrong(first[0], [first[1]], "a clause that ends in 0")


def _found(clauses: Sequence[_Clause], n: int) -> Found:
    """Return the problem; ``n`` is how many variables the file says, 0 if it does not."""
    soft = [each.weight for each in clauses if each.weight is not None]
    n_hard = len(clauses) - len(soft)
    hard_weight = sum(soft) + 1
    weights = [hard_weight if each.weight is None else each.weight for each in clauses]
    problem: dict[str, Any] = {"type": "max_sat", "clauses": [each.literals for each in clauses]}
    notes = []
    if any(weight != 1 for weight in weights):
        problem["weights"] = weights
    if n_hard and soft:
        more = f"{hard_weight:g} each, more than all others together"
        notes.append(f"hard clauses, {n_hard}, weigh {more}: they hold where they can")
    used = {abs(literal) for each in clauses for literal in each.literals}
    if n > len(used):
        notes.append(f"of {n} variables {n - len(used)} in no clause were left out")
    return Found(problem, tuple(notes))
