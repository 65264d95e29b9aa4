"""The request as a user writes it: problem, algorithm, mitigation, limits; and its JSON."""
