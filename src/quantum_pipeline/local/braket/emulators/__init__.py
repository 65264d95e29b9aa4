"""The emulated QPUs of Braket: their properties, and what GetDevice reports of them."""

from quantum_pipeline.local.braket.emulators.capabilities import aquila, capabilities
from quantum_pipeline.local.braket.emulators.spec import EMULATED, EmulatedQpu
from quantum_pipeline.local.braket.emulators.windows import is_open

__all__ = ["EMULATED", "EmulatedQpu", "aquila", "capabilities", "is_open"]
