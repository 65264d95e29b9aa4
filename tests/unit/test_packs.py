"""A pack is read as its runs are, and shares one job among them: memory, processors and cost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from quantum_pipeline.errors import BudgetExceeded, InvalidRequest
from quantum_pipeline.planning.costs import InstancePrice
from quantum_pipeline.planning.memory import memory_bytes
from quantum_pipeline.planning.pack_estimate import estimate_pack
from quantum_pipeline.planning.packs import (
    Demand,
    PreparedPack,
    Room,
    course,
    order,
    prepare_pack,
    shares,
    startable,
)
from quantum_pipeline.planning.runtimes import STARTUP_SECONDS, compute_seconds
from quantum_pipeline.requests.pack import Pack, StoredPack, parse_input
from quantum_pipeline.requests.request import Request

INSTANCE = InstancePrice(instance_type="ml.m5.large", usd_per_hour=0.36, as_of="a day")
GIB = 2**30


def ring(n: int = 4, **more: Any) -> dict[str, Any]:
    edges = [[i, (i + 1) % n] for i in range(n)]
    return {"problem": {"type": "maxcut", "edges": edges}, **more}


def packed(*requests: Any, **more: Any) -> dict[str, Any]:
    runs = [{"name": f"run-{number}", "request": each} for number, each in enumerate(requests)]
    return {"pack": runs, **more}


def prepared(*requests: Any, instance: InstancePrice = INSTANCE, **more: Any) -> PreparedPack:
    pack = parse_input(packed(*requests, **more))
    assert isinstance(pack, Pack)
    return prepare_pack(pack, instance=instance, region="us-east-1", now=datetime.now(UTC))


def test_an_object_with_runs_is_a_pack_and_any_other_a_request() -> None:
    assert isinstance(parse_input(ring()), Request)
    assert isinstance(parse_input(packed(ring(), ring())), Pack)
    assert isinstance(parse_input({"pack": {"uri": "s3://bucket/key"}}), StoredPack)
    with pytest.raises(InvalidRequest, match=r"^problem: no such field; allowed: name, limits, pa"):
        parse_input(packed(ring(), ring()) | ring())


@pytest.mark.parametrize(("n", "passes"), [(1, False), (2, True), (100, True), (101, False)])
def test_a_pack_has_2_to_100_runs(n: int, *, passes: bool) -> None:
    data = packed(*[ring()] * n)
    if passes:
        assert len(parse_input(data).pack) == n  # type: ignore[union-attr, arg-type]
        return
    with pytest.raises(InvalidRequest, match=f"^pack: got {n} runs; allowed: 2 to 100$"):
        parse_input(data)


def test_each_wrong_field_of_a_run_is_named_after_the_run() -> None:
    with pytest.raises(InvalidRequest) as error:
        parse_input(packed(ring(), ring(shots=0, seeds=1), ring(shots=-1)))
    assert [each.partition(": got")[0].partition(": no")[0] for each in error.value.args] == [
        'run "run-1": shots',
        'run "run-1": seeds',
    ]


def test_a_pack_is_none_of_the_runs_of_a_pack() -> None:
    with pytest.raises(InvalidRequest, match=r'^run "run-0": problem: missing'):
        parse_input(packed(packed(ring(), ring()), ring()))


def test_the_runs_of_a_stored_pack_are_read_as_those_of_another() -> None:
    stored = parse_input(
        {"pack": {"uri": "s3://b.c/key"}, "name": "n", "limits": {"max_cost_usd": 2.0}}
    )
    assert isinstance(stored, StoredPack)
    whole = packed(ring(), ring(5))
    assert stored.filled(whole["pack"]).read() == parse_input(
        whole | {"name": "n", "limits": {"max_cost_usd": 2.0}}
    )
    with pytest.raises(InvalidRequest, match=r"^pack: got 3; allowed: 2 to 100 runs"):
        stored.filled(3)


@pytest.mark.parametrize(
    "more",
    [
        {"device": "garnet"},
        {"noise": {"readout": 0.1}},
        {"algorithm": {"train_on": "device"}, "device": "sv1"},
    ],
)
def test_a_run_that_needs_a_device_has_a_job_of_its_own(more: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match=r'^run "run-1": device: got .*; allowed: local in a'):
        prepared(ring(), ring(**more))


def test_what_planning_refuses_is_named_after_the_run() -> None:
    mixed = {"type": "ising", "fields": [0.1] * 26, "couplings": [[0, 1, 1.0]]}
    warm = {"name": "qaoa", "depth": 1, "warm_start": "relaxed"}
    with pytest.raises(InvalidRequest, match=r'^run "run-1": problem: 26 qubits need .* GiB'):
        prepared(ring(), {"problem": mixed, "algorithm": warm})


def test_parts_of_the_cost_add_up_to_the_bill_of_one_job() -> None:
    found = prepared(ring(4), ring(8), ring(14))
    assert found.cost.total_usd == pytest.approx(found.job_seconds * 0.36 / 3600)
    assert sum(run.share.total_usd for run in found.runs) == pytest.approx(found.cost.total_usd)
    least = STARTUP_SECONDS / 3 * 0.36 / 3600
    small, _, large = (run.share.total_usd for run in found.runs)
    assert least < small < large
    alone = [compute_seconds(run.found.request) or 0.0 for run in found.runs]
    beyond = [run.share.total_usd - least for run in found.runs]
    assert beyond[0] / beyond[2] == pytest.approx(alone[0] / alone[2])


def test_limits_of_cost_hold_for_the_pack_and_for_each_share() -> None:
    one = prepared(ring(), ring()).cost.total_usd
    with pytest.raises(BudgetExceeded, match=r"^limits.max_cost_usd: the estimate is"):
        prepared(ring(), ring(), limits={"max_cost_usd": 0.9 * one})
    half: dict[str, Any] = {"limits": {"max_cost_usd": 0.51 * one}}
    prepared(ring(**half), ring(**half), limits={"max_cost_usd": 1.01 * one})
    with pytest.raises(BudgetExceeded, match=r'^run "run-1": limits.max_cost_usd: the estimate'):
        prepared(ring(), ring(limits={"max_cost_usd": 0.49 * one}))


def test_time_is_the_default_or_what_the_runs_are_allowed_on_the_processors() -> None:
    assert prepared(ring(), ring()).limits.max_runtime_seconds == 3600
    assert (
        prepared(ring(), ring(), limits={"max_runtime_seconds": 7}).limits.max_runtime_seconds == 7
    )
    long = ring(30, algorithm={"name": "rqaoa"}, limits={"max_runtime_seconds": 3000})
    assert prepared(*[long] * 5).limits.max_runtime_seconds == 9000  # two at once


def test_an_instance_has_room_for_as_many_runs_as_processors_and_memory() -> None:
    small, large = ring(4), ring(26, algorithm={"depth": 1})
    assert prepared(*[small] * 5).at_once == 2
    assert prepared(large, small).at_once == 2
    assert prepared(*[large] * 3).at_once == 2  # twice 2.6 of 6.9 GiB
    wide = {
        "problem": {"type": "ising", "fields": [0.1] * 26, "couplings": [[0, 1, 1.0]]},
        "algorithm": {"name": "qaoa", "depth": 2},
    }
    needs = memory_bytes(prepared(wide, small).runs[0].found.request)
    assert 2 * needs > Room.of("ml.m5.large").memory_bytes > needs
    assert prepared(wide, wide).at_once == 1
    assert (
        prepared(
            *[small] * 5,
            instance=InstancePrice(instance_type="ml.m5.xlarge", usd_per_hour=1, as_of="a"),
        ).at_once
        == 4
    )
    assert (
        prepared(
            *[small] * 5,
            instance=InstancePrice(instance_type="ml.of.tomorrow", usd_per_hour=1, as_of="a"),
        ).at_once
        == 1
    )


def test_no_more_runs_at_once_than_there_is_room_for() -> None:
    room = Room(3, 10)
    demands = [Demand(float(7 * i % 5 + 1), 1 + 3 * i % 7) for i in range(20)]
    waiting, running, started = order(demands), list[int](), list[int]()
    while waiting or running:
        place = startable(waiting, running, demands, room)
        if place is None:
            running.pop(0)
            continue
        waiting.remove(place)
        running.append(place)
        started.append(place)
        assert len(running) <= 3
        assert sum(demands[each].memory_bytes for each in running) <= 10
    assert sorted(started) == list(range(20))


def test_a_course_takes_no_less_than_its_work_and_its_longest_run() -> None:
    demands = [Demand(seconds, 1) for seconds in (5.0, 4.0, 3.0, 3.0, 3.0)]
    assert course(demands, Room(2, 100)) == (10.0, 2)  # by hand: 5 + 3 and 4 + 3 + 3
    assert course(demands, Room(9, 100)) == (5.0, 5)
    assert course(demands, Room(9, 1)) == (18.0, 1)


@pytest.mark.parametrize("used", [[1.0, 2.0, 3.0], [0.0, 0.0], [0.1] * 100, [0.0, 5.0]])
@pytest.mark.parametrize("billed", [500.0, 180.0, 20.0])
def test_shares_add_up_to_what_is_billed(used: list[float], billed: float) -> None:
    found = shares(billed, 180.0, used)
    assert sum(found) == pytest.approx(billed)
    assert min(found) >= min(billed, 180.0) / len(used) - 1e-12


def test_the_estimate_shows_each_run_its_share_and_the_verdict() -> None:
    found = estimate_pack(prepared(ring(), ring(6)))
    lines = list(found.lines())
    assert [name for name, _ in lines[:3]] == ["pack", "run", "run"]
    assert lines[1][1].startswith("run-0: maxcut, 4 qubits, ")
    assert sum(run.usd for run in found.runs) == pytest.approx(found.total_usd)
    assert dict(lines)["total"].endswith("USD on AWS, within limits.max_cost_usd = 1")
