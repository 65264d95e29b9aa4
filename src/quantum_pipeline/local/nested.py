"""Fills in what moto's engine lacks where an execution starts others and waits for their ends.

- Names: a state machine writes ``StateMachineArn``, boto3 takes ``stateMachineArn``, and of answers
  it is the other way round. The engine has the place for that, and nothing in it: so startExecution
  fails on its first parameter.
- Times: an answer of DescribeExecution has datetimes, which cannot stand in a state's output. Step
  Functions has milliseconds since 1970 there.
- Waiting: the engine asks for the child's status over HTTP twice a second. Here it looks at the
  child itself, often, and asks as the state machine's role once that has ended.
- Stopping: an execution that has been stopped evaluates nothing more, a state's time limit neither;
  yet the engine takes it from the stack, where something else is then.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

from moto.stepfunctions.responses import get_backend

_LOOK_SECONDS = 0.02


@cache
def complete() -> None:
    """Complete the engine, once; it is imported by then."""
    from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import (  # noqa: PLC0415
        TimeoutSeconds,
    )
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (  # noqa: PLC0415
        state_task_service_callback,
    )
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn import (  # noqa: PLC0415, E501
        StateTaskServiceSfn,
    )

    limit: Any = TimeoutSeconds
    limit.eval = limit._eval_body
    service: Any = StateTaskServiceSfn
    fill_in, build = service._normalise_parameters, service._build_sync2_resolver

    def parameters(self: Any, parameters: dict[str, Any], **more: Any) -> None:
        fill_in(self, parameters, **more)
        _rename(parameters, lambda name: name[0].lower() + name[1:])

    def response(_: Any, response: Any, **__: Any) -> None:
        _rename(response, lambda name: name[0].upper() + name[1:])

    def resolver(self: Any, env: Any, **more: Any) -> Callable[[], Any]:
        child = _find(env.stack[-1]["ExecutionArn"])
        ask = build(self, env=env, **more)
        return lambda: None if child.status == "RUNNING" else ask()

    service._normalise_parameters = parameters
    service._normalise_response = response
    service._build_sync2_resolver = resolver
    vars(state_task_service_callback)["_DELAY_SECONDS_SYNC_CONDITION_CHECK"] = _LOOK_SECONDS


def _find(arn: str) -> Any:
    _, _, _, region, account, *_ = arn.split(":")
    return get_backend(account, region).describe_execution(arn)


def _rename(members: dict[str, Any], name: Callable[[str], str]) -> None:
    """Give members other names, in place; times become numbers."""
    renamed = {
        name(old): int(value.timestamp() * 1000) if isinstance(value, datetime) else value
        for old, value in members.items()
    }
    members.clear()
    members.update(renamed)
