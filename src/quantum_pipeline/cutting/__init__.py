"""Circuits of QAOA that are cut at ZZ rotations: into parts that devices hold one by one.

decomposition   a ZZ rotation as six products of operations on single qubits
partition       which variables go into which part, with the fewest couplings between parts
expansion       the sum of products of all cuts, and the circuits that it takes of each part
reconstruction  energies and correlations of the whole from the counts of those circuits
"""

from quantum_pipeline.cutting.partition import Part

__all__ = ["Part"]
