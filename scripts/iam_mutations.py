"""Removes each action, resource and condition of the template's policies in turn: who notices?

    python -m scripts.iam_mutations [--confirm 8] [--verdicts FILE]

First the tests of functions and of whole runs are run once, and what IAM on this machine decided in
each of them is written down (`iam_recorder`). Each mutated template then decides all of that again:
a test notices a removal if one of its calls would have been refused, or one allowed that the test
wants refused. That is a replay, not a run of the test. So for some removals, spread over the table,
a noticing test is really run on the mutated template; it has to fail, and to pass without mutation.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import click
import yaml

from quantum_pipeline.local.aws import ACCOUNT, REGION, STACK_NAME
from quantum_pipeline.local.iam import roles
from quantum_pipeline.local.iam.authority import Authority
from quantum_pipeline.local.iam.policies import Asked
from quantum_pipeline.local.iam.roles import Policies
from quantum_pipeline.local.intrinsics import Intrinsics, read_template
from quantum_pipeline.local.places import APPLICATION as PROJECT

Json = dict[str, Any]
SUITES = ("tests/functions", "tests/workflow", "tests/packaging/test_decisions.py")
RECORDED = PROJECT / ".cache" / "iam" / "verdicts.jsonl"
KEY = {"KmsKeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"}
"""A parameter that gives roles more to do: what they have without it, they have with it."""
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "runs", "*.egg-info")


@dataclass(frozen=True)
class Mutation:
    """A template that lacks one thing.

    Attributes:
        where: the resource, and the statement in it.
        what: what is removed.
        actions: those of the statement that it is removed from.
    """

    where: str
    what: str
    actions: tuple[str, ...]
    template: Json


class Verdict(NamedTuple):
    """A decision that a test caused."""

    test: str
    principal: str
    asked: Asked
    allowed: bool


def mutations(template: Json) -> Iterator[Mutation]:
    """Yield the template without each action, each resource of several, and each condition."""
    for name, body in template["Resources"].items():
        for path in _statements(body):
            yield from _of_statement(template, name, path)
        if body["Type"] == "AWS::IAM::Policy":
            yield from _of_roles(template, name)
        if body["Type"] == "AWS::Lambda::Permission":
            actions = (body["Properties"]["Action"],)
            for key in ("SourceArn", "SourceAccount"):
                if key in body["Properties"]:
                    mutated = copy.deepcopy(template)
                    del mutated["Resources"][name]["Properties"][key]
                    yield Mutation(name, f"condition {key}", actions, mutated)
            mutated = copy.deepcopy(template)
            del mutated["Resources"][name]
            yield Mutation(name, f"action {actions[0]}", actions, mutated)


def _of_roles(template: Json, name: str) -> Iterator[Mutation]:
    """Yield the template in which a policy is not one of a role's."""
    properties = template["Resources"][name]["Properties"]
    statements = properties["PolicyDocument"]["Statement"]
    actions = tuple(action for each in statements for action in _list(each["Action"]))
    for number, role in enumerate(properties["Roles"]):
        mutated = copy.deepcopy(template)
        del mutated["Resources"][name]["Properties"]["Roles"][number]
        yield Mutation(name, f"role {role['Ref']}", actions, mutated)


def _statements(body: Json) -> Iterator[tuple[str | int, ...]]:
    """Yield where in a resource there are statements."""
    properties = body.get("Properties", {})
    documents: list[tuple[str | int, ...]] = [
        ("Properties", name)
        for name in ("AssumeRolePolicyDocument", "PolicyDocument")
        if name in properties
    ]
    for number, policy in enumerate(properties.get("Policies", [])):
        inner = ("PolicyDocument",) if "PolicyDocument" in policy else ()
        documents.append(("Properties", "Policies", number, *inner))
    for document in documents:
        for number in range(len(_at(body, document)["Statement"])):
            yield (*document, "Statement", number)


def _at(node: Any, path: Sequence[str | int]) -> Any:
    for step in path:
        node = node[step]
    return node


