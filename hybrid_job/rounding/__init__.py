"""From correlations to a bitstring: recursive QAOA."""
