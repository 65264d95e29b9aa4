"""The local AWS as clients see it: executions, their ends, functions, its own start and end."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from werkzeug.wrappers import Request, Response

from quantum_pipeline.local.aws import LocalAws
from quantum_pipeline.local.executions import Executions, _Unheard
from quantum_pipeline.local.intrinsics import TemplateError
from quantum_pipeline.local.keys import Key
from quantum_pipeline.local.places import APPLICATION as PROJECT
from quantum_pipeline.local.start_execution import not_valid, too_long
from tests.local.small_stack import MACHINE, NoBraket, client, runs
from tests.waiting import PATIENCE_SECONDS, wait_for

StartAws = Callable[..., LocalAws]


def start(aws: LocalAws, name: str = "run", **event: Any) -> str:
    arn: str = client(aws, "stepfunctions").start_execution(
        stateMachineArn=aws.outputs["StateMachineArn"], name=name, input=json.dumps(event)
    )["executionArn"]
    return arn


def end(aws: LocalAws, arn: str) -> Any:
    """Return the execution when it has ended."""
    states = client(aws, "stepfunctions")

    def ended() -> Any:
        execution = states.describe_execution(executionArn=arn)
        return execution if execution["status"] != "RUNNING" else None

    return wait_for(ended)


def run(aws: LocalAws, **event: Any) -> Any:
    return json.loads(end(aws, start(aws, **event))["output"])


def records(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def has_records(path: Path, number: int) -> bool:
    return len(records(path)) == number


def test_a_state_machine_runs_the_functions(start_aws: StartAws) -> None:
    aws = start_aws()
    answer = run(aws, do="Tell", x=1)
    assert answer["event"] == {"do": "Tell", "x": 1}
    assert answer["environment"]["AWS_ENDPOINT_URL"] == aws.endpoint_url
    assert answer["pid"] in aws.functions.process_ids("s-TellFunction")


def test_an_execution_without_a_name_gets_one_each_time(start_aws: StartAws) -> None:
    aws = start_aws()
    states = client(aws, "stepfunctions")
    machine = aws.outputs["StateMachineArn"]
    arns = {
        states.start_execution(stateMachineArn=machine, input='{"do": "Tell"}')["executionArn"]
        for _ in range(2)
    }
    assert len(arns) == 2
    assert {end(aws, arn)["status"] for arn in arns} == {"SUCCEEDED"}


NO_MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:none"
LONG, LARGE = "a" * 81, json.dumps("é" * (128 * 1024), ensure_ascii=False)
TOO_LONG = (
    f"Value '{LONG}' at 'name' failed to satisfy constraint: Member must have length less than or "
    "equal to 80"
)
TOO_LARGE = (
    "Value at 'input' failed to satisfy constraint: Member must have size less than or equal to "
    "262144 bytes in UTF-8 encoding"
)
REFUSED: list[tuple[dict[str, str], str, str]] = [
    ({"name": LONG}, "ValidationException", f"1 validation error detected: {TOO_LONG}"),
    ({"input": LARGE}, "ValidationException", f"1 validation error detected: {TOO_LARGE}"),
    (
        {"name": LONG, "input": LARGE, "stateMachineArn": NO_MACHINE},
        "ValidationException",
        f"2 validation errors detected: {TOO_LONG}; {TOO_LARGE}",
    ),
    ({"name": "a b"}, "InvalidName", "Invalid Name: 'a b'"),
    ({"name": "a:b", "input": "{"}, "InvalidName", "Invalid Name: 'a:b'"),
    ({"input": "{"}, "InvalidExecutionInput", "Invalid State Machine Execution Input"),
    ({"name": "a b", "stateMachineArn": NO_MACHINE}, "StateMachineDoesNotExist", ""),
]


def test_an_execution_that_aws_refuses_is_refused_alike(start_aws: StartAws) -> None:
    aws = start_aws()
    states, machine = client(aws, "stepfunctions"), aws.outputs["StateMachineArn"]
    request = {"stateMachineArn": machine, "name": "n", "input": "{}"}
    for change, code, message in REFUSED:
        with pytest.raises(ClientError) as caught:
            states.start_execution(**request | change)
        answer = caught.value.response
        assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (
            code,
            400,
        )
        assert answer["Error"]["Message"].startswith(message)
    assert states.list_executions(stateMachineArn=machine)["executions"] == []


@pytest.mark.parametrize(
    "character",
    [
        *" \t\n\u3000",
        *"<>{}[]?*",
        *'"#%\\^|~`$&,;:/',
        "\x00",
        "\x1f",
        "\x7f",
        "\x9f",
        "\ufffe",
        "\U0010ffff",
    ],
)
def test_a_name_with_a_character_that_aws_forbids_is_none(character: str) -> None:
    assert not_valid({"name": f"a{character}b"}) is not None


@pytest.mark.parametrize("name", ["a", "A-z_0.9", "é", "a" * 80, "a=b+c@d!e'f(g)"])
def test_any_other_name_is_one(name: str) -> None:
    assert not_valid({"name": name}) is None
    assert too_long({"name": name, "input": json.dumps("a" * (256 * 1024 - 2))}) is None


@pytest.mark.parametrize(
    ("do", "error"),
    [("Fail", "JobFailed"), ("Leave", "Runtime.ExitError"), ("Hurried", "Sandbox.Timedout")],
)
def test_the_name_of_an_error_reaches_catch(
    start_aws: StartAws, tmp_path: Path, do: str, error: str
) -> None:
    caught = run(
        start_aws(), do=do, started=str(tmp_path / "started"), seconds=0 if do == "Fail" else 3600
    )
    assert caught["Error"] == error
    assert json.loads(caught["Cause"])["errorType"] == error


def test_stopping_an_execution_reaches_the_rules_target(
    start_aws: StartAws, tmp_path: Path
) -> None:
    record = tmp_path / "record"
    aws = start_aws(Record=f"file:{record}")
    arn = start(aws, "run-1", do="Wait")
    client(aws, "stepfunctions").stop_execution(executionArn=arn, error="Tired", cause="enough")
    execution = end(aws, arn)
    assert (execution["status"], execution["error"], execution["cause"]) == (
        "ABORTED",
        "Tired",
        "enough",
    )
    (event,) = wait_for(lambda: records(record))
    assert event["source"] == "aws.states"
    assert event["detail-type"] == "Step Functions Execution Status Change"
    assert event["resources"] == [arn]
    detail = event["detail"]
    assert (detail["name"], detail["status"], detail["error"]) == ("run-1", "ABORTED", "Tired")
    assert json.loads(detail["input"]) == {"do": "Wait"}
    assert detail["stopDate"] >= detail["startDate"] > 1_600_000_000_000


def test_the_time_out_of_an_execution_reaches_the_rules_target(
    start_aws: StartAws, project: Path, tmp_path: Path
) -> None:
    machine = {**MACHINE, "TimeoutSeconds": 1}
    (project / "machine.asl.json").write_text(json.dumps(machine))
    record = tmp_path / "record"
    aws = start_aws(Record=f"file:{record}")
    assert end(aws, start(aws, do="Wait"))["status"] == "TIMED_OUT"
    (event,) = wait_for(lambda: records(record))
    assert event["detail"]["status"] == "TIMED_OUT"


def test_an_end_that_matches_no_rule_invokes_nothing(start_aws: StartAws, tmp_path: Path) -> None:
    record = tmp_path / "record"
    aws = start_aws(Record=f"file:{record}")
    run(aws, do="Tell")
    time.sleep(0.2)
    assert records(record) == []


@pytest.mark.parametrize("do", ["Sleep", "Fail"])
def test_a_stop_takes_effect_at_once_while_the_function_goes_on(
    start_aws: StartAws, tmp_path: Path, do: str
) -> None:
    started, until, record = tmp_path / "started", tmp_path / "go", tmp_path / "record"
    aws = start_aws(Record=f"file:{record}")
    arn = start(aws, do=do, started=str(started), until=str(until))
    wait_for(started.exists)
    states = client(aws, "stepfunctions")
    states.stop_execution(executionArn=arn)
    assert states.describe_execution(executionArn=arn)["status"] == "ABORTED"
    wait_for(lambda: records(record))
    done = started.with_name("started.done")
    assert not done.exists()
    until.touch()
    wait_for(done.exists)
    time.sleep(0.2)
    assert states.describe_execution(executionArn=arn)["status"] == "ABORTED"
    assert len(records(record)) == 1


def test_a_stop_before_the_first_state_stops(start_aws: StartAws, tmp_path: Path) -> None:
    from moto.stepfunctions.responses import get_backend

    from quantum_pipeline.local.executions import Executions

    aws = start_aws()
    backend, executions = get_backend("123456789012", aws.region), Executions(print, tmp_path)
    machine = aws.outputs["StateMachineArn"]
    execution = backend.start_execution(machine, "run", '{"do": "Wait"}')
    executions.stop(execution.execution_arn)  # no request between, which takes longer than a start
    assert execution.status == "ABORTED"
    executions.close()


def test_stopping_what_has_ended_changes_nothing(start_aws: StartAws) -> None:
    aws = start_aws()
    arn = start(aws, do="Tell")
    ended = end(aws, arn)
    answer = client(aws, "stepfunctions").stop_execution(executionArn=arn, error="Late")
    assert answer["stopDate"] == ended["stopDate"]
    assert end(aws, arn)["status"] == "SUCCEEDED"


@pytest.mark.parametrize("end_of_arn", ["execution:s-Machine:nothing", "execution:none:nothing"])
def test_stopping_an_unknown_execution_is_refused(start_aws: StartAws, end_of_arn: str) -> None:
    states = client(start_aws(), "stepfunctions")
    with pytest.raises(states.exceptions.ExecutionDoesNotExist):
        states.stop_execution(executionArn=f"arn:aws:states:us-east-1:123456789012:{end_of_arn}")


def test_lambda_answers_invoke(start_aws: StartAws) -> None:
    functions = client(start_aws(), "lambda")
    answer = functions.invoke(FunctionName="s-TellFunction", Payload=b'{"x": 1}')
    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in answer
    assert json.load(answer["Payload"])["event"] == {"x": 1}
    answer = functions.invoke(FunctionName="s-FailFunction")
    assert answer["FunctionError"] == "Unhandled"
    assert json.load(answer["Payload"])["errorType"] == "JobFailed"


def test_lambda_answers_an_event_before_it_has_run(start_aws: StartAws, tmp_path: Path) -> None:
    functions = client(start_aws(), "lambda")
    until = tmp_path / "go"
    event = {"started": str(tmp_path / "started"), "until": str(until)}
    answer = functions.invoke(
        FunctionName="s-SleepFunction", InvocationType="Event", Payload=json.dumps(event)
    )
    assert answer["StatusCode"] == 202
    until.touch()
    wait_for((tmp_path / "started.done").exists)


def test_lambda_checks_a_dry_run(start_aws: StartAws) -> None:
    functions = client(start_aws(), "lambda")
    answer = functions.invoke(FunctionName="s-TellFunction", InvocationType="DryRun")
    assert answer["StatusCode"] == 204


def test_lambda_refuses_what_it_cannot_run(start_aws: StartAws) -> None:
    functions = client(start_aws(), "lambda")
    with pytest.raises(functions.exceptions.ResourceNotFoundException, match="s-Nothing"):
        functions.invoke(FunctionName="s-Nothing")
    with pytest.raises(functions.exceptions.InvalidRequestContentException, match="parse"):
        functions.invoke(FunctionName="s-TellFunction", Payload=b"{")
    with pytest.raises(ClientError, match="only Invoke is answered here"):
        functions.list_functions()


EMF = """
import json, time
def tell(event, context):
    print(json.dumps({"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [
        {"Namespace": "N", "Dimensions": [["service"]], "Metrics": [{"Name": "Polls"}]}]},
        "service": "s", "Polls": 4}))
