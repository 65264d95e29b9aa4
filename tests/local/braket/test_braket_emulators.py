"""Tasks of emulated QPUs: what is computed, held to peers; what a client gets, by the real SDK."""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError
from braket.aws import AwsDevice, AwsSession
from braket.circuits import Circuit, Gate, Instruction
from braket.circuits.noises import Depolarizing, Kraus, TwoQubitDepolarizing
from braket.circuits.serialization import (
    IRType,
    OpenQASMSerializationProperties,
    QubitReferenceType,
)
from braket.devices import LocalSimulator
from braket.emulation.local_emulator import LocalEmulator
from braket.program_sets import ProgramSet
from numpy.typing import NDArray

from quantum_pipeline.local.braket import (
    BraketService,
    density,
    emulation,
    programs,
    trajectories,
    transpilation,
)
from quantum_pipeline.local.braket.emulators import EMULATED, capabilities
from quantum_pipeline.local.braket.noise import NoisyGate, kept, misread, noisy
from tests.local.braket.server import BUCKET, GARNET, SV1, Server, finished, program, task

CEPHEUS = "arn:aws:braket:us-west-1::device/qpu/rigetti/Cepheus-1-108Q"
FORTE = "arn:aws:braket:us-east-1::device/qpu/ionq/Forte-1"
RIGHT = np.eye(2)
"""A readout without errors."""

ONLINE = [arn for arn, qpu in EMULATED.items() if qpu.status == "ONLINE"]
GHZ = "OPENQASM 3.0; qubit[3] q; h q[0]; cnot q[0], q[1]; cnot q[1], q[2];"


def random_circuit(rng: np.random.Generator, pairs: Sequence[tuple[int, int]]) -> Circuit:
    """Gates of several makers on pairs, either qubit first, with others before and after."""
    circuit = Circuit()
    for pair in pairs:
        first, second = rng.permutation(pair).tolist()
        a, b, c = rng.uniform(0, 3, 3).tolist()
        circuit.prx(first, a, b).rz(second, c)
        two = (Gate.CZ(), Gate.ISwap(), Gate.MS(a, b, c), Gate.ZZ(b))[rng.integers(4)]
        circuit.add_instruction(Instruction(two, [first, second]))
        circuit.rx(first, c)
    return circuit


def with_errors(circuit: Circuit, fidelities: Sequence[float]) -> tuple[list[NoisyGate], Circuit]:
    """Return the gates with errors of these fidelities, and the same with the SDK's channels."""
    gates, noisy_circuit = [], Circuit()
    for instruction, fidelity in zip(circuit.instructions, fidelities, strict=True):
        qubits = tuple(int(qubit) for qubit in instruction.target)
        gates.append(
            NoisyGate(qubits, instruction.operator.to_matrix(), kept(fidelity, 2 ** len(qubits)))
        )
        channel = (
            Depolarizing(1.5 * (1 - fidelity))
            if len(qubits) == 1
            else TwoQubitDepolarizing(1.25 * (1 - fidelity))
        )
        noisy_circuit.add_instruction(instruction)
        noisy_circuit.add_instruction(Instruction(channel, qubits))
    return gates, noisy_circuit


def exact(
    circuit: Circuit, measured: Sequence[int], simulator: str = "braket_dm"
) -> NDArray[np.float64]:
    """Return what a simulator of Braket says is read, by default that of density matrices."""
    circuit = Circuit(circuit).probability(measured)
    (values,) = LocalSimulator(simulator).run(circuit, shots=0).result().values
    return np.asarray(values)


