"""Tables: rows with a class, of which the one is predicted from the others."""

from __future__ import annotations

from quantum_pipeline.classification.tables import read_table
from quantum_pipeline.files.content import text_of
from quantum_pipeline.files.document import Document, Found


def read_rows(document: Document) -> Found:
    """Read comma-, semicolon- or tab-separated values with a header, and a target among them."""
    table = read_table(text_of(document.data))
    if document.target is None:
        named = ", ".join(table.columns[:20])
        raise ValueError(f"--target: missing; allowed: the column to predict, one of {named}")
    found = {
        "type": "classification",
        "target": document.target,
        "columns": list(table.columns),
        "rows": [list(row) for row in table.rows],
    }
    return Found(found, table.notes)
