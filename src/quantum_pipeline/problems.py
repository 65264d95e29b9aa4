"""The problems that can be asked: one model a type, each with its objective and its Ising model.

    type           the user asks for              energy that is minimised inside
    maxcut         largest cut                    -cut
    qubo           smallest l.x + sum q x x       the same
    ising          lowest h.s + sum J s s         the same
    bqm            lowest energy of dimod's BQM   the same
    optimization   smallest l.x + x^T Q x         the same
    random         the same, from a seed          the same

``objective`` computes from the problem's own numbers, never through the Ising model: the two check
each other wherever a solution is reported. Inputs are refused by field, value and what is allowed.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from quantum_pipeline.ising import Coupling, IsingModel

MAX_MAGNITUDE = 1e12
"""Largest coefficient: sums and differences of energies then keep digits to compare."""

Number = Annotated[
    float, Field(strict=True, allow_inf_nan=False, ge=-MAX_MAGNITUDE, le=MAX_MAGNITUDE)
]
Index = Annotated[int, Field(strict=True, ge=0)]
Label = int | str


def _with_weight(edge: Any) -> Any:
    return [*edge, 1.0] if isinstance(edge, list | tuple) and len(edge) == 2 else edge


Edge = Annotated[tuple[Index, Index, Number], BeforeValidator(_with_weight)]
"""(i, j, w); [i, j] is read as weight 1."""


class Problem(BaseModel):
    """What all problems have: variables with labels, an objective and an Ising model."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    sense: ClassVar[Literal["minimise", "maximise"]] = "minimise"

    type: str

    @property
    def n_variables(self) -> int:
        """Number of binary variables."""
        raise NotImplementedError

    @property
    def labels(self) -> Sequence[Label]:
        """The user's name of each variable."""
        return range(self.n_variables)

    def objective(self, bits: Sequence[int]) -> float:
        """Return what the user asked for, at one assignment of n bits."""
        raise NotImplementedError

    def ising(self) -> IsingModel:
        """Return the model whose energy is the minimised objective, constant included."""
        raise NotImplementedError

    def objective_of_energy(self, energy: float) -> float:
        """Return the objective that belongs to an energy: its negative where we maximise."""
        return -energy if self.sense == "maximise" else energy


