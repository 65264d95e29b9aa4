"""Computes how much memory a run takes, before any of it is allocated.

Everything here is arithmetic on sizes, so that an estimate, made where no engine is installed, and
the job, before it allocates, say the same. A complex amplitude takes 16 bytes, a cost 8.
"""

from __future__ import annotations

from quantum_pipeline.chemistry.sizes import job_bytes
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.ising import cones
from quantum_pipeline.planning import instances, tables
from quantum_pipeline.planning.forms import space_of
from quantum_pipeline.planning.plan import Work
from quantum_pipeline.planning.tables import SettledClassifier
from quantum_pipeline.problems import BinaryProblem, Chemistry, Classification, FormProblem
from quantum_pipeline.requests.algorithm import Settled, SettledCut, SettledDivide, SettledQaoa
from quantum_pipeline.spaces import Space
from quantum_pipeline.wording import memory_size

BASE_BYTES = 300 * 2**20
"""What the job takes for the smallest problem: Python, numpy, scipy, the kernels' compiler."""

USABLE = 0.9
"""Part of an instance's memory that the job may have; the container has the rest."""

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


def form_bytes(space: Space) -> int:
    """Return the most bytes that a run on the states of a space needs at once.

    These are objective, violation and energy of each state, the engine's two vectors, its index of
    distinct energies while it is made, and what shots come from: as much as eight amplitudes. To
    the mixer of exactly k of n each state has k neighbours, in tables that are sorted as well.

    >>> from quantum_pipeline.spaces import Group, Space
    >>> form_bytes(Space((Group(tuple(range(100)), 1), Group((100,)))))
    25600
    """
    neighbours = max((group.ones or 0 for group in space.groups if group.ones != 1), default=0)
    return (8 + 4 * neighbours) * AMPLITUDE * space.n_states


def memory_bytes(work: Work) -> int:
    """Return the most memory that the job takes, computed before any is allocated."""
    problem, algorithm = work.problem, work.algorithm
    if isinstance(problem, Chemistry):
        return BASE_BYTES + job_bytes(problem.sector)
    if isinstance(problem, FormProblem):
        return BASE_BYTES + form_bytes(space_of(problem, work))
    if isinstance(problem, Classification):
        assert isinstance(algorithm, SettledClassifier)
        return BASE_BYTES + tables.job_bytes(problem, algorithm)
    return BASE_BYTES + _binary_bytes(problem, algorithm)


def _binary_bytes(problem: BinaryProblem, algorithm: Settled) -> int:
    n = problem.n_qubits
    if isinstance(algorithm, SettledDivide):
        block = run_bytes(algorithm.block_size, algorithm.depth, symmetric=False)
        return PROCESSES * (2 * block + PROCESS_BYTES) + SPIN_BYTES * (n + problem.n_terms)
    if not isinstance(algorithm, SettledQaoa) or isinstance(algorithm, SettledCut):
        state = reference_bytes(n) if n <= cones.EXACT else 0
        return max(state, CONE_ARRAYS * AMPLITUDE * cones.LARGEST)
    if algorithm.warm_start != "none":
        return run_bytes(n, 1, symmetric=False) + reference_bytes(n)
    symmetric = not any(problem.ising.fields)
    return run_bytes(n, algorithm.deepest, symmetric=symmetric)


PROCESSES, PROCESS_BYTES, SPIN_BYTES = 4, 60 * 2**20, 1500
"""Of divide: processes that solve blocks, what each takes beside one block of each size, and what a
spin and a coupling take: in the model, in sparse rows, and in the graph that has communities."""

CONE_ARRAYS = 6
"""Arrays of a light cone's largest size that live at once."""


def check_memory(work: Work, instance_type: str) -> None:
    """Refuse a run whose job would not fit the memory of its instance.

    Raises:
        InvalidRequest: names what it needs, what there is, and what would fit.
    """
    there, needed = instances.memory_bytes(instance_type), memory_bytes(work)
    if there is not None and needed > USABLE * there:
        raise InvalidRequest(
            f"problem: {work.problem.n_qubits} qubits need {memory_size(needed)} in the job; "
            f"allowed: up to {memory_size(USABLE * there)} on {instance_type}, or a stack with "
            "a JobInstanceType of more memory"
        )
