"""``qpipe``: the group of its commands, each of which is imported when it is called.

Results go to stdout, progress and errors to stderr. The exit status is the error's own
(``quantum_pipeline.errors``), or ``INTERRUPTED``.
"""

from __future__ import annotations

import atexit
import gc
import json
import signal
import sys
from importlib import import_module
from typing import Any

import click

from quantum_pipeline import __version__
from quantum_pipeline.errors import PipelineError
from quantum_pipeline.local.bootstrap import LOOKED_FOR

_MODULES = {
    "run": "many",
    "study": "studying",
    "rerun": "rerunning",
    "validate": "validating",
    "estimate": "estimating",
    "devices": "device_list",
    **dict.fromkeys(("serve", "env"), "serving"),
    "show": "showing",
    **dict.fromkeys(("logs", "fetch"), "fetching"),
    "cancel": "cancelling",
    "convert": "converting",
    "list": "listing",
    "compare": "comparing",
    "predict": "predicting",
}
"""The module of each command, which adds it to the group."""

_ON_AN_AWS_HERE = {"run", "study", "rerun", "serve"}
"""The commands that start an AWS on this machine, the first three where they name no stack."""

_ON_NONE = ("--stack", "--help", "-h")
"""What arguments of theirs begin with where they start none."""

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""


class Commands(click.Group):
    """Commands whose named errors become lines on stderr and their exit status."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of all commands."""
        return sorted(_MODULES)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is called; the AWS that it is to start gets ready meanwhile.

        What it takes longest for is begun before the command's own imports. It is in vain where
        the command is refused.
        """
        if args[0] in _ON_AN_AWS_HERE and not any(arg.startswith(_ON_NONE) for arg in args):
            from quantum_pipeline.local.functions_python import functions_python  # noqa: PLC0415

            functions_python().get_ready()
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; its module is imported now, if it has not been."""
        module = f"quantum_pipeline.cli.{_MODULES.get(cmd_name)}"
        if cmd_name in _MODULES and module not in sys.modules:
            from quantum_pipeline.local.garbage import nothing_collected  # noqa: PLC0415

            with nothing_collected():
                import_module(module)
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; its errors are shown by their names."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            _console().note("interrupted")
            sys.exit(INTERRUPTED)
        except PipelineError as error:
            if ctx.meta.get(_AS_JSON):
                click.echo(_as_json(error))
            else:
                _console().error(type(error).__name__, *map(str, error.args))
            sys.exit(error.exit_code)


_AS_JSON = "quantum_pipeline.as_json"


def note_json(ctx: click.Context, _: click.Parameter, as_json: bool) -> bool:
    """Remember that a command was asked for JSON: its refusal is then an object as well."""
    ctx.meta[_AS_JSON] = as_json
    return as_json


def answered() -> None:
    """Say that stdout has its JSON: an error that follows is told on stderr alone."""
    click.get_current_context().meta[_AS_JSON] = False


def _as_json(error: PipelineError) -> str:
    sentences = list(map(str, error.args))
    name, status = type(error).__name__, error.exit_code
    return json.dumps({"error": name, "sentences": sentences, "exit_status": status}, indent=2)


def _console() -> Any:
    from quantum_pipeline.cli import console  # noqa: PLC0415 - rich takes a while

    return console


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="qpipe")
def main() -> None:
    """Hybrid quantum-classical runs: a problem goes in, a report comes out."""
    # A terminated qpipe ends its processes as an interrupted one does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Little of what is made here is garbage: to look for it takes a tenth of the imports' time, and
    # half a second at the end.
    gc.set_threshold(*LOOKED_FOR)
    atexit.register(gc.freeze)
