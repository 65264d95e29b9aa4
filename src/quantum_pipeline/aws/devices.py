"""What only Braket can say of a device: whether it is there, online, and wide enough."""

from __future__ import annotations

import json

from botocore.exceptions import ClientError

from quantum_pipeline.aws.clients import client, error_code
from quantum_pipeline.devices import Device
from quantum_pipeline.errors import DeviceUnavailable


def check_online(device: Device, n_qubits: int) -> None:
    """Refuse a device that could not run the job now; the job's own simulator always can.

    Raises:
        DeviceUnavailable: unknown to Braket here, offline, retired, or too narrow.
    """
    if device.kind == "local":
        return
    try:
        answer = client("braket").get_device(deviceArn=device.arn)
    except ClientError as error:
        if error_code(error) not in {"ResourceNotFoundException", "ValidationException"}:
            raise
        raise DeviceUnavailable(
            f"device: {device.name} is not known to Braket here; allowed: local, sv1, dm1 or a "
            "device of this region"
        ) from error
    if answer["deviceStatus"] != "ONLINE":  # GetDevice answers for retired devices as well
        raise DeviceUnavailable(
            f"device: {device.name} is {answer['deviceStatus']}; allowed: a device that is ONLINE, "
            "or local"
        )
    qubits = json.loads(answer["deviceCapabilities"]).get("paradigm", {}).get("qubitCount")
    if qubits is not None and n_qubits > qubits:
        raise DeviceUnavailable(
            f"device: {device.name} has {qubits} qubits, the problem needs {n_qubits}"
        )
