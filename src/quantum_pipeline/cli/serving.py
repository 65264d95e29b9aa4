"""``qpipe serve`` and ``env``: this machine's AWS for any client, and for functions beside it."""

from __future__ import annotations

import re
import time
from pathlib import Path

import click

from quantum_pipeline.cli import console, entry
from quantum_pipeline.cli.compact_json import compact
from quantum_pipeline.cli.folders import make_folder
from quantum_pipeline.cli.options import output_option, stack_option
from quantum_pipeline.cli.reach import HERE, own_aws, pipeline_of
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.local.places import cache_folder


@entry.main.command(short_help="Serve the pipeline's AWS on 127.0.0.1.")
@output_option("Folder whose catalogue remembers the runs; their files are gone with the AWS.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port on 127.0.0.1; a free one by default.",
)
def serve(output: Path, port: int) -> None:
    """Serve the pipeline's AWS on this machine to any AWS client, until Ctrl-C."""
    make_folder("QPIPE_CACHE", cache_folder())
    try:
        with own_aws(output, port=port) as aws:
            try:
                console.serving(aws.environment(), aws.outputs)
                while True:  # a pause would miss a signal that comes just before it
                    time.sleep(1.0)
            except KeyboardInterrupt:
                console.note("stopping")
    except OSError as error:
        allowed = f"a free port ({error.strerror})"
        raise InvalidRequest.of("--port", port, allowed) from None


@entry.main.command(short_help="Print variables for `sam local invoke`.")
@stack_option("Variables of this CloudFormation stack on AWS.")
@click.option(
    "--endpoint", help="Variables for `qpipe serve`, at this URL as seen from a container."
)
def env(stack: str | None, endpoint: str | None) -> None:
    """Print the functions' environment variables, as `sam local invoke --env-vars` takes them."""
    if stack is not None and endpoint is None:
        variables = _variables_of_stack(stack)
    elif endpoint is not None and stack is None:
        variables = _variables_served(endpoint)
    else:
        raise click.UsageError("Give one of --stack and --endpoint.")
    click.echo(compact(variables))


def _variables_of_stack(stack: str) -> dict[str, dict[str, str]]:
    """Return the environment variables of a deployed stack's functions, by their logical ids."""
    from quantum_pipeline.cli.client import function_variables  # noqa: PLC0415 - boto3

    with pipeline_of(stack):  # refuses what is no stack of this application
        return function_variables(stack)


def _variables_served(endpoint: str) -> dict[str, dict[str, str]]:
    """Return those with which the functions work on what `serve` serves at an endpoint."""
    from quantum_pipeline.local.aws import read_stack  # noqa: PLC0415

    if not re.fullmatch(r"https?://[^/\s]+/?", endpoint):
        raise InvalidRequest.of("--endpoint", endpoint, "a URL, such as http://172.17.0.1:5055")
    return {
        each.logical_id: {**each.environment, "AWS_ENDPOINT_URL": endpoint}
        for each in read_stack(parameters=HERE).functions
    }
