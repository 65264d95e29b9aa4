"""Client tokens: a repeated request gets the first one's answer and does nothing."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from quantum_pipeline.local.braket.errors import BraketError, invalid
from quantum_pipeline.local.braket.protocol import Call, errors

T = TypeVar("T")


class Tokens(Generic[T]):
    """What each client token made, and by which request."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[dict[str, Any], T]] = {}

    def known(self, call: Call) -> T | None:
        """Return what this very request made before, if it did.

        Raises:
            BraketError: the token came with another request.
        """
        if call.params["clientToken"] not in self._made:
            return None
        params, made = self._made[call.params["clientToken"]]
        if params == call.params:
            return made
        message = "clientToken: it was used before, with other parameters"
        if "ConflictException" in errors(call.operation):
            raise BraketError("ConflictException", message)
        raise invalid(message)

    def remember(self, call: Call, made: T) -> None:
        """Keep what a request made."""
        self._made[call.params["clientToken"]] = (call.params, made)
