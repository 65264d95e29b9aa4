"""Exact correlations of QAOA states, of whole states or of what no state vector holds."""
