"""Whether any claim of a run is wrong, by rational arithmetic: ``python -m benchmarks.digits``.

Random problems of all types with binary variables: scales from 1e-9 to 1e9, offsets up to 1e12,
penalties up to 1e9, numbers of few digits and of many. Each goes through the job's solver,
verification and report. The optimum, the probability of it, the ratios, what is called better,
equal or best are then computed anew from the request's JSON alone, with ``fractions`` and a state
vector of its own; nothing of the package is used for that.

A float is read as the shortest decimal and as the binary number. A claim is wrong if it is so in
the reading, or in both readings, that it is made for; what is called doubtful must be so.
Exits with 1 on any wrong claim.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, redirect_stdout
from datetime import UTC, datetime
from fractions import Fraction
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks import options
from hybrid_job.journal import Journal
from hybrid_job.main import solve
from quantum_pipeline.planning.costs import InstancePrice, bill
from quantum_pipeline.planning.preparation import prepare
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.reports import OptimisationReport, Outcome, Timing, build_report
from quantum_pipeline.requests.request import parse_request
from quantum_pipeline.results import read_result
from quantum_pipeline.runs import SubmittedJob

Random = np.random.Generator
Problem = dict[str, Any]

NOW = datetime(2026, 1, 1, tzinfo=UTC)
INSTANCE = InstancePrice(instance_type="ml.m5.large", usd_per_hour=0.0, as_of="never")
CLOSE = 1e-9
"""Of ratios and probabilities that hang on a simulated state; those of bitstrings are exact."""


def problems(number: int, seed: int) -> Iterator[Problem]:
    """Yield random problems: the first hundred are the same, however many there are."""
    for k in range(number):
        rng = np.random.default_rng([seed, k])
        yield KINDS[k % len(KINDS)](rng, int(rng.integers(2, 9)))


def _numbers(rng: Random, size: int) -> list[float]:
    """Return numbers of one scale: real, of two decimals, or integers."""
    scale = 10 ** rng.uniform(-9, 9)
    kind = rng.integers(4)
    if kind == 0:
        return [float(x) for x in scale * rng.normal(size=size)]
    if kind == 1:
        return [round(float(x), 2) for x in rng.uniform(-9, 9, size)]
    power = 10.0 ** int(rng.integers(-9, 10))
    if kind == 2:
        return [float(f"{int(x)}e{int(np.log10(power))}") for x in rng.integers(-9, 10, size)]
    return [float(int(x) * power) for x in rng.integers(-9, 10, size)]


def _pairs(rng: Random, n: int) -> list[tuple[int, int]]:
    pairs = [pair for pair in itertools.combinations(range(n), 2) if rng.random() < 0.6]
    if pairs and rng.random() < 0.3:
        i, j = pairs[0]
        pairs.append((j, i))
    return pairs


def _terms(rng: Random, n: int) -> list[list[float]]:
    pairs = _pairs(rng, n)
    values = _numbers(rng, len(pairs))
    return [[i, j, value] for (i, j), value in zip(pairs, values, strict=True)]


def _offset(rng: Random) -> float:
    return float(rng.choice([-1, 1])) * float(10 ** rng.uniform(0, 12))


def _qubo(rng: Random, n: int) -> Problem:
    return {"type": "qubo", "linear": _numbers(rng, n), "quadratic": _terms(rng, n)}


def _choice(rng: Random, n: int) -> Problem:
    """Choose k of n by weight, with a penalty as programs write it: added up in floats."""
    k, penalty = int(rng.integers(1, n)), float(round(10 ** rng.uniform(0, 9)))
    linear = [weight + penalty * (1 - 2 * k) for weight in _numbers(rng, n)]
    quadratic = [[i, j, 2 * penalty] for i, j in itertools.combinations(range(n), 2)]
    return {"type": "qubo", "linear": linear, "quadratic": quadratic}


def _exclusive(rng: Random, n: int) -> Problem:
    """Weights with penalties beside them, not added to them: no digit of either is lost."""
    penalty = float(10 ** rng.integers(0, 10))
    pairs = [[i, j, penalty] for i, j in _pairs(rng, n)]
    return {"type": "qubo", "linear": _numbers(rng, n), "quadratic": pairs}


def _matrix(rng: Random, n: int) -> Problem:
    matrix = [_numbers(rng, n) for _ in range(n)]
    if rng.random() < 0.5:
        return {"type": "qubo", "matrix": matrix}
    linear = _numbers(rng, n)
    return {"type": "optimization", "linear_coefficients": linear, "quadratic_matrix": matrix}


def _ising(rng: Random, n: int) -> Problem:
    fields, couplings = _numbers(rng, n), _terms(rng, n)
    return {"type": "ising", "fields": fields, "couplings": couplings, "offset": _offset(rng)}


def _bqm(rng: Random, n: int) -> Problem:
    terms = _terms(rng, n)
    model = {
        "type": "BinaryQuadraticModel",
        "use_bytes": False,
        "variable_type": str(rng.choice(["SPIN", "BINARY"])),
        "offset": _offset(rng),
        "variable_labels": list(range(n)),
        "linear_biases": _numbers(rng, n),
        "quadratic_biases": [value for _, _, value in terms],
        "quadratic_head": [int(i) for i, _, _ in terms],
        "quadratic_tail": [int(j) for _, j, _ in terms],
    }
    return {"type": "bqm", "bqm": model}


def _maxcut(rng: Random, n: int) -> Problem:
    pairs = list(itertools.combinations(range(n), 2))
    weights = _numbers(rng, len(pairs))
    return {"type": "maxcut", "edges": [[*pair, w] for pair, w in zip(pairs, weights, strict=True)]}


KINDS = (_qubo, _choice, _exclusive, _matrix, _ising, _bqm, _maxcut, _choice)


class Reference:
    """The minimised objective of a problem at every bitstring, by rational arithmetic."""

    def __init__(self, problem: Problem, *, decimal: bool) -> None:
        self._problem, self._decimal = problem, decimal

    @cached_property
    def values(self) -> dict[str, Fraction]:
        """The minimised objective of each bitstring, constant included."""
        linear, quadratic, constant, spins = self._parts()
        found = {}
        for bits in itertools.product((0, 1), repeat=len(linear)):
            v = [1 - 2 * bit for bit in bits] if spins else list(bits)
            value = constant + sum(c * x for c, x in zip(linear, v, strict=True))
            value += sum(c * v[i] * v[j] for i, j, c in quadratic)
            found["".join(map(str, bits))] = Fraction(value)
        return found

    @property
    def best(self) -> Fraction:
        return min(self.values.values())

    @property
    def zero(self) -> Fraction:
        """The value of ratio 0."""
        return Fraction(0) if self._problem["type"] == "maxcut" else max(self.values.values())

    @property
    def mean(self) -> Fraction:
        return sum(self.values.values(), Fraction(0)) / len(self.values)

    def ratio(self, value: Fraction) -> Fraction | None:
        apart = self.zero - self.best
        return (self.zero - value) / apart if apart > 0 else None

    def _read(self, number: float) -> Fraction:
        return Fraction(repr(float(number)) if self._decimal else float(number))

    def _parts(self) -> tuple[list[Fraction], list[tuple[int, int, Fraction]], Fraction, bool]:
        p, read, none = self._problem, self._read, Fraction(0)
        if p["type"] == "maxcut":
            n = 1 + max(j for _, j, _ in p["edges"])
            halves = [(i, j, read(w) / 2) for i, j, w in p["edges"]]
            return [none] * n, halves, -sum((w for *_, w in halves), none), True
        if p["type"] == "bqm":
            b = p["bqm"]
            ends = zip(b["quadratic_head"], b["quadratic_tail"], b["quadratic_biases"], strict=True)
            pairs = [(i, j, read(c)) for i, j, c in ends]
            linear = [read(c) for c in b["linear_biases"]]
            return linear, pairs, read(b["offset"]), b["variable_type"] == "SPIN"
        if p["type"] == "ising":
            pairs = [(int(i), int(j), read(c)) for i, j, c in p["couplings"]]
            return [read(c) for c in p["fields"]], pairs, read(p["offset"]), True
        matrix = p.get("matrix") or p.get("quadratic_matrix")
        if matrix:
            pairs = [(i, j, read(c)) for i, row in enumerate(matrix) for j, c in enumerate(row)]
            linear = p.get("linear_coefficients", [0.0] * len(matrix))
            return [read(c) for c in linear], pairs, none, False
        pairs = [(int(i), int(j), read(c)) for i, j, c in p["quadratic"]]
        return [read(c) for c in p["linear"]], pairs, none, False


class Judge:
    """What is wrong with a report, by the two readings of its problem."""

    def __init__(self, problem: Problem, report: OptimisationReport) -> None:
        self.decimal = Reference(problem, decimal=True)
        self.binary = Reference(problem, decimal=False)
        self._report, self._sign = report, -1 if problem["type"] == "maxcut" else 1

    def order(self, one: str, other: str) -> int:
        """Return -1 where one is lower in both readings, 1 where it is higher, 0 otherwise."""
        a, b = self.decimal.values, self.binary.values
        lower = a[one] < a[other] and b[one] < b[other]
        higher = a[one] > a[other] and b[one] > b[other]
        return higher - lower

    def wrong(self) -> Iterator[str]:
        """Yield the claims that are wrong, in words."""
        yield from self._answers()
        yield from self._comparison()
        yield from self._ratios()
        yield from self._probability()

    def _answers(self) -> Iterator[str]:
        report, values = self._report, self.decimal.values
        solution, classical = report.solution, report.quality.classical
        for name, bits, objective in (
            ("solution", solution.bitstring, solution.objective),
            ("classical", classical.bitstring, classical.objective),
        ):
            if objective != float(self._sign * values[bits]):
                yield f"objective of {name}: {objective}, right {float(self._sign * values[bits])}"
        if report.quality.best_known != float(self._sign * self.decimal.best):
            yield f"best known {report.quality.best_known}, right {float(self.decimal.best)}"
        lower = [each for each in report.samples if self.order(each, solution.bitstring) < 0]
        if lower:
            yield f"best sample {solution.bitstring}, but {lower[0]} is lower"
        if any(self.order(each, classical.bitstring) < 0 for each in values):
            yield f"{classical.bitstring} is called the optimum"

    def _comparison(self) -> Iterator[str]:
        quality, solution = self._report.quality, self._report.solution
        one, other = solution.bitstring, quality.classical.bitstring
        order, values = self.order(one, other), self.decimal.values
        if quality.outcome != {-1: "better", 0: "equal", 1: "worse"}[order]:
            yield f"compared {quality.outcome}, right {order}"
        if quality.difference != float(abs(values[one] - values[other])):
            yield f"difference {quality.difference}"
        if (quality.outcome == "equal") != quality.verdict.startswith(
            "as good as enumeration (the"
        ):
            yield f"verdict {quality.verdict!r} with {quality.outcome}"
        same = values[one] == values[other] and (
            self.binary.values[one] == self.binary.values[other]
        )
        if order == 0 and not same and not quality.doubtful:
            yield "equal by rounding alone, and not called doubtful"
        flat = all(self.order(each, other) == 0 for each in values)
        if quality.all_equal != flat:
            yield f"all equal: {quality.all_equal}"

    def _ratios(self) -> Iterator[str]:
        quality, report = self._report.quality, self._report
        right = self.decimal.ratio(self.decimal.values[report.solution.bitstring])
        found = quality.approximation_ratio
        if found is None or right is None:
            if (found is None) != (right is None) and not quality.doubtful:
                yield f"ratio {found}, right {right}"
            return
        if abs(found - right) > CLOSE or (found == 1) != (quality.outcome == "equal"):
            yield f"ratio {found}, right {float(right)}"
        for name, ratio, value in (
            ("expected", quality.expected_ratio, self._mean_of_state()),
            ("random", quality.random_ratio, self.decimal.mean),
        ):
            expected = self.decimal.ratio(value)
            if ratio is None or expected is None or abs(ratio - expected) > CLOSE:
                yield f"{name} ratio {ratio}, right {expected and float(expected)}"

    def _probability(self) -> Iterator[str]:
        quality, values = self._report.quality, self.decimal.values
        first = min(values, key=lambda bits: (values[bits], self.binary.values[bits]))
        best = [bits for bits in values if self.order(bits, first) <= 0]
        right = sum(self._probabilities[int(bits, 2)] for bits in best)
        if quality.probability_of_best is None or abs(quality.probability_of_best - right) > CLOSE:
            yield f"probability of the optimum {quality.probability_of_best}, right {right}"

    def _mean_of_state(self) -> Fraction:
        p = self._probabilities
        total = sum((Fraction(float(each)) for each in p), Fraction(0))
        pairs = zip(p, self.decimal.values.values(), strict=True)
        return sum((Fraction(float(each)) * value for each, value in pairs), Fraction(0)) / total

    @cached_property
    def _probabilities(self) -> NDArray[np.float64]:
        """The state of the report's angles, by matrices, with the energies about their mean."""
        algorithm, mean = self._report.algorithm, self.binary.mean
        energies = np.array([float(value - mean) for value in self.binary.values.values()])
        n = len(next(iter(self.binary.values)))
        state = np.full(2**n, 2 ** (-n / 2), dtype=complex)
        for gamma, beta in zip(algorithm.gammas, algorithm.betas, strict=True):
            state = state * np.exp(-1j * gamma * energies)
            mixer = np.array([[np.cos(beta), -1j * np.sin(beta)]] * 2)
            mixer[1] = mixer[1, ::-1]
            for qubit in range(n):
                state = np.einsum("ab,xby->xay", mixer, state.reshape(2**qubit, 2, -1)).ravel()
        return np.abs(state) ** 2


