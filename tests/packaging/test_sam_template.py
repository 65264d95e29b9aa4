"""template.yaml against the code that it deploys."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions import cancel, sweep
from quantum_pipeline.aws import settings
from quantum_pipeline.aws.metrics import METRICS
from quantum_pipeline.aws.telling import LEASE_SECONDS
from quantum_pipeline.devices.catalogue import catalogue
from quantum_pipeline.local.environment import INIT_SECONDS
from quantum_pipeline.local.template import Stack

ROOT = Path(__file__).parents[2]
Json = dict[str, Any]

FUNCTIONS = (
    *("Prepare", "Submit", "Monitor", "PostProcess", "Cancel"),
    *("PlanRound", "Summarise", "StopRuns", "Sweep"),
)
OUTPUTS = {
    "StateMachineArn",
    "StudyMachineArn",
    "InputBucketName",
    "OutputBucketName",
    "CodeBucketName",
    "NotificationTopicArn",
    "DashboardUrl",
    "JobRoleArn",
    "CatalogueTableName",
    "BudgetTableName",
}
OF_POWERTOOLS = {
    "POWERTOOLS_SERVICE_NAME",
    "POWERTOOLS_METRICS_NAMESPACE",
    "POWERTOOLS_LOG_LEVEL",
}
OF_MATPLOTLIB = {"MPLCONFIGDIR"}
OF_BOTO3 = {"AWS_ENDPOINT_URL"}
OF_LAMBDA = {"AWS_REGION"}


def module(function: str) -> str:
    """``PostProcessFunction`` -> ``post_process``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", function.removesuffix("Function")).lower()


def of_type(resources: Json, kind: str) -> dict[str, Json]:
    return {name: body for name, body in resources.items() if body["Type"] == kind}


# Functions


def test_each_module_in_functions_is_one_function(functions: dict[str, Json]) -> None:
    assert functions.keys() == {f"{name}Function" for name in FUNCTIONS}
    for name, properties in functions.items():
        assert properties["CodeUri"] == "functions/"
        assert properties["Handler"] == f"{module(name)}.handler"
    files = {path.stem for path in (ROOT / "functions").glob("*.py")}
    assert files == {module(name) for name in functions}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_environment_is_what_the_functions_settings_read(
    template: Json, functions: dict[str, Json], name: str
) -> None:
    given = {
        variable
        for source in (template["Globals"]["Function"], functions[f"{name}Function"])
        for variable in source.get("Environment", {}).get("Variables", {})
    }
    read = {field.upper() for field in getattr(settings, f"{name}Settings").model_fields}
    assert given - OF_POWERTOOLS - OF_MATPLOTLIB - OF_BOTO3 == read - OF_POWERTOOLS - OF_LAMBDA
    assert given >= OF_POWERTOOLS


def test_environment_of_the_defaults_is_accepted_by_the_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stack = Stack.read(
        ROOT / "template.yaml", name="Pipeline", region="eu-north-1", account="123456789012"
    )
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    for function in stack.functions:
        for variable, value in function.environment.items():
            monkeypatch.setenv(variable, value)
        name = function.logical_id.removesuffix("Function")
        getattr(settings, f"{name}Settings").read()


def test_a_lease_to_tell_of_an_end_outlasts_every_function(
    template: Json, functions: dict[str, Json]
) -> None:
    shared = template["Globals"]["Function"]["Timeout"]
    assert max(body.get("Timeout", shared) for body in functions.values()) < LEASE_SECONDS


@pytest.mark.parametrize(("value", "reserved"), [(None, None), ("0", None), ("5", 5)])
def test_a_reserved_concurrency_is_that_of_each_function_and_none_by_default(
    value: str | None, reserved: int | None
) -> None:
    stack = Stack.read(
        ROOT / "template.yaml",
        name="Pipeline",
        region="eu-north-1",
        account="123456789012",
        parameters={} if value is None else {"ReservedConcurrency": value},
    )
    assert {each.reserved_concurrency for each in stack.functions} == {reserved}


def test_plots_are_only_where_they_are_drawn(template: Json, functions: dict[str, Json]) -> None:
    assert template["Globals"]["Function"]["Layers"] == [{"Ref": "SharedLayer"}]
    more = {name: body["Layers"] for name, body in functions.items() if "Layers" in body}
    assert more == {
        "PostProcessFunction": [{"Ref": "PlottingLayer"}],
        "SummariseFunction": [{"Ref": "PlottingLayer"}],
        "PlanRoundFunction": [{"Ref": "StrategyLayer"}],
    }


