"""Error mitigation as a request asks for it, and how many circuits that takes.

Each circuit of a measurement is run with the same number of shots. Whatever is
measured at scaled noise or with a symmetry checked is measured on calibration circuits too:
circuits of the same form whose energy is known. The mitigated energy counts only if it is the
better one there.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from quantum_pipeline.wording import refusal

Form = Literal["linear", "richardson", "exponential"]
"""A form of the extrapolation to zero noise."""

Extrapolation = Literal["none", Form]
Scale = Annotated[float, Field(strict=True, ge=1, le=9, allow_inf_nan=False)]
Probability = Annotated[float, Field(strict=True, ge=0, le=0.5, allow_inf_nan=False)]

CHECKS = 2
"""Calibration circuits, each of which is measured as the circuit itself is."""

READOUT_CIRCUITS = 2
"""All qubits in 0, all in 1."""

WIDEST_OF_BOTH = 16
"""Qubits up to which readouts are corrected with a symmetry checked: all outcomes are listed."""


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
        False, description="correct readout errors, measured by two more circuits"
    )
    zne: Extrapolation = Field(
        "none", description="extrapolate to zero noise from circuits with folded gates"
    )
    scales: Annotated[tuple[Scale, ...], Field(min_length=2, max_length=5)] = Field(
        (1.0, 3.0, 5.0), description="noise scales of the extrapolation, increasing from 1"
    )
    symmetry: StrictBool = Field(
        False,
        description="keep only shots that obey a symmetry of the problem: the flip of all bits, "
        "the number of electrons, or the rules of groups of variables (post-selection)",
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
                settings check it themselves (molecules, groups of variables).

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
