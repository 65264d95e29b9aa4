"""Molecules: orbitals, ansatz, and the search for the lowest state."""
