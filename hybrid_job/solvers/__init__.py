"""The solvers that a job calls, one module per algorithm."""
