"""Prints what ``qpipe`` shows: progress and errors on stderr, results on stdout."""

from __future__ import annotations

import json
import math
import textwrap
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from quantum_pipeline.wording import digits, percent, short_of_one

if TYPE_CHECKING:
    from quantum_pipeline.cli.client import Progress
    from quantum_pipeline.devices.listing import ListedDevice
    from quantum_pipeline.planning.estimates import Estimate
    from quantum_pipeline.planning.pack_estimate import PackEstimate
    from quantum_pipeline.studies.estimate import StudyEstimate

_out = Console(highlight=False, soft_wrap=True)
_BEGUN = time.monotonic()
_COLUMNS_OF_A_LINE = 100
_err = Console(stderr=True, highlight=False, soft_wrap=True)


def error(name: str, *sentences: str) -> None:
    """Print an error: its name, then what was wrong and what is allowed, a line each."""
    below = f"\n{' ' * (len(name) + 2)}"
    _err.print(f"{name}: {below.join(sentences)}", style="red", markup=False)


def note(text: str) -> None:
    """Print a line of progress."""
    _err.print(text, markup=False)


class ProgressLine:
    """The run's progress: one line that changes on a terminal, a line a change elsewhere."""

    def __init__(self, where: str = "") -> None:
        self._where = where
        self._status = _err.status("starting") if _err.is_terminal else None
        self._last = ""

    def __enter__(self) -> ProgressLine:
        if self._status:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def update(self, progress: Progress) -> None:
        """Show where the run stands."""
        self.show(_stage(progress, self._where), _details(progress))

    def show(self, stage: str, details: str) -> None:
        """Show a stage, which is a line of its own if it is a new one, and how far it has come."""
        text = f"{stage}{details}"
        if self._status:
            self._status.update(f"{text}  [dim]{time.monotonic() - _BEGUN:.0f} s[/]")
        if stage != self._last:
            self._last = stage
            _err.print(f"{time.monotonic() - _BEGUN:6.1f} s  {text}", markup=False)


@contextmanager
def progress(execution_arn: str, where: str = "") -> Iterator[ProgressLine]:
    """Show the progress of a run while the body follows it; ``where`` says what it runs on."""
    note(f"run {execution_arn.rsplit(':', 1)[1]}")
    with ProgressLine(where) as line:
        yield line


_STAGES = {
    "Started": "starting",
    "Prepare": "preparing",
    "Submit": "submitting the job",
    "WaitInLine": "waiting in line for a job",
    "PostProcess": "evaluating and writing the report",
    **dict.fromkeys(
        ("RunsOfPack", "PostProcessRuns", "PostProcessRun", "CancelRun", "RunHasEnded"),
        "evaluating the runs and writing their reports",
    ),
    "PostProcessPack": "all runs have ended",
    "Succeeded": "done",
    "Cancel": "cancelling",
    "Failed": "failed",
}


def _stage(progress: Progress, where: str) -> str:
    if progress.job_status is None:
        return _STAGES.get(progress.state, "waiting for the job")
    return f"job {progress.job_status.lower()}{where}"


def _details(progress: Progress) -> str:
    """Return how far the stage has come; a line for each of them would be too many."""
    text = ""
    if progress.job_status == "QUEUED" and progress.queue_position:
        text += f": position {progress.queue_position}"
    if progress.energy is not None:
        text += f": evaluation {progress.evaluation}, energy {digits(progress.energy)}"
    if progress.runs_ended is not None:
        text += f": {progress.runs_ended} runs solved or failed"
    return text


def result(folder: Path, *, as_json: bool) -> None:
    """Print the report in a folder: its main figures and where it is, or all of it as JSON."""
    text = (folder / "report.json").read_text("utf-8")
    if as_json:
        click.echo(text)
        return
    report = json.loads(text)
    figures(main_figures(report))
    _figure("report", str(folder / report["artifacts"]["report_html"]))
    for advice in report["recommendations"]:
        _out.print(f"- {_wrapped(advice, 2)}", markup=False)


def figures(found: Iterable[tuple[str, str]]) -> None:
    """Print figures, a line each after its name, wrapped where they are long."""
    for name, value in found:
        _figure(name, _wrapped(value, 13))


def _figure(name: str, value: str) -> None:
    _out.print(Text.assemble((f"{name:<13}", "bold"), value))


def _wrapped(text: str, indent: int) -> str:
    """Return a text in lines of 100 columns, all but the first indented; words stay whole."""
    if indent + len(text) <= _COLUMNS_OF_A_LINE:
        return text
    room = _COLUMNS_OF_A_LINE - indent
    lines = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)
    return f"\n{' ' * indent}".join(lines)


