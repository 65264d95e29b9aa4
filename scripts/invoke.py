"""Run one function on its example event: the real handler, under Lambda's runtime client.

What an event speaks of has to be there, so the stages before are run first, each on its own
example; the job's ARN, which Braket makes up, is put into the events that follow. Of a pack,
PostProcess is called for each run before it is for the pack. Of a study, the runs of its round are
taken to their ends before Summarise; StopRuns stops those of an execution that has just begun.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import click

from quantum_pipeline.local.aws import STACK_NAME, LocalAws

EVENTS = Path(__file__).parents[1] / "events" / "functions"
BEFORE = {
    "Prepare": (),
    "Submit": ("Prepare",),
    "Monitor": ("Prepare", "Submit"),
    "PostProcess": ("Prepare", "Submit", "Monitor"),
    "Cancel": ("Prepare", "Submit"),
    "PlanRound": (),
    "Summarise": (),
    "StopRuns": (),
    "Sweep": (),
}
"""The stages before, each called once; those of studies are called as the Map between them asks."""

Json = dict[str, Any]


def example(function: str, known: Json, of: str = "") -> Json:
    """Return a function's example event, with what earlier stages have answered put in.

    ``of`` is "_pack" for that of a pack, "_run" for that of one of its runs.
    """
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", function).lower() + of
    event: Json = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return event | {key: known[key] for key in event.keys() & known.keys()}


def invoke(lambdas: Any, function: str, event: Json) -> Json:
    """Return a function's answer.

    Raises:
        click.ClickException: the function raised; its error's name and message.
    """
    reply = lambdas.invoke(
        FunctionName=f"{STACK_NAME}-{function}Function", Payload=json.dumps(event)
    )
    answer: Json = json.load(reply["Payload"])
    if "FunctionError" in reply:
        raise click.ClickException(f"{function}: {answer['errorType']}: {answer['errorMessage']}")
    return answer


class Studies:
    """What happens around the stages of a study: its executions, and those of its runs."""

    def __init__(self, outputs: Mapping[str, str], client: Callable[[str], Any]) -> None:
        self._outputs = outputs
        self._lambdas, self._states, self._s3 = map(client, ("lambda", "stepfunctions", "s3"))

    def done(self) -> Json:
        """Take the example study through its round; return what PlanRound answers then."""
        event = example("PlanRound", {})
        planned = invoke(self._lambdas, "PlanRound", event)
        bucket = self._outputs["OutputBucketName"]
        items = json.load(self._s3.get_object(Bucket=bucket, Key=planned["items"])["Body"])
        runs = [self._start("StateMachineArn", item["name"], item["input"]) for item in items]
        while any(self._status(run) == "RUNNING" for run in runs):
            time.sleep(0.2)
        return invoke(self._lambdas, "PlanRound", event | {"input": planned})

    def begun(self, execution_arn: str) -> None:
        """Start the example study as the execution of that ARN; return once a run of it runs."""
        name = execution_arn.rpartition(":")[2]
        self._start("StudyMachineArn", name, example("PlanRound", {})["input"])
        machine = self._outputs["StateMachineArn"]
        while not self._states.list_executions(stateMachineArn=machine)["executions"]:
            time.sleep(0.1)

    def _start(self, machine: str, name: str, asked: Json) -> str:
        answer = self._states.start_execution(
            stateMachineArn=self._outputs[machine], name=name, input=json.dumps(asked)
        )
        return str(answer["executionArn"])

    def _status(self, execution: str) -> str:
        return str(self._states.describe_execution(executionArn=execution)["status"])


@click.command()
@click.argument("function", type=click.Choice(list(BEFORE)))
@click.option("--pack", is_flag=True, help="On the example of a pack; Cancel of one of its runs.")
def main(function: str, *, pack: bool) -> None:
    """Run FUNCTION on events/functions/ and print what it answers."""
    known: Json = {}
    of = "_pack" if pack else ""
    with LocalAws() as aws:
        client: Callable[[str], Any] = partial(
            boto3.client,
            endpoint_url=aws.endpoint_url,
            region_name=aws.region,
            **aws.key.arguments(),
        )
        lambdas = client("lambda")
        for stage in BEFORE[function]:
            known |= invoke(lambdas, stage, example(stage, known, of))
            while stage == "Monitor" and known["status"] != "COMPLETED":
                time.sleep(known["wait_seconds"])
                known |= invoke(lambdas, stage, example(stage, known, of))
        if function == "Summarise":
            known["done"] = Studies(aws.outputs, client).done()
        elif function == "StopRuns":
            Studies(aws.outputs, client).begun(example(function, known)["execution_arn"])
        if pack and function == "PostProcess":
            for number in range(known["n_runs"]):
                each = example(function, known, "_run") | {"number": number}
                invoke(lambdas, function, each)
        last = {"Cancel": "_run", "Sweep": ""}.get(function, of) if pack else ""
        answer = invoke(lambdas, function, example(function, known, last))
    if "estimated_usd" in answer:
        click.echo(
            "estimated_usd counts an instance at the template's price; make run has it free",
            err=True,
        )
    click.echo(json.dumps(answer, indent=2))


if __name__ == "__main__":
    main()