# Parameters, regions, outputs


def test_every_parameter_is_described_and_bounded(template: Json) -> None:
    for name, body in template["Parameters"].items():
        assert body["Description"], name
        bounds = ({"AllowedValues"}, {"AllowedPattern"}, {"MinValue", "MaxValue"})
        assert any(keys <= body.keys() for keys in (*bounds, {"MinLength", "MaxLength"})), name


def test_every_parameter_stands_in_a_group_of_the_console(template: Json) -> None:
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    shown = [name for group in groups for name in group["Parameters"]]
    assert sorted(shown) == sorted(template["Parameters"])


@pytest.mark.parametrize(
    ("parameter", "value", "allowed"),
    [
        ("NotificationEmail", "", True),
        ("NotificationEmail", "someone@example.org", True),
        ("NotificationEmail", "someone", False),
        ("JobInstanceType", "ml.m5.large", True),
        ("JobInstanceType", "ml.c5n.18xlarge", True),
        ("JobInstanceType", "m5.large", False),
        ("PermissionsBoundaryArn", "", True),
        ("PermissionsBoundaryArn", "arn:aws:iam::123456789012:policy/org/Boundary", True),
        ("PermissionsBoundaryArn", "arn:aws:iam::aws:policy/PowerUserAccess", True),
        ("PermissionsBoundaryArn", "Boundary", False),
        ("KmsKeyArn", "", True),
        ("KmsKeyArn", "arn:aws:kms:us-east-1:123456789012:key/mrk-1234abcd", True),
        ("KmsKeyArn", "arn:aws:kms:us-east-1:123456789012:alias/pipeline", False),
        ("VpcSubnetIds", "", True),
        ("VpcSubnetIds", "subnet-0a1b2c3d", True),
        ("VpcSubnetIds", "subnet-0a1b2c3d,subnet-0123456789abcdef0", True),
        ("VpcSubnetIds", "subnet-0a1b2c3d, subnet-0123456789abcdef0", False),
        ("VpcSubnetIds", "sg-0a1b2c3d", False),
        ("VpcSecurityGroupIds", "sg-0123456789abcdef0", True),
        ("VpcSecurityGroupIds", "default", False),
        ("AccessLogBucket", "", True),
        ("AccessLogBucket", "my.logs-1", True),
        ("AccessLogBucket", "arn:aws:s3:::logs", False),
        ("ReportRetentionDays", "7", False),
    ],
)
def test_patterns_of_parameters(template: Json, parameter: str, value: str, allowed: bool) -> None:
    pattern = template["Parameters"][parameter]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, value)) is allowed


def test_regions_without_braket_are_refused_and_those_of_every_device_are_not(
    template: Json,
) -> None:
    [assertion] = template["Rules"]["RegionHasBraket"]["Assertions"]
    regions, region = assertion["Assert"]["Fn::Contains"]
    assert region == {"Ref": "AWS::Region"}
    assert {device.region for device in catalogue().devices} - {None} <= set(regions)
    assert all(each in assertion["AssertDescription"] for each in regions)


def test_outputs_are_those_that_the_client_reads(template: Json) -> None:
    assert template["Outputs"].keys() == OUTPUTS
    assert all(body["Description"] for body in template["Outputs"].values())


# Buckets and logs


@pytest.mark.parametrize("name", ["a", "MyStack", "Q" * 128, "quantum-pipeline-" + "x" * 111])
def test_bucket_names_are_legal_for_every_legal_stack_name(name: str) -> None:
    stack = Stack.read(
        ROOT / "template.yaml", name=name, region="eu-north-1", account="123456789012"
    )
    assert len(set(stack.buckets)) == 3
    for bucket in stack.buckets:
        assert bucket.startswith("amazon-braket-")
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", bucket)


