"""Refuses what cannot be solved of a problem on a form: too many states, or a device.

Sizes are compared before anything is built: bits and terms are counts, states a product of levels.
"""

from __future__ import annotations

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.problems import FormProblem
from quantum_pipeline.problems.base import MAX_TERMS
from quantum_pipeline.problems.formed import MAX_BITS
from quantum_pipeline.requests.algorithm import Algorithm
from quantum_pipeline.spaces import Space
from quantum_pipeline.wording import shown

MAX_STATES = 2**24
"""Most states of a form: those of the widest exact state vector."""


def check_form(problem: FormProblem, asked: Algorithm, *, exact: bool) -> None:
    """Refuse a problem on a form that is too large, or not to be solved as it is asked.

    Raises:
        InvalidRequest: names what is too large, or the setting, and what is allowed.
    """
    if asked.name not in ("auto", "qaoa"):
        allowed = f"auto or qaoa; {problem.type} is solved on the states of its own form"
        raise InvalidRequest.of("algorithm.name", asked.name, allowed)
    if not exact:
        raise on_a_device(problem, "auto", asked)
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


def on_a_device(problem: FormProblem, device: str, asked: Algorithm) -> InvalidRequest:
    """Return the refusal of what asks for a device: its name, else training or noise."""
    alone = f"{problem.type} runs in the job itself, on exact states"
    if device != "auto":
        return InvalidRequest.of("device", device, f"local or auto; {alone}")
    if asked.train_on == "device":
        return InvalidRequest.of("algorithm.train_on", "device", f"exact; {alone}")
    return InvalidRequest(f"noise: got some; allowed: nothing here; {alone}")


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
