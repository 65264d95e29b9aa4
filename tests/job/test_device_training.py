"""Training before a device samples: how long it may take, and that no attempt repeats it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from hybrid_job.job import Job
from hybrid_job.journal import Journal
from hybrid_job.optimising.depth import Step
from hybrid_job.optimising.optimiser import Optimum
from hybrid_job.solvers import training
from hybrid_job.solvers.training import Trained
from quantum_pipeline.planning.plan import Plan, Planned
from quantum_pipeline.planning.prepared import PreparedRun
from tests.job.braket_job import prepared_on


def planned(seconds: float) -> Plan:
    use = Planned(
        purpose="samples", tasks=1, executables=1, shots=100, seconds=seconds, billed_minutes=0.0
    )
    return Plan(uses=(use,))


def left_for_training(prepared: PreparedRun, folder: Path) -> float:
    with closing(Journal(folder, prepared.request)) as journal:
        return Job(prepared, journal, started=0.0).training_deadline


@pytest.mark.parametrize(
    ("device", "limit", "sampling", "trains"),
    [
        ("local", 10_000, 0.0, 10_000 - 600),  # all but what ending takes
        ("garnet", 10_000, 100.0, 10_000 - 600 - 600 - 100),  # a queue, and the samples
        ("sv1", 10_000, 100.0, 10_000 - 600 - 120 - 100),
        ("garnet", 1000, 100.0, (1000 - 100) / 2),  # never more than half
    ],
)
def test_training_leaves_a_device_the_time_to_sample_up_to_half_of_all(
    tmp_path: Path, device: str, limit: int, sampling: float, trains: float
) -> None:
    prepared = prepared_on(device, "time", limits={"max_runtime_seconds": limit})
    prepared = prepared.model_copy(update={"plan": planned(sampling)})
    assert left_for_training(prepared, tmp_path) == pytest.approx(trains)


def test_what_was_trained_is_read_back_by_the_next_attempt(tmp_path: Path) -> None:
    prepared = prepared_on("garnet", "again")
    optimum = Optimum(
        angles=np.array([[0.1], [-0.7]]),
        energy=-1.5,
        history=[(1, -1.0), (1, -1.5)],
        stop_reason="there is no more money",
        stopped_by="limits.max_cost_usd",
    )
    trained = Trained(optimum, (Step(optimum.angles, -1.5, 2),), "linear ramp")
    with closing(Journal(tmp_path, prepared.request)) as journal:
        assert training.recorded(Job(prepared, journal, 0.0)) is None
        training.record(Job(prepared, journal, 0.0), trained)
    with closing(Journal(tmp_path, prepared.request)) as journal:
        found = training.recorded(Job(prepared, journal, 0.0))
    assert found is not None
    np.testing.assert_array_equal(found.optimum.angles, optimum.angles)
    assert vars(found.optimum) | {"angles": None} == vars(optimum) | {"angles": None}
    [step] = found.steps
    np.testing.assert_array_equal(step.angles, optimum.angles)
    assert (step.depth, step.energy, step.evaluations, found.start) == (1, -1.5, 2, "linear ramp")
