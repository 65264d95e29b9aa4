"""Problems with constraints or of higher order, solved with default settings on their own states.

``python -m benchmarks.constrained`` solves seeded random instances of every application by the job
itself, and has each result verified, which enumerates all states by numpy. It prints

    states     of the smallest instance
    optimal    instances whose shots have an optimal feasible answer
    blind      the probability that as many blind picks among feasible states have one
    p(best)    probability of the best in one shot: least and median of the instances
    gain       p(best) in units of a blind feasible pick's: least, median, how many reach 20
    feasible   median probability of a feasible outcome

and for LABS the merit factors beside the best that there are. ``--small`` takes spaces of about a
thousand states, ``--mixer ring`` the other mixer where there are groups. ``--only groups`` prints
which share of the shots obeys all rules in the groups' own space, and which where they are
penalised on free bits: with the same settings, or, of too many bits, by chance. ``--only
inequalities`` compares the ways in which a device's circuit keeps them, at depth 2 without noise.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import resource
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, get_args

import click
import numpy as np
from numpy.random import Generator
from rich.console import Console
from rich.table import Table

from hybrid_job.journal import Journal
from hybrid_job.main import solve
from hybrid_job.optimising import optimiser
from quantum_pipeline.planning.algorithm import WIDE_TAIL
from quantum_pipeline.planning.costs import FREE, InstancePrice
from quantum_pipeline.planning.preparation import prepare
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.problems import FormProblem
from quantum_pipeline.requests.request import parse_request
from quantum_pipeline.results import (
    ConstrainedResult,
    FeasibleFigures,
    JobResult,
    read_result,
)
from quantum_pipeline.spaces.encoding import Encoded, Encoding, Inequality
from quantum_pipeline.spaces.landscape import Landscape, typical_field

Json = dict[str, Any]
Make = Callable[[Generator], Json]

INSTANCE = InstancePrice(instance_type="this machine", usd_per_hour=0.0, as_of=FREE)

MERIT = {
    8: 4.0, 9: 3.375, 10: 3.846, 11: 12.1, 12: 7.2, 13: 14.083, 14: 5.158, 15: 7.5, 16: 5.333,
    17: 4.516, 18: 6.48, 19: 6.224, 20: 7.692,
}  # fmt: skip
"""Best merit factors n^2 / (2 E). Source: T. Packebusch, S. Mertens, J. Phys. A 49, 165001 (2016),
table 1, https://arxiv.org/abs/1512.02475."""


class Solved(NamedTuple):
    """What one instance came to."""

    states: int
    optimal: bool
    probability: float
    blind: float
    share: float
    feasible: float
    objective: float
    seconds: float
    shots: int
    mean: float
    gammas: tuple[float, ...]
    betas: tuple[float, ...]

    @property
    def depth(self) -> int:
        """Layers of the circuit."""
        return len(self.gammas)


def solved_here(request: Json) -> tuple[PreparedRun, JobResult]:
    """Return a request as it is prepared, and the result of its job, in this process."""
    now = datetime.now(UTC)
    found = prepare(parse_request(request), {}, instance=INSTANCE, region="us-east-1", now=now)
    prepared = PreparedRun.of(
        found, run_id="r1", execution_arn="", problem_uri=None, created_at=now, prepare_seconds=0.0
    )
    with (
        contextlib.redirect_stdout(io.StringIO()),
        tempfile.TemporaryDirectory() as folder,
        closing(Journal(Path(folder), prepared.request)) as journal,
    ):
        return prepared, solve(prepared, journal, time.monotonic())


def solved(problem: Json, **settings: Any) -> Solved:
    """Return what default settings make of a problem; its answer is checked by its own numbers."""
    began = time.monotonic()
    prepared, claimed = solved_here({"problem": problem, "device": "local", **settings})
    seconds = time.monotonic() - began
    result = read_result(claimed.model_dump(mode="json"), prepared)
    asked = prepared.request.problem
    assert isinstance(result, ConstrainedResult)
    assert isinstance(asked, FormProblem)
    answer, figures = result.best_bitstring, result.figures
    bits = [] if answer is None else [int(bit) for bit in answer]
    objective = asked.objective(bits) if bits else np.nan
    again = asked.objective_of_energy(result.best_objective or 0.0)
    if bits and not (asked.form.feasible(bits) and math.isclose(objective, again, rel_tol=1e-12)):
        raise ValueError(f"{asked.type}: {answer} has the objective {objective}")
    return Solved(
        states=figures.n_states,
        optimal=result.best_objective == figures.best,
        probability=figures.probability_of_best,
        blind=figures.blind_probability_of_best,
        share=figures.share,
        feasible=_feasible_part(asked, figures),
        objective=objective,
        seconds=seconds,
        shots=sum(result.counts.values()),
        mean=result.mean_energy,
        gammas=result.gammas,
        betas=result.betas,
    )


