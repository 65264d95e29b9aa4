"""Bills against sums made by hand, and the budget."""

from __future__ import annotations

import re
from typing import Any

import pytest

from quantum_pipeline.devices.catalogue import find
from quantum_pipeline.errors import BudgetExceeded, InvalidRequest
from quantum_pipeline.planning import costs
from quantum_pipeline.planning.costs import (
    Cost,
    CostItem,
    InstancePrice,
    bill,
    check_budget,
    estimate,
)
from quantum_pipeline.planning.plan import Plan, plan
from quantum_pipeline.planning.reasons import Why
from quantum_pipeline.planning.runtimes import job_seconds
from quantum_pipeline.requests.request import Limits, ResolvedRequest
from quantum_pipeline.results import QuantumTask
from tests.planned import planned
from tests.unit.device_answers import state

INSTANCE = InstancePrice(instance_type="ml.m5.large", usd_per_hour=0.36, as_of="2026-08-21")
FREE = InstancePrice(instance_type="local", usd_per_hour=0.0, as_of=costs.FREE)


def resolved(n: int = 4, **fields: Any) -> ResolvedRequest:
    data = {"problem": {"type": "random", "problem_size": n}, **fields}
    return planned(data).request


def estimated(request: ResolvedRequest) -> Cost:
    assert isinstance(request.device, str)
    device = find(request.device)
    tasks = plan(request, device, state(device.name.lower()))
    return estimate(request, INSTANCE, [(device, tasks)])


def task(purpose: str = "samples", shots: int = 1000, minutes: float = 0.0) -> QuantumTask:
    return QuantumTask(arn="arn", purpose=purpose, shots=shots, billed_minutes=minutes)


def billed(device: str, *tasks: QuantumTask) -> Cost:
    return bill(device=find(device), instance=INSTANCE, instance_seconds=200, tasks=tasks)


def lines(cost: Cost) -> list[tuple[str, float, str, float]]:
    return [(item.what, item.quantity, item.unit, round(item.usd, 9)) for item in cost.items]


def test_the_local_device_costs_the_instance_alone() -> None:
    cost = billed("local")
    assert lines(cost) == [("job instance ml.m5.large", 200, "s", 0.02)]  # 200/3600 * 0.36


def test_a_qpu_costs_its_tasks_and_its_shots_on_top() -> None:
    cost = billed("garnet", task())
    assert lines(cost)[1:] == [
        ("tasks on Garnet, samples", 1, "tasks", 0.3),
        ("shots on Garnet, samples", 1000, "shots", 1.45),
    ]
    assert cost.total_usd == pytest.approx(0.02 + 0.3 + 1.45)


def test_a_line_of_a_bill_is_told_apart_by_its_kind_and_purpose() -> None:
    cost = billed("sv1", task("training", minutes=1.0), task(minutes=0.5))
    assert [(item.kind, item.purpose) for item in cost.items] == [
        ("instance", None),
        ("time", "training"),
        ("time", "samples"),
    ]
    assert [item.kind for item in billed("garnet", task()).items] == ["instance", "tasks", "shots"]


def test_a_simulator_costs_its_minutes_on_top() -> None:
    cost = billed("sv1", task(minutes=2.5))
    assert lines(cost)[1:] == [("time on SV1, samples", 2.5, "min", 0.1875)]


def test_a_bill_has_the_tasks_of_each_purpose_by_themselves() -> None:
    training = [task("training", 100), task("training", 200)]
    assert lines(billed("garnet", *training, task(shots=500)))[1:] == [
        ("tasks on Garnet, training", 2, "tasks", 0.6),
        ("shots on Garnet, training", 300, "shots", 0.435),
        ("tasks on Garnet, samples", 1, "tasks", 0.3),
        ("shots on Garnet, samples", 500, "shots", 0.725),
    ]


@pytest.mark.parametrize(
    ("quantity", "unit", "amount"),
    [
        (1, "tasks", "1 task"),
        (12_000, "shots", "12,000 shots"),
        (189.792, "s", "190 s"),
        (0.11641, "min", "0.12 min"),
        (1, "s", "1 s"),
    ],
)
def test_an_amount_has_as_many_digits_as_matter(quantity: float, unit: str, amount: str) -> None:
    item = CostItem(what="", kind="time", purpose=None, quantity=quantity, unit=unit, usd=0.0)
    assert item.amount == amount


