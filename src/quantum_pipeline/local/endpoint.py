"""moto as a server on this machine, with a stack deployed into it.

Importing this module imports moto, which takes a second.
"""

from __future__ import annotations

import importlib
import json
import logging
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import cache, lru_cache, partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
import moto
from botocore.config import Config
from moto.core import responses as moto_responses
from moto.core import utils as moto_utils
from moto.core.common_models import BaseModel
from moto.core.config import default_user_config
from moto.events.models import events_backends
from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import MotoRequestHandler
from moto.s3 import models as s3_models
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.stepfunctions.parser.asl.utils import boto_client, json_path
from moto.stepfunctions.responses import get_backend
from werkzeug.serving import ThreadedWSGIServer

from quantum_pipeline.local import nested
from quantum_pipeline.local.door import Door
from quantum_pipeline.local.events import deliver, status_change
from quantum_pipeline.local.executions import Executions
from quantum_pipeline.local.iam.authority import Authority
from quantum_pipeline.local.iam.guard import Guard
from quantum_pipeline.local.iam.requests import Tags
from quantum_pipeline.local.keys import Keys
from quantum_pipeline.local.lambda_api import LambdaApi
from quantum_pipeline.local.lambdas import Functions
from quantum_pipeline.local.router import Router
from quantum_pipeline.local.spilled import bodies
from quantum_pipeline.local.syntax_trees import syntax_tree
from quantum_pipeline.local.tables import Item, Tables
from quantum_pipeline.local.template import Stack

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

# Nothing that moto and its server log is for the terminal; `logging` can be set up to show it.
for _name in ("moto", "werkzeug"):
    logging.getLogger(_name).addHandler(logging.NullHandler())

# The engine parses each path again in each state, which takes longer than all else in a state.
json_path.parse = cache(json_path.parse)  # type: ignore[attr-defined]

LONGEST_TASK_SECONDS = 99_999_999
"""How long a task may take that names no time itself, as on AWS."""

# Each session of botocore, and moto for each service, would read the descriptions of AWS again.
for _module in (botocore.session, moto_utils):
    vars(_module)["create_loader"] = cache(vars(_module)["create_loader"])


# It would list the methods of a service's class again for each request.
vars(moto_responses)["method_names_from_class"] = cache(moto_utils.method_names_from_class)

# It remembers all that it has ever made for a page of its own, what has been removed as well.
BaseModel.__new__ = staticmethod(  # type: ignore[method-assign]
    lambda cls, *_, **__: object.__new__(cls)
)
s3_models.FakeKey.__del__ = s3_models.FakeKey.dispose  # type: ignore[method-assign]


class Endpoint:
    """Answers for all of AWS on a socket, from empty accounts with one stack in them."""

    def __init__(
        self,
        listener: socket.socket,
        stack: Stack,
        functions: Functions,
        services: Mapping[str, WSGIApplication],
        *,
        keys: Keys,
        authority: Authority,
        tags: Tags,
        folder: Path,
        kept: Path,
        on_put: Callable[[Item], None] | None = None,
        earlier: Callable[[str], Iterable[Item]] | None = None,
    ) -> None:
        """Deploy the stack and begin to answer.

        Args:
            services: applications of further services, by the names that requests are signed for.
            keys: what requests are to be signed with.
            authority: who says what may be done with those of roles.
            tags: returns the tags of what Braket has by its ARN.
            folder: where the content of objects and executions that have ended are kept.
            kept: where syntax trees of state machines last.
            on_put: called with each item that was put into a table.
            earlier: gives what a table has from earlier on, see ``Tables``.
        """
        self._stack = stack
        self._functions = functions
        host, port = listener.getsockname()
        default_user_config["stepfunctions"] = {"execute_state_machine": True}
        self._authority = authority
        _Engine.address, _Engine.keys = f"http://{host}:{port}", keys
        _load_engine()
        _keep_syntax(kept)
        _invoke_by(cache(partial(_Engine.client_of, stack.region, "lambda")))
        moto_api_backend.reset()
        _keep_bodies(folder / "objects")
        self._deploy()
        self.executions = Executions(self._ended, folder / "executions")
        tables = Tables(stack.tables, stack.account, stack.region, on_put, earlier)
        self.router = Router(
            {"lambda": LambdaApi(functions), "dynamodb": tables, **services},
            self.executions,
            partial(Guard, authority, tags),
        )
        self._server = ThreadedWSGIServer(
            host, port, Door(keys, self.router), _RequestHandler, fd=listener.fileno()
        )
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="endpoint", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop every execution and answer no more."""
        self.executions.close()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        vars(s3_models)["tempfile"] = tempfile

    def _deploy(self) -> None:
        stack = self._stack
        for bucket in stack.buckets:
            s3_backends[stack.account]["aws"].create_bucket(bucket, stack.region)
        for topic in stack.topics:
            sns_backends[stack.account][stack.region].create_topic(topic)
        for machine in stack.state_machines:
            get_backend(stack.account, stack.region).create_state_machine(
                name=machine.name, definition=machine.definition, roleArn=machine.role_arn
            )
        events = events_backends[stack.account][stack.region]
        for rule in stack.rules:
            state = "ENABLED" if rule.enabled else "DISABLED"
            events.put_rule(rule.name, event_pattern=json.dumps(rule.pattern), state=state)
            events.put_targets(rule.name, None, rule.targets)

    def _ended(self, execution: Any) -> None:
        bus = events_backends[execution.account_id][execution.region_name].event_buses["default"]
        deliver(
            status_change(execution), list(bus.rules.values()), self._functions, self._authority
        )


class _RequestHandler(MotoRequestHandler):
    # A connection for each request leaves none open that would have to be waited for at the end.
    protocol_version = "HTTP/1.0"

    def log_request(self, *_: Any) -> None:
        pass

    def send_response(self, code: int, message: str | None = None) -> None:
        """Add no Date of the server's: a service's own clock tells it."""
        self.send_response_only(code, message)


class _Engine:
    """The clients of moto's engine of state machines: of the one server that there is at a time."""

    address = ""
    keys: Keys

    @classmethod
    def client(cls, region: str, service: str, state_credentials: Any = None) -> Any:
        """Return a client of this server for a task of a state machine."""
        return cls.client_of(region, service, state_credentials.role_arn)

    @classmethod
    def client_of(cls, region: str, service: str, role_arn: str) -> Any:
        """Return a client that has the key of a role, and leaves retries to the state machine."""
        create: Any = boto3.client
        config = Config(
            parameter_validation=False,
            retries={"total_max_attempts": 1},
            connect_timeout=LONGEST_TASK_SECONDS,
            read_timeout=LONGEST_TASK_SECONDS,
        )
        return create(
            service,
            region_name=region,
            endpoint_url=cls.address,
            config=config,
            **cls.keys.of(role_arn, "StepFunctions").arguments(),
        )


