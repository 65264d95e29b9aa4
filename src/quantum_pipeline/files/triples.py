"""Lines "i j value", with and without a first line of sizes.

    rudy      "n m", then m lines "i j" or "i j weight", nodes from 1      -> the largest cut
    edges     lines "a b" or "a b weight", nodes by name                   -> the largest cut
    coo       lines "i j value", variables from 0, i = j a linear term     -> minimised
              "# vartype=SPIN" makes it an Ising problem, "# vartype=BINARY" a QUBO
    bqp       "n m", then m lines "i j q" of one half of a symmetric Q     -> x^T Q x maximised
              (OR-Library, with the number of problems before, and MQLib)
    sparse    the same                                                     -> x^T Q x minimised
              (Biq Mac)
    bq        the same, each entry of Q as it stands                       -> x^T Q x minimised
    qbsolv    "p qubo 0 n nDiagonals nElements", then "i j value" from 0   -> minimised

Lines that begin with # or % are passed over; of qbsolv and of DIMACS those with c.

Sources: the Biq Mac library and its formats mc, bq and sparse; J. E. Beasley's OR-Library, bqpinfo;
MQLib's bin/README.md; dimod.serialization.coo; qbsolv's README.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Hashable, Iterator
from typing import NamedTuple

from quantum_pipeline.files import built
from quantum_pipeline.files.document import Document, Found
from quantum_pipeline.files.lines import (
    MOST_VARIABLES,
    Line,
    as_number,
    integer,
    is_integer,
    lines_of,
    number_of,
    raw_lines,
    wrong,
)
from quantum_pipeline.problems.base import MAX_TERMS
from quantum_pipeline.wording import refusal, shown

COMMENTS = (b"#", b"%")
_VARTYPE = re.compile(rb"[#%]\s*vartype\s*[=:]?\s*(\w*)", re.IGNORECASE)
_SEPARATORS = str.maketrans(",;", "  ")


class Sized(NamedTuple):
    """Lines after a first one of sizes: variables, lines, what else stood there."""

    n: int
    rows: list[Line]
    rest: str


def sized(lines: list[Line], what: str, entries: str) -> Sized:
    """Return the lines after the first, which says how many they are."""
    number, words = lines[0]
    if len(words) < 2:
        raise wrong(number, words, f'two numbers, "{what} {entries}"')
    n = integer(number, words[0], what, 1, MOST_VARIABLES)
    m = integer(number, words[1], entries, 1, MAX_TERMS)
    if len(lines) - 1 != m:
        raise wrong(number, words, f"as many {entries} as lines follow, {len(lines) - 1}")
    return Sized(n, lines[1:], " ".join(words[2:]))


def read_rudy(document: Document) -> Found:
    """Read a graph as rudy, Gset and Biq Mac have it."""
    n, rows, rest = sized(lines_of(document.data, COMMENTS), "nodes", "edges")
    edges = [
        [int(a) - 1, int(b) - 1, weight]
        for a, b, weight in _edges(rows, lambda number, word: integer(number, word, "node", 1, n))
    ]
    notes = []
    if rest:
        notes.append(f"the first line's third part, {shown(rest)}, was passed over")
    if any(len(words) == 2 for _, words in rows):
        notes.append("edges without a weight count 1")
    problem = {"type": "maxcut", "n_nodes": n, "node_labels": list(range(1, n + 1))}
    return Found({**problem, "edges": edges}, tuple(notes))


def _edges(
    rows: list[Line], node: Callable[[int, str], int | str]
) -> Iterator[tuple[int | str, int | str, float]]:
    """Yield the edges of lines "a b" or "a b weight", each once and between two nodes."""
    first_line: dict[frozenset[Hashable], int] = {}
    for number, words in rows:
        if len(words) not in (2, 3):
            raise wrong(number, words, '"i j" or "i j weight"')
        a, b = (node(number, word) for word in words[:2])
        first = first_line.setdefault(frozenset((a, b)), number)
        if a == b:
            raise wrong(number, words, "two different nodes")
        if first != number:
            raise wrong(number, words, f"each edge once; it stands in line {first} already")
        yield a, b, number_of(number, words[2]) if len(words) == 3 else 1.0


def read_edges(document: Document) -> Found:
    """Read an edge list, as networkx writes it too; nodes are numbers, or names."""
    rows = [(number, _plain_edge(number, words)) for number, words in _named(document)]
    names = {word for _, words in rows for word in words[:2]}
    numbered = all(is_integer(name) and str(int(name)) == name for name in names)
    edges = list(_edges(rows, lambda _, word: int(word) if numbered else word))
    nodes = dict.fromkeys(end for a, b, _ in edges for end in (a, b))
    order = sorted(nodes, key=int) if numbered else list(nodes)
    found = built.graph(order, edges)
    return Found(found.problem, (*found.notes, *_uncertain_ends(order)))


def _named(document: Document) -> list[Line]:
    lines = lines_of(document.data, COMMENTS)
    if any("," in word or ";" in word for _, words in lines for word in words[:2]):
        return [(n, " ".join(words).translate(_SEPARATORS).split()) for n, words in lines]
    return lines


def _plain_edge(number: int, words: list[str]) -> list[str]:
    """Return the words of an edge, its weight out of the attributes that networkx writes."""
    if len(words) < 3 or not words[2].startswith("{"):
        return words
    text = " ".join(words[2:])
    try:
        data = ast.literal_eval(text) if len(text) <= 1000 else None
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        data = None
    if not isinstance(data, dict):
        raise wrong(number, words, "\"i j {'weight': number}\", as networkx writes edges")
    return [*words[:2], str(data.get("weight", 1.0))]


def _uncertain_ends(order: list[int | str]) -> Iterator[str]:
    """Say where numbers of nodes are left out: an edge list does not know isolated nodes."""
    whole = range(int(order[0]), int(order[-1]) + 1) if isinstance(order[0], int) else ()
    if len(whole) > len(order):
        missing = len(whole) - len(order)
        are = "number" if missing == 1 else "numbers"
        yield f"{missing} {are} between the first and the last node: in no edge, and so no node"


def vartype_of(document: Document) -> str | None:
    """Return the vartype that a comment names, if one does.

    Raises:
        ValueError: neither SPIN nor BINARY.
    """
    if b"vartype" not in document.data.lower():
        return None
    for line in raw_lines(document.data):
        comment = line.content.strip()
        if header := _VARTYPE.match(comment):
            found = header[1].decode("ascii", "replace").upper()
            if found not in ("SPIN", "BINARY"):
                text = comment.decode("ascii", "replace")
                raise wrong(line.number, [text], "vartype=SPIN or vartype=BINARY")
            return found
    return None


def read_coo(document: Document) -> Found:
    """Read the terms of a QUBO or an Ising problem in COOrdinate form."""
    spins = document.meaning == "ising" or vartype_of(document) == "SPIN"
    terms = []
    for number, words in lines_of(document.data, COMMENTS):
        if len(words) != 3:
            raise wrong(number, words, 'three numbers, "i j value"')
        i, j = (integer(number, word, "variable", 0, MOST_VARIABLES - 1) for word in words[:2])
        terms.append((i, j, number_of(number, words[2])))
    n = 1 + max(max(i, j) for i, j, _ in terms)
    return built.ising(n, terms) if spins else built.qubo(n, terms)


def _sized_terms(lines: list[Line]) -> tuple[int, list[tuple[int, int, float]]]:
    """Return the entries of a matrix after a line of its sizes, counted from 0."""
    n, rows, _ = sized(lines, "variables", "entries")
    terms = []
    for number, words in rows:
        if len(words) != 3:
            raise wrong(number, words, 'three numbers, "i j value"')
        i, j = (integer(number, word, "variable", 1, n) - 1 for word in words[:2])
        terms.append((i, j, number_of(number, words[2])))
    return n, terms


def _both_halves(terms: list[tuple[int, int, float]]) -> list[tuple[int, int, float]]:
    """Return the terms of x^T Q x, of whose symmetric Q one half is given.

    Raises:
        ValueError: both halves of a pair are given.
    """
    seen: set[tuple[int, int]] = set()
    for i, j, _ in terms:
        if (j, i) in seen or (i, j) in seen:
            pair = [i + 1, j + 1]
            raise ValueError(refusal("entry", pair, "each pair once: Q is symmetric"))
        seen.add((i, j))
    return [(i, j, value if i == j else 2 * value) for i, j, value in terms]


_MAXIMISED = "maximised by convention: x^T Q x of a symmetric Q, of which one half is given"
_MINIMISED = "minimised: x^T Q x of a symmetric Q, of which one half is given"


def read_bqp(document: Document) -> Found:
    """Read a QUBO of OR-Library, which may have several, or of MQLib: maximised."""
    lines = lines_of(document.data, COMMENTS)
    several = len(lines[0][1]) == 1
    n, terms = _sized_terms(_one_of(lines, document.frame) if several else lines)
    found = built.qubo(n, _both_halves(terms), sense="maximise")
    other = "" if several else "; --as sparse or --as bq minimises"
    return Found(found.problem, (_MAXIMISED + other,))


def _one_of(lines: list[Line], frame: int | None) -> list[Line]:
    """Return the lines of one of several problems.

    Raises:
        ValueError: they are not as many as the file says, or none was chosen.
    """
    number, words = lines[0]
    n_problems = integer(number, words[0], "problems", 1, 1000)
    problems, start = [], 1
    while start < len(lines):
        number, words = lines[start]
        if len(words) != 2:
            raise wrong(number, words, 'two numbers, "variables entries"')
        end = start + 1 + integer(number, words[1], "entries", 1, MAX_TERMS)
        problems.append(lines[start:end])
        start = end
    if len(problems) != n_problems:
        raise wrong(*lines[0], f"as many problems as follow, {len(problems)}")
    return problems[chosen(frame, n_problems, "problems")]


def chosen(frame: int | None, n: int, what: str) -> int:
    """Return the index of the one that ``--frame`` asks for, of the only one if it does not.

    Raises:
        ValueError: there are several and none was asked for, or not so many.
    """
    if frame is None and n > 1:
        raise ValueError(f"got {n} {what}; allowed: one of them, by --frame 1 to --frame {n}")
    if frame is not None and not 1 <= frame <= n:
        raise ValueError(refusal("--frame", frame, f"1 to {n}, as many {what} as there are"))
    return (frame or 1) - 1


def read_sparse(document: Document) -> Found:
    """Read a QUBO of the Biq Mac library: minimised."""
    n, terms = _sized_terms(lines_of(document.data, COMMENTS))
    return Found(built.qubo(n, _both_halves(terms)).problem, (_MINIMISED,))


def read_bq(document: Document) -> Found:
    """Read the entries of a matrix Q, whose x^T Q x is minimised; what is given twice adds up."""
    n, terms = _sized_terms(lines_of(document.data, COMMENTS))
    return Found(built.qubo(n, terms).problem, ("minimised: each entry of Q once, as it stands",))


def read_qbsolv(document: Document) -> Found:
    """Read a QUBO as qbsolv has it."""
    lines = lines_of(document.data, (b"c", b"C", *COMMENTS))
    number, words = lines[0]
    if words[:2] != ["p", "qubo"] or len(words) != 6:
        raise wrong(number, words, '"p qubo 0 variables diagonals elements"')
    n = integer(number, words[3], "variables", 1, MOST_VARIABLES)
    diagonals = integer(number, words[4], "diagonals", 0, MOST_VARIABLES)
    elements = integer(number, words[5], "elements", 0, MAX_TERMS)
    terms = []
    for number, words in lines[1:]:
        if len(words) != 3:
            raise wrong(number, words, 'three numbers, "i j value"')
        i, j = (integer(number, word, "variable", 0, n - 1) for word in words[:2])
        terms.append((i, j, number_of(number, words[2])))
    on_it = sum(i == j for i, j, _ in terms)
    for what, said, there in (
        ("diagonals", diagonals, on_it),
        ("elements", elements, len(terms) - on_it),
    ):
        if said != there:
            raise ValueError(
                refusal(f"line {lines[0][0]}, {what}", said, f"as many as follow, {there}")
            )
    return built.qubo(n, terms)


def is_numeric(words: list[str]) -> bool:
    """Return whether words are numbers, all of them."""
    return all(as_number(word) is not None for word in words)
