"""Cut circuits without noise: ``python -m benchmarks.cuts [--seeds N] [--shots N] [--recursive]``.

MaxCut of 30 nodes in two halves, each 4-regular, with 1, 2, .. edges between them, at depth 1 on
Garnet (20 qubits). Each run is planned, trained, compiled, put together, rounded and verified as
on the device; only the device is replaced, by the exact states of the compiled circuits, whose
outcomes are drawn. The energy is compared with that of the uncut circuit, from the project's light
cones and, independently, from the formula of Wang et al., arXiv:1706.02998, for MaxCut.

With ``--recursive`` the answer is what counts: that of recursive QAOA on cut circuits beside those
of one measurement, of recursive QAOA with exact correlations, and the best one; and how far the
correlations of all rounds are from those of light cones, in stated standard errors.
"""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from math import cos, inf, sin, sqrt
from pathlib import Path
from typing import cast

import click
import networkx as nx
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.compilation import DEVICES, state_of
from benchmarks.constrained import INSTANCE
from hybrid_job.correlations.lightcone import LightCones
from hybrid_job.job import CutJob, CutRqaoaJob
from hybrid_job.journal import Journal
from hybrid_job.on_device.executor import Executor
from hybrid_job.on_device.measurement import Compiled, Counts
from hybrid_job.optimising.angles import starting
from hybrid_job.rounding import recursive
from hybrid_job.solvers import cut, cut_rqaoa
from quantum_pipeline.cutting.expansion import Expansion
from quantum_pipeline.cutting.reconstruction import Reconstruction
from quantum_pipeline.devices.states import DeviceState
from quantum_pipeline.planning.preparation import prepare
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.planning.tasks import Purpose
from quantum_pipeline.requests.algorithm import SettledCut, SettledCutQaoa, SettledCutRqaoa
from quantum_pipeline.requests.request import parse_request
from quantum_pipeline.results import OptimisationResult, QuantumTask, read_result
from quantum_pipeline.results.cut_checks import replayed

Real = NDArray[np.float64]

Complex = NDArray[np.complex128]

HALF = 15
GARNET = state_of(DEVICES["Garnet"])
WAYS = ("recursive", "once", "uncut")


class Noiseless:
    """Runs circuits as an executor does, on the exact states of what was compiled."""

    def __init__(self, state: DeviceState, seed: int) -> None:
        self.state = state
        self.tasks: tuple[QuantumTask, ...] = ()
        self._rng = np.random.default_rng(seed)

    def affordable_shots(self, executables: int, shots: int) -> int:
        """Return all: nothing is paid for."""
        assert executables
        return shots

    def run(self, circuits: Sequence[Compiled], shots: int, purpose: Purpose) -> list[Counts]:
        """Return the counts of each circuit; copies of one share its state."""
        distinct = {id(each): each for each in circuits}
        states = {key: _probabilities(each) for key, each in distinct.items()}
        self.tasks += (
            QuantumTask(
                arn="noiseless",
                purpose=purpose,
                executables=len(circuits),
                shots=len(circuits) * shots,
            ),
        )
        return [self._drawn(states[id(each)], len(each.qubits), shots) for each in circuits]

    def close(self) -> None:
        """Do nothing: no task waits."""

    def _drawn(self, probabilities: Real, n: int, shots: int) -> Counts:
        drawn = self._rng.multinomial(shots, probabilities)
        return {format(k, f"0{n}b"): int(drawn[k]) for k in np.flatnonzero(drawn)}


def _probabilities(compiled: Compiled) -> Real:
    """Return the probability of each outcome of a compiled circuit, from its gates' matrices."""
    used = {int(q) for each in compiled.circuit.instructions for q in each.target}
    order = [*compiled.qubits, *sorted(used.difference(compiled.qubits))]
    axis, n = {qubit: k for k, qubit in enumerate(order)}, len(order)
    state, nothing = np.zeros(2**n, dtype=np.complex128), np.eye(2, dtype=np.complex128)
    waiting = dict.fromkeys(range(n), nothing)
    state[0] = 1
    for each in compiled.circuit.instructions:
        at, gate = [axis[int(qubit)] for qubit in each.target], each.operator.to_matrix()
        if len(at) == 1:
            waiting[at[0]] = gate @ waiting[at[0]]
            continue
        assert np.count_nonzero(gate - np.diag(np.diag(gate))) == 0  # CZ and ZZ are diagonal
        for k in at:
            _turn(state, k, waiting.pop(k))
            waiting[k] = nothing
        _shift(state, at, np.diag(gate).reshape(2, 2))
    for k, gate in waiting.items():
        _turn(state, k, gate)
    found = (np.abs(state) ** 2).reshape(2 ** len(compiled.qubits), -1).sum(axis=1)
    return np.asarray(found / found.sum(), dtype=np.float64)


def _turn(state: Complex, k: int, gate: Complex) -> None:
    halves = state.reshape(2**k, 2, -1)
    zero, one = halves[:, 0].copy(), halves[:, 1].copy()
    halves[:, 0] = gate[0, 0] * zero + gate[0, 1] * one
    halves[:, 1] = gate[1, 0] * zero + gate[1, 1] * one


