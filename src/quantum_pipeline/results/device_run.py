"""What a job reports of a run on a device: how it was compiled, and what mitigation changed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from quantum_pipeline.quantities import Entries, Finite, Flag, Number, Positive, Probability, Text
from quantum_pipeline.requests.limits import RunLimit
from quantum_pipeline.requests.mitigation import Extrapolation, Form
from quantum_pipeline.results.record import Record


class CircuitSize(Record):
    """Depth of a circuit, and its gates on two qubits; ``by`` says how it was compiled."""

    by: Text
    depth: Number
    two_qubit_gates: Number


class Compilation(Record):
    """The circuit that ran; ``plain`` is the logical one, ``reference`` what qiskit makes of it.

    ``qubits[i]`` is the device's qubit that holds variable i when it is measured; ``couplers`` are
    the device's pairs among the qubits that it has, for the picture, ``used`` those that the
    circuit acts on. ``estimated_fidelity`` is the product of the calibrated fidelities of all
    gates and readouts, None where the device reports none. ``device`` is the one that it was
    compiled for, of several; None in results of before there were several.
    """

    device: Text | None = None
    native_gates: Entries[Text]
    verbatim: Flag
    plain: CircuitSize
    reference: CircuitSize | None
    compiled: CircuitSize
    qubits: Entries[Number]
    couplers: Entries[tuple[Number, Number]]
    used: Entries[tuple[Number, Number]]
    estimated_fidelity: Probability | None
    calibrated_at: Text | None


class Estimated(Record):
    """An energy from shots, and its standard error."""

    energy: Finite
    standard_error: Positive


class ScaledEnergy(Estimated):
    """An energy at a noise scale; ``accepted`` is the part of the shots that obey the symmetry."""

    scale: Annotated[float, Field(strict=True, ge=1, le=1000, allow_inf_nan=False)]
    accepted: Probability | None


class Check(Record):
    """A calibration circuit: its exact energy, the raw one and the mitigated one."""

    exact: Finite
    raw: Estimated
    mitigated: Estimated


class MitigationOutcome(Record):
    """Raw and mitigated energy of the circuit, and why the one or the other counts.

    ``methods`` in the order in which they were applied. ``extrapolation`` is the form that was
    asked for, ``extrapolation_used`` has each that was taken: circuits of a molecule may differ,
    and there is none where nothing was extrapolated. ``extra_shots`` are those that the raw energy
    would not have taken.
    """

    methods: Entries[Literal["readout", "symmetry", "zne"]] = Field(min_length=1)
    extrapolation: Extrapolation
    extrapolation_used: Entries[Form]
    raw: Estimated
    mitigated: Estimated
    scaled: Entries[ScaledEnergy]
    checks: Entries[Check]
    kept: Literal["raw", "mitigated"]
    kept_because: Text
    extra_shots: Number

    @property
    def best(self) -> Estimated:
        """The energy that counts."""
        return self.mitigated if self.kept == "mitigated" else self.raw


class DeviceRun(Record):
    """What ran on the device, beside the tasks that are paid for.

    ``compilation`` is None on simulators, which take the circuit as it is. ``trained_energy`` is
    the exact energy of the circuit without noise, None where it was not computed. ``cut_short``
    says what was left out because the cost cap or the time was reached, None where nothing was;
    ``cut_short_by`` has the limits that were.
    """

    emulated: Text | None
    compilation: Compilation | None
    mitigation: MitigationOutcome | None
    trained_energy: Finite | None = None
    cut_short: Text | None
    cut_short_by: Entries[RunLimit]


class DeviceShare(Record):
    """What one device of a run did: the circuits that it measured, of divide one a block.

    ``lost`` says why it took no more from some time on, None where it did until the end;
    ``handed_over`` are the circuits of its own that others had to take then.
    """

    device: Text
    circuits: Number
    handed_over: Number
    lost: Text | None