@pytest.mark.parametrize("seed", range(4))
def test_probabilities_are_those_of_brakets_density_matrix(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pairs = [(int(q), int(q) + 1) for q in rng.integers(0, 4, 12)] + [(0, 1), (3, 4)]
    circuit = random_circuit(rng, pairs)
    gates, peer = with_errors(circuit, rng.uniform(0.9, 1, len(circuit.instructions)).tolist())
    measured = rng.permutation(5)[:4].tolist()
    wrong = {}
    for qubit in measured:
        one, zero = rng.uniform(0, 0.2, 2)
        wrong[qubit] = np.array([[1 - one, zero], [one, 1 - zero]])
        jumps = [np.zeros((2, 2)) for _ in range(4)]
        for jump, (row, column) in zip(jumps, product((0, 1), repeat=2), strict=True):
            jump[row, column] = math.sqrt(wrong[qubit][row, column])
        peer.add_instruction(Instruction(Kraus(jumps), [qubit]))

    found = density.probabilities(gates, measured, wrong)

    in_order = np.transpose(found, np.argsort(measured)).ravel()
    assert np.abs(in_order - exact(peer, sorted(measured))).max() < 1e-12


def test_errors_are_those_of_the_sdks_emulator() -> None:
    qpu = EMULATED[GARNET]
    rng = np.random.default_rng(5)
    circuit = Circuit()
    pairs = list(qpu.couplers)[:4]
    for first, second in pairs + pairs:
        circuit.prx(second, *rng.uniform(0, 6, 2)).prx(first, *rng.uniform(0, 6, 2))
        circuit.cz(second, first)
    used = sorted(int(qubit) for qubit in circuit.qubits)
    peer = LocalEmulator.from_json(json.dumps(capabilities(qpu))).noise_model.apply(circuit)

    physical = OpenQASMSerializationProperties(QubitReferenceType.PHYSICAL)
    source = circuit.to_ir(IRType.OPENQASM, serialization_properties=physical).source
    gates = [noisy(gate, qpu) for gate in programs.read(source, None).gates]
    found = density.probabilities(gates, used, dict.fromkeys(used, RIGHT))

    assert np.abs(found.ravel() - exact(peer, used)).max() < 1e-9


@pytest.mark.parametrize("dimension", [2, 4])
def test_a_depolarised_state_is_right_with_the_average_fidelity(dimension: int) -> None:
    share = kept(0.93, dimension)
    assert share + (1 - share) / dimension == pytest.approx(0.93)


def test_a_virtual_rotation_makes_no_error() -> None:
    qpu = EMULATED[CEPHEUS]
    turned, pulsed = (programs.Gate(name, (0,), np.eye(2, dtype=complex)) for name in ("rz", "rx"))
    assert noisy(turned, qpu).kept == 1
    assert noisy(pulsed, qpu).kept < 1


def test_readout_errs_differently_on_0_and_1() -> None:
    qpu = EMULATED[GARNET]
    flip = NoisyGate((3,), np.array([[0, 1], [1, 0]], dtype=complex), 1.0)
    one_of_zero, zero_of_one = qpu.readout_errors[3]
    read = misread(3, qpu)
    assert density.probabilities([], [3], {3: read})[1] == pytest.approx(one_of_zero)
    assert density.probabilities([flip], [3], {3: read})[0] == pytest.approx(zero_of_one)


def test_qubits_that_no_gate_connects_are_apart() -> None:
    gates = [NoisyGate(pair, np.eye(4, dtype=complex), 1.0) for pair in ((1, 2), (5, 4), (2, 5))]
    assert density.components(gates, [7, 1]) == [(1, 2, 4, 5), (7,)]


def test_a_qubit_takes_its_place_only_between_its_gates() -> None:
    chain = [NoisyGate((q, q + 1), np.eye(4, dtype=complex), 1.0) for q in range(40)]
    ends = [40, 0]
    assert density.largest_size(chain, ends) == 2 * 4
    assert density.largest_size(chain[:3], range(4)) == 2 * 2 * 4
    found = density.probabilities(chain, ends, dict.fromkeys(ends, RIGHT))
    assert found.tolist() == [[1, 0], [0, 0]]


def test_bits_are_in_the_order_of_the_measured_qubits() -> None:
    flip = NoisyGate((3,), np.array([[0, 1], [1, 0]], dtype=complex), 1.0)
    both = NoisyGate((4, 3), np.eye(4, dtype=complex), 1.0)
    order = [2, 4, 0, 3]
    found = density.probabilities([both, flip], order, dict.fromkeys(order, RIGHT))
    assert found[0, 0, 0, 1] == pytest.approx(1)


def test_trajectories_sample_the_probabilities() -> None:
    rng = np.random.default_rng(8)
    circuit = random_circuit(rng, [(0, 1), (1, 2), (2, 0), (0, 1)])
    gates, _ = with_errors(circuit, rng.uniform(0.93, 1, len(circuit.instructions)).tolist())
    wrong = dict.fromkeys(range(3), np.array([[0.95, 0.1], [0.05, 0.9]]))
    shots = 40_000

    bits = trajectories.sample(gates, (2, 0, 1), wrong, shots, rng)

    found = np.bincount(bits @ [4, 2, 1], minlength=8) / shots
    expected = density.probabilities(gates, (2, 0, 1), wrong).ravel()
    assert np.abs(found - expected).max() < 5 * 0.5 / math.sqrt(shots)


def test_few_trajectories_share_the_shots_of_a_wide_circuit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(9)
    circuit = random_circuit(rng, [(0, 1)] * 30)
    gates, _ = with_errors(circuit, [0.9] * len(circuit.instructions))
    monkeypatch.setattr(trajectories, "WORK", 10 * len(gates) * 2**2)
    strikes = trajectories._strikes(gates, 2, 500, rng)
    assert len(strikes) <= 11
    assert strikes.total() == 500


@pytest.mark.parametrize("arn", EMULATED)
def test_a_logical_circuit_compiles_to_the_device_and_stays_what_it_is(arn: str) -> None:
    qpu = EMULATED[arn]
    rng = np.random.default_rng(10)
    circuit = random_circuit(rng, [(0, 1), (1, 3), (2, 0)]).ccnot(3, 1, 0)
    read = programs.read(circuit.to_ir(IRType.OPENQASM).source, None)

    placed = transpilation.compiled(read, qpu)

    pairs = {tuple(sorted(gate.qubits)) for gate in placed.gates if len(gate.qubits) == 2}
    assert pairs <= set(qpu.couplers)
    if qpu.provider in ("IQM", "Rigetti"):
        assert {gate.name for gate in placed.gates} <= set(qpu.native_gates)
    gates = [NoisyGate(gate.qubits, gate.matrix, 1.0) for gate in placed.gates]
    found = density.probabilities(gates, placed.measured, dict.fromkeys(placed.measured, RIGHT))
    assert np.abs(found.ravel() - exact(circuit, [0, 1, 2, 3], "braket_sv")).max() < 1e-9


def bell(low: int, high: int) -> Circuit:
    """A Bell pair in the gates of IQM."""
    quarter = math.pi / 2
    box = Circuit().prx(low, quarter, quarter).prx(high, quarter, quarter).cz(low, high)
    return Circuit().add_verbatim_box(box.prx(high, quarter, -quarter)).measure([low, high])


def test_the_sdk_runs_a_verbatim_circuit(session: AwsSession) -> None:
    result = AwsDevice(GARNET, session).run(bell(1, 2), shots=4000).result()
    counts = result.measurement_counts
    assert result.measured_qubits == [1, 2]
    assert counts["00"] + counts["11"] > 3400
    assert min(counts["01"], counts["10"]) > 0
    assert "cz $1, $2;" in result.additional_metadata.iqmMetadata.compiledProgram


@pytest.mark.parametrize("arn", ONLINE)
def test_every_device_runs_a_logical_circuit(session: AwsSession, arn: str) -> None:
    circuit = Circuit().h(0).cnot(0, 1).cnot(1, 2)
    result = AwsDevice(arn, session).run(circuit, shots=500).result()
    assert result.measurements.shape == (500, 3)
    counts = result.measurement_counts
    assert counts["000"] + counts["111"] > 375


def test_the_sdk_runs_a_program_set_of_different_shots(session: AwsSession) -> None:
    flip = Circuit().add_verbatim_box(Circuit().prx(5, math.pi, 0)).measure(5).measure(6)
    programs = ProgramSet([bell(1, 2), flip, flip], shots_per_executable=1000)
    entries = [entry[0].counts for entry in AwsDevice(GARNET, session).run(programs).result()]
    assert entries[0]["00"] > 400
    assert entries[1]["10"] > 900
    assert entries[1] != entries[2]  # the same circuit again: other shots


def test_copies_of_an_executable_are_emulated_together(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, sample = list[int](), emulation._sample

    def counted(placed: Any, qpu: Any, shots: int, rng: np.random.Generator) -> Any:
        asked.append(shots)
        return sample(placed, qpu, shots, rng)

    monkeypatch.setattr(emulation, "_sample", counted)
    boxes = [boxed("prx(pi, 0) $1;"), boxed("prx(0, 0) $1;"), boxed("prx(pi, 0) $1;")]
    action = {
        "braketSchemaHeader": {"name": emulation.PROGRAM_SET, "version": "1"},
        "programs": [{"source": box} for box in boxes],
    }
    task = {"device_arn": GARNET, "action": json.dumps(action), "shots": 300, "task_arn": "copies"}
    found = json.loads(emulation.execute(task)["result"])["programResults"]
    assert asked == [200, 100]
    bits = [np.array(each["executableResults"][0]["measurements"]) for each in found]
    assert [len(each) for each in bits] == [100, 100, 100]
    assert [each.mean() > 0.5 for each in bits] == [True, False, True]
    assert (bits[0] != bits[2]).any()


def test_inputs_of_a_program_set_are_its_executables(braket: Any, server: Server) -> None:
    source = (
        "OPENQASM 3.0; input float t; bit[1] b;\n#pragma braket verbatim\n"
        "box{ prx(t, 0) $1; }\nb[0] = measure $1;"
    )
    angles = {"t": [0.0, math.pi]}
    action = {
        "braketSchemaHeader": {"name": "braket.ir.openqasm.program_set", "version": "1"},
        "programs": [
            {
                "braketSchemaHeader": {"name": "braket.ir.openqasm.program", "version": "1"},
                "source": source,
                "inputs": angles,
            }
        ],
    }
    done = run(braket, action=json.dumps(action), shots=1000)
    results = stored(server, done)["programResults"][0]["executableResults"]
    ones = [sum(bits[0] for bits in each["measurements"]) for each in results]
    assert ones[0] < 100
    assert ones[1] > 400


def run(braket: Any, **change: Any) -> dict[str, Any]:
    request = task(deviceArn=GARNET) | change
    return finished(braket, braket.create_quantum_task(**request)["quantumTaskArn"])


def stored(server: Server, done: dict[str, Any]) -> Any:
    key = f"{done['outputS3Directory']}/results.json"
    return json.loads(server.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())


@pytest.mark.parametrize("device", [GARNET, SV1])
def test_the_same_task_again_has_the_same_shots(braket: Any, server: Server, device: str) -> None:
    shots = [
        stored(server, run(braket, deviceArn=device, action=program(GHZ), shots=200))[
            "measurements"
        ]
        for _ in range(2)
    ]
    assert shots[0] == shots[1]
    other = stored(server, run(braket, deviceArn=device, action=program(GHZ), shots=201))
    assert other["measurements"][:200] != shots[0]


def boxed(gates: str) -> str:
    return f"OPENQASM 3.0;\n#pragma braket verbatim\nbox{{\n{gates}\n}}\n"


@pytest.mark.parametrize(
    ("gates", "said"),
    [
        ("prx(0.1, 0.2) $1;\nh $1;", r"\[line 5\] uses a gate: h which is not native to Garnet"),
        ("prx(0.1, 0.2) $1;\n\ncz $1, $9;", r"\[line 6\] cz: qubits 1 and 9 .* are not coupled"),
        ("prx(0.1, 0.2) $21;", "Garnet has no qubit 21"),
    ],
)
def test_a_verbatim_box_is_read_before_a_task_is_made(braket: Any, gates: str, said: str) -> None:
    with pytest.raises(ClientError, match=f"ValidationException.*{said}"):
        braket.create_quantum_task(**task(deviceArn=GARNET, action=program(boxed(gates))))


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (boxed("for int i in [0:1] { h $1; }"), "uses a gate: h which is not native to Garnet"),
        (boxed("for int i in [8:9] { cz $1, $9; }"), "qubits 1 and 9 of Garnet are not coupled"),
        (boxed("inv @ prx(0.1, 0.2) $1;"), "uses a gate: modified prx"),
        (boxed("") + "h $1;\n" + boxed("prx(0, 0) $1;").partition(";")[2], "verbatim boxes, or no"),
        ("OPENQASM 3.0; qubit[21] q; h q;", "21 qubits; Garnet has 20"),
        ("OPENQASM 3.0; qubit q; reset q;", "no reset"),
        (GHZ + "\n#pragma braket result expectation z(q[0])", "measurements alone"),
    ],
)
def test_what_a_device_cannot_run_fails_with_its_reason(
    braket: Any, source: str, reason: str
) -> None:
    done = run(braket, action=program(source))
    assert done["status"] == "FAILED"
    assert reason in done["failureReason"]


