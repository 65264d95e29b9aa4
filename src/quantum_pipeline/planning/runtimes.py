"""How long a job may take: what is allowed for each of its parts, and the time limit made of it.

All are allowances, on the assumed rates below; the one bound is the limit at which Braket ends a
job.
"""

from __future__ import annotations

from math import ceil

from quantum_pipeline.chemistry.excitations import n_excitations
from quantum_pipeline.devices.catalogue import Device
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.planning import tables
from quantum_pipeline.planning.forms import space_of
from quantum_pipeline.planning.plan import Plan, Work
from quantum_pipeline.planning.reasons import Reason, Why
from quantum_pipeline.planning.tables import SettledClassifier
from quantum_pipeline.problems import Chemistry, Classification, FormProblem
from quantum_pipeline.requests.algorithm import (
    SettledCut,
    SettledDivide,
    SettledKernel,
    SettledQaoa,
)
from quantum_pipeline.requests.request import RUNTIME, Limits, ResolvedRequest, SettledLimits

STARTUP_SECONDS = 180
"""Allowance: an instance is billed while it starts, loads the image and uploads the results."""

SECONDS_PER_AMPLITUDE_AND_LAYER = 1e-6
"""Allowance for one energy with its gradient, per amplitude of the state and per layer."""

SECONDS_PER_LAYER = 2e-4
"""Allowance for a layer in addition, however few the amplitudes are."""

SECONDS_PER_SHOT = 1e-6
"""Allowance for sampling one shot from the state, where energies are estimated from shots."""

MOLECULE_SECONDS = 120
"""Allowance for the integrals of all geometries, Hartree-Fock, and the Hamiltonian."""

COMPILE_SECONDS = {"qpu": 150, "simulator": 60}
"""Allowance for what a job on a device does besides its tasks: loading libraries, compiling."""

SECONDS_PER_BLOCK = 3
"""Allowance for compiling the circuit of a block for a QPU."""

SECONDS_PER_ENTRY = 0.2
"""Allowance for compiling the circuit of an entry of a kernel, on qubits that are chosen."""

QUEUE_SECONDS = {"qpu": 600, "simulator": 120}
"""Allowance for all queues of a run on a device, unless limits.max_runtime_seconds is given."""

LONGEST = 432_000
"""Seconds after which Braket ends any job."""


def compute_seconds(work: Work) -> float | None:
    """Return the seconds allowed for what the job itself computes, None where no figure is known.

    An allowance, not a bound: every evaluation that QAOA or VQE may use, at the assumed rates
    above. An evaluation of VQE applies its excitations one after the other; one of a classifier is
    a setting, tried on every fold.
    """
    problem, algorithm = work.problem, work.algorithm
    if isinstance(problem, Chemistry):
        sector = problem.sector
        state = SECONDS_PER_LAYER + sector.dimension * SECONDS_PER_AMPLITUDE_AND_LAYER
        return MOLECULE_SECONDS + algorithm.max_evaluations * n_excitations(sector) * state
    if isinstance(problem, Classification) and isinstance(algorithm, SettledClassifier):
        return tables.counted_seconds(problem, algorithm)
    if isinstance(algorithm, SettledDivide):
        return _divide_seconds(problem.n_qubits, algorithm)
    if not isinstance(algorithm, SettledQaoa) or isinstance(algorithm, SettledCut):
        return None
    if algorithm.train_on == "device":
        return 0.0
    layer = SECONDS_PER_LAYER + n_states(work) * SECONDS_PER_AMPLITUDE_AND_LAYER
    shots = (algorithm.shots_per_evaluation or 0) * SECONDS_PER_SHOT
    return algorithm.max_evaluations * (algorithm.deepest * layer + shots)


