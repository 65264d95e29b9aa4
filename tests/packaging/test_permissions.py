"""Least privilege: what each role may do, held to what is needed and to nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quantum_pipeline.runs import RUN_ID_TAG

Json = dict[str, Any]
ROOT = Path(__file__).parents[2]

EVERYWHERE = {
    "braket:CreateJob": "a local simulator has no ARN; a condition on the request's tag binds it",
    "braket:SearchDevices": "IAM has no resource for a search",
    "braket:SearchJobs": "IAM has no resource for a search",
    "braket:SearchQuantumTasks": "as above",
    "cloudwatch:PutMetricData": "no resource; a condition on the namespace binds it",
    "ecr:GetAuthorizationToken": "no resource; the service signs in to pull the container",
    "logs:CreateLogDelivery": "Step Functions' log delivery has no resources",
    "logs:DeleteLogDelivery": "as above",
    "logs:DescribeLogGroups": "as above",
    "logs:DescribeResourcePolicies": "as above",
    "logs:GetLogDelivery": "as above",
    "logs:ListLogDeliveries": "as above",
    "logs:PutResourcePolicy": "as above",
    "logs:UpdateLogDelivery": "as above",
}
"""Actions that may be allowed on every resource, and why."""

OF_THE_SERVICE = {
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetAuthorizationToken",
    "ecr:GetDownloadUrlForLayer",
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:DescribeLogStreams",
    "logs:PutLogEvents",
    "cloudwatch:PutMetricData",
}
"""What Braket itself does with the job's role, so that no code of ours calls it."""

OF_LOG_DELIVERY = {
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
}

NEEDED = {
    "PrepareFunctionRole": {
        "s3:GetObject",
        "s3:PutObject",
        "s3:ListBucket",
        "braket:GetDevice",
        "braket:SearchDevices",
        "dynamodb:GetItem",
        "dynamodb:UpdateItem",
        "dynamodb:Query",
        "sns:Publish",
    },
    "SubmitFunctionRole": {
        "s3:GetObject",
        "s3:PutObject",
        "s3:ListBucket",
        "s3:DeleteObject",
        "braket:CreateJob",
        "braket:TagResource",
        "braket:GetJob",
        "braket:CancelJob",
        "braket:SearchJobs",
        "iam:PassRole",
    },
    "MonitorFunctionRole": {"braket:GetJob"},
    "PostProcessFunctionRole": {
        "s3:GetObject",
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:ListBucket",
        "braket:GetJob",
        "braket:SearchQuantumTasks",
        "braket:CancelQuantumTask",
        "dynamodb:PutItem",
        "dynamodb:GetItem",
        "dynamodb:UpdateItem",
        "sns:Publish",
    },
    "CancelFunctionRole": {
        "s3:GetObject",
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:ListBucket",
        "braket:SearchJobs",
        "braket:SearchQuantumTasks",
        "braket:GetJob",
        "braket:CancelJob",
        "braket:CancelQuantumTask",
        "dynamodb:PutItem",
        "dynamodb:GetItem",
        "dynamodb:UpdateItem",
        "sns:Publish",
        "sqs:SendMessage",
    },
    "PlanRoundFunctionRole": {
        "s3:GetObject",
        "s3:PutObject",
        "s3:ListBucket",
        "states:DescribeExecution",
        "states:StopExecution",
        "braket:GetDevice",
        "braket:SearchDevices",
    },
    "SummariseFunctionRole": {"s3:GetObject", "s3:PutObject", "sns:Publish"},
    "StopRunsFunctionRole": {
        "s3:GetObject",
        "s3:PutObject",
        "s3:ListBucket",
        "states:DescribeExecution",
        "states:ListExecutions",
        "states:StopExecution",
        "sns:Publish",
        "sqs:SendMessage",
    },
    "SweepFunctionRole": {
        "s3:GetObject",
        "s3:PutObject",
        "s3:ListBucket",
        "braket:SearchJobs",
        "braket:SearchQuantumTasks",
        "states:ListExecutions",
        "states:DescribeExecution",
        "lambda:InvokeFunction",
        "sqs:SendMessage",
    },
    "StateMachine": {"lambda:InvokeFunction", *OF_LOG_DELIVERY},
    "StudyMachineRole": {
        "lambda:InvokeFunction",
        "s3:GetObject",
        "states:StartExecution",
        "states:DescribeExecution",
        "states:StopExecution",
        "events:PutTargets",
        "events:PutRule",
        "events:DescribeRule",
        *OF_LOG_DELIVERY,
    },
    "StudyMapPolicy": {
        "states:StartExecution",
        "states:DescribeExecution",
        "states:StopExecution",
    },
    "StudyExecutionsPolicy": {"states:DescribeExecution"},
    "SweepScheduleRole": {"lambda:InvokeFunction", "sqs:SendMessage"},
    "JobRole": {
        "s3:GetObject",
        "s3:PutObject",
        "s3:ListBucket",
        "braket:GetDevice",
        "braket:CreateQuantumTask",
        "braket:GetQuantumTask",
        "braket:CancelQuantumTask",
        "braket:SearchQuantumTasks",
        "braket:TagResource",
        *OF_THE_SERVICE,
    },
}
READ_BY_JOBS = {
    "runs/*/prepared.json",
    "runs/*/inputs/*",
    "runs/*/checkpoints/*",
    "jobs/qpipe-*/tasks/*",
}
WRITTEN_BY_JOBS = {"runs/*/job/*", "runs/*/checkpoints/*", "jobs/qpipe-*/tasks/*"}
STACK_TAG = "quantum-pipeline:stack"


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(resources: Json, name: str) -> Iterator[Json]:
    properties = resources[name]["Properties"]
    own = [properties] if resources[name]["Type"] == "AWS::IAM::Policy" else []
    for policy in [*properties.get("Policies", []), *own]:
        yield from policy.get("PolicyDocument", policy)["Statement"]


