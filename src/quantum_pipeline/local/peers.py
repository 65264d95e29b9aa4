"""Whose process is at the other end of a connection within this machine.

A socket that no process holds any more reads as root's, with no inode: it is nobody's.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from contextlib import suppress
from pathlib import Path

CONNECTIONS = Path("/proc/net/tcp")
"""Linux's table: each socket's own address, its peer's, the user that it belongs to, its inode."""

_SOCK_DIAG, _BY_FAMILY, _REQUEST = 4, 20, 1
_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_ASKED = struct.Struct("=BBxxI")  # family, protocol, states
_SOCKET = struct.Struct("!HH4s12x4s12x4x8s")  # its port, its peer's, its host, its peer's, cookie
_FOUND = struct.Struct("=80xII")  # user, inode
_ANY_COOKIE = b"\xff" * 8
_LONGEST_ANSWER = 4096


def is_ours(connection: socket.socket) -> bool:
    """Return whether the other end of an IPv4 connection belongs to the user of this process.

    Where the system does not tell, as on macOS, it is taken for ours.
    """
    if not CONNECTIONS.exists():
        return True
    user = _asked(connection)
    return (_listed(connection) if user is None else user) == os.getuid()


def _asked(connection: socket.socket) -> int | None:
    """Return the other end's user if Linux tells it of that one socket (man 7 sock_diag).

    The table takes a hundred times as long where some thousand connections have just been closed.
    """
    (host, port), (own_host, own_port) = connection.getpeername(), connection.getsockname()
    asked = _ASKED.pack(socket.AF_INET, socket.IPPROTO_TCP, 0xFFFFFFFF) + _SOCKET.pack(
        port, own_port, socket.inet_aton(host), socket.inet_aton(own_host), _ANY_COOKIE
    )
    header = _HEADER.pack(_HEADER.size + len(asked), _BY_FAMILY, _REQUEST, 0, 0)
    with suppress(OSError), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as kernel:
        kernel.send(header + asked)
        answer = kernel.recv(_LONGEST_ANSWER)
        if _HEADER.unpack_from(answer)[1] == _BY_FAMILY:
            user, inode = _FOUND.unpack_from(answer)
            return int(user) if inode else None
    return None


def _listed(connection: socket.socket) -> int | None:
    """Return the other end's user by the table of all connections."""
    host, port = connection.getpeername()
    # As the kernel has it: the address as an integer of this machine's byte order.
    asked = f"{int.from_bytes(socket.inet_aton(host), sys.byteorder):08X}:{port:04X}"
    for line in CONNECTIONS.read_text("ascii").splitlines()[1:]:
        _, local, _, _, _, _, _, user, _, inode, *_ = line.split()
        if local == asked and inode != "0":
            return int(user)
    return None