def _shift(state: Complex, at: Sequence[int], phases: Complex) -> None:
    i, j = sorted(at)
    phases = phases if at[0] == i else phases.T
    state.reshape(2**i, 2, 2 ** (j - i - 1), 2, -1)[:] *= phases[None, :, None, :, None]


@dataclass(frozen=True)
class Measured:
    """One run: energies less the constant that all cuts share, errors, and shots."""

    crossing: int
    gates: int
    exact: float
    measured: float
    stated_error: float
    methods_apart: float
    shots_planned: int
    shots_used: int
    overhead: float
    seconds: float

    @property
    def distance(self) -> float:
        """Standard errors from the exact energy."""
        return (self.measured - self.exact) / self.stated_error


def halves(crossing: int, seed: int) -> nx.Graph:
    """Return two random 4-regular graphs with so many random edges between them."""
    rng = np.random.default_rng(seed)
    one = nx.random_regular_graph(4, HALF, seed=seed)
    other = nx.random_regular_graph(4, HALF, seed=seed + 1000)
    graph = nx.disjoint_union(one, other)
    pairs = rng.choice(HALF * HALF, crossing, replace=False)
    graph.add_edges_from((int(pair) % HALF, HALF + int(pair) // HALF) for pair in pairs)
    return graph


def by_formula(graph: nx.Graph, gamma: float, beta: float) -> float:
    """Return the mean cut of depth 1 by the formula of Wang et al., theorem 1.

        <C_uv> = 1/2 + sin(4b) sin(g) (cos^d g + cos^e g) / 4
                 - sin^2(2b) cos^(d + e - 2f) g (1 - cos^f 2g) / 4

    of an edge whose ends have d and e further neighbours, f of them in common; the cost is the cut,
    exp(-i g C). Here the energy is minus the cut, so that gamma is -g.
    """
    total, g = 0.0, -gamma
    for u, v in graph.edges:
        d, e = graph.degree[u] - 1, graph.degree[v] - 1
        f = len(set(graph[u]) & set(graph[v]))
        total += 0.5 + sin(4 * beta) * sin(g) * (cos(g) ** d + cos(g) ** e) / 4
        both = cos(g) ** (d + e - 2 * f) * (1 - cos(2 * g) ** f)
        total -= sin(2 * beta) ** 2 * both / 4
    return total


def measured(crossing: int, seed: int, shots: int, state: DeviceState = GARNET) -> Measured:
    """Return what a run of one graph came to."""
    began, graph = time.perf_counter(), halves(crossing, seed)
    prepared, result = _run(graph, seed, shots, state)
    algorithm = cast(SettledCutQaoa, prepared.request.algorithm)
    model, angles = prepared.ising, np.array([result.gammas, result.betas])
    exact = LightCones(model, 1).energy(angles)
    n_edges = graph.number_of_edges()
    formula = n_edges / 2 - by_formula(graph, result.gammas[0], result.betas[0])
    return Measured(
        crossing=crossing,
        gates=crossing * algorithm.depth,
        exact=exact,
        measured=result.mean_energy - model.offset,
        stated_error=result.standard_error or 0.0,
        methods_apart=abs(exact - formula),
        shots_planned=prepared.plan.shots,
        shots_used=sum(task.shots for task in result.tasks),
        overhead=result.cut_rounds[0].expansion(model).overhead,
        seconds=time.perf_counter() - began,
    )


@dataclass(frozen=True)
class Rounds:
    """One graph: edges cut by each way to round, and what the rounds measured."""

    crossing: int
    recursive: float
    once: float
    uncut: float
    best: float
    rounds: int
    rms_distance: float
    shots_planned: int
    shots_used: int


def in_rounds(crossing: int, seed: int, shots: int, state: DeviceState = GARNET) -> Rounds:
    """Return what the ways to round came to on one graph."""
    graph = halves(crossing, seed)
    prepared, result = _run(graph, seed, shots, state, name="rqaoa")
    _, once = _run(graph, seed, shots, state)
    model, algorithm = prepared.ising, cast(SettledCut, prepared.request.algorithm)
    start, _ = starting(model, 1)
    uncut = recursive.solve(model, 1, [start], max_evaluations=2000, deadline=inf)
    distances = [
        distance
        for each in replayed(result, model, algorithm)
        for distance in _distances(each.expansion, each.found)
    ]
    return Rounds(
        crossing=crossing,
        recursive=-result.best_energy,
        once=-once.best_energy,
        uncut=-uncut.energy,
        best=-result.classical.energy,
        rounds=len(result.cut_rounds),
        rms_distance=sqrt(_mean(each**2 for each in distances)),
        shots_planned=prepared.plan.shots,
        shots_used=sum(task.shots for task in result.tasks),
    )


def _distances(expansion: Expansion, found: Reconstruction) -> list[float]:
    """Return how far correlations are from those of light cones, in their standard errors."""
    _, exact = LightCones(expansion.model, expansion.depth).correlations(expansion.angles)
    measured = found.correlations()
    return [(each.value - exact[pair]) / each.error for pair, each in measured.items()]


def _run(
    graph: nx.Graph, seed: int, shots: int, state: DeviceState, name: str = "qaoa"
) -> tuple[PreparedRun, OptimisationResult]:
    """Return a run as it is prepared, and its result, verified."""
    request = parse_request(
        {
            "problem": {"type": "maxcut", "edges": [list(edge) for edge in graph.edges]},
            "algorithm": {"name": name, "cut": "auto", "depth": 1},
            "device": "Garnet",
            "shots": shots,
            "seed": seed,
            "limits": {"max_cost_usd": 1000},
        }
    )
    now = datetime.now(UTC)
    found = prepare(request, {state.arn: state}, instance=INSTANCE, region="eu-north-1", now=now)
    prepared = PreparedRun.of(
        found, run_id="r1", execution_arn="", problem_uri=None, created_at=now, prepare_seconds=0.0
    )
    algorithm, device = prepared.request.algorithm, cast(Executor, Noiseless(state, seed))
    with (
        contextlib.redirect_stdout(io.StringIO()),
        tempfile.TemporaryDirectory() as folder,
        closing(Journal(Path(folder), prepared.request)) as journal,
    ):
        job = (prepared, journal, time.monotonic())
        if isinstance(algorithm, SettledCutRqaoa):
            claimed = cut_rqaoa.solved(CutRqaoaJob(*job, algorithm), device)
        else:
            claimed = cut.solved(CutJob(*job, cast(SettledCutQaoa, algorithm)), device)
    result = read_result(claimed.model_dump(mode="json"), prepared)
    assert isinstance(result, OptimisationResult)
    return prepared, result


def table(rows: Sequence[Measured]) -> Table:
    """Return all runs of each number of edges between the halves in a line."""
    shown = Table(
        *("edges cut", "seeds", "within 3", "within 1", "rms distance", "stated error, %"),
        *("overhead", "shots", "used / planned", "formulas apart", "s a run"),
    )
    for crossing in dict.fromkeys(row.crossing for row in rows):
        mine = [row for row in rows if row.crossing == crossing]
        distances = [abs(row.distance) for row in mine]
        errors = [100 * row.stated_error / abs(row.exact) for row in mine]
        used = [row.shots_used / row.shots_planned for row in mine]
        shown.add_row(
            str(crossing),
            str(len(mine)),
            str(sum(each <= 3 for each in distances)),
            str(sum(each <= 1 for each in distances)),
            f"{sqrt(_mean(each**2 for each in distances)):.2f}",
            f"{_mean(errors):.2f} (at most {max(errors):.2f})",
            f"{_mean(row.overhead for row in mine):.1f}",
            str(mine[0].shots_planned),
            f"{min(used):.2f} .. {max(used):.2f}",
            f"{max(row.methods_apart for row in mine):.1g}",
            f"{_mean(row.seconds for row in mine):.1f}",
        )
    return shown


def table_of_rounds(rows: Sequence[Rounds]) -> Table:
    """Return all graphs of each number of edges between the halves: shares of the best answer."""
    shown = Table(
        *("edges cut", "seeds", "in rounds", "measured once", "exact, uncut", "rounds"),
        *("rms distance", "shots", "used / planned"),
    )
    for crossing in dict.fromkeys(row.crossing for row in rows):
        mine = [row for row in rows if row.crossing == crossing]
        ways = ([getattr(row, way) / row.best for row in mine] for way in WAYS)
        shown.add_row(
            str(crossing),
            str(len(mine)),
            *(f"{_mean(shares):.4f} (best in {sum(s >= 1 for s in shares)})" for shares in ways),
            f"{_mean(row.rounds for row in mine):.1f}",
            f"{sqrt(_mean(row.rms_distance**2 for row in mine)):.2f}",
            str(mine[0].shots_planned),
            f"{min(row.shots_used / row.shots_planned for row in mine):.2f} .. 1",
        )
    return shown


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


@click.command(help=__doc__.splitlines()[0] if __doc__ else None)
@click.option("--seeds", default=20, show_default=True, help="Graphs of each kind.")
@click.option("--shots", default=4000, show_default=True, help="Shots of all circuits of a run.")
@click.option("--crossing", multiple=True, default=(1, 2), type=int, help="Edges between halves.")
@click.option("--logical", is_flag=True, help="Circuits as they are written, not compiled: faster.")
@click.option("--recursive", "rounds", is_flag=True, help="Answers of recursive QAOA, too.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Write the runs.")
def main(
    seeds: int,
    shots: int,
    crossing: Sequence[int],
    *,
    logical: bool,
    rounds: bool,
    file: Path | None,
) -> None:
    """Measure and print."""
    state = GARNET.model_copy(update={"native_gates": ()}) if logical else GARNET
    if rounds:
        found = [
            in_rounds(edges, seed, shots, state) for edges in crossing for seed in range(seeds)
        ]
        Console(width=160).print(table_of_rounds(found))
        return
    rows = [measured(edges, seed, shots, state) for edges in crossing for seed in range(seeds)]
    Console(width=160).print(table(rows))
    if file is not None:
        written = [asdict(row) | {"distance": row.distance} for row in rows]
        file.write_text(json.dumps(written, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
