"""Words a refusal plainly: what a model does not accept, and what it does.

The model's own JSON Schema is where the words come from, so a refusal, the published schema and
the table in docs/request.md cannot say different things. Where a schema's keywords make poor
words (a pattern, a tuple), the field brings its own under the keyword ``allowed``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from quantum_pipeline.wording import refusal, shown

Schema = dict[str, Any]
Location = tuple[int | str, ...]
MOST_SENTENCES = 5
_DOTTED = re.compile(r"[^\W\d]\w{0,63}(\.\w{1,64}){0,8}").fullmatch
"""Names, and paths of them: what needs no quotes."""

LONGEST_MEANT = 64
"""Characters: a longer text is no word with a mistake in it."""


def refused(allowed: str) -> PydanticCustomError:
    """Return what a validator of one value raises: it is refused with these words."""
    return PydanticCustomError("refused", "allowed: {allowed}", {"allowed": allowed})


def describe(error: ValidationError, model: type[BaseModel], root: str) -> str:
    """Return ``sentences`` as one text."""
    return "; ".join(sentences(error, model, root))


def sentences(error: ValidationError, model: type[BaseModel], root: str) -> list[str]:
    """Return one sentence a wrong field: its dotted path, its value, what is allowed.

    Args:
        error: what ``model`` raised.
        model: the model that was asked; its schema has the words.
        root: name of the value as a whole, for what is wrong with no single field.
    """
    found, schema = _of_objects(error.errors(include_url=False)), _schema(model)
    # A list whose entries were refused is reported as too short as well: the entries say enough.
    inner = {each["loc"][:length] for each in found for length in range(len(each["loc"]))}
    outermost = [each for each in found if each["loc"] not in inner]
    each_once: dict[str, None] = {}
    listed: set[str] = set()
    for each in outermost[: 10 * MOST_SENTENCES]:
        said_of = _sentences(each, schema, root)
        if each["type"] == "extra_forbidden":  # the fields that there are, once an object
            said_of = [_listed_once(sentence, listed) for sentence in said_of]
        each_once |= dict.fromkeys(said_of)
    said = list(each_once)
    more = ["and more of the kind"] if len(said) > MOST_SENTENCES else []
    return said[:MOST_SENTENCES] + more


def _listed_once(sentence: str, listed: set[str]) -> str:
    head, found, allowed = sentence.partition("; allowed: ")
    if not found or allowed not in listed:
        listed.add(allowed)
        return sentence
    return head


@cache
def _schema(model: type[BaseModel]) -> Schema:
    return model.model_json_schema()


def _of_objects(found: list[Any]) -> list[Any]:
    """Leave out that an object is not one of some words, where it was read as an object as well."""

    def is_no_word(each: Any) -> bool:
        return each["type"] == "literal_error" and isinstance(each["input"], dict)

    fields = [each["loc"] for each in found if not is_no_word(each)]
    return [
        each
        for each in found
        if not is_no_word(each)
        or not any(loc[: len(each["loc"]) - 1] == each["loc"][:-1] for loc in fields)
    ]


def _sentences(error: Any, root_schema: Schema, root: str) -> list[str]:  # noqa: PLR0911 - a kind each
    kind, context = error["type"], error.get("ctx", {})
    path, schema = _locate(error["loc"], root_schema)
    field = ".".join(path) or root
    match kind:
        case "value_error":
            return [f"{field}.{each}" if path else each for each in context["error"].args]
        case "refused":
            return [refusal(field, error["input"], context["allowed"])]
        case "union_tag_invalid":
            given = error["input"][_tag_name(schema)]
            said = refusal(f"{field}.{_tag_name(schema)}", given, _one_of(_tags(schema)))
            return [said + did_you_mean(given, _tags(schema))]
        case "union_tag_not_found":
            return [f"{field}.{_tag_name(schema)}: missing; allowed: {_one_of(_tags(schema))}"]
        case "json_invalid":
            return [f"{field}: no JSON ({context['error']})"]
        case "extra_forbidden":
            there = schema["properties"]
            meant = did_you_mean(path[-1], there) or f"; allowed: {', '.join(there)}"
            return [f"{field}: no such field{meant}"]
        case "missing" if isinstance(error["loc"][-1], int):  # an entry of a tuple: name the tuple
            path, schema = _locate(error["loc"][:-1], root_schema)
            return [refusal(".".join(path), error["input"], words(schema, root_schema))]
        case "missing":
            return [f"{field}: missing; allowed: {words(schema, root_schema)}"]
        case _:
            said = refusal(field, error["input"], words(schema, root_schema))
            return [said + did_you_mean(error["input"], _choices(schema))]


def did_you_mean(given: object, known: Iterable[object]) -> str:
    """Return what ends a refusal where a text is nearly one that is known; nothing elsewhere.

    >>> did_you_mean("QOAA", ["qaoa", "vqe"]), did_you_mean("other", ["qaoa"]), did_you_mean(1, [])
    ('; did you mean qaoa?', '', '')
    >>> did_you_mean("maxcat", ["max_sat", "maxcut"])
    '; did you mean maxcut?'
    """
    if not isinstance(given, str) or len(given) > LONGEST_MEANT:
        return ""
    by_key = {_letters(str(each)): str(each) for each in known}
    found = get_close_matches(_letters(given), by_key)
    if not found:
        return ""

    def likeness(key: str) -> tuple[float, float]:
        """As alike as letters are; of equals, as they are written."""
        pairs = ((_letters(given), key), (given, by_key[key]))
        by_letters, as_written = (SequenceMatcher(None, *pair).ratio() for pair in pairs)
        return by_letters, as_written

    return f"; did you mean {by_key[max(found, key=likeness)]}?"


def _choices(schema: Schema) -> list[object]:
    """Return the words that a field takes, of whichever of its types."""
    here = [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else ())]
    return here + [word for each in schema.get("anyOf", ()) for word in _choices(each)]


def _letters(word: str) -> str:
    return "".join(letter for letter in word.lower() if letter.isalnum())


def _locate(location: Location, root: Schema) -> tuple[list[str], Schema]:
    """Return the user's path to a place, and its schema; a union's tag is no step of the path."""
    path: list[str] = []
    schema = _followed(root, root)
    for number, step in enumerate(location, 1):
        if step in _tags(schema):
            schema = _followed({"$ref": _tags(schema)[step]}, root)
            continue
        model = _model_of_union(schema, step)
        if model is not None and number < len(location):
            schema = _followed(model, root)
            continue
        if isinstance(step, str) and "object" not in schema.get("type", ""):
            break  # a step into one of several types, by pydantic's name of it
        plain = isinstance(step, str) and _DOTTED(step) is not None
        path.append(str(step) if plain else shown(step))
        inner = _inner(schema, step)
        if inner is None:
            break  # no such field: what is allowed are the others
        schema = _followed(inner, root)
    return path, schema


def _model_of_union(schema: Schema, step: int | str) -> Schema | None:
    """Return the reference to a model among several types, by pydantic's name of it."""
    several = (*schema.get("anyOf", ()), *schema.get("oneOf", ()))
    models = (each for each in several if "$ref" in each)
    name = str(step).rstrip("]").rpartition(" ")[2]
    return next((each for each in models if each["$ref"] == f"#/$defs/{name}"), None)


