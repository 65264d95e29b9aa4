"""Wraps each function's call: a log with the run's id, errors raised by their names."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar

from aws_lambda_powertools import Logger
from pydantic import BaseModel

from quantum_pipeline.aws.clients import client, named_errors
from quantum_pipeline.errors import PipelineError

logger = Logger()

Event = dict[str, Any]
Input = TypeVar("Input", bound=BaseModel)
Handler = Callable[[Event, Any], dict[str, Any]]


def stage(
    read: Callable[[Event], Input], *, uses: Sequence[str]
) -> Callable[[Callable[[Input], dict[str, Any]]], Handler]:
    """Return a decorator that makes a Lambda handler of a function of the parsed event.

    The handler parses the event, calls the function, logs what came of it and returns it. Errors
    are logged and raised under their names, never returned.

    Args:
        read: parses the event.
        uses: AWS services that the function calls. On Lambda their clients are made while the
            function initialises, which no invocation waits for when it finds the function warm.
    """

    def decorate(function: Callable[[Input], dict[str, Any]]) -> Handler:
        if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
            for service in uses:
                client(service)

        @logger.inject_lambda_context(clear_state=True)
        @wraps(function)
        def handler(event: Event, context: Any) -> dict[str, Any]:  # noqa: ARG001
            try:
                with named_errors():
                    parsed = read(event)
                    logger.append_keys(run_id=getattr(parsed, "run_id", None))
                    answer = function(parsed)
            except PipelineError:
                logger.exception("failed")
                raise
            logger.info("done", answer=answer)
            return answer

        return handler

    return decorate