"""


def test_what_a_function_prints_is_in_its_logs_and_metrics(
    start_aws: StartAws, project: Path
) -> None:
    (project / "functions" / "handlers.py").write_text(EMF)
    aws = start_aws()
    client(aws, "lambda").invoke(FunctionName="s-TellFunction")
    logs, metrics = client(aws, "logs"), client(aws, "cloudwatch")
    group = "/aws/lambda/s-TellFunction"

    def messages() -> list[str]:
        try:
            events = logs.filter_log_events(logGroupName=group)["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"] for event in events]

    assert json.loads(wait_for(messages)[0])["Polls"] == 4
    aws.logs.flush()
    statistics = metrics.get_metric_statistics(
        Namespace="N",
        MetricName="Polls",
        Dimensions=[{"Name": "service", "Value": "s"}],
        StartTime=time.time() - 300,
        EndTime=time.time() + 300,
        Period=600,
        Statistics=["Sum"],
    )
    assert [point["Sum"] for point in statistics["Datapoints"]] == [4]


def test_the_stack_is_deployed(start_aws: StartAws) -> None:
    aws = start_aws()
    storage = client(aws, "s3")
    storage.put_object(Bucket=aws.outputs["BucketName"], Key="a", Body=b"x" * 10_000)
    assert [b["Name"] for b in storage.list_buckets()["Buckets"]] == ["s-bucket"]
    assert storage.get_object(Bucket="s-bucket", Key="a")["Body"].read() == b"x" * 10_000
    (topic,) = client(aws, "sns").list_topics()["Topics"]
    assert topic["TopicArn"] == aws.outputs["TopicArn"]
    (rule,) = client(aws, "events").list_rules()["Rules"]
    assert rule["Name"] == "s-EndRule"


def test_a_test_can_make_a_service_fail(start_aws: StartAws) -> None:
    aws = start_aws()

    def refuse(service: str, request: Request) -> Response | None:
        return Response("<Error><Code>SlowDown</Code></Error>", 503) if service == "s3" else None

    aws.router.intercept = refuse
    with pytest.raises(ClientError, match="SlowDown"):
        client(aws, "s3").list_buckets()
    assert client(aws, "sns").list_topics()["Topics"]


def test_a_service_that_is_not_there_is_refused_by_name(start_aws: StartAws) -> None:
    stacks = client(start_aws(), "cloudformation")
    with pytest.raises(ClientError, match=r"InvalidAction.*this machine has no cloudformation"):
        stacks.describe_stacks(StackName="quantum-pipeline")


def test_one_after_another_starts_empty(start_aws: StartAws) -> None:
    with start_aws() as first:
        client(first, "s3").put_object(Bucket="s-bucket", Key="a", Body=b"x")
        run(first, do="Tell")
    with start_aws() as second:
        assert client(second, "s3").list_objects_v2(Bucket="s-bucket")["KeyCount"] == 0
        assert run(second, do="Tell")["event"] == {"do": "Tell"}


def test_two_at_once_in_a_process_are_refused(start_aws: StartAws) -> None:
    start_aws()
    with pytest.raises(RuntimeError, match="another LocalAws is open"):
        start_aws()


def test_who_asks_for_the_log_of_one_stream_gets_no_others_events(start_aws: StartAws) -> None:
    logs = client(start_aws(), "logs")
    logs.create_log_group(logGroupName="jobs")
    for stream in ("one/1", "one-more/1"):
        logs.create_log_stream(logGroupName="jobs", logStreamName=stream)
        event = {"timestamp": int(time.time() * 1000), "message": f"Metrics of {stream}"}
        logs.put_log_events(logGroupName="jobs", logStreamName=stream, logEvents=[event])

    def messages(**asked: str) -> list[str]:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName="jobs", **asked)
        return [event["message"] for page in pages for event in page["events"]]

    assert messages(logStreamNamePrefix="one/") == ["Metrics of one/1"]
    assert messages(logStreamNamePrefix="two/") == []
    assert messages() == ["Metrics of one/1", "Metrics of one-more/1"]
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.filter_log_events(logGroupName="no", logStreamNamePrefix="one/")


def test_who_asks_for_the_newest_events_gets_these_alone(start_aws: StartAws) -> None:
    aws = start_aws()
    run(aws, do="Tell")
    states = client(aws, "stepfunctions")
    (machine,) = states.list_state_machines()["stateMachines"]
    (execution,) = states.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
    arn = execution["executionArn"]
    all_events = states.get_execution_history(executionArn=arn)["events"]
    newest = states.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=3)
    assert newest["events"] == all_events[:-4:-1]
    assert newest["events"][0]["type"] == "ExecutionSucceeded"
    with pytest.raises(states.exceptions.ExecutionDoesNotExist):
        states.get_execution_history(executionArn=f"{arn}0", reverseOrder=True, maxResults=3)


def test_an_execution_that_timed_out_says_when(start_aws: StartAws) -> None:
    states = client(start_aws(), "stepfunctions")
    waits = {"Type": "Wait", "Seconds": 3600, "End": True}
    machine = states.create_state_machine(
        name="slow",
        definition=json.dumps({"StartAt": "W", "States": {"W": waits}, "TimeoutSeconds": 1}),
        roleArn="arn:aws:iam::123456789012:role/any",
    )["stateMachineArn"]
    arn = states.start_execution(stateMachineArn=machine)["executionArn"]

    def timed_out() -> Any:
        found = states.describe_execution(executionArn=arn)
        return found if found["status"] == "TIMED_OUT" else None

    found = wait_for(timed_out)
    assert 0.5 < (found["stopDate"] - found["startDate"]).total_seconds() < PATIENCE_SECONDS
    (listed,) = states.list_executions(stateMachineArn=machine)["executions"]
    assert listed["stopDate"] == found["stopDate"]


def test_a_template_that_cannot_be_read_leaves_nothing_open(
    start_aws: StartAws, project: Path, tmp_path: Path
) -> None:
    template = project / "template.yaml"
    text = template.read_text()
    template.write_text(text.replace("!Ref Topic", "!Ref Nothing"))
    with pytest.raises(ValueError, match="Nothing"):
        start_aws()
    template.write_text(text)
    assert run(start_aws(), do="Tell")


def test_closing_leaves_nothing_behind(
    start_aws: StartAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MOTO_PORT", raising=False)
    threads = set(threading.enumerate())
    aws = start_aws()
    process_id = run(aws, do="Tell")["pid"]
    start(aws, "sleeping", do="Sleep", started=str(tmp_path / "started"), seconds=3600)
    start(aws, "waiting", do="Wait")
    wait_for((tmp_path / "started").exists)
    aws.close()  # which waits neither for the function nor for the state
    assert not (tmp_path / "started.done").exists()
    wait_for(lambda: not runs(process_id))
    assert [each.name for each in (tmp_path / "cache").iterdir()] == ["syntax"]  # which lasts
    wait_for(lambda: set(threading.enumerate()) == threads)


SERVER = """
import sys, time
from pathlib import Path
from quantum_pipeline.local.aws import LocalAws
from tests.local.small_stack import MACHINE, NoBraket

