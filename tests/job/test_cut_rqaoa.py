"""Recursive QAOA on cut circuits: what it measures is exact but for the shots, and it adds up."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple, cast

import networkx as nx
import numpy as np
import pytest

from benchmarks.cuts import Noiseless
from hybrid_job.job import CutRqaoaJob
from hybrid_job.journal import Journal
from hybrid_job.on_device.executor import CapReached, Executor
from hybrid_job.on_device.measurement import Compiled, Counts
from hybrid_job.solvers import cut_rqaoa
from quantum_pipeline.cutting import Part
from quantum_pipeline.cutting.partition import crossing
from quantum_pipeline.ising import all_energies, spins_of
from quantum_pipeline.pages.cut_tables import cut_tables
from quantum_pipeline.planning.cuts import cut_plan
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.planning.tasks import Purpose
from quantum_pipeline.requests.algorithm import SettledCutRqaoa
from quantum_pipeline.results import OptimisationResult, read_result
from quantum_pipeline.results.cut_checks import replayed
from quantum_pipeline.results.optimisation import CutRound
from tests.planned import planned
from tests.unit.finished_run import CREATED, EXECUTION, refusal_of, report_of
from tests.unit.textbook import qaoa_probabilities
from tests.unit.two_squares import width


def two_rings(n: int) -> list[list[float]]:
    """Return the edges of two rings with an edge between them, no two of one weight."""
    weight = iter(np.random.default_rng(3).uniform(0.5, 1.5, 2 * n).tolist())
    rings = [[k + i, k + (i + 1) % n, next(weight)] for k in (0, n) for i in range(n)]
    return [*rings, [0, n, 0.8]]


class Run(NamedTuple):
    """A run, and what its job left."""

    prepared: PreparedRun
    result: OptimisationResult


class Poor(Noiseless):
    """Pays for so many measurements."""

    def __init__(self, *settings: Any, measurements: int) -> None:
        super().__init__(*settings)
        self.left = measurements

    def run(self, circuits: Sequence[Compiled], shots: int, purpose: Purpose) -> list[Counts]:
        """Return the counts, or refuse."""
        if not self.left:
            raise CapReached("limits.max_cost_usd: reached")
        self.left -= 1
        return super().run(circuits, shots, purpose)


def run_of(edges: Any, folder: Path, qubits: int, measurements: int = 99, **algorithm: Any) -> Run:
    """Return a run on a device of so many qubits without noise, whose circuits stay as written."""
    request = {
        "problem": {"type": "maxcut", "edges": edges},
        "algorithm": {"name": "rqaoa", "cut": "auto", **algorithm},
        "device": "garnet",
        "shots": 4000,
        "limits": {"max_cost_usd": 100},
    }
    found = planned(request, **width(qubits))
    prepared = PreparedRun.of(
        found,
        run_id="r1",
        execution_arn=EXECUTION,
        problem_uri=None,
        created_at=CREATED,
        prepare_seconds=0.1,
    )
    assert found.state is not None
    state = found.state.model_copy(update={"native_gates": ()})
    device = cast(Executor, Poor(state, 3, measurements=measurements))
    algorithm_ = cast(SettledCutRqaoa, prepared.request.algorithm)
    with closing(Journal(folder, prepared.request)) as journal:
        job = CutRqaoaJob(prepared, journal, monotonic(), algorithm_)
        return Run(prepared, cut_rqaoa.solved(job, device))


def read(run: Run, **changes: Any) -> OptimisationResult:
    """Return a result as it is verified, with some fields changed."""
    written = run.result.model_copy(update=changes).model_dump(mode="json")
    found = read_result(written, run.prepared)
    assert isinstance(found, OptimisationResult)
    return found


@pytest.fixture(scope="module")
def rings(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two rings of seven with an edge between them, in two rounds."""
    return run_of(two_rings(7), tmp_path_factory.mktemp("rings"), 8, max_rounds=2)


def test_each_round_measures_the_correlations_of_the_exact_state(rings: Run) -> None:
    algorithm = cast(SettledCutRqaoa, rings.prepared.request.algorithm)
    distances = []
    for each in replayed(rings.result, rings.prepared.ising, algorithm):
        model, (gammas, betas) = each.expansion.model, each.expansion.angles.tolist()
        weights = qaoa_probabilities(all_energies(model), gammas, betas)
        n = model.n_variables
        spins = spins_of([format(k, f"0{n}b") for k in range(2**n)])
        for (i, j), found in each.found.correlations().items():
            true = weights @ (spins[:, i] * spins[:, j])
            distances.append((found.value - true) / found.error)
    assert len(distances) == 15 + 14  # an edge is gone in the second round
    assert max(map(abs, distances)) < 4
    assert 0.5 < np.std(distances) < 1.5


