"""The final circuit as a quantum task on a Braket device. The only module that imports the SDK."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from botocore.exceptions import BotoCoreError, ClientError
from braket.aws import AwsDevice, AwsQuantumTask
from braket.circuits import Circuit
from numpy.typing import NDArray

from quantum_pipeline.errors import (
    DeviceUnavailable,
    JobFailed,
    PipelineError,
    QuotaExceeded,
    ServiceUnavailable,
)
from quantum_pipeline.ising import IsingModel
from quantum_pipeline.results import QuantumTask
from quantum_pipeline.runs import RUN_ID_TAG, PreparedRun


def qaoa_circuit(
    model: IsingModel, angles: NDArray[np.float64], tilts: Sequence[float] | None = None
) -> Circuit:
    """Return prod_k exp(-i beta_k sum X) exp(-i gamma_k C) |+>^n, up to a global phase.

    Braket's gates carry half angles: Rz(t) = exp(-i t Z/2), ZZ(t) = exp(-i t ZZ/2), Rx alike.
    Qubit i is variable i. ``angles`` has shape (2, depth): gammas, then betas. With ``tilts`` qubit
    i starts in Ry(t_i)|0>, and its mixer turns about that state: Ry(t_i) Rz(2 beta) Ry(-t_i).
    """
    circuit = Circuit()
    qubits = range(model.n_variables)
    if tilts is None:
        circuit.h(qubits)
    else:
        for qubit, tilt in enumerate(tilts):
            circuit.ry(qubit, tilt)
    for gamma, beta in angles.T.tolist():
        for qubit, strength in enumerate(model.fields):
            if strength:
                circuit.rz(qubit, 2 * gamma * strength)
        for i, j, coupling in model.couplings:
            circuit.zz(i, j, 2 * gamma * coupling)
        if tilts is None:
            circuit.rx(qubits, 2 * beta)
            continue
        for qubit, tilt in enumerate(tilts):
            circuit.ry(qubit, -tilt).rz(qubit, 2 * beta).ry(qubit, tilt)
    return circuit


def measure(
    prepared: PreparedRun,
    angles: NDArray[np.float64],
    *,
    tilts: Sequence[float] | None = None,
    task_arn: str | None,
    created: Callable[[str], None],
    timeout_seconds: float,
) -> tuple[dict[str, int], QuantumTask]:
    """Return the counts of the circuit on the run's device, and the task for the bill.

    Waits for the task ``task_arn`` if there is one already, else creates one and tells its ARN to
    ``created``. The SDK puts its results where the container says, and passes the job's token on.

    Raises:
        DeviceUnavailable, QuotaExceeded, ServiceUnavailable: as Braket answers.
        JobFailed: the task failed, was cancelled, or is not done in time; then it is cancelled.
    """
    device, shots = prepared.device, prepared.request.shots
    try:
        if task_arn is None:
            task = AwsDevice(device.arn).run(
                qaoa_circuit(prepared.ising, angles, tilts),
                shots=shots,
                poll_timeout_seconds=timeout_seconds,
                tags={RUN_ID_TAG: prepared.run_id},
            )
            created(task.id)
        else:
            task = AwsQuantumTask(task_arn, poll_timeout_seconds=timeout_seconds)
        result = task.result()
        if result is None and not _has_ended(task):
            raise JobFailed(
                f"limits.max_runtime_seconds: quantum task {task.id} was not done after "
                f"{timeout_seconds:.0f} s and is cancelled; allowed: a limit that covers the "
                "device's queue"
            )
        if result is None:  # it may have been done at the last moment, and is paid for
            result = AwsQuantumTask(task.id).result()
        if result is None:
            reason = task.metadata().get("failureReason", "no reason given")
            raise JobFailed(f"quantum task {task.id} ended {task.state()}: {reason}")
    except (ClientError, BotoCoreError) as error:
        raise _named(error) from error
    simulator = result.additional_metadata.simulatorMetadata
    minutes = 0.0
    if simulator is not None:
        minutes = max(simulator.executionDuration / 1000, device.minimum_seconds) / 60
    counts = {bits: int(count) for bits, count in result.measurement_counts.items()}
    return counts, QuantumTask(arn=task.id, shots=shots, billed_minutes=minutes)


def _has_ended(task: AwsQuantumTask) -> bool:
    """Return whether a task has ended; else cancel it."""
    if task.state() in AwsQuantumTask.TERMINAL_STATES:
        return True
    try:
        task.cancel()
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConflictException":
            raise
        return True  # it ended in between
    return False


_BY_CODE = {
    "DeviceOfflineException": DeviceUnavailable,
    "DeviceRetiredException": DeviceUnavailable,
    "ResourceNotFoundException": DeviceUnavailable,
    "ServiceQuotaExceededException": QuotaExceeded,
    "ThrottlingException": ServiceUnavailable,
    "InternalServiceException": ServiceUnavailable,
}


def _named(error: ClientError | BotoCoreError) -> PipelineError:
    if isinstance(error, ClientError):
        named = _BY_CODE.get(error.response["Error"]["Code"], JobFailed)
        return named(f"quantum task: {error}")
    return ServiceUnavailable(f"quantum task: {error}")
