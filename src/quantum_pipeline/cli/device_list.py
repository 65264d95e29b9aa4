"""``qpipe devices``: the devices, those first that take tasks now."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from quantum_pipeline.cli import console, entry
from quantum_pipeline.cli.options import AS_JSON, stack_option
from quantum_pipeline.cli.preparing import local_states
from quantum_pipeline.cli.reach import pipeline_of
from quantum_pipeline.devices.catalogue import Device, catalogue
from quantum_pipeline.devices.states import DeviceState


@entry.main.command(short_help="List the devices, usable ones first.")
@stack_option("List the devices on AWS that this CloudFormation stack can reach.")
@AS_JSON
def devices(stack: str | None, as_json: bool) -> None:
    """List the devices: local first, then those that take tasks now, then the others.

    Without --stack they are those of the AWS on this machine, where all QPUs are emulated.
    """
    from quantum_pipeline.devices.listing import listed  # noqa: PLC0415

    found = catalogue().devices
    states = _states_of_stack(stack, found) if stack else local_states(found)
    console.devices(listed(found, states, datetime.now(UTC)), as_json=as_json)


def _states_of_stack(stack: str, devices: Iterable[Device]) -> dict[str, DeviceState]:
    """Return the states of the devices of a stack's region."""
    from quantum_pipeline.aws.devices import all_states  # noqa: PLC0415 - boto3 takes a while

    with pipeline_of(stack) as pipeline:
        region = pipeline.region
        return all_states(each for each in devices if each.region in (None, region))
