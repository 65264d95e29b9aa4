"""What the results of all algorithms share, and how a claim is checked against a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.planning.tasks import SAMPLES, Purpose
from quantum_pipeline.quantities import Count, Entries, Finite, Flag, Minutes, Text
from quantum_pipeline.requests.limits import Limit
from quantum_pipeline.results.device_run import DeviceRun
from quantum_pipeline.results.record import Record
from quantum_pipeline.wording import shown


class Evaluation(Record):
    """One evaluation of the energy, in one start of the optimiser."""

    evaluation: Count
    start: Count
    energy: Finite


class QuantumTask(Record):
    """A quantum task that the job ran on a device, for the bill; ``shots`` of all executables.

    ``device`` is the name of one of several, None of the run's only one.
    """

    arn: Text
    purpose: Purpose = SAMPLES
    executables: Count = 1
    shots: Count
    billed_minutes: Minutes = 0.0
    device: Text | None = None


class JobResult(Record):
    """What every job reports: how the optimisation went, what ran on a device, its versions.

    ``stopped_by`` is the limit that ended the optimisation, None where none did. ``device_run`` is
    None where the job computed its samples itself.
    """

    schema_version: Literal[2] = 2
    run_id: Text
    history: Entries[Evaluation] = Field(min_length=1)
    converged: Flag
    stop_reason: Text
    stopped_by: Limit | None
    tasks: Entries[QuantumTask] = ()
    device_run: DeviceRun | None = None
    versions: dict[Text, Text]


def check_equal(name: str, claimed: object, expected: object) -> None:
    """Hold a claim to what the run has.

    Raises:
        InvalidResult: names the claim, and what the run has.
    """
    if claimed != expected:
        raise InvalidResult(f"{name}: got {shown(claimed)}; the run has {shown(expected)}")


def check_near(name: str, claimed: float, recomputed: float, tolerance: float) -> None:
    """Hold a claim to its recomputed value.

    Raises:
        InvalidResult: names the claim and the value.
    """
    if not abs(claimed - recomputed) <= tolerance:
        raise InvalidResult(f"{name}: got {claimed}; recomputed it is {recomputed}")


def check_within(
    name: str, values: Sequence[float], lowest: float, highest: float, tolerance: float
) -> None:
    """Hold all values to a range.

    Raises:
        InvalidResult: names the value and the range.
    """
    for value in (min(values), max(values)):
        if not lowest - tolerance <= value <= highest + tolerance:
            raise InvalidResult(f"{name}: got {value}; it must lie from {lowest} to {highest}")
