"""Molecules on devices: the circuit of a state, and how its energy is measured."""
