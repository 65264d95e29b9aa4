"""Parses JSON strictly; a refusal names what is wrong and where."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.wording import refusal, shown


def parse_json(text: str | bytes, what: str, allowed: str = "JSON in UTF-8") -> Any:
    """Return the JSON value of a text; a refusal names it as ``what``, and what is ``allowed``.

    NaN and Infinity, which JSON has not but Python writes, pass: the model that reads the value
    refuses them by their field.

    Raises:
        InvalidRequest: empty, not UTF-8, not JSON, nested too deeply, a name twice in an object, or
            half a character in a text.
    """

    def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                raise InvalidRequest(
                    f"{what}: got {shown(name)} twice in one object; allowed: once"
                )
            found[name] = value
        return found

    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        text = text.removeprefix("\ufeff")  # the byte order mark that some editors put first
        if not text.strip():
            raise InvalidRequest(f"{what}: got nothing; allowed: {allowed}")
        value = json.loads(text, object_pairs_hook=each_once)
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
        InvalidRequest: names the first place, and the text.
    """
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        path, text = next(_halves(value, ()))
        plain = re.compile(r"[A-Za-z0-9_]{1,64}").fullmatch
        where = ".".join(step if plain(step) else shown(step) for step in path) or "request"
        raise InvalidRequest(before + refusal(where, text, "text of whole characters")) from None
    except (RecursionError, ValueError):
        return  # whoever reads the value refuses this


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
