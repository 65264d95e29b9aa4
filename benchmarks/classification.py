"""Classification held to what others published, and to its own word.

``python -m benchmarks.classification`` runs whole jobs in this process, each verified, and prints

    published   mean accuracies beside those that XanaduAI/qml-benchmarks stores, on its own two
                tables of 10 columns, drawn here by its description in its order of draws; it tests
                on one set of 60 rows, we on as many of several splits
    causes      what of the differences is the rows that are tested: its settings of the support
                vector machine, and its projected kernel tuned on its grid, on its split and on
                ours; and what training is: a re-uploading circuit trained as it trains its own,
                without rows held out, from wide weights
    verdicts    the tables of the examples with several seeds: how often the report says that the
                quantum model is better, or worse, and of that how often scipy's paired test of the
                predictions does not give it
    shuffled    the same with shuffled classes: the rows that a model gets right, beside those of
                its own predictions if classes hang on nothing

Runs are shared out among processes of one thread each. It exits with 1 if a report says more than
the test gives, or shuffled classes are foretold.

Source: Bowles, Ahmed, Schuld, arXiv:2403.07059, and the tables of results beside its code.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.stats import binomtest
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

from benchmarks import evolution_kernel, machine, options
from benchmarks.constrained import solved_here
from benchmarks.evolution_kernel import Rows
from benchmarks.processors import outcome_of
from hybrid_job.learning.reuploading import Labelled, Loss, Shape
from hybrid_job.learning.reuploading_training import Adam, started
from quantum_pipeline.classification.parts import parts
from quantum_pipeline.classification.prediction import decided
from quantum_pipeline.problems.classification import Classification
from quantum_pipeline.reports import ClassificationReport, build_report
from quantum_pipeline.reports.classification_parts import Shown
from quantum_pipeline.results import read_result
from quantum_pipeline.results.classification import ClassificationResult

Json = dict[str, Any]
Real = NDArray[np.float64]
Classes = NDArray[np.int64]

N_ROWS, N_COLUMNS, TEST_SHARE = 300, 10, 0.2
EXAMPLES = Path(__file__).parents[1] / "events" / "requests"
TABLES = ("iris", "wine", "breast_cancer", "two_moons", "hidden_manifold")
LEVEL, ERRORS = 0.05, 3.0
QUANTUM = ("quantum", "without entanglement")


class Drawn(NamedTuple):
    """A published table: its rows in order, and the split that it is tested on."""

    rows: Rows
    trained: Rows
    tested: Rows


def linearly_separable() -> Drawn:
    """Return uniform points of [-1, 1]^10 on both sides of the plane where their numbers add up to
    0, none whose sum is below 0.2: the ninth draw of the seed 42."""
    rng = np.random.RandomState(42)
    for width in range(2, N_COLUMNS + 1):
        points = 2 * rng.rand(2 * N_ROWS, width) - 1
        sums = points.sum(axis=1)
        kept = np.flatnonzero(np.abs(sums) > 0.02 * width)[:N_ROWS]
        drawn = _split(Rows(points[kept], (sums[kept] < 0).astype(np.int64)), rng)
    return drawn


def hyperplanes() -> Drawn:
    """Return normal points of 3 dimensions in 10 columns, by the parity of how many of 5 planes
    they are above, as many of each: the fourth draw of the seed 1."""
    rng = np.random.RandomState(1)
    for planes in range(2, 6):
        normals, offsets = rng.uniform(size=(planes, 3)), rng.uniform(size=planes)
        points = rng.normal(size=(4 * N_ROWS, 3))
        odd = (points @ normals.T + offsets > 0).sum(axis=1) % 2
        half = N_ROWS // 2
        chosen = np.concatenate([np.flatnonzero(odd == parity)[:half] for parity in (0, 1)])
        numbers = points[chosen] @ rng.uniform(size=(3, N_COLUMNS))
        numbers = (numbers - numbers.mean(axis=0)) / numbers.std(axis=0)
        drawn = _split(Rows(numbers, odd[chosen]), rng)
    return drawn


def _split(rows: Rows, rng: np.random.RandomState) -> Drawn:
    split = train_test_split(*rows, test_size=TEST_SHARE, random_state=rng)
    return Drawn(rows, Rows(split[0], split[2]), Rows(split[1], split[3]))


class Stored(NamedTuple):
    """A mean that was published: whose, and within what ours should be."""

    algorithm: str
    model: str
    accuracy: float
    within: float


PUBLISHED: dict[str, tuple[Callable[[], Drawn], Json, tuple[Stored, ...]]] = {
    "linearly separable": (
        linearly_separable,
        {"gamma": 0.01, "C": 10.0},
        (
            Stored("reuploading", "rbf svm", 0.983, 0.03),
            Stored("reuploading", "mlp", 1.0, 0.03),
            Stored("reuploading", "quantum", 0.890, 0.05),
            Stored("reuploading", "without entanglement", 0.977, 0.05),
        ),
    ),
    "hyperplanes and parity": (
        hyperplanes,
        {"gamma": 0.1, "C": 10.0},
        (
            Stored("reuploading", "rbf svm", 0.817, 0.03),
            Stored("reuploading", "mlp", 0.840, 0.03),
            Stored("reuploading", "quantum", 0.870, 0.05),
            Stored("kernel", "quantum", 0.887, 0.05),
        ),
    ),
}
"""With gamma and C of the stored support vector machine."""
HAS_KERNEL = "hyperplanes and parity"
"""The table of which a mean of a projected kernel is stored."""


def request_of(drawn: Drawn, seed: int, algorithm: Json) -> Json:
    """Return the request of a published table."""
    names = [f"x{k}" for k in range(N_COLUMNS)]
    rows = [
        [*numbers, "ab"[number]]
        for numbers, number in zip(
            drawn.rows.numbers.tolist(), drawn.rows.classes.tolist(), strict=True
        )
    ]
    problem = {
        "type": "classification", "columns": [*names, "class"], "rows": rows, "target": "class",
        "test_share": TEST_SHARE, "components": N_COLUMNS, "seed": seed,
    }  # fmt: skip
    return {"problem": problem, "device": "local", "algorithm": algorithm}


class Judged(NamedTuple):
    """What the models of a run said of the tested rows, whose classes are these, and its report."""

    classes: Classes
    predictions: dict[str, Classes]
    outcome: Shown

    def right(self, name: str) -> NDArray[np.bool_]:
        return np.asarray(self.predictions[name] == self.classes)

    def accuracy(self, name: str) -> float:
        return float(self.right(name).mean())


def judged(request: Json) -> Judged:
    """Return what the verified result of a request's job says, and its report."""
    prepared, claimed = solved_here(request)
    result = read_result(claimed.model_dump(mode="json"), prepared)
    problem = prepared.request.problem
    assert isinstance(result, ClassificationResult)
    assert isinstance(problem, Classification)
    classes = np.array(problem.labels)[problem.parts.tested]
    report = build_report(prepared, outcome_of(prepared), result)
    assert isinstance(report, ClassificationReport)
    predictions: dict[str, Classes] = {
        each.name: np.array(each.predictions) for each in result.models
    }
    return Judged(classes, predictions, report.quality.outcome)