def main_figures(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a person wants to know first of a report, a name and a line each."""
    if report["problem"]["type"] == "chemistry":
        yield from _of_molecule(report)
    elif "decoded" in report["solution"]:
        yield from _of_form(report)
    elif report["algorithm"]["name"] == "divide":
        yield from _of_divided(report)
    else:
        yield from _of_optimisation(report)
    if source := report["request"].get("source"):
        yield "read from", f"{source['file']}, as {source['format']}"
    for each in report["warnings"]:
        yield "warning", each
    device = report["device"]
    if device.get("emulated"):
        yield "device", f"{device['name']}, EMULATED on this machine: a rehearsal"
    elif device["name"] != "local":
        yield "device", device["name"]
    cost, timing = report["cost"], report["timing"]
    if cost.get("cut_short"):
        yield "partial", f"cut short: {cost['cut_short']}"
    yield "cost", _cost(report)
    yield "prices", cost["prices_as_of"]
    yield "time", f"queue {timing['queue_seconds']:.1f} s, job {timing['job_seconds']:.1f} s"


def _cost(report: Mapping[str, Any]) -> str:
    """Return what the run cost; of a rehearsal, what its tasks cost on AWS."""
    cost = report["cost"]
    if not report["device"].get("emulated"):
        return f"{cost['actual_usd']:.4f} USD, estimated {cost['estimated_usd']:.4f}"
    tasks = sum(task["usd"] for task in cost["tasks"])
    return (
        f"nothing billed here; on AWS {tasks:.4f} USD of tasks, estimated "
        f"{cost['estimated_usd']:.4f}, and the job's instance"
    )


def _with_error(energy: float, error: float | None, random: float) -> str:
    """Return an energy to the two digits of its standard error, or to be told from random bits'."""
    return _to_error(energy, error) if error else digits(energy, random)


def _to_error(value: float, error: float) -> str:
    """Return a value to the two digits of its error.

    >>> _to_error(1.54823, 0.0213)
    '1.548 +- 0.021'
    """
    decimals = max(0, 1 - math.floor(math.log10(error)))
    return f"{value:.{decimals}f} +- {error:.{decimals}f}"


def _of_molecule(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    problem, solution, quality = report["problem"], report["solution"], report["quality"]
    name, ansatz = problem["molecule"] or problem["formula"], report["algorithm"]["ansatz"].upper()
    basis = f", {problem['basis']}" if problem["basis"] else ""
    yield "molecule", f"{name}{basis}, {problem['n_qubits']} qubits"
    length = solution["bond_length_angstrom"]
    at = f"  at {length:g} angstrom, the lowest of {len(report['scan'])}" if report["scan"] else ""
    yield "energy", f"{solution['energy']:z.6f} hartree{at}"
    if report.get("measured"):
        found = report["measured"]
        off = f"{found['counts']}, off by {found['error_millihartree']:.3g} mHa"
        error = found["standard_error"]
        spread = "" if error is None else f" +- {error:.6f}"
        yield "measured", f"{found['energy']:z.6f}{spread}  {off}"
    if report.get("measured") and report["mitigation"]:
        other = "raw" if report["mitigation"]["kept"] == "mitigated" else "mitigated"
        it = report["mitigation"][other]
        off = f"not kept, off by {1000 * (it['energy'] - solution['energy']):.3g} mHa"
        yield other, f"{it['energy']:z.6f} +- {it['standard_error']:.6f}  {off}"
    if found := report["equilibrium"]:
        length = _to_error(found["bond_length_angstrom"], max(1e-4, found["uncertainty_angstrom"]))
        yield "equilibrium", f"{length} angstrom, interpolated"
    for each in report["failed"]:
        yield "no energy", f"at {each['bond_length_angstrom']:g} angstrom: {each['reason']}"
    if quality["best_known_by"] == "exact":
        yield "exact", f"{quality['best_known']:z.6f}  by {quality['classical']['method']}"
    yield "Hartree-Fock", f"{quality['hartree_fock']:z.6f}"
    yield "verdict", f"VQE ({ansatz}) was {quality['verdict']}"


def _of_optimisation(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    problem, solution, quality = report["problem"], report["solution"], report["quality"]
    goal = {"maximise": "highest value", "minimise": "lowest value"}[problem["sense"]]
    goal = "best cut" if problem["type"] == "maxcut" else goal
    yield "problem", f"{problem['type']}, {problem['n_variables']} variables"
    found, best = solution["objective"], quality["best_known"]
    random = quality["random_mean_energy"] * (-1 if problem["sense"] == "maximise" else 1)
    yield goal, f"{digits(found, best, random, least=10)}  at {_shortened(solution['bitstring'])}"
    found_by = f"found by {quality['best_known_by']}"
    if quality["best_known_by"] == "exact":
        found_by = f"proven by {quality['classical']['method']}"
    yield "best known", f"{digits(best, found, random, least=10)}, {found_by}"
    ratio, expected = quality["approximation_ratio"], quality["expected_ratio"]
    if ratio is None:
        yield "ratio", f"undefined: {quality['ratio_undefined_because']}"
    else:
        reached = "1.0" if ratio == 1 else short_of_one(ratio, 6)
        whose = "the best sample" if solution["found_by"] == "samples" else "the rounded solution"
        yield "ratio", f"{reached} of {whose}, {short_of_one(expected)} of the mean"
    if report["device"]["kind"] != "local":
        yield "mean energy", _energies(quality, report["mitigation"])
    yield "verdict", f"{report['algorithm']['name'].upper()} was {quality['verdict']}"


def _of_divided(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    problem, solution, quality = report["problem"], report["solution"], report["quality"]
    algorithm = report["algorithm"]
    blocks = f"{algorithm['n_blocks']:,} blocks of up to {algorithm['block_size']}"
    yield "problem", f"{problem['type']}, {problem['n_variables']:,} variables in {blocks}"
    goal = {"maximise": "highest value", "minimise": "lowest value"}[problem["sense"]]
    goal = "best cut" if problem["type"] == "maxcut" else goal
    found, best = solution["objective"], quality["best_known"]
    yield goal, f"{digits(found, best, least=10)}  at {_shortened(solution['bitstring'])}"
    found_by = f"found by {quality['best_known_by']}"
    if quality["best_known_by"] == "exact":
        found_by = f"proven by {quality['classical']['method']}"
    yield "best known", f"{digits(best, found, least=10)}, {found_by}"
    if (ratio := quality["approximation_ratio"]) is not None:
        yield "ratio", "1.0" if ratio == 1 else short_of_one(ratio, 6)
    for each in quality["attribution"][1:]:
        reached = digits(each["objective"], best, least=10)
        yield "way", f"{reached} in {each['seconds']:.3g} s: {each['words']}"
    yield "credit", quality["credit_because"]
    yield "verdict", quality["verdict"]


def _of_form(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    problem, solution, quality = report["problem"], report["solution"], report["quality"]
    shots = sum(report["samples"].values())
    states = f"{problem['n_states']:,} states, {problem['n_feasible']:,} feasible"
    yield "problem", f"{problem['type']}, {problem['space']}: {states}"
    decoded = solution["decoded"]
    if decoded is not None:
        yield "answer" if solution["objective"] is not None else "nearest", decoded["words"]
    yield "objective", _objective_of_form(solution, quality)
    for each in solution["violated"]:
        yield "broken", f"{each['rule']}: by {digits(each['by'])}"
    if quality["approximation_ratio"] is not None:
        reached = short_of_one(quality["approximation_ratio"], 6)
        mean, random = (short_of_one(quality[name]) for name in ("expected_ratio", "random_ratio"))
        yield "ratio", f"{reached} of the best shot, {mean} of the mean, {random} of blind picks"
    yield (
        "feasible",
        f"{percent(quality['feasible_share_of_shots'])} of the shots, of random states "
        f"{percent(quality['random_feasible_share'])}",
    )
    if report["device"]["kind"] != "local":
        if problem["n_groups"] < len(solution["bitstring"]):  # not free bits alone
            yield "in groups", _in_groups(quality)
        yield "mean energy", _energies(quality, report["mitigation"])
    mine, blind = (
        f"{percent(quality[name])} a shot, {percent(quality[f'{name}_in_shots'])} in {shots}"
        for name in ("probability_of_best", "blind_probability_of_best")
    )
    yield "best", f"{mine}; blind picks {blind}"
    yield "verdict", f"{report['algorithm']['name'].upper()} was {quality['verdict']}"


def _objective_of_form(solution: Mapping[str, Any], quality: Mapping[str, Any]) -> str:
    """Return what was found beside what is best; where nothing was, the latter alone."""
    found, best, random = (
        solution["objective"],
        quality["best_known"],
        quality["random_mean_objective"],
    )
    how = f"found by {quality['classical']['method']}"
    if quality["classical"]["proven"]:
        how = f"proven by {quality['classical']['method']}"
    known = f"best known {digits(best, found, random, least=10)}, {how}"
    if found is None:
        return f"no feasible answer; {known}"
    return f"{digits(found, best, random, least=10)}; {known}"


def _in_groups(quality: Mapping[str, Any]) -> str:
    """Return the share of shots that keep the groups' rules, and what their mean energy is."""
    said = f"{percent(quality['space_share_of_shots'])} of the shots keep the rules of all groups"
    if not quality["discarded_shots"] or quality["selected_energy"] is None:
        return said
    selected = _with_error(
        quality["selected_energy"],
        quality["selected_standard_error"],
        quality["random_mean_energy"],
    )
    return f"{said}; without the other {quality['discarded_shots']:,} the energy is {selected}"


def _energies(quality: Mapping[str, Any], mitigation: Mapping[str, Any] | None) -> str:
    """Return raw, mitigated and exact energy of the circuit, beside each other."""
    random = quality["random_mean_energy"]
    found = [f"raw {_with_error(quality['mean_energy'], quality['standard_error'], random)}"]
    if mitigation:
        it, kept = mitigation["mitigated"], mitigation["kept"] == "mitigated"
        mitigated = _with_error(it["energy"], it["standard_error"], random)
        found.append(f"mitigated {mitigated}{'' if kept else ' (not kept)'}")
    if quality["trained_energy"] is not None:
        found.append(f"exact {digits(quality['trained_energy'], random)}")
    return ", ".join(found)


def _shortened(bitstring: str) -> str:
    return bitstring if len(bitstring) <= 60 else f"{bitstring[:28]}...{bitstring[-28:]}"


def estimates(found: Sequence[Estimate | PackEstimate | StudyEstimate], *, as_json: bool) -> None:
    """Print estimates as tables, or one as a JSON object and several as a list of them."""
    if as_json:
        each = [estimate.model_dump(mode="json") for estimate in found]
        click.echo(json.dumps(each[0] if len(each) == 1 else each, indent=2))
        return
    for number, estimate in enumerate(found):
        if number:
            _out.print()
        figures(estimate.lines())


def devices(rows: Sequence[ListedDevice], *, as_json: bool) -> None:
    """Print what can be used now as a table of up to 100 columns, or as JSON."""
    if as_json:
        click.echo(json.dumps([row.model_dump(mode="json") for row in rows], indent=2))
        return
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    for name, justify in _COLUMNS:
        table.add_column(name, justify=justify, overflow="fold", no_wrap=name != "gates")
    for row in rows:
        table.add_row(*_cells(row), style="" if row.usable else "dim")
    Console(width=min(_out.width, 100) if _out.is_terminal else 100, highlight=False).print(table)
    _out.print(
        f"prices of {rows[0].prices_as_of}: of a task + of each of its shots; times in UTC",
        markup=False,
    )
    if any(row.emulated for row in rows):
        _out.print(
            "* emulated on this machine, with its topology, gates and typical errors: a rehearsal",
            markup=False,
        )


_COLUMNS: tuple[tuple[str, Literal["left", "right"]], ...] = (
    ("device", "left"),
    ("region", "left"),
    ("open", "left"),
    ("qubits", "right"),
    ("gates", "left"),
    ("shots", "left"),
    ("USD", "left"),
    ("queue", "right"),
    ("2q fid", "right"),
)


def _cells(row: ListedDevice) -> Iterator[str]:
    yield row.name + ("*" if row.emulated else "")
    yield {"local": "here", "simulator": "all"}.get(row.kind, row.region or "")
    yield row.availability
    yield _or_nothing(row.n_qubits)
    yield " ".join(row.native_gates) or {"qpu": "", "analog": "none: analog"}.get(row.kind, "any")
    yield "" if row.max_shots is None else f"{row.min_shots}-{row.max_shots}"
    yield row.price
    yield _or_nothing(row.queue)
    yield "" if row.two_qubit_fidelity is None else f"{row.two_qubit_fidelity:.4f}"


def side_by_side(names: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]) -> None:
    """Print what each run has of some fields: a row a field, a column a run."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    for name in ("", *names):
        table.add_column(Text(name), overflow="fold")
    for field, cells in rows:
        table.add_row(Text(field), *map(Text, cells))
    width = _out.width if _out.is_terminal else 40 * (1 + len(names))
    Console(width=width, highlight=False).print(table)


def _or_nothing(value: int | None) -> str:
    return "" if value is None else str(value)


def serving(environment: Mapping[str, str], outputs: Mapping[str, str]) -> None:
    """Print what another shell needs to use the served AWS."""
    for name, value in environment.items():
        click.echo(f"export {name}={value}")
    for name, value in outputs.items():
        click.echo(f"# {name}: {value}")
    click.echo(
        "# aws stepfunctions start-execution --state-machine-arn "
        f"{outputs['StateMachineArn']} --input file://REQUEST.json"
    )
    note("serving until Ctrl-C")
