"""Cut circuits: put together they are the whole, compiled too; errors that they state are right."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from time import monotonic
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.cuts import Noiseless, by_formula, halves
from hybrid_job.correlations.closed_form import ClosedForm
from hybrid_job.cutting.circuits import part_circuit
from hybrid_job.job import CutJob
from hybrid_job.journal import Journal
from hybrid_job.on_device.compilation.parts import PartCompiler
from hybrid_job.on_device.executor import Executor
from hybrid_job.solvers import cut
from quantum_pipeline.cutting import Part
from quantum_pipeline.cutting.expansion import Expansion
from quantum_pipeline.cutting.reconstruction import Reconstruction, deviations, shared_out
from quantum_pipeline.errors import DeviceUnavailable
from quantum_pipeline.ising import IsingModel, all_energies, spins_of
from quantum_pipeline.pages import render
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.reports.optimisation_parts import CutPart
from quantum_pipeline.requests.algorithm import SettledCutQaoa
from quantum_pipeline.requests.mitigation import Noise
from quantum_pipeline.requests.request import parse_request
from quantum_pipeline.results import OptimisationResult, PartCounts, read_result
from tests.job.devices_by_hand import FAMILIES, device, lattice, probabilities, vector
from tests.planned import planned
from tests.unit.finished_run import CREATED, EXECUTION, refusal_of, report_of
from tests.unit.report_fields import DOCS, fields
from tests.unit.textbook import qaoa_probabilities
from tests.unit.two_squares import REQUEST, width

Real = NDArray[np.float64]

FAMILY = next(iter(FAMILIES))

SURE = 1e13
"""Shots whose counts are probabilities."""

SQUARES = {**REQUEST, "algorithm": {"cut": "auto"}}

ANGLES = np.array([[0.4, -0.7], [0.3, 0.6]])


def expansion(parts: list[list[int]], crossing: list[tuple[int, int]], depth: int) -> Expansion:
    """Return a spin glass with fields, all coupled inside parts, cut between them."""
    rng = np.random.default_rng(5)
    pairs = crossing + [(i, j) for part in parts for i in part for j in part if i < j]
    n = sum(map(len, parts))
    model = IsingModel.from_spins(
        rng.normal(size=n).tolist(), [(i, j, rng.normal()) for i, j in pairs], 0.7
    )
    named = tuple(Part(device="Garnet", variables=tuple(part)) for part in parts)
    return Expansion(model, named, ANGLES[:, :depth])


def bits(n: int) -> list[str]:
    return [format(k, f"0{n}b") for k in range(2**n)]


def exact(cut_: Expansion, part: int, name: str) -> Real:
    """Return the probabilities of a logical circuit."""
    circuit = part_circuit(cut_, part, name)
    squares = np.abs(vector(circuit.logical(), range(circuit.n_qubits)).ravel()) ** 2
    return np.asarray(squares / squares.sum())


Known = dict[tuple[int, str], Real]


def exact_of_all(cut_: Expansion) -> Known:
    """Return the probabilities of all circuits, by part and name."""
    named = [(part, name) for part, names in enumerate(cut_.circuits) for name in names]
    return {(part, name): exact(cut_, part, name) for part, name in named}


def put_together(
    cut_: Expansion, known: Known, counted: Callable[[int, str, Real], NDArray[Any]]
) -> Reconstruction:
    """Return what the circuits' probabilities say, made into counts in some way."""
    rows = []
    for (part, name), weights in known.items():
        counts = counted(part, name, weights).tolist()
        found = {b: n for b, n in zip(bits(cut_.n_bits(part, name)), counts, strict=True) if n}
        rows.append((part, name, found))
    return Reconstruction(cut_, rows)


@pytest.mark.parametrize(
    ("parts", "crossing", "depth"),
    [
        ([[0, 2], [1, 3]], [(0, 1)], 1),
        ([[0, 2], [1, 3]], [(0, 1)], 2),
        ([[0, 1], [2, 3]], [(0, 2), (0, 3), (1, 3)], 1),
        ([[0, 1], [2], [3]], [(0, 2), (1, 3), (2, 3)], 1),
        ([[0, 1], [2, 3], [4]], [(1, 2)], 1),
    ],
)
def test_put_together_the_parts_are_the_whole(
    parts: list[list[int]], crossing: list[tuple[int, int]], depth: int
) -> None:
    cut_ = expansion(parts, crossing, depth)
    energies, spins = all_energies(cut_.model), spins_of(bits(cut_.model.n_variables))
    weights = qaoa_probabilities(energies, *cut_.angles.tolist())

    found = put_together(cut_, exact_of_all(cut_), lambda _part, _name, sure: SURE * sure)

    assert found.energy().value == pytest.approx(weights @ energies, abs=1e-9)
    assert [each.value for each in found.means()] == pytest.approx(weights @ spins, abs=1e-9)
    for (i, j), each in found.correlations().items():
        assert each.value == pytest.approx(weights @ (spins[:, i] * spins[:, j]), abs=1e-9)


