"""From a request and what devices say now to a run that can start: every decision in one pass.

    candidates      devices that the request can mean                   device
    check_asked     what it says for its device holds there             device
    settle          algorithm, its parts, and mitigation                algorithm, cuts, mitigation
    check_usable    the device can run it now                           device
    check_memory    the job fits its instance                           memory
    plan            tasks, shots and seconds on the device              plan
    settle_runtime  the seconds that the job is given                   costs
    estimate        what it will cost, and its smallest useful part     costs
    best_of         of several devices, where the request leaves it open    auto_device

Each decision is taken once, here, and travels with its reason in a ``Preparation``. Prepare goes
this way before a run is stored, and ``qpipe estimate`` before anything is submitted. What devices
say is asked beforehand, of those that ``candidates`` names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from quantum_pipeline.devices.catalogue import Device
from quantum_pipeline.devices.states import DeviceState
from quantum_pipeline.errors import BudgetExceeded, InvalidRequest
from quantum_pipeline.planning import costs, tables
from quantum_pipeline.planning.algorithm import settle_algorithm
from quantum_pipeline.planning.auto_device import best_of
from quantum_pipeline.planning.blocks import width_of
from quantum_pipeline.planning.costs import Cost, InstancePrice
from quantum_pipeline.planning.cuts import settle_cut
from quantum_pipeline.planning.device import (
    candidates,
    check_asked,
    check_several,
    check_usable,
    is_open,
    reason_of,
)
from quantum_pipeline.planning.forms import qubits_of
from quantum_pipeline.planning.learning import Learning
from quantum_pipeline.planning.memory import check_memory
from quantum_pipeline.planning.mitigation import settle_mitigation
from quantum_pipeline.planning.plan import (
    Batch,
    least_shots,
    most,
    plan,
    plan_of,
    plans,
    shots_each,
)
from quantum_pipeline.planning.prepared import OtherDevice, Preparation
from quantum_pipeline.planning.reasons import Reason, Reasons
from quantum_pipeline.planning.runtimes import settle_runtime
from quantum_pipeline.planning.tasks import SAMPLES
from quantum_pipeline.problems import AnyProblem, Classification
from quantum_pipeline.requests.algorithm import Settled, SettledCut, SettledDivide, SettledKernel
from quantum_pipeline.requests.mitigation import READOUT_CIRCUITS, Mitigation, Noise
from quantum_pipeline.requests.request import RUNTIME, ProblemReference, Request, ResolvedRequest

States = Mapping[str, DeviceState]
"""What devices say now, by ARN; those are missing that Braket does not know here."""


def prepare(
    request: Request,
    states: States,
    *,
    instance: InstancePrice,
    region: str,
    now: datetime,
    within_budget: bool = True,
    learning: Learning | None = None,
) -> Preparation:
    """Return the run of a request whose problem is read.

    Without ``within_budget`` a device that is named may cost more than the request allows.
    ``learning`` has what earlier runs suggest, where the request asks for it.

    Raises:
        InvalidRequest: something is asked that cannot be done, or not on its device, or not in its
            time.
        DeviceUnavailable: the device cannot run it now; or of auto, none of them.
        BudgetExceeded: it could cost more than it may.
    """

    def prepared(on: Device | tuple[Device, ...], asked: Request) -> Preparation:
        taken = on if isinstance(on, tuple) else (on,)
        return _prepared(asked, taken, states, instance=instance, region=region, now=now)

    suggested = request if learning is None else learning.applied(request)
    devices = candidates(request)
    if is_open(request):
        delivered = () if learning is None else learning.delivered
        found = best_of(
            devices, lambda device: prepared(device, suggested), check_budget, delivered
        )
    else:
        found = prepared(devices, suggested)
        if within_budget:
            check_budget(found)
    if learning is None:
        return found
    taken = (found.device, *(each.device for each in found.others))
    by_default = prepared(taken, request).cost.total_usd
    return replace(found, learning=learning.model_copy(update={"default_usd": by_default}))


def check(request: Request) -> None:
    """Refuse what no device could change: what is known before any is asked for its state.

    Raises:
        InvalidRequest: something is asked that cannot be done, or not on the device that is named.
        DeviceUnavailable: Braket had that device once.
    """
    settled_algorithm(request)


def settled_algorithm(request: Request) -> Settled:
    """Return the algorithm of a request with nothing left to choose, whatever its device.

    Raises:
        InvalidRequest, DeviceUnavailable: as ``check``.
    """
    if is_open(request):
        return _algorithm(request, candidates(request)[:1])[0]
    return _settled(request, candidates(request)).algorithm


@dataclass(frozen=True)
class _Settled:
    """A request with its algorithm and mitigation settled, and why: what planning works on."""

    problem: AnyProblem
    algorithm: Settled
    mitigation: Mitigation
    noise: Noise | None
    shots: int
    device: str | tuple[str, ...]
    algorithm_reason: Reason
    mitigation_reason: Reason | None


def _settled(
    request: Request, devices: tuple[Device, ...], states: States = MappingProxyType({})
) -> _Settled:
    problem, device = _problem_of(request), devices[0]
    check_several(devices, request.algorithm)
    check_asked(request, device)
    algorithm, why_algorithm = _algorithm(request, devices, states)
    mitigation, why_mitigation = settle_mitigation(
        request,
        problem,
        device,
        divides=isinstance(algorithm, SettledDivide),
        cut=isinstance(algorithm, SettledCut) and bool(algorithm.parts),
    )
    return _Settled(
        problem,
        algorithm,
        mitigation,
        request.noise,
        request.shots,
        _named(devices),
        why_algorithm,
        why_mitigation,
    )


def _time(request: Request) -> int:
    """Return the seconds that the job of a run may take."""
    return request.limits.max_runtime_seconds or RUNTIME


def _named(devices: tuple[Device, ...]) -> str | tuple[str, ...]:
    names = tuple(device.name for device in devices)
    return names[0] if len(names) == 1 else names


def _algorithm(
    request: Request, devices: tuple[Device, ...], states: States = MappingProxyType({})
) -> tuple[Settled, Reason]:
    problem, device = _problem_of(request), devices[0]
    found = [states.get(each.arn) for each in devices]
    if request.algorithm.cut is not None:
        return settle_cut(problem, request.algorithm, devices, found, request.shots)
    widths = [width_of(state) for state in found]
    return settle_algorithm(
        problem,
        request.algorithm,
        exact=device.kind == "local",
        several=len(devices) > 1,
        widest=max((width for width in widths if width is not None), default=None),
        seconds=_time(request),
    )


def _problem_of(request: Request) -> AnyProblem:
    if isinstance(request.problem, ProblemReference):
        raise InvalidRequest.of("problem.uri", request.problem.uri, "read before it is planned")
    return request.problem


def _prepared(
    request: Request,
    devices: tuple[Device, ...],
    states: States,
    *,
    instance: InstancePrice,
    region: str,
    now: datetime,
) -> Preparation:
    work, found = _settled(request, devices, states), [states.get(each.arn) for each in devices]
    for each, state in zip(devices, found, strict=True):
        narrow = len(devices) > 1 and width_of(state)  # it takes what fits
        check_usable(
            each,
            n_qubits=min(qubits_of(work), narrow or qubits_of(work)),
            shots=shots_each(work, found),
            region=region,
            state=state,
            now=now,
            wait_seconds=request.limits.max_runtime_seconds or 0,
        )
    device, state = devices[0], found[0]
    _check_evaluations(work, state)
    check_memory(work, instance.instance_type)
    if request.reservation_arn is not None:
        device = device.model_copy(update={"usd_per_task": 0.0, "usd_per_shot": 0.0})
    planned, *rest = plans(work, devices, found)
    others = tuple(map(OtherDevice.of, devices[1:], found[1:], rest))
    shares = [(device, planned), *zip(devices[1:], rest, strict=True)]
    whole = plan(work, device, state)  # where the others are lost
    limits, why_runtime = settle_runtime(request.limits, work, device, whole)
    settled = {
        "device": work.device,
        "algorithm": work.algorithm,
        "mitigation": work.mitigation,
        "limits": limits,
    }
    resolved = ResolvedRequest(**_fields(request) | settled)
    return Preparation(
        request=resolved,
        device=device,
        state=state,
        plan=planned,
        others=others,
        instance=instance,
        cost=costs.estimate(resolved, instance, shares, most(resolved, found) if rest else None),
        least=_least(resolved, instance, (device, *devices[1:]), found),
        reasons=Reasons(
            algorithm=work.algorithm_reason,
            device=reason_of(request),
            mitigation=work.mitigation_reason,
            runtime=why_runtime,
        ),
    )


def _least(
    request: ResolvedRequest,
    instance: InstancePrice,
    devices: Sequence[Device],
    states: Sequence[DeviceState | None],
) -> Cost:
    """Return the cost of the smallest part of use.

    That is one task; of divide, blocks that are merged; of a kernel all entries, and of several
    devices' parts all circuits, by few shots.
    """
    algorithm, less = request.algorithm, dict[str, object]()
    if isinstance(algorithm, SettledDivide) and devices[0].kind != "local":
        less["algorithm"] = algorithm.model_copy(update={"max_rounds": 0})
    elif isinstance(algorithm, SettledKernel) and states[0] is not None:
        less["shots"] = states[0].min_shots
    elif isinstance(algorithm, SettledCut) and len(devices) > 1:
        less["shots"] = least_shots(request, states)
    else:
        return costs.minimum(request, devices[0], instance, states[0])
    start = request.model_copy(update=less)
    shares = list(zip(devices, plans(start, devices, states), strict=True))
    return costs.estimate(start, instance, shares, most(start, states))


def _fields(request: Request) -> dict[str, object]:
    return {name: getattr(request, name) for name in Request.model_fields}


def _check_evaluations(work: _Settled, state: DeviceState | None) -> None:
    """Refuse evaluations of other shots than the device takes, as the samples' shots are."""
    if state is None or work.algorithm.train_on != "device":
        return
    shots = work.algorithm.shots_per_evaluation or work.shots
    if not state.min_shots <= shots <= state.max_shots:
        raise InvalidRequest.of(
            "algorithm.shots_per_evaluation",
            shots,
            f"{state.min_shots} to {state.max_shots} on {state.name}",
        )


