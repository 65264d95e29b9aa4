"""From a request and what devices say now to a run that can start, each choice with its reason.

The one way from a request to its device, plan, limits and cost: prepare goes it before a run is
stored, and ``qpipe estimate`` before anything is submitted. What devices say is asked beforehand,
of those that ``candidates`` names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from quantum_pipeline.devices.catalogue import LOCAL, Device, catalogue, choose, find
from quantum_pipeline.devices.states import DeviceState
from quantum_pipeline.errors import BudgetExceeded, DeviceUnavailable, InvalidRequest
from quantum_pipeline.planning import costs
from quantum_pipeline.planning.costs import Cost, InstancePrice
from quantum_pipeline.planning.estimates import check_memory
from quantum_pipeline.planning.plan import Plan, plan
from quantum_pipeline.problems import BinaryProblem
from quantum_pipeline.requests.algorithm import SettledQaoa
from quantum_pipeline.requests.request import (
    Request,
    ResolvedRequest,
    is_open,
    resolve,
    settle_mitigation,
)

ROUTING = 2.5
"""Assumed: two-qubit gates of a routed circuit, for one of the same circuit on coupled qubits."""

States = Mapping[str, DeviceState]
"""What devices say now, by ARN; those are missing that Braket does not know here."""


@dataclass(frozen=True)
class Preparation:
    """A run that can start. ``state`` is None on the job's own simulator.

    ``least`` is the cost of its smallest part that is of use.
    """

    request: ResolvedRequest
    device: Device
    state: DeviceState | None
    plan: Plan
    cost: Cost
    least: Cost
    algorithm_because: str
    device_because: str
    mitigation_because: str | None


def candidates(request: Request) -> tuple[Device, ...]:
    """Return the devices whose state decides on a request: none for the job's own simulator.

    Raises:
        InvalidRequest: no device has that name.
    """
    if not is_open(request):
        device = find(LOCAL if request.device == "auto" else request.device)
        return () if device.kind == "local" else (device,)
    if request.noise is not None:
        return (find("dm1"),)
    gates = ("simulator", "qpu")
    return tuple(each for each in catalogue().devices if each.kind in gates)


def prepare(
    request: Request,
    states: States,
    *,
    instance: InstancePrice,
    region: str,
    now: datetime,
    within_budget: bool = True,
) -> Preparation:
    """Return the run of a request whose problem is read.

    Without ``within_budget`` a device that is named may cost more than the request allows.

    Raises:
        InvalidRequest: something is asked that cannot be done, or not on its device, or not in its
            time.
        DeviceUnavailable: the device cannot run it now; or of auto, none of them.
        BudgetExceeded: it could cost more than it may.
    """
    if is_open(request):
        return _chosen(request, states, instance=instance, region=region, now=now)
    found = _prepared(request, states, instance=instance, region=region, now=now)
    if within_budget:
        _check_budget(found)
    return found


def _prepared(
    request: Request, states: States, *, instance: InstancePrice, region: str, now: datetime
) -> Preparation:
    resolved, because = resolve(request)
    asked = candidates(request)
    state = states.get(asked[0].arn) if asked else None
    device, device_because = choose(
        request.device,
        n_qubits=resolved.problem.n_qubits,
        shots=resolved.shots,
        region=region,
        state=state,
        now=now,
        wait_seconds=request.limits.max_runtime_seconds or 0,
    )
    _check_evaluations(resolved, state)
    if request.reservation_arn is not None:
        device = device.model_copy(update={"usd_per_task": 0.0, "usd_per_shot": 0.0})
        device_because += "; the reservation is billed by its time, its tasks are not"
    check_memory(resolved, instance.instance_type)
    planned = plan(resolved, device, state)
    costs.check_runtime(request.limits, device, planned)
    seconds = request.limits.max_runtime_seconds or costs.runtime(resolved, device, planned)
    limits = resolved.limits.model_copy(update={"max_runtime_seconds": seconds})
    resolved = resolved.model_copy(update={"device": device.name, "limits": limits})
    return Preparation(
        request=resolved,
        device=device,
        state=state,
        plan=planned,
        cost=costs.estimate(resolved, device, instance, state),
        least=costs.minimum(resolved, device, instance, state),
        algorithm_because=because,
        device_because=device_because,
        mitigation_because=settle_mitigation(request, device)[1],
    )


def _check_evaluations(request: ResolvedRequest, state: DeviceState | None) -> None:
    """Refuse evaluations of other shots than the device takes, as the samples' shots are."""
    algorithm = request.algorithm
    if state is None or algorithm.train_on != "device":
        return
    shots = algorithm.shots_per_evaluation or request.shots
    if not state.min_shots <= shots <= state.max_shots:
        raise InvalidRequest.of(
            "algorithm.shots_per_evaluation",
            shots,
            f"{state.min_shots} to {state.max_shots} on {state.name}",
        )


