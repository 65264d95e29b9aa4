"""Models of dimod in its own binary files; and formats that are known, and refused by name."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any, NoReturn

from quantum_pipeline.files.document import Document, Found
from quantum_pipeline.files.json_forms import read
from quantum_pipeline.files.lines import MOST_VARIABLES
from quantum_pipeline.problems.base import MAX_TERMS
from quantum_pipeline.wording import refusal

_MAGIC = b"DIMODBQM"
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


def _refusing(words: str) -> Callable[[Document], Found]:
    """Return what reads a format that is known, and whose problem there is no type for here."""

    def refuse(_: Document) -> NoReturn:
        raise ValueError(words)

    return refuse


refuse_fcidump = _refusing(
    "FCIDUMP holds integrals, which no problem takes; allowed: a molecule by its nuclei (.xyz)"
)
refuse_cnf = _refusing("DIMACS CNF is not read; allowed: its QUBO, as .coo or .qubo")
refuse_tsplib = _refusing("TSPLIB is not read; allowed: the tour's QUBO, as .coo or .qubo")
refuse_lp = _refusing("LP files are not read; allowed: a QUBO with the penalties, as .coo or .qubo")
refuse_cqm = _refusing(
    "dimod's constrained models are not read; allowed: the model of dimod.cqm_to_bqm, as .bqm"
)