project, cache = map(Path, sys.argv[1:])
template = project / "template.yaml"
with LocalAws(template, stack_name="s", cache_folder=cache, braket=NoBraket) as aws:
    key = aws.key.access_key_id, aws.key.secret_access_key
    print(aws.endpoint_url, aws.outputs["StateMachineArn"], *key, flush=True)
    sys.stdin.read()
"""


def test_two_processes_have_an_aws_each_and_print_nothing(
    start_aws: StartAws, project: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", SERVER, str(project), str(tmp_path / "cache")]
    with subprocess.Popen(
        command,
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as other:
        assert other.stdout
        first = start_aws()
        url, _, *theirs = other.stdout.readline().split()
        assert url != first.endpoint_url

        class Second:
            endpoint_url, region, outputs = url, first.region, first.outputs
            key = Key(*theirs)

        answers = [run(aws, do="Tell") for aws in (first, Second)]  # type: ignore[arg-type]
        assert [a["environment"]["AWS_ENDPOINT_URL"] for a in answers] == [first.endpoint_url, url]
        output, _ = other.communicate("", timeout=PATIENCE_SECONDS)
        assert output == ""
        assert other.returncode == 0


def test_a_killed_server_leaves_no_function_and_its_folder_to_the_next(
    start_aws: StartAws, project: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", SERVER, str(project), str(tmp_path / "cache")]
    with subprocess.Popen(
        command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout
        url, arn, *theirs = other.stdout.readline().split()

        class Other:
            endpoint_url, region, outputs = url, "us-east-1", {"StateMachineArn": arn}
            key = Key(*theirs)

        process_id = run(Other, do="Tell")["pid"]  # type: ignore[arg-type]
        assert runs(process_id)
        other.kill()
    wait_for(lambda: not runs(process_id))
    (left,) = (tmp_path / "cache").glob("aws-*")
    start_aws()
    assert not left.exists()


def test_settings_that_name_tmp_point_into_the_cache_folder(
    start_aws: StartAws, project: Path, tmp_path: Path
) -> None:
    template = project / "template.yaml"
    template.write_text(template.read_text().replace("SHARED: of all", "SHARED: /tmp/matplotlib"))
    environment = run(start_aws(), do="Tell")["environment"]
    assert environment["SHARED"] == str(tmp_path / "cache" / "tmp" / "matplotlib")


def test_the_endpoint_is_on_the_port_asked_for(project: Path, tmp_path: Path) -> None:
    template, cache = project / "template.yaml", tmp_path / "cache"

    def found(port: int) -> str:
        with LocalAws(template, cache_folder=cache, port=port, braket=NoBraket) as aws:  # type: ignore[arg-type]
            return aws.endpoint_url

    for port in range(20_000, 32_000):  # none that the system gives to who asks for any
        with suppress(OSError):  # it is somebody's
            assert found(port) == f"http://127.0.0.1:{port}"
            break
    else:
        pytest.fail("no port is free")


def test_a_target_that_is_no_function_is_left_out(start_aws: StartAws, tmp_path: Path) -> None:
    record = tmp_path / "record"
    aws = start_aws(Record=f"file:{record}")
    events = client(aws, "events")
    events.put_rule(Name="a", EventPattern='{"source": ["aws.states"]}')
    events.put_targets(Rule="a", Targets=[{"Id": "t", "Arn": aws.outputs["TopicArn"]}])
    for name in ("one", "two"):
        arn = start(aws, name, do="Wait")
        client(aws, "stepfunctions").stop_execution(executionArn=arn)
    wait_for(lambda: len(records(record)) == 2)


def test_a_target_gets_the_input_that_the_rule_makes(start_aws: StartAws, tmp_path: Path) -> None:
    record = tmp_path / "record"
    aws = start_aws(Record=f"file:{record}")
    events = client(aws, "events")
    (rule,) = events.list_rules()["Rules"]
    (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    made: Any = {"InputPathsMap": {"run": "$.detail.name"}, "InputTemplate": '{"run": "<run>"}'}
    inputs: list[dict[str, Any]] = [{"InputTransformer": made}, {"Input": '{"fixed": 1}'}]
    for number, fields in enumerate(inputs, 1):
        events.put_targets(Rule=rule["Name"], Targets=[{**target, **fields}])
        arn = start(aws, f"run-{number}", do="Wait")
        client(aws, "stepfunctions").stop_execution(executionArn=arn)
        wait_for(partial(has_records, record, number))
    assert records(record) == [{"run": "run-1"}, {"fixed": 1}]


def test_an_execution_that_ends_while_all_is_closed_keeps_nothing_open(tmp_path: Path) -> None:
    told = threading.Event()

    def tell(_: object) -> None:
        told.set()
        wait_for(lambda: executions._closed)

    executions = Executions(tell, tmp_path)
    unheard = SimpleNamespace(_execution_communication=_Unheard(lambda: None))
    ended = SimpleNamespace(status="SUCCEEDED", exec_worker=unheard)
    with executions._changed:
        executions._running["arn"] = ended
        executions._changed.notify()
    assert told.wait(PATIENCE_SECONDS)
    closing = threading.Thread(target=executions.close, daemon=True)
    closing.start()
    closing.join(PATIENCE_SECONDS)
    assert not closing.is_alive()


ROLE = """
  TellRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement:
          - {Effect: Allow, Principal: {Service: x.amazonaws.com}, Action: sts:AssumeRole}
"""


def test_a_function_whose_role_does_not_trust_lambda_is_not_deployed(
    project: Path, start_aws: StartAws
) -> None:
    path = project / "template.yaml"
    text = path.read_text().replace("Resources:\n", f"Resources:{ROLE}", 1)
    told = "Handler: handlers.tell"
    path.write_text(text.replace(told, f"{told}, Role: !GetAtt TellRole.Arn"))
    with pytest.raises(TemplateError, match=r"TellFunction: User: lambda\.amazonaws\.com is not"):
        start_aws()
    path.write_text(path.read_text().replace("x.amazonaws.com", "lambda.amazonaws.com"))
    assert start_aws().functions.find("s-TellFunction").role_arn.endswith(":role/s-TellRole")
