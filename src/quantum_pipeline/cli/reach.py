"""The AWS that a command works on: a stack's, or one on this machine while the command lasts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from quantum_pipeline.cli.folders import recall, remember
from quantum_pipeline.cli.progress import ProgressLine
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.local.places import cache_folder
from quantum_pipeline.planning.costs import FREE

if TYPE_CHECKING:
    from quantum_pipeline.cli.client import Pipeline
    from quantum_pipeline.local.aws import LocalAws

HERE = {
    "JobInstanceUsdPerHour": "0",
    "JobInstancePriceAsOf": FREE,
    "PollsAtOnce": "20",
    "ReservedConcurrency": "4",
}
"""Parameters of the stack on this machine, where nothing is billed and nobody counts calls; each
process of a function takes 80 MB, so they are few."""


@contextmanager
def pipeline_of(stack: str) -> Iterator[Pipeline]:
    """Yield the client of a stack in the region that the user's AWS settings name.

    What AWS refuses is one of our errors. boto3 reads AWS_DEFAULT_REGION and not AWS_REGION, as
    other AWS SDKs do.
    """
    from botocore.session import Session  # noqa: PLC0415 - boto3 takes a while

    from quantum_pipeline.aws.clients import named_errors  # noqa: PLC0415
    from quantum_pipeline.cli.client import Pipeline  # noqa: PLC0415

    if region := os.environ.get("AWS_REGION"):
        os.environ.setdefault("AWS_DEFAULT_REGION", region)
    with named_errors():
        if not Session().get_config_variable("region"):
            raise InvalidRequest(
                "--stack: no region is set; allowed: the stack's, by --region REGION, "
                "AWS_REGION=REGION or `aws configure`"
            )
        yield Pipeline.of_stack(stack)


def reached(
    stack: str | None, output: Path, line: ProgressLine, *, on_devices: bool = False
) -> AbstractContextManager[Pipeline]:
    """Yield the client of a stack, or of an AWS on this machine that ends with the body."""
    return _own(output, line, on_devices=on_devices) if stack is None else pipeline_of(stack)


@contextmanager
def _own(output: Path, line: ProgressLine, *, on_devices: bool) -> Iterator[Pipeline]:
    line.say("starting AWS on this machine")
    from quantum_pipeline.aws.clients import named_errors  # noqa: PLC0415 - boto3 takes a while
    from quantum_pipeline.cli.client import Pipeline  # noqa: PLC0415

    with named_errors(), own_aws(output, on_devices=on_devices) as aws:
        os.environ.update(aws.environment())
        yield Pipeline(aws.outputs)


@contextmanager
def own_aws(output: Path, *, on_devices: bool = True, port: int = 0) -> Iterator[LocalAws]:
    """Run an AWS on this machine whose catalogue is that of a folder of runs."""
    from quantum_pipeline.local.aws import LocalAws  # noqa: PLC0415 - moto takes a while

    with (
        _own_settings(),
        LocalAws(
            cache_folder=cache_folder(),
            parameters=HERE,
            port=port,
            remember=partial(remember, output),
            recall=partial(recall, output),
            on_devices=on_devices,
        ) as aws,
    ):
        yield aws


@contextmanager
def _own_settings() -> Iterator[None]:
    """Keep the user's AWS settings out of the AWS on this machine: endpoints, profiles, keys.

    What jobs keep to be quick, as Qiskit's list of plugins, stays out of the user's home.
    """
    before = dict(os.environ)
    for name in [name for name in before if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "XDG_CACHE_HOME": str(cache_folder() / "jobs"),
    }
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
