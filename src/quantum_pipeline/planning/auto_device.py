"""Chooses among several devices for ``auto``, given the run as prepared for each of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from statistics import median

from quantum_pipeline.devices.catalogue import Device
from quantum_pipeline.errors import BudgetExceeded, DeviceUnavailable, InvalidRequest
from quantum_pipeline.planning.forms import circuit_size, encoding_of, qubits_of
from quantum_pipeline.planning.learning import Delivered
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
    delivered: Iterable[Delivered] = (),
) -> Preparation:
    """Return the run on the QPU of the highest estimated fidelity within the limit of the cost.

    Where no QPU can run it, it is that on the simulator of the lowest cost.

    Args:
        devices: that may run it.
        prepared: gives the run on one of them, or raises why there is none.
        check_budget: raises where a run costs more than it may.
        delivered: what devices delivered in earlier runs, by which they are judged.

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
    judged = _Judged(able, delivered)
    best, *others = sorted(_preferred(able), key=judged.order)
    reason = judged.reason(best, others, [found for found, _ in costly])
    return replace(best, reasons=best.reasons.model_copy(update={"device": reason}))


def _preferred(able: list[Preparation]) -> list[Preparation]:
    return [each for each in able if each.device.kind == "qpu"] or able


class _Judged:
    """How devices stand: by the estimated fidelity of the circuit, corrected by what was delivered.

    Estimate and delivery both decay with the layers times couplings, each device at a rate of its
    own. One without earlier runs is judged as those with some are in the median: by the estimate to
    the power of how much faster delivery decayed than estimated.
    """

    def __init__(self, able: Iterable[Preparation], delivered: Iterable[Delivered]) -> None:
        self._delivered = {each.device: each for each in delivered}
        powers = [
            _delivery(each, known) / math.log(fidelity(each))
            for each in able
            if (known := self._known(each)) is not None and 0 < fidelity(each) < 1
        ]
        self._power = median(powers) if powers else 1.0

    def _known(self, each: Preparation) -> Delivered | None:
        return self._delivered.get(each.device.name)

    def expected(self, each: Preparation) -> float:
        """Return the share of the circuit's descent that is expected of a device."""
        known = self._known(each)
        if known is not None:
            return math.exp(_delivery(each, known))
        return float(fidelity(each) ** self._power)

    def order(self, each: Preparation) -> tuple[bool, float, float]:
        """Return what sorts devices, the best first."""
        whole = each.cost.total_usd <= each.request.limits.max_cost_usd
        return not whole, -self.expected(each), each.cost.total_usd

    def reason(
        self, best: Preparation, others: list[Preparation], costly: list[Preparation]
    ) -> Reason:
        """Return why a device is the best of all."""
        words = [self._figures(best), *self._rest(others, costly)]
        why = Why.FIDELITY if self._known(best) is None else Why.DELIVERED
        if best.request.noise is not None:
            why = Why.NOISE
            words.insert(0, "it simulates the noise")
        elif best.device.kind != "qpu":
            why = Why.NO_QPU
            words.insert(0, "a simulator, for no QPU can run it here and now")
        return Reason(why=why, words="; ".join(words))

    def _figures(self, found: Preparation) -> str:
        cost = f"estimated cost {found.cost.total_usd:.2f} USD"
        if found.device.kind == "simulator":
            return cost
        words = f"estimated fidelity of the circuit {fidelity(found):.3g}, {cost}"
        known = self._known(found)
        if known is not None:
            runs = "1 earlier run" if known.n_runs == 1 else f"{known.n_runs} earlier runs"
            words += f", by {runs} {self.expected(found):.3g} of its descent will be delivered"
        return words

    def _rest(self, others: list[Preparation], costly: list[Preparation]) -> Iterator[str]:
        if others:
            yield f"the next best is {others[0].device.name}: {self._figures(others[0])}"
        if costly:
            yield f"above limits.max_cost_usd: {', '.join(each.device.name for each in costly)}"


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


def _delivery(found: Preparation, known: Delivered) -> float:
    """Return the logarithm of the share of a circuit's descent that a device will deliver."""
    algorithm, problem = found.request.algorithm, found.request.problem
    if not isinstance(algorithm, SettledQaoa) or not isinstance(problem, BinaryProblem):
        return 0.0
    return -known.decay * algorithm.deepest * max(1, len(problem.ising.couplings))


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
