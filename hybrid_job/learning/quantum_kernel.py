"""A support vector machine on a quantum kernel, as a model whose settings are chosen.

A kernel matrix is computed once for all that share its circuit and bandwidth: every C, gamma and
fold. With landmarks (Nystroem) the machine is linear in features of rows, and its coefficients are
of kernel values with the landmarks in the end.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from hybrid_job.job import KernelJob
from hybrid_job.learning import machines
from hybrid_job.learning.machines import Machine, Real
from hybrid_job.learning.search import Grid, Learner, Setting, Value, in_words, number
from hybrid_job.learning.table import Scores, Table
from quantum_pipeline.classification import kernels
from quantum_pipeline.classification.encodings import Encoding
from quantum_pipeline.classification.parts import Places
from quantum_pipeline.classification.prediction import predict
from quantum_pipeline.classification.stored import KernelModel

ENCODINGS = ("angle", "iqp", "reuploading")
KERNELS = ("fidelity", "projected")
BANDWIDTHS = (0.05, 0.1, 0.2, 0.4, 0.7, 1.0, 1.5)
REGULARISATIONS = (0.1, 1.0, 10.0, 100.0, 1000.0)
WIDTHS = (0.25, 1.0, 4.0)
"""Gammas of the projected kernel, in units of 2 / (mean squared distance of trained rows)."""

KEPT_BYTES = 2**26
"""Of matrices that are kept; of larger ones the last."""


class Fitted(NamedTuple):
    """A machine, and the places of its support among the columns that rows are compared with."""

    support: Places
    machine: Machine


class KernelLearner(Learner):
    """A machine on kernels of states; the ablation is the same without entangling gates."""

    def __init__(self, job: KernelJob, table: Table, *, entangled: bool = True) -> None:
        super().__init__(table)
        self.name = "quantum" if entangled else "without entanglement"
        self._algorithm, self._entangled = job.algorithm, entangled
        self._matrices: OrderedDict[object, Real] = OrderedDict()
        self._landmarks: Places | None = None
        count = job.algorithm.landmarks
        if count is not None and count < len(table.classes):
            drawn = job.rng("landmarks").choice(len(table.classes), count, replace=False)
            self._landmarks = np.sort(drawn)

    @cached_property
    def grids(self) -> Sequence[Grid]:
        """What is asked for; of what is left open all choices, one grid for each kernel."""
        asked = self._algorithm
        encodings = ENCODINGS if asked.encoding == "auto" else (asked.encoding,)
        likenesses = KERNELS if asked.kernel == "auto" else (asked.kernel,)
        common: dict[str, Sequence[Value]] = {
            "bandwidth": BANDWIDTHS if asked.bandwidth is None else (asked.bandwidth,),
            "C": REGULARISATIONS if asked.regularisation is None else (asked.regularisation,),
        }
        return [
            {
                "encoding": (encoding,),
                "kernel": (kernel,),
                **common,
                **({"width": WIDTHS} if kernel == "projected" else {}),
            }
            for kernel in likenesses
            for encoding in encodings
        ]

    def scores(self, setting: Setting, fitted: Places, asked: Places) -> Scores:
        """Return scores of trained rows, from rows and columns of one matrix."""
        machine = self._fit(setting, fitted)
        matrix = self._columns(setting)
        columns = fitted if self._landmarks is None else slice(None)
        return machine.scores(matrix[asked][:, columns])

    def words(self, setting: Setting) -> dict[str, str]:
        """Return a setting with its gamma in the units of Bloch vectors."""
        found = {name: in_words(value) for name, value in setting.items() if name != "width"}
        return found | ({"gamma": in_words(self._gamma(setting))} if "width" in setting else {})

    def tested(self, setting: Setting) -> Scores:
        """Return what the model says, as one that is stored says it."""
        stored = self.table.stored("", self.model(setting))
        return predict(stored, self.table.tested_numbers).scores

    def model(self, setting: Setting) -> KernelModel:
        """Return the model of a setting, fitted on all trained rows."""
        return self.stored(setting, self.fitted(setting, self._matrix(setting)))

    @property
    def columns(self) -> Places:
        """The trained rows that rows are compared with: landmarks, or all."""
        return np.arange(len(self.table.classes)) if self._landmarks is None else self._landmarks

    def fitted(self, setting: Setting, matrix: Real) -> Fitted:
        """Return the machine of a kernel of all trained rows with the columns."""
        classes, n_classes = self.table.classes, self.table.n_classes
        regularisation = number(setting, "C")
        if self._landmarks is None:
            machine = machines.of_kernel(matrix, classes, n_classes, regularisation)
            used = np.flatnonzero(np.abs(machine.coefficients).max(axis=0))
            support = used if used.size else np.array([0], dtype=np.int64)
            return Fitted(support, machine._replace(coefficients=machine.coefficients[:, support]))
        root = kernels.inverse_root(matrix[self._landmarks])
        machine = machines.of_features(matrix @ root, classes, n_classes, regularisation)
        support = np.arange(len(self._landmarks))
        return Fitted(support, machine._replace(coefficients=machine.coefficients @ root))

    def stored(
        self, setting: Setting, fitted: Fitted, measured_on: str | None = None
    ) -> KernelModel:
        """Return a fitted machine with all that it takes to compare a row with its support."""
        support = self.columns[fitted.support]
        return KernelModel(
            kind="kernel",
            encoding=self.encoding(setting),
            kernel="fidelity" if setting["kernel"] == "fidelity" else "projected",
            bandwidth=number(setting, "bandwidth"),
            gamma=None if setting["kernel"] == "fidelity" else self._gamma(setting),
            regularisation=number(setting, "C"),
            support=tuple(map(tuple, self.table.trained[support].tolist())),
            coefficients=tuple(map(tuple, fitted.machine.coefficients.tolist())),
            intercepts=tuple(fitted.machine.intercepts.tolist()),
            measured_on=measured_on,
        )

    def gram(self, setting: Setting, places: Places) -> Real:
        """Return the kernel matrix of some trained rows."""
        rows = number(setting, "bandwidth") * self.table.trained[places]
        encoding = self.encoding(setting)
        if setting["kernel"] == "fidelity":
            return kernels.fidelities(encoding, rows)
        apart = kernels.distances(kernels.bloch_vectors(encoding, rows))
        return np.asarray(np.exp(-self._gamma(setting) * apart))

    def _fit(self, setting: Setting, fitted: Places) -> Machine:
        matrix, classes = self._columns(setting)[fitted], self.table.classes[fitted]
        regularisation, n_classes = number(setting, "C"), self.table.n_classes
        if self._landmarks is None:
            gram = matrix[:, fitted]
            return machines.of_kernel(gram, classes, n_classes, regularisation)
        return machines.of_features(matrix, classes, n_classes, regularisation)

    def _columns(self, setting: Setting) -> Real:
        """Return what machines have of trained rows: kernel values, with landmarks features."""
        if self._landmarks is None:
            return self._matrix(setting)
        key = ("features", *setting.items())
        matrix = self._matrix(setting)
        landmarks = self._landmarks
        return self._kept(key, lambda: matrix @ kernels.inverse_root(matrix[landmarks]))

    def _matrix(self, setting: Setting) -> Real:
        """Return the kernel of trained rows with all of them, or with landmarks."""
        made = self._overlaps(setting)
        if setting["kernel"] == "fidelity":
            return made
        return np.asarray(np.exp(-self._gamma(setting) * made))

    def _overlaps(self, setting: Setting) -> Real:
        """Return fidelities, or of the projected kernel squared distances."""
        encoding, bandwidth = self.encoding(setting), number(setting, "bandwidth")
        rows, landmarks = bandwidth * self.table.trained, self._landmarks
        key = (setting["kernel"], encoding, bandwidth)

        def make() -> Real:
            if setting["kernel"] == "fidelity":
                if landmarks is None:
                    return kernels.fidelities(encoding, rows)
                return kernels.fidelities_with(encoding, rows, rows[landmarks])
            points = kernels.bloch_vectors(encoding, rows)
            if landmarks is None:
                return kernels.distances(points)
            return kernels.distances_from(points, points[landmarks])

        return self._kept(key, make)

    def _gamma(self, setting: Setting) -> float:
        """Return gamma in the units of Bloch vectors; 1 where all of these are one."""
        mean = float(self._overlaps(setting).mean())
        return 2 * number(setting, "width") / mean if mean > 0 else 1.0

    def encoding(self, setting: Setting) -> Encoding:
        """Return the circuit of a setting."""
        return Encoding.model_validate(
            {
                "name": setting["encoding"],
                "n_qubits": self.table.scaling.n_qubits,
                "depth": self._algorithm.depth,
                "entangled": self._entangled,
            }
        )

    def _kept(self, key: object, make: Callable[[], Real]) -> Real:
        """Return a matrix as it was made before; the oldest are dropped."""
        if key not in self._matrices:
            self._matrices[key] = make()
            while len(self._matrices) > 1 and self._bytes > KEPT_BYTES:
                self._matrices.popitem(last=False)
        return self._matrices[key]

    @property
    def _bytes(self) -> int:
        return sum(each.nbytes for each in self._matrices.values())
