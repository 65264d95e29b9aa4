"""The reason of each decision, as a code for programs and as words for people."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Why(StrEnum):
    """What decided: a program asks for this, and never for words."""

    ASKED = "asked"
    """The request names it."""

    PROBLEM = "problem"
    """Its kind of problem has one algorithm."""

    SIZE = "size"
    """The problem's size leaves it, or has it by default."""

    NO_DEVICE_NEEDED = "no device needed"
    """Nothing that is asked for takes a device: the job computes it exactly."""

    NOISE = "noise"
    """It simulates the noise that the request gives."""

    FIDELITY = "fidelity"
    """The highest estimated fidelity within the limit of the cost."""

    DELIVERED = "delivered"
    """The same, corrected by what devices delivered in earlier runs of the family."""

    NO_QPU = "no QPU"
    """No QPU can run it here and now; a simulator can."""

    NO_ERRORS = "no errors"
    """The device makes none."""

    CUT = "cut"
    """The circuit runs in parts."""

    ONE_SHOT = "one shot"
    """There is no spread to tell an error by."""

    BEST_SHOT = "best shot"
    """The best shot counts, and its energy is exact: there is none to mitigate."""

    ERRORS = "errors"
    """The device makes errors of gates and readout."""

    USUAL = "usual"
    """What every run has where nothing was said."""

    DEVICE_TIME = "device time"
    """What the run takes on its device, its queue included."""


class Reason(BaseModel):
    """What decided, and the sentence that says so with its figures."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    why: Why
    words: str


class Reasons(BaseModel):
    """The reason of each decision; None of a mitigation that nobody chose."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    algorithm: Reason
    device: Reason
    mitigation: Reason | None
    runtime: Reason
