"""Small stacks for tests: handlers, a template, a state machine, and what tests ask them with."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3

from quantum_pipeline.local.aws import LocalAws
from quantum_pipeline.local.template import Stack

HANDLERS = """
import os, signal, sys, time
from pathlib import Path

def tell(event, context):
    print("asked", event, flush=True)
    return {"pid": os.getpid(), "event": event, "environment": dict(os.environ),
            "request_id": context.aws_request_id}

def sleep(event, context):
    Path(event["started"]).touch()
    while "until" in event and not Path(event["until"]).exists():
        time.sleep(0.01)
    time.sleep(event.get("seconds", 0))
    Path(event["started"] + ".done").touch()
    return "slept"

class JobFailed(Exception):
    pass

def fail(event, context):
    if "started" in event:
        sleep(event, context)
    raise JobFailed("no luck")

def leave(event, context):
    sys.exit(3)

def record(event, context):
    import json
    with open(os.environ["RECORD"].removeprefix("file:"), "a") as file:
        file.write(json.dumps(event) + "\\n")
"""

BROKEN = "import a_module_that_does_not_exist\n"

TEMPLATE = """
Parameters:
  Record: {Type: String, Default: /dev/null}
Globals:
  Function:
    Runtime: python3.12
    CodeUri: functions/
    Timeout: 600
    Environment: {Variables: {SHARED: of all}}
Resources:
  TellFunction: {Type: AWS::Serverless::Function, Properties: {Handler: handlers.tell}}
  SleepFunction: {Type: AWS::Serverless::Function, Properties: {Handler: handlers.sleep}}
  HurriedFunction:
    Type: AWS::Serverless::Function
    Properties: {Handler: handlers.sleep, Timeout: 1}
  SingleFunction:
    Type: AWS::Serverless::Function
    Properties: {Handler: handlers.sleep, ReservedConcurrentExecutions: 1}
  FailFunction: {Type: AWS::Serverless::Function, Properties: {Handler: handlers.fail}}
  LeaveFunction: {Type: AWS::Serverless::Function, Properties: {Handler: handlers.leave}}
  BrokenFunction: {Type: AWS::Serverless::Function, Properties: {Handler: broken.handler}}
  RecordFunction:
    Type: AWS::Serverless::Function
    Properties:
      Handler: handlers.record
      Environment: {Variables: {RECORD: !Ref Record}}
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties:
      Policies:
        - Statement:
            - Effect: Allow
              Action: lambda:InvokeFunction
              Resource: !Sub arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:*
      DefinitionUri: machine.asl.json
      DefinitionSubstitutions:
        Tell: !GetAtt TellFunction.Arn
        Sleep: !GetAtt SleepFunction.Arn
        Fail: !GetAtt FailFunction.Arn
        Hurried: !GetAtt HurriedFunction.Arn
        Leave: !GetAtt LeaveFunction.Arn
  EndRule:
    Type: AWS::Events::Rule
    Properties:
      EventPattern:
        source: [aws.states]
        detail: {stateMachineArn: [!Ref Machine], status: [ABORTED, TIMED_OUT]}
      Targets: [{Id: Record, Arn: !GetAtt RecordFunction.Arn}]
  EndPermission:
    Type: AWS::Lambda::Permission
    Properties:
      FunctionName: !Ref RecordFunction
      Action: lambda:InvokeFunction
      Principal: events.amazonaws.com
      SourceArn: !GetAtt EndRule.Arn
  Bucket: {Type: AWS::S3::Bucket}
  Topic: {Type: AWS::SNS::Topic}
Outputs:
  StateMachineArn: {Value: !Ref Machine}
  BucketName: {Value: !Ref Bucket}
  TopicArn: {Value: !Ref Topic}
"""


def task(function: str, **fields: Any) -> dict[str, Any]:
    parameters = {"FunctionName": f"${{{function}}}", "Payload.$": "$"}
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": parameters,
        "OutputPath": "$.Payload",
        "End": True,
        **fields,
    }


MACHINE = {
    "StartAt": "Choose",
    "States": {
        "Choose": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.do", "StringEquals": name, "Next": name}
                for name in ("Tell", "Sleep", "Fail", "Hurried", "Leave", "Wait")
            ],
        },
        "Tell": task("Tell"),
        "Sleep": task("Sleep"),
        "Wait": {"Type": "Wait", "Seconds": 3600, "Next": "Tell"},
        **{
            name: task(name, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Caught"}])
            for name in ("Fail", "Hurried", "Leave")
        },
        "Caught": {"Type": "Pass", "End": True},
    },
}


def read_stack(project: Path) -> Stack:
    return Stack.read(
        project / "template.yaml", name="s", region="us-east-1", account="123456789012"
    )


class Lines(list[tuple[str, str, str]]):
    """What functions print: group, stream, line."""

    def put(self, *line: str) -> None:
        self.append(line)  # type: ignore[arg-type]

    def texts(self) -> list[str]:
        return [text for _, _, text in self]


class NoBraket:
    """Stands where the Braket service would; nothing here asks it."""

    def __init__(self, *_: Any) -> None:
        self.clients = SimpleNamespace()

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        raise NotImplementedError

    def warm(self, _: bool) -> None: ...

    def tags_of(self, _: str) -> dict[str, str]:
        return {}

    def close(self) -> None: ...


def client(aws: LocalAws, service: Any) -> Any:
    return boto3.client(
        service,
        endpoint_url=aws.endpoint_url,
        region_name=aws.region,
        **aws.key.arguments(),
    )


def runs(process_id: int) -> bool:
    """Tell whether a process runs; one that has ended and is not yet waited for does not."""
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):  # gone since, or this system has no such file
        return not Path("/proc/self/stat").exists()
    return stat.rpartition(")")[2].split()[0] != "Z"
