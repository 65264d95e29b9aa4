"""Runs on Braket's devices: compiled circuits, tasks paid for only once, mitigated energies."""
