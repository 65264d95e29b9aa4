"""The circuit of QAOA on a form's states, in the gates of Braket, before it is compiled."""

from __future__ import annotations

from collections.abc import Sequence

from braket.circuits import Circuit

from hybrid_job.on_device.forms.preparation import prepare
from quantum_pipeline.spaces import Group, Polynomial, Space
from quantum_pipeline.spaces.ladders import Phase, ladder
from quantum_pipeline.spaces.mixers import Mixer, exchanges


def form_circuit(
    space: Space, cost: Polynomial, angles: Sequence[Sequence[float]], mixer: Mixer
) -> Circuit:
    """Return prod_k exp(-i beta_k B) exp(-i gamma_k C) |u>, up to a global phase.

    Qubit i is bit i. The same unitaries as those of ``spaces.statevector`` with this mixer, which
    is ``pairs`` or ``ring``: the complete one is no product of gates on two qubits.

    Args:
        space: the states, of which |u> is the uniform superposition.
        cost: C, over spins; its constant is left out.
        angles: shape (2, depth): gammas, then betas.
        mixer: what moves groups among their levels.
    """
    assert mixer != "complete"
    circuit, gates = Circuit(), list(ladder(cost))
    for group in space.groups:
        prepare(circuit, group)
    for gamma, beta in zip(*angles, strict=True):
        for gate in gates:
            if not isinstance(gate, Phase):
                circuit.cnot(*gate)
            elif len(gate.qubits) == 1:
                circuit.rz(gate.qubits[0], 2 * gamma * gate.coefficient)
            else:
                circuit.zz(*gate.qubits, 2 * gamma * gate.coefficient)
        for group in space.groups:
            _mix(circuit, group, beta, mixer)
    return circuit


def _mix(circuit: Circuit, group: Group, beta: float, mixer: Mixer) -> None:
    if group.ones is None:
        circuit.rx(group.bits[0], 2 * beta)
        return
    if group.n_levels == 1:
        return
    pairs, scale = exchanges(len(group.bits), mixer)
    for i, j in pairs:  # XY(t) = exp(i t (X X + Y Y) / 4)
        circuit.xy(group.bits[i], group.bits[j], -2 * scale * beta)
