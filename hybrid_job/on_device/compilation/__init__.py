"""Compiles circuits to a device's gates, on its couplers and its best qubits.

chip (the device's state) -> placing, routing, schedule, plans (a cost layer of QAOA) -> layers,
natives (its gates) -> qaoa, symmetry; reference and circuits: what qiskit makes of any circuit.
"""

from hybrid_job.on_device.compilation.circuits import compile_alike, compile_circuit, summarise
from hybrid_job.on_device.compilation.qaoa import QaoaCompiler, compiler_for

__all__ = ["QaoaCompiler", "compile_alike", "compile_circuit", "compiler_for", "summarise"]
