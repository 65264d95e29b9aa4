"""Our runtime client against AWS's own: the same handlers must give the same answers."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quantum_pipeline.local import environment
from quantum_pipeline.local.environment import Environment
from quantum_pipeline.local.functions_python import STARTS_WITH
from quantum_pipeline.local.interpreter import Interpreter
from quantum_pipeline.local.template import Function
from tests.local.small_stack import Lines

OURS = "quantum_pipeline.local.runtime_client"

HANDLERS = '''
import decimal, logging, os, sys, time

def echo(event, context):
    return event

def text(event, context):
    return "Größe: 1 Å"

def raw(event, context):
    return b"\\x00\\x01"

def number(event, context):
    return {"price": decimal.Decimal("0.25"), "nothing": decimal.Decimal("NaN")}

def unserialisable(event, context):
    return {1, 2}

class JobFailed(Exception):
    """One of our own."""

def deep(n):
    if n == 0:
        raise JobFailed("no luck: Å")
    deep(n - 1)

def fails(event, context):
    deep(2)

def key_error(event, context):
    return event["absent"]

def leaves(event, context):
    sys.exit(4)

def crashes(event, context):
    os._exit(5)

def told(event, context):
    assert 0 < context.get_remaining_time_in_millis() <= 10_000
    assert len(context.aws_request_id) == 36
    return {
        name: getattr(context, name)
        for name in ("function_name", "function_version", "memory_limit_in_mb",
                     "invoked_function_arn", "log_group_name", "client_context")
    }

def where(event, context):
    return [sys.path[0], os.getcwd(), sys.stdin.read(), sys.argv]

def logs(event, context):
    print("printed")
    logging.getLogger().warning("warned")
    print("to stderr", file=sys.stderr)
'''


def load_cases() -> list[tuple[str, str]]:
    return [
        ("cases.absent", ""),
        ("absent.handler", ""),
        ("nothing", ""),
        ("cases.echo.deep", ""),
        ("wrong.handler", "def handler(:\n    pass\n"),
        ("raising.handler", "1 / 0\n"),
        ("leaving.handler", "raise SystemExit(7)\n"),
        ("importing.handler", "import a_module_that_does_not_exist\n"),
        ("sys.exit", ""),
    ]


RUN_CASES = [
    ("cases.echo", {"a": [1, 2.5, None, True, "Å"]}),
    ("cases.text", {}),
    ("cases.raw", {}),
    ("cases.number", {}),
    ("cases.unserialisable", {}),
    ("cases.fails", {}),
    ("cases.key_error", {}),
    ("cases.leaves", {}),
    ("cases.crashes", {}),
    ("cases.told", {}),
    ("cases.where", {}),
]


class Clients:
    """Runs a handler under one of the two clients."""

    def __init__(
        self, folder: Path, interpreter: Interpreter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.folder = folder
        self.interpreter = interpreter
        self.code = folder / "code"
        self.code.mkdir()
        (self.code / "cases.py").write_text(HANDLERS)
        self.patch = monkeypatch
        self.lines: dict[str, Lines] = {}

    def answer(self, client: str, handler: str, event: Any) -> tuple[bool, Any]:
        self.patch.setattr(environment, "RUNTIME_CLIENT", client)
        lines = self.lines[client] = Lines()
        arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
        function = Function(
            "F", "f", arn, "python3.12", handler, self.code, 10, 128, {}, "/f", 0, ""
        )
        folder = self.folder / client / "tmp"
        process = Environment(function, self.interpreter, {}, folder, lines.put)
        try:
            answer = process.invoke(json.dumps(event).encode())
        finally:
            process.close()
        try:
            return answer.failed, without_ids(json.loads(answer.payload))
        except ValueError:
            return answer.failed, answer.payload


def without_ids(value: Any) -> Any:
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", json.dumps(value))
    return json.loads(text)


@pytest.fixture(scope="module")
def interpreter() -> Iterator[Interpreter]:
    """What the processes of both are forks of: it has imported neither."""
    interpreter = Interpreter([], STARTS_WITH)
    yield interpreter
    interpreter.close()


@pytest.fixture
def clients(tmp_path: Path, interpreter: Interpreter, monkeypatch: pytest.MonkeyPatch) -> Clients:
    if importlib.util.find_spec("awslambdaric") is None:
        pytest.skip("awslambdaric has no wheel here")
    return Clients(tmp_path, interpreter, monkeypatch)


@pytest.mark.parametrize(("handler", "event"), RUN_CASES)
def test_both_clients_give_the_same_answer(clients: Clients, handler: str, event: Any) -> None:
    theirs = clients.answer("awslambdaric", handler, event)
    ours = clients.answer(OURS, handler, event)
    if handler == "cases.where":  # the one difference: what started the process
        assert Path(ours[1][3][0]).name == "runtime_client.py"
        del theirs[1][3][0], ours[1][3][0]
    assert str(ours) == str(theirs)  # as text, since NaN equals nothing


@pytest.mark.parametrize(("handler", "source"), load_cases())
def test_both_clients_report_the_same_error_for_what_does_not_load(
    clients: Clients, handler: str, source: str
) -> None:
    if source:
        (clients.code / f"{handler.partition('.')[0]}.py").write_text(source)
    theirs = clients.answer("awslambdaric", handler, {})
    ours = clients.answer(OURS, handler, {})
    assert theirs[0]
    for _, report in (theirs, ours):  # the way to the user's module is each client's own
        trace = report.get("stackTrace", [])
        report["stackTrace"] = [frame for frame in trace if "importlib" not in frame]
    assert ours == theirs


def test_both_clients_refuse_an_event_that_is_not_json(clients: Clients) -> None:
    event = [float("nan")]
    errors = [clients.answer(client, "cases.echo", event)[1] for client in ("awslambdaric", OURS)]
    assert [error["errorType"] for error in errors] == ["Runtime.UnmarshalError"] * 2


def test_both_clients_log_the_same_lines(clients: Clients) -> None:
    texts = []
    for client in ("awslambdaric", OURS):
        clients.answer(client, "cases.logs", {})
        printed = clients.lines[client].texts()
        hidden = [re.sub(r"[-0-9a-f]{36}|[-0-9T:.]{23}Z", "_", text) for text in printed]
        texts.append(hidden)
    assert texts[0] == texts[1]
    assert texts[0] == ["printed", "[WARNING]\t_\t_\twarned", "to stderr"]
