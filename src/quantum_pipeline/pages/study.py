"""A report with what follows from it: the problem, and the values that were sampled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.ising import IsingModel, all_energies, energies, spins_of
from quantum_pipeline.pages.numbers import number
from quantum_pipeline.problems import BinaryProblem
from quantum_pipeline.reports import OptimisationReport
from quantum_pipeline.reports.optimisation_parts import LessConstant
from quantum_pipeline.requests.request import ProblemReference, parse_request
from quantum_pipeline.wording import digits, percent

LISTED_VARIABLES = 16
"""Up to here all 2^n objective values are listed; beyond, ``DRAWN_BITSTRINGS`` are drawn."""

DRAWN_BITSTRINGS = 20_000

ANSWER, LABEL = 10, 4
"""Significant digits of an answer in the text, and in a picture."""

Writer = Callable[..., str]
"""Writes a number, with the digits that tell it from those beside it."""


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


@dataclass(frozen=True)
class Study:
    """A report with its problem rebuilt, and its samples beside uniformly random bits.

    Values of both distributions are less the problem's constant. ``best_in_shots`` is the share of
    the samples that are as good as the best known answer, and ``best_in_random_bits`` that of all
    bitstrings, None where they are too many to be listed.
    """

    report: OptimisationReport
    problem: BinaryProblem
    model: IsingModel
    sampled: Distribution
    random: Distribution
    best_in_shots: float
    best_in_random_bits: float | None

    @classmethod
    def of(cls, report: OptimisationReport) -> Study:
        """Return the study of a report, from its own request and samples."""
        problem = parse_request(report.request).problem
        if isinstance(problem, ProblemReference):
            raise InvalidRequest.of("problem.uri", problem.uri, "a report with its problem inline")
        assert isinstance(problem, BinaryProblem)
        model, sign = problem.less_constant(problem.ising), problem.objective_of_energy(1.0)
        found = report.samples or {report.solution.bitstring: 1}
        counts = np.fromiter(found.values(), dtype=np.float64)
        sampled = energies(model, spins_of(list(found)))
        listed = model.n_variables <= LISTED_VARIABLES
        uniform = all_energies(model) if listed else energies(model, _random_spins(report, model))
        best = problem.exact.as_low(list(found), _best_known(report))
        close = model.tolerance + problem.exact.rounding(model)
        optima = problem.exact.lowest(uniform, close).places if listed else ()
        return cls(
            report=report,
            problem=problem,
            model=model,
            sampled=Distribution.of(sign * sampled, counts, model.tolerance),
            random=Distribution.of(sign * uniform, None, model.tolerance),
            best_in_shots=float(counts[best].sum() / counts.sum()),
            best_in_random_bits=len(optima) / len(uniform) if listed else None,
        )

    @property
    def random_is_exact(self) -> bool:
        """Whether random bits stand for all bitstrings."""
        return self.best_in_random_bits is not None

    @property
    def less_constant(self) -> str:
        """What is said of values from which a constant was taken off, nothing without one."""
        constant = self.problem.constant
        return f", less the constant {number(constant)}" if constant else ""

    @property
    def bare(self) -> LessConstant:
        """The energies of the report less the problem's constant."""
        report = self.report
        return report.less_constant or LessConstant(
            best_known=self.problem.energy_of_objective(report.quality.best_known) + 0.0,
            mean_energy=report.quality.mean_energy,
            history=tuple(each.energy for each in report.convergence.history),
            depths=tuple(each.energy for each in report.algorithm.depths),
        )

    def answer(self, objective: float, least: int = ANSWER) -> str:
        """Return an answer's objective with the digits that tell it from the other answers."""
        report, quality = self.report, self.report.quality
        answers = (report.solution.objective, quality.best_known, quality.classical.objective)
        random = self.problem.objective_of_energy(quality.random_mean_energy)
        return digits(objective, *answers, random, least=least).replace("-", "−")

    def mean(self, energy: float, write: Writer = number, sign: float = 1.0) -> str:
        """Return a mean energy with the digits that tell it from random bits and from the best.

        A mean that is as near as rounding is not told from them. ``sign`` makes an objective of it.
        """
        quality, close = self.report.quality, 10 * self.model.tolerance
        best = self.problem.energy_of_objective(quality.best_known)
        others = [each for each in (quality.random_mean_energy, best) if abs(each - energy) > close]
        return write(sign * energy, *(sign * each for each in others))

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
        return self.report.quality.outcome != "worse"


def _best_known(report: OptimisationReport) -> str:
    quality = report.quality
    return report.solution.bitstring if quality.outcome == "better" else quality.classical.bitstring


def _random_spins(report: OptimisationReport, model: IsingModel) -> NDArray[np.int8]:
    generator = np.random.default_rng(report.provenance.seed)
    bits = generator.integers(0, 2, (DRAWN_BITSTRINGS, model.n_variables), dtype=np.int8)
    return np.asarray(1 - 2 * bits, dtype=np.int8)
