"""Bills against sums made by hand, and the budget."""

from __future__ import annotations

from typing import Any

import pytest

from quantum_pipeline.costs import Cost, InstancePrice, bill, check_budget, estimate, job_seconds
from quantum_pipeline.devices import find
from quantum_pipeline.errors import BudgetExceeded
from quantum_pipeline.requests import ResolvedRequest, parse_request, resolve

INSTANCE = InstancePrice(instance_type="ml.m5.large", usd_per_hour=0.36, as_of="2026-08-21")


def resolved(n: int = 4, **fields: Any) -> ResolvedRequest:
    data = {"problem": {"type": "random", "problem_size": n}, **fields}
    return resolve(parse_request(data))[0]


def billed(device: str, **fields: Any) -> Cost:
    quantities = {"instance_seconds": 200, "tasks": 1, "shots": 1000, "simulator_minutes": 0.0}
    return bill(device=find(device), instance=INSTANCE, **quantities | fields)


def lines(cost: Cost) -> list[tuple[str, float, str, float]]:
    return [(item.what, item.quantity, item.unit, round(item.usd, 9)) for item in cost.items]


def test_the_local_device_costs_the_instance_alone() -> None:
    cost = billed("local", tasks=0)
    assert lines(cost) == [("job instance ml.m5.large", 200, "s", 0.02)]  # 200/3600 * 0.36


def test_a_qpu_costs_its_tasks_and_its_shots_on_top() -> None:
    cost = billed("garnet")
    assert lines(cost)[1:] == [
        ("tasks on Garnet", 1, "tasks", 0.3),
        ("shots on Garnet", 1000, "shots", 1.45),
    ]
    assert cost.total_usd == pytest.approx(0.02 + 0.3 + 1.45)


def test_a_simulator_costs_its_minutes_on_top() -> None:
    cost = billed("sv1", simulator_minutes=2.5)
    assert lines(cost)[1:] == [("time on SV1", 2.5, "min", 0.1875)]


def test_a_device_that_ran_nothing_costs_nothing() -> None:
    assert len(billed("garnet", tasks=0).items) == 1


def test_a_bill_names_both_dates_of_its_prices() -> None:
    assert billed("sv1").prices_as_of == "devices 2026-08-21; instance 2026-08-21"


def test_the_estimate_covers_every_evaluation() -> None:
    request = resolved(10, algorithm={"depth": 3, "max_evaluations": 100})
    # 180 s to start + 100 evaluations * 3 layers * (200 us + 2^10 amplitudes * 1 us)
    assert job_seconds(request, find("local"), 10) == pytest.approx(180.3672)
    assert estimate(request, find("local"), 10, INSTANCE).total_usd == pytest.approx(0.01803672)


def test_the_estimate_covers_the_shots_of_every_evaluation() -> None:
    exact = {"depth": 3, "optimizer": "spsa", "max_evaluations": 100}
    seconds = [
        job_seconds(resolved(10, algorithm=exact | more), find("local"), 10)
        for more in ({}, {"shots_per_evaluation": 50_000})
    ]
    assert seconds[1] - seconds[0] == pytest.approx(100 * 50_000 * 1e-6)


def test_the_estimate_ends_at_the_time_limit_after_the_start() -> None:
    request = resolved(24, limits={"max_runtime_seconds": 60})
    assert job_seconds(request, find("local"), 24) == 180 + 60


def test_a_job_that_waits_for_a_device_is_billed_up_to_its_time_limit() -> None:
    request = resolved(4, limits={"max_runtime_seconds": 600})
    assert job_seconds(request, find("sv1"), 4) == 180 + 600


def test_the_estimate_of_a_simulator_counts_one_minute() -> None:
    items = estimate(resolved(device="sv1"), find("sv1"), 4, INSTANCE).items
    assert (items[1].quantity, items[1].usd) == (1.0, 0.075)


def test_the_estimate_of_a_qpu_counts_one_task_and_all_shots() -> None:
    cost = estimate(resolved(shots=500), find("forte-1"), 4, INSTANCE)
    assert cost.items[1].usd + cost.items[2].usd == pytest.approx(0.3 + 500 * 0.08)


def test_a_run_above_its_budget_is_refused_with_the_largest_item() -> None:
    request = resolved(limits={"max_cost_usd": 1.7})
    with pytest.raises(BudgetExceeded) as refused:
        check_budget(billed("garnet"), request)
    assert str(refused.value) == (
        "limits.max_cost_usd: the estimate is 1.7700 USD, of which 1.4500 for shots on Garnet; "
        "allowed: up to 1.7000"
    )


def test_a_run_at_its_budget_may_go_on() -> None:
    check_budget(billed("local", tasks=0), resolved(limits={"max_cost_usd": 0.02}))


def test_a_budget_of_nothing_allows_what_costs_nothing() -> None:
    free = InstancePrice(instance_type="local", usd_per_hour=0.0, as_of="2026-08-21")
    request = resolved(limits={"max_cost_usd": 0})
    cost = estimate(request, find("local"), 4, free)
    check_budget(cost, request)
    assert cost.total_usd == 0


def test_a_bill_survives_json() -> None:
    cost = billed("garnet")
    assert Cost.model_validate_json(cost.model_dump_json()) == cost
