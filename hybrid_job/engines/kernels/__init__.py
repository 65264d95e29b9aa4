"""The compiled part of the QAOA engine: a small vector language, and the passes written in it."""