def _feasible_part(problem: FormProblem, figures: FeasibleFigures) -> float:
    """Return the part of the states that break no rule; of a colouring, those without conflict."""
    if problem.counts_violations:
        return 0.0 if figures.best else figures.blind_probability_of_best
    return figures.n_feasible / figures.n_states


def drawn(make: Make, rng: Generator, least: int) -> Json:
    """Return a random problem of at least so many states: those of fewer are drawn again."""
    while True:
        problem = make(rng)
        asked = parse_request({"problem": problem}).problem
        assert isinstance(asked, FormProblem)
        if asked.form.space.n_states >= least:
            return problem


def graph(n: int, density: float, rng: Generator, weights: int = 1) -> Json:
    """Return a random graph with at least one edge; weights from 1 up where there are several."""
    pairs = [(i, j) for j in range(n) for i in range(j) if rng.random() < density] or [(0, 1)]
    edges = [[i, j, int(rng.integers(1, weights + 1))] for i, j in pairs]
    return {"n_nodes": n, "edges": edges}


def knapsack(n: int) -> Make:
    """Return knapsacks of half the weight of all items; values and weights from 1 to 99."""

    def make(rng: Generator) -> Json:
        values, weights = rng.integers(1, 100, (2, n)).tolist()
        items = [{"value": v, "weight": w} for v, w in zip(values, weights, strict=True)]
        return {"type": "knapsack", "items": items, "capacity": sum(weights) // 2}

    return make


def portfolio(n: int, k: int) -> Make:
    """Return k of n assets whose returns hang on three factors."""

    def make(rng: Generator) -> Json:
        loadings = rng.normal(0, 0.2, (n, 3))
        risks = loadings @ loadings.T + np.diag(rng.uniform(0.01, 0.05, n))
        returns = rng.normal(0.1, 0.05, n).round(4).tolist()
        rows = risks.round(5).tolist()
        return {"type": "portfolio", "returns": returns, "risks": rows, "cardinality": k}

    return make


def tsp(n: int) -> Make:
    """Return cities in a square of 100 by 100, and their distances, rounded."""

    def make(rng: Generator) -> Json:
        at = rng.uniform(0, 100, (n, 2))
        apart = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1)).round().tolist()
        return {"type": "tsp", "distances": apart}

    return make


def coloring(n: int, k: int) -> Make:
    """Return graphs of which a colouring is known: no edge within k random classes."""

    def make(rng: Generator) -> Json:
        colour = rng.integers(k, size=n)
        edges = [e for e in graph(n, 0.5, rng)["edges"] if colour[e[0]] != colour[e[1]]]
        return {"type": "graph_coloring", "n_nodes": n, "edges": edges or [[0, 1]], "colors": k}

    return make


def on_graph(kind: str, n: int, density: float, weights: int = 1, **fields: Any) -> Make:
    """Return a problem of nothing but a random graph, and some fields."""
    return lambda rng: {"type": kind, **graph(n, density, rng, weights), **fields}


