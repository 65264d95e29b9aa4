"""What learning from earlier runs saves: ``python -m benchmarks.learning``.

A catalogue of 60 earlier runs, and 40 unseen instances, of four families, n = 10 to 14: MaxCut on
3-regular graphs and on weighted G(n, 1/2), QUBO and spin glass. Earlier runs and unseen ones are
planned, solved, verified, reported and recorded by production's code, in this process. Starts:

    default     what a request without learning gets
    learned     the same with ``learn``; where gradients are exact, the comparison with the default
                counts as an evaluation, and where shots train, it may make half as many
    as deep     the default's fixed or transferred angles, with as many layers as learned
    ramp        a plain linear ramp

Counted are the evaluations until 99 % of the descent is reached, from random bits to the lowest
energy that any of the starts came to, judged by exact energies. Where shots train the angles, these
are of the angles that the optimiser stands at, between what it measures: followed to the end on
shots of the exact state, and only until 99 % are reached on the emulator of IQM Garnet with its
noise, of as many qubits as ``--device-variables``, for there an evaluation takes up to seconds.

Medians are printed, and in brackets how many instances never came there, which count as one
evaluation more than they made. USD are at Garnet's prices: of the evaluations until then, and of
whole runs by their estimates.

    default needs 6 or more evaluations    learned takes at most half
    elsewhere                              learned takes at most 1.1 times as many

An instance where learned never came there, and the default start did, has missed its bar.
"""

from __future__ import annotations

import contextlib
import io
import math
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import networkx as nx
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import machine, options
from benchmarks.families import FAMILIES
from benchmarks.mitigation import Emulator
from benchmarks.processors import outcome_of
from hybrid_job.engines import sampling
from hybrid_job.engines.choice import Engine, engine_for
from hybrid_job.job import QaoaJob
from hybrid_job.journal import Journal
from hybrid_job.limits import evaluations_used
from hybrid_job.main import solve_in
from hybrid_job.optimising.angles import transferred
from hybrid_job.optimising.optimiser import Real, linear_ramp, minimise
from hybrid_job.optimising.shot_optimisers import Estimate
from hybrid_job.solvers import training
from quantum_pipeline.catalogue.neighbours import coordinates, suggested
from quantum_pipeline.catalogue.record import RunRecord
from quantum_pipeline.catalogue.sources import DESCENDED, EndHeader, ReportHeader, record_of
from quantum_pipeline.devices.catalogue import find
from quantum_pipeline.devices.states import DeviceState
from quantum_pipeline.ising import IsingModel, all_energies, typical_field
from quantum_pipeline.ising.angles import from_units
from quantum_pipeline.ising.statevector import Qaoa
from quantum_pipeline.planning.costs import InstancePrice
from quantum_pipeline.planning.preparation import prepare
from quantum_pipeline.planning.prepared import PreparedRun, RunHeader
from quantum_pipeline.planning.tasks import TRAINING
from quantum_pipeline.problems.features import IsingFeatures
from quantum_pipeline.reports import build_report
from quantum_pipeline.requests.algorithm import SettledQaoa
from quantum_pipeline.requests.mitigation import Noise
from quantum_pipeline.requests.request import parse_request
from quantum_pipeline.results import AnyResult, read_result

FOUR = ("3-regular", "weighted half", "QUBO half", "spin glass")
SIZES = (10, 12, 14)
INSTANCE = InstancePrice(instance_type="ml.m5.large", usd_per_hour=0.115, as_of="2026-08-21")
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
GARNET = find("garnet")
SHOTS = 1000

MANY = 6
BARS = {"6 or more": 0.5, "fewer": 1.1}

Json = dict[str, Any]


def problem_of(family: str, model: IsingModel) -> Json:
    """Return a random model as a request has it."""
    if family in ("3-regular", "weighted half"):
        edges = [[i, j, 2 * coupling] for i, j, coupling in model.couplings]
        return {"type": "maxcut", "n_nodes": model.n_variables, "edges": edges}
    return {
        "type": "ising",
        "fields": list(model.fields),
        "couplings": [list(each) for each in model.couplings],
    }


