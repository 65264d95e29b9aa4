"""The limits of a request that may end a run early, by their paths."""

from __future__ import annotations

from typing import Literal

RunLimit = Literal["limits.max_runtime_seconds", "limits.max_cost_usd"]
"""A limit of the whole run: what it ends is cut short."""

Limit = Literal["algorithm.max_evaluations", RunLimit]
"""A limit that ends an optimisation."""
