"""The parts of the report of a classification: accuracies are shares of the tested rows."""

from __future__ import annotations

from typing import Literal

from quantum_pipeline.classification.encodings import EncodingName
from quantum_pipeline.reports.base import Part, Report
from quantum_pipeline.reports.classification_statistics import Area, Interval
from quantum_pipeline.requests.algorithm import Kernel
from quantum_pipeline.results.classification import Competitor, Epoch

Shown = Literal["better", "no difference shown", "worse"]
"""What the paired test shows of the quantum model: nothing is as possible as either side."""

Finding = Literal[
    "rival is better",
    "rival is cheaper",
    "nothing learned",
    "entanglement buys nothing",
    "models left out",
    "few rows",
    "unbalanced",
    "states far apart",
    "states alike",
]
"""What calls for a recommendation."""


class ClassPart(Part):
    """A class, and its rows that were trained on and tested."""

    name: str
    trained: int
    tested: int


class ClassificationProblem(Part):
    """The table: ``n_columns`` without the target, ``n_numbers`` of a row with words as numbers."""

    type: Literal["classification"]
    target: str
    classes: tuple[ClassPart, ...]
    n_rows: int
    n_trained: int
    n_tested: int
    n_columns: int
    n_numbers: int
    n_qubits: int


class ClassificationAlgorithm(Part):
    """The quantum model as cross-validation chose it, fitted on all trained rows.

    ``encoding`` to ``n_support`` are of a kernel, ``n_parameters`` of re-uploading; else None.
    """

    name: Literal["kernel", "reuploading"]
    n_qubits: int
    depth: int
    entangled: bool
    encoding: EncodingName | None
    kernel: Kernel | None
    bandwidth: float | None
    regularisation: float | None
    n_support: int | None
    n_parameters: int | None
    epochs: tuple[Epoch, ...]
    engine: str
    chosen_because: str


class ClassificationSolution(Part):
    """What the quantum model said of the tested rows, in their order in the table.

    ``rows`` are their places, from 0; classes are numbers in the order of ``problem.classes``.
    ``objective`` is the accuracy.
    """

    objective: float
    rows: tuple[int, ...]
    classes: tuple[int, ...]
    predicted: tuple[int, ...]


class ModelPart(Part):
    """A model of the competition: what was chosen for it, in folds, and how it did when tested.

    ``fits`` counts the settings that were tried, ``unconverged`` the fits of them that ended at
    their limit of steps. ``roc_area`` is None where no class has both rows of its own and others
    among the tested ones.
    """

    name: Competitor
    settings: dict[str, str]
    fits: int
    unconverged: int
    fold_accuracy: float
    right: int
    accuracy: float
    interval: Interval
    balanced_accuracy: float
    roc_area: Area | None
    seconds: float


class PairedPart(Part):
    """The exact test of McNemar of the quantum model against another, row by row.

    ``quantum_only`` rows the quantum model alone got right, ``other_only`` the other alone. The
    other is the best classical model; where the quantum one is better than that, but was not shown
    to be better than each, the one that it is least told from.
    ``chosen_of`` counts the models of which the other was taken as the best on the same rows: a
    quantum model that is worse than it is said to be so only below 0.05 divided by them.
    """

    other: Competitor
    quantum_only: int
    other_only: int
    p_value: float
    chosen_of: int
    shown: Shown


class RocPart(Part):
    """The ROC curve of one class against the rest: shares of other rows, and of its own."""

    name: str
    others: tuple[float, ...]
    own: tuple[float, ...]


class ClassicalModel(Part):
    """The classical model that is best on the tested rows."""

    method: Competitor
    accuracy: float
    seconds: float


class ClassificationQuality(Part):
    """How the quantum model did, and what that is worth beside the others.

    ``best_known`` is the accuracy of the best classical model, and ``difference`` what the quantum
    one has more. ``detectable`` is the smallest difference that so many tested rows can show at
    all, None where they can show none. ``chance`` is the accuracy of saying the most frequent class
    of the trained rows. ``left_out`` are models that there was no time to tune. ``confusion`` has a
    row for each class, a column for what was said.
    """

    accuracy: float
    interval: Interval
    balanced_accuracy: float
    roc_area: Area | None
    chance: float
    best_known: float
    best_known_by: Competitor
    difference: float
    detectable: float | None
    outcome: Shown
    verdict: str
    paired: PairedPart
    ablation: PairedPart | None
    confusion: tuple[tuple[int, ...], ...]
    roc: tuple[RocPart, ...]
    models: tuple[ModelPart, ...]
    left_out: tuple[Competitor, ...]
    classical: ClassicalModel
    quantum_seconds: float
    findings: tuple[Finding, ...]

    @property
    def ranked(self) -> tuple[ModelPart, ...]:
        """The models, the quantum one first, the others by the tested rows that they got right."""
        first, *others = self.models
        return first, *sorted(others, key=lambda each: -each.right)


class MeasuredPart(Part):
    """What a device measured of the kernel, beside the exact states of the same rows.

    ``n_entries`` of ``shots`` at most each were measured. Of the rows that are shown ``matrix`` is
    what was measured, after ``mitigation``, and ``repaired`` that made positive; the errors are
    mean distances from the exact kernel, off the diagonal, of what was measured before mitigation,
    after it, and made positive. ``exact_accuracy`` is that of a machine on the exact kernel with
    the same settings.
    """

    n_entries: int
    shots: int
    mitigation: Literal["none", "readout"]
    mitigated_because: str
    matrix: tuple[tuple[float, ...], ...]
    repaired: tuple[tuple[float, ...], ...]
    raw_error: float
    mitigated_error: float
    repaired_error: float
    exact_accuracy: float


class KernelPart(Part):
    """The kernel matrix of trained rows by exact states, spread over the classes, sorted by them.

    Where a device measured it with landmarks, they are the rows; ``measured`` is None without one.

    ``mean`` and ``spread``, the standard deviation, are of its entries off the diagonal, ``within``
    and ``between`` their means in a class and between two; None where there are no such entries.
    """

    matrix: tuple[tuple[float, ...], ...]
    classes: tuple[int, ...]
    mean: float
    spread: float
    within: float | None
    between: float | None
    measured: MeasuredPart | None


class BoundaryPart(Part):
    """What the quantum model says on a grid of the first two components, others at their mean.

    ``said`` are classes row by row, the second component rising. Of up to 400 rows, spread over the
    table, ``x`` and ``y`` are the two components, ``classes`` their own, and ``tested`` says which
    were tested.
    """

    first: tuple[float, ...]
    second: tuple[float, ...]
    said: tuple[int, ...]
    x: tuple[float, ...]
    y: tuple[float, ...]
    classes: tuple[int, ...]
    tested: tuple[bool, ...]


class ClassificationReport(Report):
    """``report.json`` of a classification."""

    problem: ClassificationProblem
    algorithm: ClassificationAlgorithm
    solution: ClassificationSolution
    quality: ClassificationQuality
    kernel: KernelPart | None
    boundary: BoundaryPart | None

    @property
    def objective(self) -> float:
        """The accuracy of the quantum model on the tested rows."""
        return self.solution.objective
