"""Plans what a run does on its device: batches of circuits, their tasks, shots and seconds.

The circuits of a batch are measured together. A device that takes program sets runs them as one
task per full set, any other as one task per circuit. Tasks, circuits and shots are upper bounds,
exact where the number of evaluations is fixed; seconds are allowances, from assumed rates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol, cast

from pydantic import BaseModel, ConfigDict

from quantum_pipeline.chemistry.factorisation import most_circuits
from quantum_pipeline.cutting.reconstruction import shared_out
from quantum_pipeline.devices.catalogue import Device
from quantum_pipeline.devices.states import DeviceState
from quantum_pipeline.ising import IsingModel
from quantum_pipeline.planning import tables
from quantum_pipeline.planning.blocks import Room, measured, spread
from quantum_pipeline.planning.cuts import circuits_by_part, fewest_shots, n_circuits, pieces
from quantum_pipeline.planning.forms import OnDevice, circuit_size, encoding_of, qubits_of
from quantum_pipeline.planning.optimiser_steps import Method, batch_sizes
from quantum_pipeline.planning.tasks import SAMPLES, TRAINING, Purpose, task_sizes
from quantum_pipeline.problems import BinaryProblem, Chemistry, Classification, FormProblem
from quantum_pipeline.requests.algorithm import (
    SettledCut,
    SettledCutRqaoa,
    SettledDivide,
    SettledKernel,
    SettledQaoa,
)
from quantum_pipeline.requests.mitigation import READOUT_CIRCUITS, Mitigation, Noise

SECONDS_PER_GATE_AND_AMPLITUDE = 5e-10
"""Allowance for an on-demand simulator; DM1 holds 4^n amplitudes, SV1 2^n."""

SECONDS_PER_CIRCUIT = 0.25
"""Allowance for a circuit in addition, however small it is."""

SECONDS_PER_SIMULATED_SHOT = 2e-5
"""Allowance for a shot on a simulator: sampling and returning it."""


class Work(OnDevice, Protocol):
    """The fields of a settled request that determine what is computed and measured."""

    @property
    def mitigation(self) -> Mitigation:
        """What is done about errors."""

    @property
    def noise(self) -> Noise | None:
        """What is simulated of them."""

    @property
    def shots(self) -> int:
        """Samples of the final state."""


class Batch(BaseModel):
    """Circuits measured together, each with ``shots`` shots; the batch runs ``times`` times."""

    model_config = ConfigDict(frozen=True)

    purpose: Purpose
    executables: int
    shots: int
    times: int = 1


class Planned(BaseModel):
    """Totals of one purpose: ``seconds`` on the device; ``billed_minutes`` on simulators only."""

    model_config = ConfigDict(frozen=True)

    purpose: Purpose
    tasks: int
    executables: int
    shots: int
    seconds: float
    billed_minutes: float


class Plan(BaseModel):
    """The batches of a run in order, and the totals of each purpose; empty without a device."""

    model_config = ConfigDict(frozen=True)

    batches: tuple[Batch, ...] = ()
    uses: tuple[Planned, ...] = ()

    @property
    def tasks(self) -> int:
        """Quantum tasks, each with its fee."""
        return sum(use.tasks for use in self.uses)

    @property
    def shots(self) -> int:
        """Shots of all circuits."""
        return sum(use.shots for use in self.uses)

    @property
    def seconds(self) -> float:
        """Seconds on the device, its queue left out."""
        return sum(use.seconds for use in self.uses)


def plan(work: Work, device: Device, state: DeviceState | None) -> Plan:
    """Return what a run does on its device; an empty plan for the job's own simulator.

    If the device's state is unknown, it is assumed to take no program sets, the most expensive
    case.
    """
    if device.kind == "local":
        return Plan()
    return plan_of(tuple(_batches(work, [state])), work, device, state)


def plan_of(
    batches: tuple[Batch, ...], work: Work, device: Device, state: DeviceState | None
) -> Plan:
    """Return the totals of batches on a device as it is now."""
    purposes = dict.fromkeys(batch.purpose for batch in batches)
    uses = (_use(purpose, batches, work, device, state) for purpose in purposes)
    return Plan(batches=batches, uses=tuple(uses))


def plans(
    work: Work, devices: Sequence[Device], states: Sequence[DeviceState | None]
) -> tuple[Plan, ...]:
    """Return what a run does on each of its devices, as they are now."""
    if len(devices) == 1:
        return (plan(work, devices[0], states[0]),)
    shares: list[list[Batch]] = [[] for _ in devices]
    for batch in _batches(work, states):
        counts = _counts(work, batch, devices, states)
        for share, count in zip(shares, counts, strict=True):
            if count:
                share.append(batch.model_copy(update={"executables": count}))
    return tuple(
        plan_of(tuple(batches), work, device, state)
        for batches, device, state in zip(shares, devices, states, strict=True)
    )


def _counts(
    work: Work, batch: Batch, devices: Sequence[Device], states: Sequence[DeviceState | None]
) -> list[int]:
    """Return how many circuits of a batch each device takes."""
    if isinstance(work.algorithm, SettledCut):
        taken = Counter[str]()
        shares = shared_out(_circuits_by_part(work), batch.executables)
        for part, circuits in zip(work.algorithm.parts, shares, strict=True):
            taken[part.device] += circuits
        return [taken[device.name] for device in devices]
    rooms = [Room.of(*each, work.shots) for each in zip(devices, states, strict=True)]
    return list(map(len, spread([qubits_of(work)] * batch.executables, rooms)))


class Most(NamedTuple):
    """Tasks and shots that a run has at most, whichever of its devices takes which block."""

    tasks: int
    shots: int


def most(work: Work, states: Sequence[DeviceState | None]) -> Most:
    """Return what all devices of a run do together at most.

    A measurement that several of them share is one task more for each but one; so is what a device
    leaves that is lost, once for each device.
    """
    beside = len(states) - 1
    tasks = shots = 0
    for batch in _batches(work, states):
        sizes = [len(task_sizes(batch.executables, batch.shots, *_limits(each))) for each in states]
        tasks += batch.times * min(batch.executables, max(sizes) + beside)
        shots += batch.times * batch.executables * batch.shots
    return Most(tasks + beside * (beside - 1) // 2, shots)


def _limits(state: DeviceState | None) -> tuple[int, int | None]:
    return (1, None) if state is None else (state.max_executables, state.max_set_shots)


def least_use(work: Work, device: Device, state: DeviceState | None) -> Planned:
    """Return what the smallest run of use takes: one circuit, or all of a cut one, of few shots."""
    fewest = 1 if state is None else state.min_shots
    batch = Batch(purpose=SAMPLES, executables=1, shots=fewest)
    if isinstance(work.algorithm, SettledCut):
        least = least_shots(work, [state])
        circuits = n_circuits(*_cut_of(work))
        batch = Batch(purpose=SAMPLES, executables=circuits, shots=least // circuits)
    return _use(SAMPLES, (batch,), work, device, state)


def _batches(work: Work, states: Sequence[DeviceState | None]) -> Iterator[Batch]:
    problem, algorithm, shots = work.problem, work.algorithm, work.shots
    if isinstance(algorithm, SettledCut):
        yield _of_parts(work, states)
        return
    if isinstance(algorithm, SettledDivide):
        for blocks, times in measured(problem.n_qubits, algorithm):
            yield Batch(purpose=SAMPLES, executables=blocks, shots=shots, times=times)
        return
    if isinstance(algorithm, SettledKernel) and isinstance(problem, Classification):
        entries = tables.entries(problem, algorithm.landmarks)
        readout = READOUT_CIRCUITS if work.mitigation.readout else 0
        yield Batch(purpose=SAMPLES, executables=entries + readout, shots=shots)
        return
    if isinstance(algorithm, SettledQaoa) and algorithm.train_on == "device":
        each = algorithm.shots_per_evaluation or shots
        for executables, times in _training(algorithm):
            yield Batch(purpose=TRAINING, executables=executables, shots=each, times=times)
    if isinstance(problem, Chemistry):  # its bits show the number of electrons themselves
        settings, apart = most_circuits(problem.space.n_orbitals), False
    else:  # shots show themselves whether the rules of groups hold
        settings, apart = 1, not isinstance(problem, FormProblem)
    circuits = work.mitigation.executables(settings, verified_apart=apart)
    yield Batch(purpose=SAMPLES, executables=circuits, shots=shots)


def shots_each(work: Work, states: Sequence[DeviceState | None]) -> int:
    """Return the shots of each circuit of the samples: of parts some of all that were asked for."""
    if isinstance(work.algorithm, SettledCut) and work.algorithm.parts:
        return _of_parts(work, states).shots
    return work.shots


def least_shots(work: Work, states: Sequence[DeviceState | None]) -> int:
    """Return the fewest shots of all circuits of a cut one together, in one round."""
    return n_circuits(*_cut_of(work)) * fewest_shots(states)


def _of_parts(work: Work, states: Sequence[DeviceState | None]) -> Batch:
    """Return the circuits of all parts, with all shots of a round together."""
    model, algorithm = _cut_of(work)
    executables, shots = pieces(n_circuits(model, algorithm), work.shots, states)
    times = algorithm.rounds
    return Batch(purpose=SAMPLES, executables=executables, shots=shots, times=times)


def _circuits_by_part(work: Work) -> list[int]:
    model, algorithm = _cut_of(work)
    return circuits_by_part(model, algorithm.parts, algorithm.depth)


def _cut_of(work: Work) -> tuple[IsingModel, SettledCut]:
    assert isinstance(work.algorithm, SettledCut)
    assert isinstance(work.problem, BinaryProblem)
    return work.problem.ising, work.algorithm


def _training(algorithm: SettledQaoa) -> Iterator[tuple[int, int]]:
    """Yield the number of circuits in a training batch, and how many such batches run at most.

    The last batch measures the angles that were found once more.
    """
    method = cast(Method, algorithm.optimizer)
    asked = batch_sizes(method, algorithm.max_evaluations - 1, algorithm.deepest)
    yield from Counter(asked).items()
    yield 1, 1


def _use(
    purpose: Purpose,
    batches: tuple[Batch, ...],
    work: Work,
    device: Device,
    state: DeviceState | None,
) -> Planned:
    limits = _limits(state)
    tasks = Counter[tuple[int, int]]()
    for batch in batches:
        if batch.purpose == purpose:
            for circuits in task_sizes(batch.executables, batch.shots, *limits):
                tasks[circuits, batch.shots] += batch.times
    seconds = minutes = 0.0
    for (circuits, shots), count in tasks.items():
        each = task_seconds(work, device, circuits, shots)
        billed = max(each, device.minimum_seconds) / 60 if device.usd_per_minute else 0.0
        seconds += count * each
        minutes += count * billed
    return Planned(
        purpose=purpose,
        tasks=tasks.total(),
        executables=sum(count * circuits for (circuits, _), count in tasks.items()),
        shots=sum(count * circuits * shots for (circuits, shots), count in tasks.items()),
        seconds=seconds,
        billed_minutes=minutes,
    )


def task_seconds(work: Work, device: Device, circuits: int, shots: int) -> float:
    """Return the seconds allowed for a task on its device, its queue left out.

    On a simulator they follow from the gates of the most folded circuit and the size of the state;
    on a QPU from the seconds per task and shot that the catalogue assumes.
    """
    if device.kind != "simulator":
        return device.assumed_task_seconds + circuits * shots * device.assumed_shot_seconds
    n = qubits_of(work)
    amplitudes = float(4**n if device.name == "DM1" else 2**n)
    noisy = 2 if work.noise is not None else 1
    evolved = noisy * logical_gates(work) * amplitudes * SECONDS_PER_GATE_AND_AMPLITUDE
    each = SECONDS_PER_CIRCUIT + evolved * max(work.mitigation.used_scales)
    return circuits * (each + shots * SECONDS_PER_SIMULATED_SHOT)


def logical_gates(work: Work) -> int:
    """Return the number of gates in the circuit before it is compiled."""
    problem, algorithm = work.problem, work.algorithm
    n = problem.n_qubits
    encoding = encoding_of(work)
    if encoding is not None and isinstance(algorithm, SettledQaoa):
        size = circuit_size(encoding, algorithm.settled_mixer, algorithm.deepest)
        return size.pairs + size.singles
    if isinstance(algorithm, SettledDivide):  # all of a block's spins may be coupled
        k = algorithm.block_size
        return k + algorithm.depth * (k * (k - 1) // 2 + 2 * k)
    if isinstance(algorithm, SettledKernel):  # two circuits, each of two gates a qubit and a pair
        return 2 * algorithm.depth * 3 * n
    if not isinstance(problem, BinaryProblem) or not isinstance(
        algorithm, SettledQaoa | SettledCutRqaoa
    ):
        return 100 * n**2
    model = problem.ising
    mixers = 3 if algorithm.warm_start != "none" else 1
    return n + algorithm.deepest * (len(model.couplings) + (1 + mixers) * n)
