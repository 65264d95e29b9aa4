"""Wraps each function's call: a log with the run's id, errors raised by their names."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Self, TypeVar

from aws_lambda_powertools import Logger
from pydantic import BaseModel, ValidationError

from quantum_pipeline.aws.clients import client, named_errors
from quantum_pipeline.errors import InvalidRequest, PipelineError
from quantum_pipeline.refusals import sentences

logger = Logger()

Event = dict[str, Any]
Input = TypeVar("Input", bound=BaseModel)
Handler = Callable[[Event, Any], dict[str, Any]]


class EventModel(BaseModel):
    """What a function is called with; names that it does not read are passed over."""

    @classmethod
    def read(cls, event: Any) -> Self:
        """Return the event as a model.

        Raises:
            InvalidRequest: names each field that is wrong, its value and what is allowed.
        """
        try:
            return cls.model_validate(event)
        except ValidationError as error:
            raise InvalidRequest(*sentences(error, cls, "event")) from None


def stage(
    read: Callable[[Any], Input], *, uses: Sequence[str]
) -> Callable[[Callable[[Input], dict[str, Any]]], Handler]:
    """Return a decorator that makes a Lambda handler of a function of the parsed event.

    The handler parses the event, calls the function, logs what came of it and returns it. Errors
    are logged and raised under their names, never returned.

    Args:
        read: parses the event, such as ``EventModel.read``.
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
