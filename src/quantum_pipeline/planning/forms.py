"""Decides what is solved of a problem on a form, and how large: its states, and its circuit.

Sizes are compared before anything is built: bits and terms are counts, states a product of levels.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple, Protocol

from quantum_pipeline.devices.catalogue import LOCAL
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.problems import AnyProblem, FormProblem
from quantum_pipeline.problems.base import MAX_TERMS
from quantum_pipeline.problems.formed import MAX_BITS
from quantum_pipeline.requests.algorithm import Algorithm, Settled, SettledCut, SettledDivide
from quantum_pipeline.spaces import Group, Space
from quantum_pipeline.spaces.encoding import Encoding, Way
from quantum_pipeline.spaces.ladders import Phase, ladder
from quantum_pipeline.spaces.mixers import Mixer, exchanges
from quantum_pipeline.wording import shown

MAX_STATES = 2**24
"""Most states of a form: those of the widest exact state vector."""

MAX_CIRCUIT_STATES = 2**20
"""Most states of a device's circuit, slack included: all of them are looked at again afterwards."""

MAX_ORDER = 12
"""Most bits of a product in a device's circuit, which takes up to 2^12 products of spins."""


class OnDevice(Protocol):
    """The fields of a settled request that determine its circuit."""

    @property
    def problem(self) -> AnyProblem:
        """What is solved."""

    @property
    def algorithm(self) -> Settled:
        """How."""

    @property
    def device(self) -> str | tuple[str, ...]:
        """Where."""


def encoding_of(work: OnDevice) -> Encoding | None:
    """Return how a device's circuit has a form; None of other problems, and on the exact engine."""
    problem = work.problem
    if not isinstance(problem, FormProblem) or work.device == LOCAL:
        return None
    return Encoding.of(problem.form, work.algorithm.inequality)


def qubits_of(work: OnDevice) -> int:
    """Return the qubits of a run's circuit, bits of slack included.

    On devices it is that of a block, and of a circuit in parts that of the widest.
    """
    encoding, algorithm = encoding_of(work), work.algorithm
    if isinstance(algorithm, SettledDivide) and work.device != LOCAL:
        return algorithm.block_size
    if isinstance(algorithm, SettledCut) and algorithm.parts:
        return algorithm.width
    return work.problem.n_qubits if encoding is None else encoding.space.n_bits


def space_of(problem: FormProblem, work: OnDevice) -> Space:
    """Return the states that a run on a form computes with."""
    encoding = encoding_of(work)
    return problem.space if encoding is None else encoding.space


class CircuitSize(NamedTuple):
    """Gates of a circuit before it is compiled, each ZZ or exchange as two, and of one qubit."""

    pairs: int
    singles: int


def circuit_size(encoding: Encoding, mixer: Mixer, depth: int) -> CircuitSize:
    """Return about how many gates a form's circuit has: what its preparation takes is a bound."""
    parabolas = ((1.0, 1.0),) * encoding.ways.count("unbalanced")
    gates = list(ladder(encoding.cost(1.0, parabolas)))
    groups = encoding.space.groups
    turned = sum(1 if not isinstance(gate, Phase) else 2 * len(gate.qubits) - 2 for gate in gates)
    mixed = sum(2 * len(exchanges(len(group.bits), mixer)[0]) for group in groups if group.ones)
    alone = sum(isinstance(gate, Phase) and len(gate.qubits) == 1 for gate in gates)
    prepared = sum(map(_preparation, groups))
    bits = encoding.space.n_bits
    return CircuitSize(prepared + depth * (turned + mixed), bits + depth * (alone + bits))


def _preparation(group: Group) -> int:
    """Return a bound of the gates on two qubits that prepare a group."""
    n, few = len(group.bits), min(group.ones or 0, len(group.bits) - (group.ones or 0))
    return 0 if not few else 2 * n - 3 if few == 1 else 5 * n * few


def check_form(problem: FormProblem, asked: Algorithm, *, exact: bool) -> None:
    """Refuse a problem on a form that is too large, or not to be solved as it is asked.

    Raises:
        InvalidRequest: names what is too large, or the setting, and what is allowed.
    """
    if asked.name not in ("auto", "qaoa"):
        allowed = f"auto or qaoa; {problem.type} is solved on the states of its own form"
        raise InvalidRequest.of("algorithm.name", asked.name, allowed)
    if problem.n_qubits > MAX_BITS:
        raise InvalidRequest(
            f"problem: got {shown(problem.n_qubits)} bits; allowed: 1 to {MAX_BITS}"
        )
    if problem.n_terms > MAX_TERMS:
        raise InvalidRequest(
            f"problem: got {shown(problem.n_terms)} terms; allowed: up to {MAX_TERMS}"
        )
    states = problem.space.n_states
    if states > MAX_STATES:
        raise InvalidRequest(
            f"problem: got {_size(states)} states, {describe(problem.space)}; allowed: up to "
            f"{MAX_STATES:,}, the largest exact state"
        )
    if exact:
        if asked.inequality != "auto":
            allowed = "auto; the job itself penalises violations as they are, without slack"
            raise InvalidRequest.of("algorithm.inequality", asked.inequality, allowed)
        return
    _check_circuit(problem, asked)