def test_every_bucket_is_encrypted_private_and_reached_over_tls_only(resources: Json) -> None:
    buckets = of_type(resources, "AWS::S3::Bucket")
    assert len(buckets) == 3
    for name, body in buckets.items():
        properties = body["Properties"]
        assert "BucketEncryption" in properties, name
        assert all(properties["PublicAccessBlockConfiguration"].values()), name
        [statement] = resources[f"{name}Policy"]["Properties"]["PolicyDocument"]["Statement"]
        assert resources[f"{name}Policy"]["Properties"]["Bucket"] == {"Ref": name}
        assert statement["Effect"] == "Deny"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": False}}
        objects = {"Fn::Sub": f"${{{name}.Arn}}/*"}
        assert statement["Resource"] == [{"Fn::GetAtt": [name, "Arn"]}, objects]


def test_tables_are_billed_by_request_encrypted_recovered_and_go_with_the_stack(
    resources: Json,
) -> None:
    for table in of_type(resources, "AWS::DynamoDB::Table").values():
        assert table["DeletionPolicy"] == "Delete"
        properties = table["Properties"]
        assert "TableName" not in properties  # two stacks of an account have one each
        assert properties["BillingMode"] == "PAY_PER_REQUEST"
        assert properties["PointInTimeRecoverySpecification"] == {
            "PointInTimeRecoveryEnabled": True
        }
        assert properties["SSESpecification"] == {"SSEEnabled": True}


def test_the_catalogue_is_found_by_time_family_and_study(resources: Json) -> None:
    properties = resources["CatalogueTable"]["Properties"]
    keys = {
        each["IndexName"]: [key["AttributeName"] for key in each["KeySchema"]]
        for each in properties["GlobalSecondaryIndexes"]
    }
    assert keys == {
        "by-time": ["kind", "ended_at"],
        "by-family": ["family", "ended_at"],
        "by-study": ["study", "ended_at"],
    }
    declared = {each["AttributeName"] for each in properties["AttributeDefinitions"]}
    assert declared == {"run_id", *(name for names in keys.values() for name in names)}


def test_what_is_left_over_in_a_bucket_expires(resources: Json) -> None:
    for name, body in of_type(resources, "AWS::S3::Bucket").items():
        rules = body["Properties"]["LifecycleConfiguration"]["Rules"]
        assert any("AbortIncompleteMultipartUpload" in rule for rule in rules), name
        if "VersioningConfiguration" in body["Properties"]:
            assert any("NoncurrentVersionExpiration" in rule for rule in rules), name


