"""The catalogue of devices and the choice among them."""

from __future__ import annotations

import re

import pytest

from quantum_pipeline.algorithms import EXACT_QUBITS
from quantum_pipeline.devices import catalogue, choose, find
from quantum_pipeline.errors import DeviceUnavailable, InvalidRequest

GARNET = "arn:aws:braket:eu-north-1::device/qpu/iqm/Garnet"
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


def test_prices_have_a_date() -> None:
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", catalogue().prices_as_of)


@pytest.mark.parametrize(
    "spec", ["sv1", "SV1", "arn:aws:braket:::device/quantum-simulator/amazon/sv1"]
)
def test_a_device_is_found_by_name_in_any_case_and_by_arn(spec: str) -> None:
    assert find(spec).name == "SV1"


@pytest.mark.parametrize(
    "spec", ["", "sv2", "arn:aws:braket:us-west-1::device/qpu/rigetti/Ankaa-3"]
)
def test_an_unknown_device_is_refused_with_the_known_ones(spec: str) -> None:
    with pytest.raises(InvalidRequest, match=r"device: got .*; allowed: auto, .*local, SV1, DM1"):
        find(spec)


def test_a_qpu_is_in_its_region_and_a_simulator_in_all() -> None:
    assert find(GARNET).region == "eu-north-1"
    assert find("sv1").region is find("local").region is None


@pytest.mark.parametrize("n_qubits", [1, EXACT_QUBITS])
def test_auto_takes_the_exact_state_vector_and_says_why(n_qubits: int) -> None:
    device, because = choose("auto", n_qubits=n_qubits, shots=1000, region="us-east-1")
    assert device.name == "local"
    assert str(n_qubits) in because


def test_a_named_device_is_taken_because_it_is_named() -> None:
    device, because = choose(GARNET, n_qubits=5, shots=1000, region="eu-north-1")
    assert (device.arn, because) == (GARNET, "named in the request")


@pytest.mark.parametrize(
    ("spec", "n_qubits", "shots", "named"),
    [
        (GARNET, 5, 100, "eu-north-1, this stack in us-east-1"),
        ("aquila", 5, 100, "analog"),
        ("dm1", 18, 100, "DM1 has 17 qubits, the problem needs 18"),
    ],
)
def test_a_device_out_of_reach_is_unavailable(
    spec: str, n_qubits: int, shots: int, named: str
) -> None:
    with pytest.raises(DeviceUnavailable, match=named):
        choose(spec, n_qubits=n_qubits, shots=shots, region="us-east-1")


@pytest.mark.parametrize(
    ("spec", "region", "shots", "allowed"),
    [
        ("forte-1", "us-east-1", 99, "100 to 50000 on Forte-1"),
        ("ibex-q1", "eu-north-1", 2001, "1 to 2000 on IBEX-Q1"),
        ("garnet", "eu-north-1", 20_001, "1 to 20000 on Garnet"),
    ],
)
def test_shots_outside_a_devices_range_are_refused(
    spec: str, region: str, shots: int, allowed: str
) -> None:
    with pytest.raises(InvalidRequest, match=f"shots: got {shots}; allowed: {allowed}"):
        choose(spec, n_qubits=3, shots=shots, region=region)