def _inner(schema: Schema, step: int | str) -> Schema | None:
    """Return the schema of a field, an entry of a tuple or of a list, a value of a mapping."""
    if isinstance(step, str):
        other: Schema | bool = schema.get("additionalProperties", False)
        found: Schema | bool = schema.get("properties", {}).get(step, other)
        return found if isinstance(found, dict) else None
    entries: list[Schema] = schema.get("prefixItems", [])
    return entries[step] if step < len(entries) else schema.get("items")


def _followed(schema: Schema, root: Schema) -> Schema:
    """Return the schema that stands behind a reference, or beside null."""
    others = [each for each in schema.get("anyOf", []) if each != {"type": "null"}]
    if "allowed" not in schema and len(others) == 1:
        return _followed(others[0], root)
    if "$ref" not in schema:
        return schema
    name = schema["$ref"].removeprefix("#/$defs/")
    return _followed(root["$defs"][name], root)


def words(schema: Schema, root: Schema) -> str:  # noqa: PLR0911 - a kind each
    """Return what a schema allows, in words.

    >>> words({"type": "integer", "minimum": 1, "maximum": 9}, {})
    'an integer from 1 to 9'
    >>> words({"type": "array", "minItems": 1, "items": {"type": "number"}}, {})
    'a list of one or more, each a number'
    """
    schema = _followed(schema, root)
    match schema:
        case {"allowed": str(text)}:
            return text
        case {"discriminator": _}:
            return f"an object whose {_tag_name(schema)} is {_one_of(_tags(schema))}"
        case {"const": value}:
            return shown(value)
        case {"enum": values}:
            return _one_of(values)
        case {"type": "integer" | "number" as kind}:
            return f"{'an integer' if kind == 'integer' else 'a number'}{_bounds(schema)}"
        case {"type": "string"}:
            return "text"
        case {"type": "boolean"}:
            return "true or false"
        case {"type": "array", "items": dict(items)}:
            some = {0: "", 1: " of one or more", 2: " of two or more"}[schema.get("minItems", 0)]
            return f"a list{some}, each {words(items, root)}"
        case {"properties": dict(fields)}:
            return f"an object with {', '.join(fields)}"
        case {"type": "object"}:
            return "an object"
        case _:
            return "a value of another form"


def _tags(schema: Schema) -> dict[str | int, str]:
    """Return the references of a union by the words that tell them apart."""
    mapping: dict[str | int, str] = schema.get("discriminator", {}).get("mapping", {})
    return mapping


def _tag_name(schema: Schema) -> str:
    """Return the field that has these words, as ``type``."""
    return str(schema["discriminator"]["propertyName"])


def _one_of(values: Iterable[object]) -> str:
    return f"one of {', '.join(map(str, values))}"


def _bounds(schema: Schema) -> str:
    lowest, highest = schema.get("minimum"), schema.get("maximum")
    above = schema.get("exclusiveMinimum")
    if above is not None:
        return f" above {above:.10g}" + ("" if highest is None else f", up to {highest:.10g}")
    if highest is None:
        return "" if lowest is None else f" from {lowest:.10g} up"
    return f" up to {highest:.10g}" if lowest is None else f" from {lowest:.10g} to {highest:.10g}"