def cover(kind: str, n: int, elements: int) -> Make:
    """Return random sets of which some cover all elements: for exact covers, planted ones do."""

    def make(rng: Generator) -> Json:
        inside = rng.random((n, elements)) < 0.25
        owners = rng.integers(n // 3, size=elements)
        inside[: n // 3] = owners == np.arange(n // 3)[:, None]
        inside[~inside.any(axis=1), 0] = True
        sets = {f"S{i}": np.flatnonzero(row).tolist() for i, row in enumerate(inside)}
        costs = {name: int(rng.integers(1, 10)) for name in sets}
        extra = {"costs": costs} if kind == "set_cover" else {"elements": list(range(elements))}
        return {"type": kind, "sets": sets, **extra}

    return make


def packing(n: int, bins: int) -> Make:
    """Return items of 10 to 50 for bins of 100, of which each holds two."""

    def make(rng: Generator) -> Json:
        sizes = rng.integers(10, 51, n).tolist()
        items = [{"size": size} for size in sizes]
        return {"type": "bin_packing", "items": items, "capacity": 100, "bins": bins}

    return make


def partition(n: int) -> Make:
    """Return numbers from 1 to 99."""
    return lambda rng: {
        "type": "number_partitioning",
        "numbers": rng.integers(1, 100, n).tolist(),
    }


def sat(n: int) -> Make:
    """Return 4.2 n clauses of three literals each."""

    def make(rng: Generator) -> Json:
        chosen = [rng.choice(n, 3, replace=False) for _ in range(int(4.2 * n))]
        clauses = [[f"{'-' * int(rng.integers(2))}x{i}" for i in each] for each in chosen]
        return {"type": "max_sat", "clauses": clauses}

    return make


def polynomial(n: int) -> Make:
    """Return spins in n random products of three."""

    def make(rng: Generator) -> Json:
        places = [rng.choice(n, 3, replace=False).tolist() for _ in range(2 * n)]
        terms = [[[f"s{i}" for i in each], round(float(rng.normal()), 3)] for each in places]
        return {"type": "polynomial", "over": "spins", "terms": terms}

    return make


SMALL: dict[str, Make] = {
    "knapsack": knapsack(10),
    "portfolio": portfolio(10, 4),
    "tsp": tsp(6),
    "graph coloring": coloring(6, 3),
    "max k-cut": on_graph("max_k_cut", 6, 0.6, 9, parts=3),
    "independent set": on_graph("max_independent_set", 10, 0.3),
    "vertex cover": on_graph("min_vertex_cover", 10, 0.3),
    "clique": on_graph("max_clique", 10, 0.6),
    "set cover": cover("set_cover", 10, 10),
    "exact cover": cover("exact_cover", 10, 10),
    "bin packing": packing(5, 3),
    "partitioning": partition(10),
    "max sat": sat(10),
    "polynomial": polynomial(10),
}
LEAST = 2**14
"""States of those below, at least; what of an exact cover is a group hangs on its sets."""

LARGE: dict[str, Make] = {
    "knapsack": knapsack(15),
    "portfolio": portfolio(18, 6),
    "tsp": tsp(7),
    "graph coloring": coloring(9, 3),
    "max k-cut": on_graph("max_k_cut", 9, 0.5, 9, parts=3),
    "independent set": on_graph("max_independent_set", 15, 0.3),
    "vertex cover": on_graph("min_vertex_cover", 15, 0.3),
    "clique": on_graph("max_clique", 15, 0.6),
    "set cover": cover("set_cover", 15, 12),
    "exact cover": cover("exact_cover", 24, 8),
    "bin packing": packing(7, 4),
    "partitioning": partition(15),
    "max sat": sat(15),
    "polynomial": polynomial(15),
}


IN_GROUPS: dict[str, Make] = {
    "tsp of 7": tsp(7),
    "colouring of 12 in 3": coloring(12, 3),
    "tsp of 5": tsp(5),
    "colouring of 5 in 3": coloring(5, 3),
}
WIDEST_PENALISED = 16
"""Bits of a penalised form that is trained here."""


def penalised(problem: Json) -> Json:
    """Return a problem on free bits: its groups' rules are two inequalities each."""
    asked = parse_request({"problem": problem}).problem
    assert isinstance(asked, FormProblem)
    form, linear, quadratic = asked.form, {}, []
    for variables, coefficient in form.objective.monomials:
        names = [f"x{i}" for i in variables]
        if len(names) == 1:
            linear[names[0]] = coefficient
        else:
            quadratic.append([*names, coefficient])
    rules: list[tuple[Json, str, float | None]]
    rules = [({f"x{i}": 1.0 for i in group.bits}, "==", group.ones) for group in form.space.groups]
    rules += [
        ({f"x{i}": a for i, a in each.coefficients}, each.sense, each.bound)
        for each in form.constraints
    ]
    return {
        "type": "constrained",
        "variables": {f"x{i}": "binary" for i in range(form.space.n_bits)},
        "objective": {"linear": linear, "quadratic": quadratic},
        "constraints": [
            {"linear": sums, "sense": way, "bound": bound}
            for sums, sense, bound in rules
            for way in ("<=", ">=")
            if sense in ("==", way)
        ],
    }


def _groups(console: Console) -> list[Json]:
    """Print the share of shots that obey all rules in the groups' space, and beside it."""
    table = Table("problem", "states", "all rules", "s", "penalised states", "all rules", "how")
    found = []
    for name, make in IN_GROUPS.items():
        problem = make(np.random.default_rng([0, *name.encode()]))
        own, bits = solved(problem), len(penalised(problem)["variables"])
        share = _all_rules(problem, own)
        if bits <= WIDEST_PENALISED:
            beside = solved(penalised(problem))
            part, how = _all_rules(problem, beside), "trained alike"
        else:
            part = own.feasible * own.states / 2.0**bits
            how = "by chance: too wide to train"
        table.add_row(
            name, f"{own.states:,}", f"{share:.3g}", f"{own.seconds:.1f}", f"2^{bits}",
            f"{part:.2g}", how,
        )  # fmt: skip
        found.append({"problem": name, "share": share, "penalised": part, **own._asdict()})
    console.print(table)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    console.print(f"largest memory of all: {peak:.2f} GiB")
    return found


OF_ITEMS: dict[str, Make] = {
    "knapsack of 6": lambda rng: _light(6, rng),
    "knapsack of 8": lambda rng: _light(8, rng),
    "set cover of 7": cover("set_cover", 7, 6),
}


def _light(n: int, rng: Generator) -> Json:
    """Return a knapsack of small weights, which take few bits of slack."""
    values, weights = rng.integers(1, 5, (2, n)).tolist()
    items = [{"value": v, "weight": w} for v, w in zip(values, weights, strict=True)]
    return {"type": "knapsack", "items": items, "capacity": sum(weights) // 2}


def _inequalities(console: Console, instances: int) -> list[Json]:
    """Print how often a shot finds the best, by the way in which inequalities are kept."""
    table = Table("problem", "inequality", "qubits", "feasible", "gain, median")
    found = []
    for name, make in OF_ITEMS.items():
        for way in get_args(Inequality):
            problems = [make(np.random.default_rng([k, *name.encode()])) for k in range(instances)]
            each = [trained for problem in problems if (trained := _trained(problem, way))]
            qubits, share, gain = np.median(each, axis=0).tolist()
            table.add_row(name, way, f"{qubits:g}", f"{share:.2f}", f"{gain:.1f}")
            found.append({"problem": name, "way": way, "qubits": qubits, "gain": gain})
    console.print(table)
    return found


def _trained(problem: Json, way: Inequality) -> tuple[float, float, float] | None:
    """Return qubits, feasible share, and p(best) in units of a blind pick's; None if too wide."""
    asked = parse_request({"problem": problem}).problem
    assert isinstance(asked, FormProblem)
    encoding, landscape = Encoding.of(asked.form, way), Landscape.of(asked.form)
    if encoding.space.n_bits > WIDEST_PENALISED:
        return None
    encoded = Encoded.of(encoding, landscape, None)
    circuit, unit = encoded.circuit("ring"), typical_field(encoding.space, encoded.turned)
    starts = optimiser.starting_points(2, 3, unit, np.random.default_rng(0))
    optimum = optimiser.minimise(
        lambda angles: circuit.tail_and_gradient(angles, WIDE_TAIL),
        starts,
        unit=unit,
        max_evaluations=600,
        deadline=math.inf,
    )
    found = encoded.of_answers(circuit.probabilities(optimum.angles))
    figures = FeasibleFigures.of(landscape, found)
    gain = figures.probability_of_best / figures.blind_probability_of_best
    return float(encoding.space.n_bits), figures.share, gain


def _all_rules(problem: Json, each: Solved) -> float:
    """Return the probability that all rules hold: of a colouring also that there is no conflict."""
    return each.probability if problem["type"] == "graph_coloring" else each.share


def _row(name: str, results: list[Solved]) -> list[str]:
    probabilities = sorted(each.probability for each in results)
    gains = sorted(each.probability / each.blind for each in results)
    blind = np.mean([1 - (1 - each.blind) ** each.shots for each in results])
    good = sum(gain >= 20 for gain in gains)
    return [
        name,
        f"{min(each.states for each in results):,}",
        f"{sum(each.optimal for each in results)}/{len(results)}",
        f"{blind:.2f}",
        f"{probabilities[0]:.4f} {np.median(probabilities):.3f}",
        f"{gains[0]:.1f} {np.median(gains):.0f} ({good})",
        f"{np.median([each.share for each in results]):.2f}",
        f"{np.mean([each.depth for each in results]):.1f}",
        f"{np.median([each.seconds for each in results]):.1f}",
    ]


def _labs(console: Console, lengths: range) -> list[Json]:
    table = Table(
        "n", "states", "merit factor", "best known", "p(best)", "gain", "depth", "apart", "s"
    )
    found = []
    for n in lengths:
        each = solved({"type": "labs", "n": n})
        merit = n**2 / (2 * each.objective)
        table.add_row(
            str(n), f"{each.states:,}", f"{merit:.3f}", f"{MERIT[n]:.3f}",
            f"{each.probability:.4f}", f"{each.probability / each.blind:.0f}", str(each.depth),
            f"{(apart := _apart(n, each)):.0e}", f"{each.seconds:.1f}",
        )  # fmt: skip
        found.append({"n": n, "merit": merit, "apart": apart, **each._asdict()})
    console.print(table)
    return found


def _apart(n: int, each: Solved) -> float:
    """Return how far mean energy, in units of the best, and overlap are from a plain state vector.

    Its energies are sums of products of spins, and each layer is applied gate by gate.
    """
    spins = [1 - 2 * (np.arange(2**n) >> (n - 1 - k) & 1) for k in range(n)]
    products = ([spins[i] * spins[i + k] for i in range(n - k)] for k in range(1, n))
    energies = np.sum([np.sum(each, axis=0) ** 2.0 for each in products], axis=0)
    state = np.full(2**n, 2 ** (-n / 2), dtype=complex)
    for gamma, beta in zip(each.gammas, each.betas, strict=True):
        state *= np.exp(-1j * gamma * energies)
        for k in range(n):
            zero, one = state.reshape(2**k, 2, -1).transpose(1, 0, 2).copy()
            turned = np.cos(beta) * zero - 1j * np.sin(beta) * one
            other = np.cos(beta) * one - 1j * np.sin(beta) * zero
            state = np.stack((turned, other), axis=1).ravel()
    found, best = np.abs(state) ** 2, energies == energies.min()
    apart = abs(found @ energies - each.mean) / energies.min()
    return float(max(apart, abs(found[best].sum() - each.probability)))


@click.command(help=__doc__.splitlines()[0] if __doc__ else None)
@click.option("--instances", default=10, show_default=True, help="random ones of each application")
@click.option("--small", is_flag=True, help="spaces of about a thousand states")
@click.option(
    "--only", multiple=True, help="an application, labs, or groups; without, all and labs"
)
@click.option("--mixer", type=click.Choice(["complete", "ring"]), default="complete")
@click.option("--tail", type=float, help="algorithm.cvar_alpha, in place of the default")
@click.option("--json", "file", type=click.Path(path_type=Path), help="write the figures here too")
def main(
    *, instances: int, small: bool, only: tuple[str, ...], mixer: str, tail: float | None,
    file: Path | None,
) -> None:  # fmt: skip
    """Print the tables."""
    console, figures = Console(width=120), {}
    chosen = SMALL if small else LARGE
    algorithm: Json = {} if tail is None else {"cvar_alpha": tail}
    table = Table(
        "application", "states", "optimal", "blind", "p(best)", "gain", "feasible", "depth", "s"
    )
    for name, make in chosen.items():
        if only and name not in only:
            continue
        results = []
        for seed in range(instances):
            least = 1 if small else LEAST
            problem = drawn(make, np.random.default_rng([seed, *name.encode()]), least)
            grouped = problem["type"] in GROUPED
            more = {"mixer": mixer} if mixer == "ring" and grouped else {}
            results.append(solved(problem, algorithm=algorithm | more, seed=seed))
        table.add_row(*_row(name, results))
        click.echo(name, err=True)
        figures[name] = [each._asdict() for each in results]
    if figures:
        console.print(table)
    if not only or "labs" in only:
        figures["labs"] = _labs(console, range(8, 15 if small else 21))
    if "groups" in only:
        figures["groups"] = _groups(console)
    if "inequalities" in only:
        figures["inequalities"] = _inequalities(console, instances)
    if file is not None:
        file.write_text(json.dumps(figures, default=float))


GROUPED = ("portfolio", "tsp", "graph_coloring", "max_k_cut", "bin_packing")

if __name__ == "__main__":
    main()
