"""Answers that are cut off on their way: asked for again, and in the end named."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from quantum_pipeline.answers import ATTEMPTS
from quantum_pipeline.errors import ServiceUnavailable
from tests.functions.stages import event, execution_of, prepared
from tests.stack import REQUEST, Stack

EVENTS = Path("events/functions")
PATHS = {
    "GetDevice": ("GET", "/device/"),
    "SearchDevices": ("POST", "/devices"),
    "CreateJob": ("POST", "/job"),
    "GetJob": ("GET", "/job/"),
    "SearchJobs": ("POST", "/jobs"),
    "SearchQuantumTasks": ("POST", "/quantum-tasks"),
}
ON_SV1 = {"problem": REQUEST["problem"], "device": "sv1", "limits": {"max_cost_usd": 100}}


@pytest.fixture(autouse=True)
def queued(stack: Stack) -> None:
    """Jobs that wait in the queue: none of these tests is about what they do."""
    stack.aws.braket.queue_seconds = 3600


@pytest.fixture
def cut(stack: Stack) -> Iterator[Callable[..., list[str]]]:
    """A function that has the answers of an operation cut off; it returns those that were."""

    def start(operation: str, times: int, damage: Callable[[bytes], bytes]) -> list[str]:
        method, part = PATHS[operation]
        done: list[str] = []

        def intercept(service: str, request: Request) -> Response | None:
            path = request.path.rstrip("/")
            here = part in path if part.endswith("/") else path.endswith(part)
            if service != "braket" or request.method != method or not here or len(done) >= times:
                return None
            answer = Response.from_app(stack.aws.braket, request.environ)  # it has its effect
            answer.set_data(damage(answer.get_data()))
            done.append(path)
            return answer

        stack.aws.router.intercept = intercept
        return done

    yield start
    stack.aws.router.intercept = None


def half(body: bytes) -> bytes:
    return body[: len(body) // 2]


def without(*path: str) -> Callable[[bytes], bytes]:
    """Return what takes a member out of an answer."""

    def damage(body: bytes) -> bytes:
        answer = json.loads(body)
        inner = answer
        for name in path[:-1]:
            inner = inner[name]
        del inner[path[-1]]
        return json.dumps(answer).encode()

    return damage


def monitor(stack: Stack, run_id: str) -> tuple[str, dict[str, Any]]:
    job = stack.invoke("Submit", prepared(stack, run_id, REQUEST))
    return "Monitor", job


def cancel(stack: Stack, run_id: str) -> tuple[str, dict[str, Any]]:
    stack.invoke("Submit", prepared(stack, run_id, ON_SV1))
    example = json.loads((EVENTS / "cancel.json").read_text("utf-8"))
    return "Cancel", example | {"run_id": run_id, "execution_arn": execution_of(run_id)}


def prepare(request: dict[str, Any]) -> Callable[[Stack, str], tuple[str, dict[str, Any]]]:
    return lambda stack, run_id: ("Prepare", event(run_id, request))


def submit(stack: Stack, run_id: str) -> tuple[str, dict[str, Any]]:
    return "Submit", prepared(stack, run_id, REQUEST)


ON_A_QPU = {**ON_SV1, "device": "auto", "algorithm": {"depth": 1, "train_on": "device"}}
CASES: list[tuple[str, Callable[[Stack, str], tuple[str, dict[str, Any]]]]] = [
    ("GetDevice", prepare(ON_SV1)),
    ("SearchDevices", prepare(ON_A_QPU)),
    ("CreateJob", submit),
    ("GetJob", monitor),
    ("SearchJobs", cancel),
    ("SearchQuantumTasks", cancel),
]


@pytest.mark.parametrize(("operation", "stage"), CASES, ids=[each for each, _ in CASES])
def test_an_answer_that_is_always_cut_off_is_a_service_that_is_unavailable(
    stack: Stack,
    cut: Callable[..., list[str]],
    operation: str,
    stage: Callable[[Stack, str], tuple[str, dict[str, Any]]],
) -> None:
    function, asked = stage(stack, f"cut-{operation.lower()}")
    done = cut(operation, ATTEMPTS, half)
    with pytest.raises(ServiceUnavailable, match="missing in an answer of AWS"):
        stack.invoke(function, asked)
    assert len(done) == ATTEMPTS
    stack.invoke(function, asked)  # it can be called again, as the state machine does


def test_an_answer_that_is_cut_off_once_is_asked_for_again(
    stack: Stack, cut: Callable[..., list[str]]
) -> None:
    asked = prepared(stack, "cut-once", REQUEST)
    done = cut("CreateJob", 1, half)
    stack.invoke("Submit", asked)
    assert len(done) == 1
    assert len(stack.job_statuses("cut-once")) == 1


@pytest.mark.parametrize("path", [("status",), ("createdAt",), ("outputDataConfig", "s3Path")])
def test_a_job_without_a_member_that_braket_promises_is_named(
    stack: Stack, cut: Callable[..., list[str]], path: tuple[str, ...]
) -> None:
    function, asked = monitor(stack, f"without-{path[-1].lower()}")
    cut("GetJob", ATTEMPTS, without(*path))
    with pytest.raises(ServiceUnavailable, match=rf"GetJob\.{'.'.join(path)}: missing"):
        stack.invoke(function, asked)


def test_an_answer_of_sns_that_is_cut_off_is_a_service_that_is_unavailable(stack: Stack) -> None:
    example = json.loads((EVENTS / "cancel.json").read_text("utf-8"))
    asked = example | {"run_id": "cut-sns", "execution_arn": execution_of("cut-sns")}
    done: list[str] = []

    def intercept(service: str, request: Request) -> Response | None:
        if service != "sns" or done:
            return None
        done.append(request.path)
        answer = Response.from_app(stack.aws.router, request.environ)  # it has its effect
        answer.set_data(half(answer.get_data()))
        return answer

    stack.aws.router.intercept = intercept
    with pytest.raises(ServiceUnavailable, match="ResponseParserError"):
        stack.invoke("Cancel", asked)
    stack.aws.router.intercept = None
    stack.invoke("Cancel", asked)
    assert stack.record("cut-sns", "end.json")["told"]
