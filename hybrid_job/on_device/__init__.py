"""Runs on Braket's devices: compiled circuits, tasks that are paid for once, mitigated energies."""