class Runs:
    """Runs of this process, and the catalogue of those that have ended."""

    def __init__(self, folder: Path, states: Mapping[str, DeviceState]) -> None:
        self._folder, self._states = folder, states
        self.records: list[RunRecord] = []
        self._made = 0

    def prepared(self, request: Json) -> PreparedRun:
        """Return a run as Prepare leaves it, with what the catalogue suggests if it asks for it."""
        asked = parse_request(request)
        self._made += 1
        found = prepare(
            asked,
            self._states,
            instance=INSTANCE,
            region="eu-north-1",
            now=NOW,
            learning=suggested(asked, self._of_family, on_real_device=False),
        )
        return PreparedRun.of(
            found,
            run_id=f"run-{self._made}",
            execution_arn="arn:execution",
            problem_uri=None,
            created_at=NOW,
            prepare_seconds=0.0,
            asked=asked,
        )

    def _of_family(self, family: str) -> list[RunRecord]:
        return [each for each in reversed(self.records) if each.family == family]

    def solved(self, prepared: PreparedRun) -> AnyResult:
        """Return the verified result of a run that needs no device."""
        result = solve_in(prepared, self._folder / prepared.run_id, time.monotonic())
        return read_result(result.model_dump(mode="json"), prepared)

    def journal(self, prepared: PreparedRun) -> contextlib.closing[Journal]:
        """Return a new journal of a run."""
        return closing(Journal(self._folder / prepared.run_id, prepared.request))

    def remember(self, prepared: PreparedRun, result: AnyResult) -> None:
        """Put a run into the catalogue, by its report."""
        report = build_report(prepared, outcome_of(prepared), result).model_dump_json(by_alias=True)
        end = EndHeader(run_id=prepared.run_id, status="SUCCEEDED", ended_at=NOW)
        header = RunHeader.model_validate_json(prepared.model_dump_json(by_alias=True))
        self.records.append(record_of(end, header, ReportHeader.model_validate_json(report)))


@dataclass(frozen=True)
class Course:
    """Exact energies after each number of evaluations, from the first, and the lowest of all."""

    energies: Sequence[float]

    @property
    def lowest(self) -> float:
        return min(self.energies)

    def until(self, energy: float) -> int:
        """Return the evaluations until an energy was reached, one beyond all where it was not."""
        numbers = (n for n, each in enumerate(self.energies, 1) if each <= energy)
        return next(numbers, len(self.energies) + 1)


@dataclass(frozen=True)
class Compared:
    """Evaluations of each start until 99 % of the descent; ``never`` names those without it.

    ``ends`` are the shares of the descent at the end, ``usd`` what an evaluation costs, and
    ``usd_of_runs`` how much less a whole run with ``learn`` does.
    """

    family: str
    verdict: str
    needed: Mapping[str, int]
    never: frozenset[str]
    ends: Mapping[str, float]
    usd: float = 0.0
    usd_of_runs: float = 0.0

    @property
    def ratio(self) -> float:
        """Of the evaluations, learned over default."""
        return self.needed["learned"] / self.needed["default"]

    def misses(self, bar: float) -> bool:
        """Whether learned took more than its bar, or never came where the default start did."""
        return self.ratio > bar or ("learned" in self.never and "default" not in self.never)


def compared(
    family: str, verdict: str, courses: Mapping[str, Course], last: Mapping[str, float], usd: float
) -> Compared:
    """Return how starts stand: from random bits, of energy 0, down to the best of all."""
    best = min(*(course.lowest for course in courses.values()), *last.values())
    ends = {name: end / best for name, end in last.items()}
    return Compared(family, verdict, *counted(courses, DESCENDED * best), ends, usd)


def counted(courses: Mapping[str, Course], enough: float) -> tuple[dict[str, int], frozenset[str]]:
    """Return the evaluations until enough was reached, and the starts that never came there."""
    needed = {name: course.until(enough) for name, course in courses.items()}
    return needed, frozenset(n for n, course in courses.items() if course.lowest > enough)


def exact(runs: Runs, family: str, model: IsingModel, asked: Json) -> Compared:
    """Return how the starts of an instance stand where gradients are exact."""
    problem, courses = problem_of(family, model), dict[str, Course]()

    def add(name: str, algorithm: Json) -> PreparedRun:
        prepared = runs.prepared({"problem": problem, "algorithm": algorithm})
        found = runs.solved(prepared)
        offset = prepared.ising.offset
        courses[name] = Course([each.energy - offset for each in found.history])
        return prepared

    add("default", asked)
    learning = add("learned", asked | {"learn": True}).learning
    assert learning is not None
    deep = {"depth": learning.suggestion.depth} if learning.suggestion else asked
    add("as deep", deep)
    add("ramp", asked | {"initial_angles": "ramp"})
    lasts = {name: course.lowest for name, course in courses.items()}
    return compared(family, learning.verdict.value, courses, lasts, 0.0)


