"""Mutates JSON and text at random, from a seed: what attacks on readers are made of.

``mutated`` changes the tree of a JSON value and writes it; ``damaged`` changes bytes, whatever they
are. The text may hold what Python's own writer cannot write: a name twice, 10^5000, a hundred
thousand brackets, half a character. The same seed and number give the same bytes everywhere.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from random import Random
from typing import Any, NamedTuple

MOST_BYTES = 12 * 2**20
"""Of what one change adds: below what is read from a file or an object at all."""

NUMBERS = (
    "0", "-0.0", "1", "-1", "2", "3", "0.5", "1e-9", "1e12", "1e13", "5e-324", "-5e-324", "1e-310",
    "1e-160", "1.7976931348623157e308", "-1e308", "1e400", "NaN", "Infinity", "-Infinity",
    "2147483648", "4294967296", "9223372036854775808", "-9223372036854775809", "1e15",
    "9007199254740993", "1" + "0" * 400, "-1" + "0" * 400, "9" * 4299, "9" * 5000,
)  # fmt: skip
"""Numbers as JSON, or Python's reader of it, has them."""

TEXTS = (
    '""', '" "', r'"\ud800"', r'"a\udfffb"', r'"\u0000"', r'"\u202e\ufeff"', '"😀"', '"..."',
    '".."', '"../../etc/passwd"', '"%s%n{}"', '"null"', '"1"', '"nan"', '"<script>"', '"s3://x/y"',
    '"arn:aws:braket:::device/quantum-simulator/amazon/sv1"', '"' + "a" * 300 + '"', '"true"',
    '"' + "é" * 100_000 + '"', r'"\\\"\n\r\t"', '"auto"', '"local"', '"qaoa"', '"chemistry"',
)  # fmt: skip
"""Texts as JSON has them: empty, halves of characters, paths, words with a meaning."""

OTHERS = ("null", "true", "false", "[]", "{}", "[[]]", "[null]", '{"": {}}', "[{}]", "[[[[1]]]]")

WORDS = (
    "nan", "inf", "-inf", "1e400", "5e-324", "1e-310", "1e308", "-1", "0", "1", "2", "1.5", "1_0",
    "１", "0x10", "99999999999", "100000", "100001", "1" + "0" * 400, "9" * 5000, "#", "He",
    "\u2028", "\ufeff", "😀", "--1", "+1", ".", "e", "1e", "NaN", "a" * 10_000,
)  # fmt: skip
"""Words of a text file of numbers."""

BYTES = (
    b"\x00", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xc3", b"\x85", b"\x0b", b"\r", b"\n",
    b"\r\n", b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"-", b"9", b"e", b" ",
)  # fmt: skip


class Written(str):
    """JSON text that stands as it is; as a name, with its quotes."""

    __slots__ = ()


class Place(NamedTuple):
    """Where a value stands: in a list at a number, in an object under a name."""

    holder: Any
    key: Any

    @property
    def value(self) -> Any:
        return self.holder[self.key]

    def put(self, value: Any) -> None:
        self.holder[self.key] = value


def generator(seed: int, case: int) -> Random:
    """Return the random numbers of one case of a seed."""
    return Random(f"{seed}/{case}")


def mutated(value: Any, rng: Random) -> bytes:
    """Return the JSON text of a value after one to three changes of its tree."""
    root = [copy.deepcopy(value)]
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        rng.choice(CHANGES)(rng.choice(list(_places(root))), rng)
    return written(root[0]).encode("utf-8", "surrogatepass")