@pytest.mark.parametrize("depth", [1, 2])
def test_stated_errors_are_those_of_repeated_runs(depth: int) -> None:
    cut_ = expansion([[0, 1], [2, 3]], [(1, 2)], depth)
    energies = all_energies(cut_.model)
    true = float(qaoa_probabilities(energies, *cut_.angles.tolist()) @ energies)
    rng, repeats, known = np.random.default_rng(2), 60, exact_of_all(cut_)
    weights = deviations(cut_)
    pieces = [shared_out(each.values(), 100) for each in weights]
    shots = [dict(zip(w, p, strict=True)) for w, p in zip(weights, pieces, strict=True)]

    found = [
        put_together(
            cut_, known, lambda part, name, sure: rng.multinomial(4 * shots[part][name], sure)
        ).energy()
        for _ in range(repeats)
    ]

    distances = np.array([(each.value - true) / each.error for each in found])
    assert abs(distances.mean()) < 4 / repeats**0.5  # without bias
    assert distances.std() == pytest.approx(1.0, abs=0.3)  # its own error is 0.09


def test_shots_that_follow_the_weights_leave_a_smaller_error() -> None:
    cut_ = expansion([[0, 1, 2], [3, 4, 5]], [(2, 3)], 1)
    known = exact_of_all(cut_)

    def error(weights: list[dict[str, float]]) -> float:
        shared = [shared_out(each.values(), 1000) for each in weights]
        given = [dict(zip(w, s, strict=True)) for w, s in zip(weights, shared, strict=True)]
        return (
            put_together(cut_, known, lambda part, name, sure: sure * given[part][name])
            .energy()
            .error
        )

    assert error(deviations(cut_)) < 0.7 * error([dict.fromkeys(n, 1.0) for n in cut_.circuits])


@pytest.mark.usefixtures("few_tries")
@pytest.mark.parametrize("family", FAMILIES)
def test_compiled_parts_are_the_logical_ones(family: str) -> None:
    cut_, state = expansion([[0, 1, 2], [3, 4]], [(2, 3)], 2), device(6, lattice(2, 3), family)
    compiler = PartCompiler(state, Noise(), seed=1)

    for name in ("00", "z1", "om", "3m"):  # turns, bits that are prepared, an ancilla
        compiled = compiler.compile(part_circuit(cut_, 0, name))

        assert probabilities(compiled, state) == pytest.approx(exact(cut_, 0, name), abs=1e-9)


def test_a_part_wider_than_what_is_connected_is_refused_by_name() -> None:
    cut_, state = expansion([[0, 1, 2], [3, 4]], [(2, 3)], 1), device(2, lattice(1, 2), FAMILY)

    with pytest.raises(DeviceUnavailable, match="allowed: parts of up to 2, its connected qubits"):
        PartCompiler(state, Noise(), seed=1).compile(part_circuit(cut_, 0, "0"))


def test_thirty_variables_agree_with_a_formula_of_the_literature() -> None:
    graph, angles = halves(2, seed=0), np.array([[-0.55], [0.35]])
    edges = graph.number_of_edges()
    model = IsingModel.from_spins([0.0] * 30, [(i, j, 0.5) for i, j in graph.edges], -edges / 2)

    found = model.offset + ClosedForm(model).energy(angles)

    assert found == pytest.approx(-by_formula(graph, -0.55, 0.35), abs=1e-9)


@pytest.fixture(scope="module")
def prepared() -> PreparedRun:
    """A run in two parts of four variables."""
    found = planned(SQUARES, **width(5))
    return PreparedRun.of(
        found,
        run_id="r1",
        execution_arn=EXECUTION,
        problem_uri=None,
        created_at=CREATED,
        prepare_seconds=0.1,
    )