Map = Callable[..., Iterable[Any]]
"""``map``, or that of a pool of processes."""


def mean_and_error(values: list[float]) -> tuple[float, float]:
    """Return the mean and its standard error."""
    error = np.std(values, ddof=1) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return float(np.mean(values)), float(error)


def published(
    algorithms: tuple[str, ...], splits: int, settings: int | None, every: Map
) -> Iterator[tuple[str, Stored, list[float]]]:
    """Yield the accuracies of our splits beside each published mean."""
    rows = [
        (name, row)
        for name, (_, _, stored) in PUBLISHED.items()
        for row in stored
        if row.algorithm in algorithms
    ]
    drawn = {name: draw() for name, (draw, _, _) in PUBLISHED.items()}
    kinds = dict.fromkeys((name, row.algorithm) for name, row in rows)
    asked = [
        request_of(drawn[name], seed, _asked(algorithm, settings))
        for name, algorithm in kinds
        for seed in range(splits)
    ]
    found = iter(every(judged, asked))
    of_kind = {kind: list(islice(found, splits)) for kind in kinds}
    for name, row in rows:
        yield name, row, [each.accuracy(row.model) for each in of_kind[name, row.algorithm]]


def _asked(algorithm: str, settings: int | None) -> Json:
    """Return the algorithm of a request; a kernel is projected, as the published one."""
    asked: Json = {"name": algorithm, "max_evaluations": settings}
    return asked | ({"kernel": "projected"} if algorithm == "kernel" else {})


