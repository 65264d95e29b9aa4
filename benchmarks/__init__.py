"""Comparisons with peers: each a command that prints a table; ratios from one run."""
