"""Exact correlations of QAOA states, also of those too wide for a state vector."""
