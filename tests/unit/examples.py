"""The examples in events/, and how they are planned in us-east-1 with devices that all answer."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from quantum_pipeline.devices.catalogue import Device
from quantum_pipeline.devices.states import DeviceState, Qubit
from quantum_pipeline.planning.costs import InstancePrice
from quantum_pipeline.planning.device import candidates
from quantum_pipeline.planning.preparation import prepare
from quantum_pipeline.planning.prepared import Preparation
from quantum_pipeline.requests.json_text import parse_json
from quantum_pipeline.requests.request import Request
from quantum_pipeline.studies.study import Study, parse_study
from tests.unit.device_answers import state

EVENTS = Path(__file__).resolve().parents[2] / "events"
PRICE = InstancePrice(instance_type="ml.m5.large", usd_per_hour=0.115, as_of="2026-08-21")
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
QUBITS = {"Garnet": 20}
"""Qubits of QPUs that have fewer than the others are given."""


def states(request: Request, *, emulated: bool) -> dict[str, DeviceState]:
    """Return the devices that a request asks of: emulators, or those of us-east-1 alone."""
    near = [each for each in candidates(request) if emulated or each.region in (None, "us-east-1")]
    return {
        each.arn: state(
            each.name.lower(), emulated=emulated, **(_room(each) if each.kind == "qpu" else {})
        )
        for each in near
        if each.kind != "local"
    }


def _room(device: Device) -> dict[str, Any]:
    """Return the qubits of a QPU, as fields of its state."""
    n = QUBITS.get(device.name, 54)
    return {"n_qubits": n, "qubits": tuple(Qubit(number=number) for number in range(n))}


def study(name: str) -> Study:
    """Return a study of the examples."""
    return parse_study(parse_json((EVENTS / "studies" / name).read_bytes(), name))


def planned(request: Request) -> Preparation:
    """Return a request as it is prepared where QPUs are emulated, whatever it may cost."""
    known = states(request, emulated=True)
    return prepare(
        request, known, instance=PRICE, region="us-east-1", now=NOON, within_budget=False
    )
