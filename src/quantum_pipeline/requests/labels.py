"""Whose a run is, and its tags: by them runs are found again, and their money on AWS.

They become tags of the job and of its quantum tasks, so they are what AWS takes in tags, in ASCII.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, StrictStr

from quantum_pipeline.refusals import refused
from quantum_pipeline.wording import refusal, shown

MAX_TAGS = 20
"""Of a run. AWS allows 50, and some are the pipeline's own."""

RESERVED = ("aws:", "quantum-pipeline:")
"""How names of tags do not begin: those are AWS's, and the pipeline's own."""

_CHARACTERS = "letters, digits, spaces, _ . : / = + @ -"
_TAG = r"[A-Za-z0-9 _.:/=+@-]"
_NAME = re.compile(rf"(?! ){_TAG}{{1,64}}(?<! )")
_ALLOWED = (
    f"1 to 64 {_CHARACTERS}, no space first or last, and neither {' nor '.join(RESERVED)} first"
)
_VALUE = re.compile(rf"{_TAG}{{0,128}}")


def _check_tags(tags: dict[str, str]) -> dict[str, str]:
    """Return tags that AWS takes.

    Raises:
        ValueError: names the first that it does not.
    """
    if len(tags) > MAX_TAGS:
        raise refused(f"up to {MAX_TAGS} tags")
    for name, value in tags.items():
        field = name if name.isidentifier() else shown(name)
        if not _NAME.fullmatch(name) or name.lower().startswith(RESERVED):
            raise ValueError(f"{field}: no name of a tag; allowed: {_ALLOWED}")
        if not _VALUE.fullmatch(value):
            raise ValueError(refusal(field, value, f"up to 128 {_CHARACTERS}"))
    return tags


Tags = Annotated[dict[StrictStr, StrictStr], AfterValidator(_check_tags)]
Owner = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._@+-]{0,63}$",
        json_schema_extra={
            "allowed": "1 to 64 letters, digits, spaces, . _ @ + -, a letter or digit first"
        },
    ),
]
