"""Spins as bits and as digits: bit k is spin k, 1 for -1."""

from __future__ import annotations

import numpy as np

from hybrid_job.dividing.system import Real


def bits(spins: Real) -> str:
    """Return spins as a bitstring."""
    return "".join("0" if spin > 0 else "1" for spin in spins.tolist())


def written(spins: Real) -> str:
    """Return spins in hexadecimal digits."""
    return np.packbits(spins < 0).tobytes().hex()


def read(digits: str, n: int) -> Real:
    """Return spins as they were written.

    Raises:
        ValueError: they are of another number.
    """
    packed = np.frombuffer(bytes.fromhex(digits), dtype=np.uint8)
    if packed.size != -(-n // 8):
        raise ValueError(f"{packed.size} bytes of spins; allowed: those of {n}")
    return np.asarray(1.0 - 2.0 * np.unpackbits(packed, count=n), dtype=np.float64)