class Watched:
    """Estimates of energies, and how good the angles are at which their optimiser stands.

    SPSA stands in the middle of what it measures at once. Where ``enough`` is reached, no more is
    measured.
    """

    def __init__(self, estimate: Estimate, engine: Engine, enough: float) -> None:
        self._estimate, self._engine, self._enough = estimate, engine, enough
        self.exact: list[float] = []

    def __call__(self, batch: Sequence[Real]) -> Sequence[tuple[float, float]]:
        """Return mean energies and their errors."""
        here = self._engine.energy(np.mean(batch, axis=0))
        self.exact += [here] * len(batch)
        if here <= self._enough:
            raise evaluations_used(len(self.exact))
        return self._estimate(batch)


def drawn(model: IsingModel, engine: Engine, seed: int) -> Estimate:
    """Return estimates from shots of the exact state."""
    spectrum = all_energies(model.model_copy(update={"offset": 0.0}))
    rng = np.random.default_rng(seed)

    def estimate(batch: Sequence[Real]) -> list[tuple[float, float]]:
        found = []
        for angles in batch:
            chances = engine.probabilities(angles)
            energy, error = sampling.estimate(spectrum, chances, SHOTS, 1.0, rng)
            found.append((model.offset + energy, error))
        return found

    return estimate


def on_garnet(model: IsingModel, emulator: Emulator) -> Estimate:
    """Return estimates from shots of the emulated QPU."""
    from hybrid_job.on_device.compilation import compiler_for
    from hybrid_job.on_device.qaoa import tail_of

    compiler = compiler_for(model, emulator.state, noise=Noise(), seed=0)

    def estimate(batch: Sequence[Real]) -> list[tuple[float, float]]:
        counts = emulator.run([compiler.compile(each) for each in batch], SHOTS)
        return [tail_of(model, each, 1.0) for each in counts]

    return estimate


def by_shots(
    runs: Runs, family: str, model: IsingModel, names: Sequence[str], emulator: Emulator | None
) -> Compared:
    """Return how the starts of an instance stand where shots train its angles for a device.

    Without an emulator they are those of the exact state, and starts are followed to their ends.
    """
    courses, lasts, verdict = dict[str, Course](), dict[str, float](), ""
    price, saved = 0.0, 0.0
    for name in names:
        prepared = runs.prepared(
            {
                "problem": problem_of(family, model),
                "algorithm": {"train_on": "device", **STARTS[name]},
                "device": "garnet",
                "shots": SHOTS,
                "limits": {"max_cost_usd": 1000},
            }
        )
        algorithm, ising = prepared.request.algorithm, prepared.ising
        assert isinstance(algorithm, SettledQaoa)
        spectrum = all_energies(ising.model_copy(update={"offset": 0.0}))
        engine = engine_for(spectrum, evaluations=200, depth=2).engine
        best = lowest(ising, engine)
        measured = drawn(ising, engine, 7) if emulator is None else on_garnet(ising, emulator)
        watched = Watched(measured, engine, -math.inf if emulator is None else DESCENDED * best)
        with runs.journal(prepared) as journal:
            job = QaoaJob(prepared, journal, time.monotonic(), algorithm)
            trained = training.train(job, engine, spectrum, watched)
        courses[name] = Course(watched.exact)
        lasts[name] = engine.energy(trained.optimum.angles)
        if prepared.learning is not None:
            verdict = prepared.learning.verdict.value
            saved = (prepared.learning.default_usd or 0.0) - prepared.estimate.total_usd
        [use] = (each for each in prepared.plan.uses if each.purpose == TRAINING)
        fees = prepared.device
        price = fees.usd_per_task * use.tasks / use.executables + fees.usd_per_shot * SHOTS
    ends = {} if emulator is not None else {name: end / best for name, end in lasts.items()}
    return Compared(family, verdict, *counted(courses, DESCENDED * best), ends, price, saved)