_client_of_moto = boto_client.boto_client_for
boto_client.boto_client_for = _Engine.client  # before the engine takes it from there


def _invoke_by(client: Callable[[str], Any]) -> None:
    """Give the engine a client for all tasks of a role, in place of one that it makes for each."""
    from moto.stepfunctions.parser.asl.component.state.exec.state_task import (  # noqa: PLC0415
        lambda_eval_utils,
    )

    lambda_eval_utils.boto_client_for = (  # type: ignore[attr-defined]
        lambda state_credentials, **_: client(state_credentials.role_arn)
    )


def _keep_bodies(folder: Path) -> None:
    """Let moto keep the content of objects in files of a folder."""
    vars(s3_models)["tempfile"] = SimpleNamespace(SpooledTemporaryFile=bodies(folder))


@contextmanager
def _without_batch() -> Iterator[None]:
    """Let the engine have the module of AWS Batch's names without its package.

    With that come the catalogues of EC2, which take longer to load than all the rest: so it is
    stood in for by an empty one with the same path.
    """
    package = ModuleType("moto.batch")
    package.__path__ = [str(Path(moto.__file__).with_name("batch"))]
    sys.modules["moto.batch"] = package
    try:
        yield
    finally:
        del sys.modules["moto.batch"]


def _load_engine() -> None:
    """Import moto's engine of state machines, and complete it; whoever has imported it before."""
    with nullcontext() if "moto.batch" in sys.modules else _without_batch():
        importlib.import_module("moto.stepfunctions.parser.models")
    for name, module in list(sys.modules.items()):  # that were there before this one
        if name.startswith("moto.stepfunctions.") and (
            vars(module).get("boto_client_for") is _client_of_moto
        ):
            vars(module)["boto_client_for"] = _Engine.client
    _parse_of_moto()  # before it is replaced
    nested.complete()


def _keep_syntax(folder: Path) -> None:
    """Let the engine parse a state machine once, and not for each execution again.

    Each execution makes its states of the syntax tree, which nobody changes.
    """
    from moto.stepfunctions.parser.asl.parse import asl_parser, preprocessor  # noqa: PLC0415

    parser = asl_parser.AmazonStateLanguageParser
    parser.parse = staticmethod(  # type: ignore[method-assign]
        lambda definition: (
            preprocessor.Preprocessor().visit(syntax := _tree(definition, folder)),
            syntax,
        )
    )


@lru_cache(maxsize=16)
def _tree(definition: str, folder: Path) -> Any:
    return syntax_tree(definition, lambda text: _parse_of_moto()(text)[1], folder)


@cache
def _parse_of_moto() -> Callable[[str], Any]:
    from moto.stepfunctions.parser.asl.parse import asl_parser  # noqa: PLC0415

    return asl_parser.AmazonStateLanguageParser.parse
