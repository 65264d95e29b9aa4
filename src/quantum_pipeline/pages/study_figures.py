"""The pictures that a study has."""

from __future__ import annotations

from collections.abc import Callable

from quantum_pipeline.pages.figures import (
    Picture,
)
from quantum_pipeline.pages.study_axes import MOST_CELLS, course, effects, heat_map
from quantum_pipeline.pages.study_findings import Findings
from quantum_pipeline.pages.study_settings import comparisons, fronts
from quantum_pipeline.studies.summary import StudySummary


def pictures(study: Findings) -> dict[str, Picture]:
    """Return the pictures that a study has, by their names in its folder."""
    summary = study.summary
    wanted: dict[str, tuple[bool, Callable[[Findings], Picture]]] = {
        "plots/effects.png": (bool(summary.effects), effects),
        "plots/fronts.png": (_has_front(summary), fronts),
        "plots/heat_map.png": (_has_heat_map(summary), heat_map),
        "plots/comparisons.png": (bool(summary.comparisons), comparisons),
        "plots/course.png": (_has_course(summary), course),
    }
    return {name: draw(study) for name, (there, draw) in wanted.items() if there}


def _has_front(summary: StudySummary) -> bool:
    found = summary.fronts
    return len(summary.settings) > 1 and found is not None and bool(found.money and found.time)


def _has_heat_map(summary: StudySummary) -> bool:
    found = summary.heat_map
    return found is not None and max(len(found.rows), len(found.columns)) <= MOST_CELLS


def _has_course(summary: StudySummary) -> bool:
    return summary.study["strategy"]["name"] != "grid" and bool(summary.winner)