def all_statements(resources: Json) -> Iterator[tuple[str, Json]]:
    for name in resources:
        if (
            resources[name]["Type"]
            in (
                "AWS::Serverless::StateMachine",
                "AWS::IAM::Role",
            )
            or name in NEEDED
        ):
            for statement in statements(resources, name):
                yield name, statement


@pytest.mark.parametrize("role", NEEDED)
def test_role_allows_what_is_needed_and_nothing_else(resources: Json, role: str) -> None:
    allowed = {
        action
        for statement in statements(resources, role)
        for action in as_list(statement["Action"])
    }
    assert allowed == NEEDED[role]


def test_no_action_is_a_pattern(resources: Json) -> None:
    for name, statement in all_statements(resources):
        assert statement["Effect"] == "Allow", name
        assert not any("*" in action for action in as_list(statement["Action"])), name


def test_only_explained_actions_are_allowed_on_everything(resources: Json) -> None:
    used = {
        action
        for _, statement in all_statements(resources)
        for action in as_list(statement["Action"])
        if "*" in as_list(statement["Resource"])
    }
    assert used == EVERYWHERE.keys()


def test_objects_are_reached_below_their_prefix_only(resources: Json) -> None:
    prefixes = {
        "${InputBucket.Arn}/*",
        "${OutputBucket.Arn}/runs/*",
        *(f"${{OutputBucket.Arn}}/{each}" for each in (*READ_BY_JOBS, *WRITTEN_BY_JOBS)),
        "${OutputBucket.Arn}/sweep.json",
        "${OutputBucket.Arn}/line/*",
        "${InputBucket.Arn}/studies/*",
        "${OutputBucket.Arn}/studies/*",
        "${OutputBucket.Arn}/studies/*/rounds/*",
        "${OutputBucket.Arn}/studies/*/study.json",
        "${OutputBucket.Arn}/studies/_ends/*",
        "${CodeBucket.Arn}/source/*",
    }
    for name, statement in all_statements(resources):
        actions = as_list(statement["Action"])
        if {"s3:GetObject", "s3:PutObject"} & set(actions):
            assert {each["Fn::Sub"] for each in as_list(statement["Resource"])} <= prefixes, name
            assert "s3:ListBucket" not in actions, name


def test_only_tickets_and_what_was_staged_are_removed(resources: Json) -> None:
    removed = {
        each["Fn::Sub"]
        for _, statement in all_statements(resources)
        if "s3:DeleteObject" in as_list(statement["Action"])
        for each in as_list(statement["Resource"])
    }
    assert removed == {"${OutputBucket.Arn}/runs/*/staged/*", "${OutputBucket.Arn}/line/*"}


