"""Error mitigation: which circuits to run for an energy, and what their counts make of it."""
