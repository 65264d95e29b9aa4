"""Whose process is at the other end of a connection within this machine."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

CONNECTIONS = Path("/proc/net/tcp")
"""Linux's table: each socket's own address, its peer's, and the user that it belongs to."""

TIME_WAIT = "06"
"""A connection before, of the same addresses: nobody's any more, it reads as root's."""


def is_ours(address: tuple[str, int]) -> bool:
    """Return whether the socket with this IPv4 address belongs to the user of this process.

    Where the system does not tell, as on macOS, it is taken for ours.
    """
    if not CONNECTIONS.exists():
        return True
    host, port = address
    # As the kernel has it: the address as an integer of this machine's byte order.
    asked = f"{int.from_bytes(socket.inet_aton(host), sys.byteorder):08X}:{port:04X}"
    for line in CONNECTIONS.read_text("ascii").splitlines()[1:]:
        _, local, _, state, _, _, _, user, *_ = line.split()
        if local == asked and state != TIME_WAIT:
            return int(user) == os.getuid()
    return False
