"""Error mitigation as a request asks for it, and how many circuits that takes.

Each circuit of a measurement is run with the same number of shots. What is measured twice over,
at stretched noise or with a symmetry checked, is measured on calibration circuits too: circuits of
the same form whose energy is known. Only where the mitigated energy is the better one there does
it count.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.wording import refusal

Extrapolation = Literal["none", "linear", "richardson", "exponential"]
Scale = Annotated[float, Field(strict=True, ge=1, le=9, allow_inf_nan=False)]
Probability = Annotated[float, Field(strict=True, ge=0, le=0.5, allow_inf_nan=False)]

CHECKS = 2
"""Calibration circuits, each of which is measured as the circuit itself is."""

READOUT_CIRCUITS = 2
"""All qubits in 0, all in 1."""


class Noise(BaseModel):
    """Noise that DM1 simulates: depolarising after each gate, bit flips before each readout."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    one_qubit: Probability = Field(0.0, description="depolarising probability of a one-qubit gate")
    two_qubit: Probability = Field(0.0, description="depolarising probability of a two-qubit gate")
    readout: Probability = Field(0.0, description="probability that a readout is wrong")

    @property
    def is_none(self) -> bool:
        """Whether nothing is noisy."""
        return not (self.one_qubit or self.two_qubit or self.readout)


class Mitigation(BaseModel):
    """What is done about the errors of a device."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    readout: StrictBool = Field(
        False, description="correct errors of the readout, from two more circuits"
    )
    zne: Extrapolation = Field(
        "none", description="extrapolate to zero noise from circuits with folded gates"
    )
    scales: Annotated[tuple[Scale, ...], Field(min_length=2, max_length=5)] = Field(
        (1.0, 3.0, 5.0), description="noise scales of the extrapolation, 1 first, increasing"
    )
    symmetry: StrictBool = Field(
        False,
        description="keep the shots that obey a symmetry of the problem: the flip of all bits, or "
        "the number of electrons",
    )

    @model_validator(mode="after")
    def _check_scales(self) -> Self:
        if self.scales[0] != 1 or list(self.scales) != sorted(set(self.scales)):
            raise ValueError(refusal("scales", list(self.scales), "1 first, then increasing"))
        if self.zne == "richardson" and len(self.scales) > 4:
            raise ValueError(refusal("scales", list(self.scales), "up to 4 with richardson"))
        return self

    @property
    def is_none(self) -> bool:
        """Whether nothing is done."""
        return not (self.readout or self.symmetry) and self.zne == "none"

    @property
    def used_scales(self) -> tuple[float, ...]:
        """Noise scales that are measured; the circuit as it is alone without extrapolation."""
        return (1.0,) if self.zne == "none" else self.scales

    def executables(self, settings: int, *, verified_apart: bool) -> int:
        """Return the circuits of one measured energy, calibration circuits included.

        Args:
            settings: circuits that one energy takes without any mitigation.
            verified_apart: whether checking the symmetry takes circuits of its own (QAOA), or the
                settings check it themselves (molecules).

        >>> Mitigation(readout=True).executables(1, verified_apart=True)
        5
        >>> Mitigation(zne="linear", symmetry=True).executables(1, verified_apart=True)
        12
        """
        if self.is_none:
            return settings
        scales = len(self.used_scales)
        each = settings * (1 + scales if self.symmetry and verified_apart else scales)
        return (1 + CHECKS) * each + (READOUT_CIRCUITS if self.readout else 0)


WIDEST_OF_BOTH = 16
"""Qubits up to which readouts are corrected with a symmetry checked: all outcomes are listed."""

AUTO = Mitigation(readout=True, zne="exponential", scales=(1.0, 3.0), symmetry=True)
"""What auto does about the errors of a QPU, or of noise that is simulated.

Noise takes an energy exponentially to that of the mixed state, which is known: two scales give the
rest, and each more costs its shots.
"""


def settle(
    asked: Mitigation | Literal["none", "auto"],
    *,
    device: str,
    ideal: bool,
    n_qubits: int,
    of_molecule: bool,
    no_symmetry: str | None,
) -> tuple[Mitigation, str | None]:
    """Return the mitigation with nothing left to choose, and why auto chose it.

    Args:
        asked: what the request says.
        device: its name.
        ideal: that it makes no errors.
        n_qubits: that are measured.
        of_molecule: that the symmetry is checked by the circuits themselves.
        no_symmetry: why no symmetry can be checked, None where one can.

    Raises:
        InvalidRequest: something is asked that cannot be done here.

    >>> settle(
    ...     "auto", device="SV1", ideal=True, n_qubits=4, of_molecule=False, no_symmetry=None
    ... )[1]
    'none: SV1 makes no errors'
    """
    if isinstance(asked, Mitigation):
        if asked.is_none:
            return asked, None
        if ideal:
            raise InvalidRequest(
                f"mitigation: {device} makes no errors; allowed: none or auto there, or a QPU, or "
                "dm1 with noise"
            )
        if asked.symmetry and no_symmetry is not None:
            raise InvalidRequest.of("mitigation.symmetry", True, f"false: {no_symmetry}")
        if asked.symmetry and asked.readout and n_qubits > WIDEST_OF_BOTH:
            raise InvalidRequest(
                f"mitigation: got readout and symmetry on {n_qubits} qubits; allowed: both on up "
                f"to {WIDEST_OF_BOTH}, or one of them"
            )
        return asked, None
    if asked == "none":
        return Mitigation(), None
    if ideal:
        return Mitigation(), f"none: {device} makes no errors"
    if no_symmetry is None and n_qubits > WIDEST_OF_BOTH and not of_molecule:
        no_symmetry = f"readouts are corrected, and both at once on up to {WIDEST_OF_BOTH} qubits"
    chosen = AUTO.model_copy(
        update={
            "symmetry": no_symmetry is None,
            "readout": no_symmetry is not None or n_qubits <= WIDEST_OF_BOTH,
        }
    )
    scales = ", ".join(f"{scale:g}" for scale in chosen.scales)
    readout = "readout correction" if chosen.readout else "no readout correction on so many qubits"
    symmetry = "a symmetry checked" if no_symmetry is None else f"no symmetry, for {no_symmetry}"
    return chosen, (
        f"{device} makes errors of gates and readout: {readout}, {chosen.zne} "
        f"extrapolation from noise scales {scales}, {symmetry}"
    )
