"""QPUs of Braket as they are emulated here: what each is, and what GetDevice tells of it."""

from quantum_pipeline.local.braket.emulators.capabilities import aquila, capabilities
from quantum_pipeline.local.braket.emulators.spec import EMULATED, EmulatedQpu
from quantum_pipeline.local.braket.emulators.windows import is_open

__all__ = ["EMULATED", "EmulatedQpu", "aquila", "capabilities", "is_open"]
