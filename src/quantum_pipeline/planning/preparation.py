"""From a request and what devices say now to a run that can start: every decision in one pass.

    candidates      devices that the request can mean                   device
    check_asked     what it says for its device holds there             device
    settle          algorithm and mitigation                            algorithm, mitigation
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

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from quantum_pipeline.devices.catalogue import Device
from quantum_pipeline.devices.states import DeviceState
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.planning import costs
from quantum_pipeline.planning.algorithm import settle_algorithm
from quantum_pipeline.planning.auto_device import best_of
from quantum_pipeline.planning.costs import InstancePrice
from quantum_pipeline.planning.device import (
    candidates,
    check_asked,
    check_usable,
    is_open,
    reason_of,
)
from quantum_pipeline.planning.forms import qubits_of
from quantum_pipeline.planning.learning import Learning
from quantum_pipeline.planning.memory import check_memory
from quantum_pipeline.planning.mitigation import settle_mitigation
from quantum_pipeline.planning.plan import plan
from quantum_pipeline.planning.prepared import Preparation
from quantum_pipeline.planning.reasons import Reason, Reasons
from quantum_pipeline.problems import AnyProblem
from quantum_pipeline.requests.algorithm import Settled
from quantum_pipeline.requests.mitigation import Mitigation, Noise
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

    def prepared(device: Device, asked: Request) -> Preparation:
        state = states.get(device.arn)
        return _prepared(asked, device, state, instance=instance, region=region, now=now)

    suggested = request if learning is None else learning.applied(request)
    devices = candidates(request)
    if is_open(request):
        delivered = () if learning is None else learning.delivered
        found = best_of(
            devices, lambda device: prepared(device, suggested), _check_budget, delivered
        )
    else:
        found = prepared(devices[0], suggested)
        if within_budget:
            _check_budget(found)
    if learning is None:
        return found
    by_default = prepared(found.device, request).cost.total_usd
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
        problem = _problem_of(request)
        return settle_algorithm(problem, request.algorithm, exact=False, seconds=_time(request))[0]
    return _settled(request, candidates(request)[0]).algorithm


@dataclass(frozen=True)
class _Settled:
    """A request with its algorithm and mitigation settled, and why: what planning works on."""

    problem: AnyProblem
    algorithm: Settled
    mitigation: Mitigation
    noise: Noise | None
    shots: int
    device: str
    algorithm_reason: Reason
    mitigation_reason: Reason | None


def _settled(request: Request, device: Device) -> _Settled:
    problem = _problem_of(request)
    check_asked(request, device)
    exact = device.kind == "local"
    algorithm, why_algorithm = settle_algorithm(
        problem, request.algorithm, exact=exact, seconds=_time(request)
    )
    mitigation, why_mitigation = settle_mitigation(request, problem, device)
    return _Settled(
        problem,
        algorithm,
        mitigation,
        request.noise,
        request.shots,
        device.name,
        why_algorithm,
        why_mitigation,
    )


def _time(request: Request) -> int:
    """Return the seconds that the job of a run may take."""
    return request.limits.max_runtime_seconds or RUNTIME


def _problem_of(request: Request) -> AnyProblem:
    if isinstance(request.problem, ProblemReference):
        raise InvalidRequest.of("problem.uri", request.problem.uri, "read before it is planned")
    return request.problem


def _prepared(
    request: Request,
    device: Device,
    state: DeviceState | None,
    *,
    instance: InstancePrice,
    region: str,
    now: datetime,
) -> Preparation:
    work = _settled(request, device)
    check_usable(
        device,
        n_qubits=qubits_of(work),
        shots=work.shots,
        region=region,
        state=state,
        now=now,
        wait_seconds=request.limits.max_runtime_seconds or 0,
    )
    _check_evaluations(work, state)
    check_memory(work, instance.instance_type)
    if request.reservation_arn is not None:
        device = device.model_copy(update={"usd_per_task": 0.0, "usd_per_shot": 0.0})
    planned = plan(work, device, state)
    limits, why_runtime = costs.settle_runtime(request.limits, work, device, planned)
    settled = {
        "device": device.name,
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
        instance=instance,
        cost=costs.estimate(resolved, device, instance, planned),
        least=costs.minimum(resolved, device, instance, state),
        reasons=Reasons(
            algorithm=work.algorithm_reason,
            device=reason_of(request, work.problem.n_qubits),
            mitigation=work.mitigation_reason,
            runtime=why_runtime,
        ),
    )


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


def _check_budget(found: Preparation) -> None:
    costs.check_budget(found.cost, found.request.limits, found.least)
