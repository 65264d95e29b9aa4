"""Problems of a choice whose number is held by a penalty, as people write them."""

from __future__ import annotations

import itertools
from typing import Any


def choice(weights: list[float], k: int, penalty: float) -> dict[str, Any]:
    """Choose k by weight: penalty (sum x - k)^2, whose constant is left out, added in floats."""
    pairs = itertools.combinations(range(len(weights)), 2)
    return {
        "type": "qubo",
        "linear": [weight + penalty * (1 - 2 * k) for weight in weights],
        "quadratic": [[i, j, 2 * penalty] for i, j in pairs],
    }