def split_of(rows: Rows, seed: int) -> tuple[Rows, Rows]:
    """Return the trained and the tested rows of one of our splits."""
    found = parts(rows.classes.tolist(), TEST_SHARE, seed)
    ours = (Rows(rows.numbers[at], rows.classes[at]) for at in found)
    return next(ours), next(ours)


def of_stored_machine(setting: Json, trained: Rows, tested: Rows) -> float:
    """Return the accuracy of a support vector machine of stored settings."""
    return float(SVC(**setting).fit(*trained).score(*tested))


OTHERS_STEPS, OTHERS_RATE = 300, 0.05


def trained_to_the_end(trained: Rows, tested: Rows, seed: int) -> tuple[float, float]:
    """Return the accuracies, on trained and tested rows, of a circuit trained without any held out.

    Weights begin with a deviation of 1, and nothing decays.
    """
    means, scales = trained.numbers.mean(axis=0), trained.numbers.std(axis=0)
    given, asked = (
        Labelled((each.numbers - means) / scales, each.classes) for each in (trained, tested)
    )
    shape, rng = Shape(4, N_COLUMNS, 2, entangled=True), np.random.default_rng(seed)
    loss, parameters = Loss(shape), started(shape, 1.0, rng)
    adam = Adam(OTHERS_RATE, parameters.flat().size)
    for _ in range(OTHERS_STEPS):
        batch = rng.choice(len(given.classes), 32, replace=False)
        step = adam.step(loss.gradient(parameters, given.at(batch))[1].flat())
        parameters = parameters.moved(step)
    found = (decided(loss.scores(parameters, each.rows)) == each.classes for each in (given, asked))
    return float(next(found).mean()), float(next(found).mean())


def example(name: str, seed: int, algorithm: Json, shuffled: np.random.Generator | None) -> Json:
    """Return an example's request with another seed, algorithm, and perhaps order of classes."""
    request: Json = json.loads((EXAMPLES / f"classification_{name}.json").read_text("utf-8"))
    problem = request["problem"] | {"seed": seed}
    if shuffled is not None:
        place = problem["columns"].index(problem["target"])
        classes = shuffled.permutation([row[place] for row in problem["rows"]]).tolist()
        rows = zip(problem["rows"], classes, strict=True)
        problem["rows"] = [[*row[:place], own, *row[place + 1 :]] for row, own in rows]
    return {"problem": problem, "device": "local", "seed": seed, "algorithm": algorithm}


class Verdict(NamedTuple):
    """What a report says of the quantum model, and whether scipy's exact paired test gives it.

    ``classical`` is the accuracy of the classical model that is best on the tested rows.
    """

    quantum: float
    classical: float
    outcome: Shown
    is_given: bool


def verdict(found: Judged) -> Verdict:
    """Return a report's outcome beside the tests.

    An advantage is given below LEVEL against each classical model, that one is better below LEVEL
    divided by how many they are.
    """
    rivals = [name for name in found.predictions if name not in QUANTUM]
    quantum, best = found.accuracy("quantum"), max(map(found.accuracy, rivals))
    tests = [(found.accuracy(name), _p_value(found, name)) for name in rivals]
    given = {
        "better": all(quantum > other and p < LEVEL for other, p in tests),
        "worse": any(quantum < other == best and p < LEVEL / len(tests) for other, p in tests),
        "no difference shown": True,
    }
    return Verdict(quantum, best, found.outcome, given[found.outcome])


