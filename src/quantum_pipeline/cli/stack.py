"""The options by which a command names a stack on AWS, and how that AWS is reached."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import reduce, wraps
from typing import Any

import click

Command = Callable[..., Any]


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