def lowest(model: IsingModel, engine: Engine) -> float:
    """Return the lowest energy of two layers that exact gradients find."""
    unit = typical_field(model)
    starts = [from_units(linear_ramp(2), unit), transferred(model, 2)]
    found = minimise(
        engine.energy_and_gradient,
        [each for each in starts if each is not None],
        unit=unit,
        max_evaluations=1000,
        deadline=math.inf,
    )
    return found.energy


def catalogue_of(runs: Runs, rng: np.random.Generator, many: int) -> None:
    """Fill the catalogue: of three runs two with every default, and one of 3 layers."""
    for number in range(many):
        family = FOUR[number % len(FOUR)]
        model = FAMILIES[family](int(rng.choice(SIZES)), rng)
        algorithm = {"depth": 3} if number % 3 == 2 else {}
        prepared = runs.prepared({"problem": problem_of(family, model), "algorithm": algorithm})
        runs.remember(prepared, runs.solved(prepared))


def instances(
    rng: np.random.Generator, many: int, sizes: Sequence[int]
) -> Iterator[tuple[str, IsingModel]]:
    """Yield unseen models, family after family."""
    for family in FOUR:
        for _ in range(many // len(FOUR)):
            yield family, FAMILIES[family](int(rng.choice(sizes)), rng)


def summed(each: Sequence[Compared], *, by: float) -> Json:
    """Return the figures of the instances of a class, held to the class's bar."""
    names = sorted({name for one in each for name in one.needed}, key=_COLUMNS.index)
    above = [one for one in each if one.misses(by)]
    return {
        "instances": len(each),
        "above": len(above),
        "worst": max((one.ratio for one in each), default=0.0),
        "of_all": sum(one.needed["learned"] for one in each)
        / max(1, sum(one.needed["default"] for one in each)),
        "never": {name: sum(name in one.never for one in each) for name in names},
        "needed": {name: float(np.median([one.needed[name] for one in each])) for name in names},
        "ends": {name: float(np.mean([one.ends[name] for one in each])) for name in each[0].ends},
        "usd_saved": sum((one.needed["default"] - one.needed["learned"]) * one.usd for one in each),
        "usd_of_runs": sum(one.usd_of_runs for one in each),
    }


_COLUMNS = ("default", "learned", "as deep", "ramp")

STARTS: Mapping[str, Json] = {
    "default": {},
    "learned": {"learn": True},
    "ramp": {"initial_angles": "ramp"},
}


def rows(found: Sequence[Compared]) -> dict[str, Json]:
    """Return the figures of each class of instances, and of each family."""
    classes = {
        "6 or more": [one for one in found if one.needed["default"] >= MANY],
        "fewer": [one for one in found if one.needed["default"] < MANY],
    }
    return {name: summed(each, by=BARS[name]) for name, each in classes.items() if each}


def _never(many: int) -> str:
    return f" ({many})" if many else ""


def shown(found: Mapping[str, Sequence[Compared]]) -> Table:
    """Return the table of all settings."""
    table = Table(
        "training", "default needs", "instances", "used", "default", "learned", "as deep", "ramp",
        "learned / default", "worst", "above bar", "USD saved", "by runs", "descent at the end",
    )  # fmt: skip
    for setting, each in found.items():
        for name, figures in rows(each).items():
            needed, ends = figures["needed"], figures["ends"]
            used = sum(
                one.verdict == "used" and (one.needed["default"] >= MANY) == (name == "6 or more")
                for one in each
            )
            table.add_row(
                setting, name, str(figures["instances"]), str(used),
                *(
                    f"{needed[column]:g}{_never(figures['never'][column])}"
                    if column in needed
                    else "-"
                    for column in _COLUMNS
                ),
                f"{figures['of_all']:.2f}", f"{figures['worst']:.2f}", str(figures["above"]),
                f"{figures['usd_saved']:.2f}", f"{figures['usd_of_runs']:.2f}",
                " ".join(f"{ends[column]:.4f}" for column in _COLUMNS if column in ends),
            )  # fmt: skip
    return table


@click.command()
@options.seed
@click.option("--earlier", default=60, show_default=True, help="Runs in the catalogue.")
@click.option("--unseen", default=40, show_default=True, help="Instances of all families; 0: none.")
@click.option("--device-variables", default=10, show_default=True)
@click.option("--device-instances", default=20, show_default=True, help="0: no device.")
@click.option("--slopes", is_flag=True, help="Print what the distances of problems rest on.")
@options.json_file
def main(
    *,
    seed: int,
    earlier: int,
    unseen: int,
    device_variables: int,
    device_instances: int,
    slopes: bool,
    json_file: Path | None,
) -> None:
    """Print the evaluations of each start; exit with 1 where a bar is missed."""
    machine.pin_threads(1)
    if slopes:
        print_slopes(seed)
        return
    rng = np.random.default_rng(seed)
    emulator = Emulator(GARNET.arn, seed)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        runs = Runs(Path(folder), {GARNET.arn: emulator.state})
        catalogue_of(runs, rng, earlier)
        models = list(instances(rng, unseen, SIZES))
        found = {}
        if models:
            found["exact, defaults"] = [exact(runs, *each, {}) for each in models]
            found["exact, 3 layers"] = [exact(runs, *each, {"depth": 3}) for each in models]
            found["by shots, 2 layers"] = [
                by_shots(runs, *each, list(STARTS), None) for each in models
            ]
        small = list(instances(rng, device_instances, [device_variables]))
        if small:
            two = ("default", "learned")
            found["on Garnet, 2 layers"] = [by_shots(runs, *each, two, emulator) for each in small]
    Console(width=170).print(shown(found))
    figures = {setting: rows(each) for setting, each in found.items()}
    options.write(json_file, {"learning": figures})
    missed = sum(row["above"] for each in figures.values() for row in each.values())
    print(f"{missed} instances above their bar")
    sys.exit(missed > 0)


def print_slopes(seed: int) -> None:
    """Print how far the best angles of random models shift along each feature."""
    rng, rows_, angles = np.random.default_rng(seed), list[Real](), list[Real]()
    for _ in range(300):
        model = _any_model(rng)
        unit = typical_field(model)
        engine = Qaoa(all_energies(model))
        known = transferred(model, 3)
        starts = [from_units(linear_ramp(3), unit), *([] if known is None else [known])]
        start = min(starts, key=engine.energy)
        end = minimise(
            engine.energy_and_gradient, [start], unit=unit, max_evaluations=1000, deadline=math.inf
        )
        in_units = from_units(end.angles, 1 / unit)
        if np.abs(in_units).max() < math.pi / 2:  # else another minimum
            features = IsingFeatures.of(model)
            rows_.append(np.array([1.0, *coordinates(features), features.skewness]))
            angles.append(in_units.ravel())
    fit, *_ = np.linalg.lstsq(np.array(rows_), np.array(angles), rcond=None)
    left = np.array(angles) - np.array(rows_) @ fit
    whole = np.array(angles) - np.mean(angles, axis=0)
    table = Table("feature", "slope / rad", "of each gamma and beta")
    names = ("1 / mean degree", "spread of degrees", "spread of weights", "fields", "log2 of spins")
    for name, each in zip((*names, "skewness"), fit[1:], strict=True):
        all_ = " ".join(f"{slope:.3f}" for slope in each)
        table.add_row(name, f"{np.sqrt((each**2).mean()):.3f}", all_)
    table.add_row("scatter that is left", f"{np.sqrt((left**2).mean()):.3f}")
    table.add_row("scatter of all", f"{np.sqrt((whole**2).mean()):.3f}")
    Console(width=100).print(table)


def _any_model(rng: np.random.Generator) -> IsingModel:
    """Return a model of 8 to 14 spins, of any degrees, weights, signs and fields."""
    n = int(rng.integers(8, 15))
    degree = max(2, int(rng.integers(2, 8)) // (1 + n % 2) * (1 + n % 2))
    if rng.random() < 0.5:
        graph = nx.random_regular_graph(degree, n, seed=int(rng.integers(2**30)))
    else:
        graph = nx.gnp_random_graph(n, rng.uniform(0.25, 1), seed=int(rng.integers(2**30)))
    spread, signed = rng.uniform(0, 1), rng.random() < 0.5
    couplings = [
        (i, j, (1 + spread * rng.uniform(-1, 1)) * (rng.choice([-1, 1]) if signed else 1))
        for i, j in graph.edges
    ] or [(0, 1, 1.0)]
    size = rng.uniform(0, 2) * math.sqrt(2 * len(couplings) / n) if rng.random() < 0.6 else 0.0
    return IsingModel.from_spins((size * rng.normal(size=n)).tolist(), couplings)


if __name__ == "__main__":
    main()