@pytest.mark.parametrize(
    ("device", "shots", "said"),
    [
        (GARNET, 20_001, "shots: 20001; Garnet takes 1 to 20000"),
        (FORTE, 99, "shots: 99; Forte 1 takes 100 to"),
    ],
)
def test_shots_outside_the_range_are_refused(
    braket: Any, device: str, shots: int, said: str
) -> None:
    with pytest.raises(ClientError, match=f"ValidationException.*{said}"):
        braket.create_quantum_task(**task(deviceArn=device, shots=shots))


@pytest.mark.parametrize(
    ("count", "shots", "said"),
    [
        (101, 1010, "101 executables; Garnet takes 1 to 100"),
        (3, 100, "100 cannot be shared evenly by 3 executables"),
        (2, 50_000, "25000 for each executable; Garnet takes 1 to 20000"),
        (0, 100, "0 executables"),
    ],
)
def test_a_program_set_outside_the_limits_is_refused(
    braket: Any, count: int, shots: int, said: str
) -> None:
    header = {"name": "braket.ir.openqasm.program_set", "version": "1"}
    action = {"braketSchemaHeader": header, "programs": [json.loads(program(GHZ))] * count}
    with pytest.raises(ClientError, match=f"ValidationException.*{said}"):
        braket.create_quantum_task(**task(deviceArn=GARNET, shots=shots, action=json.dumps(action)))


