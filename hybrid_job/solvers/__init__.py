"""What a job calls to solve a request: one module an algorithm."""
