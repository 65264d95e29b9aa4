"""Decomposes rotations and entangling gates into native gates, with as few pulses as possible.

Rotations of a qubit are collected until a gate on two qubits comes. Then U = Rz(a) PRx(t, p) is
split: the rotation about an axis in the equator is a pulse, the one about z is none. It is carried
past the gate on two qubits, which commutes with it (CZ, ZZ), passes it to the other qubit (iSWAP),
or takes it up in its phases (MS); before a readout it is left out, for it changes no probability.

    PRx(t, p) = Rz(p) Rx(t) Rz(-p)        one pulse on IQM, AQT
    Rx(t) = Rz(pi/2) Rx(pi/2) Rz(t + pi) Rx(pi/2) Rz(pi/2)     Rigetti: rx of pi/2 and pi only
    GPi(p) = PRx(pi, p), GPi2(p) = PRx(pi/2, p)                IonQ: two GPi2, or one of either

Source: D. McKay et al., "Efficient Z gates for quantum computing", Phys. Rev. A 96, 022330 (2017).
"""

from __future__ import annotations

from math import atan2, cos, pi, sin

import numpy as np
from braket.circuits import Circuit
from numpy.typing import NDArray

from hybrid_job.on_device.compilation.chip import Chip

Matrix = NDArray[np.complex128]

H: Matrix = np.array([[1, 1], [1, -1]], dtype=np.complex128) / 2**0.5
X: Matrix = np.array([[0, 1], [1, 0]], dtype=np.complex128)
Z: Matrix = np.diag([1, -1]).astype(np.complex128)
TINY = 1e-9


def rz(angle: float) -> Matrix:
    """Return exp(-i angle Z / 2)."""
    return np.diag([np.exp(-0.5j * angle), np.exp(0.5j * angle)])


def rx(angle: float) -> Matrix:
    """Return exp(-i angle X / 2)."""
    c, s = cos(angle / 2), sin(angle / 2)
    return np.array([[c, -1j * s], [-1j * s, c]])


def ry(angle: float) -> Matrix:
    """Return exp(-i angle Y / 2)."""
    c, s = cos(angle / 2), sin(angle / 2)
    return np.array([[c, -s], [s, c]], dtype=np.complex128)


def equatorial(unitary: Matrix) -> tuple[float, float, float]:
    """Return (a, t, p) with U = Rz(a) PRx(t, p) up to a phase, 0 <= t <= pi.

    >>> [abs(round(each, 6)) for each in equatorial(rx(0.5))]
    [0.0, 0.5, 0.0]
    """
    special = unitary / np.sqrt(np.linalg.det(unitary))
    turn = 2 * atan2(abs(special[1, 0]), abs(special[0, 0]))
    frame = 0.0 if pi - turn < TINY else -2 * float(np.angle(special[0, 0]))
    axis = 0.0 if turn < TINY else float(np.angle(special[1, 0])) + pi / 2 - frame / 2
    return frame, turn, axis


def wrapped(angle: float) -> float:
    """Return the angle in (-pi, pi], at which the rotation is the same up to a sign."""
    folded = angle - 2 * pi * round(angle / (2 * pi))
    return pi if abs(folded + pi) < TINY else folded