def test_nobody_writes_what_callers_put_in(resources: Json) -> None:
    """PlanRound writes beside it, what the runs of studies read."""
    for name, statement in all_statements(resources):
        if "InputBucket" in str(statement["Resource"]):
            if name == "PlanRoundFunctionRole" and statement["Action"] == "s3:PutObject":
                assert statement["Resource"] == {"Fn::Sub": "${InputBucket.Arn}/studies/*"}
                continue
            assert set(as_list(statement["Action"])) <= {"s3:GetObject", "s3:ListBucket"}, name


def test_only_submit_passes_a_role_and_only_the_jobs_to_braket(resources: Json) -> None:
    [(name, statement)] = [
        (name, each) for name, each in all_statements(resources) if "iam:PassRole" in each["Action"]
    ]
    assert name == "SubmitFunctionRole"
    assert statement["Resource"] == {"Fn::GetAtt": ["JobRole", "Arn"]}
    condition = {"StringEquals": {"iam:PassedToService": "braket.amazonaws.com"}}
    assert statement["Condition"] == condition


def test_functions_touch_only_jobs_of_their_own_stack(resources: Json) -> None:
    tags = {
        "braket:CreateJob": f"aws:RequestTag/{STACK_TAG}",
        "braket:TagResource": f"aws:RequestTag/{STACK_TAG}",
        "braket:GetJob": f"aws:ResourceTag/{STACK_TAG}",
        "braket:CancelJob": f"aws:ResourceTag/{STACK_TAG}",
    }
    for name, statement in all_statements(resources):
        if statement.get("Sid") == "TagQuantumTasks":
            of_a_run = {"Null": {f"aws:RequestTag/{RUN_ID_TAG}": "false"}}
            assert statement["Condition"] == of_a_run
            continue
        for action in set(as_list(statement["Action"])) & tags.keys():
            bound = {"StringEquals": {tags[action]: {"Ref": "AWS::StackName"}}}
            assert statement["Condition"] == bound, (name, action)


def test_quantum_tasks_are_those_of_the_stacks_region_and_account(resources: Json) -> None:
    tasks = "arn:${AWS::Partition}:braket:${AWS::Region}:${AWS::AccountId}:quantum-task/*"
    for name, statement in all_statements(resources):
        arns = [str(each) for each in as_list(statement["Resource"])]
        assert all(tasks in arn for arn in arns if "quantum-task" in arn), name
        if "braket:CreateQuantumTask" in as_list(statement["Action"]):  # on a device's ARN
            here = {"StringEquals": {"aws:RequestedRegion": {"Ref": "AWS::Region"}}}
            assert statement["Condition"] == here


def test_functions_cancel_only_quantum_tasks_of_runs(resources: Json) -> None:
    bound = {"Null": {f"aws:ResourceTag/{RUN_ID_TAG}": "false"}}
    conditions = {
        name: statement["Condition"]
        for name, statement in all_statements(resources)
        if name != "JobRole" and "braket:CancelQuantumTask" in as_list(statement["Action"])
    }
    assert conditions == {"PostProcessFunctionRole": bound, "CancelFunctionRole": bound}


def test_who_ends_a_run_puts_it_into_the_catalogue_and_who_prepares_one_looks_at_families(
    resources: Json,
) -> None:
    allowed = {
        (name, *as_list(statement["Action"]), str(statement["Resource"]))
        for name, statement in all_statements(resources)
        if "dynamodb:" in str(statement["Action"])
    }
    table = str({"Fn::GetAtt": ["CatalogueTable", "Arn"]})
    ending = ("PostProcessFunctionRole", "CancelFunctionRole")
    budget = str({"Fn::GetAtt": ["BudgetTable", "Arn"]})
    counting = ("PrepareFunctionRole", *ending)
    families = str({"Fn::Sub": "${CatalogueTable.Arn}/index/by-family"})
    learning = {("PrepareFunctionRole", "dynamodb:Query", families)}
    assert allowed == learning | {(name, "dynamodb:PutItem", table) for name in ending} | {
        (name, "dynamodb:GetItem", "dynamodb:UpdateItem", budget) for name in counting
    }


