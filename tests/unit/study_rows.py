"""Rows of a study made by hand: what its runs would have left, with noise that is known."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from quantum_pipeline.studies.rows import RunRow
from quantum_pipeline.studies.strategies import known
from quantum_pipeline.studies.study import Study, parse_study
from quantum_pipeline.studies.summary import StudySummary, summarise

ENDED = datetime(2026, 11, 29, 8, tzinfo=UTC)
RINGS = [{"type": "maxcut", "edges": [[i, (i + 1) % n] for i in range(n)]} for n in (4, 6)]
USD = {"local": 0.0, "Garnet": 0.59, "Forte-1": 16.3}


def grid(**more: Any) -> Study:
    """Return a study of two problems, three depths, three devices and four seeds."""
    vary = {
        "problem": RINGS,
        "algorithm.depth": [1, 2, 3],
        "device": list(USD),
        "seed": {"count": 4},
    }
    asked = {"name": "angles", "base": {}, "vary": vary, "limits": {"max_cost_usd": 1000}}
    return parse_study(asked | more)


def ratio(values: dict[str, Any], noise: float) -> float:
    """Return what a run gives: more for depth, less for a device that errs."""
    errs = {"local": 0.0, "Garnet": 0.03, "Forte-1": 0.01}[values["device"]]
    harder = 0.05 * (values["problem"] == RINGS[1])
    return float(0.7 + 0.08 * values["algorithm.depth"] - errs - harder + noise)


def rows_of(study: Study, sigma: float = 0.01) -> list[RunRow]:
    """Return the row of each run of a grid; the noise is seeded."""
    generator = np.random.default_rng(7)
    return [
        row(setting, ratio(setting.values, float(sigma * generator.standard_normal())))
        for setting in known(study)
    ]


def row(setting: Any, objective: float, **more: Any) -> RunRow:
    """Return the row of a run that succeeded."""
    device = setting.values.get("device", "local")
    depth = setting.values.get("algorithm.depth", 1)
    figures = {
        "device.name": device,
        "device.emulated": device != "local",
        "quality.expected_ratio": objective,
        "quality.outcome": "equal",
        "quality.classical.method": "enumeration",
        "quality.classical.seconds": 0.002,
    }
    usual = {
        "run_id": f"angles-{setting.number}-1",
        "status": "SUCCEEDED",
        "objective": objective,
        "cost_usd": USD[device] * depth,
        "seconds": 2.0 + depth + 0.1 * float(np.sin(setting.number)),
        "figures": figures | more.pop("figures", {}),
    }
    return RunRow(setting=setting, **(usual | more))


def failed(of: RunRow) -> RunRow:
    """Return the row as it is of a run that failed."""
    return RunRow(
        setting=of.setting,
        run_id=of.run_id,
        status="FAILED",
        error="DeviceUnavailable",
        cause="it is <b>offline</b>",
        seconds=1.5,
    )


def summary_of(study: Study, rows: list[RunRow], **more: Any) -> StudySummary:
    """Return the summary of rows."""
    return summarise(study, rows, completed_at=ENDED, **more)
