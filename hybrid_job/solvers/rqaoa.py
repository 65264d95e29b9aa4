"""Recursive QAOA as the job runs it: classical baseline, then correlations until all is fixed.

Nothing is paid for and nothing is random, so a job that starts again simply computes it again.
"""

from __future__ import annotations

import itertools

from hybrid_job import classical
from hybrid_job.engines.choice import Engine, engine_for
from hybrid_job.job import RqaoaJob, versions
from hybrid_job.metrics import log_metric, log_phase
from hybrid_job.optimising.angles import starting
from hybrid_job.optimising.optimiser import Real
from hybrid_job.rounding import recursive
from hybrid_job.rounding.recursive import Rounding
from hybrid_job.stopwatch import Stopwatch
from quantum_pipeline.ising import IsingModel
from quantum_pipeline.ising.cones import EXACT
from quantum_pipeline.results import (
    ClassicalSolution,
    DepthStep,
    Evaluation,
    JobSeconds,
    OptimisationResult,
)

EVALUATIONS = 40
"""Of one whole state: what the choice of its engine counts on."""


def solve(job: RqaoaJob) -> OptimisationResult:
    """Return the result of a run: the classical baseline, then what the correlations round to."""
    watch = Stopwatch()
    log_phase("classical")
    baseline = classical.solve(
        job.model, exact=job.exact, seconds=job.classical_seconds, rng=job.rng("classical")
    )
    classical_seconds = watch.lap()
    start, started_from = starting(job.model, job.algorithm.depth)
    found = _rounded(job, start)
    seconds = JobSeconds(
        classical=classical_seconds, optimise=watch.lap(), sample=0.0, total=job.seconds
    )
    return result_of(job, baseline, started_from, found, seconds)


def _rounded(job: RqaoaJob, start: Real) -> Rounding:
    numbers = itertools.count(1)
    log_phase("training", job.algorithm.depth, job.algorithm.depth)
    return recursive.solve(
        job.model,
        job.algorithm.depth,
        [start],
        max_evaluations=job.algorithm.max_evaluations,
        deadline=job.deadline(reserved=1.0),
        engine=whole_state,
        progress=lambda energy: log_metric("energy", energy, next(numbers)),
    )


def result_of(
    job: RqaoaJob,
    baseline: ClassicalSolution,
    started_from: str,
    found: Rounding,
    seconds: JobSeconds,
) -> OptimisationResult:
    """Return the result that a rounding is, of correlations that are exact."""
    depth = job.algorithm.depth
    gammas, betas = found.angles.tolist()
    # Further optimisations are of what was left: their energies are those of other problems.
    whole = [energy for optimisation, energy in found.history if optimisation == 1]
    return OptimisationResult(
        run_id=job.prepared.run_id,
        algorithm="rqaoa",
        engine=engine_words(job.model, depth),
        start=started_from,
        gammas=tuple(gammas),
        betas=tuple(betas),
        depths=(DepthStep(depth=depth, energy=found.mean_energy, evaluations=len(whole)),),
        eliminations=tuple(found.eliminations),
        history=tuple(
            Evaluation(evaluation=number, start=1, energy=energy)
            for number, energy in enumerate(whole, 1)
        ),
        converged=found.converged,
        stop_reason=found.sentence,
        stopped_by=found.stopped_by,
        counts={},
        best_bitstring=found.bitstring,
        best_energy=float(job.exact.energy(found.bitstring)),
        mean_energy=found.mean_energy,
        mean_energy_exact=True,
        standard_error=None,
        probability_of_best=None,
        classical=baseline,
        seconds=seconds,
        versions=versions(),
    )


def whole_state(cost: Real) -> Engine:
    """Return the engine of a small problem's state, from all of its energies."""
    return engine_for(cost, evaluations=EVALUATIONS, depth=1).engine


def engine_words(model: IsingModel, depth: int) -> str:
    """Return where exact correlations come from."""
    if model.n_variables <= EXACT:
        return "exact correlations of the whole state"
    return (
        "exact correlations in closed form" if depth == 1 else "exact correlations of light cones"
    )