def test_it_ends_where_uncut_rounds_do_and_uses_the_shots_that_were_told(rings: Run) -> None:
    found = read(rings)
    assert found.classical.proven
    assert found.best_energy == pytest.approx(found.classical.energy)
    assert [each.goals for each in found.cut_rounds] == [(13,), (12,)]
    assert sum(task.shots for task in found.tasks) == rings.prepared.plan.shots == 8000
    plan = cut_plan(rings.prepared.request)
    assert plan is not None
    assert "12 circuits, and so in up to 2 rounds" in plan.words()


def test_what_does_not_follow_from_the_counts_of_a_round_is_refused(rings: Run) -> None:
    first, second = rings.result.cut_rounds
    eliminated = rings.result.eliminations
    turned = eliminated[-1].model_copy(update={"correlation": -eliminated[-1].correlation / 2})
    one = second.model_copy(update={"parts": second.parts[:1]})
    layers = second.model_copy(update={"gammas": (0.1, 0.2), "betas": (0.1, 0.2)})
    elsewhere = [part.model_copy(update={"device": "Forte-1"}) for part in second.parts]
    split = [part.model_copy(update={"variables": (part.variables[0],)}) for part in second.parts]
    rest = sorted(set(range(13)).difference(*(part.variables for part in split)))
    split.append(split[0].model_copy(update={"variables": tuple(rest)}))
    for changes, said in (
        ({"cut_rounds": (first,)}, "length of eliminations: got 2"),
        ({"cut_rounds": (first, second, second)}, "which the tasks took beside 12000"),
        ({"cut_rounds": (first, one)}, "variables of cut_rounds.1"),
        ({"cut_rounds": (first, layers)}, "angles of cut_rounds.1: got 2; allowed: up to 1"),
        ({"cut_rounds": (first, _parted(second, elsewhere))}, "device of cut_rounds.1"),
        ({"cut_rounds": (first, _parted(second, split))}, "allowed: up to 4"),
        ({"eliminations": (*eliminated[:-1], turned)}, "eliminations.1"),
        ({"eliminations": eliminated[::-1]}, "eliminations.0"),
        ({"mean_energy": rings.result.mean_energy + 0.01}, "mean_energy: got"),
    ):
        written = rings.result.model_copy(update=changes).model_dump(mode="json")
        assert said in refusal_of(written, rings.prepared), changes


def _parted(each: CutRound, parts: Sequence[Part]) -> CutRound:
    return each.model_copy(update={"parts": tuple(parts)})


def test_the_report_has_all_rounds(rings: Run) -> None:
    report = report_of(rings.prepared, read(rings))
    assert report.solution.found_by == "recursive rounding"
    assert report.cut is not None
    rounds = [(each.variables, each.gates, each.fixed) for each in report.cut.rounds]
    assert rounds == [(14, 1, 1), (13, 1, 1)]
    assert [each.shots for each in report.cut.rounds] == [4000, 4000]
    assert report.cut.shots == 8000
    assert not report.partial
    shown = [row.value for table in cut_tables(report) for row in table.rows]
    assert {"1 of 14 fixed", "1 of 13 fixed"} <= set(shown)


def test_money_that_ends_leaves_the_rest_to_the_correlations_that_there_are(
    tmp_path: Path,
) -> None:
    run = run_of(two_rings(7), tmp_path / "one", 8, measurements=1, max_rounds=2)
    found = read(run)
    [only] = found.cut_rounds
    assert only.goals == (13, 12)
    assert found.device_run is not None
    assert found.device_run.cut_short == "limits.max_cost_usd = 100: 1 of up to 2 rounds"
    assert report_of(run.prepared, found).partial
    with pytest.raises(CapReached):
        run_of(two_rings(7), tmp_path / "none", 8, measurements=0, max_rounds=2)


def test_a_round_fixes_on_until_what_is_left_can_be_cut(tmp_path: Path) -> None:
    # A bridge that correlates most: once its ends are one, no single edge parts what is left.
    cubic = nx.random_regular_graph(3, 8, seed=1)
    halves = nx.disjoint_union(cubic, cubic)
    edges = [[*edge, 0.5] for edge in halves.edges]
    run = run_of([*edges, [0, 8, 2.0]], tmp_path, 13, cut=1, max_rounds=2)
    [first, *_] = run.result.cut_rounds
    assert len(first.goals) > 1
    algorithm = cast(SettledCutRqaoa, run.prepared.request.algorithm)
    for each in replayed(read(run), run.prepared.ising, algorithm):
        parts = [part.variables for part in each.expansion.parts]
        assert max(map(len, parts)) <= 13
        assert len(crossing(each.expansion.model, parts)) <= 1