def test_a_device_that_ran_nothing_costs_nothing() -> None:
    assert len(billed("garnet").items) == 1


def test_a_bill_names_both_dates_of_its_prices() -> None:
    assert billed("sv1", task()).prices_as_of == "devices 2026-08-21; instance 2026-08-21"


@pytest.mark.parametrize(
    ("instance_type", "usd_per_hour"), [("ml.m5.large", 8 * 0.05), ("ml.of.tomorrow", 20.0)]
)
def test_an_unknown_price_is_said_and_counted_as_something(
    instance_type: str, usd_per_hour: float
) -> None:
    unknown = InstancePrice(instance_type=instance_type, usd_per_hour=0.0, as_of="2026-08-21")
    cost = bill(device=find("local"), instance=unknown, instance_seconds=3600, tasks=())
    assert cost.total_usd == pytest.approx(usd_per_hour)
    assert f"instance unknown, assumed as {usd_per_hour:g} USD an hour" in cost.prices_as_of


def test_this_machine_is_believed_to_bill_nothing() -> None:
    assert bill(device=find("local"), instance=FREE, instance_seconds=9, tasks=()).items == ()


def test_the_estimate_covers_every_evaluation() -> None:
    request = resolved(10, algorithm={"depth": 3, "max_evaluations": 100})
    # 180 s to start + 100 evaluations * 3 layers * (200 us + 2^10 amplitudes * 1 us)
    assert job_seconds(request, find("local")) == pytest.approx(180.3672)
    assert estimate(request, INSTANCE, [(find("local"), Plan())]).total_usd == pytest.approx(
        0.01803672
    )


def test_the_estimate_of_a_molecule_covers_every_evaluation_with_or_without_a_device() -> None:
    molecule = {"type": "chemistry", "molecule": "H2", "bond_length_angstrom": 0.74}
    request = planned({"problem": molecule, "algorithm": {"max_evaluations": 500}}).request
    # 120 s for integrals + 500 evaluations * 3 excitations * (200 us + 4 determinants * 1 us)
    assert job_seconds(request, find("local")) == pytest.approx(180 + 120 + 500 * 3 * 204e-6)


def test_the_estimate_covers_the_shots_of_every_evaluation() -> None:
    exact = {"depth": 3, "optimizer": "spsa", "max_evaluations": 100}
    seconds = [
        job_seconds(resolved(10, algorithm=exact | more), find("local"))
        for more in ({}, {"shots_per_evaluation": 50_000})
    ]
    assert seconds[1] - seconds[0] == pytest.approx(100 * 50_000 * 1e-6)


def test_the_estimate_ends_at_the_time_limit_after_the_start() -> None:
    request = resolved(24, limits={"max_runtime_seconds": 60})
    assert job_seconds(request, find("local")) == 180 + 60


def test_a_job_that_waits_for_a_device_is_billed_up_to_its_time_limit() -> None:
    request = resolved(4, limits={"max_runtime_seconds": 600})
    assert job_seconds(request, find("sv1")) == 180 + 600


@pytest.mark.parametrize(("device", "beside"), [("garnet", 600 + 150), ("sv1", 120 + 60)])
def test_a_job_on_a_device_has_time_for_its_tasks_and_their_queues(
    device: str, beside: int
) -> None:
    request = resolved(4, device=device, algorithm={"depth": 1, "max_evaluations": 10})
    tasks = plan(request, find(device), state(device))
    # ten evaluations of one layer take less than the second that is rounded up to
    expected = beside + tasks.seconds + 10 * (2e-4 + 16e-6)
    found = planned(request.model_copy(update={"limits": Limits()}))
    assert 0 <= found.request.limits.max_runtime_seconds - expected < 1
    assert found.reasons.runtime.why is Why.DEVICE_TIME
    parts = [int(each) for each in re.findall(r"(\d+) s", found.reasons.runtime.words)]
    assert sum(parts) == found.request.limits.max_runtime_seconds


