"""Shows how far a run has come: one line that changes on a terminal, lines elsewhere.

Elsewhere a line comes with each stage and phase, and every few seconds while one lasts.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from quantum_pipeline.cli import console
from quantum_pipeline.wording import digits, duration

if TYPE_CHECKING:
    from quantum_pipeline.cli.client import Progress
    from quantum_pipeline.cli.job_log import Logged

SILENT_SECONDS = 4.0
"""Longest silence where lines are printed, in the first half hour."""

LATER_SECONDS = 60.0
"""And after it: a run may wait in a queue for days."""

HALF_AN_HOUR = 1800.0

TICK_SECONDS = 0.5
"""How often it is looked whether there is something to show."""


class ProgressLine:
    """The progress of what a command does; ``expected`` seconds are said beside those gone."""

    def __init__(self, expected: float | None = None) -> None:
        self._expected = expected
        self._lock = threading.Lock()  # held to read or change what follows
        self._text, self._stage = "", ""
        self._said = console.seconds()
        self._status = console.status()
        self._ended = threading.Event()
        self._ticks = threading.Thread(target=self._tick, name="progress", daemon=True)

    def __enter__(self) -> ProgressLine:
        if self._status:
            self._status.start()
        self._ticks.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._ticks.join()
        if self._status:
            self._status.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Show nothing while the body asks something."""
        with self._lock:
            if self._status:
                self._status.stop()
            yield
            if self._status:
                self._status.start()

    def say(self, stage: str, details: str = "") -> None:
        """Show what is done now; a stage that is new is a line of its own."""
        with self._lock:
            self._text = f"{stage}{details}"
            if self._status:
                self._status.update(f"{self._text}  [dim]{self._seconds()}[/]")
            if stage != self._stage:
                self._stage = stage
                self._print()

    def update(self, progress: Progress, where: str = "") -> None:
        """Show where a run stands; ``where`` says what it runs on."""
        self.say(_stage(progress, where), _details(progress))

    def _tick(self) -> None:
        while not self._ended.wait(TICK_SECONDS):
            with self._lock:
                if self._status and self._text:
                    self._status.update(f"{self._text}  [dim]{self._seconds()}[/]")
                elif self._text and console.seconds() - self._said >= self._silence():
                    self._print()

    def _silence(self) -> float:
        return SILENT_SECONDS if console.seconds() < HALF_AN_HOUR else LATER_SECONDS

    def _print(self) -> None:
        self._said = console.seconds()
        console.note(f"{self._said:6.1f} s  {self._text}", indent=10)

    def _seconds(self) -> str:
        gone, expected = console.seconds(), self._expected
        beside = f" of {duration(expected)}" if expected is not None and gone < expected else ""
        return f"{gone:.0f} s{beside}"


@contextmanager
def progress(expected: float | None) -> Iterator[ProgressLine]:
    """Show the progress of what the body does; how long it should take is said first."""
    if expected is not None:
        console.note(f"expected: {duration(expected)}")
    with ProgressLine(expected) as line:
        yield line


_STAGES = {
    "Started": "starting",
    "Prepare": "preparing",
    "Submit": "submitting the job",
    "WaitInLine": "waiting in line for a job",
    "PostProcess": "evaluating and writing the report",
    **dict.fromkeys(
        ("RunsOfPack", "PostProcessRuns", "PostProcessRun", "CancelRun", "RunHasEnded"),
        "evaluating the runs and writing their reports",
    ),
    "PostProcessPack": "all runs have ended",
    "Succeeded": "done",
    "Cancel": "cancelling",
    "Failed": "failed",
}

_PHASES = {
    "classical": "the classical answer",
    "compiling": "compiling",
    "training": "training",
    "tuning": "cross-validation",
    "geometries": "training",
    "rounds": "blocks in rounds",
    "comparing": "what that is compared with",
    "sampling": "sampling",
    "mitigating": "mitigating errors",
}


def _stage(progress: Progress, where: str) -> str:
    if progress.job_status is None:
        return _STAGES.get(progress.state, "waiting for the job")
    phase = progress.logged.phase
    doing = f": {_PHASES[phase.phase]}" if phase and progress.job_status == "RUNNING" else ""
    return f"job {progress.job_status.lower()}{where}{doing}"


def _details(progress: Progress) -> str:
    """Return how far the stage has come; a line for each of them would be too many."""
    if progress.job_status == "QUEUED":
        found = [f"position {progress.queue_position}"] if progress.queue_position else []
    else:
        found = list(of_log(progress.logged, running=progress.job_status == "RUNNING"))
    return "".join(f", {each}" for each in found)


def of_log(logged: Logged, *, running: bool) -> Iterator[str]:
    """Yield what a job's log says of the phase that it is in, and of what was spent."""
    name, done, of = (running and logged.phase) or ("", 0, 0)
    if name == "training":
        yield f"layer {done} of up to {of}"
    elif name == "rounds":
        yield f"round {done} of up to {of}"
    elif name == "tuning":
        yield f"setting {done} of up to {of}"
    elif name == "comparing" and of:
        yield f"model {done} of {of}"
    elif name == "geometries" and of > 1:
        yield f"geometry {done} of {of}"
    elif name == "sampling":
        yield f"task {min(done + 1, of)} of {of}"
    if logged.energy is not None:
        yield f"evaluation {logged.evaluation}, energy {digits(logged.energy)}"
    if logged.cost_usd:
        yield f"{logged.cost_usd:.4f} USD so far"
    if logged.runs_ended is not None:
        yield f"{logged.runs_ended} runs solved or failed"
