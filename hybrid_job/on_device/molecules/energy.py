"""Measures the energy of a molecule's trained state on the run's device."""

from __future__ import annotations

from dataclasses import dataclass

from hybrid_job.job import Job
from hybrid_job.journal import Kept as Record
from hybrid_job.on_device.executor import Executor
from hybrid_job.on_device.measurement import Counts
from hybrid_job.on_device.measuring import Measuring
from hybrid_job.on_device.mitigating.measured import raw_energy
from hybrid_job.on_device.molecules.settings import Settings
from quantum_pipeline.chemistry.factorisation import Group, groups
from quantum_pipeline.chemistry.integrals import Integrals
from quantum_pipeline.chemistry.measuring import diagonals, pair_counts
from quantum_pipeline.results import DeviceRun, Estimated, MoleculePoint, QuantumTask

GROUPS = "groups of the energy"
"""What the journal keeps: where they are not unique, another processor makes other ones."""


class _Groups(Record):
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class MeasuredEnergy:
    """What the device made of a state: ``raw`` is the energy of all shots, as they were read.

    ``counts`` are those of the first circuit, which measures the state's determinants;
    ``groups`` are what the others measure, ``pair_counts`` of each circuit stand for its shots.
    """

    raw: Estimated
    counts: Counts
    groups: tuple[Group, ...]
    pair_counts: tuple[tuple[int, ...], ...]
    run: DeviceRun
    tasks: tuple[QuantumTask, ...]


def measured_energy(job: Job, point: MoleculePoint) -> MeasuredEnergy:
    """Return the energy of a point's state from the shots of the run's device.

    Raises:
        PipelineError: by name, as ``Measuring.run`` does.
    """
    with Executor(job) as executor:
        measured = _groups(job, point.integrals)
        settings, amplitudes = Settings.of(point, measured)
        measuring = Measuring(job, executor, settings, amplitudes, unit="hartree")
        counts, run = measuring.run(point.energy)
        return MeasuredEnergy(
            raw=raw_energy(measuring.measurement.plain, counts),
            counts=counts[0],
            groups=measured,
            pair_counts=tuple(map(pair_counts, counts)),
            run=run,
            tasks=executor.tasks,
        )


def _groups(job: Job, integrals: Integrals) -> tuple[Group, ...]:
    """Return what is measured, as the first attempt decided."""
    found = job.journal.decided(GROUPS, _Groups, lambda: _Groups(groups=tuple(groups(integrals))))
    with job.journal.checked(GROUPS):
        diagonals(integrals, found.groups)
    return found.groups
