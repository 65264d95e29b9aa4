"""Error mitigation: the circuits that an energy takes, and how it follows from their counts."""
