"""The page's section on the device: compilation, mitigation and the bill."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from quantum_pipeline.pages.emulation import device_name
from quantum_pipeline.pages.numbers import hartree, number, off_by, short, usd, with_error
from quantum_pipeline.planning.costs import CostItem
from quantum_pipeline.reports import (
    ConstrainedReport,
    MoleculeReport,
    OptimisationReport,
    Report,
)
from quantum_pipeline.reports.device_parts import MitigationPart
from quantum_pipeline.results import Compilation
from quantum_pipeline.wording import percent


class Line(NamedTuple):
    """A line of a table: what it is about, and its cells."""

    name: str
    cells: tuple[str, ...]
    is_main: bool = False


@dataclass(frozen=True)
class DeviceSection:
    """What the page shows of a device: a text and a table each, None where there is none."""

    name: str
    compiled: list[Line]
    compilation: str
    mitigated: list[Line]
    mitigated_heads: list[str]
    mitigation: str
    checks: list[Line]
    bill: list[Line]
    tasks: list[Line]
    money: str


def device_section(report: Report) -> DeviceSection | None:
    """Return what the page shows of a device; None where the job sampled by itself."""
    if not report.cost.tasks:
        return None
    made, outcome = report.compilation, report.mitigation
    return DeviceSection(
        name=device_name(report),
        compiled=[] if made is None else _compiled(made),
        compilation=_compilation(report),
        mitigated=_energies(report),
        mitigated_heads=_energy_heads(report),
        mitigation="" if outcome is None else _mitigation(report, outcome),
        checks=[] if outcome is None else _checks(report, outcome),
        bill=_bill(report),
        tasks=_tasks(report),
        money=_money(report),
    )


def _compiled(made: Compilation) -> list[Line]:
    sizes = [made.plain, *([made.reference] if made.reference else []), made.compiled]
    return [
        Line(each.by, (str(each.depth), str(each.two_qubit_gates)), each is made.compiled)
        for each in sizes
    ]


def _compilation(report: Report) -> str:
    made = report.compilation
    if made is None and report.device.kind == "qpu":
        return f"For {report.device.name} nothing was compiled."
    if made is None:
        return f"{report.device.name} takes the circuit as it is: nothing was compiled."
    how = "ran as they are, verbatim" if made.verbatim else "were given to the device's compiler"
    text = f"Gates are the device's own ({', '.join(made.native_gates)}) and {how}."
    if made.estimated_fidelity is not None:
        of = f", of {made.calibrated_at[:10]}" if made.calibrated_at else ""
        text += (
            f" Estimated fidelity {percent(made.estimated_fidelity)}: the product of the "
            f"calibrated fidelities of all gates and readouts{of}."
        )
    return text


def _writer(report: Report) -> Callable[[float], str]:
    return hartree if isinstance(report, MoleculeReport) else number


def _raw(report: Report) -> list[tuple[float, float | None]]:
    """Return the energy as it was measured, where nothing was mitigated, and its error."""
    if isinstance(report, OptimisationReport | ConstrainedReport):
        return [(report.quality.mean_energy, report.quality.standard_error)]
    if isinstance(report, MoleculeReport) and report.measured is not None:
        return [(report.measured.raw_energy, report.measured.raw_standard_error)]
    return []


def _energies(report: Report) -> list[Line]:
    """Return the energies beside each other: without noise, raw, mitigated."""
    outcome, exact, write = report.mitigation, report.noise_free_energy, _writer(report)
    in_hartree = isinstance(report, MoleculeReport)
    lines = []
    if exact is not None:
        lines.append(Line("without noise, exact", (write(exact), "–")))

    def cells(energy: float, error: float | None) -> tuple[str, ...]:
        measured = with_error(energy, error, write)
        if exact is None:
            return (measured,)
        unit = 1000 if in_hartree else 1
        return measured, off_by(unit * (energy - exact), None if error is None else unit * error)

    if outcome is not None:
        for name, each in (("raw", outcome.raw), ("mitigated", outcome.mitigated)):
            kept = outcome.kept == name
            label = f"{name}, kept" if kept else name
            lines.append(Line(label, cells(each.energy, each.standard_error), kept))
    else:
        lines += [Line("raw", cells(*each), True) for each in _raw(report)]
    return lines


def _energy_heads(report: Report) -> list[str]:
    unit = ", hartree" if isinstance(report, MoleculeReport) else ""
    heads = ["", f"energy{unit}"]
    if report.noise_free_energy is not None:
        heads.append("less the exact one" + (", mHa" if unit else ""))
    return heads


_METHODS = {
    "readout": "readout corrected",
    "symmetry": "a symmetry checked",
    "zne": "extrapolated to zero noise",
}


def _mitigation(report: Report, outcome: MitigationPart) -> str:
    how = ", ".join(_method(report, name) for name in outcome.methods)
    form = f" ({outcome.extrapolation})" if outcome.extrapolation != "none" else ""
    text = f"{how[0].upper()}{how[1:]}{form}. The {outcome.kept} energy counts: "
    text += f"{outcome.kept_because}."
    if outcome.error_factor is not None and outcome.error_factor >= 1:
        text += (
            " Against the energy without noise, the error is divided by "
            f"{short(outcome.error_factor)}{_by_chance(report, outcome)}."
        )
    elif outcome.error_factor is not None:
        text += " Against the energy without noise, mitigation has not made the error smaller."
    spent = report.cost.mitigation_usd
    return (
        f"{text} It took {outcome.extra_shots:,} more shots"
        f"{'' if spent is None else f' and {usd(spent)}'}."
    )


def _method(report: Report, name: str) -> str:
    if name != "symmetry" or not isinstance(report, ConstrainedReport):
        return _METHODS[name]
    left_out, shots = report.quality.discarded_shots, sum(report.samples.values())
    return f"shots that break a group's rule left out ({left_out:,} of {shots:,})"


def _by_chance(report: Report, outcome: MitigationPart) -> str:
    """Return that what is left of the error is no more than its own uncertainty."""
    exact, mitigated = report.noise_free_energy, outcome.mitigated
    if exact is None or abs(mitigated.energy - exact) > mitigated.standard_error:
        return ""
    return ", the rest being within its standard error"


def _checks(report: Report, outcome: MitigationPart) -> list[Line]:
    write = _writer(report)
    return [
        Line(
            f"calibration circuit {k}",
            (
                write(each.exact),
                with_error(each.raw.energy, each.raw.standard_error, write),
                with_error(each.mitigated.energy, each.mitigated.standard_error, write),
            ),
        )
        for k, each in enumerate(outcome.checks, 1)
    ]


def _bill(report: Report) -> list[Line]:
    """Return each line of the estimate beside that of the bill."""
    cost = report.cost
    estimated = {item.what: item for item in cost.estimate}
    actual = {item.what: item for item in cost.breakdown}
    lines = [
        Line(item.what, (*_paid(estimated.get(line)), *_paid(actual.get(line))))
        for line, item in {**estimated, **actual}.items()
    ]
    total = ("", usd(cost.estimated_usd), "", usd(cost.actual_usd))
    return [*lines, Line("total", total, True)]


def _paid(item: CostItem | None) -> tuple[str, str]:
    if item is None:
        return "–", "–"
    return item.amount, usd(item.usd)


def _tasks(report: Report) -> list[Line]:
    return [
        Line(each.arn, (each.purpose, str(each.executables), f"{each.shots:,}", usd(each.usd)))
        for each in report.cost.tasks
    ]


def _money(report: Report) -> str:
    cost = report.cost
    text = f"Prices: {cost.prices_as_of}."
    if cost.assumed_price is not None:
        text += f" Assumed: {cost.assumed_price}."
    if cost.estimate_ratio is not None:
        text += f" The run came to {percent(cost.estimate_ratio)} of its estimate."
    if report.device.emulated is not None:
        text += " Nothing was billed for what was emulated: this is its cost on AWS"
        text += "." if cost.has_instance else ", where the job's instance comes on top."
    return text
