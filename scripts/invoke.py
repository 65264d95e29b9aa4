"""Run one function on its example event: the real handler, under Lambda's runtime client.

What an event speaks of has to be there, so the stages before are run first, each on its own
example; the job's ARN, which Braket makes up, is put into the events that follow. Of a pack,
PostProcess is called for each run before it is for the pack.
"""

from __future__ import annotations

import json
import re
import time
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
    "Sweep": (),
}

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


@click.command()
@click.argument("function", type=click.Choice(list(BEFORE)))
@click.option("--pack", is_flag=True, help="On the example of a pack; Cancel of one of its runs.")
def main(function: str, *, pack: bool) -> None:
    """Run FUNCTION on events/functions/ and print what it answers."""
    known: Json = {}
    of = "_pack" if pack else ""
    with LocalAws() as aws:
        lambdas: Any = boto3.client(
            "lambda",
            endpoint_url=aws.endpoint_url,
            region_name=aws.region,
            **aws.key.arguments(),
        )
        for stage in BEFORE[function]:
            known |= invoke(lambdas, stage, example(stage, known, of))
            while stage == "Monitor" and known["status"] != "COMPLETED":
                time.sleep(known["wait_seconds"])
                known |= invoke(lambdas, stage, example(stage, known, of))
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
