"""A stack with all that locked-down accounts ask for: whole runs, and who uses its key."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner
from werkzeug.wrappers import Request, Response

from quantum_pipeline.catalogue.filters import Wanted
from quantum_pipeline.cli.client import INPUT_LIMIT_BYTES, Pipeline, run_id_of
from quantum_pipeline.cli.entry import main
from quantum_pipeline.cli.study_client import StudyClient
from quantum_pipeline.local.aws import ACCOUNT, REGION, STACK_NAME, LocalAws
from quantum_pipeline.local.iam.authority import Authority, Verdict
from quantum_pipeline.local.iam.policies import Asked, Decision, Statement, decide
from quantum_pipeline.studies.study import parse_study
from scripts.delete_stack import delete_stack
from scripts.iam_mutations import mutations
from tests.cloudformation import describe_stacks
from tests.policies import filled
from tests.stack import HYDROGEN, KEY, LOCKED_DOWN, LONG, PARAMETERS, Stack, with_room
from tests.waiting import PATIENCE_SECONDS, wait_for

PLAN = {"name": "followed", "base": {}, "vary": {"problem": [LONG["problem"]], "seed": [1, 2]}}
READS, WRITES = "kms:Decrypt", "kms:GenerateDataKey"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The stack with every parameter of locked-down accounts."""
    with LocalAws(parameters=PARAMETERS | LOCKED_DOWN, braket=with_room) as aws:
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
    stack: Stack, uses_of_the_key: dict[str, set[tuple[str, str]]]
) -> None:
    execution = stack.start(HYDROGEN, "locked-down")
    assert stack.ended(execution)["status"] == "SUCCEEDED"
    stopped = stack.start(LONG, "locked-down-stopped")
    wait_for(lambda: "job.json" in stack.records("locked-down-stopped"))
    stack.states.stop_execution(executionArn=stopped)
    wait_for(lambda: has_been_told(stack, "locked-down-stopped"))
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


@pytest.fixture(scope="module")
def of_caller() -> Iterator[list[Verdict]]:
    """What was decided of somebody who has the policy for running and no other."""
    found: list[Verdict] = []

    def observe(verdict: Verdict) -> None:
        if verdict.principal.endswith("role/Caller"):
            found.append(verdict)

    Authority.observers.append(observe)
    yield found
    Authority.observers.remove(observe)


@pytest.fixture
def caller(
    stack: Stack, of_caller: list[Verdict], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], Any]]:
    """Makes clients with that policy alone, which is that of the environment as well."""
    yield client_with("run", stack, monkeypatch)
    stack.aws.authority.refused.clear()


