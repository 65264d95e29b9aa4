"""Recommends what to do about the device; each sentence names the figure that it follows from.

It holds for every problem: of a report it reads what all have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import ceil

from quantum_pipeline.reports.base import Report
from quantum_pipeline.reports.device_parts import DeviceDone
from quantum_pipeline.wording import digits

MOST_SHOTS = 50_000
"""Shots of a circuit that a request may ask for."""

LIKELY = 0.5
"""Estimated fidelity below which most shots have an error."""


def recommend_about_device(report: Report) -> tuple[str, ...]:
    """Return what the figures of the device call for; nothing where none was used."""
    if report.device.kind == "local":
        return ()
    advice = (
        _on_cut(report),
        _on_emulation(report),
        _on_fidelity(report),
        _on_mitigation(report),
        _on_fees(report),
    )
    return tuple(sentence for sentence in advice if sentence)


def on_lost(devices: Iterable[DeviceDone]) -> Iterator[str]:
    """Yield what to do about each device of several that was lost."""
    for each in devices:
        if each.lost is not None:
            yield (
                f"{each.name} took no more circuits ({each.lost}): {each.handed_over} of its own "
                "were measured by the others; leave it out until it is back."
            )


def _on_cut(report: Report) -> str | None:
    cost, limits = report.cost, report.request["limits"]
    if not cost.cut_short_by:
        return None
    cap, time = limits["max_cost_usd"], limits["max_runtime_seconds"]
    by_cost = "limits.max_cost_usd" in cost.cut_short_by
    enough = []
    if by_cost and cost.estimated_usd > cap:
        whole = ceil(100 * cost.estimated_usd) / 100
        enough.append(f"limits.max_cost_usd from {cap:g} to {whole:.2f}, the whole run's estimate")
    elif by_cost:
        enough.append(f"limits.max_cost_usd above {cap:g}")
    if "limits.max_runtime_seconds" in cost.cut_short_by:
        enough.append(f"limits.max_runtime_seconds above {time}")
    return f"The run was cut short ({cost.cut_short}): raise {' and '.join(enough)}."


def _on_emulation(report: Report) -> str | None:
    device = report.device
    if device.emulated is None:
        return None
    region = device.arn.split(":")[3]
    where = f"in {region}, the region of {device.name}," if region else "in a region"
    return (
        f"This was a rehearsal on an emulated {device.name}. To run it on the device, deploy the "
        f"stack {where} and add --stack NAME; {_fees_there(report)}."
    )


def _fees_there(report: Report) -> str:
    usd = f"estimated at {report.cost.estimated_usd:.4f} USD"
    if not report.cost.has_instance:
        return f"there its quantum tasks are {usd}, and the job's instance is billed too"
    return f"there it is {usd}"


def _on_fidelity(report: Report) -> str | None:
    made = report.compilation
    if made is None or made.estimated_fidelity is None or made.estimated_fidelity >= LIKELY:
        return None
    gates = made.compiled.two_qubit_gates
    return (
        f"The estimated fidelity of the circuit is {made.estimated_fidelity:.2g}, with {gates} "
        f"two-qubit gates: most shots have an error; use fewer layers, a smaller problem, or "
        "a device with better gates or more couplers."
    )


def _on_mitigation(report: Report) -> str | None:
    outcome = report.mitigation
    if outcome is None or outcome.kept == "mitigated":
        return None
    spent = report.cost.mitigation_usd or 0.0
    more = "Raise shots, or leave" if report.request["shots"] < MOST_SHOTS else "Leave"
    return (
        f"Mitigation was tried, but the raw energy was kept: {outcome.kept_because}. {more} "
        f"mitigation out, which saves {outcome.extra_shots} shots and {spent:.4f} USD."
    )


def _on_fees(report: Report) -> str | None:
    exact, paid = report.noise_free_energy, sum(task.usd for task in report.cost.tasks)
    if exact is None or not paid:
        return None
    took = "took" if report.device.emulated is None else "would take"
    return (
        "The exact engine gives the energy of the same circuit without noise, "
        f"{digits(exact, least=10)}, at no fee; the tasks on {report.device.name} {took} "
        f"{paid:.4f} USD."
    )
