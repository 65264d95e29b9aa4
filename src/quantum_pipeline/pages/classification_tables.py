"""The texts and tables of the page of a classification: headline, all models, all figures."""

from __future__ import annotations

from typing import NamedTuple

from quantum_pipeline.pages import rows
from quantum_pipeline.pages.emulation import device_name
from quantum_pipeline.pages.numbers import number, ratio, seconds
from quantum_pipeline.pages.rows import Row, Table
from quantum_pipeline.reports import ClassificationReport
from quantum_pipeline.reports.classification_parts import MeasuredPart, ModelPart, PairedPart, Shown
from quantum_pipeline.reports.classification_statistics import Area, Interval
from quantum_pipeline.wording import percent


class Competing(NamedTuple):
    """One model: how it did in folds and when tested, what was chosen for it, its time."""

    name: str
    accuracy: str
    balanced: str
    area: str
    folds: str
    settings: str
    fits: str
    time: str
    leads: bool


def headline(report: ClassificationReport) -> list[tuple[str, str, str]]:
    """Return how accurate the model is, what that is worth beside others, what it cost."""
    quality, problem = report.quality, report.problem
    right = round(quality.accuracy * problem.n_tested)
    return [
        *rows.cut_in_short(report),
        *rows.read_from(report),
        *rows.warned(report),
        (
            "Accuracy",
            percent(quality.accuracy),
            f"{right} of {problem.n_tested} tested rows right; at 95 % from "
            f"{_interval(quality.interval)}.",
        ),
        ("Verdict", _SHOWN[quality.outcome], f"{quality.verdict[0].upper()}{quality.verdict[1:]}."),
        rows.cost_in_short(report, 0),
    ]


_SHOWN: dict[Shown, str] = {
    "better": "better than classical",
    "no difference shown": "no difference shown",
    "worse": "worse than classical",
}


def _interval(found: Interval) -> str:
    return f"{percent(found.low)} to {percent(found.high)}"


def _area(found: Area | None) -> str:
    if found is None:
        return "–"
    low, high = f"{found.interval.low:.2f}", f"{found.interval.high:.2f}"
    return f"{found.value:.3f} ({low} to {high})"


def models(report: ClassificationReport) -> list[Competing]:
    """Return the models, the quantum one first, then by their accuracy on the tested rows."""
    return [_competing(each) for each in report.quality.ranked]


def _competing(each: ModelPart) -> Competing:
    return Competing(
        name=each.name,
        accuracy=f"{percent(each.accuracy)} ({_interval(each.interval)})",
        balanced=percent(each.balanced_accuracy),
        area=_area(each.roc_area),
        folds=percent(each.fold_accuracy),
        settings=", ".join(f"{name} {value}" for name, value in each.settings.items()) or "–",
        fits=f"{each.fits}{_unconverged(each)}",
        time=seconds(each.seconds),
        leads=each.name == "quantum",
    )


def _unconverged(each: ModelPart) -> str:
    return f" ({each.unconverged} fits cut off)" if each.unconverged else ""


def tests(report: ClassificationReport) -> list[PairedPart]:
    """Return the paired tests: against the best classical model, and without entanglement."""
    quality = report.quality
    return [each for each in (quality.paired, quality.ablation) if each is not None]


def tables(report: ClassificationReport) -> list[Table]:
    """Return every figure of the report that fits in a line."""
    kernel = [Table("Kernel", "kernel", _kernel(report))] if report.kernel else []
    return [
        Table("Quality", "quality", _quality(report)),
        Table("Table", "problem", _problem(report)),
        Table("Algorithm", "algorithm", _algorithm(report)),
        *kernel,
        Table("Training", "analysis", rows.analysis(report, rows.ended(report))),
        *rows.of_every_run(report),
    ]


