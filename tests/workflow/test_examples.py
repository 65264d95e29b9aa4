"""Every example in events/requests that runs as it is: all at once, each to its optimum."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import pytest

from quantum_pipeline.requests import parse_request, resolve
from tests.stack import Stack

REQUESTS = Path(__file__).resolve().parents[2] / "events" / "requests"
NEEDS_A_BUCKET = "maxcut_from_s3"
EXAMPLES = {
    path.stem: json.loads(path.read_bytes())
    for path in sorted(REQUESTS.glob("*.json"))
    if not path.stem.startswith("invalid_") and path.stem != NEEDS_A_BUCKET
}


@pytest.fixture(scope="module")
def executions(stack: Stack) -> dict[str, str]:
    """All examples, started at the same time."""
    return {name: stack.start(request, name) for name, request in EXAMPLES.items()}


def best_objective(name: str) -> float:
    """Return the best objective of all bitstrings, by the problem's own definition of it."""
    request, _ = resolve(parse_request(EXAMPLES[name]))
    problem = request.problem
    assert problem.n_variables <= 12, "too many bitstrings to try"
    best = max if problem.sense == "maximise" else min
    return best(problem.objective(bits) for bits in product((0, 1), repeat=problem.n_variables))


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs_to_its_optimum(
    stack: Stack, executions: dict[str, str], name: str
) -> None:
    ended = stack.ended(executions[name], seconds=120)  # the others run too
    assert ended["status"] == "SUCCEEDED", ended
    assert json.loads(ended["output"])["objective"] == pytest.approx(best_objective(name))
