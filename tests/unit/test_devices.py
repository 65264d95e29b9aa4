"""The catalogue of devices, and what of them can run a request as they are now."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from quantum_pipeline.devices.catalogue import EXACT_QUBITS, catalogue, find
from quantum_pipeline.devices.listing import listed
from quantum_pipeline.devices.states import DeviceState, Qubit
from quantum_pipeline.errors import BudgetExceeded, DeviceUnavailable, InvalidRequest
from quantum_pipeline.planning.costs import InstancePrice
from quantum_pipeline.planning.device import candidates, check_usable
from quantum_pipeline.planning.preparation import prepare
from quantum_pipeline.planning.prepared import Preparation
from quantum_pipeline.planning.reasons import Why
from quantum_pipeline.requests.request import parse_request
from tests.planned import planned
from tests.unit.device_answers import CAPABILITIES, state

GARNET = "arn:aws:braket:eu-north-1::device/qpu/iqm/Garnet"
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PRICE = InstancePrice(instance_type="ml.m5.large", usd_per_hour=0.115, as_of="2026-08-21")
PRICES = {  # USD a shot, of the public price page
    "IBEX-Q1": 0.0235,
    "Forte-1": 0.08,
    "Forte-Enterprise-1": 0.08,
    "Garnet": 0.00145,
    "Emerald": 0.0016,
    "Cepheus-1-108Q": 0.000425,
    "Aquila": 0.01,
}


def test_names_and_arns_are_unique_and_arns_are_of_brakets_form() -> None:
    devices = catalogue().devices
    assert len({device.name.lower() for device in devices}) == len(devices)
    assert len({device.arn for device in devices}) == len(devices)
    for device in devices:
        form = r"local:[\w.-]+/[\w.-]+|arn:aws:braket:[a-z0-9-]*::device/[\w-]+/[\w-]+/[\w.-]+"
        assert re.fullmatch(form, device.arn)


def test_every_price_is_the_price_pages() -> None:
    for device in catalogue().devices:
        assert device.usd_per_shot == PRICES.get(device.name, 0.0)
        assert device.usd_per_task == (0.30 if device.name in PRICES else 0.0)
        on_demand = device.name in ("SV1", "DM1")
        assert device.usd_per_minute == (0.075 if on_demand else 0.0)
        assert device.minimum_seconds == (3 if on_demand else 0)


def test_prices_have_a_date_and_timings_say_that_they_are_assumed() -> None:
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", catalogue().prices_as_of)
    assert "assumed" in catalogue().timings
    for device in catalogue().devices:
        assert (device.assumed_shot_seconds > 0) == (device.kind in ("qpu", "analog"))


@pytest.mark.parametrize(
    "spec", ["sv1", "SV1", "arn:aws:braket:::device/quantum-simulator/amazon/sv1"]
)
def test_a_device_is_found_by_name_in_any_case_and_by_arn(spec: str) -> None:
    assert find(spec).name == "SV1"


@pytest.mark.parametrize("spec", ["", "sv2", "arn:aws:braket:us-west-1::device/qpu/rigetti/X"])
def test_an_unknown_device_is_refused_with_the_known_ones(spec: str) -> None:
    with pytest.raises(InvalidRequest, match=r"device: got .*; allowed: auto, .*local, SV1, DM1"):
        find(spec)


@pytest.mark.parametrize(
    "spec",
    ["Ankaa-3", "aspen-m-2", "arn:aws:braket:::device/quantum-simulator/amazon/tn1", "Lucy"],
)
def test_a_retired_device_is_said_to_be_retired(spec: str) -> None:
    with pytest.raises(DeviceUnavailable) as error:
        find(spec)
    said = str(error.value)
    assert said.startswith(
        f'device: got "{spec}", which is retired; allowed: local, SV1, DM1, IBEX-Q1'
    )
    assert "Aquila" not in said


@pytest.mark.parametrize(
    ("spec", "meant"),
    [
        ("forte", "Forte-1 or Forte-Enterprise-1"),
        ("Cepheus", "Cepheus-1-108Q"),
        ("Granet", "Garnet"),
        ("arn:aws:braket:eu-north-1::device/qpu/iqm/Emerlad", "Emerald"),
    ],
)
def test_a_part_of_a_name_or_a_slip_is_asked_about(spec: str, meant: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        find(spec)
    assert str(error.value).endswith(f"Cepheus-1-108Q; did you mean {meant}?")


def test_an_arn_of_a_wrong_region_is_refused_with_the_right_one() -> None:
    with pytest.raises(InvalidRequest) as error:
        find(GARNET.replace("eu-north-1", "us-east-1"))
    assert str(error.value).endswith(f"; allowed: Garnet, whose ARN is {GARNET}")


def test_a_qpu_is_in_its_region_and_a_simulator_in_all() -> None:
    assert find(GARNET).region == "eu-north-1"
    assert find("sv1").region is find("local").region is None


@pytest.mark.parametrize("n_qubits", [2, EXACT_QUBITS])
def test_auto_takes_the_exact_state_vector_and_says_why(n_qubits: int) -> None:
    found = planned({"problem": {"type": "random", "problem_size": n_qubits}})
    assert found.device.name == "local"
    assert found.reasons.device.why is Why.NO_DEVICE_NEEDED


def chosen(spec: str, **how: Any) -> str:
    """Return the name of a device that is usable, of the states in device_answers."""
    known: dict[str, Any] = {"n_qubits": 3, "shots": 100, "region": "us-east-1", "now": NOON} | how
    known.setdefault("state", state(spec.lower()) if "arn" not in spec else None)
    device = find(spec)
    check_usable(device, **known)
    return device.name


def refused(spec: str, **how: Any) -> str:
    with pytest.raises(DeviceUnavailable) as error:
        chosen(spec, **how)
    return str(error.value)


def test_a_named_device_is_taken_because_it_is_named() -> None:
    found = planned({"problem": {"type": "random", "problem_size": 4}, "device": GARNET})
    assert (found.device.arn, found.reasons.device.why) == (GARNET, Why.ASKED)


def test_a_device_of_another_region_is_refused_with_those_of_this_one() -> None:
    message = refused(GARNET)
    assert "eu-north-1, this stack in us-east-1" in message
    assert message.endswith("; allowed: local, SV1, DM1, Forte-1, Forte-Enterprise-1")


def test_an_emulated_device_answers_in_every_region() -> None:
    assert chosen("garnet", state=state("garnet", emulated=True)) == "Garnet"


def test_a_device_that_braket_does_not_know_is_refused() -> None:
    assert "Forte-1 is not known to Braket here" in refused("forte-1", state=None)


@pytest.mark.parametrize("status", ["OFFLINE", "RETIRED"])
def test_a_device_that_is_not_online_is_refused(status: str) -> None:
    message = refused("forte-1", state=state("forte-1", status=status))
    assert f"Forte-1 is {status}; allowed: local, SV1, DM1, Forte-Enterprise-1" in message


def test_an_analog_device_is_refused() -> None:
    assert "Aquila runs analog programs, no gates" in refused("aquila")


def test_a_device_that_is_too_small_is_refused_with_those_that_are_not() -> None:
    message = refused("dm1", n_qubits=18)
    assert message.startswith("device: DM1 has 17 qubits, the problem needs 18; allowed: local, S")
    assert "local" not in refused("dm1", n_qubits=27)
    assert "SV1" not in refused("dm1", n_qubits=35)


def test_only_qubits_that_work_count() -> None:
    broken = state("forte-1", n_qubits=30, qubits=(Qubit(number=0), Qubit(number=1)))
    assert "Forte-1 has 2 qubits that work, the problem needs 3" in refused("forte-1", state=broken)


def closed(name: str) -> DeviceState:
    window = {"windowStartHour": "13:00", "windowEndHour": "14:00"}
    return state(name, windows=[{"executionDay": "Tuesday", **window}], emulated=True)


def test_a_device_outside_its_window_is_refused_with_when_it_opens() -> None:
    message = refused("garnet", state=closed("garnet"), wait_seconds=3599)
    assert "outside its window and opens at 2026-11-24 13:00 UTC, in 3600 s" in message
    assert "limits.max_runtime_seconds" in message


def test_a_job_may_wait_for_a_device_to_open() -> None:
    assert chosen("garnet", state=closed("garnet"), wait_seconds=3600) == "Garnet"


@pytest.mark.parametrize(("shots", "fits"), [(99, False), (100, True), (5000, True), (5001, False)])
def test_shots_are_held_to_what_the_device_takes_now(shots: int, *, fits: bool) -> None:
    if fits:
        assert chosen("forte-1", shots=shots) == "Forte-1"
        return
    said = f"shots: got {shots}; allowed: 100 to 5000 on Forte-1"
    with pytest.raises(InvalidRequest, match=said):
        chosen("forte-1", shots=shots)


EDGES = [[0, 1], [1, 2], [2, 0]]
TRAINING = {"depth": 1, "train_on": "device", "max_evaluations": 10}


def prepared(*known: DeviceState, **fields: Any) -> Preparation:
    request = {"problem": {"type": "maxcut", "edges": EDGES}, "algorithm": TRAINING} | fields
    return prepare(
        parse_request(request),
        {each.arn: each for each in known},
        instance=PRICE,
        region="us-east-1",
        now=NOON,
    )


def test_auto_trains_where_the_circuit_is_most_faithful_and_names_the_others() -> None:
    known = [state(name, emulated=True) for name in ("garnet", "sv1", "cepheus-1-108q")]
    found = prepared(*known, shots=100, limits={"max_cost_usd": 8.0})
    garnet = 0.98 ** (2 * 3 * 2.5) * 0.9965 ** (3 * 3) * 0.965**3
    cepheus = 0.9825 ** (2 * 3 * 2.5) * 0.998 ** (3 * 3) * 0.95**3
    assert garnet < cepheus
    assert found.device.name == found.request.device == "Cepheus-1-108Q"
    costs = [
        prepared(each, device=each.name, shots=100, limits={"max_cost_usd": 8}).cost.total_usd
        for each in (known[2], known[0])
    ]
    assert found.reasons.device.words == (
        f"estimated fidelity of the circuit {cepheus:.3g}, estimated cost {costs[0]:.2f} USD; "
        f"the next best is Garnet: estimated fidelity of the circuit {garnet:.3g}, "
        f"estimated cost {costs[1]:.2f} USD"
    )


def test_auto_takes_a_simulator_only_where_no_qpu_can_run_it_and_says_so() -> None:
    known = [state(name, emulated=True) for name in ("garnet", "sv1", "dm1")]
    found = prepared(*known, shots=100, limits={"max_cost_usd": 0.5})
    assert found.device.name == "SV1"
    assert found.reasons.device.words.startswith(
        "a simulator, for no QPU can run it here and now; estimated cost "
    )
    assert found.reasons.device.words.endswith("above limits.max_cost_usd: Garnet")


def test_auto_prefers_what_ends_below_the_limit_to_what_would_stop_at_it() -> None:
    ions, loops = state("forte-1"), state("garnet", emulated=True)
    found = prepared(ions, loops, shots=100, limits={"max_cost_usd": 10.0, "allow_partial": True})
    assert found.device.name == "Garnet"
    assert "next best is Forte-1" in found.reasons.device.words


def test_auto_estimates_fidelity_from_what_was_calibrated() -> None:
    ions, loops = state("forte-1"), state("garnet", emulated=True)
    found = prepared(ions, loops, shots=100, limits={"max_cost_usd": 200.0})
    assert found.device.name == "Forte-1"
    ion = 0.993 ** (2 * 3) * 0.9998 ** (3 * 3) * 0.995**3
    loop = 0.98 ** (2 * 3 * 2.5) * 0.9965 ** (3 * 3) * 0.965**3
    figures = re.findall(r"fidelity of the circuit ([\d.]+)", found.reasons.device.words)
    assert figures == [f"{ion:.3g}", f"{loop:.3g}"]


def test_auto_leaves_out_what_costs_more_than_it_may() -> None:
    ions, loops = state("forte-1"), state("garnet", emulated=True)
    found = prepared(ions, loops, shots=100, limits={"max_cost_usd": 8.0})
    assert found.device.name == "Garnet"
    assert "above limits.max_cost_usd: Forte-1" in found.reasons.device.words


def test_auto_that_could_afford_no_device_says_what_each_would_cost() -> None:
    said = (
        r"^limits.max_cost_usd: the estimate is 3\.\d\d.*; device auto finds none within the "
        r"limit: the least expensive is Garnet, then Forte-1 \d+\.\d\d USD$"
    )
    with pytest.raises(BudgetExceeded, match=said):
        prepared(
            state("forte-1"),
            state("garnet", emulated=True),
            shots=100,
            limits={"max_cost_usd": 0.1},
        )


def test_auto_that_finds_no_device_says_why_of_each() -> None:
    with pytest.raises(DeviceUnavailable, match=r"SV1: device: SV1 is OFFLINE"):
        prepared(state("sv1", status="OFFLINE"))


def test_what_no_device_could_do_is_said_once() -> None:
    with pytest.raises(InvalidRequest) as error:
        prepared(state("sv1"), algorithm=TRAINING | {"optimizer": "l-bfgs-b"})
    assert str(error.value).startswith('algorithm.optimizer: got "l-bfgs-b"; allowed: spsa')


def test_evaluations_on_a_device_have_as_many_shots_as_it_takes() -> None:
    algorithm = TRAINING | {"shots_per_evaluation": 99}
    said = r"algorithm\.shots_per_evaluation: got 99; allowed: 100 to 5000 on Forte-1"
    with pytest.raises(InvalidRequest, match=said):
        prepared(state("forte-1"), device="forte-1", algorithm=algorithm)


def test_noise_is_simulated_on_dm1() -> None:
    request = {"problem": {"type": "maxcut", "edges": EDGES}, "noise": {"two_qubit": 0.01}}
    assert [device.name for device in candidates(parse_request(request))] == ["DM1"]
    found = prepared(state("dm1"), noise={"two_qubit": 0.01}, algorithm={}, mitigation="auto")
    assert found.device.name == "DM1"
    assert found.reasons.device.why is Why.NOISE
    assert found.reasons.device.words.startswith("it simulates the noise; estimated cost ")
    assert found.reasons.mitigation is not None
    assert found.reasons.mitigation.why is Why.ERRORS
    assert "readout correction" in found.reasons.mitigation.words


def test_the_default_run_asks_no_device() -> None:
    found = prepared(algorithm={})
    assert (found.device.name, found.state, found.plan.tasks) == ("local", None, 0)
    assert candidates(parse_request({"problem": {"type": "maxcut", "edges": EDGES}})) == (
        find("local"),
    )


def test_a_run_on_a_device_has_a_time_limit_of_its_tasks_unless_it_names_one() -> None:
    asked = {"device": "forte-1", "algorithm": {"depth": 1}, "limits": {"max_cost_usd": 100.0}}
    found = prepared(state("forte-1"), **asked)
    assert 600 + 150 + 205 < found.request.limits.max_runtime_seconds < 600 + 150 + 240
    asked["limits"] = {"max_cost_usd": 100.0, "max_runtime_seconds": 377}
    assert prepared(state("forte-1"), **asked).request.limits.max_runtime_seconds == 377


def test_what_is_prepared_is_prepared_again_as_it_is() -> None:
    asked = {"device": "forte-1", "limits": {"max_cost_usd": 300.0}, "mitigation": "auto"}
    found = prepared(state("forte-1"), algorithm={"depth": 1}, shots=100, **asked)
    again = prepare(
        found.request, {found.device.arn: state("forte-1")}, instance=PRICE, region="us-east-1",
        now=NOON,
    )  # fmt: skip
    assert again.request == found.request and again.plan == found.plan


def test_usable_devices_are_listed_first_with_their_prices() -> None:
    states = [state(name, emulated=True) for name in CAPABILITIES if name not in ("sv1", "emerald")]
    states += [closed("garnet"), state("ibex-q1", status="OFFLINE", queue="5")]
    rows = listed(catalogue().devices, {each.arn: each for each in states}, NOON)
    assert rows[0].name == "local"
    found = {row.name: row for row in rows}
    assert "SV1" not in found and "Emerald" not in found
    usable = [row.usable for row in rows]
    assert usable == sorted(usable, reverse=True)
    assert found["Garnet"].availability == "from Tue 13:00"
    assert found["Forte-1"].availability == "always"
    assert found["IBEX-Q1"].availability == "offline" and found["IBEX-Q1"].queue == 7
    assert not found["Aquila"].usable and found["Aquila"].emulated is None
    assert found["Aquila"].availability == "always"
    prices = {name: row.price for name, row in found.items()}
    assert (prices["Forte-1"], prices["DM1"], prices["local"]) == ("0.30 + 0.08", "0.075/min", "")
    assert (found["Forte-1"].region, found["DM1"].region) == ("us-east-1", None)
    assert found["Forte-1"].two_qubit_fidelity == 0.993
    assert found["Forte-1"].emulated == "an emulator of few qubits"


def test_tasks_in_a_reservation_have_no_fees() -> None:
    reserved = {"reservation_arn": "arn:aws:braket:eu-north-1:123456789012:reservation/r1"}
    asked = {"problem": {"type": "random", "problem_size": 4}, "device": "garnet"}
    free, paid = (
        prepare(
            parse_request(asked | more | {"limits": {"max_cost_usd": 5}}),
            {GARNET: state("garnet")},
            instance=PRICE,
            region="eu-north-1",
            now=NOON,
        )
        for more in (reserved, {})
    )
    assert paid.cost.total_usd - free.cost.total_usd == pytest.approx(0.30 + 1000 * 0.00145)
    assert free.cost.total_usd == pytest.approx(free.cost.items[0].usd)
    assert "reservation" in free.reasons.device.words