@pytest.fixture(scope="module")
def result(prepared: PreparedRun, tmp_path_factory: pytest.TempPathFactory) -> OptimisationResult:
    """What its job found, of circuits without noise."""
    algorithm = cast(SettledCutQaoa, prepared.request.algorithm)
    state = planned(SQUARES, **width(5)).state
    assert state is not None
    with closing(Journal(tmp_path_factory.mktemp("cut"), prepared.request)) as journal:
        job = CutJob(prepared, journal, monotonic(), algorithm)
        return cut.solved(job, cast(Executor, Noiseless(state, seed=3)))


def written(result: OptimisationResult, **changes: Any) -> dict[str, Any]:
    """Return a result as the job writes it, with some fields changed."""
    return result.model_copy(update=changes).model_dump(mode="json")


def test_a_job_puts_together_the_energy_of_the_whole(
    prepared: PreparedRun, result: OptimisationResult
) -> None:
    found = read_result(written(result), prepared)

    assert isinstance(found, OptimisationResult)
    run, error = found.device_run, found.standard_error
    assert run is not None
    assert run.trained_energy is not None
    assert error is not None
    weights = qaoa_probabilities(all_energies(prepared.ising), found.gammas, found.betas)
    assert run.trained_energy == pytest.approx(weights @ all_energies(prepared.ising))
    assert abs(found.mean_energy - run.trained_energy) < 3 * error
    assert sum(task.shots for task in found.tasks) == prepared.plan.shots == 1000


def test_what_does_not_follow_from_the_counts_is_refused(
    prepared: PreparedRun, result: OptimisationResult
) -> None:
    [whole] = result.cut_rounds
    first, *others = whole.circuits

    def of(*circuits: PartCounts, **more: Any) -> dict[str, Any]:
        return {"cut_rounds": (whole.model_copy(update={"circuits": circuits, **more}),)}

    alike, shots = (first, *others), sum(first.counts.values())
    more = _of(others[-1], {**others[-1].counts, "0000": shots - 1})
    for changes, said in (
        ({"mean_energy": result.mean_energy + 0.01}, "mean_energy: got"),
        ({"standard_error": (result.standard_error or 0.0) / 2}, "standard_error: got"),
        ({"cut_rounds": ()}, "length of cut_rounds: got 0"),
        ({"cut_rounds": (whole, whole)}, "which the tasks took"),
        (of(*others, first), "circuits of cut_rounds.0"),
        (of(_of(first, {"000": shots}), *others), "4 characters"),
        (of(_of(first, {"0000": 1}), *others[:-1], more), "2 or more"),
        (of(_of(first, {"0000": 2}), *others), "shots of cut_rounds.0"),
        (of(_of(first, {"0000": 10_000}), *others), "which the tasks took"),
        (of(*alike, gammas=(0.1,)), "cut_rounds.0.gammas"),
        (of(*alike, parts=whole.parts[::-1]), "cut_rounds.0.parts"),
        (of(*alike, goals=(5, 5)), "goals of cut_rounds.0"),
        (of(*alike, goals=(5,)), "length of eliminations: got 0"),
        ({"counts": {result.best_bitstring: 5}}, "which the tasks took"),
    ):
        assert said in refusal_of(written(result, **changes), prepared), changes


def _of(part: PartCounts, counts: dict[str, int]) -> PartCounts:
    return part.model_copy(update={"counts": counts})


def test_the_report_says_how_it_was_cut(prepared: PreparedRun, result: OptimisationResult) -> None:
    report = report_of(prepared, result)

    assert report.solution.found_by == "rounded correlations"
    assert report.quality.mean_energy_by == "parts"
    assert report.cut is not None
    assert [part.variables for part in report.cut.parts] == [(0, 1, 2, 3), (4, 5, 6, 7)]
    [gate] = report.cut.gates
    assert (gate.variables, gate.layer, gate.angle) == ((0, 4), 1, report.algorithm.gammas[0])
    [across] = [each for each in report.cut.correlations if each.across]
    assert across.variables == (0, 4)
    total = sum(each.value for each in report.cut.correlations) / 2 + prepared.ising.offset
    assert total == pytest.approx(report.quality.mean_energy)
    assert parse_request(report.request).algorithm.cut == 4  # it can be sent again
    html = render(report)["report.html"].decode()
    assert "0–4 in layer 1" in html


def test_all_fields_of_a_cut_are_documented() -> None:
    documented = DOCS.read_text("utf-8")

    for name in fields(CutPart, "cut."):
        assert f"| `{name}` |" in documented
