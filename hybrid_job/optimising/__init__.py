"""Improves angles: optimisers, their starting points, and the growth of depth."""