def _quality(report: ClassificationReport) -> list[Row]:
    quality = report.quality
    return [
        Row("accuracy", ratio(quality.accuracy), f"at 95 % from {_interval(quality.interval)}"),
        Row("balanced_accuracy", ratio(quality.balanced_accuracy), "mean over the classes"),
        Row(
            "roc_area",
            _area(quality.roc_area),
            "area under the ROC curve, the mean of one class against the rest each",
        ),
        Row("chance", ratio(quality.chance), "of always saying the most frequent class"),
        Row("best_known", ratio(quality.best_known), f"best classical: {quality.best_known_by}"),
        Row("difference", number(quality.difference), "to the best classical model"),
        Row("detectable", ratio(quality.detectable), "least difference that the rows can show"),
        Row("outcome", quality.outcome, quality.verdict),
        Row("quantum_seconds", seconds(quality.quantum_seconds), "of the quantum model, all fits"),
        Row(
            "classical.seconds",
            seconds(quality.classical.seconds),
            f"of {quality.classical.method}, all fits, on the same machine",
        ),
    ]


def _problem(report: ClassificationReport) -> list[Row]:
    problem = report.problem
    shares = ", ".join(f"{each.name} {each.trained} + {each.tested}" for each in problem.classes)
    return [
        Row("target", problem.target, "the column that is predicted"),
        Row("classes", str(len(problem.classes)), f"rows trained on + tested: {shares}"),
        Row("n_trained", str(problem.n_trained), "rows that models were chosen and fitted on"),
        Row("n_tested", str(problem.n_tested), "rows that no model had seen"),
        Row("n_columns", str(problem.n_columns), "besides the target"),
        Row("n_numbers", str(problem.n_numbers), "of a row, a word being a number each"),
        Row("n_qubits", str(problem.n_qubits), "a number of the scaled row each"),
    ]


def _algorithm(report: ClassificationReport) -> list[Row]:
    algorithm = report.algorithm
    found = [
        ("encoding", algorithm.encoding, "circuit that a row becomes the angles of"),
        ("kernel", algorithm.kernel, "likeness of two rows"),
        ("bandwidth", algorithm.bandwidth, "what scaled numbers are multiplied by"),
        ("regularisation", algorithm.regularisation, "C of the support vector machine"),
        ("n_support", algorithm.n_support, "trained rows that the model keeps"),
        ("n_parameters", algorithm.n_parameters, "numbers that were trained"),
    ]
    return [
        Row("name", algorithm.name, algorithm.chosen_because),
        Row("depth", str(algorithm.depth), "layers of the circuit"),
        Row("entangled", "yes" if algorithm.entangled else "no", "gates on two qubits"),
        *(
            Row(name, value if isinstance(value, str) else number(value), meaning)
            for name, value, meaning in found
            if value is not None
        ),
        Row("engine", algorithm.engine, "what computed the states"),
        Row("device", device_name(report), report.device.chosen_because),
    ]


def _kernel(report: ClassificationReport) -> list[Row]:
    kernel = report.kernel
    assert kernel is not None
    measured = (
        [] if kernel.measured is None else _measured(kernel.measured, report.quality.accuracy)
    )
    return [
        Row("mean", number(kernel.mean), f"off the diagonal, of {len(kernel.classes)} rows"),
        Row("spread", number(kernel.spread), "standard deviation of these"),
        Row("within", number(kernel.within), "mean of two rows of a class"),
        Row("between", number(kernel.between), "mean of rows of two classes"),
        *measured,
    ]


def _measured(found: MeasuredPart, accuracy: float) -> list[Row]:
    """Return what a device measured of the kernel, beside the exact one."""
    because = f"mitigation of each entry: {found.mitigated_because}"
    entries = f"entries that the device measured, of up to {found.shots:,} shots each"
    settings = f"with the same settings by exact states; measured {percent(accuracy)}"
    return [
        Row("measured.n_entries", f"{found.n_entries:,}", entries),
        Row("measured.mitigation", found.mitigation, because),
        Row("measured.raw_error", number(found.raw_error), "mean distance from the exact entries"),
        Row("measured.mitigated_error", number(found.mitigated_error), "the same, mitigated"),
        Row("measured.repaired_error", number(found.repaired_error), "the same, made positive"),
        Row("measured.exact_accuracy", ratio(found.exact_accuracy), settings),
    ]