def test_a_wide_circuit_is_sampled_and_a_wider_one_refused(braket: Any, server: Server) -> None:
    wide = "OPENQASM 3.0; qubit[14] q; h q[0]; " + "".join(
        f"cnot q[{i}], q[{i + 1}]; " for i in range(13)
    )
    loop = "".join(f"cz q[{i}], q[{(i + 5) % 14}]; " for i in range(14))
    bits = stored(server, run(braket, deviceArn=FORTE, action=program(wide + loop), shots=100))
    assert Counter(map(sum, bits["measurements"])).most_common(2)[0][1] > 20
    circuit = programs.read(
        "OPENQASM 3.0; qubit[30] q; "
        + "".join(f"cz q[{i}], q[{(i + k) % 30}]; " for k in (1, 7, 11) for i in range(30)),
        None,
    )
    boxed_circuit = programs.Program(circuit.gates, circuit.measured, verbatim=False)
    with pytest.raises(ValueError, match=r"30 qubits are connected by gates; .* takes up to 22"):
        emulation.run(boxed_circuit, EMULATED[FORTE], 10, np.random.default_rng(1))


def test_a_closed_device_keeps_its_tasks_until_it_opens(
    braket: Any, service: BraketService
) -> None:
    service.devices.set(GARNET, windows=[])
    arns = [
        braket.create_quantum_task(**task(deviceArn=GARNET))["quantumTaskArn"] for _ in range(2)
    ]
    other = finished(braket, braket.create_quantum_task(**task())["quantumTaskArn"])
    assert other["status"] == "COMPLETED"  # another device's queue goes on
    waiting = [
        braket.get_quantum_task(quantumTaskArn=arn, additionalAttributeNames=["QueueInfo"])
        for arn in arns
    ]
    assert [each["status"] for each in waiting] == ["QUEUED", "QUEUED"]
    assert [each["queueInfo"]["position"] for each in waiting] == ["1", "2"]
    braket.cancel_quantum_task(quantumTaskArn=arns[0])
    service.devices.set(GARNET, windows=[("Everyday", "00:00:00", "23:59:59")])
    assert finished(braket, arns[1])["status"] == "COMPLETED"
    assert finished(braket, arns[0])["status"] == "CANCELLED"


def test_a_task_waits_for_those_of_others(braket: Any, service: BraketService) -> None:
    service.devices.set(GARNET, waiting=7)
    arn = braket.create_quantum_task(**task(deviceArn=GARNET))["quantumTaskArn"]
    time.sleep(0.2)
    waiting = braket.get_quantum_task(quantumTaskArn=arn, additionalAttributeNames=["QueueInfo"])
    assert (waiting["status"], waiting["queueInfo"]["position"]) == ("QUEUED", "8")
    service.devices.set(GARNET, waiting=0)
    assert finished(braket, arn)["status"] == "COMPLETED"
