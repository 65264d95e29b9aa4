"""Chooses how a table's rows are classified, and counts what that takes.

A kernel compares all trained rows with each other: of many rows, or of wide states, it compares
them with some alone, the landmarks. What cross-validation tries is counted before: as many settings
as there is time for, and every other model has as many.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.planning.applicable import classifier_of
from quantum_pipeline.problems import Classification
from quantum_pipeline.requests.algorithm import Algorithm, SettledKernel, SettledReuploading
from quantum_pipeline.wording import memory_size

SettledClassifier = SettledKernel | SettledReuploading

FULL_ROWS, FULL_WORK = 2000, 2**34
"""Most trained rows that are compared with each other, and most products of amplitudes in that, if
nothing was said: a matrix of 32 MB, which a support vector machine takes in seconds."""

LANDMARKS = 500
"""Landmarks beyond."""

KERNEL_DEPTH, LAYERS = 2, 4
"""Repetitions of a kernel's encoding, and layers of re-uploading, if nothing was said."""

FOLDS = 5
SETTINGS = {"kernel": (24, 12, 6, 3), "reuploading": (6, 3, 2, 1)}
"""Settings that cross-validation may try, if nothing was said: the most that there is time for."""

EPOCHS, BATCH_ROWS = 200, 32
"""Of re-uploading, if nothing was said; training stops by itself before, as a rule."""


class Rates(NamedTuple):
    """Seconds: of a gate on an amplitude, or of a product of two; of a step of training; of a pair
    of rows in a support vector machine; and of a classical fit, alone and by row and class."""

    amplitude: float
    step: float
    pair: float
    fit: float
    fitted_row: float


ALLOWED = Rates(2e-9, 1e-3, 1e-6, 0.03, 1e-3)
"""Allowances, which are counted."""

MEASURED = Rates(3e-10, 5e-5, 1e-7, 0.01, 1e-4)
"""What they took on one processor of 2026, rounded up; training stopped by itself."""

CLASSICAL_MODELS = 4
QUANTUM_MODELS = 2
"""Models that are compared; of the quantum ones the second is without entanglement."""

MOST_ENTRIES = 5000
"""Most entries of a kernel that a device measures, each a circuit that is compiled."""

JOB_BYTES = 400 * 2**20
"""What scikit-learn and its models take in the job."""


def settle(
    problem: Classification, asked: Algorithm, *, seconds: float
) -> tuple[SettledClassifier, str]:
    """Return a classifier with nothing left to choose, and why, in words.

    Args:
        problem: the table.
        asked: settings that are a classifier's.
        seconds: that the job may take.

    Raises:
        InvalidRequest: more folds than rows of a class, more landmarks than rows, depth auto, or
            earlier runs to learn from.
    """
    _check(problem, asked)
    folds = min(asked.folds or FOLDS, _fewest(problem))
    if classifier_of(problem, asked.name) == "kernel":
        return _kernel(problem, asked, folds, seconds)
    return _reuploading(problem, asked, folds, seconds)


def on_device(asked: Algorithm) -> Algorithm:
    """Return what is asked for as a device can do it: the kernel that it measures.

    Raises:
        InvalidRequest: the algorithm or its kernel is none whose circuits are run on devices.
    """
    if asked.name == "reuploading":
        allowed = "auto or kernel on a device; re-uploading is trained on exact states in the job"
        raise InvalidRequest.of("algorithm.name", asked.name, allowed)
    if asked.kernel == "projected":
        allowed = "auto or fidelity on a device, which measures the overlap of two states"
        raise InvalidRequest.of("algorithm.kernel", asked.kernel, allowed)
    return asked.model_copy(update={"name": "kernel", "kernel": "fidelity"})


def check_entries(problem: Classification, settled: SettledKernel) -> None:
    """Refuse a kernel of more entries than a device is sent circuits.

    Raises:
        InvalidRequest: says how many there are, and what has fewer.
    """
    found = entries(problem, settled.landmarks)
    if found > MOST_ENTRIES:
        ways = fewer(problem, settled, lambda count: count <= MOST_ENTRIES)
        rows = f"{len(problem.parts.trained)} trained and {len(problem.parts.tested)} tested rows"
        raise InvalidRequest(
            f"problem: got {found:,} entries of the kernel to measure, of {rows}; allowed: up to "
            f"{MOST_ENTRIES:,} on a device: {ways}"
        )


