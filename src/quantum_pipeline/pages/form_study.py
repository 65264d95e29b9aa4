"""A report of a problem on a form with what follows from it: its shots beside blind picks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.pages.study import Distribution
from quantum_pipeline.problems import FormProblem
from quantum_pipeline.reports import ConstrainedReport
from quantum_pipeline.requests.request import ProblemReference, parse_request
from quantum_pipeline.spaces.landscape import Landscape
from quantum_pipeline.wording import digits, percent

LISTED_STATES = 2**20
"""Up to here all feasible states are listed; beyond, ``DRAWN_STATES`` are drawn."""

DRAWN_STATES = 20_000

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FormStudy:
    """A report with its problem rebuilt, and its feasible shots beside blind picks.

    Values are objectives. Of many states a part was drawn; ``blind`` is None where no drawn one was
    feasible, and ``sampled`` where no shot was.
    """

    report: ConstrainedReport
    problem: FormProblem
    sampled: Distribution | None
    blind: Distribution | None
    best_in_shots: float
    listed: bool

    @classmethod
    def of(cls, report: ConstrainedReport) -> FormStudy:
        """Return the study of a report, from its own request and samples."""
        problem = parse_request(report.request).problem
        if isinstance(problem, ProblemReference):
            raise InvalidRequest.of("problem.uri", problem.uri, "a report with its problem inline")
        assert isinstance(problem, FormProblem)
        form, sign = problem.form, problem.objective_of_energy(1.0)
        feasible = [each for each in report.samples if form.feasible([int(bit) for bit in each])]
        counts = np.array([report.samples[each] for each in feasible], dtype=np.float64)
        values = sign * _values(problem, feasible)
        listed = form.space.n_states <= LISTED_STATES
        blind = sign * (_all(problem) if listed else _some(report, problem))
        close = _close(problem)
        best = np.abs(values - report.quality.best_known) <= close
        return cls(
            report=report,
            problem=problem,
            sampled=Distribution.of(values, counts, close) if feasible else None,
            blind=Distribution.of(blind, None, close) if len(blind) else None,
            best_in_shots=float(counts[best].sum()) / sum(report.samples.values()),
            listed=listed,
        )

    @property
    def close(self) -> float:
        """Objectives that differ by no more are one, but for rounding."""
        return _close(self.problem)

    @property
    def optimised(self) -> str:
        """What the energies of the optimiser's evaluations are."""
        tail = self.report.algorithm.cvar_alpha
        return "mean energy" if tail == 1 else f"mean of the lowest {percent(tail)} of energies"

    @property
    def pick(self) -> str:
        """What a state is that was picked without any algorithm."""
        return "blind feasible picks" if self.report.problem.n_constraints else "blind picks"

    def answer(self, objective: float | None, least: int = 10) -> str:
        """Return an objective with the digits that tell it from the other answers."""
        if objective is None:
            return "–"
        quality = self.report.quality
        others = (self.report.solution.objective, quality.best_known, quality.random_mean_objective)
        return digits(objective, *others, least=least).replace("-", "−")


def _close(problem: FormProblem) -> float:
    objective = problem.form.objective
    return 1e-9 * (abs(objective.constant) + sum(abs(c) for _, c in objective.monomials) or 1.0)


def _bits(bitstrings: list[str]) -> NDArray[np.int8]:
    joined = np.frombuffer("".join(bitstrings).encode(), dtype=np.int8) - ord("0")
    return joined.reshape(len(bitstrings), -1)


def _values(problem: FormProblem, bitstrings: list[str]) -> Array:
    """Return the form's objective of bitstrings, shape (bitstrings,)."""
    objective = problem.form.objective
    total = np.full(len(bitstrings), objective.constant)
    if bitstrings:
        bits = _bits(bitstrings)
        values = 1 - 2 * bits if objective.spins else bits
        for variables, coefficient in objective.monomials:
            total += coefficient * values[:, list(variables)].prod(axis=1)
    return total


def _all(problem: FormProblem) -> Array:
    """Return the form's objective of all feasible states."""
    landscape = Landscape.of(problem.form)
    feasible: Array = landscape.objective[landscape.feasible]
    return feasible + problem.form.objective.constant


def _some(report: ConstrainedReport, problem: FormProblem) -> Array:
    """Return the form's objective of those of some drawn states that are feasible."""
    form = problem.form
    generator = np.random.default_rng(report.provenance.seed)
    drawn = form.space.bits(generator.integers(0, form.space.n_states, DRAWN_STATES))
    names = ["".join(map(str, row)) for row in drawn.tolist()]
    return _values(problem, [each for each in names if form.feasible([*map(int, each)])])