class MaxCut(Problem):
    """Split the nodes of a graph so that the edges between the two sides weigh most.

    cut(x) = sum_{(i,j,w)} w [x_i != x_j],    energy = -cut
    """

    sense = "maximise"

    type: Literal["maxcut"] = "maxcut"
    edges: tuple[Edge, ...] = Field(min_length=1)
    n_nodes: Annotated[int, Field(strict=True, ge=1)] | None = None
    node_labels: tuple[Label, ...] | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_node_link(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and "graph" in data:
            if "edges" in data or "n_nodes" in data:
                raise ValueError("graph: got edges as well; allowed: either graph or edges")
            rest = {key: value for key, value in data.items() if key != "graph"}
            return rest | _edges_of_node_link(data["graph"])
        return data

    @model_validator(mode="after")
    def _check(self) -> Self:
        seen: set[frozenset[int]] = set()
        for position, (i, j, _) in enumerate(self.edges):
            pair = frozenset((i, j))
            if i == j:
                raise ValueError(f"edges.{position}: got self-loop [{i}, {j}]; allowed: i != j")
            if pair in seen:
                raise ValueError(
                    f"edges.{position}: got [{i}, {j}] a second time; allowed: each pair once"
                )
            if self.n_nodes is not None and max(pair) >= self.n_nodes:
                raise ValueError(
                    f"edges.{position}: got node {max(pair)}; allowed: 0 to {self.n_nodes - 1}"
                )
            seen.add(pair)
        if self.node_labels is not None and len(self.node_labels) != self.n_variables:
            raise ValueError(
                f"node_labels: got {len(self.node_labels)}; allowed: one for each of the "
                f"{self.n_variables} nodes"
            )
        return self

    @property
    def n_variables(self) -> int:
        """Number of nodes: ``n_nodes``, else one more than the largest node in an edge."""
        return self.n_nodes or 1 + max(max(edge[0], edge[1]) for edge in self.edges)

    @property
    def labels(self) -> Sequence[Label]:
        """The nodes' names, where the graph had other ones than 0 to n - 1."""
        return self.node_labels or range(self.n_variables)

    def objective(self, bits: Sequence[int]) -> float:
        """Return the weight of the edges that are cut."""
        return float(sum(w for i, j, w in self.edges if bits[i] != bits[j]))

    def ising(self) -> IsingModel:
        """Return -cut = sum_{ij} w (s_i s_j - 1)/2."""
        return IsingModel.from_spins(
            [0.0] * self.n_variables,
            [(i, j, w / 2) for i, j, w in self.edges],
            -sum(w for _, _, w in self.edges) / 2,
        )


class Qubo(Problem):
    """Minimise  sum_i l_i x_i + sum q_ij x_i x_j  over bits; repeated pairs add up.

    Given as ``linear`` and ``quadratic``, or as a square ``matrix`` M with objective x^T M x.
    """

    type: Literal["qubo"] = "qubo"
    linear: tuple[Number, ...] | None = None
    quadratic: tuple[tuple[Index, Index, Number], ...] = ()
    matrix: tuple[tuple[Number, ...], ...] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.linear is None) == (self.matrix is None):
            raise ValueError("linear: allowed: either linear (with quadratic) or matrix, not both")
        if self.matrix is not None:
            if self.quadratic:
                raise ValueError("quadratic: got terms beside matrix; allowed: with linear only")
            _check_square("matrix", self.matrix, None)
        if not self.n_variables:
            raise ValueError("linear: got no variables; allowed: at least one")
        _check_pairs("quadratic", self.quadratic, self.n_variables, diagonal=True)
        return self

    @property
    def n_variables(self) -> int:
        """Number of bits."""
        return len(self.matrix if self.matrix is not None else self.linear or ())

    def _terms(self) -> tuple[Sequence[float], Sequence[Coupling]]:
        if self.matrix is None:
            return self.linear or (), self.quadratic
        rows = self.matrix
        return [0.0] * len(rows), [
            (i, j, q) for i, row in enumerate(rows) for j, q in enumerate(row) if q
        ]

    def objective(self, bits: Sequence[int]) -> float:
        """Return l.x + sum q x x."""
        linear, quadratic = self._terms()
        return float(
            sum(value for value, x in zip(linear, bits, strict=True) if x)
            + sum(q for i, j, q in quadratic if bits[i] and bits[j])
        )

    def ising(self) -> IsingModel:
        """Return the same function of spins s = 1 - 2x."""
        return IsingModel.from_bits(*self._terms())


class Ising(Problem):
    """Minimise  offset + sum_i h_i s_i + sum J_ij s_i s_j  over spins; repeated pairs add up."""

    type: Literal["ising"] = "ising"
    fields_: tuple[Number, ...] = Field(alias="fields", min_length=1)
    couplings: tuple[tuple[Index, Index, Number], ...] = ()
    offset: Number = 0.0

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_pairs("couplings", self.couplings, self.n_variables, diagonal=False)
        return self

    @property
    def n_variables(self) -> int:
        """Number of spins."""
        return len(self.fields_)

    def objective(self, bits: Sequence[int]) -> float:
        """Return the energy of the spins s = 1 - 2x."""
        s = [1 - 2 * x for x in bits]
        return float(
            self.offset
            + sum(h * s[i] for i, h in enumerate(self.fields_))
            + sum(value * s[i] * s[j] for i, j, value in self.couplings)
        )

    def ising(self) -> IsingModel:
        """Return the model as it is."""
        return IsingModel.from_spins(self.fields_, self.couplings, self.offset)