def _check_circuit(problem: FormProblem, asked: Algorithm) -> None:
    """Refuse what a device's circuit has not, or what makes it too large."""
    if asked.train_on == "device":
        allowed = f"exact; the states of {problem.type} are known, and so is its circuit's energy"
        raise InvalidRequest.of("algorithm.train_on", "device", allowed)
    if asked.mixer == "complete":
        allowed = "auto, pairs or ring on a device, whose gates exchange one pair after the other"
        raise InvalidRequest.of("algorithm.mixer", "complete", allowed)
    order = problem.form.objective.order
    if order > MAX_ORDER and not problem.form.objective.spins:
        raise InvalidRequest(
            f"problem: got products of {order} bits; allowed: of up to {MAX_ORDER} on a device"
        )
    encoding = Encoding.of(problem.form, asked.inequality)
    _check_inequality(encoding, asked)
    states = encoding.space.n_states
    if states > MAX_CIRCUIT_STATES:
        slack = f", {encoding.n_slack} bits of slack included" if encoding.n_slack else ""
        raise InvalidRequest(
            f"problem: got {_size(states)} states{slack}; allowed: up to {MAX_CIRCUIT_STATES:,} on "
            "a device"
        )


def _check_inequality(encoding: Encoding, asked: Algorithm) -> None:
    """Refuse a way to keep inequalities that none has, or one that some cannot have."""
    if asked.inequality == "auto":
        return
    if not any(each.sense != "==" for each in encoding.form.constraints):
        allowed = "auto; no constraint with <= or >= is left"
        raise InvalidRequest.of("algorithm.inequality", asked.inequality, allowed)
    if asked.inequality == "slack" and "unbalanced" in encoding.ways:
        name = encoding.form.constraints[encoding.ways.index("unbalanced")].name
        allowed = f"auto or unbalanced; what constraint {name} may leave takes too many bits"
        raise InvalidRequest.of("algorithm.inequality", "slack", allowed)


_KEPT: dict[Way, str] = {
    "square": "by its square",
    "product": "as products of its bits",
    "slack": "with slack",
    "unbalanced": "by a parabola, which proves nothing",
}


def describe_encoding(encoding: Encoding) -> str:
    """Return in words how a circuit keeps constraints, what that takes, and what else there is."""
    counts = Counter(encoding.ways)
    if not counts:
        return "no constraint is left that costs"
    kept = ", ".join(f"{counts[way]} {words}" for way, words in _KEPT.items() if counts[way])
    qubits = encoding.space.n_bits
    took = f"{qubits} qubits, {encoding.n_slack} of them slack" if encoding.n_slack else ""
    others = ", ".join(_alternatives(encoding))
    what = "constraint" if counts.total() == 1 else "constraints"
    return "; ".join(filter(None, (f"{what} kept: {kept}", took, others)))


def _alternatives(encoding: Encoding) -> list[str]:
    """Return the other ways to keep inequalities, with their qubits."""
    if all(each.sense == "==" for each in encoding.form.constraints):
        return []
    other = {way: Encoding.of(encoding.form, way) for way in ("slack", "unbalanced")}
    return [
        f"algorithm.inequality {way} would take {each.space.n_bits} qubits"
        for way, each in other.items()
        if each.ways != encoding.ways and not (way == "slack" and "unbalanced" in each.ways)
    ]


def describe(space: Space) -> str:
    """Return the groups of a space in words.

    >>> from quantum_pipeline.spaces import Group
    >>> describe(Space((Group((0, 1, 2), 1), Group((3, 4, 5), 1), Group((6,)))))
    '2 groups of 3 levels and 1 bit'
    >>> describe(Space((Group((0, 1, 2), 1), Group((3, 4), 1))))
    'groups of 3 and 2 levels'
    """
    sizes: dict[int, int] = {}
    for group in space.groups:
        levels = 0 if group.ones is None else group.n_levels
        sizes[levels] = sizes.get(levels, 0) + 1
    several = [(levels, count) for levels, count in sizes.items() if levels and count > 1]
    parts = [f"{count} groups of {_levels([levels])}" for levels, count in several]
    if alone := [levels for levels, count in sizes.items() if levels and count == 1]:
        parts.append(f"{'1 group' if len(alone) == 1 else 'groups'} of {_levels(alone)}")
    if bits := sizes.get(0):
        parts.append(f"{bits} {'bit' if bits == 1 else 'bits'}")
    return _and(parts)


def _levels(sizes: list[int]) -> str:
    return f"{_and([_size(levels) for levels in sizes])} {'level' if sizes == [1] else 'levels'}"


def _and(parts: list[str]) -> str:
    """Return parts in a row.

    >>> _and(["a"]), _and(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


def _size(number: int) -> str:
    """Return a count in full, or by its power of ten.

    >>> _size(46656), _size(10**40)
    ('46,656', 'about 1e40')
    """
    return f"{number:,}" if number < 10**12 else f"about 1e{len(str(number)) - 1}"
