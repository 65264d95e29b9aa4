"""Writes the steps of a cost layer in native gates, as few as possible.

ZZ(t) on CZ is H CZ H Rz(t) H CZ H, the CX of whose control is the one qubit; with a SWAP it is
CX(a, b) CX(b, a) Rz_b(t) CX(a, b). On iSWAP, two or three of them by qiskit's decomposition.

On a fresh target |t> = Ry(t)|0> one CZ does: ZZ(g)|s>|t> turns |t> about z by g or by -g as the
control is 0 or 1, and the one state goes into the other by a half turn about the axis between them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import atan2, cos, pi, sin
from typing import NamedTuple

import numpy as np
from qiskit.circuit.library import iSwapGate
from qiskit.synthesis import TwoQubitBasisDecomposer

from hybrid_job.on_device.compilation.chip import Chip
from hybrid_job.on_device.compilation.natives import H, Matrix, NativeCircuit, Z, ry, rz
from hybrid_job.on_device.compilation.schedule import NOBODY, Layer, Step

PLUS = pi / 2
"""The tilt of |+> = Ry(pi/2)|0>."""

SWAP: Matrix = np.eye(4, dtype=np.complex128)[[0, 2, 1, 3]]
S: Matrix = np.diag([1, 1j])


class LayerWriter:
    """Writes steps on a native circuit; a variable's start is prepared just before its first gate.

    Args:
        tilts: by variable, the angle t of its start Ry(t)|0>.
    """

    def __init__(self, chip: Chip, circuit: NativeCircuit, tilts: Sequence[float]) -> None:
        self._chip, self._circuit, self._tilts = chip, circuit, tilts
        self._unprepared = set(range(len(tilts)))

    def prepare(self, variable: int, site: int) -> None:
        """Bring a variable that had no gate yet to its start."""
        if variable in self._unprepared:
            self._unprepared.remove(variable)
            self._circuit.turn(site, ry(self._tilts[variable]))

    def first(self, step: Step, angle: float) -> None:
        """Write a step of the first layer."""
        fresh = step.fresh_i + step.fresh_j
        if not step.coupled:
            if step.j == NOBODY:
                fresh += 1
            if fresh == 1:  # the fresh one's qubit is still in |0>
                here, there = (step.b, step.a) if step.fresh_i else (step.a, step.b)
                self._move(here, there)
            elif not fresh:
                self._swap(step.a, step.b)
            return
        if not fresh:
            self._whole(step.a, step.b, angle, swaps=step.swaps)
            return
        i, j, a, b = step.i, step.j, step.a, step.b
        if step.fresh_i and not step.fresh_j:
            i, j, a, b = j, i, b, a
        merged = step.swaps
        if merged and fresh == 2 and self._chip.entangler != "iswap":
            a, b, merged = b, a, False
        self.prepare(i, a)
        self.prepare(j, b)
        self._onto_fresh(a, b, angle, self._tilts[j], merged=merged)

    def later(self, step: Step, angle: float, *, backwards: bool) -> None:
        """Write a step of another layer."""
        if step.coupled:
            self._whole(step.a, step.b, angle, swaps=step.swaps)
        elif step.j == NOBODY:
            self._move(*((step.b, step.a) if backwards else (step.a, step.b)))
        else:
            self._swap(step.a, step.b)

    def _whole(self, a: int, b: int, angle: float, *, swaps: bool) -> None:
        if swaps:
            self._swap(a, b, angle)
        elif self._chip.entangler == "iswap":
            self._decomposed(a, b, angle, swaps=False)
        elif self._chip.entangler == "cz":
            self.cx(a, b)
            self._circuit.turn(b, rz(angle))
            self.cx(a, b)
        else:
            self._circuit.zz(a, b, angle)

    def _onto_fresh(self, a: int, b: int, angle: float, tilt: float, *, merged: bool) -> None:
        """Write a ZZ whose second qubit has just been prepared, and the SWAP if it is merged."""
        entangler, turn = self._chip.entangler, self._circuit.turn
        if merged and entangler != "iswap" and abs(tilt - PLUS) < 1e-12:
            turn(b, rz(angle))
            self.cx(b, a)
            self.cx(a, b)
            return
        if entangler != ("iswap" if merged else "cz"):
            self._whole(a, b, angle, swaps=merged)
            return
        axis, phase = _half_turn(angle, tilt)
        turn(b, axis.conj().T @ rz(angle))
        if entangler == "cz":
            self._circuit.cz(a, b)
        else:  # iSWAP = SWAP CZ (S x S)
            turn(a, S.conj())
            turn(b, S.conj())
            self._circuit.iswap(a, b)
            a, b = b, a
        turn(b, axis)
        turn(a, phase)

    def cx(self, control: int, target: int) -> None:
        """Write CX, from CZ and two H."""
        self._circuit.turn(target, H)
        self.cz(control, target)
        self._circuit.turn(target, H)

    def cz(self, a: int, b: int) -> None:
        """Write CZ: of iSWAP two."""
        if self._chip.entangler == "iswap":  # CZ = ZZ(pi/2) and Rz(-pi/2) on both
            self._decomposed(a, b, pi / 2, swaps=False)
            for site in (a, b):
                self._circuit.turn(site, rz(-pi / 2))
        else:
            self._circuit.cz(a, b)

    def _swap(self, a: int, b: int, angle: float = 0.0) -> None:
        if self._chip.entangler == "iswap":
            self._decomposed(a, b, angle, swaps=True)
            return
        self.cx(a, b)
        self._circuit.turn(b, rz(angle))
        self.cx(b, a)
        self.cx(a, b)

    def _move(self, here: int, there: int) -> None:
        """Write a SWAP with a qubit in |0>."""
        if self._chip.entangler == "iswap":
            self._circuit.turn(here, S.conj())
            self._circuit.iswap(here, there)
            return
        self.cx(here, there)
        self.cx(there, here)

    def _decomposed(self, a: int, b: int, angle: float, *, swaps: bool) -> None:
        for matrix, on_b in _iswaps(angle, swaps=swaps):
            if matrix is None:
                self._circuit.iswap(a, b)
            else:
                self._circuit.turn(b if on_b else a, matrix)


class Layered(NamedTuple):
    """A layer: the angle of each ZZ(t) by its pair i < j, then what turns each variable."""

    pairs: Mapping[tuple[int, int], float]
    turns: Sequence[Matrix]


def written(
    chip: Chip, routed: Layer, tilts: Sequence[float], layers: Sequence[Layered]
) -> tuple[NativeCircuit, LayerWriter]:
    """Write all layers: even ones as routed, odd ones backwards, from the end to the start.

    Args:
        chip: whose gates.
        routed: how the ZZ of a layer are brought together.
        tilts: by variable, the angle t of its start Ry(t)|0>.
        layers: in their order.
    """
    native = NativeCircuit(chip)
    writer = LayerWriter(chip, native, tilts)
    for k, layer in enumerate(layers):
        backwards = bool(k % 2)
        for step in routed.steps[::-1] if backwards else routed.steps:
            angle = layer.pairs.get((min(step.i, step.j), max(step.i, step.j)), 0.0)
            if k:
                writer.later(step, angle, backwards=backwards)
            else:
                writer.first(step, angle)
        for variable, site in enumerate(routed.placement(k + 1)):
            writer.prepare(variable, site)
            native.turn(site, layer.turns[variable])
    return native, writer


def _half_turn(angle: float, tilt: float) -> tuple[Matrix, Matrix]:
    """Return V and P: on a target |t>, ZZ is P on the control, then V CZ V+ Rz(angle) on both.

    V Z V+ is the half turn about the axis between Rz(angle)|t> and Rz(-angle)|t>; P its phase.
    """
    x, z = sin(tilt) * cos(angle), cos(tilt)
    if x * x + z * z < 1e-18:
        x = 1.0
    axis = ry(atan2(x, z))
    start = ry(tilt)[:, 0]
    one, other = rz(angle) @ start, rz(-angle) @ start
    phase = np.vdot(other, axis @ Z @ axis.conj().T @ one)
    return axis, np.diag([1, np.conj(phase)])


@lru_cache(maxsize=512)
def _iswaps(angle: float, *, swaps: bool) -> tuple[tuple[Matrix | None, bool], ...]:
    """Return ZZ(angle), and a SWAP if asked for: rotations and, as None, iSWAPs in their order."""
    matrix = np.diag(np.exp(-0.5j * angle * np.array([1, -1, -1, 1])))
    circuit = TwoQubitBasisDecomposer(iSwapGate())(
        SWAP @ matrix if swaps else matrix, _num_basis_uses=3 if swaps else 2
    )
    return tuple(
        (
            None if each.operation.num_qubits == 2 else np.asarray(each.operation.to_matrix()),
            circuit.find_bit(each.qubits[0]).index == 1,
        )
        for each in circuit.data
    )