def _p_value(found: Judged, other: str) -> float:
    mine, theirs = found.right("quantum"), found.right(other)
    first, apart = int((mine & ~theirs).sum()), int((mine != theirs).sum())
    return float(binomtest(first, apart).pvalue) if apart else 1.0


def of_chance(runs: list[Judged], name: str) -> float:
    """Return by how many standard errors a model is right more often than its predictions would be
    if classes hung on nothing."""
    surplus = variance = 0.0
    for run in runs:
        n, k = len(run.classes), int(max(run.classes.max(), run.predictions[name].max())) + 1
        own, said = (
            np.bincount(each, minlength=k) / n for each in (run.classes, run.predictions[name])
        )
        expected = float(own @ said)
        surplus += float(run.right(name).sum()) - n * expected
        variance += n * expected * (1 - expected)
    return surplus / math.sqrt(variance) if variance else 0.0


def show_published(
    algorithms: tuple[str, ...], splits: int, settings: int | None, every: Map
) -> list[Json]:
    """Print ours beside what was published."""
    table = Table(
        "table", "model", "published", f"ours, {splits} splits", "difference", "within",
        title=f"{TEST_SHARE:.0%} of {N_ROWS} rows tested",
    )  # fmt: skip
    figures = []
    for name, row, found in published(algorithms, splits, settings, every):
        mean, error = mean_and_error(found)
        apart = mean - row.accuracy
        inside = "yes" if abs(apart) <= row.within else f"no: more than {row.within}"
        model = f"{row.model}, {row.algorithm}" if row.model == "quantum" else row.model
        ours = f"{mean:.3f} +- {error:.3f}"
        table.add_row(name, model, f"{row.accuracy:.3f}", ours, f"{apart:+.3f}", inside)
        figures.append({"table": name, **row._asdict(), "ours": found})
    Console().print(table)
    return figures


def show_causes(splits: int, every: Map) -> Json:
    """Print what of the differences is the split, and what the training."""
    table = Table("table", "what", "published split", f"ours, {splits} splits")
    figures: Json = {}
    for name, (draw, setting, _) in PUBLISHED.items():
        drawn = draw()
        ours = [split_of(drawn.rows, seed) for seed in range(splits)]
        there = of_stored_machine(setting, drawn.trained, drawn.tested)
        here = [of_stored_machine(setting, *each) for each in ours]
        words = "support vector machine of " + ", ".join(f"{k} {v:g}" for k, v in setting.items())
        table.add_row(name, words, f"{there:.4f}", _with_error(here))
        figures[name] = {"machine": {"published split": there, "ours": here}}
        if name == HAS_KERNEL:
            splits_of = [(drawn.trained, drawn.tested), *ours]
            own, *others = every(evolution_kernel.tuned, *zip(*splits_of, strict=True))
            means = [float(np.mean(each.tested)) for each in others]
            words = "its projected kernel, tuned on its grid, 5 seeds: tested (folds)"
            folds = np.mean([each.folds for each in others])
            cells = f"{np.mean(own.tested):.3f} ({own.folds:.3f})", _with_error(means)
            table.add_row(name, words, cells[0], f"{cells[1]} ({folds:.3f})")
            figures[name]["projected kernel"] = [each._asdict() for each in (own, *others)]
        trained = [drawn.trained] * splits, [drawn.tested] * splits, range(splits)
        runs = list(every(trained_to_the_end, *trained))
        of_trained, of_tested = (mean_and_error([run[k] for run in runs]) for k in (0, 1))
        words = "re-uploading, no rows held out: trained, tested"
        there_words = "{:.3f} +- {:.3f}, {:.3f} +- {:.3f}".format(*of_trained, *of_tested)
        table.add_row(name, words, there_words, "")
        figures[name]["circuit"] = runs
    Console().print(table)
    return figures


def _with_error(values: list[float]) -> str:
    return "{:.3f} +- {:.3f}".format(*mean_and_error(values))


