"""A report with what follows from it: the problem, and the values that were sampled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.ising import IsingModel, all_energies, energies, spins_of
from quantum_pipeline.pages.numbers import percent
from quantum_pipeline.problems import BinaryProblem
from quantum_pipeline.reports import OptimisationReport
from quantum_pipeline.requests.request import ProblemReference, parse_request

LISTED_VARIABLES = 16
"""Up to here all 2^n objective values are listed; beyond, ``DRAWN_BITSTRINGS`` are drawn."""

DRAWN_BITSTRINGS = 20_000


@dataclass(frozen=True)
class Distribution:
    """Objective values, ascending and distinct up to rounding, and the probability of each."""

    values: NDArray[np.float64]
    probabilities: NDArray[np.float64]

    @classmethod
    def of(
        cls, values: NDArray[np.float64], weights: NDArray[np.float64] | None, tolerance: float
    ) -> Distribution:
        """Return the distribution of values that come with weights, or equally often."""
        order = np.argsort(values, kind="stable")
        ascending = values[order]
        first = np.flatnonzero(np.diff(ascending, prepend=-np.inf) > tolerance)
        weights = np.ones(len(values)) if weights is None else weights[order]
        return cls(ascending[first], np.add.reduceat(weights, first) / weights.sum())

    def probability_of(self, value: float, tolerance: float) -> float:
        """Return the probability of one value."""
        return float(self.probabilities[np.abs(self.values - value) <= tolerance].sum())


@dataclass(frozen=True)
class Study:
    """A report with its problem rebuilt, and its samples beside uniformly random bits."""

    report: OptimisationReport
    problem: BinaryProblem
    model: IsingModel
    sampled: Distribution
    random: Distribution
    random_is_exact: bool

    @classmethod
    def of(cls, report: OptimisationReport) -> Study:
        """Return the study of a report, from its own request and samples."""
        problem = parse_request(report.request).problem
        if isinstance(problem, ProblemReference):
            raise InvalidRequest.of("problem.uri", problem.uri, "a report with its problem inline")
        assert isinstance(problem, BinaryProblem)
        model, sign = problem.ising(), problem.objective_of_energy(1.0)
        found = report.samples or {report.solution.bitstring: 1}
        counts = np.fromiter(found.values(), dtype=np.float64)
        sampled = energies(model, spins_of(list(found)))
        exact = model.n_variables <= LISTED_VARIABLES
        uniform = all_energies(model) if exact else energies(model, _random_spins(report, model))
        return cls(
            report=report,
            problem=problem,
            model=model,
            sampled=Distribution.of(sign * sampled, counts, model.tolerance),
            random=Distribution.of(sign * uniform, None, model.tolerance),
            random_is_exact=exact,
        )

    @property
    def optimum_is_known(self) -> bool:
        """Whether the best known value was proven to be the best."""
        return self.report.quality.best_known_by == "exact"

    @property
    def solution_name(self) -> str:
        """What the solution is: a sample of the state, or what its correlations round to."""
        sampled = self.report.solution.found_by == "samples"
        return "best sample" if sampled else "rounded solution"

    @property
    def optimised(self) -> str:
        """What the energies of the optimiser's evaluations are."""
        tail = self.report.algorithm.cvar_alpha
        return "mean energy" if tail == 1 else f"mean of the lowest {percent(tail)} of energies"

    @property
    def best_is_sampled(self) -> bool:
        """Whether the best sample is as good as the best known value."""
        gap = self.report.solution.objective - self.report.quality.best_known
        return abs(gap) <= self.model.tolerance


def _random_spins(report: OptimisationReport, model: IsingModel) -> NDArray[np.int8]:
    generator = np.random.default_rng(report.provenance.seed)
    bits = generator.integers(0, 2, (DRAWN_BITSTRINGS, model.n_variables), dtype=np.int8)
    return np.asarray(1 - 2 * bits, dtype=np.int8)
