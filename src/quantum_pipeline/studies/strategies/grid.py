"""The grid: every combination of the values, the last path of ``vary`` the fastest."""

from __future__ import annotations

from itertools import product

from quantum_pipeline.studies.axes import values_of
from quantum_pipeline.studies.rows import Setting
from quantum_pipeline.studies.study import Study


def settings(study: Study) -> tuple[Setting, ...]:
    """Return the settings of a grid."""
    combinations = product(*(values_of(axis) for axis in study.vary.values()))
    return tuple(
        Setting(number=number, values=dict(zip(study.vary, values, strict=True)))
        for number, values in enumerate(combinations)
    )