def report_of(problem: Problem, seed: int, folder: Path) -> OptimisationReport:
    """Return the report of a run of a problem, as the functions and the job make it."""
    rng = np.random.default_rng(seed)
    request = {
        "problem": problem,
        "shots": int(rng.integers(1, 60)),
        "seed": seed,
        "algorithm": {"depth": int(rng.integers(1, 3)), "max_evaluations": 12},
    }
    found = prepare(parse_request(request), {}, instance=INSTANCE, region="us-east-1", now=NOW)
    prepared = PreparedRun.of(
        found, run_id="r", execution_arn="arn", problem_uri=None, created_at=NOW, prepare_seconds=0
    )
    metrics = redirect_stdout(StringIO())
    with metrics, closing(Journal(folder, prepared.request)) as journal:
        result = solve(prepared, journal, time.monotonic())
    result = read_result(result.model_dump(mode="json"), prepared)
    cost = bill(instance_seconds=1.0, instance=INSTANCE, device=prepared.device, tasks=())
    job = SubmittedJob(
        run_id="r", attempt=1, job_arn="arn", job_name="r", source_uri="s3://b/s",
        source_sha256="", instance_type=INSTANCE.instance_type,
    )  # fmt: skip
    timing = Timing(
        prepare_seconds=0, queue_seconds=0, job_seconds=1, post_process_seconds=0, polls=0
    )
    outcome = Outcome(job=job, timing=timing, actual=cost, completed_at=NOW)
    report = build_report(prepared, outcome, result)
    assert isinstance(report, OptimisationReport)
    return report


@click.command()
@click.option("--problems", "number", default=1000, show_default=True)
@options.seed
@options.json_file
def main(number: int, seed: int, json_file: Path | None) -> None:
    """Print the wrong claims, and how many problems of each type there were."""
    counted: Counter[str] = Counter()
    wrong, doubtful, worse = [], 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for k, problem in enumerate(problems(number, seed)):
            report = report_of(problem, k, Path(folder) / str(k))
            claims = list(Judge(problem, report).wrong())
            wrong += [{"problem": problem, "number": k, "claims": claims}] if claims else []
            for claim in claims:
                print(f"problem {k}, {problem['type']}: {claim}")
            counted[problem["type"]] += 1
            doubtful += report.quality.doubtful
            worse += report.quality.outcome == "worse"
    types = ", ".join(f"{count} {name}" for name, count in sorted(counted.items()))
    print(f"{number} problems ({types}): {len(wrong)} with a wrong claim")
    print(f"{worse} answers worse than the optimum, {doubtful} called doubtful")
    figures = {"problems": number, "types": counted, "doubtful": doubtful, "worse": worse}
    options.write(json_file, figures | {"wrong": wrong})
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