class NativeCircuit:
    """A circuit of native gates as it is written: by sites, with the device's own numbers in it."""

    def __init__(self, chip: Chip) -> None:
        self._chip = chip
        self._circuit = Circuit()
        self._waiting: dict[int, Matrix] = {}
        self._started: set[int] = set()

    def turn(self, site: int, unitary: Matrix) -> None:
        """Rotate a qubit."""
        before = self._waiting.get(site)
        self._waiting[site] = unitary if before is None else unitary @ before

    def cz(self, a: int, b: int) -> None:
        """Apply CZ: the native gate, or ZZ(-pi/2) and two rotations about z."""
        if self._chip.entangler == "cz":
            self._pulses(a)
            self._pulses(b)
            self._circuit.cz(*self._numbers(a, b))
            return
        self.zz(a, b, -pi / 2)
        for site in (a, b):
            self.turn(site, rz(pi / 2))

    def iswap(self, a: int, b: int) -> None:
        """Apply iSWAP, which exchanges rotations about z."""
        self._pulses(a)
        self._pulses(b)
        self._circuit.iswap(*self._numbers(a, b))
        self._waiting[a], self._waiting[b] = self._waiting[b], self._waiting[a]

    def zz(self, a: int, b: int, angle: float) -> None:
        """Apply exp(-i angle ZZ / 2) by one native ZZ, XX or MS of at most a quarter turn.

        ZZ(t + pi) is ZZ(t) and Z on both qubits.
        """
        folds = round(angle / pi)
        angle -= folds * pi
        if folds % 2:
            self.turn(a, Z)
            self.turn(b, Z)
        if self._chip.entangler == "zz":
            self._pulses(a)
            self._pulses(b)
            self._circuit.zz(*self._numbers(a, b), angle)
            return
        for site in (a, b):
            self.turn(site, H)
        self.xx(a, b, angle)
        for site in (a, b):
            self.turn(site, H)

    def any_xx(self, a: int, b: int, angle: float) -> None:
        """Apply exp(-i angle XX / 2) of any angle; XX(t + pi) is XX(t) and X on both qubits."""
        folds = round(angle / pi)
        if folds % 2:
            self.turn(a, X)
            self.turn(b, X)
        self.xx(a, b, angle - folds * pi)

    def xx(self, a: int, b: int, angle: float) -> None:
        """Apply exp(-i angle XX / 2), angle up to pi/2 either way; XX(-t) is Z XX(t) Z."""
        if angle < 0:
            self.turn(a, Z)
        if self._chip.entangler == "ms":
            frames = [self._pulses(site) for site in (a, b)]
            self._circuit.ms(*self._numbers(a, b), *(wrapped(-each) for each in frames), abs(angle))
        else:
            for site in (a, b):
                self._rotation(site)
            self._circuit.xx(*self._numbers(a, b), abs(angle))
        if angle < 0:
            self.turn(a, Z)

    def finished(self) -> Circuit:
        """Return the circuit, to be measured: rotations about z that are left change nothing."""
        for site in list(self._waiting):
            self._pulses(site)
        return self._circuit

    def _numbers(self, a: int, b: int) -> tuple[int, int]:
        return self._chip.numbers[a], self._chip.numbers[b]

    def _pulses(self, site: int) -> float:
        """Write the waiting rotation but for its turn about z, which waits on and is returned."""
        frame, turn, axis = equatorial(self._waiting.get(site, np.eye(2, dtype=np.complex128)))
        first = site not in self._started
        self._started.add(site)
        if turn > TINY:
            frame += self._pulse(self._chip.numbers[site], turn, axis, first=first)
        self._waiting[site] = rz(frame)
        return frame

    def _pulse(self, qubit: int, turn: float, axis: float, *, first: bool) -> float:
        """Write PRx(turn, axis) but for a turn about z that is returned; first: on |0>."""
        natives, circuit = self._chip.natives, self._circuit
        half, whole = abs(turn - pi / 2) < TINY, abs(turn - pi) < TINY
        if "prx" in natives:
            circuit.prx(qubit, turn, wrapped(axis))
            return 0.0
        if "gpi2" in natives:
            if half or whole:
                (circuit.gpi2 if half else circuit.gpi)(qubit, wrapped(axis))
                return 0.0
            circuit.gpi2(qubit, wrapped(axis - pi / 2))
            circuit.gpi2(qubit, wrapped(axis - turn + pi / 2))
            return turn
        if half or whole:
            self._about_z(qubit, 0.0 if first else -axis)
            circuit.rx(qubit, pi / 2 if half else pi)
            return axis
        self._about_z(qubit, 0.0 if first else pi / 2 - axis)
        circuit.rx(qubit, pi / 2)
        self._about_z(qubit, turn + pi)
        circuit.rx(qubit, pi / 2)
        return axis + pi / 2

    def _about_z(self, qubit: int, angle: float) -> None:
        if abs(wrapped(angle)) > TINY:
            self._circuit.rz(qubit, wrapped(angle))

    def _rotation(self, site: int) -> None:
        """Write the whole waiting rotation, with its turn about z: as a gate, or by two pulses."""
        qubit = self._chip.numbers[site]
        if "rz" in self._chip.natives:
            self._about_z(qubit, self._pulses(site))
        else:
            waiting = self._waiting.get(site, np.eye(2, dtype=np.complex128))
            frame, _, _ = equatorial(waiting)
            if site not in self._started or abs(wrapped(frame)) < TINY:
                self._started.add(site)
                waiting = waiting if abs(wrapped(frame)) < TINY else _on_zero(waiting)
                _, turn, axis = equatorial(waiting)
                if turn > TINY:
                    self._pulse(qubit, turn, axis, first=False)
            else:
                for turn, axis in _two_pulses(waiting):
                    self._pulse(qubit, turn, axis, first=False)
        self._waiting[site] = np.eye(2, dtype=np.complex128)


def _on_zero(unitary: Matrix) -> Matrix:
    """Return the rotation about an axis in the equator that does the same to |0>, up to a phase."""
    frame, turn, axis = equatorial(unitary)
    return rz(axis + frame) @ rx(turn) @ rz(-axis - frame)


def _two_pulses(unitary: Matrix) -> list[tuple[float, float]]:
    """Return two rotations about axes in the equator that make up any one, the first of pi.

    U = w - i (x X + y Y + z Z): behind PRx(pi, p) with tan p = y / x, what is left has no z.
    """
    special = unitary / np.sqrt(np.linalg.det(unitary))
    x, y = -special[1, 0].imag, special[1, 0].real
    axis = atan2(y, x)
    rest = special @ (rz(axis) @ rx(-pi) @ rz(-axis))
    _, turn, second = equatorial(rest)
    return [(pi, axis), (turn, second)]
