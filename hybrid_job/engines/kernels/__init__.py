"""The compiled part of the QAOA engine: vector code, and the passes that are written in it."""
