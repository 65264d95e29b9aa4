"""Molecules on devices: the circuit of a state, and what is measured of it for its energy."""
