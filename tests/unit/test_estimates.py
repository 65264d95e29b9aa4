"""What a run will take is known before it starts, and what does not fit is refused by name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.planning.costs import InstancePrice
from quantum_pipeline.planning.estimates import estimate
from quantum_pipeline.planning.memory import check_memory, memory_bytes
from quantum_pipeline.planning.preparation import prepare
from quantum_pipeline.requests.request import ResolvedRequest, parse_request
from tests.planned import planned
from tests.unit.device_answers import state


def instance(name: str) -> InstancePrice:
    return InstancePrice(instance_type=name, usd_per_hour=0.36, as_of="a day")


def ring(n: int, **algorithm: Any) -> ResolvedRequest:
    edges = [[i, (i + 1) % n] for i in range(n)]
    data = {"problem": {"type": "maxcut", "edges": edges}, "algorithm": algorithm}
    return planned(data).request


def test_widest_state_fits_the_default_instance_and_no_half_of_it() -> None:
    widest = ring(26)
    check_memory(widest, "ml.m5.large")
    assert memory_bytes(widest) > 2 * 2**30


def test_what_does_not_fit_is_refused_with_both_figures() -> None:
    fields = [0.1] * 26
    problem = {"type": "ising", "fields": fields, "couplings": [[0, 1, 1.0]]}
    warm = {"name": "qaoa", "depth": 1, "warm_start": "relaxed"}
    data = {"problem": problem, "algorithm": warm}
    with pytest.raises(InvalidRequest, match=r"problem: 26 qubits need .* GiB in the job; allowed"):
        planned(data, instance=instance("ml.m5.large"))
    planned(data, instance=instance("ml.m5.xlarge"))
    planned(data, instance=instance("ml.of.tomorrow"))


def test_memory_grows_by_two_with_each_variable() -> None:
    none, small, large = (memory_bytes(ring(n, depth=1)) for n in (3, 23, 25))
    assert 3.5 < (large - none) / (small - none) < 4.2


def test_recursive_qaoa_of_thousands_needs_no_state() -> None:
    assert memory_bytes(ring(4000)) < 2**30


def lines(**fields: Any) -> list[tuple[str, str]]:
    """Return what is printed of a run on Garnet, of 3 variables and 100 shots."""
    problem = {"type": "maxcut", "edges": [[0, 1], [1, 2], [2, 0]]}
    asked = {"problem": problem, "device": "garnet", "shots": 100} | fields
    garnet = state("garnet", emulated=True)
    found = prepare(
        parse_request(asked),
        {garnet.arn: garnet},
        instance=instance("ml.m5.large"),
        region="eu-north-1",
        now=datetime(2026, 11, 24, 12, tzinfo=UTC),
        within_budget=False,
    )
    return list(estimate(found).lines())


def test_a_run_in_a_reservation_has_no_line_of_fees() -> None:
    reservation = "arn:aws:braket:eu-north-1:123456789012:reservation/r1"
    found = lines(reservation_arn=reservation)
    costs = [text for name, text in found if name == "cost"]
    assert len(costs) == 1 and "job instance" in costs[0]
    assert "tasks and shots in it have no fees" in dict(found)["reserved"]
    assert len([text for name, text in lines() if name == "cost"]) == 3
    assert "reserved" not in dict(lines())


def test_what_a_run_does_on_a_device_is_a_line_for_each_purpose() -> None:
    algorithm = {"train_on": "device", "max_evaluations": 12, "shots_per_evaluation": 30}
    found = dict(lines(algorithm=algorithm | {"depth": 1}))
    # SPSA: two differences at once, then four of two evaluations, then the angles found
    assert found["training"] == "11 evaluations of 30 shots in 6 tasks, about 30.3 s"
    assert found["samples"] == "1 circuit of 100 shots in 1 task, about 5.1 s"
    # 150 s to compile, 600 s in queues, 30.33 s and 5.1 s of tasks
    assert found["counted"] == "180 s to start + the whole time limit"
    # 9 s to load and compile, 30.3 s and 5.1 s of tasks
    assert found["expected"].startswith("about 3 min to start, then about 44 s, and what the ")
    assert found["time limit"].startswith("786 s for the job: ")


def test_a_run_that_learns_is_estimated_without_and_says_that_it_is_decided_later() -> None:
    local: dict[str, Any] = {"device": "local"}
    plain, learns = (dict(lines(**local, algorithm={"learn": each})) for each in (False, True))
    assert learns.pop("learning").startswith("from earlier runs, as the catalogue has them when")
    assert learns == plain


@pytest.mark.parametrize(("n", "words"), [(100, "6 s"), (20_000, "14 min")])
def test_the_time_of_divide_follows_from_its_blocks_and_couplings(n: int, words: str) -> None:
    # (8 or 1,429 blocks) * (240 rounds and the partition) * 0.95 ms * 2.5 ways
    edges = [[i, (i + 1) % n] for i in range(n)]
    asked = {"problem": {"type": "maxcut", "edges": edges}, "algorithm": {"name": "divide"}}
    found = dict(lines(device="local", **asked))
    assert found["expected"] == f"about 3 min to start, then about {words}"


def test_without_a_device_the_time_is_an_allowance_for_every_evaluation() -> None:
    found = dict(lines(device="local", algorithm={"depth": 3, "max_evaluations": 1000}))
    # 1000 evaluations * 3 layers * (200 us + 2^3 amplitudes * 1 us)
    assert found["counted"] == "180 s to start + 1 s for up to 1,000 evaluations (allowance)"
    assert found["expected"] == "about 3 min to start, then about 1 s"
    assert found["cost"].endswith("job instance ml.m5.large, 181 s")
    limits = {"max_runtime_seconds": 1}
    assert dict(lines(device="local", limits=limits))["counted"].endswith(" + the whole time limit")


@pytest.mark.parametrize(
    ("limits", "verdict"),
    [
        ({"max_cost_usd": 0.6}, "within limits.max_cost_usd = 0.6"),
        ({"max_cost_usd": 0.5}, "ABOVE limits.max_cost_usd = 0.5: refused"),
        (
            {"max_cost_usd": 0.5, "allow_partial": True},
            "ABOVE limits.max_cost_usd = 0.5: would start, and stop below it",
        ),
        (
            {"max_cost_usd": 0.3, "allow_partial": True},
            "ABOVE limits.max_cost_usd = 0.3: refused",
        ),
    ],
)
def test_an_estimate_says_what_its_limit_would_do(limits: dict[str, Any], verdict: str) -> None:
    # 0.3 a task, 100 shots of 0.00145, 938 s of 0.0001
    assert dict(lines(limits=limits))["total"] == f"0.5388 USD on AWS, {verdict}"


@pytest.mark.parametrize(
    ("algorithm", "n", "said"),
    [
        ({"name": "qaoa", "depth": 1}, 8, "maxcut, 8 qubits"),
        ({"name": "rqaoa"}, 1200, "maxcut, 1,200 variables"),
        ({"name": "divide"}, 40, "maxcut, 40 variables"),
    ],
)
def test_a_problem_that_is_never_whole_in_a_circuit_has_variables_and_no_qubits(
    algorithm: dict[str, Any], n: int, said: str
) -> None:
    edges = [[i, (i + 1) % n] for i in range(n)]
    asked = {"problem": {"type": "maxcut", "edges": edges}, "algorithm": algorithm}
    assert dict(estimate(planned(asked)).lines())["problem"] == said
