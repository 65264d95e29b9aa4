"""What is read of a template: resources, intrinsic functions, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from quantum_pipeline.local.intrinsics import Intrinsics, TemplateError, read_template
from quantum_pipeline.local.places import APPLICATION as PROJECT
from quantum_pipeline.local.template import Schedule, Stack
from tests.local.small_stack import read_stack

TEMPLATE = """
Parameters:
  Size: {Type: Number, Default: 0.5}
  Email: {Type: String, Default: ""}
Conditions:
  HasEmail: !Not [!Equals [!Ref Email, ""]]
  Both: !And [!Condition HasEmail, !Equals [!Ref AWS::Region, us-east-1]]
  Either: !Or [!Condition HasEmail, !Equals [a, a]]
Resources:
  Bucket: {Type: AWS::S3::Bucket}
  Named: {Type: AWS::S3::Bucket, Properties: {BucketName: !Sub "x-${AWS::AccountId}"}}
  Topic: {Type: AWS::SNS::Topic}
  Role: {Type: AWS::IAM::Role}
  Table: {Type: AWS::DynamoDB::Table}
  Layer: {Type: AWS::Serverless::LayerVersion}
"""


def resolve(tmp_path: Path, expression: str, **parameters: str) -> Any:
    """Return what an expression in YAML gives in the template above."""
    path = tmp_path / "t.yaml"
    path.write_text(TEMPLATE + f"Value: {expression}\n")
    template = read_template(path)
    intrinsics = Intrinsics(
        template, parameters, stack_name="Stack", region="us-east-1", account="123456789012"
    )
    return intrinsics.resolve(template["Value"])


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("!Ref Size", "0.5"),
        ("!Ref AWS::Region", "us-east-1"),
        ("!Ref Bucket", "stack-bucket"),
        ("!Ref Named", "x-123456789012"),
        ("!GetAtt Named.Arn", "arn:aws:s3:::x-123456789012"),
        ("!Ref Topic", "arn:aws:sns:us-east-1:123456789012:Stack-Topic"),
        ("!GetAtt Topic.TopicName", "Stack-Topic"),
        ("!Ref Table", "Stack-Table"),
        ("!GetAtt Table.Arn", "arn:aws:dynamodb:us-east-1:123456789012:table/Stack-Table"),
        ("!GetAtt Role.Arn", "arn:aws:iam::123456789012:role/Stack-Role"),
        ("{Fn::GetAtt: [Role, Arn]}", "arn:aws:iam::123456789012:role/Stack-Role"),
        (
            "!Sub '${AWS::StackName} ${Size} ${Topic.TopicName} ${!Not}'",
            "Stack 0.5 Stack-Topic ${Not}",
        ),
        ("!Sub ['${a}-${Size}', {a: !Ref Bucket}]", "stack-bucket-0.5"),
        ("!Join ['/', [a, !Ref Size]]", "a/0.5"),
        ("!Select [1, !Split ['-', !Ref Bucket]]", "bucket"),
        ("!If [HasEmail, yes, no]", False),
        ("[1, !Ref AWS::NoValue, !If [Either, b, !Ref AWS::NoValue]]", [1, "b"]),
        ("{a: !Ref AWS::NoValue, b: {c: !Ref Size}}", {"b": {"c": "0.5"}}),
    ],
)
def test_an_intrinsic_function_gives_its_value(tmp_path: Path, expression: str, value: Any) -> None:
    assert resolve(tmp_path, expression) == value


def test_a_parameter_is_overridden(tmp_path: Path) -> None:
    expression = "[!Ref Email, !If [Both, both, one]]"
    assert resolve(tmp_path, expression, Email="a@b.c") == ["a@b.c", "both"]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("!Cidr [!Ref Size, 6, 5]", r"Fn::Cidr is not supported here: \[\{'Ref': 'Size'\}, 6, 5\]"),
        ("!If [Nothing, a, b]", "no such condition: Nothing"),
        ("!Ref Nothing", "no such parameter or resource: Nothing"),
        ("!Sub 'x ${Nothing.Arn}'", "no such parameter or resource: Nothing"),
        ("!GetAtt Bucket.WebsiteURL", "attribute WebsiteURL of Bucket is not known here"),
        ("!Ref Layer", "Layer: AWS::Serverless::LayerVersion has no name or ARN here"),
    ],
)
def test_what_cannot_be_resolved_is_named(tmp_path: Path, expression: str, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        resolve(tmp_path, expression)


def test_an_unknown_parameter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="no such parameter: Sizes"):
        resolve(tmp_path, "x", Sizes="1")


def test_a_parameter_without_a_value_is_refused(project: Path) -> None:
    path = project / "template.yaml"
    path.write_text(path.read_text().replace(", Default: /dev/null", ""))
    with pytest.raises(TemplateError, match="parameter without a value: Record"):
        read_stack(project)


def test_a_file_that_is_no_template_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("a: 1\n")
    with pytest.raises(TemplateError, match="it has no Resources"):
        read_template(tmp_path / "t.yaml")


def test_a_function_takes_from_globals_what_it_does_not_say(project: Path) -> None:
    functions = {f.logical_id: f for f in read_stack(project).functions}
    assert functions["TellFunction"].timeout_seconds == 600
    assert functions["HurriedFunction"].timeout_seconds == 1
    assert functions["RecordFunction"].environment == {"SHARED": "of all", "RECORD": "/dev/null"}
    assert functions["TellFunction"].code_folder == project / "functions"


def test_a_resource_whose_condition_is_false_is_not_there(project: Path) -> None:
    path = project / "template.yaml"
    text = path.read_text().replace("AWS::SNS::Topic}", "AWS::SNS::Topic, Condition: Never}")
    path.write_text(text + "Conditions: {Never: !Equals [a, b]}\n")
    assert read_stack(project).topics == ()


def test_substitutions_reach_the_definition(project: Path) -> None:
    (machine,) = read_stack(project).state_machines
    states = json.loads(machine.definition)["States"]
    arn = "arn:aws:lambda:us-east-1:123456789012:function:s-TellFunction"
    assert states["Tell"]["Parameters"]["FunctionName"] == arn


@pytest.mark.parametrize(
    ("part", "instead", "message"),
    [
        ("Timeout: 1", "Timeout: 1, Events: {}", "HurriedFunction: Events are not followed here"),
        ("EventPattern:", "EventBusName: b\n      EventPattern:", "EndRule: only patterns on the"),
    ],
)
def test_what_would_be_left_out_is_refused(
    project: Path, part: str, instead: str, message: str
) -> None:
    path = project / "template.yaml"
    path.write_text(path.read_text().replace(part, instead))
    with pytest.raises(TemplateError, match=message):
        read_stack(project)


def test_a_definition_that_names_no_substitution_is_refused(project: Path) -> None:
    (project / "machine.asl.json").write_text('{"StartAt": "${Absent}"}')
    with pytest.raises(TemplateError, match=r"nothing is substituted for \$\{Absent\}"):
        read_stack(project)


def test_the_project_template_sets_up_a_function_for_each_file(tmp_path: Path) -> None:
    stack = Stack.read(
        PROJECT / "template.yaml", name="qp", region="us-east-1", account="123456789012"
    )
    modules = {function.handler.partition(".")[0] for function in stack.functions}
    assert modules == {path.stem for path in (PROJECT / "functions").glob("*.py")}
    assert stack.outputs["OutputBucketName"] in stack.buckets
    assert len(stack.buckets) == 3
    [sweep] = [each.arn for each in stack.functions if each.handler == "sweep.handler"]
    arn = "arn:aws:scheduler:us-east-1:123456789012:schedule/default/qp-SweepSchedule"
    role = "arn:aws:iam::123456789012:role/qp-SweepScheduleRole"
    assert stack.schedules == (Schedule(300.0, sweep, "{}", role, arn),)


def test_a_schedule_of_another_kind_is_refused(tmp_path: Path) -> None:
    template = (PROJECT / "template.yaml").read_text("utf-8")
    path = tmp_path / "template.yaml"
    path.write_text(template.replace("!Sub rate(${SweepMinutes} minutes)", "cron(0 12 * * ? *)"))
    (tmp_path / "statemachine").symlink_to(PROJECT / "statemachine")
    with pytest.raises(TemplateError, match="SweepSchedule: only rates in minutes"):
        Stack.read(path, name="qp", region="us-east-1", account="123456789012")