def show_verdicts(
    algorithms: tuple[str, ...], seeds: int, settings: int | None, every: Map
) -> list[Json]:
    """Print how often reports say that the quantum model is better, or worse, and wrongly so."""
    table = Table(
        "table", "quantum model", "accuracy", "best classical", "better", "worse", "not given"
    )
    figures = []
    asked = [
        example(name, seed, {"name": algorithm, "max_evaluations": settings}, None)
        for algorithm in algorithms
        for name in TABLES
        for seed in range(seeds)
    ]
    runs = iter(every(judged, asked))
    for algorithm in algorithms:
        for name in TABLES:
            found = [verdict(run) for run in islice(runs, seeds)]
            said = Counter(each.outcome for each in found)
            table.add_row(
                name.replace("_", " "), algorithm,
                _with_error([each.quantum for each in found]),
                _with_error([each.classical for each in found]),
                f"{said['better']} of {seeds}", f"{said['worse']} of {seeds}",
                f"{sum(not each.is_given for each in found)}",
            )  # fmt: skip
            figures += [{"table": name, "model": algorithm, **each._asdict()} for each in found]
    Console().print(table)
    return figures


def show_shuffled(
    algorithms: tuple[str, ...], seeds: int, settings: int | None, every: Map
) -> Json:
    """Print how far from chance each model is where classes hang on nothing."""
    table, figures = Table("model", "runs", "standard errors above chance"), dict[str, float]()
    runs = defaultdict[str, list[Judged]](list)
    kinds = [(algorithm, name, seed) for algorithm in algorithms for name in TABLES
             for seed in range(seeds)]  # fmt: skip
    asked = [
        example(
            name,
            seed,
            {"name": algorithm, "max_evaluations": settings},
            np.random.default_rng(seed),
        )
        for algorithm, name, seed in kinds
    ]
    for (algorithm, _, _), run in zip(kinds, every(judged, asked), strict=True):
        for model in run.predictions:
            runs[f"{model}, {algorithm}" if model in QUANTUM else model].append(run)
    for model, found in runs.items():
        figures[model] = of_chance(found, model.partition(",")[0])
        table.add_row(model, f"{len(found)}", f"{figures[model]:+.2f}")
    Console().print(table)
    return figures


@click.command()
@click.option(
    "--only", type=click.Choice(["published", "causes", "verdicts", "shuffled"]), multiple=True
)
@click.option(
    "--algorithm", "algorithms", multiple=True, default=("kernel", "reuploading"),
    show_default=True, type=click.Choice(["kernel", "reuploading"]), help="Whose runs.",
)  # fmt: skip
@click.option("--splits", default=5, show_default=True, help="Of each published table.")
@click.option("--seeds", default=5, show_default=True, help="Of each example.")
@click.option("--settings", type=int, help="That each model may try; as planned if not given.")
@click.option("--processes", default=os.cpu_count(), show_default=True, type=click.IntRange(min=1))
@options.json_file
def main(
    *, only: tuple[str, ...], algorithms: tuple[str, ...], splits: int, seeds: int,
    settings: int | None, processes: int, json_file: Path | None,
) -> None:  # fmt: skip
    """Print accuracies beside published ones, and how often verdicts claim more than they may."""
    machine.pin_threads(1)
    with ProcessPoolExecutor(processes) as pool:
        parts_of: dict[str, Callable[[], Any]] = {
            "published": lambda: show_published(algorithms, splits, settings, pool.map),
            "causes": lambda: show_causes(splits, pool.map),
            "verdicts": lambda: show_verdicts(algorithms, seeds, settings, pool.map),
            "shuffled": lambda: show_shuffled(algorithms, seeds, settings, pool.map),
        }
        figures = {name: show() for name, show in parts_of.items() if not only or name in only}
    options.write(json_file, figures)
    far = [model for model, errors in figures.get("shuffled", {}).items() if abs(errors) > ERRORS]
    beyond = [each for each in figures.get("verdicts", ()) if not each["is_given"]]
    sys.exit(bool(far or beyond))


if __name__ == "__main__":
    main()
