"""Compiles excitations of electrons to gates: exact, and with few two-qubit gates.

    |psi> = prod_k exp(theta_k (T_k - T_k+)) |HF>    as in ``chemistry.excitations``

Qubit k is spin orbital k, 1 where it is occupied. The spin orbitals of the Jordan-Wigner mapping
stand with all alpha before all beta, as the creation operators of ``Sector``, so that amplitudes
agree in sign too, and neighbouring orbitals of one spin have nothing between them.

    single      2 CNOTs: both Givens rotation and its controlled phase in one
    double      13: three CNOTs gather the condition, a rotation under three controls is a walk over
                a Gray code, its last gate is one with the first of the three that undo
    ladder      the sign of the electrons passed: their parity in one qubit, and CZ from there

What Hartree-Fock leaves of a qubit is known until an excitation has acted on it: a sign of such
electrons passed is a number, a hole that is surely filled is no control, and into particles that
are surely empty an excitation only spreads (3 CNOTs for the first double, 1 for the first single).

Source: Y. Yordanov, D. Arvidsson-Shukur and C. Barnes, Phys. Rev. A 102, 062612 (2020),
arXiv:2005.14475.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from braket.circuits import Circuit

from hybrid_job.on_device.walking import walk, walk_onto_zero
from quantum_pipeline.chemistry.excitations import Excitation
from quantum_pipeline.chemistry.rotations import Turn
from quantum_pipeline.chemistry.sector import Sector


def measured_circuit(
    sector: Sector,
    excitations: Iterable[Excitation],
    amplitudes: Iterable[float],
    turns: Sequence[Turn],
) -> Circuit:
    """Return the circuit of ``chemistry.excitations.state_of``, orbitals of both spins turned."""
    growing = _Growing(sector)
    for excitation, amplitude in zip(excitations, amplitudes, strict=True):
        growing.excite(excitation, amplitude)
    for turn in turns:
        for spin in (0, 1):
            lower = 2 * turn.lower + spin
            growing.excite(Excitation((lower,), (lower + 2,)), turn.angle)
    return growing.finished()


class _Growing:
    """A circuit as it grows, with what is surely known of each qubit."""

    def __init__(self, sector: Sector) -> None:
        n = sector.n_orbitals
        self.circuit = Circuit()
        self._place = {k: k // 2 + k % 2 * n for k in range(2 * n)}
        electrons = (sector.n_alpha, sector.n_beta)
        self._known = {k: int(k // 2 < electrons[k % 2]) for k in range(2 * n)}

    def finished(self) -> Circuit:
        """Return the circuit with all qubits, the electrons that nothing has moved put in."""
        for qubit in sorted(self._known):
            if not self._touch(qubit):
                self.circuit.i(qubit)
        return self.circuit

    def excite(self, excitation: Excitation, angle: float) -> None:
        """Append exp(angle (T - T+))."""
        holes, particles = excitation
        states = {self._known.get(each) for each in (*holes, *particles)}
        if len(states) == 1 and None not in states:
            return  # all filled, or all empty: T and T+ give nothing
        sign, passed = self._passed(excitation)
        fresh = all(self._known.get(each) == 0 for each in particles)
        sure = [hole for hole in holes if self._known.get(hole) == 1]
        for qubit in (*holes, *particles):
            self._touch(qubit)
        ladder = list(pairwise(passed))
        for one, other in ladder:
            self.circuit.cnot(one, other)
        parity = passed[-1] if passed else None
        if fresh:
            self._spread(excitation, sign * angle, [h for h in holes if h not in sure], parity)
        elif len(holes) == 1:
            self._single(holes[0], particles[0], sign * angle, parity)
        else:
            self._double(excitation, sign * angle, parity)
        for one, other in reversed(ladder):
            self.circuit.cnot(one, other)

    def _touch(self, qubit: int) -> bool:
        """Put the electron in that was left to be; return whether there was one."""
        filled = bool(self._known.pop(qubit, 0))
        if filled:
            self.circuit.x(qubit)
        return filled

    def _passed(self, excitation: Excitation) -> tuple[int, list[int]]:
        """Return T's sign on the electrons that are surely there, and who else is passed."""
        holes, particles = excitation
        ends = sorted(self._place[each] for each in (*holes, *particles))
        inside = [
            qubit
            for qubit, place in self._place.items()
            if any(low < place < high for low, high in zip(ends[::2], ends[1::2], strict=True))
        ]
        filled = {self._place[hole] for hole in holes}
        sign = 1
        for annihilate in holes:  # T = a+_p a+_q a_r a_s: s acts first
            sign *= self._crossed(filled, annihilate)
            filled.remove(self._place[annihilate])
        for create in particles:
            sign *= self._crossed(filled, create)
            filled.add(self._place[create])
        sign *= (-1) ** sum(self._known.get(qubit, 0) for qubit in inside)
        return sign, sorted(
            (k for k in inside if k not in self._known), key=self._place.__getitem__
        )

    def _crossed(self, filled: set[int], qubit: int) -> int:
        return int((-1) ** sum(place < self._place[qubit] for place in filled))

    def _flip(self, parity: int | None, qubit: int) -> None:
        if parity is not None:
            self.circuit.cz(parity, qubit)

    def _spread(
        self, excitation: Excitation, angle: float, controls: Sequence[int], parity: int | None
    ) -> None:
        """Excite into particles that are empty: of |1100> alone comes |0011>."""
        holes, particles = excitation
        first = particles[0]
        for step in walk_onto_zero(2 * angle, [(each, 1) for each in controls]):
            self.circuit.ry(first, step.turn)
            self._flip(step.control, first)
        self._flip(parity, first)
        for hole, particle in zip(holes, particles, strict=True):
            if particle != first:
                self.circuit.cnot(first, particle)
            self.circuit.cnot(particle, hole)

    def _single(self, hole: int, particle: int, angle: float, parity: int | None) -> None:
        """Turn |10> to |01>: H and CNOT around make of both Ry  (X_r Y_p - Y_r X_p) angle/2."""
        self._flip(parity, hole)
        self.circuit.h(hole).cnot(hole, particle)
        self.circuit.ry(hole, angle).ry(particle, angle)
        self.circuit.cnot(hole, particle).h(hole)
        self._flip(parity, hole)

    def _double(self, excitation: Excitation, angle: float, parity: int | None) -> None:
        """Turn |1100> to |0011> of (s, r, q, p).

        After three CNOTs both are s = 0, q = 0, p = 1 and differ in r alone, and no other state is.
        """
        (s, r), (q, p) = excitation
        self._flip(parity, r)
        self.circuit.cnot(r, s).cnot(p, q).cnot(r, p)
        *rest, last = walk(-2 * angle, [(s, 0), (q, 0), (p, 1)])
        for step in rest:
            self.circuit.ry(r, step.turn)
            self._flip(step.control, r)
        self.circuit.ry(r, last.turn)
        # CZ, which closes the walk, and the CNOT after it: i Y where r is 1, less the phase.
        self.circuit.cy(r, p).si(r)
        self.circuit.cnot(p, q).cnot(r, s)
        self._flip(parity, r)
