"""Divide: the arithmetic of blocks, how they grow, rounds that never lose, and whole runs of it."""

from __future__ import annotations

import math
import os
import re
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import accumulate, pairwise
from multiprocessing import parent_process
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

from hybrid_job.classical import local_search
from hybrid_job.dividing.blocks import ByQaoa, by_descent, by_enumeration
from hybrid_job.dividing.partition import partition
from hybrid_job.dividing.rounds import Dividing, Round, cooled, refined
from hybrid_job.dividing.system import Block, Real, System
from hybrid_job.dividing.workers import Workers, workers
from hybrid_job.job import DivideJob
from hybrid_job.journal import Journal
from hybrid_job.main import solve
from hybrid_job.solvers import divide
from quantum_pipeline.errors import InvalidRequest, InvalidResult, JobFailed
from quantum_pipeline.ising import IsingModel, all_energies, energies, energy_of
from quantum_pipeline.pages import render
from quantum_pipeline.pages.divided_tables import comparison
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.reports import DividedReport, Report, build_report
from quantum_pipeline.requests.algorithm import SettledDivide
from quantum_pipeline.results import DividedResult, verify
from tests.unit.finished_run import outcome_of, prepared_run
from tests.unit.report_fields import DOCS, fields
from tests.waiting import PATIENCE_SECONDS

ALONE = Workers(None, 1)