def test_roles_are_unnamed_and_none_is_shared(resources: Json) -> None:
    for name, body in resources.items():
        assert "RoleName" not in body["Properties"], name
        if body["Type"] == "AWS::Serverless::Function":
            assert body["Properties"]["Role"] == {"Fn::GetAtt": [f"{name}Role", "Arn"]}


def test_functions_have_of_managed_policies_what_sam_adds_and_those_of_a_vpc_only_in_one(
    resources: Json,
) -> None:
    of_aws = "arn:${AWS::Partition}:iam::aws:policy/"
    in_vpc = {"Fn::Sub": f"{of_aws}service-role/AWSLambdaVPCAccessExecutionRole"}
    attached = [
        {"Fn::Sub": f"{of_aws}service-role/AWSLambdaBasicExecutionRole"},
        {"Fn::Sub": f"{of_aws}AWSXrayWriteOnlyAccess"},
        {"Fn::If": ["HasVpc", in_vpc, {"Ref": "AWS::NoValue"}]},
    ]
    found = {
        name: body["Properties"]["ManagedPolicyArns"]
        for name, body in resources.items()
        if "ManagedPolicyArns" in body["Properties"]
    }
    of_functions = {name: attached for name in NEEDED if name.endswith("FunctionRole")}
    assert found == of_functions | {"StudyMachineRole": attached[1:2]}


def test_only_braket_assumes_the_jobs_role(resources: Json) -> None:
    [statement] = resources["JobRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "braket.amazonaws.com"}
    jobs = {"Fn::Sub": "arn:${AWS::Partition}:braket:*:${AWS::AccountId}:job/*"}
    assert statement["Condition"] == {
        "StringEqualsIfExists": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
        "ArnLikeIfExists": {"aws:SourceArn": jobs},
    }


def test_jobs_write_what_is_theirs_and_no_reports_and_ends(resources: Json) -> None:
    reached: dict[str, set[str]] = {"s3:GetObject": set(), "s3:PutObject": set()}
    for statement in statements(resources, "JobRole"):
        for action in reached.keys() & set(as_list(statement["Action"])):
            reached[action] |= {each["Fn::Sub"] for each in as_list(statement["Resource"])}
    output = "${OutputBucket.Arn}/"
    assert reached == {
        "s3:GetObject": {output + each for each in READ_BY_JOBS} | {"${CodeBucket.Arn}/source/*"},
        "s3:PutObject": {output + each for each in WRITTEN_BY_JOBS},
    }


def test_only_the_scheduler_assumes_the_role_of_the_schedule(resources: Json) -> None:
    role = resources["SweepScheduleRole"]["Properties"]
    [statement] = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    }


def test_the_sweep_writes_nothing_of_a_run_and_calls_those_who_end_them_alone(
    resources: Json,
) -> None:
    for statement in statements(resources, "SweepFunctionRole"):
        if "s3:PutObject" in as_list(statement["Action"]):
            assert statement["Resource"] == {"Fn::Sub": "${OutputBucket.Arn}/sweep.json"}
        if "lambda:InvokeFunction" in as_list(statement["Action"]):
            assert statement["Resource"] == [
                {"Fn::GetAtt": [name, "Arn"]} for name in ("CancelFunction", "StopRunsFunction")
            ]


@pytest.mark.parametrize(
    ("machine", "role"), [("StateMachine", "StateMachine"), ("StudyMachine", "StudyMachineRole")]
)
def test_a_state_machine_invokes_the_functions_that_its_states_run(
    resources: Json, machine: str, role: str
) -> None:
    [statement] = [
        each for each in statements(resources, role) if each["Action"] == "lambda:InvokeFunction"
    ]
    allowed = {each["Fn::GetAtt"][0] for each in statement["Resource"]}
    text = (ROOT / resources[machine]["Properties"]["DefinitionUri"]).read_text(encoding="utf-8")
    assert allowed == set(re.findall(r"\$\{(\w+Function)Arn\}", text))


def test_a_study_starts_runs_of_its_stack_alone(resources: Json) -> None:
    started = {
        name: statement["Resource"]
        for name, statement in all_statements(resources)
        if "states:StartExecution" in as_list(statement["Action"])
    }
    assert started == {
        "StudyMachineRole": {"Ref": "StateMachine"},
        "StudyMapPolicy": {"Ref": "StudyMachine"},  # the items of its Map
    }
