"""Command-line options and file output that all benchmarks share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from benchmarks import machine, peers
from benchmarks.timing import CLOCKS


def peer_names(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> list[str] | None:
    """Return the names of a comma-separated list; None where none was given."""
    if value is None:
        return None
    chosen = [name.strip() for name in value.split(",") if name.strip()]
    known = peers.known()
    for name in chosen:
        if "." not in name and name not in known:
            raise click.BadParameter(f"got {name!r}; allowed: any of {', '.join(known)}")
    return chosen


class Qubits(click.IntRange):
    """A number of nodes that a 3-regular graph can have."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        number = int(super().convert(value, param, ctx))
        if number % 2:
            self.fail(f"got {number}; allowed: even numbers", param, ctx)
        return number


def qubits(default: int) -> Callable[[Any], Any]:
    return click.option("--qubits", default=default, show_default=True, type=Qubits(min=4))


def sizes(*default: int) -> Callable[[Any], Any]:
    """Numbers of qubits: the option may be given several times."""
    return click.option(
        "--qubits", "sizes", multiple=True, default=default, show_default=True, type=Qubits(min=4)
    )


depth = click.option("--depth", default=3, show_default=True, type=click.IntRange(min=1))
threads = click.option("--threads", default=1, show_default=True, type=click.IntRange(min=1))
chosen_peers = click.option(
    "--peers", callback=peer_names, help="Names, comma-separated, or ''; default: all installed."
)
rounds = click.option("--rounds", default=5, show_default=True, type=click.IntRange(min=1))
budget = click.option(
    "--budget", default=60.0, show_default=True, help="Seconds for each competitor's rounds."
)
clock = click.option(
    "--clock",
    type=click.Choice(list(CLOCKS)),
    default="wall",
    show_default=True,
    callback=lambda _context, _parameter, value: CLOCKS[value],
    help="cpu: the processor's time, for machines that do other work as well.",
)
seed = click.option("--seed", default=1, show_default=True, help="Of graph, weights and angles.")
json_file = click.option(
    "--json", "json_file", type=click.Path(path_type=Path), help="Write the figures."
)


def write(file: Path | None, figures: dict[str, Any]) -> None:
    """Write the figures and the machine they belong to, if there is a file to write."""
    if file:
        figures = {**figures, "machine": machine.describe()}
        file.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
