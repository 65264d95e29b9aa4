"""Access keys: the server's own, with which one may do anything there, and those of roles."""

from __future__ import annotations

import secrets
import string
import threading
from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any, NamedTuple


@dataclass(frozen=True)
class Key:
    """An access key; a new one is random. The temporary keys of roles have a session token."""

    access_key_id: str = field(
        default_factory=lambda: "AKIA" + _random(16, string.ascii_uppercase + "234567")
    )
    secret_access_key: str = field(
        default_factory=lambda: _random(40, string.ascii_letters + string.digits), repr=False
    )
    session_token: str = field(default="", repr=False)

    def environment(self) -> dict[str, str]:
        """Return the environment variables by which AWS clients know it."""
        token = {"AWS_SESSION_TOKEN": self.session_token} if self.session_token else {}
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            **token,
        }

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the same meaning of boto3's clients."""
        return {name.lower(): value for name, value in self.environment().items()}


class Session(NamedTuple):
    """Who has taken on a role; AWS names it ``assumed-role/<role>/<name>``."""

    role_arn: str
    name: str


class Keys:
    """All keys that a server knows: its own, and one for each session of a role."""

    def __init__(self, own: Key, roles: Container[str]) -> None:
        """Take the server's own key, and the ARNs of the roles that have policies."""
        self.own = own
        self._roles = roles
        self._lock = threading.Lock()  # held to read or change what follows
        self._of_sessions: dict[Session, Key] = {}
        self._held: dict[str, tuple[Key, Session | None]] = {own.access_key_id: (own, None)}

    def of(self, role_arn: str, name: str) -> Key:
        """Return the key of a role's session, the same each time; of other roles, the server's."""
        if role_arn not in self._roles:
            return self.own
        session = Session(role_arn, name)
        with self._lock:
            key = self._of_sessions.get(session)
            if key is None:
                letters = string.ascii_letters + string.digits
                key = Key(
                    "ASIA" + _random(16, string.ascii_uppercase + "234567"),
                    session_token=_random(64, letters),
                )
                self._of_sessions[session] = key
                self._held[key.access_key_id] = key, session
            return key

    def find(self, access_key_id: str) -> tuple[Key, Session | None] | None:
        """Return the key of this id, and the session that has it; None if there is no such key."""
        with self._lock:
            return self._held.get(access_key_id)


def _random(length: int, characters: str) -> str:
    return "".join(secrets.choice(characters) for _ in range(length))
