"""Exact states: energies, gradients and samples of QAOA circuits."""
