"""Models of dimod in its own binary files: binary quadratic models, and those with constraints."""

from __future__ import annotations

import io
import json
import math
import struct
import zipfile
from collections.abc import Callable
from typing import Any

from quantum_pipeline.files.built import label_of
from quantum_pipeline.files.document import Document, Found
from quantum_pipeline.files.json_forms import read
from quantum_pipeline.files.lines import MOST_VARIABLES
from quantum_pipeline.files.programs import Program, Rule, Sum, Variable, problem_of
from quantum_pipeline.problems.base import MAX_TERMS
from quantum_pipeline.requests.request import MAX_OBJECT_BYTES
from quantum_pipeline.wording import memory_size, refusal, shown

_MAGIC = b"DIMODBQM"
_UNBOUNDED = 2.0**53 - 1
"""dimod's bounds of integers that have none."""
_BROKEN = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    MemoryError,
    RecursionError,
    RuntimeError,
    EOFError,
    struct.error,
    zipfile.BadZipFile,
)
"""What dimod raises of a damaged file."""


def read_bqm(document: Document) -> Found:
    """Read a binary quadratic model that dimod's ``to_file`` wrote."""
    import dimod  # noqa: PLC0415 - takes a while

    _check_head(document.data)
    try:
        model = dimod.BinaryQuadraticModel.from_file(document.data)
        value = json.loads(json.dumps(model.to_serializable()))
    except _BROKEN as error:
        said = str(error).partition("\n")[0][:200]
        raise ValueError(f"damaged .bqm ({said}); allowed: as dimod's to_file writes it") from None
    return read(value, "dimod")


def _check_head(data: bytes) -> None:
    """Hold a file to the sizes that its head names, before anything is made of them."""
    damaged = ValueError("damaged .bqm; allowed: as dimod's to_file writes it")
    start = len(_MAGIC) + 6
    if not data.startswith(_MAGIC) or len(data) < start:
        raise damaged
    (length,) = struct.unpack("<I", data[start - 4 : start])
    try:
        head: Any = json.loads(data[start : start + length])
        n_variables, n_interactions = head["shape"]
        types = [head[name] for name in ("dtype", "itype", "ntype")]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise damaged from None
    known = {"float64", "float32", *(f"{u}int{bits}" for u in ("", "u") for bits in (16, 32, 64))}
    if not all(isinstance(each, str) and each in known for each in types):
        raise damaged
    for what, found, most in (
        ("variables", n_variables, MOST_VARIABLES),
        ("interactions", n_interactions, MAX_TERMS),
    ):
        if type(found) is not int or not 0 <= found <= most:
            raise ValueError(refusal(what, found, f"an integer from 0 to {most}"))


def read_cqm(document: Document) -> Found:
    """Read a constrained quadratic model that dimod's ``to_file`` wrote; spins become bits.

    Raises:
        ValueError: damaged; or a soft constraint, a product in one, a continuous variable.
    """
    import dimod  # noqa: PLC0415 - takes a while

    names = _members(document.data)
    try:
        model = dimod.ConstrainedQuadraticModel.from_file(document.data)
    except _BROKEN as error:
        raise _damaged_cqm(error) from None
    return problem_of(*_program(model, names))


def _damaged_cqm(error: Exception) -> ValueError:
    said = str(error).partition("\n")[0][:200]
    return ValueError(f"damaged .cqm ({said}); allowed: as dimod's to_file writes it")


def _members(data: bytes) -> list[str]:
    """Return the names of what is packed in a model's file, in their order.

    Raises:
        ValueError: damaged, or larger than may be when unpacked.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            members = packed.infolist()
    except _BROKEN as error:
        raise _damaged_cqm(error) from None
    if (size := sum(each.file_size for each in members)) > MAX_OBJECT_BYTES:
        allowed = f"up to {memory_size(MAX_OBJECT_BYTES)} when unpacked"
        raise ValueError(f"got a .cqm of {memory_size(size)}; allowed: {allowed}")
    return [each.filename for each in members]


def _program(model: Any, members: list[str]) -> tuple[Program, tuple[str, ...]]:
    """Return a model of dimod as a program; its constraints in the order of the file."""
    import dimod  # noqa: PLC0415

    notes = []
    if spins := [v for v in model.variables if model.vartype(v) is dimod.SPIN]:
        model.spin_to_binary(inplace=True)
        notes.append(f"spins became bits, s = 2 b - 1: {', '.join(map(_name, spins[:8]))}")
    variables = {
        _name(v): Variable(
            {"BINARY": "binary", "INTEGER": "integer"}.get(model.vartype(v).name, "continuous"),
            _end(model.lower_bound(v)),
            _end(model.upper_bound(v)),
        )
        for v in model.variables
    }
    if len(variables) != len(model.variables):
        raise ValueError("two variables have names of one text")
    place = {name.split("/")[1]: k for k, name in enumerate(members) if name.count("/") == 2}
    serialised: Callable[[Any], Any] = dimod.variables.serialize_variable
    written = {label: json.dumps(serialised(label)) for label in model.constraints}
    labels = sorted(written, key=lambda label: place.get(written[label], len(place)))
    rules = [_rule(label, model.constraints[label]) for label in labels]
    return Program(variables, _sum(model.objective), rules), tuple(notes)


def _name(label: Any) -> str:
    return str(label_of(label))


def _end(bound: float) -> float:
    """Return an end of a range, infinite where it is dimod's default."""
    return float(bound) if abs(bound) < _UNBOUNDED else math.copysign(math.inf, bound)


def _rule(label: Any, constraint: Any) -> Rule:
    """Return a constraint of dimod.

    Raises:
        ValueError: it is soft.
    """
    if constraint.lhs.is_soft():
        allowed = "constraints that have to hold; put its penalty into the objective"
        raise ValueError(f"constraint {shown(_name(label))}: got a soft one; allowed: {allowed}")
    return Rule(_name(label), _sum(constraint.lhs), constraint.sense.value, float(constraint.rhs))


def _sum(expression: Any) -> Sum:
    total = Sum(constant=float(expression.offset))
    for v, bias in expression.iter_linear():
        total.add(float(bias), _name(v))
    for u, v, bias in expression.iter_quadratic():
        total.add(float(bias), _name(u), _name(v))
    return total
