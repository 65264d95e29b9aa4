"""QPUs of Braket as they are emulated here: what each is, and what GetDevice tells of it."""

from quantum_pipeline.local.braket.emulators.spec import EMULATED, EmulatedQpu

__all__ = ["EMULATED", "EmulatedQpu"]
