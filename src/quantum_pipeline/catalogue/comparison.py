"""Runs side by side: the figures of their records, and what differs in their requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from quantum_pipeline.catalogue.filters import Record
from quantum_pipeline.wording import shown

FIGURES = (
    *("status", "error", "ended_at", "owner"),
    *("problem.type", "problem.features.n_qubits", "problem.features.n_couplings"),
    *("algorithm.name", "algorithm.depth", "algorithm.shots", "algorithm.seed", "device.name"),
    *("quality.objective", "quality.best_known", "quality.best_known_by", "quality.outcome"),
    *("quality.approximation_ratio", "quality.expected_ratio", "quality.probability_of_best"),
    *("quality.error_millihartree", "quality.times_blind", "algorithm.evaluations"),
    *("quality.balanced_accuracy", "quality.roc_area", "quality.p_value"),
    *("cost.estimated_usd", "cost.actual_usd", "seconds.queue", "seconds.job"),
)
"""What is compared, by its path in a record."""

Row = tuple[str, list[str]]
"""A path, and what each run has there, in words."""


def at(record: Record, path: str) -> Any:
    """Return what stands at a path of JSON, None where nothing does.

    >>> at({"cost": {"actual_usd": 0.5}, "betas": [0.1]}, "cost.actual_usd")
    0.5
    >>> at({"betas": [0.1], "quality": None}, "betas.0"), at({"betas": 1}, "betas.most.of")
    (0.1, None)
    """
    found: Any = record
    for step in path.split("."):
        match found:
            case Mapping():
                found = found.get(step)
            case list() if step.isdecimal() and int(step) < len(found):
                found = found[int(step)]
            case _:
                return None
    return found


def figures(records: Sequence[Record]) -> Iterator[Row]:
    """Yield the rows of figures that at least one run has."""
    for path in FIGURES:
        values = [at(record, path) for record in records]
        if any(value is not None for value in values):
            yield path, ["" if value is None else _figure(value) for value in values]


def _figure(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def differences(requests: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """Yield the rows of fields in which requests differ; what one lacks is empty.

    >>> list(differences([{"a": {"b": 1, "c": [2]}}, {"a": {"b": 1, "c": [3]}, "d": "x"}]))
    [('a.c', ['[2]', '[3]']), ('d', ['', '"x"'])]
    """
    flat = [dict(_leaves(request)) for request in requests]
    for path in dict.fromkeys(path for each in flat for path in each):
        values = [each.get(path) for each in flat]
        if any(value != values[0] for value in values):
            yield path, ["" if value is None else shown(value) for value in values]


def _leaves(value: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the paths of a JSON object to what is no object, and what stands there."""
    for name, each in value.items():
        if isinstance(each, dict) and each:
            yield from _leaves(each, f"{before}{name}.")
        else:
            yield f"{before}{name}", each
