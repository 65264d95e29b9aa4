"""Options that commands share: which stack on AWS, which folder of runs, which run, which form.

It imports nothing that takes its time, as ``qpipe list`` does.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import reduce, wraps
from pathlib import Path
from typing import Any

import click

from quantum_pipeline.cli import entry

Command = Callable[..., Any]

RUN = click.argument("run_id", metavar="RUN")

FILES = click.argument(
    "files", type=click.Path(path_type=Path, allow_dash=True), nargs=-1, required=True
)

FILE = click.argument("file", type=click.Path(path_type=Path, allow_dash=True))

CANCEL_ON_INTERRUPT = click.option(
    "--cancel-on-interrupt", is_flag=True, help="Cancel the run's job on Ctrl-C without asking."
)


def json_option(words: str) -> Callable[[Command], Command]:
    """Give a command ``--json``, for its refusal as well."""
    return click.option("--json", "as_json", is_flag=True, callback=entry.note_json, help=words)


AS_JSON = json_option("Print JSON on stdout.")


def output_option(words: str) -> Callable[[Command], Command]:
    """Give a command ``--output``, a folder of runs."""
    return click.option(
        "--output",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path("runs"),
        show_default=True,
        help=words,
    )


OUTPUT = output_option("Folder of the runs on this machine.")


def stack_option(words: str) -> Callable[[Command], Command]:
    """Give a command ``--stack``, with the region and the profile by which AWS is reached."""
    options = (
        click.option("--stack", help=words),
        click.option("--region", help="AWS region of the stack, if not the one that is set."),
        click.option("--profile", help="AWS profile by which the stack is reached."),
    )

    def given(command: Command) -> Command:
        @wraps(command)
        def on_stack(
            *, stack: str | None, region: str | None, profile: str | None, **rest: Any
        ) -> Any:
            if stack is None and (region or profile):
                raise click.UsageError("--region and --profile are for a --stack.")
            set_aws(region, profile)
            return command(stack=stack, **rest)

        return reduce(lambda made, option: option(made), reversed(options), on_stack)

    return given


STACK = stack_option("Runs of this CloudFormation stack on AWS.")


def set_aws(region: str | None, profile: str | None) -> None:
    """Let the clients of this process use a region, and a profile rather than keys that are set."""
    if region is not None:
        os.environ |= {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
    if profile is not None:
        os.environ["AWS_PROFILE"] = profile
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            os.environ.pop(name, None)
