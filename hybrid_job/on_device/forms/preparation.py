"""Prepares the uniform superposition of a group's patterns, with few gates on two qubits.

    bit            H
    exactly one    the W state: a 1 is shared out over halves, and halves of halves: 2 n - 3 gates
    exactly k      the Dicke state: from 0...01...1, qubit after qubit from the last one, whether it
                   is 1 is shared out as often as it is so among all patterns: O(k n) gates

What patterns there can be is followed as the circuit grows. A control that is surely 0 takes no
gate, one that is surely 1 is none, and onto a qubit that is surely 0 a rotation takes one CZ less.

Source: A. Baertschi and S. Eidenbenz, "Deterministic preparation of Dicke states", FCT 2019,
arXiv:1904.07358.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from math import acos, sqrt

from braket.circuits import Circuit

from hybrid_job.on_device.walking import walk, walk_onto_zero
from quantum_pipeline.spaces import Group

Pattern = tuple[int, ...]


def prepare(circuit: Circuit, group: Group) -> None:
    """Append the preparation of a group, whose qubits are in |0>, to a circuit."""
    qubits, ones = group.bits, group.ones
    if ones is None:
        circuit.h(qubits[0])
        return
    few = min(ones, len(qubits) - ones)
    growing = _Growing(circuit, qubits, few)
    if few == 1:
        growing.share_one(range(len(qubits)))
    else:
        for n in range(len(qubits), 1, -1):
            growing.share(n, min(few, n - 1))
    if few < ones:
        circuit.x(qubits)


class _Growing:
    """A circuit as it grows, and the patterns of its qubits that there can be."""

    def __init__(self, circuit: Circuit, qubits: Sequence[int], ones: int) -> None:
        n = len(qubits)
        self._circuit, self._qubits = circuit, qubits
        # W states share out the first qubit's 1, Dicke states those of the last ones.
        first = range(1) if ones == 1 else range(n - ones, n)
        self._patterns: set[Pattern] = {tuple(int(k in first) for k in range(n))}
        for k, qubit in enumerate(qubits):
            circuit.x(qubit) if k in first else circuit.i(qubit)

    def share_one(self, places: Sequence[int]) -> None:
        """Share the 1 of the first of some places out evenly over all."""
        if len(places) == 1:
            return
        middle = (len(places) + 1) // 2
        here, there = places[:middle], places[middle:]
        self._turn([here[0]], there[0], len(here) / len(places))
        self._cnot(there[0], here[0])
        self.share_one(here)
        self.share_one(there)

    def share(self, n: int, k: int) -> None:
        """Share out, of up to k ones at the end of the first n qubits, whether the last is one.

        0 1^l becomes sqrt(l / n) 0 1^l + sqrt((n - l) / n) 1^l 0, for every l from 1 to k.
        """
        last = n - 1
        for ones in range(1, k + 1):
            target = last - ones
            self._cnot(target, last)
            controls = [target + 1, last] if ones > 1 else [last]
            self._turn(controls, target, ones / n)
            self._cnot(target, last)

    def _cnot(self, control: int, target: int) -> None:
        seen = {pattern[control] for pattern in self._patterns}
        if seen == {1}:
            self._circuit.x(self._qubits[target])
        elif len(seen) > 1:
            self._circuit.cnot(self._qubits[control], self._qubits[target])
        self._patterns = {
            _with(each, target, each[target] ^ each[control]) for each in self._patterns
        }

    def _turn(self, controls: Sequence[int], target: int, kept: float) -> None:
        """Turn a qubit that is 0 where all controls are 1; it stays 0 with probability ``kept``."""
        turned = {each for each in self._patterns if all(each[c] for c in controls)}
        if not turned:
            return
        needed = self._needed(controls, turned)
        empty = [c for c in needed if not any(s[c] and s[target] for s in self._patterns)]
        # The last one may open the walk, if what it opens with does nothing.
        ordered = [(self._qubits[c], 1) for c in sorted(needed, key=lambda c: c in empty)]
        steps = (walk_onto_zero if empty else walk)(2 * acos(sqrt(kept)), ordered)
        qubit = self._qubits[target]
        for step in steps:
            self._circuit.ry(qubit, step.turn)
            if step.control is not None:
                self._circuit.cz(step.control, qubit)
        self._patterns |= {_with(each, target, 1) for each in turned}

    def _needed(self, controls: Sequence[int], turned: set[Pattern]) -> tuple[int, ...]:
        """Return the fewest of the controls that are 1 together in the same patterns."""
        return next(
            chosen
            for size in range(len(controls) + 1)
            for chosen in combinations(controls, size)
            if turned == {each for each in self._patterns if all(each[c] for c in chosen)}
        )


def _with(pattern: Iterable[int], place: int, bit: int) -> Pattern:
    return tuple(bit if k == place else each for k, each in enumerate(pattern))