def test_every_log_group_has_a_retention_and_a_writer(
    resources: Json, functions: dict[str, Json]
) -> None:
    groups = of_type(resources, "AWS::Logs::LogGroup")
    for body in groups.values():
        assert body["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    writers = {body["LoggingConfig"]["LogGroup"]["Ref"] for body in functions.values()}
    assert writers == {f"{name}LogGroup" for name in FUNCTIONS}
    machines = ("StateMachine", "StudyMachine")
    for name in machines:
        [destination] = resources[name]["Properties"]["Logging"]["Destinations"]
        arn = destination["CloudWatchLogsLogGroup"]["LogGroupArn"]
        assert arn == {"Fn::GetAtt": [f"{name}LogGroup", "Arn"]}
    assert groups.keys() == writers | {f"{name}LogGroup" for name in machines}


# Executions that are stopped


@pytest.mark.parametrize(
    ("rule", "machine", "function"),
    [
        ("StoppedExecutionRule", "StateMachine", "CancelFunction"),
        ("StoppedStudyRule", "StudyMachine", "StopRunsFunction"),
    ],
)
def test_every_unhappy_end_of_an_execution_reaches_who_sees_to_it_or_raises_an_alarm(
    resources: Json, functions: dict[str, Json], rule: str, machine: str, function: str
) -> None:
    """An event that was never delivered, or never handled, is kept."""
    assert resources[rule]["Properties"]["EventPattern"] == {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {
            "stateMachineArn": [{"Ref": machine}],
            "status": ["ABORTED", "TIMED_OUT", "FAILED"],
        },
    }
    queue = {"Fn::GetAtt": ["UncancelledRunQueue", "Arn"]}
    [target] = resources[rule]["Properties"]["Targets"]
    assert target["Arn"] == {"Fn::GetAtt": [function, "Arn"]}
    assert target["DeadLetterConfig"] == {"Arn": queue}
    failed = functions[function]["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]
    assert failed == {"Type": "SQS", "Destination": queue}
    [allowed] = resources["UncancelledRunQueuePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert {"Fn::GetAtt": [rule, "Arn"]} in allowed["Condition"]["ArnEquals"]["aws:SourceArn"]
    [dimension] = resources["UncancelledRunAlarm"]["Properties"]["Dimensions"]
    assert dimension["Value"] == {"Fn::GetAtt": ["UncancelledRunQueue", "QueueName"]}


def test_the_sweep_is_called_again_and_again_and_its_failures_raise_an_alarm(
    resources: Json, functions: dict[str, Json]
) -> None:
    queue = {"Fn::GetAtt": ["FailedSweepQueue", "Arn"]}
    schedule = resources["SweepSchedule"]["Properties"]
    assert schedule["ScheduleExpression"] == {"Fn::Sub": "rate(${SweepMinutes} minutes)"}
    assert schedule["Target"]["Arn"] == {"Fn::GetAtt": ["SweepFunction", "Arn"]}
    assert schedule["Target"]["RoleArn"] == {"Fn::GetAtt": ["SweepScheduleRole", "Arn"]}
    assert schedule["Target"]["DeadLetterConfig"] == {"Arn": queue}
    failed = functions["SweepFunction"]["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]
    assert failed == {"Type": "SQS", "Destination": queue}
    [dimension] = resources["FailedSweepAlarm"]["Properties"]["Dimensions"]
    assert dimension["Value"] == {"Fn::GetAtt": ["FailedSweepQueue", "QueueName"]}


def test_the_sweep_leaves_an_end_to_others_until_no_submit_is_alive() -> None:
    assert sweep.GRACE_SECONDS >= cancel.SUBMIT_SECONDS


def test_an_execution_that_no_function_could_tell_of_rings_the_alarm_of_failed_runs(
    resources: Json,
) -> None:
    metrics = resources["FailedRunsAlarm"]["Properties"]["Metrics"]
    stats = {each["Id"]: each["MetricStat"]["Metric"] for each in metrics if "MetricStat" in each}
    of_states = {
        key: metric["MetricName"]
        for key, metric in stats.items()
        if metric["Namespace"] == "AWS/States"
    }
    assert sorted(of_states.values()) == [
        "ExecutionsAborted",
        "ExecutionsFailed",
        "ExecutionsTimedOut",
    ]
    for key in of_states:
        dimension = {"Name": "StateMachineArn", "Value": {"Ref": "StateMachine"}}
        assert stats[key]["Dimensions"] == [dimension]
    [expression] = [each["Expression"] for each in metrics if "Expression" in each]
    assert all(f"FILL({key}, 0)" in expression for key in stats)  # as one, so that it rings once


def test_cancel_comes_back_until_no_submit_is_alive(
    template: Json, functions: dict[str, Json], machine: Json
) -> None:
    alive = [
        template["Globals"]["Function"]["Timeout"] + INIT_SECONDS,
        machine["States"]["Submit"]["TimeoutSeconds"],
    ]
    assert "Timeout" not in functions["SubmitFunction"]
    assert max(alive) <= cancel.SUBMIT_SECONDS < 60 + 120  # Lambda's waits before it calls again
    assert functions["CancelFunction"]["EventInvokeConfig"]["MaximumRetryAttempts"] == 2


# Metrics: (name, dimensions besides service) of all that is watched


def published() -> set[tuple[str, tuple[str, ...]]]:
    return {
        (name, tuple(sorted(dimensions)))
        for name, metric in METRICS.items()
        for dimensions in metric.dimension_sets
    }


def alarm_metrics(resources: Json) -> Iterator[tuple[str, Json]]:
    for name, body in of_type(resources, "AWS::CloudWatch::Alarm").items():
        properties = body["Properties"]
        if "MetricName" in properties:
            yield name, properties
        for metric in properties.get("Metrics", []):
            if "MetricStat" in metric:
                yield name, metric["MetricStat"]["Metric"]


def dashboard(resources: Json) -> Json:
    text = resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    body: Json = json.loads(re.sub(r"\$\{([^}]+)\}", r"<\1>", text))
    return body


def dashboard_metrics(resources: Json) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Namespace, name and dimensions of each metric that a widget names or searches."""
    for widget in dashboard(resources)["widgets"]:
        before: list[str] = []
        for metric in widget["properties"].get("metrics", []):
            if "expression" in metric[0]:
                yield _searched(metric[0]["expression"])
                continue
            words = [part for part in metric if isinstance(part, str)]
            # "." stands for the word above it
            before = [before[i] if word == "." else word for i, word in enumerate(words)]
            namespace, name, *rest = before
            yield namespace, name, dict(zip(rest[::2], rest[1::2], strict=True))


def _searched(expression: str) -> tuple[str, str, dict[str, str]]:
    found = re.fullmatch(
        r"""SEARCH\('\{(\w+),([\w,]+)\} MetricName="(\w+)" service="(.+)"', 'Sum', 300\)""",
        expression,
    )
    assert found, expression
    namespace, names, metric, service = found.groups()
    return namespace, metric, dict.fromkeys(names.split(","), "any") | {"service": service}


def test_every_alarm_watches_a_metric_that_is_published_with_its_dimensions(
    resources: Json,
) -> None:
    watched = set()
    for name, metric in alarm_metrics(resources):
        if metric["Namespace"] == "QuantumPipeline":
            dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
            assert dimensions.pop("service") == {"Ref": "AWS::StackName"}, name
            watched.add((metric["MetricName"], tuple(sorted(dimensions))))
    assert watched <= published()
    assert {name for name, _ in watched} >= {"RunsFailed", "ExpectedRatio", "Efficiency"}


def test_every_widget_shows_a_metric_that_is_published_with_its_dimensions(
    resources: Json,
) -> None:
    for namespace, name, dimensions in dashboard_metrics(resources):
        if namespace == "QuantumPipeline":
            assert dimensions.pop("service") == "<AWS::StackName>"
            assert (name, tuple(sorted(dimensions))) in published(), name


def test_every_metric_is_on_the_dashboard(resources: Json) -> None:
    shown = {name for namespace, name, _ in dashboard_metrics(resources) if "/" not in namespace}
    assert shown == METRICS.keys()


@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_lambda_alarms_and_widgets_cover_every_function(resources: Json, metric: str) -> None:
    watched = [
        each["Dimensions"][0]["Value"]["Ref"]
        for _, each in alarm_metrics(resources)
        if each["Namespace"] == "AWS/Lambda" and each["MetricName"] == metric
    ]
    shown = [
        dimensions["FunctionName"].strip("<>")
        for namespace, name, dimensions in dashboard_metrics(resources)
        if namespace == "AWS/Lambda" and name == metric
    ]
    assert watched == shown == [f"{name}Function" for name in FUNCTIONS]


def test_every_alarm_tells_the_topic_and_stands_on_the_dashboard(resources: Json) -> None:
    alarms = of_type(resources, "AWS::CloudWatch::Alarm")
    for name, body in alarms.items():
        assert body["Properties"]["AlarmActions"] == [{"Ref": "NotificationTopic"}], name
        assert body["Properties"]["TreatMissingData"] == "notBreaching", name
    [widget] = [each for each in dashboard(resources)["widgets"] if each["type"] == "alarm"]
    assert widget["properties"]["alarms"] == [f"<{name}.Arn>" for name in alarms]


def test_the_runbook_is_about_alarms_that_exist(resources: Json) -> None:
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `(\w+Alarm)` \|", text, re.MULTILINE))
    assert rows >= {"FailedRunsAlarm", "UncancelledRunAlarm", "FailedSweepAlarm"}
    assert rows <= of_type(resources, "AWS::CloudWatch::Alarm").keys()


def test_the_log_table_reads_the_log_of_every_function(resources: Json) -> None:
    [widget] = [each for each in dashboard(resources)["widgets"] if each["type"] == "log"]
    sources = re.findall(r"SOURCE '<(\w+)>'", widget["properties"]["query"])
    assert sources == [f"{name}LogGroup" for name in FUNCTIONS]


def test_widgets_neither_overlap_nor_leave_the_grid(resources: Json) -> None:
    taken: set[tuple[int, int]] = set()
    for widget in dashboard(resources)["widgets"]:
        cells = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells


# samconfig.toml


def test_sam_build_and_sam_deploy_need_no_options() -> None:
    config: Any = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))["default"]
    assert config["build"]["parameters"]["build_in_source"] is True
    assert config["validate"]["parameters"]["lint"] is True
    assert config["deploy"]["parameters"]["capabilities"] == "CAPABILITY_IAM"
    assert config["deploy"]["parameters"]["resolve_s3"] is True