class Bqm(Problem):
    """Minimise a binary quadratic model of dimod, as ``to_serializable()`` writes it.

    Spins or bits by its ``variable_type``; the solution's bits are dimod's binary values, and for
    spins s = 1 - 2x.
    """

    type: Literal["bqm"] = "bqm"
    bqm: SerializedBqm

    @property
    def n_variables(self) -> int:
        """Number of variables."""
        return len(self.bqm.linear_biases)

    @property
    def labels(self) -> Sequence[Label]:
        """The variables' names; a tuple in dimod is its text here."""
        return tuple(
            label if isinstance(label, int | str) else str(label)
            for label in self.bqm.variable_labels
        )

    def _pairs(self) -> list[Coupling]:
        b = self.bqm
        return list(zip(b.quadratic_head, b.quadratic_tail, b.quadratic_biases, strict=True))

    def objective(self, bits: Sequence[int]) -> float:
        """Return the model's energy at bits, or at the spins s = 1 - 2x."""
        spin = self.bqm.variable_type == "SPIN"
        v = [1 - 2 * x if spin else x for x in bits]
        return float(
            self.bqm.offset
            + sum(b * v[i] for i, b in enumerate(self.bqm.linear_biases))
            + sum(b * v[i] * v[j] for i, j, b in self._pairs())
        )

    def ising(self) -> IsingModel:
        """Return the same function over spins."""
        b = self.bqm
        build = IsingModel.from_spins if b.variable_type == "SPIN" else IsingModel.from_bits
        return build(b.linear_biases, self._pairs(), b.offset)


class SerializedBqm(BaseModel):
    """The layout of dimod's BinaryQuadraticModel.to_serializable(), schema 3, lists of numbers."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    type: Literal["BinaryQuadraticModel"]
    use_bytes: Literal[False] = False
    variable_type: Literal["SPIN", "BINARY"]
    offset: Number = 0.0
    variable_labels: tuple[Any, ...]
    linear_biases: tuple[Number, ...] = Field(min_length=1)
    quadratic_biases: tuple[Number, ...] = ()
    quadratic_head: tuple[Index, ...] = ()
    quadratic_tail: tuple[Index, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        n = len(self.linear_biases)
        if len(self.variable_labels) != n:
            raise ValueError(f"variable_labels: got {len(self.variable_labels)}; allowed: {n}")
        if not len(self.quadratic_biases) == len(self.quadratic_head) == len(self.quadratic_tail):
            raise ValueError("quadratic_biases: allowed: as many as quadratic_head and _tail")
        pairs = tuple(zip(self.quadratic_head, self.quadratic_tail, strict=True))
        _check_pairs("quadratic_head", pairs, n, diagonal=False)
        return self


class Optimization(Problem):
    """Minimise  l.x + x^T Q x  over bits, Q square but not necessarily symmetric."""

    type: Literal["optimization"] = "optimization"
    linear_coefficients: tuple[Number, ...] = Field(min_length=1)
    quadratic_matrix: tuple[tuple[Number, ...], ...]

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_square("quadratic_matrix", self.quadratic_matrix, self.n_variables)
        return self

    @property
    def n_variables(self) -> int:
        """Number of bits."""
        return len(self.linear_coefficients)

    def objective(self, bits: Sequence[int]) -> float:
        """Return l.x + x^T Q x."""
        x = np.asarray(bits, dtype=np.float64)
        linear, quadratic = np.asarray(self.linear_coefficients), np.asarray(self.quadratic_matrix)
        return float(linear @ x + x @ quadratic @ x)

    def ising(self) -> IsingModel:
        """Return the same function of spins; the diagonal of Q joins l, for x² = x."""
        terms = [
            (i, j, q) for i, row in enumerate(self.quadratic_matrix) for j, q in enumerate(row) if q
        ]
        return IsingModel.from_bits(self.linear_coefficients, terms)


class Random(Problem):
    """An ``optimization`` problem drawn from a seed, the same on every machine.

    l_i uniform in [-2, 2], A_ij uniform in [-1, 1], Q = (A + A^T)/2; the Mersenne Twister of
    numpy's legacy generator draws l first, then A by rows.
    """

    type: Literal["random"] = "random"
    problem_size: Annotated[int, Field(strict=True, ge=2)]
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**32)] = 42

    def drawn(self) -> Optimization:
        """Return the problem that the seed stands for."""
        generator = np.random.RandomState(self.seed)
        linear = generator.uniform(-2, 2, self.problem_size)
        square = generator.uniform(-1, 1, (self.problem_size, self.problem_size))
        return Optimization(
            linear_coefficients=tuple(linear.tolist()),
            quadratic_matrix=tuple(map(tuple, ((square + square.T) / 2).tolist())),
        )

    @property
    def n_variables(self) -> int:
        """Number of bits."""
        return self.problem_size

    def objective(self, bits: Sequence[int]) -> float:
        """Return the drawn problem's objective."""
        return self.drawn().objective(bits)

    def ising(self) -> IsingModel:
        """Return the drawn problem's Ising model."""
        return self.drawn().ising()


