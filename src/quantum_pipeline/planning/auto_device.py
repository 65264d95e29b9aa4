"""Chooses among several devices for ``auto``, given the run as prepared for each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from quantum_pipeline.devices.catalogue import Device
from quantum_pipeline.errors import BudgetExceeded, DeviceUnavailable, InvalidRequest
from quantum_pipeline.planning.forms import circuit_size, encoding_of, qubits_of
from quantum_pipeline.planning.prepared import Preparation
from quantum_pipeline.planning.reasons import Reason, Why
from quantum_pipeline.problems import BinaryProblem
from quantum_pipeline.requests.algorithm import SettledQaoa

ROUTING = 2.5
"""Assumed: two-qubit gates of a routed circuit, for one of the same circuit on coupled qubits."""

Refusal = DeviceUnavailable | InvalidRequest


def best_of(
    devices: Iterable[Device],
    prepared: Callable[[Device], Preparation],
    check_budget: Callable[[Preparation], None],
) -> Preparation:
    """Return the run on the QPU of the highest estimated fidelity within the limit of the cost.

    Where no QPU can run it, it is that on the simulator of the lowest cost.

    Args:
        devices: that may run it.
        prepared: gives the run on one of them, or raises why there is none.
        check_budget: raises where a run costs more than it may.

    Raises:
        BudgetExceeded: those that can run it cost more than they may.
        DeviceUnavailable, InvalidRequest: none can run it.
    """
    able: list[Preparation] = []
    costly: list[tuple[Preparation, BudgetExceeded]] = []
    refused: dict[str, Refusal] = {}
    for device in devices:
        try:
            found = prepared(device)
            check_budget(found)
        except (DeviceUnavailable, InvalidRequest) as error:
            refused[device.name] = error
        except BudgetExceeded as error:
            costly.append((found, error))
        else:
            able.append(found)
    if not able:
        raise _none_is_affordable(costly) if costly else _none_is_able(refused)
    best, *others = sorted(_preferred(able), key=_order)
    reason = _reason(best, others, [found for found, _ in costly])
    return replace(best, reasons=best.reasons.model_copy(update={"device": reason}))


def _preferred(able: list[Preparation]) -> list[Preparation]:
    return [each for each in able if each.device.kind == "qpu"] or able


def _order(each: Preparation) -> tuple[bool, float, float]:
    whole = each.cost.total_usd <= each.request.limits.max_cost_usd
    return not whole, -fidelity(each), each.cost.total_usd


def _reason(best: Preparation, others: list[Preparation], costly: list[Preparation]) -> Reason:
    words = [_figures(best), *_rest(others, costly)]
    why = Why.FIDELITY
    if best.request.noise is not None:
        why = Why.NOISE
        words.insert(0, "it simulates the noise")
    elif best.device.kind != "qpu":
        why = Why.NO_QPU
        words.insert(0, "a simulator, for no QPU can run it here and now")
    return Reason(why=why, words="; ".join(words))


def _none_is_affordable(costly: list[tuple[Preparation, BudgetExceeded]]) -> BudgetExceeded:
    """Return the refusal of the least expensive, with what the others would cost."""
    (found, error), *others = sorted(costly, key=lambda each: each[0].cost.total_usd)
    rest = ", ".join(f"{each.device.name} {each.cost.total_usd:.2f} USD" for each, _ in others)
    return BudgetExceeded(
        f"{error}; device auto finds none within the limit: "
        f"the least expensive is {found.device.name}"
        f"{f', then {rest}' if rest else ''}"
    )


def _none_is_able(refused: Mapping[str, Refusal]) -> Refusal:
    """Return the one reason that all devices share, or all reasons under the mildest name."""
    reasons = {str(error): error for error in refused.values()}
    if len(reasons) == 1:
        return next(iter(reasons.values()))
    unavailable = any(isinstance(error, DeviceUnavailable) for error in refused.values())
    kind = DeviceUnavailable if unavailable else InvalidRequest
    mine = (f"{name}: {error}" for name, error in refused.items() if isinstance(error, kind))
    return kind("device: auto finds none that can run it", *mine)


def _figures(found: Preparation) -> str:
    cost = f"estimated cost {found.cost.total_usd:.2f} USD"
    if found.device.kind == "simulator":
        return cost
    return f"estimated fidelity of the circuit {fidelity(found):.3g}, {cost}"


def _rest(others: list[Preparation], costly: list[Preparation]) -> Iterator[str]:
    if others:
        yield f"the next best is {others[0].device.name}: {_figures(others[0])}"
    if costly:
        yield f"above limits.max_cost_usd: {', '.join(each.device.name for each in costly)}"


def fidelity(found: Preparation) -> float:
    """Return the estimated fidelity of the run's circuit, before it is compiled.

    The product of the median fidelities of all gates and readouts: two entangling gates a coupling
    and layer, times ROUTING where not all qubits are coupled. 0 where a QPU reports no fidelities,
    of which nothing can be promised; 1 on a simulator, to which auto comes where no QPU is left.
    """
    state, algorithm, problem = found.state, found.request.algorithm, found.request.problem
    if state is None or state.kind == "simulator":
        return 1.0
    n, encoding = qubits_of(found.request), encoding_of(found.request)
    if not isinstance(algorithm, SettledQaoa):
        return 0.0
    if encoding is not None:
        gates, singles = circuit_size(encoding, algorithm.settled_mixer, algorithm.deepest)
    elif isinstance(problem, BinaryProblem):
        gates = 2 * algorithm.deepest * len(problem.ising.couplings)
        singles = n * (1 + 2 * algorithm.deepest)
    else:
        return 0.0
    pairs = gates * (1.0 if state.couplers is None else ROUTING)
    gate = state.two_qubit_fidelity or 0.0
    return float(
        gate**pairs * (state.gate_fidelity or 1.0) ** singles * (state.readout_fidelity or 1.0) ** n
    )
