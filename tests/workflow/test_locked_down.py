"""A stack with all that locked-down accounts ask for: whole runs, and who uses its key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from quantum_pipeline.local.aws import LocalAws
from quantum_pipeline.local.iam.authority import Authority, Verdict
from tests.stack import KEY, LOCKED_DOWN, LONG, PARAMETERS, Stack, with_room
from tests.waiting import wait_for

READS, WRITES = "kms:Decrypt", "kms:GenerateDataKey"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack with every parameter of locked-down accounts."""
    folder, parameters = tmp_path_factory.mktemp("cache"), PARAMETERS | LOCKED_DOWN
    with LocalAws(cache_folder=folder, parameters=parameters, braket=with_room) as aws:
        yield Stack(aws)
    assert not aws.authority.refused


@pytest.fixture
def uses_of_the_key() -> Iterator[dict[str, set[tuple[str, str]]]]:
    """By whom the key was used: action and service, by name of the role."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)

    def observe(verdict: Verdict) -> None:
        if verdict.asked.resource == KEY and verdict.allowed:
            [service] = verdict.asked.context["kms:viaservice"]
            role = verdict.principal.rpartition("-")[2]
            found[role].add((verdict.asked.action, service.partition(".")[0]))

    Authority.observers.append(observe)
    yield found
    Authority.observers.remove(observe)


def test_runs_go_on_and_end_with_a_key_that_each_role_uses_as_far_as_it_must(
    stack: Stack, request_data: dict[str, Any], uses_of_the_key: dict[str, set[tuple[str, str]]]
) -> None:
    execution = stack.start(request_data, "locked-down")
    assert stack.ended(execution)["status"] == "SUCCEEDED"
    stopped = stack.start(LONG, "locked-down-stopped")
    wait_for(lambda: "job.json" in stack.records("locked-down-stopped"))
    stack.states.stop_execution(executionArn=stopped)
    stack.wait_for_record("locked-down-stopped", "cancelled.json")
    stack.invoke("Sweep", {"grace_seconds": 0})
    objects = {(READS, "s3"), (WRITES, "s3")}
    topic = {(READS, "sns"), (WRITES, "sns")}
    assert uses_of_the_key == {
        "PrepareFunctionRole": objects,
        "SubmitFunctionRole": objects,
        "JobRole": objects,
        "PostProcessFunctionRole": objects | topic,
        "CancelFunctionRole": objects | topic,
        "SweepFunctionRole": objects,
    }
