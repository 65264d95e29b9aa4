"""A quantum kernel whose entries a device measures: settings are chosen by exact states, at no fee.

Of the chosen setting the kernel of the trained rows with each other, or with landmarks, and that of
the tested rows with the same, are measured once. The machine is fitted to what was measured, made
positive, and what it says of the tested rows rests on what was measured of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from hybrid_job.job import KernelJob
from hybrid_job.learning.quantum_kernel import Fitted, KernelLearner
from hybrid_job.learning.search import Setting, number
from hybrid_job.learning.table import Scores, Table
from quantum_pipeline.classification.encodings import Encoding
from quantum_pipeline.classification.measured import Measured, Pairs, assembled, pairs_of
from quantum_pipeline.classification.prediction import decided
from quantum_pipeline.classification.scaling import scaled
from quantum_pipeline.classification.stored import KernelModel
from quantum_pipeline.results import DeviceRun, QuantumTask
from quantum_pipeline.results.classification import MeasuredKernel


@dataclass(frozen=True)
class MeasuredEntries:
    """Shots of each entry, those that ended in all zeros, and the shares after mitigation."""

    zeros: tuple[int, ...]
    shots: tuple[int, ...]
    entries: tuple[float, ...]
    mitigation: Literal["none", "readout"]
    because: str
    run: DeviceRun
    tasks: tuple[QuantumTask, ...]


Measure = Callable[[Encoding, Pairs], MeasuredEntries]
"""What measures the entries of a kernel on pairs of rows, which have the bandwidth in them."""


class OnDevice(NamedTuple):
    """What was measured, the machine that was fitted to it, and what ran."""

    record: MeasuredKernel
    matrices: Measured
    fitted: Fitted
    run: DeviceRun
    tasks: tuple[QuantumTask, ...]


class MeasuredLearner(KernelLearner):
    """A machine on a kernel that the run's device measures, once its setting is chosen."""

    def __init__(self, job: KernelJob, table: Table, measure: Measure) -> None:
        super().__init__(job, table)
        self._job, self._measure = job, measure
        self._measured: OnDevice | None = None

    def tested(self, setting: Setting) -> Scores:
        """Return what the model says of the tested rows by what was measured of them."""
        found = self.measured(setting)
        return found.fitted.machine.scores(found.matrices.tested[:, found.fitted.support])

    def model(self, setting: Setting) -> KernelModel:
        """Return the model of a setting, fitted to what was measured of the trained rows."""
        name = self._job.prepared.device.name
        return self.stored(setting, self.measured(setting).fitted, measured_on=name)

    def measured(self, setting: Setting) -> OnDevice:
        """Return what the device measures of a setting: the only one that it is asked for.

        Raises:
            PipelineError: by name, as what measures raises.
        """
        if self._measured is None:
            self._measured = self._made(setting)
        return self._measured

    def _made(self, setting: Setting) -> OnDevice:
        table, columns = self.table, self.columns
        tested = scaled(table.scaling, table.tested_numbers)
        scale = number(setting, "bandwidth")
        pairs = pairs_of(scale * table.trained, scale * tested, columns)
        found = self._measure(self.encoding(setting), pairs)
        matrices = assembled(found.entries, len(table.trained), columns)
        fitted = self.fitted(setting, matrices.trained)
        record = MeasuredKernel(
            columns=tuple(columns.tolist()),
            support=tuple(fitted.support.tolist()),
            zeros=found.zeros,
            shots=found.shots,
            entries=found.entries,
            mitigation=found.mitigation,
            because=found.because,
            exact_predictions=tuple(
                decided(KernelLearner(self._job, table).tested(setting)).tolist()
            ),
        )
        return OnDevice(record, matrices, fitted, found.run, found.tasks)
