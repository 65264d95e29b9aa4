"""From a report to its files: every plot that the report names, and the page that shows them."""

from __future__ import annotations

from collections.abc import Callable

from quantum_pipeline.report import course, distribution, graph, growth
from quantum_pipeline.report.figures import Picture
from quantum_pipeline.report.page import page
from quantum_pipeline.report.study import Study
from quantum_pipeline.reports import OptimisationReport

_DRAWN_BY: dict[str, Callable[[Study], Picture]] = {
    "plots/convergence.png": course.convergence,
    "plots/depths.png": growth.depths,
    "plots/distribution.png": distribution.distribution,
    "plots/eliminations.png": growth.eliminations,
    "plots/parameters.png": course.parameters,
    "plots/reduction.png": course.reduction,
    "plots/solution.png": graph.solution,
}


def render(report: OptimisationReport) -> dict[str, bytes]:
    """Return the files beside ``report.json``, by their names in the run's folder.

    Raises:
        InvalidRequest: the report's request is not one.
    """
    study = Study.of(report)
    pictures = {name: _DRAWN_BY[name](study) for name in report.artifacts.plots}
    files = {name: picture.png for name, picture in pictures.items()}
    files[report.artifacts.report_html] = page(study, pictures).encode()
    return files