def client_with(policy: str, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Return what makes clients of somebody who has one policy, and have CloudFormation answer."""
    key = stack.caller(filled(policy, stack.aws.outputs))
    for name, value in {**stack.aws.environment(), **key.environment()}.items():
        monkeypatch.setenv(name, value)
    answers = [describe_stacks(stack, STACK_NAME)]

    def cloudformation(environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        if "Action=DeleteStack" in request.get_data(as_text=True):
            answers[0] = describe_stacks(stack, "none is left")
            done = Response("<DeleteStackResponse/>", content_type="text/xml")
            return done(environ, start_response)
        response = answers[0]("cloudformation", request)
        assert response is not None
        return response(environ, start_response)

    stack.aws.router._services["cloudformation"] = cloudformation  # type: ignore[index]
    create: Any = boto3.Session().client
    return create  # type: ignore[no-any-return]


def test_the_policy_for_running_lets_start_watch_stop_and_fetch(
    stack: Stack, caller: Callable[[str], Any], tmp_path: Path
) -> None:
    """As a client of AWS does it, and as `qpipe` does with --stack."""
    execution = caller("stepfunctions").start_execution(
        stateMachineArn=stack.aws.outputs["StateMachineArn"], input=json.dumps(HYDROGEN)
    )["executionArn"]
    states = caller("stepfunctions")
    wait_for(lambda: states.describe_execution(executionArn=execution)["status"] == "SUCCEEDED")
    pipeline = Pipeline.of_stack(STACK_NAME)
    folder = pipeline.fetch(run_id_of(execution), tmp_path)
    assert {"report.json", "report.html", "prepared.json"} <= {
        each.name for each in folder.iterdir()
    }
    assert pipeline.catalogue.record(run_id_of(execution))
    assert list(pipeline.catalogue.records(Wanted()))
    labels = [f"{i}-{'x' * INPUT_LIMIT_BYTES}" for i in range(2)]
    large = {"type": "maxcut", "edges": [[0, 1]], "node_labels": labels}
    pipeline.stop(pipeline.start({"problem": large}, "large"))
    watched = pipeline.start(LONG, "watched")
    seen = (each for each in pipeline.watch(watched, 0.05) if each.job_status)
    assert next(seen).job_status in ("QUEUED", "RUNNING")
    pipeline.cancel_in_pack(run_id_of(watched), "if-it-were-a-pack")
    pipeline.stop(watched)
    assert pipeline.wait_for_end(watched, PATIENCE_SECONDS)
    study = StudyClient(pipeline, parse_study(PLAN))
    started = study.start()
    wait_for(lambda: study.look().running)
    assert study.execution() == started
    assert study.stop(started, PATIENCE_SECONDS)
    done = CliRunner().invoke(main, ["devices", "--stack", STACK_NAME])
    assert done.exit_code == 0, done.output
    assert not stack.aws.authority.refused


def test_the_policy_for_running_lets_nothing_else(
    stack: Stack, caller: Callable[[str], Any]
) -> None:
    outputs, bucket = stack.aws.outputs, stack.bucket
    functions = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{STACK_NAME}"
    other = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:other"
    job = stack.braket.search_jobs(filters=[])["jobs"][0]["jobArn"]
    stack.braket.untag_resource(resourceArn=job, tagKeys=["quantum-pipeline:stack"])
    code = {"Bucket": outputs["CodeBucketName"]}
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("stepfunctions", "start_execution", {"stateMachineArn": other}),
        ("stepfunctions", "describe_execution",
         {"executionArn": other.replace("stateMachine", "execution") + ":1"}),
        ("stepfunctions", "list_executions", {"stateMachineArn": outputs["StateMachineArn"]}),
        ("lambda", "invoke", {"FunctionName": f"{functions}-CancelFunction"}),
        ("s3", "put_object", {"Bucket": bucket, "Key": "runs/watched/report.html"}),
        ("s3", "delete_object", {"Bucket": bucket, "Key": "runs/watched/report.html"}),
        ("s3", "get_object", {"Bucket": bucket, "Key": "sweep.json"}),
        ("s3", "put_object", {"Bucket": outputs["InputBucketName"], "Key": "other/problem.json"}),
        ("s3", "get_object", {"Bucket": outputs["InputBucketName"], "Key": "problems/p.json"}),
        ("s3", "put_object", {**code, "Key": "source/s.tar.gz"}),
        ("s3", "list_objects_v2", code),
        ("braket", "get_job", {"jobArn": job}),  # of no stack
        ("braket", "cancel_job", {"jobArn": job}),
        ("braket", "search_jobs", {"filters": []}),
        ("logs", "filter_log_events", {"logGroupName": f"/aws/lambda/{STACK_NAME}/prepare"}),
        ("sns", "publish", {"TopicArn": outputs["NotificationTopicArn"], "Message": "m"}),
        ("cloudformation", "describe_stacks", {"StackName": "other"}),
        ("cloudformation", "delete_stack", {"StackName": STACK_NAME}),
    ]  # fmt: skip
    for service, method, arguments in calls:
        with pytest.raises(ClientError, match="is not authorized to perform") as caught:
            getattr(caller(service), method)(**arguments)
        assert caught.value.response["Error"]["Code"].startswith(("AccessDenied", "Authorization"))


def test_the_policy_for_running_has_nothing_that_these_runs_do_without(
    stack: Stack, of_caller: list[Verdict]
) -> None:
    """Decided again, all that was asked, by the policy without each action and condition."""
    policy = filled("run", stack.aws.outputs)
    directly = Verdict("", Asked("kms:Decrypt", KEY), allowed=False)
    template = {"Resources": {"Caller": {"Type": "AWS::IAM::Role", "Properties": {}}}}
    template["Resources"]["Caller"]["Properties"] = {"Policies": [policy]}
    removals = list(mutations(template))
    assert len(removals) == sum(map(_parts, policy["Statement"]))
    for removal in removals:
        [left] = removal.template["Resources"]["Caller"]["Properties"]["Policies"]
        statements = [Statement.read(each) for each in left["Statement"]]
        assert any(
            (decide(statements, each.asked) is Decision.ALLOWED) != each.allowed
            for each in (*of_caller, directly)
        ), (removal.where, removal.what)


def test_the_policy_for_deleting_lets_stop_runs_and_empty_buckets_and_no_less(
    stack: Stack, of_caller: list[Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `make delete` does it; last, since nothing of the stack is left."""
    stack.start(LONG, "left-running")
    wait_for(lambda: "job.json" in stack.records("left-running"))
    [job] = stack.jobs("left-running")
    of_caller.clear()
    client = client_with("delete", stack, monkeypatch)
    said: list[str] = []

    def until_all_has_ended(_: float) -> None:
        wait_for(lambda: stack.job_statuses("left-running") == ["CANCELLED"])
        wait_for(lambda: has_been_told(stack, "left-running"))  # no record comes after this

    delete_stack(STACK_NAME, client, said.append, sleep=until_all_has_ended)
    assert said[-1] == f"Deleted stack {STACK_NAME}"
    assert stack.job_statuses("left-running") == ["CANCELLED"]
    assert not stack.s3.list_object_versions(Bucket=stack.bucket).get("Versions")
    asked = {(each.asked.action, each.asked.resource) for each in of_caller}
    assert ("braket:CancelJob", job["jobArn"]) in asked
    policy = filled("delete", stack.aws.outputs)
    allowed = [each["Action"] for each in policy["Statement"]]
    assert {action for action, _ in asked} == {
        action for each in allowed for action in ([each] if isinstance(each, str) else each)
    }


def has_been_told(stack: Stack, run_id: str) -> bool:
    """Return whether a run has an end, and it was told."""
    return "end.json" in stack.records(run_id) and stack.record(run_id, "end.json")["told"]


def _parts(statement: dict[str, Any]) -> int:
    """Return how many actions, resources among several and conditions a statement has."""
    actions, resources = statement["Action"], statement["Resource"]
    n_actions = 1 if isinstance(actions, str) else len(actions)
    n_resources = 0 if isinstance(resources, str) else len(resources)
    return n_actions + n_resources + len(statement.get("Condition", {}))