def _of_statement(template: Json, name: str, path: tuple[str | int, ...]) -> Iterator[Mutation]:
    place = ("Resources", name, *path)
    statement = _at(template, place)
    where = f"{name}.{statement.get('Sid', 'trust')}"
    actions = tuple(_list(statement["Action"]))
    for part in ("Action", "Resource"):
        values = _list(statement.get(part, "*"))
        for number, value in enumerate(values):
            if part == "Resource" and len(values) == 1:
                continue
            mutated = copy.deepcopy(template)
            if len(values) == 1:
                del _at(mutated, place[:-1])[place[-1]]
            else:
                _at(mutated, place)[part] = values[:number] + values[number + 1 :]
            touched = (value,) if part == "Action" else actions
            text = value if isinstance(value, str) else next(iter(value.values()))
            yield Mutation(where, f"{part.lower()} {text}", touched, mutated)
    for operator, keys in statement.get("Condition", {}).items():
        for key in keys:
            mutated = copy.deepcopy(template)
            conditions = _at(mutated, place)["Condition"]
            del conditions[operator][key]
            yield Mutation(where, f"condition {operator} {key}", actions, mutated)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def policies_of(template: Json) -> Policies:
    """Return the policies of a template, as a stack on this machine with a key has them."""
    intrinsics = Intrinsics(template, KEY, stack_name=STACK_NAME, region=REGION, account=ACCOUNT)
    return roles.read(template["Resources"], intrinsics)


def recorded(file: Path) -> list[Verdict]:
    """Return what was decided, by the tests."""
    found = []
    for line in file.read_text("utf-8").splitlines():
        test, principal, action, resource, context, allowed = json.loads(line)
        found.append(Verdict(test, principal, Asked(action, resource, context), allowed))
    return found


def noticing(mutation: Mutation, verdicts: Mapping[str, Sequence[Verdict]]) -> list[str]:
    """Return the tests that see other decisions than they saw, in their order."""
    authority = Authority(policies_of(mutation.template), ACCOUNT, REGION)
    tests: dict[str, None] = {}
    for action, decided in verdicts.items():
        if action in mutation.actions or any("*" in each for each in mutation.actions):
            for each in decided:
                if each.test not in tests and authority.allows(each.principal, each.asked) != (
                    each.allowed
                ):
                    tests[each.test] = None
    return list(tests)


def fails(test: str, template: Json) -> bool:
    """Run one test on a template, in a copy of the project; return whether it fails."""
    with tempfile.TemporaryDirectory(prefix="iam-") as folder:
        project = Path(folder) / "project"
        shutil.copytree(PROJECT, project, ignore=NOT_COPIED)
        text = yaml.safe_dump(template, sort_keys=False)
        (project / "template.yaml").write_text(text, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", test],
            cwd=project,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(project / "src"), str(project)])},
            capture_output=True,
            check=False,
        )
    return done.returncode != 0


def record(file: Path) -> None:
    """Run the suites, and write down what was decided.

    Raises:
        click.ClickException: a test failed.
    """
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "scripts.iam_recorder",
         "--iam-verdicts", str(file), *SUITES],
        cwd=PROJECT, check=False,
    )  # fmt: skip
    if done.returncode:
        raise click.ClickException("the tests fail as the template is")


@click.command()
@click.option("--verdicts", type=click.Path(path_type=Path), help="use what was recorded there")
@click.option("--confirm", default=8, help="how many removals to run a test on for real")
def main(verdicts: Path | None, confirm: int) -> None:
    """Print a line for each removal: how many tests notice it, and one of them."""
    if verdicts is None:
        record(RECORDED)
    template = read_template(PROJECT / "template.yaml")
    by_action: dict[str, list[Verdict]] = defaultdict(list)
    policies = policies_of(template)
    allows = Authority(policies, ACCOUNT, REGION).allows
    for verdict in recorded(verdicts or RECORDED):
        known = verdict.principal in policies.roles or not verdict.principal.startswith("arn:")
        # Without a key, a test sees refused what here is allowed.
        if known and allows(verdict.principal, verdict.asked) == verdict.allowed:
            by_action[verdict.asked.action].append(verdict)
    found = [(each, noticing(each, by_action)) for each in mutations(template)]
    for mutation, tests in found:
        first = tests[0].rpartition("::")[2] if tests else "NOBODY"
        click.echo(f"{mutation.where:55} {mutation.what:75} {len(tests):4}  {first}")
    unnoticed = sum(not tests for _, tests in found)
    click.echo(f"{len(found)} removals, {unnoticed} that no test notices, by replay")
    seen = [(mutation, tests[0]) for mutation, tests in found if tests]
    chosen = seen[:: max(1, len(seen) // confirm)][:confirm] if confirm else []
    wrong = [mutation for mutation, test in chosen if not _confirmed(mutation, test, template)]
    if unnoticed or wrong:
        raise SystemExit(1)


def _confirmed(mutation: Mutation, test: str, template: Json) -> bool:
    passes, failed = not fails(test, template), fails(test, mutation.template)
    words = "fails, and passes without" if passes and failed else "DOES NOT TELL"
    click.echo(f"run: {mutation.where} {mutation.what}: {test} {words}")
    return passes and failed


if __name__ == "__main__":
    main()
