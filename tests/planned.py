"""Requests as planning settles them, on devices of every kind."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from quantum_pipeline.devices.catalogue import Device
from quantum_pipeline.devices.states import DeviceState, Qubit
from quantum_pipeline.planning.costs import InstancePrice
from quantum_pipeline.planning.device import candidates
from quantum_pipeline.planning.learning import Learning
from quantum_pipeline.planning.preparation import prepare
from quantum_pipeline.planning.prepared import Preparation
from quantum_pipeline.requests.request import Request, parse_request
from tests.unit.device_answers import state

INSTANCE = InstancePrice(instance_type="ml.m5.large", usd_per_hour=0.115, as_of="2026-08-21")
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ROOM = {
    "n_qubits": 54,
    "qubits": tuple(Qubit(number=number) for number in range(54)),
    "max_shots": 50_000,
}


def planned(
    request: Any,
    *,
    instance: InstancePrice = INSTANCE,
    within_budget: bool = False,
    learning: Learning | None = None,
    **how: Any,
) -> Preparation:
    """Return the run of a request, or of one as JSON; ``how`` has fields of its devices' states.

    The stack is in the region of the device that is named.
    """
    asked = request if isinstance(request, Request) else parse_request(request)
    devices = candidates(asked)
    states = {each.arn: _state(each, how) for each in devices if each.kind != "local"}
    return prepare(
        asked,
        states,
        instance=instance,
        region=devices[0].region or "us-east-1",
        now=NOON,
        within_budget=within_budget,
        learning=learning,
    )


def _state(device: Device, how: dict[str, Any]) -> DeviceState:
    room = ROOM if device.kind == "qpu" else {}
    return state(device.name.lower(), **{**room, **how})