@pytest.fixture(scope="module", autouse=True)
def annealed_to_the_end() -> Iterator[None]:
    """Let annealing do all that it does: cut off by time, it finds what the machine allows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(divide, "FEWEST_SECONDS", PATIENCE_SECONDS)
        yield


def random_model(n: int, seed: int = 0, density: float = 0.3) -> IsingModel:
    """Fields and couplings of both signs."""
    rng = np.random.default_rng(seed)
    pairs = [(i, j) for i in range(n) for j in range(i) if rng.random() < density]
    couplings = [(i, j, float(rng.normal())) for i, j in pairs]
    return IsingModel.from_spins(rng.normal(size=n).tolist(), couplings)


def random_spins(n: int, seed: int = 1) -> Real:
    return np.random.default_rng(seed).choice([-1.0, 1.0], n)


def by_hand(model: IsingModel, spins: Real) -> float:
    return float(energies(model, spins.astype(np.int8)[None])[0])


def dividing(
    model: IsingModel, size: int, solver: Any = by_enumeration, pool: Workers = ALONE
) -> Dividing:
    system = System.of(model)

    def solve(blocks: Sequence[Block], place: tuple[int, ...]) -> list[Real]:
        return pool.solve(solver, blocks, (7, *place))

    return Dividing(system, partition(system, size, seed=7), solve, size, 7)


def rounds_of(each: Dividing, count: int = 20) -> list[Round]:
    found = refined(each, rounds=count, patience=30, deadline=1e18, remember=lambda _, make: make())
    return list(found)


def test_energy_and_the_cost_of_turning_spins_are_those_of_the_model() -> None:
    model, spins = random_model(12), random_spins(12)
    system, chosen = System.of(model), np.array([2, 3, 7, 11])
    forces = system.forces(spins)
    before = by_hand(model, spins)
    cost = system.cost(chosen, spins, forces)
    system.turn(chosen, spins, forces)
    assert system.energy(spins) == pytest.approx(by_hand(model, spins))
    assert cost == pytest.approx(by_hand(model, spins) - before)
    assert forces == pytest.approx(system.forces(spins))


def test_a_block_differs_from_the_whole_by_what_does_not_change() -> None:
    model, spins = random_model(10), random_spins(10)
    system, members = System.of(model), np.array([1, 4, 8])
    block = system.block(members, spins, system.forces(spins)).model
    apart = set()
    for bits in range(8):
        inside = np.array([1.0 - 2 * (bits >> (2 - k) & 1) for k in range(3)])
        spins[members] = inside
        apart.add(round(by_hand(model, spins) - all_energies(block)[bits], 9))
    assert len(apart) == 1


def test_turning_whole_blocks_over_is_a_problem_of_the_same_kind() -> None:
    model, spins = random_model(12), random_spins(12)
    system = System.of(model)
    parts = [np.array([0, 5, 7]), np.array([1, 2, 3, 4]), np.array([6, 8, 9, 10, 11])]
    merged, apart = system.flips_of(parts, spins), set()
    for bits in range(8):
        flips = np.array([1.0 - 2 * (bits >> k & 1) for k in range(3)])
        turned = spins.copy()
        for part, flip in zip(parts, flips, strict=True):
            turned[part] *= flip
        apart.add(round(by_hand(model, turned) - merged.energy(flips), 9))
    assert len(apart) == 1


def test_communities_that_are_there_are_the_blocks() -> None:
    # Ten cliques of five in a ring, numbered across: no block takes from two of them.
    pairs = [(i, j) for i in range(50) for j in range(i) if (i - j) % 10 == 0]
    ring = [(k, (k + 1) % 10) for k in range(10)]
    model = IsingModel.from_spins([0.0] * 50, [(i, j, 1.0) for i, j in pairs + ring])
    found = {tuple(part.tolist()) for part in partition(System.of(model), 5, seed=0)}
    assert found == {tuple(range(k, 50, 10)) for k in range(10)}


@pytest.mark.parametrize("n", [1, 7, 100])
def test_blocks_have_a_variable_once_and_no_more_than_their_size(n: int) -> None:
    system = System.of(random_model(n))
    spins = random_spins(n)
    grown = dividing(random_model(n), 6)._grown(
        np.random.default_rng(0), spins, system.forces(spins)
    )
    parts = partition(system, 6, seed=0)
    assert sorted(np.concatenate(parts).tolist()) == list(range(n))
    assert len(set(np.concatenate(grown).tolist())) == sum(map(len, grown))
    assert 1 <= len(grown) <= len(parts)
    for blocks in (parts, grown):
        assert max(part.size for part in blocks) <= 6


def test_a_block_grows_along_the_chain_of_flips_that_pays() -> None:
    # A chain of equal spins with a wall in its middle: turning one half over removes the wall.
    n = 12
    model = IsingModel.from_spins([0.0] * n, [(k, k + 1, -1.0) for k in range(n - 1)])
    system, spins = System.of(model), np.array([1.0] * 6 + [-1.0] * 6)
    each = dividing(model, 6)
    found = each.round(1, spins)
    for number in range(2, 6):
        found = each.round(number, found.spins)
    assert found.energy == 1 - n
    assert system.energy(spins) == 3 - n


@pytest.mark.parametrize("n", [2, 5, 8])
def test_qaoa_and_enumeration_of_a_block_find_its_optimum(n: int) -> None:
    model = random_model(n, seed=n)
    block = System.of(model).block(np.arange(n), np.zeros(n), np.array(model.fields))
    lowest = all_energies(model).min()
    for solver in (by_enumeration, ByQaoa(4, 1000), ByQaoa(2, 1000, evaluations=20)):
        spins = solver(block, np.random.default_rng(1))
        assert by_hand(model, spins) == pytest.approx(lowest)


def test_descent_ends_where_no_flip_pays() -> None:
    model = random_model(30)
    system = System.of(model)
    block = system.block(np.arange(30), np.zeros(30), system.fields)
    spins = by_descent(block, np.random.default_rng(0))
    assert (-2 * spins * system.forces(spins) >= -1e-9).all()


def test_among_answers_that_are_as_good_each_may_come() -> None:
    block = System.of(IsingModel.from_spins([0.0, 0.0], [(0, 1, -1.0)]))
    pair = block.block(np.arange(2), np.zeros(2), block.fields)
    found = {tuple(by_enumeration(pair, np.random.default_rng(k))) for k in range(20)}
    assert found == {(1.0, 1.0), (-1.0, -1.0)}


@pytest.mark.parametrize("solver", [by_enumeration, by_descent, ByQaoa(2, 50)])
def test_rounds_never_get_worse_and_say_the_energy_of_their_spins(solver: Any) -> None:
    model = random_model(40, density=0.15)
    found = rounds_of(dividing(model, 8, solver))
    course = [each.energy for each in found]
    assert all(after <= before + 1e-9 for before, after in pairwise(course))
    assert [by_hand(model, each.spins) for each in found] == pytest.approx(course)


def test_rounds_end_where_thirty_of_them_gain_next_to_nothing() -> None:
    each, spins = dividing(random_model(8), 8), random_spins(8)

    def remember(number: int, _: Any) -> Round:
        energy = -1000.0 - min(number, 40) - 0.001 * number
        return Round(number, 1, 1, energy, spins)

    found = refined(each, rounds=300, patience=30, deadline=math.inf, remember=remember)
    assert [each.number for each in found][-1] == 70


def cooled_rounds(each: Dividing, count: int = 300) -> list[Round]:
    return list(cooled(each, rounds=count, deadline=math.inf, remember=lambda _, make: make()))


@pytest.mark.parametrize("solver", [by_enumeration, by_descent, ByQaoa(2, 50)])
def test_coolings_say_the_best_so_far_and_its_energy(solver: Any) -> None:
    model, ends = random_model(40, density=0.15), list[float]()
    each = dividing(model, 8, solver)

    def remember(_: int, make: Any) -> Round:
        made: Round = make()
        ends.append(made.energy)
        assert made.energy == pytest.approx(by_hand(model, made.spins))
        return made

    found = list(cooled(each, rounds=40, deadline=math.inf, remember=remember))
    assert [each.energy for each in found] == list(accumulate(ends, min))
    assert any(after > before + 1e-9 for before, after in pairwise(ends))
    assert [by_hand(model, each.spins) for each in found] == pytest.approx(
        [each.energy for each in found]
    )


def test_improved_are_blocks_that_lower_the_energy_without_random_fields() -> None:
    model = random_model(14)
    optimum = by_enumeration(
        System.of(model).block(np.arange(14), np.zeros(14), np.array(model.fields)),
        np.random.default_rng(0),
    )
    hot = [dividing(model, 14).round(number, optimum, heat=2.0) for number in range(5)]
    assert any((made.spins != optimum).any() for made in hot)
    assert all(made.improved == 0 for made in hot)


@pytest.mark.parametrize(
    ("rounds", "gains_until", "last"),
    [(300, 0, 30 + 60 + 120), (300, 30, 30 + 30 + 60 + 120), (49, 0, 49), (500, 500, 500)],
)
def test_coolings_in_vain_are_longer_and_the_third_is_the_last(
    rounds: int, gains_until: int, last: int
) -> None:
    each, spins = dividing(random_model(8), 8), random_spins(8)

    def remember(number: int, _: Any) -> Round:
        return Round(number, 1, 1, -1000.0 - min(number, gains_until), spins)

    found = list(cooled(each, rounds=rounds, deadline=math.inf, remember=remember))
    assert [each.number for each in found] == list(range(last + 1))


def random_cut(n: int, edges: int, seed: int) -> IsingModel:
    """Return MaxCut of a random graph."""
    graph = nx.gnm_random_graph(n, edges, seed=seed)
    return IsingModel.from_spins([0.0] * n, [(i, j, 1.0) for i, j in graph.edges])


@pytest.mark.parametrize(("n", "edges", "seed"), [(120, 360, 2), (248, 694, 1)])
def test_coolings_reach_what_annealing_finds_of_small_random_graphs(
    n: int, edges: int, seed: int
) -> None:
    model = random_cut(n, edges, seed)
    anneal = local_search.searches(model)["simulated annealing"]
    lowest = by_hand(model, anneal(np.random.default_rng(0), math.inf))
    assert cooled_rounds(dividing(model, 14))[-1].energy <= lowest + 1e-9


def test_rounds_reach_the_optimum_of_what_can_be_enumerated() -> None:
    for seed in range(3):
        model = random_model(16, seed)
        last = rounds_of(dividing(model, 8, ByQaoa(4, 500)), 40)[-1]
        assert last.energy == pytest.approx(all_energies(model).min())


def test_the_number_of_processes_changes_nothing() -> None:
    model = random_model(60, density=0.1)
    alone = rounds_of(dividing(model, 8, ByQaoa(2, 20)), 3)[-1]
    with workers(2, worth=0) as pool:
        both = rounds_of(dividing(model, 8, ByQaoa(2, 20), pool), 3)[-1]
    assert (alone.spins == both.spins).all()


def test_small_blocks_are_sent_to_no_process() -> None:
    with workers(2) as pool:
        found = dividing(random_model(30), 8, in_this_process, pool).start()
    assert found.blocks == 4


def in_this_process(block: Block, rng: np.random.Generator) -> Real:
    assert parent_process() is None
    return by_enumeration(block, rng)


def killed(_: Block, __: np.random.Generator) -> Real:
    """A solver of whose processes the system ends each, as for want of memory."""
    os.kill(os.getpid(), signal.SIGKILL)
    return np.ones(1)


def test_a_process_that_is_killed_fails_the_run_by_name() -> None:
    model = random_model(30)
    with (
        workers(2, worth=0) as pool,
        pytest.raises(JobFailed, match="a process that solves blocks was kil"),
    ):
        dividing(model, 8, killed, pool).start()


def test_processes_end_whatever_handles_the_signals_of_this_one() -> None:
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with workers(2, worth=0) as pool:
            found = dividing(random_model(30), 8, by_enumeration, pool).start()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert found.blocks == 4


def lattice(side: int) -> dict[str, Any]:
    """A torus of spins with couplings of either sign."""
    rng = np.random.default_rng(side)
    places = [(x, y) for x in range(side) for y in range(side)]
    pairs = [
        sorted((x * side + y, x2 % side * side + y2 % side))
        for x, y in places
        for x2, y2 in ((x + 1, y), (x, y + 1))
    ]
    couplings = [[i, j, int(rng.choice([-1, 1]))] for i, j in pairs]
    return {"type": "ising", "fields": [0.5] + [0] * (side**2 - 1), "couplings": couplings}


def divided(**more: Any) -> PreparedRun:
    return prepared_run(lattice(6), algorithm={"name": "divide", "block_size": 8, **more})


def solved(prepared: PreparedRun, folder: Path) -> DividedResult:
    with closing(Journal(folder, prepared.request)) as journal:
        result = solve(prepared, journal, time.monotonic())
    assert isinstance(result, DividedResult)
    return result


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[PreparedRun, DividedResult]:
    prepared = divided(max_rounds=12)
    return prepared, solved(prepared, tmp_path_factory.mktemp("divided"))


def test_an_attempt_that_starts_again_goes_on_from_any_line_to_the_same_answer(
    run: tuple[PreparedRun, DividedResult], tmp_path: Path
) -> None:
    prepared, whole = run
    again = solved(prepared, tmp_path)
    [journal] = tmp_path.glob("journal-*.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    for kept in range(0, len(lines), 29):
        journal.write_bytes(b"".join(lines[:kept]) + lines[kept][:9])
        again = solved(prepared, tmp_path)
        assert again.best_bitstring == whole.best_bitstring
        assert again.rounds == whole.rounds
        assert [each.energy for each in again.compared] == [each.energy for each in whole.compared]


def test_spins_of_another_length_in_the_checkpoint_are_refused(tmp_path: Path) -> None:
    prepared = divided(max_rounds=1)
    solved(prepared, tmp_path)
    [journal] = tmp_path.glob("journal-*.jsonl")
    first, rest = journal.read_text().split("\n", 1)
    journal.write_text(first.replace('"spins": "', '"spins": "00') + "\n" + rest)
    with pytest.raises(InvalidResult, match=r"qaoa, round 0.*6 bytes of spins; allowed: those"):
        solved(prepared, tmp_path)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"best_energy": -1e6}, "best_energy: got -1000000.0; recomputed it is"),
    ({"best_bitstring": "01"}, "best_bitstring: got"),
    ({"block_size": 9}, "block_size: got 9; the run has 8"),
    ({"partition": (0,) * 36}, "variables of a block: got 36"),
    ({"partition": (9,) * 36}, "partition: got 9; allowed: below 5"),
    ({"compared": ()}, "compared: got"),
]


@pytest.mark.parametrize(("changes", "said"), WRONG)
def test_what_does_not_recompute_is_refused(
    run: tuple[PreparedRun, DividedResult], changes: dict[str, Any], said: str
) -> None:
    prepared, result = run
    with pytest.raises(InvalidResult) as error:
        verify(result.model_copy(update=changes), prepared)
    assert said in str(error.value)


def test_rounds_that_get_worse_or_energies_of_others_are_refused(
    run: tuple[PreparedRun, DividedResult],
) -> None:
    prepared, result = run
    worse = result.rounds[1].model_copy(update={"energy": result.rounds[0].energy + 1})
    rounds = (result.rounds[0], worse, *result.rounds[2:])
    with pytest.raises(InvalidResult, match=r"rounds.1.energy: got"):
        verify(result.model_copy(update={"rounds": rounds}), prepared)
    lower = result.compared[0].model_copy(update={"energy": result.best_energy - 3})
    with pytest.raises(InvalidResult, match=r"compared.greedy.energy: got"):
        verify(result.model_copy(update={"compared": (lower, *result.compared[1:])}), prepared)


def test_the_report_says_what_each_way_came_to_and_whose_the_credit_is(
    run: tuple[PreparedRun, DividedResult],
) -> None:
    prepared, result = run
    report = build_report(prepared, outcome_of(prepared, ()), verify(result, prepared))
    assert isinstance(report, DividedReport)
    ways = {each.way: each for each in report.quality.attribution}
    assert list(ways) == ["partition", "divide", "greedy", "enumeration", "descent", "annealing"]
    for each in result.compared:
        assert ways[each.way].objective == energy_of(prepared.ising, each.bitstring)
    assert report.solution.objective == ways["divide"].objective
    reached = [way for way, each in ways.items() if each.objective <= report.solution.objective]
    assert report.quality.credit == next(CREDIT[way] for way in CREDIT if way in reached)
    of_ways = [each.objective for each in ways.values()]
    best = min(*of_ways, report.quality.classical.objective)
    assert report.quality.best_known == best
    assert ways["divide"].ratio == pytest.approx(report.solution.objective / best)
    files = render(report)
    assert set(files) == {"report.html", "plots/rounds.png", "plots/partition.png"}
    assert b"Who deserves the credit" in files["report.html"]


def test_one_round_of_one_block_is_not_said_to_be_several(tmp_path: Path) -> None:
    problem = {"type": "maxcut", "edges": [[0, 1]]}
    prepared = prepared_run(problem, algorithm={"name": "divide", "max_rounds": 1})
    result = verify(solved(prepared, tmp_path), prepared)
    html = render(build_report(prepared, outcome_of(prepared, ()), result))["report.html"].decode()
    assert "1 round leads from 1 to 1, ratio 1" in html
    assert "1 block holds 100 % of the 1 coupling" in html
    assert "after 1 round: " in html


CREDIT = {
    "annealing": "annealing",
    "greedy": "partition",
    "descent": "rounds",
    "enumeration": "solved blocks",
    "classical": "classical",
    "divide": "qaoa",
}
"""Whose the credit is where a way came as far, and none before it did."""


@pytest.mark.parametrize("best", CREDIT)
def test_qaoa_is_credited_only_with_what_nothing_else_found(
    run: tuple[PreparedRun, DividedResult], best: str
) -> None:
    prepared, result = run
    bits = "0" * len(result.best_bitstring)
    worse: dict[str, Any] = {"bitstring": bits, "energy": energy_of(prepared.ising, bits)}
    good = {"bitstring": result.best_bitstring, "energy": result.best_energy}
    assert worse["energy"] > good["energy"]
    rival = result.classical.model_copy(update=good if best == "classical" else worse)
    compared = tuple(
        each.model_copy(update=good if each.way == best else worse) for each in result.compared
    )
    changed = result.model_copy(update={"compared": compared, "classical": rival})
    report = build_report(prepared, outcome_of(prepared, ()), changed)
    assert isinstance(report, DividedReport)
    assert report.quality.credit == CREDIT[best]
    rows = comparison(report)
    assert len({(row.objective, row.ratio) for row in rows}) == len({row.objective for row in rows})


@pytest.mark.parametrize("proven", [False, True])
def test_annealing_has_all_of_its_time_where_no_optimum_is_proven(
    tmp_path: Path, proven: bool
) -> None:
    prepared = prepared_run(lattice(3), algorithm={"name": "divide"})
    algorithm = prepared.request.algorithm
    assert isinstance(algorithm, SettledDivide)
    seconds = PATIENCE_SECONDS if proven else 0.3
    with closing(Journal(tmp_path, prepared.request)) as journal:
        job = DivideJob(prepared, journal, time.monotonic(), algorithm)
        rival = divide._baseline(job).model_copy(update={"proven": proven})
        made = divide._annealed(divide._Work(job, System.of(job.model), []), rival, seconds)
    assert (made.seconds < seconds) == proven


def test_every_field_of_the_report_is_defined_in_the_docs_and_no_other() -> None:
    section = DOCS.read_text("utf-8").partition("## Divided problems")[2].partition("\n## ")[0]
    documented = re.findall(r"^\| `([^`]+)` \|", section, flags=re.MULTILINE)
    assert len(documented) == len(set(documented))
    assert set(documented) == fields(DividedReport) - fields(Report)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"name": "rqaoa", "block_size": 4}, "algorithm.block_size: got 4; allowed: nothing here"),
    ({"name": "divide", "block_size": 21}, "algorithm.block_size: got 21; allowed: "),
    ({"name": "divide", "depth": "auto"}, 'algorithm.depth: got "auto"; allowed: a number'),
    ({"name": "divide", "optimizer": "spsa"}, 'algorithm.optimizer: got "spsa"; allowed: auto, '),
    ({"name": "divide", "cvar_alpha": 0.5}, "algorithm.cvar_alpha: got 0.5; allowed: nothing"),
]


@pytest.mark.parametrize(("algorithm", "said"), REFUSED)
def test_settings_of_others_are_refused_by_name(algorithm: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        prepared_run(lattice(4), algorithm=algorithm)
    assert said in str(error.value)


def test_auto_divides_what_is_too_wide_for_correlations() -> None:
    asked = prepared_run({"type": "random", "problem_size": 101})
    assert asked.request.algorithm.name == "divide"
    assert prepared_run({"type": "random", "problem_size": 100}).request.algorithm.name == "rqaoa"


@pytest.mark.parametrize(
    ("size", "rounds", "said"),
    [
        (9, 0, "divide: 9 spins in 1 block of up to 9, each by QAOA of depth 4 at known angles"),
        (8, 1, "in 2 blocks of up to 8, .*; then up to 1 round over blocks that promise gain"),
    ],
)
def test_the_plan_says_how_many_blocks_and_rounds(size: int, rounds: int, said: str) -> None:
    algorithm = {"name": "divide", "block_size": size, "max_rounds": rounds}
    words = prepared_run(lattice(3), algorithm=algorithm).reasons.algorithm.words
    assert re.search(f"{said}$", words)


def test_rounds_of_a_single_block_are_no_coolings(tmp_path: Path) -> None:
    alone = prepared_run(lattice(2), algorithm={"name": "divide", "block_size": 8})
    result = solved(alone, tmp_path)
    assert len(result.rounds) == 1 + divide.PATIENCE
    assert result.stop_reason.startswith(f"{divide.PATIENCE} rounds lowered")
