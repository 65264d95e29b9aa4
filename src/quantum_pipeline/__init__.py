"""Quantum Pipeline: a problem JSON goes in, a report comes out."""

__version__ = "0.1.0"
