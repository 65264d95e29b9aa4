"""The page of a study: what varied, what won, by how much, and what it cost."""

from __future__ import annotations

from collections.abc import Sequence

from quantum_pipeline.pages.page import environment
from quantum_pipeline.studies.rows import RunRow
from quantum_pipeline.studies.summary import StudySummary


def render_study(summary: StudySummary, rows: Sequence[RunRow]) -> dict[str, bytes]:
    """Return the page and all pictures of a study, by their names in its folder."""
    page = environment().get_template("study.html.j2").render(summary=summary, rows=rows)
    return {"report.html": page.encode()}