def entries(problem: Classification, landmarks: int | None) -> int:
    """Return how many entries of a kernel a device measures, each by a circuit of its own.

    Of T trained rows, N tested ones: T (T - 1) / 2 + N T, for K(x, y) = K(y, x) and K(x, x) = 1; of
    L landmarks L (L - 1) / 2 + (T - L) L + N L.
    """
    return _entries(len(problem.parts.trained), len(problem.parts.tested), landmarks)


def _entries(n_trained: int, n_tested: int, landmarks: int | None) -> int:
    """Return the same of so many rows.

    >>> _entries(30, 10, None), _entries(30, 10, 4)
    (735, 150)
    """
    columns = min(landmarks or n_trained, n_trained)
    return columns * (columns - 1) // 2 + (n_trained - columns + n_tested) * columns


def _shares(problem: Classification, rows: int) -> tuple[int, int]:
    """Return how many of fewer rows are trained and tested, about as the shares are now."""
    tested = max(1, round(rows * len(problem.parts.tested) / len(problem.rows)))
    return rows - tested, tested


def fewer(problem: Classification, settled: SettledKernel, fits: Callable[[int], bool]) -> str:
    """Return in words the most landmarks, or the most rows, whose entries are few enough."""
    n_trained, n_tested = len(problem.parts.trained), len(problem.parts.tested)
    most = min(settled.landmarks or n_trained, n_trained)
    landmarks = [k for k in range(2, most) if fits(_entries(n_trained, n_tested, k))]
    rows = [k for k in range(4, len(problem.rows)) if fits(_entries(*_shares(problem, k), most))]
    ways = [f"algorithm.landmarks up to {landmarks[-1]} (Nystroem)"] if landmarks else []
    ways += [f"up to {rows[-1]:,} rows"] if rows else []
    return " or ".join(ways) or "fewer rows and algorithm.landmarks, both"


def _check(problem: Classification, asked: Algorithm) -> None:
    if asked.depth == "auto":
        allowed = "a number, or nothing; a classifier's circuit does not grow"
        raise InvalidRequest.of("algorithm.depth", asked.depth, allowed)
    if asked.learn:
        allowed = "false; of classifiers the catalogue keeps nothing to start from"
        raise InvalidRequest.of("algorithm.learn", True, allowed)
    fewest = _fewest(problem)
    if asked.folds is not None and asked.folds > fewest:
        allowed = f"up to {fewest}, the rows of the rarest class that are trained on"
        raise InvalidRequest.of("algorithm.folds", asked.folds, allowed)
    n_trained = len(problem.parts.trained)
    if asked.landmarks is not None and asked.landmarks > n_trained:
        allowed = f"2 to {n_trained}, the rows that are trained on"
        raise InvalidRequest.of("algorithm.landmarks", asked.landmarks, allowed)


def _fewest(problem: Classification) -> int:
    """Return how many rows of the rarest class are trained on."""
    return min(Counter(problem.labels[place] for place in problem.parts.trained).values())


def _kernel(
    problem: Classification, asked: Algorithm, folds: int, seconds: float
) -> tuple[SettledKernel, str]:
    n, n_trained = problem.n_qubits, len(problem.parts.trained)
    landmarks = asked.landmarks
    if landmarks is None and (n_trained > FULL_ROWS or n_trained**2 << n > FULL_WORK):
        landmarks = min(LANDMARKS, n_trained)
    tried = [
        SettledKernel(
            name="kernel",
            depth=asked.depth or KERNEL_DEPTH,
            folds=folds,
            max_evaluations=count,
            kernel=asked.kernel,
            encoding=asked.encoding,
            bandwidth=asked.bandwidth,
            regularisation=asked.regularisation,
            landmarks=landmarks,
        )
        for count in _counts(asked, SETTINGS["kernel"])
    ]
    settled = next((each for each in tried if counted_seconds(problem, each) <= seconds), tried[-1])
    matrix = memory_size(8 * n_trained**2)
    if landmarks is None:
        pairs = f"compared with each other, in a matrix of {matrix}"
    elif asked.landmarks:
        pairs = f"compared with {landmarks} of them, as asked"
    else:
        pairs = f"compared with {landmarks} of them, not in a matrix of {matrix} of all"
    words = (
        f"kernel: a support vector machine on the likeness of rows as states of {n} qubits; "
        f"{n_trained:,} trained rows, {pairs}; depth {settled.depth}, {_tried(settled)}"
    )
    return settled, words


