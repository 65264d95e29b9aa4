"""What a person wants to know first of a report: a name and a line each, in the terminal."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from quantum_pipeline.cli import layout
from quantum_pipeline.wording import digits, percent, short_of_one, shown

MOST_NAMES = 40
"""Of variables that are printed of a solution."""


def main_figures(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a person wants to know first of a report, a name and a line each."""
    if report["problem"]["type"] == "chemistry":
        yield from _of_molecule(report)
    elif report["problem"]["type"] == "classification":
        yield from _of_classification(report)
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
    yield "problem", f"{problem['type']}, {problem['n_variables']} variables"
    found, best = solution["objective"], quality["best_known"]
    random = quality["random_mean_energy"] * (-1 if problem["sense"] == "maximise" else 1)
    yield (
        _goal(problem),
        f"{digits(found, best, random, least=10)}  at {_shortened(solution['bitstring'])}",
    )
    yield from _by_names(problem["type"], solution["assignment"])
    yield "best known", f"{digits(best, found, random, least=10)}, {_known_by(quality)}"
    ratio, expected = quality["approximation_ratio"], quality["expected_ratio"]
    if ratio is None:
        yield "ratio", f"undefined: {quality['ratio_undefined_because']}"
    else:
        reached = "1.0" if ratio == 1 else short_of_one(ratio, 6)
        whose = "the best sample" if solution["found_by"] == "samples" else "the rounded solution"
        yield "ratio", f"{reached} of {whose}, {short_of_one(expected)} of the mean"
    if report["device"]["kind"] != "local":
        yield "mean energy", _energies(quality, report["mitigation"])
    if cut := report.get("cut"):
        gates, widths = len(cut["gates"]), [str(part["n_qubits"]) for part in cut["parts"]]
        into = f"parts of {', '.join(widths)} qubits; overhead {cut['overhead']:.3g}"
        yield "cut", f"{gates} gate{'s' * (gates != 1)}, {into}"
    yield "verdict", f"{report['algorithm']['name'].upper()} was {quality['verdict']}"


def _goal(problem: Mapping[str, Any]) -> str:
    """Return what the best value of a problem is called."""
    if problem["type"] == "maxcut":
        return "best cut"
    return {"maximise": "highest value", "minimise": "lowest value"}[problem["sense"]]


def _known_by(quality: Mapping[str, Any]) -> str:
    """Return who found the best value that is known, or what proved it."""
    if quality["best_known_by"] == "exact":
        return f"proven by {quality['classical']['method']}"
    return f"found by {quality['best_known_by']}"


def _of_divided(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    problem, solution, quality = report["problem"], report["solution"], report["quality"]
    algorithm = report["algorithm"]
    count = algorithm["n_blocks"]
    blocks = f"{count:,} block{'s' * (count != 1)} of up to {algorithm['block_size']}"
    yield "problem", f"{problem['type']}, {problem['n_variables']:,} variables in {blocks}"
    found, best = solution["objective"], quality["best_known"]
    yield _goal(problem), f"{digits(found, best, least=10)}  at {_shortened(solution['bitstring'])}"
    yield from _by_names(problem["type"], solution["assignment"])
    yield "best known", f"{digits(best, found, least=10)}, {_known_by(quality)}"
    if (ratio := quality["approximation_ratio"]) is not None:
        yield "ratio", "1.0" if ratio == 1 else short_of_one(ratio, 6)
    for each in quality["attribution"][1:]:
        reached = digits(each["objective"], best, least=10)
        yield "way", f"{reached} in {each['seconds']:.3g} s: {each['words']}"
    baseline = quality["classical"]
    reached = digits(baseline["objective"], best, least=10)
    yield "way", f"{reached} in {baseline['seconds']:.3g} s: {baseline['method']}, the baseline"
    yield "credit", quality["credit_because"]
    yield "verdict", quality["verdict"]


def _of_classification(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    problem, algorithm, quality = report["problem"], report["algorithm"], report["quality"]
    classes = len(problem["classes"])
    yield (
        "problem",
        f"classification of {problem['n_rows']:,} rows, {classes} classes of "
        + (shown(problem["target"])),
    )
    layers = f"{algorithm['depth']} layer{'s' * (algorithm['depth'] != 1)}"
    kind = f"{algorithm['name']}, {problem['n_qubits']} qubits, {layers}"
    chosen = [f"{name} {value}" for name, value in quality["models"][0]["settings"].items()]
    yield "model", ", ".join((kind, *chosen))
    low, high = (percent(quality["interval"][end]) for end in ("low", "high"))
    tested = f"{problem['n_tested']:,} tested rows"
    yield (
        "accuracy",
        f"{percent(quality['accuracy'])} of {tested} ({low} to {high} at the level of 95 %)",
    )
    yield "balanced", f"{percent(quality['balanced_accuracy'])}, the mean over the classes"
    if area := quality["roc_area"]:
        low, high = (f"{area['interval'][end]:.3f}" for end in ("low", "high"))
        yield "ROC area", f"{area['value']:.3f} ({low} to {high})"
    if measured := (report["kernel"] or {}).get("measured"):
        yield (
            "measured",
            f"{measured['n_entries']:,} entries of the kernel; with the exact kernel and the same "
            f"settings {percent(measured['exact_accuracy'])}",
        )
    for each in sorted(quality["models"][1:], key=lambda each: -each["right"]):
        own = "the same " if each["name"] == "without entanglement" else ""
        yield "beside it", f"{percent(each['accuracy'])} by {own}{each['name']}"
    if ablation := quality["ablation"]:
        said = {"no difference shown": "not shown to matter"}.get(ablation["shown"])
        said = said or f"{ablation['shown']} with it than without"
        yield "entangled", f"{said} (p = {ablation['p_value']:.2g})"
    yield "verdict", quality["verdict"]


def _by_names(kind: str, assignment: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Yield a solution in the names of its variables, where they have names and no numbers."""
    if list(assignment) == list(map(str, range(len(assignment)))):
        return
    ones, others = ([name for name, x in assignment.items() if x == bit] for bit in (1, 0))
    if kind == "maxcut":
        yield "one side", _listed(ones)
        yield "the other", _listed(others)
    else:
        yield "are 1", _listed(ones)


def _listed(names: Sequence[str]) -> str:
    """Return names in one line; of many the first.

    >>> _listed(["ann", "bob"]), _listed([])
    ('ann, bob', 'none')
    """
    written = [name if name.isprintable() else shown(name) for name in names[:MOST_NAMES]]
    rest = len(names) - MOST_NAMES
    more = f" and {rest} more, which the report has" if rest > 0 else ""
    return f"{', '.join(written)}{more}" or "none"


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
    """Return a bitstring, its middle left out where it is longer than a line has room for."""
    most = int(min(60, max(11, layout.columns(sys.stdout, math.inf) - layout.NAMES)))
    half = (most - 3) // 2
    return bitstring if len(bitstring) <= most else f"{bitstring[:half]}...{bitstring[-half:]}"