def _check_budget(found: Preparation) -> None:
    costs.check_budget(found.cost, found.request.limits, found.least)


def _chosen(
    request: Request, states: States, *, instance: InstancePrice, region: str, now: datetime
) -> Preparation:
    """Return the run on the QPU of the highest estimated fidelity within the limit of the cost.

    Where no QPU can run it, it is that on the simulator of the lowest cost.
    """
    able: list[Preparation] = []
    dear: list[tuple[Preparation, BudgetExceeded]] = []
    refused: dict[str, DeviceUnavailable | InvalidRequest] = {}
    for device in candidates(request):
        named = request.model_copy(update={"device": device.name})
        try:
            found = _prepared(named, states, instance=instance, region=region, now=now)
            _check_budget(found)
        except (DeviceUnavailable, InvalidRequest) as error:
            refused[device.name] = error
        except BudgetExceeded as error:
            dear.append((found, error))
        else:
            able.append(found)
    if not able:
        raise _none_is_affordable(dear) if dear else _none_is_able(refused)
    qpus = [each for each in able if each.device.kind == "qpu"]
    limit = request.limits.max_cost_usd

    def order(each: Preparation) -> tuple[bool, float, float]:
        return each.cost.total_usd > limit, -fidelity(each), each.cost.total_usd

    best, *others = sorted(qpus or able, key=order)
    because = [_figures(best), *_rest(others, [found for found, _ in dear])]
    if request.noise is not None:
        because.insert(0, "it simulates the noise")
    elif not qpus:
        because.insert(0, "a simulator, for no QPU can run it here and now")
    return replace(best, device_because="; ".join(because))


def _none_is_affordable(dear: list[tuple[Preparation, BudgetExceeded]]) -> BudgetExceeded:
    """Return the refusal of the cheapest, with what the others would cost."""
    (found, error), *others = sorted(dear, key=lambda each: each[0].cost.total_usd)
    costly = ", ".join(f"{each.device.name} {each.cost.total_usd:.2f} USD" for each, _ in others)
    return BudgetExceeded(
        f"{error}; device auto finds none below it: that is {found.device.name}, the cheapest"
        f"{f', before {costly}' if costly else ''}"
    )


def _none_is_able(
    refused: Mapping[str, DeviceUnavailable | InvalidRequest],
) -> DeviceUnavailable | InvalidRequest:
    """Return the one reason that all devices share, or all reasons under the mildest name."""
    reasons = {str(error): error for error in refused.values()}
    if len(reasons) == 1:
        return next(iter(reasons.values()))
    for kind in (DeviceUnavailable, InvalidRequest):
        mine = [f"{name}: {error}" for name, error in refused.items() if isinstance(error, kind)]
        if mine:
            return kind(f"device: auto finds none that can run it; {'; '.join(mine)}")
    raise AssertionError


def _figures(found: Preparation) -> str:
    most = f"at most {found.cost.total_usd:.2f} USD"
    if found.device.kind == "simulator":
        return most
    return f"estimated fidelity of the circuit {fidelity(found):.3g}, {most}"


def _rest(others: list[Preparation], dear: list[Preparation]) -> Iterator[str]:
    if others:
        yield f"the next best is {others[0].device.name}: {_figures(others[0])}"
    if dear:
        yield f"above limits.max_cost_usd: {', '.join(each.device.name for each in dear)}"


def fidelity(found: Preparation) -> float:
    """Return the estimated fidelity of the run's circuit, before it is compiled.

    The product of the median fidelities of all gates and readouts: two entangling gates a coupling
    and layer, times ROUTING where not all qubits are coupled. 0 where a QPU tells no fidelities, of
    which nothing can be promised; 1 on a simulator, to which auto comes where no QPU is left.
    """
    state, algorithm, problem = found.state, found.request.algorithm, found.request.problem
    if state is None or state.kind == "simulator":
        return 1.0
    assert isinstance(algorithm, SettledQaoa)
    assert isinstance(problem, BinaryProblem)
    n, couplings = problem.n_qubits, len(problem.ising().couplings)
    pairs = 2 * algorithm.deepest * couplings * (1.0 if state.couplers is None else ROUTING)
    singles = n * (1 + 2 * algorithm.deepest)
    gate = state.two_qubit_fidelity or 0.0
    return float(
        gate**pairs * (state.gate_fidelity or 1.0) ** singles * (state.readout_fidelity or 1.0) ** n
    )
