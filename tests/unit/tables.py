"""Tables of whole numbers with two classes, as large as they are asked for."""

from __future__ import annotations

from typing import Any


def table(n_rows: int, width: int = 4, **more: Any) -> dict[str, Any]:
    rows = [[*((k * (j + 3)) % 11 for j in range(width)), "ab"[k % 2]] for k in range(n_rows)]
    columns = [*(f"c{j}" for j in range(width)), "y"]
    return {"type": "classification", "target": "y", "columns": columns, "rows": rows, **more}
