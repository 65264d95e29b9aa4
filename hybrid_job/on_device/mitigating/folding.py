"""Folds gates to scale a circuit's noise: the operation stays the same but runs longer.

A gate G becomes G G+ G, once or several times, which without noise is G again and with noise is
that of three gates, five, and so on. The inverse is of the gate's own family, so the circuit stays
native where it was: CZ is its own inverse, ZZ(t) has ZZ(-t), PRx(t, p) has PRx(-t, p), and iSWAP
has Z iSWAP Z with Z on one qubit.

Source: A. He et al., "Zero-noise extrapolation for quantum-gate error mitigation with identity
insertions", Phys. Rev. A 102, 012426 (2020); T. Giurgica-Tiron et al., "Digital zero noise
extrapolation for quantum error mitigation", IEEE QCE (2020).
"""

from __future__ import annotations

from math import pi

from braket.circuits import Circuit, Gate, Instruction

from hybrid_job.on_device.measurement import Compiled

FREE = frozenset({"Rz", "PhaseShift", "Z", "S", "Si", "T", "Ti", "I"})
"""Gates about the z axis: devices shift the phase of the next pulse instead, without an error."""


def folded(compiled: Compiled, scale: float) -> Compiled:
    """Return the circuit with noise ``scale`` times as strong, as near as whole gates allow.

    Of d gates, round(d (scale - 1) / 2) pairs G+ G are put in, spread evenly over the circuit:
    gates of one qubit and of two each in their own proportion, for both have errors, and what is
    not stretched is not extrapolated away. ``effective_scale`` is what that comes to. Gates
    about the z axis are left alone, unless the noise is a simulator's, which strikes after each.

    Raises:
        NotImplementedError: a gate has no inverse in Braket.

    >>> cz = Compiled(Circuit().rx(0, 1.0).cz(0, 1), (0, 1))
    >>> [each.operator.name for each in folded(cz, 3).circuit.instructions]
    ['Rx', 'Rx', 'Rx', 'CZ', 'CZ', 'CZ']
    """
    stretched = Circuit()
    pairs = _pairs(compiled, scale)
    for instruction, count in zip(compiled.circuit.instructions, pairs, strict=True):
        stretched.add_instruction(instruction)
        for _ in range(count):
            for each in (*_inverse(instruction), instruction):
                stretched.add_instruction(each)
    return compiled.of(stretched)


def effective_scale(compiled: Compiled, scale: float) -> float:
    """Return 1 + 2 pairs / gates of the gates on two qubits, whose errors outweigh the others'.

    Of a circuit without such gates it is that of the others; 1 where there is nothing to fold.

    >>> round(effective_scale(Compiled(Circuit().cz(0, 1).cz(1, 2).cz(0, 1), (0, 1, 2)), 2), 6)
    2.333333
    """
    pairs = _pairs(compiled, scale)
    for qubits in (2, 1):
        chosen = [
            count
            for each, count in zip(compiled.circuit.instructions, pairs, strict=True)
            if len(each.target) == qubits and _has_noise(each, compiled)
        ]
        if chosen:
            return 1 + 2 * sum(chosen) / len(chosen)
    return 1.0


def _pairs(compiled: Compiled, scale: float) -> list[int]:
    """Return how many pairs G+ G follow each gate."""
    each_gate = compiled.circuit.instructions
    pairs = [0] * len(each_gate)
    for qubits in (1, 2):
        places = [
            place
            for place, each in enumerate(each_gate)
            if len(each.target) == qubits and _has_noise(each, compiled)
        ]
        total = round(len(places) * (scale - 1) / 2)
        for k, place in enumerate(places):
            pairs[place] = (k + 1) * total // len(places) - k * total // len(places)
    return pairs


def _has_noise(instruction: Instruction, compiled: Compiled) -> bool:
    return not compiled.noise.is_none or instruction.operator.name not in FREE


def _inverse(instruction: Instruction) -> list[Instruction]:
    if isinstance(instruction.operator, Gate.ISwap):
        # Braket's own inverse is three more iSWAPs, which would be noise of four in place of two.
        first = instruction.target[0]
        around = (Instruction(Gate.Rz(angle), first) for angle in (pi, -pi))
        return [next(around), instruction, next(around)]
    inverse: list[Instruction] = instruction.adjoint()
    return inverse
