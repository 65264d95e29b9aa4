"""The problem types, one model each; all but molecules have an Ising model.

    type           the user asks for              energy that is minimised inside
    maxcut         largest cut                    -cut
    qubo           smallest l.x + sum q x x       the same
    ising          lowest h.s + sum J s s         the same
    bqm            lowest energy of dimod's BQM   the same
    optimization   smallest l.x + x^T Q x         the same
    random         the same, from a seed          the same
    chemistry      lowest energy of a molecule    the same, in hartree

and of problems with constraints, each on the states of its form:

    constrained    any of the second order, with linear constraints
    portfolio      much return, little risk, of so many assets
    tsp            shortest tour

``objective`` computes from the problem's own numbers, never through the model: the two check
each other wherever a solution is reported.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from quantum_pipeline.problems.base import MAX_MAGNITUDE, BinaryProblem, Label, Number, Problem
from quantum_pipeline.problems.bqm import Bqm
from quantum_pipeline.problems.chemistry import Chemistry
from quantum_pipeline.problems.constrained import Constrained
from quantum_pipeline.problems.formed import FormProblem
from quantum_pipeline.problems.ising import Ising
from quantum_pipeline.problems.maxcut import MaxCut
from quantum_pipeline.problems.optimization import Optimization, Random
from quantum_pipeline.problems.portfolio import Portfolio
from quantum_pipeline.problems.qubo import Qubo
from quantum_pipeline.problems.tsp import Tsp

__all__ = [
    "MAX_MAGNITUDE",
    "PROBLEM_TYPES",
    "AnyProblem",
    "BinaryProblem",
    "Bqm",
    "Chemistry",
    "Constrained",
    "FormProblem",
    "Ising",
    "Label",
    "MaxCut",
    "Number",
    "Optimization",
    "Portfolio",
    "Problem",
    "Qubo",
    "Random",
    "Tsp",
]

AnyProblem = Annotated[
    MaxCut | Qubo | Ising | Bqm | Optimization | Random | Chemistry | Constrained | Portfolio | Tsp,
    Field(discriminator="type"),
]
PROBLEM_TYPES = (
    "maxcut",
    "qubo",
    "ising",
    "bqm",
    "optimization",
    "random",
    "chemistry",
    "constrained",
    "portfolio",
    "tsp",
)
