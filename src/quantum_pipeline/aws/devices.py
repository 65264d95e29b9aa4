"""Asks Braket which devices there are and what state each is in now."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from botocore.exceptions import ClientError

from quantum_pipeline.aws.clients import client
from quantum_pipeline.devices.catalogue import Device
from quantum_pipeline.devices.states import DeviceState, read_state
from quantum_pipeline.error_codes import Meaning, meaning_of

SECONDS_BETWEEN = 0.25
"""GetDevice takes five calls a second of an account."""

_UNKNOWN = (Meaning.NO_RESOURCE, Meaning.INVALID)


def states(devices: Iterable[Device]) -> dict[str, DeviceState]:
    """Return the state of each device by its ARN, without those that Braket does not know here.

    Of several, only those are asked that a search lists as online: the others cannot be used, and
    calls are few. Local simulators are no devices of Braket's: a role may not even ask for them.
    """
    asked = [device for device in devices if device.kind != "local"]
    if len(asked) == 1:
        found = state(asked[0].arn)
        return {} if found is None else {found.arn: found}
    online = _online() if asked else frozenset()
    return all_states(device for device in asked if device.arn in online)


def all_states(devices: Iterable[Device]) -> dict[str, DeviceState]:
    """Return the state of each device by its ARN, of the offline and retired ones as well."""
    return dict(_each(device.arn for device in devices if device.kind != "local"))


def state(arn: str) -> DeviceState | None:
    """Return the state of a device, retired ones as well; None where Braket does not know it."""
    try:
        return read_state(client("braket").get_device(deviceArn=arn))
    except ClientError as error:
        if meaning_of(error.response) not in _UNKNOWN:
            raise
        return None


def _each(arns: Iterable[str]) -> Iterator[tuple[str, DeviceState]]:
    for number, arn in enumerate(arns):
        if number:
            time.sleep(SECONDS_BETWEEN)
        found = state(arn)
        if found is not None:
            yield arn, found


def _online() -> frozenset[str]:
    pages = client("braket").get_paginator("search_devices").paginate(filters=[])
    return frozenset(
        device["deviceArn"]
        for page in pages
        for device in page["devices"]
        if device["deviceStatus"] == "ONLINE"
    )