AnyProblem = Annotated[
    MaxCut | Qubo | Ising | Bqm | Optimization | Random, Field(discriminator="type")
]
PROBLEM_TYPES = ("maxcut", "qubo", "ising", "bqm", "optimization", "random")

Bqm.model_rebuild()


def _check_pairs(
    name: str, pairs: Sequence[tuple[int, int, float] | tuple[int, int]], n: int, *, diagonal: bool
) -> None:
    for position, (i, j, *_) in enumerate(pairs):
        if max(i, j) >= n:
            raise ValueError(f"{name}.{position}: got index {max(i, j)}; allowed: 0 to {n - 1}")
        if i == j and not diagonal:
            raise ValueError(f"{name}.{position}: got the pair [{i}, {j}]; allowed: i != j")


def _check_square(name: str, rows: Sequence[Sequence[float]], n: int | None) -> None:
    n = len(rows) if n is None else n
    if len(rows) != n:
        raise ValueError(f"{name}: got {len(rows)} rows; allowed: {n}")
    for position, row in enumerate(rows):
        if len(row) != n:
            raise ValueError(f"{name}.{position}: got {len(row)} entries; allowed: {n}")


def _edges_of_node_link(graph: Any) -> dict[str, Any]:
    """Return edges, n_nodes and node_labels of networkx's node-link JSON, new keys and old."""
    if not isinstance(graph, Mapping) or not isinstance(graph.get("nodes"), list):
        raise ValueError("graph: allowed: networkx node-link JSON with nodes and edges (or links)")
    if graph.get("directed") or graph.get("multigraph"):
        raise ValueError("graph: got a directed graph or multigraph; allowed: simple, undirected")
    links = graph.get("edges", graph.get("links"))
    if not isinstance(links, list):
        raise ValueError("graph.edges: allowed: a list of {source, target, weight}")
    labels: list[Any] = []
    for position, node in enumerate(graph["nodes"]):
        if not isinstance(node, Mapping) or not isinstance(node.get("id"), int | str):
            raise ValueError(f"graph.nodes.{position}: allowed: an object with id, integer or text")
        labels.append(node["id"])
    index: dict[Hashable, int] = {label: k for k, label in enumerate(labels)}
    if len(index) != len(labels):
        raise ValueError("graph.nodes: got an id twice; allowed: each id once")
    edges = []
    for position, link in enumerate(links):
        ends = [link.get("source"), link.get("target")] if isinstance(link, Mapping) else []
        if len(ends) != 2 or any(isinstance(e, list | dict) or e not in index for e in ends):
            raise ValueError(
                f"graph.edges.{position}: got {ends}; allowed: source and target that are nodes"
            )
        edges.append([index[ends[0]], index[ends[1]], link.get("weight", 1)])
    return {"edges": edges, "n_nodes": len(labels) or None, "node_labels": labels}
