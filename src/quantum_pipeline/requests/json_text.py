"""Parses JSON strictly; a refusal names what is wrong and where."""

from __future__ import annotations

import json
import re
from typing import Any

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.wording import shown


def parse_json(text: str | bytes, what: str, allowed: str = "JSON in UTF-8") -> Any:
    """Return the JSON value of a text; a refusal names it as ``what``, and what is ``allowed``.

    NaN and Infinity, which JSON has not but Python writes, pass: the model that reads the value
    refuses them by their field.

    Raises:
        InvalidRequest: empty, not UTF-8, not JSON, nested too deeply, or a name twice in an object.
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
        return json.loads(text, object_pairs_hook=each_once)
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


def _alike(error: json.JSONDecodeError) -> json.JSONDecodeError:
    """Return what every Python says: of a comma behind the last item 3.13 says more than before."""
    start = len(error.doc[: error.pos].rstrip().removesuffix(","))
    if not re.match(r"\s*,\s*[]}]", error.doc[start:]):
        return error
    comma = error.doc.index(",", start)
    return json.JSONDecodeError("a comma behind the last item", error.doc, comma)
