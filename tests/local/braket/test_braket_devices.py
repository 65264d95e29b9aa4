"""Emulated QPUs as the SDK, qiskit-braket-provider and plain boto3 see them."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from statistics import fmean, median
from typing import Any

import boto3
import networkx as nx
import pytest
from botocore.exceptions import ClientError
from braket.aws import AwsDevice, AwsSession, aws_device
from braket.device_schema.aqt import AqtDeviceCapabilities
from braket.device_schema.ionq import IonqDeviceCapabilities
from braket.device_schema.iqm import IqmDeviceCapabilities
from braket.device_schema.quera import QueraDeviceCapabilities
from braket.device_schema.rigetti import RigettiDeviceCapabilitiesV2
from braket.schema_common import BraketSchemaBase
from qiskit import QuantumCircuit, transpile
from qiskit_braket_provider.providers.adapter import aws_device_to_target

from quantum_pipeline.devices import catalogue
from quantum_pipeline.devices.states import read_state
from quantum_pipeline.local.braket import BraketError
from quantum_pipeline.local.braket.devices import Devices
from quantum_pipeline.local.braket.emulators import EMULATED, spec
from quantum_pipeline.local.braket.protocol import Call
from tests.local.braket.server import SV1, Server, task

BY_NAME = {arn.rsplit("/", 1)[1]: qpu for arn, qpu in EMULATED.items()}
GARNET, CEPHEUS = BY_NAME["Garnet"].arn, BY_NAME["Cepheus-1-108Q"].arn
FORTE = BY_NAME["Forte-1"].arn
RETIRED = BY_NAME["Ankaa-3"].arn
AQUILA = "arn:aws:braket:us-east-1::device/qpu/quera/Aquila"
# Qubits, couplers and native gates as GetDevice told them in 2026, and Ankaa-3's full lattice.
PUBLISHED = {
    "Garnet": (20, 30, {"prx", "cz"}),
    "Emerald": (54, 85, {"prx", "cz"}),
    "Cepheus-1-108Q": (107, 193, {"rx", "rz", "cz"}),
    "Ibex-Q1": (12, 66, {"prx", "xx", "rz"}),
    "Forte-1": (36, 630, {"gpi", "gpi2", "zz"}),
    "Forte-Enterprise-1": (36, 630, {"gpi", "gpi2", "zz"}),
    "Ankaa-3": (84, 149, {"rx", "rz", "iswap"}),
}
SCHEMAS = {
    "IQM": IqmDeviceCapabilities,
    "Rigetti": RigettiDeviceCapabilitiesV2,
    "AQT": AqtDeviceCapabilities,
    "IonQ": IonqDeviceCapabilities,
}
QISKIT_NAMES = {"prx": "r", "xx": "rxx", "zz": "rzz"}
every = pytest.mark.parametrize("name", PUBLISHED)


@pytest.fixture
def devices() -> Devices:
    return Devices()


def answer(devices: Devices, arn: str) -> dict[str, Any]:
    return devices.get(Call("GetDevice", {"deviceArn": arn}, "us-east-1"))


def told(devices: Devices, arn: str) -> dict[str, Any]:
    return dict(json.loads(answer(devices, arn)["deviceCapabilities"]))


def graph(qpu: spec.EmulatedQpu) -> nx.Graph:
    graph = nx.Graph(list(qpu.couplers))
    graph.add_nodes_from(qpu.qubits)
    return graph


def seconds(moment: datetime) -> float:
    return moment.replace(tzinfo=UTC).timestamp()


def test_every_qpu_of_the_catalogue_is_emulated() -> None:
    gate_qpus = {device.arn for device in catalogue.catalogue().devices if device.kind == "qpu"}
    assert gate_qpus == set(EMULATED) - {RETIRED}


@every
def test_it_has_the_published_qubits_couplers_and_gates(name: str) -> None:
    qpu = BY_NAME[name]
    assert (len(qpu.qubits), len(qpu.couplers), set(qpu.native_gates)) == PUBLISHED[name]
    assert qpu.two_qubit_gate in qpu.native_gates
    assert all(low < high for low, high in qpu.couplers)


@every
def test_every_qubit_reaches_every_other(name: str) -> None:
    assert nx.is_connected(graph(BY_NAME[name]))


@pytest.mark.parametrize(
    ("name", "qubit", "neighbours"),
    [
        ("Garnet", 1, {2, 4}),
        ("Garnet", 10, {5, 9, 11, 15}),
        ("Garnet", 20, {16, 19}),
        ("Emerald", 7, {13}),
        ("Emerald", 24, {16, 23, 25}),
        ("Emerald", 30, {22, 29, 31, 38}),
        ("Emerald", 54, {53}),
        ("Cepheus-1-108Q", 0, {1, 9}),
        ("Cepheus-1-108Q", 7, {6, 16}),
        ("Cepheus-1-108Q", 107, {98, 106}),
        ("Ankaa-3", 8, {1, 7, 9, 15}),
    ],
)
def test_its_lattice_is_the_published_one(name: str, qubit: int, neighbours: set[int]) -> None:
    assert set(graph(BY_NAME[name])[qubit]) == neighbours


def test_a_qubit_that_does_not_work_keeps_its_number() -> None:
    assert set(range(108)) - set(BY_NAME["Cepheus-1-108Q"].qubits) == {8}


@every
def test_its_errors_are_errors(name: str) -> None:
    qpu = BY_NAME[name]
    numbers = set(qpu.qubits)
    for told_of in (qpu.gate_fidelity, qpu.readout_errors, qpu.t1, qpu.t2):
        assert set(told_of) == numbers
    assert all(0.9 < fidelity < 1 for fidelity in qpu.couplers.values())
    assert all(0.99 < fidelity < 1 for fidelity in qpu.gate_fidelity.values())
    for qubit in qpu.qubits:
        assert fmean(qpu.readout_errors[qubit]) == pytest.approx(1 - qpu.readout_fidelity[qubit])
        assert 0 < qpu.t2[qubit] <= 2 * qpu.t1[qubit]
    assert set(qpu.gate_seconds) == {*qpu.native_gates, "measure"}


def test_errors_spread_around_the_published_median() -> None:
    qpu = BY_NAME["Cepheus-1-108Q"]
    errors = [1 - fidelity for fidelity in qpu.couplers.values()]
    assert median(errors) == pytest.approx(0.009)
    # log-normal: 68 % lie within one spread (0.35) of the median
    near = [error for error in errors if abs(math.log(error / 0.009)) < 0.35]
    assert len(near) / len(errors) == pytest.approx(0.683, abs=0.01)


def test_errors_of_a_qubit_that_is_not_there_are_refused() -> None:
    names = ("one_qubit", "two_qubit", "readout", "readout_asymmetry", "t1_us", "t2_us", "spread")
    file = {
        "name": "x",
        "topology": {"first": 0, "lattice": ["##"]},
        "medians": dict.fromkeys(names, 0.1),
        "couplers": [[0, 2, 0.9]],
    }
    with pytest.raises(ValueError, match="x: errors of other qubits"):
        spec.read(file)


@every
def test_the_sdk_reads_its_capabilities(session: AwsSession, name: str) -> None:
    qpu = BY_NAME[name]
    device = AwsDevice(qpu.arn, session)
    properties = device.properties
    assert isinstance(properties, SCHEMAS[qpu.provider])
    assert properties.paradigm.qubitCount == len(qpu.qubits)
    assert {gate.lower() for gate in properties.paradigm.nativeGateSet} == set(qpu.native_gates)
    assert properties.service.shotsRange == qpu.shots
    action = properties.action["braket.ir.openqasm.program"]
    assert "verbatim" in action.supportedPragmas
    assert action.supportPhysicalQubits
    assert properties.action["braket.ir.openqasm.program_set"].maximumExecutables == 100
    # The SDK's own graph, directed both ways.
    pairs = {tuple(sorted(edge)) for edge in device.topology_graph.edges}
    assert pairs == set(qpu.couplers)


@pytest.mark.parametrize("name", ["Garnet", "Emerald", "Cepheus-1-108Q", "Forte-1"])
def test_it_lists_the_neighbours_of_each_qubit(devices: Devices, name: str) -> None:
    listed = told(devices, BY_NAME[name].arn)["paradigm"]["connectivity"]["connectivityGraph"]
    expected = nx.to_dict_of_lists(graph(BY_NAME[name]))
    assert {int(qubit): sorted(map(int, near)) for qubit, near in listed.items()} == {
        qubit: sorted(near) for qubit, near in expected.items()
    }


@every
def test_it_says_that_it_is_emulated_and_on_what(devices: Devices, name: str) -> None:
    qpu = BY_NAME[name]
    service = told(devices, qpu.arn)["service"]
    assert service["deviceLocation"] == "emulated on this machine"
    assert service["updatedAt"] == qpu.calibrated_at
    summary = service["deviceDocumentation"]["summary"]
    assert "assumed: " in summary
    assert "20" in summary
    assert "topology" in summary
    assert "open all day, every day" in summary
    state = read_state(answer(devices, qpu.arn))
    assert state.emulated == summary
    assert state.calibrated_at == qpu.calibrated_at


@pytest.mark.parametrize("name", ["Garnet", "Emerald", "Cepheus-1-108Q"])
def test_it_tells_the_errors_of_each_qubit_and_coupler(devices: Devices, name: str) -> None:
    qpu = BY_NAME[name]
    state = read_state(answer(devices, qpu.arn))
    assert {qubit.number: qubit.gate_fidelity for qubit in state.qubits} == qpu.gate_fidelity
    assert {qubit.number: qubit.readout_fidelity for qubit in state.qubits} == qpu.readout_fidelity
    assert state.couplers is not None
    assert {each.qubits: each.fidelity for each in state.couplers} == qpu.couplers
    assert {each.gate for each in state.couplers} == {qpu.two_qubit_gate}


@pytest.mark.parametrize("name", ["Ibex-Q1", "Forte-1", "Forte-Enterprise-1"])
def test_ions_tell_one_fidelity_of_all_pairs(devices: Devices, name: str) -> None:
    qpu = BY_NAME[name]
    state = read_state(answer(devices, qpu.arn))
    assert state.couplers is None
    assert {state.pair_fidelity} == set(qpu.couplers.values())
    assert state.readout_fidelity == pytest.approx(median(qpu.readout_fidelity.values()))


@every
def test_qiskit_makes_a_target_of_it(session: AwsSession, name: str) -> None:
    qpu = BY_NAME[name]
    target = aws_device_to_target(AwsDevice(qpu.arn, session))
    index = {qubit: position for position, qubit in enumerate(sorted(qpu.qubits))}
    assert target.num_qubits == len(qpu.qubits)
    gates = {QISKIT_NAMES.get(gate, gate) for gate in qpu.native_gates}
    assert gates | {"measure"} == set(target.operation_names)
    pairs = target[QISKIT_NAMES.get(qpu.two_qubit_gate, qpu.two_qubit_gate)]
    assert {tuple(sorted(pair)) for pair in pairs} == {
        (index[low], index[high]) for low, high in qpu.couplers
    }
    if not qpu.all_to_all:
        assert {tuple(sorted(pair)): told.error for pair, told in pairs.items()} == {
            (index[low], index[high]): pytest.approx(1 - fidelity)
            for (low, high), fidelity in qpu.couplers.items()
        }


@pytest.mark.parametrize("name", ["Garnet", "Cepheus-1-108Q"])
def test_qiskit_compiles_for_it(session: AwsSession, name: str) -> None:
    circuit = QuantumCircuit(4)
    circuit.h(0)
    for qubit in (1, 2, 3):
        circuit.cx(0, qubit)
    target = aws_device_to_target(AwsDevice(BY_NAME[name].arn, session))
    compiled = transpile(circuit, target=target, seed_transpiler=1)
    assert set(compiled.count_ops()) <= set(target.operation_names)
    assert compiled.count_ops()["cz"] >= 3


def test_search_devices_lists_all(braket: Any) -> None:
    found = braket.search_devices(filters=[])["devices"]
    expected = {
        device.arn for device in catalogue.catalogue().devices if device.kind != "local"
    } | {RETIRED}
    assert {each["deviceArn"] for each in found} == expected
    assert {each["deviceName"] for each in found if each["deviceStatus"] == "RETIRED"} == {
        "Ankaa-3"
    }
    kinds = {each["deviceName"]: each["deviceType"] for each in found}
    assert (kinds["SV1"], kinds["Garnet"], kinds["Aquila"]) == ("SIMULATOR", "QPU", "QPU")


def test_the_sdk_finds_them_by_provider_and_status(session: AwsSession) -> None:
    def names(**filters: Any) -> set[str]:
        return {device.name for device in AwsDevice.get_devices(aws_session=session, **filters)}

    assert names(provider_names=["IQM"]) == {"Garnet", "Emerald"}
    assert names(types=["QPU"], statuses=["RETIRED"]) == {"Ankaa-3"}


@pytest.mark.parametrize("region", ["us-east-1", "eu-north-1", "us-west-1"])
def test_every_region_answers_for_every_device(
    server: Server, session: AwsSession, region: str
) -> None:
    client = boto3.client("braket", region_name=region)
    assert client.get_device(deviceArn=GARNET)["deviceName"] == "Garnet"


@pytest.mark.parametrize(
    ("device", "region"),
    [
        (GARNET, "us-east-1"),
        (GARNET, "us-west-1"),
        (CEPHEUS, "eu-north-1"),
        (FORTE, "eu-north-1"),
        (AQUILA, "eu-north-1"),
    ],
)
def test_a_task_from_another_region_than_its_devices_is_refused(
    server: Server, braket: Any, device: str, region: str
) -> None:
    client, home = server.client("braket", region), device.split(":")[3]
    with pytest.raises(ClientError, match=rf"not a device in {region}: .* is in {home}") as caught:
        client.create_quantum_task(**task(deviceArn=device))
    answer = caught.value.response
    assert answer["Error"]["Code"] == "ValidationException"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize(
    ("device", "region"),
    [(GARNET, "eu-north-1"), (FORTE, "us-east-1"), (SV1, "us-east-1"), (SV1, "eu-north-1")],
)
def test_a_task_in_its_devices_region_is_accepted(
    server: Server, braket: Any, device: str, region: str
) -> None:
    arn = server.client("braket", region).create_quantum_task(**task(deviceArn=device, shots=100))
    assert arn["quantumTaskArn"].split(":")[3] == region


def test_the_analog_device_takes_analog_programs_only(session: AwsSession, braket: Any) -> None:
    properties = AwsDevice(AQUILA, session).properties
    assert isinstance(properties, QueraDeviceCapabilities)
    assert set(properties.action) == {"braket.ir.ahs.program"}
    assert read_state(braket.get_device(deviceArn=AQUILA)).kind == "analog"
    header = {"name": "braket.ir.openqasm.program", "version": "1"}
    with pytest.raises(ClientError, match=r"Aquila runs braket\.ir\.ahs\.program, not"):
        braket.create_quantum_task(
            clientToken="t",
            deviceArn=AQUILA,
            shots=10,
            outputS3Bucket="amazon-braket-tests",
            outputS3KeyPrefix="tasks",
            action=json.dumps({"braketSchemaHeader": header, "source": "OPENQASM 3;"}),
        )


def test_a_retired_device_still_answers_and_takes_nothing(braket: Any, devices: Devices) -> None:
    assert braket.get_device(deviceArn=RETIRED)["deviceStatus"] == "RETIRED"
    with pytest.raises(BraketError, match="Ankaa-3 is RETIRED") as caught:
        devices.usable(RETIRED)
    assert caught.value.code == "DeviceRetiredException"


def test_a_device_can_be_taken_offline_and_back(devices: Devices) -> None:
    devices.set(GARNET, status="OFFLINE")
    assert answer(devices, GARNET)["deviceStatus"] == "OFFLINE"
    with pytest.raises(BraketError, match="Garnet is OFFLINE") as caught:
        devices.usable(GARNET)
    assert caught.value.code == "DeviceOfflineException"
    devices.set(GARNET, status="ONLINE")
    assert devices.usable(GARNET).status == "ONLINE"


def test_all_are_open_at_any_hour_unless_told_otherwise(devices: Devices) -> None:
    week = [seconds(datetime(2026, 11, 23)) + 3599 * hour for hour in range(169)]
    online = [*(set(EMULATED) - {RETIRED}), AQUILA]
    assert all(devices.is_open(arn, now) for arn in online for now in week)


def test_outside_its_windows_a_device_stays_online(devices: Devices) -> None:
    devices.set(GARNET, windows=[("Monday", "13:00:00", "17:59:59")])
    monday = datetime(2026, 11, 23)
    assert devices.is_open(GARNET, seconds(monday.replace(hour=13)))
    assert devices.is_open(GARNET, seconds(monday.replace(hour=17, minute=59, second=59)))
    assert not devices.is_open(GARNET, seconds(monday.replace(hour=18)))
    assert not devices.is_open(GARNET, seconds(monday.replace(day=24, hour=13)))
    assert devices.usable(GARNET).status == "ONLINE"
    (window,) = read_state(answer(devices, GARNET)).windows
    assert (window.day, window.start, window.end) == ("Monday", "13:00:00", "17:59:59")


def test_without_windows_a_device_never_opens(devices: Devices) -> None:
    devices.set(GARNET, windows=[])
    assert not devices.is_open(GARNET, seconds(datetime(2026, 11, 23, 13)))


def test_an_offline_device_is_not_open(devices: Devices) -> None:
    devices.set(GARNET, status="OFFLINE")
    assert not devices.is_open(GARNET, seconds(datetime(2026, 11, 23, 13)))


@pytest.mark.parametrize(
    "window",
    [
        ("Everyday", "00:00", "23:59:59"),
        ("Weekdays", "03:15:00", "15:29:59"),
        ("Weekend", "06:00", "12:00"),
        ("Tuesday", "08:00:00", "15:00:00"),
        ("Sunday", "22:00", "01:59:59"),
    ],
)
def test_windows_open_when_the_sdk_says_so(
    devices: Devices, monkeypatch: pytest.MonkeyPatch, window: tuple[str, str, str]
) -> None:
    devices.set(GARNET, windows=[window])
    device = AwsDevice.__new__(AwsDevice)
    device._status = "ONLINE"
    device._properties = BraketSchemaBase.parse_raw_schema(json.dumps(told(devices, GARNET)))

    class Clock(datetime):
        moment: datetime

        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return cls.moment

    monkeypatch.setattr(aws_device, "datetime", Clock)
    for quarter in range(7 * 96):
        moment = datetime(2026, 11, 23, 0, 7, tzinfo=UTC) + timedelta(minutes=15 * quarter)
        Clock.moment = moment
        assert devices.is_open(GARNET, moment.timestamp()) == device.is_available, moment


def test_tasks_of_others_lengthen_the_queue(devices: Devices) -> None:
    devices.queues = (
        lambda _: [
            {"queue": "QUANTUM_TASKS_QUEUE", "queuePriority": "Normal", "queueSize": "2"},
            {"queue": "QUANTUM_TASKS_QUEUE", "queuePriority": "Priority", "queueSize": "1"},
            {"queue": "JOBS_QUEUE", "queueSize": "3"},
        ],
    )
    devices.set(GARNET, waiting=40)
    sizes = [entry["queueSize"] for entry in answer(devices, GARNET)["deviceQueueInfo"]]
    assert sizes == ["42", "1", "3"]
    assert devices.waiting(GARNET) == 40
    assert [each["queueSize"] for each in answer(devices, CEPHEUS)["deviceQueueInfo"]] == list(
        "213"
    )


def test_any_capability_can_be_overridden(devices: Devices) -> None:
    before = told(devices, GARNET)
    devices.set(GARNET, capabilities={"service": {"shotsRange": [5, 50]}})
    after = told(devices, GARNET)
    assert devices.usable(GARNET).shots == (5, 50)
    assert after.pop("service") == before.pop("service") | {"shotsRange": [5, 50]}
    assert after == before
    assert told(Devices(), GARNET)["service"]["shotsRange"] == [1, 20000]


def test_a_device_that_a_task_has_stays_as_it_was(devices: Devices) -> None:
    device = devices.usable(GARNET)
    devices.set(GARNET, windows=[], capabilities={"service": {"shotsRange": [5, 50]}})
    assert device.shots == (1, 20000)
    assert len(device.capabilities["service"]["executionWindows"]) == 1
