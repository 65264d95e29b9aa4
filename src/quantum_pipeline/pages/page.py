"""Renders the page: one HTML file with its pictures and style inside, all user text escaped."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib import resources

from jinja2 import Environment, FunctionLoader, StrictUndefined

from quantum_pipeline.pages import (
    classification_tables,
    divided_tables,
    emulation,
    form_tables,
    molecule_tables,
    numbers,
    tables,
)
from quantum_pipeline.pages.device_tables import device_section
from quantum_pipeline.pages.figures import Picture
from quantum_pipeline.pages.form_study import FormStudy
from quantum_pipeline.pages.study import Study
from quantum_pipeline.reports import ClassificationReport, DividedReport, MoleculeReport, Report

LONGEST_REQUEST = 100_000
"""Characters of the request that the page shows; a longer one is in report.json only."""

OF_DEVICE = ("plots/layout.png", "plots/mitigation.png")
"""Pictures that stand beside the device's tables."""


def page(study: Study, pictures: Mapping[str, Picture]) -> str:
    """Return the page of a study with its pictures, by their file names."""
    return rendered(
        "page.html.j2",
        study.report,
        study=study,
        headline=tables.headline(study),
        comparison=tables.comparison(study),
        tables=tables.tables(study),
        solution=pictures.get("plots/solution.png"),
        **_pictures(pictures, leading="plots/solution.png"),
    )


def form_page(study: FormStudy, pictures: Mapping[str, Picture]) -> str:
    """Return the page of a problem on a form with its pictures, by their file names."""
    return rendered(
        "constrained.html.j2",
        study.report,
        n_shots=sum(study.report.samples.values()),
        headline=form_tables.headline(study),
        comparison=form_tables.comparison(study),
        tables=form_tables.tables(study),
        solution=pictures.get("plots/solution.png"),
        **_pictures(pictures, leading="plots/solution.png"),
    )


def classification_page(report: ClassificationReport, pictures: Mapping[str, Picture]) -> str:
    """Return the page of a classification with its pictures, by their file names."""
    return rendered(
        "classification.html.j2",
        report,
        headline=classification_tables.headline(report),
        models=classification_tables.models(report),
        tests=classification_tables.tests(report),
        tables=classification_tables.tables(report),
        leading=pictures["plots/accuracy.png"],
        **_pictures(pictures, leading="plots/accuracy.png"),
    )


def divided_page(report: DividedReport, pictures: Mapping[str, Picture]) -> str:
    """Return the page of divide with its pictures, by their file names."""
    return rendered(
        "divided.html.j2",
        report,
        headline=divided_tables.headline(report),
        comparison=divided_tables.comparison(report),
        tables=divided_tables.tables(report),
        leading=pictures["plots/rounds.png"],
        **_pictures(pictures, leading="plots/rounds.png"),
    )


def molecule_page(report: MoleculeReport, pictures: Mapping[str, Picture]) -> str:
    """Return the page of a molecule with its pictures, by their file names."""
    leading = "plots/scan.png" if report.scan else "plots/determinants.png"
    return rendered(
        "molecule.html.j2",
        report,
        headline=molecule_tables.headline(report),
        comparison=molecule_tables.comparison(report),
        tables=molecule_tables.tables(report),
        leading=pictures[leading],
        **_pictures(pictures, leading=leading),
    )


def _pictures(pictures: Mapping[str, Picture], leading: str) -> dict[str, list[Picture]]:
    """Return the pictures but the leading one: those of the device, and the others."""
    of_device = [each for name, each in pictures.items() if name in OF_DEVICE]
    shown = {*OF_DEVICE, leading}
    others = [each for name, each in pictures.items() if name not in shown]
    return {"device_pictures": of_device, "pictures": others}


def rendered(template: str, report: Report, **parts: object) -> str:
    """Return a page that extends ``layout.html.j2``: of the report, its request and the parts."""
    request = json.dumps(report.request, indent=2, ensure_ascii=False)
    shown = request if len(request) <= LONGEST_REQUEST else None
    return (
        environment()
        .get_template(template)
        .render(
            report=report,
            request=shown,
            banner=emulation.banner(report),
            emulated=emulation.sources(report),
            device_name=emulation.device_name(report),
            device=device_section(report),
            **parts,
        )
    )


@cache
def environment() -> Environment:
    """Return what makes pages of the templates in this folder."""
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(asset),
    )
    environment.globals["policy"] = policy(asset("page.css"))
    environment.filters |= {
        "number": numbers.number,
        "data_uri": lambda png: f"data:image/png;base64,{base64.b64encode(png).decode()}",
    }
    return environment


def policy(style: str, script: str | None = None) -> str:
    """Return the Content-Security-Policy of a page: this style, this script, pictures inside it.

    Should text of a user ever get in unescaped, a browser runs, loads and sends nothing for it.
    """
    scripts = "" if script is None else f"script-src {_hash(script)}; "
    return (
        f"default-src 'none'; style-src {_hash(style)}; {scripts}img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def asset(name: str) -> str:
    """Return a file of this folder as a page includes it."""
    return resources.files("quantum_pipeline.pages").joinpath(name).read_text("utf-8").rstrip("\n")
