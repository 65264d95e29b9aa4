"""Samples the trained state of a form on the run's device."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hybrid_job.job import ConstrainedJob
from hybrid_job.on_device.executor import Executor
from hybrid_job.on_device.forms.settings import FormSettings
from hybrid_job.on_device.measuring import Measuring, Real
from quantum_pipeline.results import DeviceRun, QuantumTask
from quantum_pipeline.spaces.encoding import Encoded


@dataclass(frozen=True)
class MeasuredCounts:
    """Shots by bitstring of the form's bits, whatever the slack was; and what ran."""

    counts: dict[str, int]
    run: DeviceRun
    tasks: tuple[QuantumTask, ...]


def measured_counts(
    job: ConstrainedJob, encoded: Encoded, angles: Real, exact: float
) -> MeasuredCounts:
    """Return the shots of the circuit at some angles, whose energy without noise is ``exact``.

    Raises:
        PipelineError: by name, as ``Measuring.run`` does.
    """
    landscape, n = encoded.landscape, encoded.landscape.form.space.n_bits
    lowest = landscape.form.objective.constant + float(landscape.energies(encoded.weighing).min())
    with Executor(job) as executor:
        settings = FormSettings(encoded, job.mixer)
        [measured], run = Measuring(job, executor, settings, angles, lowest=lowest).run(exact)
        counts = Counter[str]()
        for bits, shots in measured.items():
            counts[bits[:n]] += shots
        return MeasuredCounts(dict(counts), run, executor.tasks)