def test_the_estimate_of_a_small_circuit_on_a_simulator_is_its_minimum() -> None:
    items = estimated(resolved(device="sv1")).items
    assert (items[1].quantity, round(items[1].usd, 9)) == (0.05, 0.00375)


def test_the_estimate_of_a_wide_circuit_on_a_simulator_grows_with_its_state() -> None:
    minutes = [estimated(resolved(n, device="dm1")).items[1].quantity for n in (15, 17)]
    assert minutes[1] > 15 * minutes[0] > 15 * 0.05


def test_the_estimate_of_a_qpu_counts_one_task_and_all_shots() -> None:
    request = resolved(shots=500, device="forte-1")
    cost = estimated(request)
    assert cost.items[1].usd + cost.items[2].usd == pytest.approx(0.3 + 500 * 0.08)


def test_a_run_above_its_budget_is_refused_with_the_largest_item() -> None:
    with pytest.raises(BudgetExceeded) as refused:
        check_budget(billed("garnet", task()), Limits(max_cost_usd=1.7))
    assert str(refused.value) == (
        "limits.max_cost_usd: the estimate is 1.7700 USD, of which 1.4500 for shots on Garnet, "
        "samples; allowed: up to 1.7000, or fewer shots"
    )


def test_a_refusal_names_what_would_pass() -> None:
    least = costs.minimum(resolved(device="garnet"), find("garnet"), INSTANCE, state("garnet"))
    with pytest.raises(BudgetExceeded) as refused:
        check_budget(billed("garnet", task()), Limits(max_cost_usd=0.5), least)
    ways = "allowed: up to 0.5000, fewer shots, or limits.allow_partial, to stop below it"
    assert str(refused.value).endswith(ways)


@pytest.mark.parametrize(("partial", "least"), [(False, 150 + 17), (True, 150 + 6)])
def test_a_time_in_which_a_run_cannot_end_is_refused(*, partial: bool, least: int) -> None:
    algorithm = {"train_on": "device", "optimizer": "cobyla", "max_evaluations": 2}

    def limited(seconds: int | None) -> ResolvedRequest:
        limits = {"max_runtime_seconds": seconds, "allow_partial": partial}
        return resolved(
            device="garnet", algorithm=algorithm | {"depth": 1}, shots=500, limits=limits
        )

    # to compile, and three tasks of 5 s and 500 shots of 1 ms, of which the samples are one
    assert limited(least).limits.max_runtime_seconds == least
    assert limited(None).limits.max_runtime_seconds > least
    said = rf"max_runtime_seconds: got {least - 1}; allowed: {least} or more on Garnet: 150 to c"
    with pytest.raises(InvalidRequest, match=said):
        limited(least - 1)


def test_a_run_that_may_stop_early_starts_above_its_budget() -> None:
    limits = Limits(max_cost_usd=0.5, allow_partial=True)
    request = resolved(device="garnet")
    least = costs.minimum(request, find("garnet"), INSTANCE, state("garnet"))
    job = 180 + 150 + 600 + 5 + 0.001  # starts, compiles, may wait, and the task itself
    assert least.total_usd == pytest.approx(job * 0.0001 + 0.3 + 0.00145)
    check_budget(billed("garnet", task()), limits, least)


def test_a_run_whose_first_task_is_above_its_budget_is_refused_in_any_case() -> None:
    limits = Limits(max_cost_usd=0.3, allow_partial=True)
    least = costs.minimum(resolved(device="garnet"), find("garnet"), INSTANCE, state("garnet"))
    with pytest.raises(BudgetExceeded, match=r"the smallest run of use, .* is 0\.3950 USD; allow"):
        check_budget(billed("garnet", task()), limits, least)


def test_a_run_at_its_budget_may_go_on() -> None:
    check_budget(billed("local"), Limits(max_cost_usd=0.02))


def test_a_budget_of_nothing_allows_what_costs_nothing() -> None:
    cost = estimate(resolved(), FREE, [(find("local"), Plan())])
    check_budget(cost, Limits(max_cost_usd=0.0))
    assert cost.total_usd == 0


def test_a_bill_survives_json() -> None:
    cost = billed("garnet", task())
    assert Cost.model_validate_json(cost.model_dump_json()) == cost
