"""Functions in processes of their own: what they are given, how they end, and what they leave."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from quantum_pipeline.local import lambdas
from quantum_pipeline.local.environment import Environment
from quantum_pipeline.local.interpreter import Interpreter
from quantum_pipeline.local.lambdas import Functions, TooManyRequests, UnknownFunction
from quantum_pipeline.local.runtime_api import IdleExit
from tests.local.small_stack import Lines, read_stack, runs
from tests.waiting import PATIENCE_SECONDS, wait_for


def invoke(functions: Functions, name: str, event: Any = None) -> Any:
    return json.loads(functions.invoke(name, json.dumps(event or {}).encode()).payload)


def start(functions: Functions, name: str, event: dict[str, Any]) -> tuple[threading.Thread, Any]:
    """Invoke in a thread, and return it and where its answer comes to be."""
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(invoke(functions, name, event)))
    thread.start()
    wait_for(Path(event["started"]).exists)
    return thread, answers


def test_a_function_gets_event_and_settings_as_on_lambda(functions: Functions) -> None:
    answer = invoke(functions, "s-TellFunction", {"x": 1})
    environment = answer["environment"]
    assert answer["event"] == {"x": 1}
    assert len(answer["request_id"]) == 36
    assert environment["SHARED"] == "of all"
    assert environment["FROM"] == "outside"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "s-TellFunction"
    assert environment["_HANDLER"] == "handlers.tell"


def test_a_function_sees_nothing_of_this_process_environment(
    functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    assert "AWS_PROFILE" not in invoke(functions, "s-TellFunction")["environment"]


def test_functions_run_in_different_processes(functions: Functions, tmp_path: Path) -> None:
    start(functions, "s-SleepFunction", {"started": str(tmp_path / "a")})[0].join()
    process_ids = {
        invoke(functions, "s-TellFunction")["pid"],
        *functions.process_ids("s-SleepFunction"),
        os.getpid(),
    }
    assert len(process_ids) == 3


def test_a_process_is_kept_for_the_next_invocation(functions: Functions) -> None:
    first, second = (invoke(functions, "s-TellFunction")["pid"] for _ in range(2))
    assert first == second


def test_concurrent_invocations_have_a_process_each(functions: Functions, tmp_path: Path) -> None:
    until = tmp_path / "go"
    events = [{"started": str(tmp_path / name), "until": str(until)} for name in "ab"]
    started = [start(functions, "s-SleepFunction", event) for event in events]
    assert len(functions.process_ids("s-SleepFunction")) == 2
    until.touch()
    for thread, answers in started:
        thread.join()
        assert answers == ["slept"]


def test_what_is_above_the_reserved_concurrency_is_refused_until_a_call_has_ended(
    functions: Functions, tmp_path: Path
) -> None:
    until = tmp_path / "go"
    event = {"started": str(tmp_path / "a"), "until": str(until)}
    thread, answers = start(functions, "s-SingleFunction", event)
    with pytest.raises(TooManyRequests, match="ReservedFunctionConcurrentInvocationLimit"):
        functions.invoke("s-SingleFunction", b"{}")
    until.touch()
    thread.join()
    assert answers == [invoke(functions, "s-SingleFunction", event)] == ["slept"]
    assert len(functions.process_ids("s-SingleFunction")) == 1


def test_functions_without_a_reserved_concurrency_share_what_the_account_has(
    functions: Functions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lambdas, "UNRESERVED_CONCURRENCY", 2)
    until = tmp_path / "go"
    names = ["s-SleepFunction", "s-FailFunction", "s-SingleFunction"]
    started = [
        start(functions, name, {"started": str(tmp_path / name), "until": str(until)})
        for name in names
    ]
    with pytest.raises(TooManyRequests, match=r"^ConcurrentInvocationLimitExceeded$"):
        functions.invoke("s-TellFunction", b"{}")
    until.touch()
    for thread, _ in started:
        thread.join()
    assert invoke(functions, "s-TellFunction")["pid"]


def test_an_event_waits_for_its_turn(
    functions: Functions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(functions, "turn_seconds", 0.01)
    until, second = tmp_path / "go", tmp_path / "b"
    event = {"started": str(tmp_path / "a"), "until": str(until)}
    thread, _ = start(functions, "s-SingleFunction", event)
    functions.invoke_later("s-SingleFunction", json.dumps({"started": str(second)}).encode())
    time.sleep(0.1)
    assert not second.exists()
    until.touch()
    wait_for(second.exists)
    thread.join()


def test_a_process_that_is_idle_for_long_ends_and_leaves_nothing(
    project: Path, tmp_path: Path, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lambdas, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(lambdas, "IDLE_SECONDS", 0.05)
    functions = Functions(read_stack(project).functions, {}, tmp_path / "tmp", lines.put)
    event = {"started": str(tmp_path / "a"), "seconds": 0.3}
    assert invoke(functions, "s-SleepFunction", event) == "slept"  # not while it works
    first = invoke(functions, "s-TellFunction")["pid"]
    wait_for(lambda: not functions.process_ids("s-TellFunction"))
    wait_for(lambda: not runs(first))
    wait_for(lambda: not list((tmp_path / "tmp").iterdir()))
    assert invoke(functions, "s-TellFunction")["pid"] != first
    functions.close()


def test_killing_a_process_fails_only_its_invocation(functions: Functions, tmp_path: Path) -> None:
    tell = invoke(functions, "s-TellFunction")["pid"]
    event = {"started": str(tmp_path / "a"), "seconds": 3600}
    thread, answers = start(functions, "s-SleepFunction", event)
    os.kill(functions.process_ids("s-SleepFunction")[0], signal.SIGKILL)
    thread.join(PATIENCE_SECONDS)
    assert answers[0]["errorType"] == "Runtime.ExitError"
    assert answers[0]["errorMessage"].endswith("Runtime exited with error: signal: SIGKILL")
    assert invoke(functions, "s-TellFunction")["pid"] == tell
    assert invoke(functions, "s-SleepFunction", {**event, "seconds": 0}) == "slept"


def test_killing_an_idle_process_fails_no_invocation(functions: Functions) -> None:
    process_id = invoke(functions, "s-TellFunction")["pid"]
    os.kill(process_id, signal.SIGKILL)
    wait_for(lambda: process_id not in functions.process_ids("s-TellFunction"))
    assert invoke(functions, "s-TellFunction")["pid"] != process_id


def test_what_a_dead_process_has_not_begun_is_for_another(
    project: Path, tmp_path: Path, lines: Lines
) -> None:
    function, *_ = read_stack(project).functions
    interpreter = Interpreter([], {})
    environment = Environment(function, interpreter, {}, tmp_path / "tmp", lines.put)
    environment.invoke(b"{}")
    os.kill(environment.process_id, signal.SIGKILL)
    wait_for(lambda: not runs(environment.process_id))
    with pytest.raises(IdleExit):
        environment.invoke(b"{}")
    environment.close()
    interpreter.close()


def test_a_timeout_is_reported_as_lambda_does_and_ends_the_process(
    functions: Functions, tmp_path: Path
) -> None:
    event = {"started": str(tmp_path / "a"), "seconds": 3600}
    answer = invoke(functions, "s-HurriedFunction", event)
    assert answer["errorType"] == "Sandbox.Timedout"
    assert answer["errorMessage"].endswith("Task timed out after 1.00 seconds")
    wait_for(lambda: not functions.process_ids("s-HurriedFunction"))
    at_once = {**event, "seconds": 0}
    wait_for(lambda: invoke(functions, "s-HurriedFunction", at_once) == "slept")  # within a second


def test_an_exit_is_reported_with_its_status(functions: Functions) -> None:
    answer = invoke(functions, "s-LeaveFunction")
    assert answer["errorType"] == "Runtime.ExitError"
    assert answer["errorMessage"].endswith("Runtime exited with error: exit status 3")


def test_an_error_is_reported_with_its_class_name(functions: Functions, lines: Lines) -> None:
    answer = invoke(functions, "s-FailFunction")
    assert answer["errorType"] == "JobFailed"
    assert answer["errorMessage"] == "no luck"
    assert "handlers.py" in answer["stackTrace"][0]
    report = wait_for(lambda: [line for line in lines.texts() if line.startswith("[ERROR]")])
    assert report[0].startswith("[ERROR] JobFailed: no luck\nTraceback")


@pytest.mark.parametrize("warm", [False, True])
def test_a_module_that_does_not_load_is_told_to_each_invocation(
    functions: Functions, warm: bool
) -> None:
    if warm:
        functions.warm(["s-BrokenFunction"])
    for _ in range(2):
        answer = invoke(functions, "s-BrokenFunction")
        assert answer["errorType"] == "Runtime.ImportModuleError"
        assert "a_module_that_does_not_exist" in answer["errorMessage"]


def test_warm_starts_a_process_for_every_function(functions: Functions) -> None:
    names = ["s-TellFunction", "s-SleepFunction", "s-RecordFunction"]
    functions.warm(names)
    assert all(functions.process_ids(name) for name in names)
    assert functions.process_ids("s-TellFunction") == [invoke(functions, "s-TellFunction")["pid"]]


@pytest.mark.parametrize(
    "name",
    [
        "s-TellFunction",
        "s-TellFunction:$LATEST",
        "123456789012:function:s-TellFunction",
        "arn:aws:lambda:us-east-1:123456789012:function:s-TellFunction",
        "arn:aws:lambda:us-east-1:123456789012:function:s-TellFunction:$LATEST",
    ],
)
def test_a_function_is_found_by_name_and_by_arn(functions: Functions, name: str) -> None:
    assert functions.find(name).logical_id == "TellFunction"


def test_an_unknown_function_is_refused(functions: Functions) -> None:
    with pytest.raises(UnknownFunction, match="s-Nothing"):
        functions.invoke("s-Nothing", b"{}")


def test_an_event_that_fails_is_tried_again(functions: Functions, lines: Lines) -> None:
    functions.retry_seconds = (0, 0)
    functions.invoke_later("s-FailFunction", b"{}")
    wait_for(lambda: sum("no luck" in line for line in lines.texts()) == 3)


def test_output_is_logged_line_by_line(functions: Functions, lines: Lines) -> None:
    invoke(functions, "s-TellFunction", {"x": 1})
    group, stream, line = wait_for(lambda: lines)[0]
    assert group == "/aws/lambda/s-TellFunction"
    assert "[$LATEST]" in stream
    assert line == "asked {'x': 1}"


def test_close_ends_every_process_and_fails_what_runs(functions: Functions, tmp_path: Path) -> None:
    process_id = invoke(functions, "s-TellFunction")["pid"]
    event = {"started": str(tmp_path / "a"), "seconds": 3600}
    thread, answers = start(functions, "s-SleepFunction", event)
    (sleeper,) = functions.process_ids("s-SleepFunction")
    functions.close()
    wait_for(lambda: not runs(process_id) and not runs(sleeper))
    thread.join(PATIENCE_SECONDS)
    assert answers[0]["errorType"] == "Runtime.ExitError"
    assert invoke(functions, "s-TellFunction")["errorType"] == "Runtime.ExitError"


SERVER = """
import sys, threading, time
from pathlib import Path
from quantum_pipeline.local.interpreter import Interpreter
from quantum_pipeline.local.lambdas import Functions
from quantum_pipeline.local.template import Stack

project, started = map(Path, sys.argv[1:])
stack = Stack.read(project / "template.yaml", name="s", region="us-east-1", account="1")
functions = Functions(stack.functions, {}, project / "tmp", print)
functions.invoke("s-TellFunction", b"{}")
event = '{"started": "%s", "seconds": 3600}' % started
work = lambda: functions.invoke("s-SleepFunction", event.encode())
threading.Thread(target=work, daemon=True).start()
while not started.exists():
    time.sleep(0.01)
ids = [functions.process_ids("s-TellFunction")[0], functions.process_ids("s-SleepFunction")[0]]
print("ids", *ids, flush=True)
time.sleep(3600)
"""


def test_no_process_outlives_a_killed_server(project: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", SERVER, str(project), str(tmp_path / "started")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        line = next(line for line in server.stdout if line.startswith("ids"))
        process_ids = [int(word) for word in line.split()[1:]]
        assert all(map(runs, process_ids))
        server.kill()
    wait_for(lambda: not any(map(runs, process_ids)))
