"""What is read of GetDevice's answers, of devices of every provider, and when they are open."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from braket.device_schema.aqt import AqtDeviceCapabilities
from braket.device_schema.ionq import IonqDeviceCapabilities
from braket.device_schema.iqm import IqmDeviceCapabilities
from braket.device_schema.rigetti import RigettiDeviceCapabilitiesV2

from quantum_pipeline.devices.states import DeviceState, Window, read_state
from quantum_pipeline.devices.windows import closes_at, opens_at
from quantum_pipeline.errors import ServiceUnavailable
from tests.unit.device_answers import CAPABILITIES, GARNET, answer, state

TUESDAY = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("garnet", IqmDeviceCapabilities),
        ("cepheus-1-108q", RigettiDeviceCapabilitiesV2),
        ("forte-1", IonqDeviceCapabilities),
        ("ibex-q1", AqtDeviceCapabilities),
    ],
)
def test_the_answers_that_are_read_here_are_those_of_the_sdk(name: str, schema: Any) -> None:
    told = json.loads(answer(name, CAPABILITIES[name])["deviceCapabilities"])
    if name == "ibex-q1":  # its provider's own part is not read
        told.setdefault("provider", {"braketSchemaHeader": None})
        fields = {key: told[key] for key in ("paradigm", "standardized")}
        for key, value in fields.items():
            schema.__fields__[key].type_.parse_raw_schema(json.dumps(value))
        return
    told.pop("provider", None)
    parsed = schema.parse_raw(json.dumps(told))
    assert parsed.paradigm.qubitCount == state(name).n_qubits


def test_iqm_tells_the_fidelity_of_each_gate_and_readout() -> None:
    garnet = state("garnet", queue="11")
    assert garnet.kind == "qpu" and garnet.verbatim
    assert [qubit.number for qubit in garnet.qubits] == [1, 2, 3, 4]
    assert [qubit.gate_fidelity for qubit in garnet.qubits] == [0.998, 0.997, 0.996, 0.995]
    assert garnet.couplers is not None
    assert [(each.qubits, each.gate, each.fidelity) for each in garnet.couplers] == [
        ((1, 2), "cz", 0.99),
        ((1, 3), "cz", 0.98),
        ((2, 4), None, None),
        ((3, 4), "cz", 0.97),
    ]
    assert garnet.two_qubit_fidelity == 0.98
    assert garnet.readout_fidelity == pytest.approx(0.965)
    assert (garnet.max_executables, garnet.max_set_shots) == (100, 200_000)
    assert garnet.queue == 13
    assert garnet.native_gates == ("cz", "prx")


def test_rigetti_tells_the_best_native_gate_of_each_pair_and_takes_no_program_sets() -> None:
    cepheus = state("cepheus-1-108q")
    assert cepheus.couplers is not None
    assert [(each.qubits, each.gate, each.fidelity) for each in cepheus.couplers] == [
        ((0, 1), "iswap", 0.985),
        ((1, 7), "cz", 0.98),
    ]
    assert [qubit.number for qubit in cepheus.qubits] == [0, 1, 7]
    assert cepheus.max_executables == 1 and cepheus.max_set_shots is None


@pytest.mark.parametrize(
    ("name", "gate", "pair", "readout", "calibrated"),
    [
        ("forte-1", 0.9998, 0.993, 0.995, "2026-11-24T06:00:00"),
        ("ibex-q1", 0.9997, 0.987, 0.996, "2026-11-23T12:29:03Z"),
    ],
)
def test_ions_are_all_coupled_with_fidelities_that_all_share(
    name: str, gate: float, pair: float, readout: float, calibrated: str
) -> None:
    ions = state(name)
    assert ions.couplers is None
    assert (ions.gate_fidelity, ions.two_qubit_fidelity) == (gate, pair)
    assert (ions.readout_fidelity, ions.calibrated_at) == (readout, calibrated)
    assert len(ions.qubits) == ions.n_qubits


def test_native_gates_have_brakets_names() -> None:
    assert state("forte-1").native_gates == ("gpi", "gpi2", "zz")
    assert state("forte-1").min_shots == 100


def test_analog_devices_and_simulators_are_told_apart() -> None:
    assert state("aquila").kind == "analog"
    sv1 = state("sv1")
    assert (sv1.kind, sv1.n_qubits, sv1.min_shots, sv1.max_shots) == ("simulator", 34, 1, 50_000)
    assert sv1.qubits == () and sv1.calibrated_at is None and not sv1.verbatim


def test_an_emulated_device_says_what_stands_in_for_it() -> None:
    assert state("garnet", emulated=True).emulated == "an emulator of few qubits"
    assert state("garnet").emulated is None


@pytest.mark.parametrize(("size", "queue"), [("0", 2), (">4000", 4002)])
def test_a_queue_counts_all_tasks_that_wait(size: str, queue: int) -> None:
    assert read_state(answer("garnet", GARNET, queue=size)).queue == queue


def test_what_a_retired_device_leaves_out_is_not_guessed() -> None:
    told = answer("garnet", {}, status="RETIRED") | {"deviceCapabilities": "{}"}
    retired = read_state(told)
    assert (retired.n_qubits, retired.max_shots, retired.queue) == (None, 0, None)
    assert retired.windows == () and retired.qubits == ()


def test_a_state_survives_json() -> None:
    for name in CAPABILITIES:
        assert DeviceState.model_validate_json(state(name).model_dump_json()) == state(name)


def window(day: str, start: str, end: str) -> Window:
    return Window(day=day, start=start, end=end)


@pytest.mark.parametrize(
    ("windows", "closes"),
    [
        ([window("Everyday", "09:00:00", "13:00:00")], "2026-11-24T13:00"),
        ([window("Tuesday", "12:00:00", "13:00:00")], "2026-11-24T13:00"),
        ([window("Weekdays", "11:00:00", "01:30:00")], "2026-11-25T01:30"),
        ([window("Monday", "22:00:00", "12:30:00")], "2026-11-24T12:30"),
        ([window("Monday", "22:00:00", "11:30:00")], None),
        ([window("Weekend", "09:00:00", "13:00:00")], None),
        ([window("Wednesday", "09:00:00", "13:00:00")], None),
        ([], None),
        (
            [window("Tuesday", "11:00:00", "23:59:59"), window("Wednesday", "00:00:00", "02:00")],
            "2026-11-25T02:00",
        ),
    ],
)
def test_a_device_is_open_until_its_window_ends(windows: list[Window], closes: str | None) -> None:
    found = closes_at(windows, TUESDAY)
    assert (found and found.strftime("%Y-%m-%dT%H:%M")) == closes


@pytest.mark.parametrize(
    ("day", "start", "hours"),
    [
        ("Tuesday", "13:30:00", 1.5),
        ("Tuesday", "11:00:00", 6 * 24 + 23),
        ("Weekdays", "11:00:00", 23),
        ("Weekend", "00:00:00", 3 * 24 + 12),
        ("Everyday", "12:00:00", 24),
    ],
)
def test_a_closed_device_opens_at_its_next_window(day: str, start: str, hours: float) -> None:
    assert opens_at([window(day, start, "23:59:59")], TUESDAY) == TUESDAY + timedelta(hours=hours)


def test_a_device_without_windows_never_opens() -> None:
    assert opens_at([], TUESDAY) is None
    assert opens_at([window("Someday", "00:00:00", "23:59:59")], TUESDAY) is None


def test_capabilities_that_are_cut_off_are_a_service_that_is_unavailable() -> None:
    told = answer("garnet", CAPABILITIES["garnet"])
    with pytest.raises(ServiceUnavailable, match=": capabilities: "):
        read_state({**told, "deviceCapabilities": told["deviceCapabilities"][:99]})
