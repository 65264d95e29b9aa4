"""What ended runs leave in the server: on the disk, whole, and next to nothing of it in memory."""

from __future__ import annotations

import gc
import io
import json
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.s3.models import FakeKey
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.backend.execution import Execution

from quantum_pipeline.local.aws import LocalAws
from quantum_pipeline.local.spilled import KEPT_BYTES, bodies
from tests.local.small_stack import client
from tests.waiting import wait_for

StartAws = Callable[..., LocalAws]
SIZES = st.sampled_from([0, 1, 7, KEPT_BYTES - 1, KEPT_BYTES, KEPT_BYTES + 1, 3 * KEPT_BYTES])


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["seek", "truncate", "write", "read", "rest"]), SIZES),
        max_size=12,
    )
)
def test_a_body_behaves_as_a_file_in_memory(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    body, file = bodies(tmp_path_factory.getbasetemp() / "bodies")(), io.BytesIO()
    for step, size in steps:
        match step:
            case "seek":
                body.seek(min(size, len(file.getvalue())))
                file.seek(min(size, len(file.getvalue())))
            case "truncate":
                body.truncate()
                file.truncate()
            case "write":
                content = bytes(number % 251 for number in range(size))
                body.write(content)
                file.write(content)
            case "read":
                assert body.read(size) == file.read(size)
            case "rest":
                assert body.read() == file.read()
    body.seek(0)
    assert body.read() == file.getvalue()
    body.close()


def test_only_what_is_large_is_a_file_and_none_is_left(tmp_path: Path) -> None:
    body = bodies(tmp_path)()
    body.write(b"x" * KEPT_BYTES)
    assert list(tmp_path.iterdir()) == []
    body.write(b"x")
    assert [path.stat().st_size for path in tmp_path.iterdir()] == [KEPT_BYTES + 1]
    body.close()
    assert list(tmp_path.iterdir()) == []


def kept(tmp_path: Path) -> int:
    """Return how many executions are on the disk."""
    return len(list((tmp_path / "cache").glob("aws-*/endpoint/executions/*")))


def alive(kind: type) -> list[Any]:
    gc.collect()
    return [each for each in gc.get_objects() if type(each) is kind]


def test_nothing_of_an_execution_that_has_ended_or_of_a_removed_object_stays_in_memory(
    start_aws: StartAws, tmp_path: Path
) -> None:
    aws = start_aws()
    kinds = (Execution, Environment, FakeKey)
    before: dict[type, list[weakref.ref[Any]]] = {
        kind: list(map(weakref.ref, alive(kind))) for kind in kinds
    }  # which may go meanwhile

    def new(kind: type) -> int:
        old = {id(each()) for each in before[kind]}
        return sum(id(each) not in old for each in alive(kind))

    states, s3, bucket = client(aws, "stepfunctions"), client(aws, "s3"), aws.outputs["BucketName"]
    machine = aws.outputs["StateMachineArn"]
    for name in ("one", "two"):
        states.start_execution(stateMachineArn=machine, name=name, input='{"do": "Tell"}')
        for key in ("kept", "kept", "removed"):
            s3.put_object(Bucket=bucket, Key=key, Body=b"x" * 10_000)
    s3.delete_object(Bucket=bucket, Key="removed")
    stopped = states.start_execution(stateMachineArn=machine, input='{"do": "Wait"}')
    states.stop_execution(executionArn=stopped["executionArn"])
    wait_for(lambda: kept(tmp_path) == 3)
    objects = next((tmp_path / "cache").glob("aws-*/endpoint/objects"))
    assert [path.stat().st_size for path in objects.iterdir()] == [10_000]
    wait_for(lambda: list(map(new, kinds)) == [0, 0, 1], told=lambda: list(map(new, kinds)))


def test_the_history_of_what_has_ended_is_kept_whole(start_aws: StartAws, tmp_path: Path) -> None:
    aws = start_aws()
    states, machine = client(aws, "stepfunctions"), aws.outputs["StateMachineArn"]
    text = json.dumps({"do": "Tell", "large": "x" * 20_000})
    arn = states.start_execution(stateMachineArn=machine, name="run", input=text)["executionArn"]

    def ended() -> Any:
        found = states.describe_execution(executionArn=arn)
        return found if found["status"] != "RUNNING" else None

    wait_for(ended)
    wait_for(lambda: kept(tmp_path) == 1)
    found = ended()
    assert (found["status"], found["input"]) == ("SUCCEEDED", text)
    assert json.loads(found["output"])["event"] == json.loads(text)
    events = states.get_execution_history(executionArn=arn)["events"]
    assert [events[0]["type"], events[-1]["type"]] == ["ExecutionStarted", "ExecutionSucceeded"]
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    (listed,) = states.list_executions(stateMachineArn=machine)["executions"]
    assert listed["stopDate"] == found["stopDate"]
    assert states.stop_execution(executionArn=arn)["stopDate"] == found["stopDate"]
    with pytest.raises(states.exceptions.ExecutionAlreadyExists):
        states.start_execution(stateMachineArn=machine, name="run", input=text)
