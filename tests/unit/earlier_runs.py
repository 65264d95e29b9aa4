"""Records of runs that have ended, made of what those left, as the catalogue has them."""

from __future__ import annotations

from typing import Any

import networkx as nx

from quantum_pipeline.catalogue.record import RunRecord
from quantum_pipeline.catalogue.sources import EndHeader, ReportHeader, record_of
from quantum_pipeline.planning.prepared import PreparedRun, RunHeader
from quantum_pipeline.reports import Report
from tests.unit.finished_run import CREATED, prepared_run, report_of, solved_run


def written(record: Any) -> str:
    text: str = record.model_dump_json(by_alias=True)
    return text


def ended(status: str = "SUCCEEDED", **more: Any) -> EndHeader:
    return EndHeader.model_validate({"run_id": "r1", "status": status, "ended_at": CREATED} | more)


def record(prepared: PreparedRun | None, report: Report | None, end: EndHeader) -> RunRecord:
    """Return the record, made of what is stored of each."""
    return record_of(
        end,
        None if prepared is None else RunHeader.model_validate_json(written(prepared)),
        None if report is None else ReportHeader.model_validate_json(written(report)),
    )


def regular(degree: int, n: int = 10, seed: int = 1) -> dict[str, Any]:
    graph = nx.random_regular_graph(degree, n, seed=seed)
    return {"type": "maxcut", "edges": [list(edge) for edge in graph.edges], "n_nodes": n}


def earlier(problem: dict[str, Any], run_id: str = "r1", **changes: Any) -> RunRecord:
    """Return the record of a run whose job found two layers; ``changes`` of its algorithm."""
    prepared = prepared_run(problem, algorithm={"depth": 2})
    found = record(prepared, report_of(prepared, solved_run(prepared)), ended())
    assert found.algorithm is not None
    algorithm = found.algorithm.model_copy(update={"until_descended": 20} | changes)
    return found.model_copy(update={"run_id": run_id, "algorithm": algorithm})
