"""The problem types, one model each; all but molecules and tables have an Ising model.

    type           the user asks for              energy that is minimised inside
    maxcut         largest cut                    -cut
    qubo           smallest l.x + sum q x x       the same
    ising          lowest h.s + sum J s s         the same
    bqm            lowest energy of dimod's BQM   the same
    optimization   smallest l.x + x^T Q x         the same
    random         the same, from a seed          the same
    chemistry      lowest energy of a molecule    the same, in hartree
    classification the class of a table's rows    none: a loss is

and of problems on a form (``formed``), with constraints or of any order:

    bin_packing, constrained, exact_cover, graph_coloring, knapsack, labs, max_clique,
    max_independent_set, max_k_cut, max_sat, min_vertex_cover, number_partitioning, polynomial,
    portfolio, set_cover, tsp

``objective`` computes from the problem's own numbers, never through the model: the two check
each other wherever a solution is reported.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from quantum_pipeline.problems.base import MAX_MAGNITUDE, BinaryProblem, Label, Number, Problem
from quantum_pipeline.problems.bin_packing import BinPacking
from quantum_pipeline.problems.bqm import Bqm
from quantum_pipeline.problems.chemistry import Chemistry
from quantum_pipeline.problems.classification import Classification
from quantum_pipeline.problems.colouring import GraphColoring, MaxKCut
from quantum_pipeline.problems.constrained import Constrained
from quantum_pipeline.problems.covers import ExactCover, SetCover
from quantum_pipeline.problems.formed import FormProblem
from quantum_pipeline.problems.ising import Ising
from quantum_pipeline.problems.knapsack import Knapsack
from quantum_pipeline.problems.labs import Labs
from quantum_pipeline.problems.max_sat import MaxSat
from quantum_pipeline.problems.maxcut import MaxCut
from quantum_pipeline.problems.node_sets import MaxClique, MaxIndependentSet, MinVertexCover
from quantum_pipeline.problems.number_partitioning import NumberPartitioning
from quantum_pipeline.problems.optimization import Optimization, Random
from quantum_pipeline.problems.polynomial import Polynomial
from quantum_pipeline.problems.portfolio import Portfolio
from quantum_pipeline.problems.qubo import Qubo
from quantum_pipeline.problems.tsp import Tsp

__all__ = [
    "FORM_TYPES",
    "MAX_MAGNITUDE",
    "PROBLEM_TYPES",
    "AnyProblem",
    "BinPacking",
    "BinaryProblem",
    "Bqm",
    "Chemistry",
    "Classification",
    "Constrained",
    "ExactCover",
    "FormProblem",
    "GraphColoring",
    "Ising",
    "Knapsack",
    "Label",
    "Labs",
    "MaxClique",
    "MaxCut",
    "MaxIndependentSet",
    "MaxKCut",
    "MaxSat",
    "MinVertexCover",
    "Number",
    "NumberPartitioning",
    "Optimization",
    "Polynomial",
    "Portfolio",
    "Problem",
    "Qubo",
    "Random",
    "SetCover",
    "Tsp",
]

AnyProblem = Annotated[
    MaxCut
    | Qubo
    | Ising
    | Bqm
    | Optimization
    | Random
    | Chemistry
    | Classification
    | BinPacking
    | Constrained
    | ExactCover
    | GraphColoring
    | Knapsack
    | Labs
    | MaxClique
    | MaxIndependentSet
    | MaxKCut
    | MaxSat
    | MinVertexCover
    | NumberPartitioning
    | Polynomial
    | Portfolio
    | SetCover
    | Tsp,
    Field(discriminator="type"),
]
FORM_TYPES = (
    "bin_packing",
    "constrained",
    "exact_cover",
    "graph_coloring",
    "knapsack",
    "labs",
    "max_clique",
    "max_independent_set",
    "max_k_cut",
    "max_sat",
    "min_vertex_cover",
    "number_partitioning",
    "polynomial",
    "portfolio",
    "set_cover",
    "tsp",
)
PROBLEM_TYPES = (
    "maxcut",
    "qubo",
    "ising",
    "bqm",
    "optimization",
    "random",
    "chemistry",
    "classification",
    *FORM_TYPES,
)
