"""The catalogue: one record for each run that ended, which is what is remembered of it."""