def _divide_seconds(n: int, algorithm: SettledDivide) -> float:
    """Return the seconds allowed for all blocks of all rounds, and for what they are compared with.

    A round has as many as the partition at most; half as many again are for the merges.
    """
    blocks = 1.5 * n / algorithm.block_size * (algorithm.max_rounds + 1)
    layer = SECONDS_PER_LAYER + 2.0**algorithm.block_size * SECONDS_PER_AMPLITUDE_AND_LAYER
    return 3 * blocks * algorithm.depth * algorithm.max_evaluations * layer


def n_states(work: Work) -> int:
    """Return how many states QAOA has of a problem: of its bits, or those of its form."""
    problem = work.problem
    if isinstance(problem, FormProblem):
        return space_of(problem, work).n_states
    states: int = 2**problem.n_qubits
    return states


def settle_runtime(
    asked: Limits, work: Work, device: Device, planned: Plan
) -> tuple[SettledLimits, Reason]:
    """Return the limits with the job's time limit filled in, and the reason for it.

    On a device, unless the request sets it: the allowance for what the job computes, at most
    RUNTIME; its tasks; and the allowances for compiling and for queues.

    Raises:
        InvalidRequest: the request gives less than the run is assumed to take on its device.
    """
    seconds, words, why = asked.max_runtime_seconds, "as asked", Why.ASKED
    if seconds is not None:
        _check_runtime(asked, device, planned)
    elif device.kind == "local":
        seconds, words, why = RUNTIME, "the default", Why.USUAL
    else:
        computed = compute_seconds(work)
        own = RUNTIME if computed is None else min(computed, RUNTIME)
        compiling, queue = _compile_seconds(work, device, planned), QUEUE_SECONDS[device.kind]
        needed, tasks = ceil(own + planned.seconds + compiling + queue), round(planned.seconds)
        seconds, why = min(LONGEST, needed), Why.DEVICE_TIME
        words = (
            f"{needed - tasks - queue} s to compute and compile, {tasks} s of tasks, "
            f"{queue} s allowed for their queue"
        ) + (f"; Braket ends a job after {LONGEST} s" if needed > LONGEST else "")
    limits = SettledLimits(**asked.model_dump() | {"max_runtime_seconds": seconds})
    return limits, Reason(why=why, words=words)


def _compile_seconds(work: Work, device: Device, planned: Plan) -> float:
    """Return the seconds allowed for compiling: of divide and kernels many circuits."""
    each = 0.0
    if device.kind == "qpu" and isinstance(work.algorithm, SettledDivide):
        each = SECONDS_PER_BLOCK
    elif device.kind == "qpu" and isinstance(work.algorithm, SettledKernel):
        each = SECONDS_PER_ENTRY
    circuits = sum(use.executables for use in planned.uses)
    return COMPILE_SECONDS[device.kind] + each * circuits


def _check_runtime(limits: Limits, device: Device, planned: Plan) -> None:
    """Refuse a time limit below what a run is assumed to take on its device, queues left out.

    A run that may stop early needs time for its last purpose only, the samples.

    Raises:
        InvalidRequest: states the fewest seconds that would be accepted.
    """
    limit = limits.max_runtime_seconds
    if limit is None or device.kind == "local":
        return
    tasks = planned.uses[-1].seconds if limits.allow_partial else planned.seconds
    least = ceil(COMPILE_SECONDS[device.kind] + tasks)
    if limit < least:
        raise InvalidRequest.of(
            "limits.max_runtime_seconds",
            limit,
            f"{least} or more on {device.name}: {COMPILE_SECONDS[device.kind]} to compile, "
            f"{tasks:.0f} for its tasks, and what their queue takes",
        )


def job_seconds(request: ResolvedRequest, device: Device) -> float:
    """Return the billed seconds of the job that an estimate counts, its start included.

    Without a device, the allowance for every evaluation, at most the time limit. For recursive
    QAOA, and on a device, whose queue is billed too, the whole time limit.
    """
    limit = request.limits.max_runtime_seconds
    computed = compute_seconds(request)
    if device.kind != "local" or computed is None:
        return STARTUP_SECONDS + limit
    return STARTUP_SECONDS + min(computed, limit)
