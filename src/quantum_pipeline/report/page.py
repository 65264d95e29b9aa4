"""The page: one HTML file with its pictures and style inside, every text of the user escaped."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from functools import cache
from importlib import resources

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template

from quantum_pipeline.report import numbers, tables
from quantum_pipeline.report.figures import Picture
from quantum_pipeline.report.study import Study

LONGEST_REQUEST = 100_000
"""Characters of the request that the page shows; a longer one is in report.json only."""


def page(study: Study, pictures: Mapping[str, Picture]) -> str:
    """Return the page of a study with its pictures, by their file names."""
    report = study.report
    request = json.dumps(report.request, indent=2, ensure_ascii=False)
    return _template().render(
        report=report,
        study=study,
        headline=tables.headline(study),
        comparison=tables.comparison(study),
        tables=tables.tables(study),
        solution=pictures.get("plots/solution.png"),
        pictures=[each for name, each in pictures.items() if name != "plots/solution.png"],
        request=request if len(request) <= LONGEST_REQUEST else None,
    )


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(_source),
    )
    environment.filters |= {
        "number": numbers.number,
        "data_uri": lambda png: f"data:image/png;base64,{base64.b64encode(png).decode()}",
    }
    return environment.get_template("page.html.j2")


def _source(name: str) -> str:
    return resources.files("quantum_pipeline.report").joinpath(name).read_text("utf-8")
