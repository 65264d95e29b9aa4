"""What a run does on its device, against the optimisers that do it and against sums by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pytest

from hybrid_job.optimising.optimiser import Real
from hybrid_job.optimising.shot_optimisers import minimise_shots
from quantum_pipeline.devices.catalogue import find
from quantum_pipeline.devices.states import DeviceState
from quantum_pipeline.planning.optimiser_steps import Method
from quantum_pipeline.planning.plan import Plan, plan
from quantum_pipeline.planning.tasks import SAMPLES, TRAINING
from quantum_pipeline.requests.mitigation import Mitigation
from quantum_pipeline.requests.request import ResolvedRequest
from tests.planned import planned
from tests.unit.device_answers import state

RING = {"type": "maxcut", "edges": [[0, 1], [1, 2], [2, 3], [3, 0]]}


def resolved(**fields: Any) -> ResolvedRequest:
    return planned({"problem": RING, "device": "garnet", "shots": 100} | fields).request


def trained(optimizer: str, evaluations: int, depth: int = 2) -> ResolvedRequest:
    return resolved(
        algorithm={
            "train_on": "device",
            "optimizer": optimizer,
            "depth": depth,
            "max_evaluations": evaluations,
        }
    )


def plan_of(request: ResolvedRequest, state_: DeviceState | None) -> Plan:
    return plan(request, find(str(request.device)), state_)


def uses(found: Plan) -> dict[str, tuple[int, int, int]]:
    return {use.purpose: (use.tasks, use.executables, use.shots) for use in found.uses}


def test_the_jobs_own_simulator_takes_no_tasks() -> None:
    assert plan_of(resolved(device="local"), None) == Plan()


def test_samples_are_one_task() -> None:
    assert uses(plan_of(resolved(), state("garnet"))) == {SAMPLES: (1, 1, 100)}


MITIGATED = {"readout": True, "zne": "linear", "scales": [1, 3], "symmetry": True}


@pytest.mark.parametrize(
    ("largest", "tasks"), [(1, 11), (2, 6), (3, 4), (10, 2), (11, 1), (100, 1)]
)
def test_mitigated_samples_are_as_many_tasks_as_full_program_sets(largest: int, tasks: int) -> None:
    request = resolved(mitigation=MITIGATED)
    found = plan_of(request, state("garnet", max_executables=largest, max_set_shots=None))
    # (1 circuit + 2 calibrations) * (two scales + one verified) + 2 for the readout
    assert uses(found) == {SAMPLES: (tasks, 11, 1100)}


def test_a_program_set_has_no_more_shots_than_it_may() -> None:
    found = plan_of(resolved(mitigation=MITIGATED), state("garnet", max_set_shots=500))
    assert uses(found)[SAMPLES][0] == 3


def test_without_a_state_every_circuit_is_a_task() -> None:
    assert uses(plan_of(resolved(mitigation=MITIGATED), None))[SAMPLES] == (11, 11, 1100)


@pytest.mark.parametrize("optimizer", ["spsa", "cobyla", "nft"])
@pytest.mark.parametrize("evaluations", [1, 2, 3, 4, 12, 21, 30, 57])
def test_training_takes_no_more_tasks_than_plan_of(optimizer: str, evaluations: int) -> None:
    batches: list[int] = []
    rng = np.random.default_rng(1)

    def estimate(angles: Sequence[Real]) -> list[tuple[float, float]]:
        batches.append(len(angles))
        return [(float(np.sin(each).sum() + 0.1 * rng.normal()), 0.1) for each in angles]

    minimise_shots(
        estimate,
        np.full((2, 2), 0.3),
        method=cast(Method, optimizer),
        unit=1.0,
        max_evaluations=evaluations,
        deadline=float("inf"),
        rng=np.random.default_rng(2),
    )
    request = trained(optimizer, evaluations)
    in_sets = uses(plan_of(request, state("garnet")))[TRAINING]
    one_by_one = uses(plan_of(request, None))[TRAINING]
    if optimizer == "spsa":  # it makes all its steps, whatever it finds
        assert in_sets == (len(batches), sum(batches), 100 * sum(batches))
        assert one_by_one[0] == sum(batches)
        times = Counter[int]()
        for batch in plan_of(request, None).batches:
            times[batch.executables] += batch.times * (batch.purpose == TRAINING)
        assert +times == Counter(batches)
    assert len(batches) <= in_sets[0] and sum(batches) <= in_sets[1] <= evaluations
    assert in_sets[0] <= one_by_one[0] <= evaluations


def test_evaluations_have_shots_of_their_own() -> None:
    algorithm = {"train_on": "device", "max_evaluations": 12, "shots_per_evaluation": 30}
    found = plan_of(resolved(algorithm=algorithm), state("garnet"))
    assert uses(found) == {TRAINING: (6, 11, 330), SAMPLES: (1, 1, 100)}


def test_seconds_on_a_qpu_are_those_of_its_tasks_and_shots() -> None:
    garnet = find("garnet")
    by_hand = 5 * 7 + 430 * garnet.assumed_shot_seconds
    algorithm = {"train_on": "device", "max_evaluations": 12, "shots_per_evaluation": 30}
    found = plan_of(resolved(algorithm=algorithm), state("garnet"))
    assert found.seconds == pytest.approx(by_hand)
    assert [use.billed_minutes for use in found.uses] == [0, 0]


def test_a_simulator_bills_three_seconds_a_task_at_least() -> None:
    algorithm = {"train_on": "device", "max_evaluations": 12}
    found = plan_of(resolved(device="sv1", algorithm=algorithm), state("sv1"))
    minutes = {use.purpose: use.billed_minutes for use in found.uses}
    assert minutes == {TRAINING: pytest.approx(6 * 3 / 60), SAMPLES: pytest.approx(3 / 60)}


def test_a_plan_survives_json() -> None:
    found = plan_of(trained("nft", 20), state("garnet"))
    assert Plan.model_validate_json(found.model_dump_json()) == found


def test_a_molecule_takes_the_circuits_of_its_energy_and_checks_its_electrons_in_them() -> None:
    molecule = {"type": "chemistry", "molecule": "H2", "bond_length_angstrom": 0.74}
    device, data = find("local"), {"problem": molecule, "shots": 100}
    request = planned(data).request.model_copy(update={"device": "Garnet"})
    mitigation = {"zne": "linear", "scales": (1.0, 3.0), "symmetry": True}
    mitigated = request.model_copy(update={"mitigation": Mitigation(**mitigation)})
    assert plan(request, device, None) == Plan()
    # all occupations by themselves, and the hopping of the one pair of orbitals
    assert uses(plan_of(request, state("garnet")))[SAMPLES] == (1, 2, 200)
    # times two scales, times the circuit and two calibrations
    assert uses(plan_of(mitigated, state("garnet")))[SAMPLES] == (1, 12, 1200)