def check_budget(found: Preparation) -> None:
    """Refuse a run that could cost more than it may.

    Raises:
        BudgetExceeded: as ``costs.check_budget``; of a kernel on a device with what would fit.
    """
    try:
        costs.check_budget(found.cost, found.request.limits, found.least)
    except BudgetExceeded as error:
        offered = _offered(found)
        if offered is None:
            raise
        raise BudgetExceeded(f"{error}; {offered}") from None


def _offered(found: Preparation) -> str | None:
    """Return what of a kernel's entries a device would measure within the limit on cost."""
    request, algorithm = found.request, found.request.algorithm
    if found.device.kind == "local" or not isinstance(algorithm, SettledKernel):
        return None
    problem, device, state = request.problem, found.device, found.state
    assert isinstance(problem, Classification)
    readout = READOUT_CIRCUITS if request.mitigation.readout else 0
    beside = found.cost.total_usd - sum(
        item.usd for item in found.cost.items if item.kind != "instance"
    )

    def fits(entries: int) -> bool:
        batch = Batch(purpose=SAMPLES, executables=entries + readout, shots=request.shots)
        measured = costs.measured_usd(device, plan_of((batch,), request, device, state))
        return beside + measured <= request.limits.max_cost_usd

    return f"within it: {tables.fewer(problem, algorithm, fits)}"