def _reuploading(
    problem: Classification, asked: Algorithm, folds: int, seconds: float
) -> tuple[SettledReuploading, str]:
    n, n_trained = problem.n_qubits, len(problem.parts.trained)
    tried = [
        SettledReuploading(
            name="reuploading",
            depth=asked.depth or LAYERS,
            folds=folds,
            max_evaluations=count,
            max_epochs=asked.max_epochs or EPOCHS,
            batch_rows=min(asked.batch_rows or BATCH_ROWS, n_trained),
        )
        for count in _counts(asked, SETTINGS["reuploading"])
    ]
    settled = next((each for each in tried if counted_seconds(problem, each) <= seconds), tried[-1])
    states = memory_size(16 * n_trained << n)
    why = "as asked" if asked.name != "auto" else f"for a kernel has {states} of states at once"
    words = (
        f"reuploading, {why}: {settled.depth} layers on {n} qubits, exact gradients of "
        f"{n_trained:,} trained rows in batches of {settled.batch_rows}, at most "
        f"{settled.max_epochs} epochs; {_tried(settled)}"
    )
    return settled, words


def _counts(asked: Algorithm, usual: Iterable[int]) -> Iterable[int]:
    return usual if asked.max_evaluations is None else (asked.max_evaluations,)


def _tried(settled: SettledClassifier) -> str:
    count = settled.max_evaluations
    return f"up to {count} setting{'' if count == 1 else 's'} tried on {settled.folds} folds"


def counted_seconds(
    problem: Classification, settled: SettledClassifier, rates: Rates = ALLOWED
) -> float:
    """Return the seconds that all models take, on every fold and on all trained rows.

    Cost counted, of T trained rows, n qubits, d layers: a kernel's states T 2^n n d, its matrix
    T^2 2^n, or T L 2^n with L landmarks; an epoch of re-uploading T 2^n n d; a classical fit T.
    """
    n_trained, fits = len(problem.parts.trained), settled.max_evaluations * settled.folds + 1
    models = 1 if len(problem.classes) == 2 else len(problem.classes)
    row = rates.amplitude * (1 << problem.n_qubits)
    states = n_trained * row * 4 * problem.n_qubits * settled.depth
    if isinstance(settled, SettledKernel):
        pairs = n_trained * min(settled.landmarks or n_trained, n_trained)
        quantum = (settled.max_evaluations + 1) * (states + pairs * row)
        quantum += fits * models * pairs * rates.pair
    else:
        steps = -(-n_trained // settled.batch_rows)
        quantum = fits * settled.max_epochs * (2 * states + steps * rates.step)
    classical = fits * (rates.fit + models * n_trained * rates.fitted_row)
    return QUANTUM_MODELS * quantum + CLASSICAL_MODELS * classical


def job_bytes(problem: Classification, settled: SettledClassifier) -> int:
    """Return the most bytes that the job takes for a table, beside what the smallest problem takes.

    Of a kernel the states of all rows with those before a gate, and three matrices; of re-uploading
    the states of two batches for each layer; and the table as text, as cells and as numbers.
    """
    n_rows, n_trained = len(problem.rows), len(problem.parts.trained)
    table = 200 * n_rows * len(problem.columns) + 8 * problem.numbers.size
    if isinstance(settled, SettledKernel):
        states = 2 * 16 * n_rows << problem.n_qubits
        return JOB_BYTES + table + states + 3 * 8 * n_rows * (settled.landmarks or n_trained)
    states = 2 * 16 * settled.batch_rows * (settled.depth + 1) << problem.n_qubits
    return JOB_BYTES + table + states
