"""Requests prepared on this machine as AWS prepares them, before anything starts."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

from quantum_pipeline.cli import console
from quantum_pipeline.cli.asked import Asked
from quantum_pipeline.devices.catalogue import Device
from quantum_pipeline.devices.states import DeviceState, read_state
from quantum_pipeline.errors import BudgetExceeded, InvalidRequest
from quantum_pipeline.planning.costs import FREE, InstancePrice
from quantum_pipeline.planning.device import candidates, needs_device
from quantum_pipeline.planning.expected import expected_seconds
from quantum_pipeline.planning.preparation import check, prepare
from quantum_pipeline.planning.prepared import Preparation
from quantum_pipeline.requests.pack import MOST_USD, Pack, of_run
from quantum_pipeline.requests.request import ProblemReference, Request
from quantum_pipeline.wording import digits

if TYPE_CHECKING:
    from quantum_pipeline.planning.packs import PreparedPack

STARTING_SECONDS = 4.0
"""Of an expected time: what this machine takes beside the job, from its AWS to the report."""


class Ready(NamedTuple):
    """What passed all checks that can be made before it starts.

    ``where`` says what a run is on, for its progress, ``expected_seconds`` how long it should take.
    """

    asked: Asked
    where: str = ""
    expected_seconds: float | None = None


def check_before(asked: Asked, stack: str | None) -> Ready:
    """Refuse what would be refused, and return what is to be started.

    A run on a device is checked against its cost on AWS: what passes here passes there. The state
    of a stack's own devices is checked by its Prepare. Of a pack each run is checked.
    """
    if isinstance(asked, Request):
        return _check(asked, stack)
    if isinstance(asked, Pack) and not run_elsewhere(asked):
        if stack is None:
            prepared_pack(asked, billed=False)
        else:
            for run in asked.pack:
                with of_run(run.name):
                    check(run.request)
    return Ready(asked)


def _check(request: Request, stack: str | None) -> Ready:
    if isinstance(request.problem, ProblemReference):
        return Ready(request)
    if stack is not None:
        check(request)
        return Ready(request)
    if needs_device(request):
        request, found = _rehearsed(request)
    else:
        found = prepared(request, billed=False)
    expected = expected_seconds(found.request, found.device, found.plan)
    if expected is not None:
        expected += STARTING_SECONDS
    if found.state is None:
        return Ready(request, "", expected)
    names = found.names
    console.note(f"{names}: {found.reasons.device.words}")
    if found.state.emulated is None:
        return Ready(request, f" on {names}", expected)
    console.note("emulated on this machine: a rehearsal; sources in the report")
    return Ready(request, f" on {names}, emulated", expected)


def _rehearsed(request: Request) -> tuple[Request, Preparation]:
    """Return a run on a device as it is rehearsed here, where nothing is billed.

    A limit on cost that was given holds as it does on AWS. The one that nobody gave does not: the
    run may then take what it is estimated to, which is told.
    """
    if _has_cap(request):
        return request, prepared(request)
    with suppress(BudgetExceeded):
        found = prepared(request)
        if found.cost.total_usd <= request.limits.max_cost_usd:
            return request, found
    whole = prepared(_capped(request, MOST_USD)).cost.total_usd
    capped = _capped(request, ceil(100 * whole) / 100)
    found = prepared(capped)
    console.note(
        f"on AWS {found.names} could bill {whole:.4f} USD, above the default limit of "
        f"{digits(request.limits.max_cost_usd)} USD, which binds no rehearsal; there, add "
        f"--max-cost {capped.limits.max_cost_usd:.2f}"
    )
    return capped, found


def _capped(request: Request, usd: float) -> Request:
    limits = request.limits.model_copy(update={"max_cost_usd": usd})
    return request.model_copy(update={"limits": limits})


def body_of(asked: Asked) -> dict[str, Any]:
    """Return the input of an execution: what was left open of a limit on cost stays open."""
    body = asked.model_dump(mode="json", by_alias=True, exclude_none=True)
    if not _has_cap(asked):
        body["limits"].pop("max_cost_usd")
    return body


def _has_cap(asked: Asked) -> bool:
    return "max_cost_usd" in asked.limits.model_fields_set


def prepared(request: Request, *, billed: bool = True, within_budget: bool = True) -> Preparation:
    """Return the run of a request on the devices that are here.

    ``billed`` counts the job's instance as AWS would, which this machine does not.
    """
    instance, region = _instance_price()
    if not billed:
        instance = instance.model_copy(update={"usd_per_hour": 0.0, "as_of": FREE})
    return prepare(
        request,
        local_states(candidates(request)),
        instance=instance,
        region=region,
        now=datetime.now(UTC),
        within_budget=within_budget,
    )


def priced(request: Request) -> Preparation:
    """Return a request as AWS would prepare it, above its limit on cost as well.

    Raises:
        InvalidRequest: its problem is stored elsewhere; or as ``prepare``.
    """
    if isinstance(request.problem, ProblemReference):
        raise InvalidRequest("problem.uri: not read here; allowed: a problem in the file itself")
    return prepared(request, within_budget=False)


def prepared_pack(pack: Pack, *, billed: bool = True, within_budget: bool = True) -> PreparedPack:
    """Return the pack as AWS would prepare it, on the instance of the template's default."""
    from quantum_pipeline.planning.packs import prepare_pack  # noqa: PLC0415

    instance, region = _instance_price()
    if not billed:
        instance = instance.model_copy(update={"usd_per_hour": 0.0, "as_of": FREE})
    now = datetime.now(UTC)
    return prepare_pack(
        pack, instance=instance, region=region, now=now, within_budget=within_budget
    )


def run_elsewhere(pack: Pack) -> str | None:
    """Return the name of the first run whose problem is stored elsewhere, if there is one."""
    stored = (run.name for run in pack.pack if isinstance(run.request.problem, ProblemReference))
    return next(stored, None)


def local_states(devices: Iterable[Device]) -> dict[str, DeviceState]:
    """Return the states of devices as the AWS on this machine has them, which need not run.

    Nothing waits before them: each run has an AWS of its own.
    """
    from quantum_pipeline.local.aws import REGION  # noqa: PLC0415
    from quantum_pipeline.local.braket.devices import Devices  # noqa: PLC0415
    from quantum_pipeline.local.braket.errors import BraketError  # noqa: PLC0415
    from quantum_pipeline.local.braket.protocol import Call  # noqa: PLC0415

    service, found = Devices(), {}
    empty = {"queue": "QUANTUM_TASKS_QUEUE", "queuePriority": "Normal", "queueSize": "0"}
    service.queues = (lambda _: [empty],)
    for device in devices:
        with suppress(BraketError):
            answer = service.get(Call("GetDevice", {"deviceArn": device.arn}, REGION))
            found[device.arn] = read_state(answer)
    return found


@cache
def _instance_price() -> tuple[InstancePrice, str]:
    """Return the price that a stack of the template has by default, and this machine's region."""
    from quantum_pipeline.local.aws import REGION, read_stack  # noqa: PLC0415

    settings = next(
        each.environment for each in read_stack().functions if each.handler == "prepare.handler"
    )
    price = InstancePrice(
        instance_type=settings["JOB_INSTANCE_TYPE"],
        usd_per_hour=float(settings["JOB_INSTANCE_USD_PER_HOUR"]),
        as_of=f"at the template's default price of {settings['JOB_INSTANCE_PRICE_AS_OF']}",
    )
    return price, REGION
