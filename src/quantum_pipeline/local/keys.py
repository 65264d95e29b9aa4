"""The access key of a server: whoever knows it may do anything there."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Key:
    """An access key; a new one is random."""

    access_key_id: str = field(
        default_factory=lambda: "AKIA" + _random(16, string.ascii_uppercase + "234567")
    )
    secret_access_key: str = field(
        default_factory=lambda: _random(40, string.ascii_letters + string.digits), repr=False
    )

    def environment(self) -> dict[str, str]:
        """Return the environment variables by which AWS clients know it."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
        }

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the same meaning of boto3's clients."""
        return {name.lower(): value for name, value in self.environment().items()}


def _random(length: int, characters: str) -> str:
    return "".join(secrets.choice(characters) for _ in range(length))