def damaged(data: bytes, rng: Random) -> bytes:
    """Return bytes after one to three changes: of bytes, of words, of lines."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        data = rng.choice((_changed_bytes, _changed_word, _changed_word, _changed_lines))(data, rng)
    return data


def written(value: Any) -> str:
    """Return a value as JSON, what is ``Written`` as it stands."""
    match value:
        case Written():
            return str(value)
        case dict():
            fields = (f"{_name(name)}: {written(each)}" for name, each in value.items())
            return f"{{{', '.join(fields)}}}"
        case list() | tuple():
            return f"[{', '.join(map(written, value))}]"
        case _:
            return json.dumps(value)


def _name(name: str) -> str:
    return str(name) if isinstance(name, Written) else json.dumps(name)


def _places(holder: Any) -> Iterator[Place]:
    keys = holder if isinstance(holder, dict) else range(len(holder))
    for key in keys:
        yield Place(holder, key)
        if isinstance(holder[key], dict | list):
            yield from _places(holder[key])


def _several(rng: Random, each: str) -> int:
    """Return a number of repetitions of a text: mostly a few, at times a million."""
    return max(2, min(int(10 ** (6.3 * rng.random() ** 3)), MOST_BYTES // (len(each) + 2)))


def _replace(place: Place, rng: Random) -> None:
    place.put(Written(rng.choice(rng.choice((NUMBERS, NUMBERS, TEXTS, OTHERS)))))


def _nudge(place: Place, rng: Random) -> None:
    value = place.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        _replace(place, rng)
        return
    near = (value + 1, value - 1, -value, value / 7, value * 1e9, value * 1e-200, float(value))
    place.put(rng.choice((*near, str(value), [value], value * 10**6, bool(value))))


def _remove(place: Place, _rng: Random) -> None:
    del place.holder[place.key]
    if isinstance(place.holder, list) and not place.holder:
        place.holder.append({})


def _repeat(place: Place, rng: Random) -> None:
    each = written(place.value)
    times = _several(rng, each)
    repeated = Written(", ".join([each] * times))
    place.put(repeated if _is_entry(place) else Written(f"[{repeated}]"))


def _is_entry(place: Place) -> bool:
    """Return whether a value stands in a list beside others; the root stands in one alone."""
    return isinstance(place.holder, list) and len(place.holder) > 1


def _nest(place: Place, rng: Random) -> None:
    deep = int(10 ** rng.uniform(0.3, 5.3))
    before, after = rng.choice((("[", "]"), ('{"a": ', "}")))
    place.put(Written(before * deep + written(place.value) + after * deep))


def _move(place: Place, rng: Random) -> None:
    other = rng.choice(list(_places(place.holder)))
    place.put(copy.deepcopy(other.value))


def _crowd(place: Place, rng: Random) -> None:
    """Put unknown fields into an object, or make one of what is none."""
    crowd = _crowd_of(1_000_000)[: 15 * _several(rng, '"k0000000":0')].removesuffix(", ")
    inner = written(place.value).removeprefix("{").removesuffix("}")
    first = f"{inner}, " if isinstance(place.value, dict) and inner else ""
    place.put(Written(f"{{{first}{crowd}}}"))


@cache
def _crowd_of(most: int) -> str:
    """Return unknown fields, 15 characters each."""
    return "".join(f'"k{number:07}":0, ' for number in range(most))


def _add(place: Place, rng: Random) -> None:
    """Add a field: of an unknown name, or of one that is there."""
    if not isinstance(place.value, dict) or isinstance(place.value, Written):
        _replace(place, rng)
        return
    names = [Written(rng.choice(TEXTS)), *(Written(json.dumps(name)) for name in place.value)]
    place.value[rng.choice(names)] = Written(rng.choice((*NUMBERS, *TEXTS, *OTHERS)))


def _rename(place: Place, rng: Random) -> None:
    if isinstance(place.holder, dict):
        name = rng.choice((Written(rng.choice(TEXTS)), str(place.key).upper(), f"{place.key}_"))
        place.holder[name] = place.holder.pop(place.key)
    else:
        _replace(place, rng)


def _retype(place: Place, _rng: Random) -> None:
    match place.value:
        case dict() as fields:
            place.put(list(fields.values()))
        case list() as entries:
            place.put({str(number): each for number, each in enumerate(entries)})
        case other:
            place.put(Written(json.dumps(written(other))))


CHANGES: tuple[Callable[[Place, Random], None], ...] = (
    _replace, _replace, _replace, _nudge, _nudge, _remove, _repeat, _nest, _move, _crowd, _add,
    _add, _rename, _retype,
)  # fmt: skip


def _changed_bytes(data: bytes, rng: Random) -> bytes:
    start = rng.randint(0, len(data))
    end = min(len(data), start + rng.choice((0, 0, 1, 2, 8, len(data))))
    again = data[start:end] * rng.choice((0, 0, 2, 3))
    return data[:start] + rng.choice((again, rng.choice(BYTES), rng.randbytes(3))) + data[end:]


def _changed_word(data: bytes, rng: Random) -> bytes:
    words = list(re.finditer(rb"[^\s,\[\]{}:]+", data))
    if not words:
        return _changed_bytes(data, rng)
    start, end = rng.choice(words).span()
    return data[:start] + rng.choice(WORDS).encode() + data[end:]


def _changed_lines(data: bytes, rng: Random) -> bytes:
    lines = data.splitlines(keepends=True) or [b"\n"]
    number = rng.randrange(len(lines))
    other = rng.randrange(len(lines))
    lines[number : number + 1] = rng.choice((
        [],
        [lines[other]],
        [b"# " + lines[number]],
        [lines[number].replace(b" ", b"\t\x0b")],
        [lines[number]] * _several(rng, lines[number].decode("latin-1")),
        [lines[number].rstrip(b"\r\n")],
    ))  # fmt: skip
    return b"".join(lines)
