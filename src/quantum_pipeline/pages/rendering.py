"""Renders a report to its files: every plot that the report names, and the page that shows them."""

from __future__ import annotations

from collections.abc import Callable

from quantum_pipeline.pages import (
    answers,
    bond_curve,
    classification_figures,
    course,
    device_layout,
    distribution,
    divided_figures,
    extrapolation,
    form_figures,
    graph,
    growth,
    molecule_figures,
)
from quantum_pipeline.pages.figures import Picture
from quantum_pipeline.pages.form_study import FormStudy
from quantum_pipeline.pages.page import (
    classification_page,
    divided_page,
    form_page,
    molecule_page,
    page,
)
from quantum_pipeline.pages.study import Study
from quantum_pipeline.reports import (
    AnyReport,
    ClassificationReport,
    ConstrainedReport,
    DividedReport,
    MoleculeReport,
    Report,
)

_DEVICE_DRAWN_BY: dict[str, Callable[[Report], Picture]] = {
    "plots/layout.png": device_layout.layout,
    "plots/mitigation.png": extrapolation.mitigation,
}

_DRAWN_BY: dict[str, Callable[[Study], Picture]] = {
    "plots/convergence.png": course.convergence,
    "plots/depths.png": growth.depths,
    "plots/distribution.png": distribution.distribution,
    "plots/eliminations.png": growth.eliminations,
    "plots/parameters.png": course.parameters,
    "plots/reduction.png": course.reduction,
    "plots/solution.png": graph.solution,
}

_FORM_DRAWN_BY: dict[str, Callable[[FormStudy], Picture]] = {
    "plots/convergence.png": form_figures.convergence,
    "plots/depths.png": form_figures.depths,
    "plots/distribution.png": form_figures.distribution,
    "plots/parameters.png": course.parameters,
    "plots/solution.png": answers.solution,
}

_CLASSIFICATION_DRAWN_BY: dict[str, Callable[[ClassificationReport], Picture]] = {
    "plots/accuracy.png": classification_figures.accuracy,
    "plots/boundary.png": classification_figures.boundary,
    "plots/confusion.png": classification_figures.confusion,
    "plots/kernel.png": classification_figures.kernel,
    "plots/roc.png": classification_figures.roc,
    "plots/training.png": classification_figures.training,
}

_DIVIDED_DRAWN_BY: dict[str, Callable[[DividedReport], Picture]] = {
    "plots/partition.png": divided_figures.partition,
    "plots/rounds.png": divided_figures.rounds,
    "plots/solution.png": divided_figures.solution,
}

_MOLECULE_DRAWN_BY: dict[str, Callable[[MoleculeReport], Picture]] = {
    "plots/convergence.png": molecule_figures.convergence,
    "plots/determinants.png": molecule_figures.determinants,
    "plots/scan.png": bond_curve.scan,
}


def render(report: AnyReport) -> dict[str, bytes]:
    """Return the page and all pictures, by the names that they have in the run's folder.

    Raises:
        InvalidRequest: the report's request is not one.
    """
    names = [name for name in report.artifacts.pictures if name not in _DEVICE_DRAWN_BY]
    of_device = [name for name in report.artifacts.pictures if name in _DEVICE_DRAWN_BY]
    drawn = {name: _DEVICE_DRAWN_BY[name](report) for name in of_device}
    if isinstance(report, MoleculeReport):
        pictures = {name: _MOLECULE_DRAWN_BY[name](report) for name in names} | drawn
        html = molecule_page(report, pictures)
    elif isinstance(report, ClassificationReport):
        pictures = {name: _CLASSIFICATION_DRAWN_BY[name](report) for name in names} | drawn
        html = classification_page(report, pictures)
    elif isinstance(report, DividedReport):
        pictures = {name: _DIVIDED_DRAWN_BY[name](report) for name in names} | drawn
        html = divided_page(report, pictures)
    elif isinstance(report, ConstrainedReport):
        on_form = FormStudy.of(report)
        pictures = {name: _FORM_DRAWN_BY[name](on_form) for name in names} | drawn
        html = form_page(on_form, pictures)
    else:
        study = Study.of(report)
        pictures = {name: _DRAWN_BY[name](study) for name in names} | drawn
        html = page(study, pictures)
    files = {name: picture.png for name, picture in pictures.items()}
    return files | {report.artifacts.report_html: html.encode()}
