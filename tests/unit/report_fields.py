"""The fields of a report's model, as the tables of docs/report.md name them."""

from __future__ import annotations

from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

DOCS = Path(__file__).resolve().parents[2] / "docs" / "report.md"


def fields(model: type[BaseModel], prefix: str = "") -> set[str]:
    """Return the paths of a model's fields, those of models inside it in place of theirs."""
    found: set[str] = set()
    for name, info in model.model_fields.items():
        inner, listed = part_of(info.annotation)
        path = f"{prefix}{name}{'[]' if listed else ''}"
        found |= fields(inner, f"{path}.") if inner else {path}
    return found


def part_of(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """Return the model of an annotation, itself or in a tuple, and whether in a tuple."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    for argument in get_args(annotation):
        if get_origin(annotation) in (tuple, Union, UnionType) and part_of(argument)[0]:
            return part_of(argument)[0], get_origin(annotation) is tuple
    return None, False
