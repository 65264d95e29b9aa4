"""How much memory an exact state takes, before any of it is allocated.

Everything here is arithmetic on sizes, so that an estimate, made where no engine is installed, and
the job, before it allocates, say the same. A complex amplitude takes 16 bytes, a cost 8.
"""

from __future__ import annotations

AMPLITUDE, COST, INDEX = 16, 8, 2
"""Bytes of an amplitude, of a cost, and of its index into a table of distinct costs at most."""

GAP = 1
"""Vectors, of eight amplitudes, between the tiles of the compiled engine's low qubits."""

TABLE = 2**12
"""Distinct costs that are worth a table, at most."""

SCRATCH = 2**20
"""Bytes for the blocks that numpy works on, at most."""


def reference_bytes(n_qubits: int) -> int:
    """Return the bytes that the numpy engine allocates: two states and two to transform into.

    To these come the tables' indices of both diagonals, and the mixer's.

    >>> reference_bytes(20) / 2**20
    70.0
    """
    return (1 << n_qubits) * (4 * AMPLITUDE + 2 * INDEX + 1) + SCRATCH


def low_qubits(bits: int) -> int:
    """Return how many of a state's qubits the compiled engine works on in one tile.

    Such a tile, 128 KiB to 1 MiB, is to stay in the second cache, and the others are to be few.

    >>> [low_qubits(bits) for bits in (12, 14, 15, 23, 30)]
    [12, 14, 13, 15, 16]
    """
    return bits if bits <= 14 else min(max(13, bits - 8), 16)


def compiled_bytes(
    n_qubits: int, depth: int, *, symmetric: bool, kept: bool = False, observable: bool = False
) -> int:
    """Return the most bytes that the compiled engine allocates.

    Args:
        n_qubits: number of qubits, n.
        depth: number of layers, p.
        symmetric: whether a bitstring and its complement cost the same: half a state is enough.
        kept: whether a gradient keeps the state of every layer, p states in all, or undoes the
            layers with two, or one at depth 1.
        observable: whether a diagonal other than the cost is measured.

    >>> round(compiled_bytes(26, 1, symmetric=True) / 2**20)
    579
    """
    bits = n_qubits - symmetric
    states = depth if kept else min(depth, 2)
    low = low_qubits(bits)
    high = bits - low
    gaps = (8 * AMPLITUDE * GAP) << high
    tiles = 2 * max(AMPLITUDE << low, 8 * AMPLITUDE << (high + symmetric))
    state = (AMPLITUDE << bits) + gaps
    other = INDEX + (COST if observable and symmetric else 0)
    tables = 4 * COST * TABLE * (depth + 1)
    return states * state + (other << bits) + tiles + tables + SCRATCH


def run_bytes(n_qubits: int, depth: int, *, symmetric: bool) -> int:
    """Return the most bytes that a run on an exact state needs at once, with the compiled engine.

    These are the costs, the engine without kept states, and what shots come from: probabilities,
    their cumulative sums, and as much again to compute them in.

    >>> round(run_bytes(26, 1, symmetric=True) / 2**30, 2)
    2.57
    """
    engine = compiled_bytes(n_qubits, depth, symmetric=symmetric)
    return engine + (4 * COST << n_qubits)
