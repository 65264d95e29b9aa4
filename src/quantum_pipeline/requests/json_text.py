"""Parses JSON strictly; a refusal names what is wrong and where."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.problems.base import MAX_TERMS
from quantum_pipeline.wording import refusal, shown

MAX_VALUES = 5 * MAX_TERMS
"""Most values in a request: four for each term that a problem may have, and room for labels."""

MAX_FIELDS = 1000
"""Most fields of an object in a request; none has as many that have a meaning."""


def parse_json(
    text: str | bytes, what: str, allowed: str = "JSON in UTF-8", max_values: int | None = None
) -> Any:
    """Return the JSON value of a text; a refusal names it as ``what``, and what is ``allowed``.

    NaN and Infinity, which JSON has not but Python writes, pass: the model that reads the value
    refuses them by their field. Values are counted before any is made: a list of nothing but
    brackets takes twenty times the memory of its text.

    Raises:
        InvalidRequest: empty, not UTF-8, not JSON, nested too deeply, a name twice in an object,
            half a character in a text, or more than ``max_values``.
    """

    def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if max_values is not None and len(pairs) > MAX_FIELDS:
            allowed = f"up to {MAX_FIELDS} in an object"
            raise InvalidRequest(f"{what}: got {len(pairs)} fields; allowed: {allowed}")
        found = dict(pairs)
        if len(found) < len(pairs):
            names = Counter(name for name, _ in pairs)
            twice = next(name for name, times in names.items() if times > 1)
            raise InvalidRequest(f"{what}: got {shown(twice)} twice in one object; allowed: once")
        return found

    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        text = text.removeprefix("\ufeff")  # the byte order mark that some editors put first
        if not text.strip():
            raise InvalidRequest(f"{what}: got nothing; allowed: {allowed}")
        if max_values is not None and (values := sum(map(text.count, ",[{"))) > max_values:
            raise InvalidRequest(f"{what}: got {values} values; allowed: up to {max_values}")
        value = json.loads(text, object_pairs_hook=each_once)
        if "\\u" in text:  # else there are no halves
            check_text(value, f"{what}: ")
        return value
    except UnicodeDecodeError as error:
        wrong = f"byte {error.start + 1} is not UTF-8"
    except json.JSONDecodeError as error:
        error = _alike(error)
        wrong = f"line {error.lineno}, column {error.colno}: {error.msg}"
    except RecursionError:
        wrong = "lists or objects are nested too deeply"
    except ValueError:
        wrong = "an integer has thousands of digits"
    raise InvalidRequest(f"{what}: not JSON ({wrong}); allowed: {allowed}")


def check_text(value: Any, before: str = "") -> None:
    r"""Refuse half a character, such as "\ud800", which JSON can write and UTF-8 cannot.

    Args:
        value: of JSON.
        before: what a refusal begins with.

    Raises:
        InvalidRequest: names the first place, and the text; or the value is nested too deeply.
    """
    try:
        try:
            json.dumps(value, ensure_ascii=False, default=str).encode()
            return
        except UnicodeEncodeError:
            path, text = next(_halves(value, ()))
    except RecursionError:
        allowed = "lists and objects inside each other as a request has them"
        raise InvalidRequest(f"{before}request: got deeper ones; allowed: {allowed}") from None
    except ValueError:  # an integer of thousands of digits, which whoever reads it refuses
        return
    raise InvalidRequest(before + refusal(_where(path), text, "text of whole characters"))


def check_fields(value: Any) -> None:
    """Refuse objects of very many fields, before what is wrong with each is worded.

    Those inside a list are passed over: a list ends at the first that is wrong.

    Raises:
        InvalidRequest: names the object and how many it has.
    """
    objects: list[tuple[tuple[str, ...], Any]] = [((), value)]
    for path, each in objects:
        if not isinstance(each, dict):
            continue
        if len(each) > MAX_FIELDS:
            allowed = f"up to {MAX_FIELDS}"
            raise InvalidRequest(f"{_where(path)}: got {len(each)} fields; allowed: {allowed}")
        objects += [((*path, str(name)), inner) for name, inner in each.items()]


def _where(path: tuple[str, ...]) -> str:
    plain = re.compile(r"[A-Za-z0-9_]{1,64}").fullmatch
    return ".".join(step if plain(step) else shown(step) for step in path) or "request"


def _halves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the places of texts with half a character; that of a name is the object's."""
    match value:
        case str() if not _is_whole(value):
            yield path, value
        case dict():
            yield from ((path, str(name)) for name in value if not _is_whole(str(name)))
            for name, each in value.items():
                yield from _halves(each, (*path, str(name)))
        case list() | tuple():
            for number, each in enumerate(value):
                yield from _halves(each, (*path, str(number)))


def _is_whole(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _alike(error: json.JSONDecodeError) -> json.JSONDecodeError:
    """Return what every Python says: of a comma behind the last item 3.13 says more than before."""
    start = len(error.doc[: error.pos].rstrip().removesuffix(","))
    if not re.match(r"\s*,\s*[]}]", error.doc[start:]):
        return error
    comma = error.doc.index(",", start)
    return json.JSONDecodeError("a comma behind the last item", error.doc, comma)
