"""The checkpoint: a journal of everything that was computed, decided or paid for, one line each.

Nothing else is needed to resume. An attempt that starts again runs the same code and reads from
the journal what it would evaluate, which brings it quickly to where the first one ended. It need
not decide alike from there: an optimiser's last digits vary from process to process, less money and
time are left, and another processor makes other eigenvectors where they are not unique, and another
choice between equals. So what the evaluations are of, and whatever is about to be paid for, down to
the gates, is a decision of its own here, recorded before it matters and followed by every later
attempt.

A line is a JSON object whose ``kind`` says what it records. It is appended and flushed as soon as
it is known, and before whatever costs money because of it: this costs microseconds, loses at most
the evaluation at hand, and never rewrites what is there. A job that was killed while it wrote
leaves an unfinished last line, which the next one drops.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.planning.tasks import Purpose

Real = NDArray[np.float64]


@dataclass(frozen=True)
class Batch:
    """What one quantum task is for; its ARN once it is created, the rest once it has ended.

    ``ordinal`` numbers the measurements of a purpose, from 0; ``shots`` are those of each
    executable; ``successful_shots`` and ``minutes`` (of a simulator) are what is billed.
    ``together`` are the executables of the whole measurement, which may be several tasks;
    ``given_up`` is the error, by name, for which the run itself did without it.
    """

    purpose: Purpose
    ordinal: int
    executables: int
    shots: int
    arn: str | None = None
    status: str | None = None
    successful_shots: int = 0
    minutes: float = 0.0
    together: int = 0
    given_up: str | None = None


class Journal:
    """Energies and gradients by their angles, decisions and quantum tasks, kept in a file."""

    def __init__(self, folder: Path, subject: BaseModel) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # The name ties the journal to its subject: no other problem's energies are ever read.
        digest = hashlib.sha256(subject.model_dump_json().encode()).hexdigest()[:16]
        self.path = folder / f"journal-{digest}.jsonl"
        self._evaluations: dict[bytes, tuple[float, Real]] = {}
        self._decisions: dict[str, Mapping[str, Any]] = {}
        self._attempts: list[float] = []
        self._device: Mapping[str, Any] | None = None
        self._batches: dict[str, Batch] = {}
        self._read()
        self._file = self.path.open("a", encoding="ascii")

    def evaluation(self, angles: Real) -> tuple[float, Real] | None:
        """Return the energy and gradient at these very angles, if they were computed before."""
        return self._evaluations.get(angles.tobytes())

    def record_evaluation(self, angles: Real, energy: float, gradient: Real) -> None:
        """Keep what was computed."""
        found = {"angles": angles.tolist(), "energy": energy, "gradient": gradient.tolist()}
        self._append({"kind": "evaluation", **found})

    def decision(self, purpose: str) -> Mapping[str, Any] | None:
        """Return what an attempt decided for a purpose before it paid: later ones follow it."""
        return self._decisions.get(purpose)

    def decided(self, purpose: str, decide: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        """Return what the first attempt to come here decided for a purpose."""
        if purpose not in self._decisions:
            self.record_decision(purpose, decide())
        return self._decisions[purpose]

    def record_decision(self, purpose: str, decision: Mapping[str, Any]) -> None:
        """Keep what was decided, before it is paid for."""
        self._note({"kind": "decision", "purpose": purpose, "decision": dict(decision)})

    @property
    def attempts(self) -> tuple[float, ...]:
        """Return when each attempt started, in seconds since the epoch."""
        return tuple(self._attempts)

    def record_attempt(self, started: float) -> None:
        """Keep when this attempt started: its instance is paid for from then on."""
        self._note({"kind": "attempt", "started": started})

    @property
    def device(self) -> Mapping[str, Any] | None:
        """Return what Braket said of the device when circuits were last compiled for it."""
        return self._device

    def record_device(self, state: Mapping[str, Any]) -> None:
        """Keep the device's state: a resumed job compiles for it, and gets the same circuits."""
        self._note({"kind": "device", "state": dict(state)})

    @property
    def batches(self) -> Mapping[str, Batch]:
        """Return all batches by their digest, in the order in which they were meant to be run."""
        return self._batches

    def batch(self, digest: str) -> Batch | None:
        """Return what is known of a batch: without an ARN it was meant to be run, no more."""
        return self._batches.get(digest)

    def record_intent(self, digest: str, batch: Batch) -> None:
        """Keep that a task is about to be created, before it is."""
        self._note({"kind": "intent", "digest": digest, "batch": asdict(batch)})

    def record_batch(self, digest: str, arn: str) -> None:
        """Keep the ARN of the task that was created."""
        self._note({"kind": "batch", "digest": digest, "arn": arn})

    def record_end(
        self, digest: str, status: str, *, successful_shots: int, minutes: float
    ) -> None:
        """Keep how a task ended, and what is billed of it."""
        end = {"status": status, "successful_shots": successful_shots, "minutes": minutes}
        self._note({"kind": "ended", "digest": digest, **end})

    def record_given_up(self, digest: str, error: str) -> None:
        """Keep that the run does without a task, before it is cancelled: for which error."""
        self._note({"kind": "given_up", "digest": digest, "error": error})

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _note(self, entry: dict[str, Any]) -> None:
        """Keep an entry, here as well as in the file."""
        self._append(entry)
        self._remember(entry)

    def _append(self, entry: dict[str, Any]) -> None:
        self._file.write(json.dumps(entry) + "\n")
        self._file.flush()

    def _read(self) -> None:
        if not self.path.exists():
            return
        text = self.path.read_bytes()
        complete = text[: text.rfind(b"\n") + 1]
        for number, line in enumerate(complete.splitlines(), 1):
            try:
                self._remember(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                raise InvalidResult(
                    f"checkpoint {self.path.name}, line {number}: {error}; allowed: a line as the "
                    "job wrote it, or no file"
                ) from error
        with self.path.open("r+b") as file:
            file.truncate(len(complete))

    def _remember(self, entry: dict[str, Any]) -> None:
        match entry:
            case {"kind": "evaluation", "angles": at, "energy": energy, "gradient": gradient}:
                angles = np.array(at, dtype=np.float64)
                found = float(energy), np.array(gradient, dtype=np.float64)
                self._evaluations[angles.tobytes()] = found
            case {"kind": "decision", "purpose": purpose, "decision": decision}:
                self._decisions[purpose] = dict(decision)
            case {"kind": "attempt", "started": started}:
                self._attempts.append(float(started))
            case {"kind": "device", "state": state}:
                self._device = dict(state)
            case {"kind": "intent", "digest": digest, "batch": batch}:
                self._batches[digest] = Batch(**batch)
            case {"kind": "batch", "digest": digest, "arn": arn}:
                self._change(digest, arn=arn)
            case {"kind": "ended", "digest": digest, "status": status, **billed}:
                self._change(digest, status=status, **billed)
            case {"kind": "given_up", "digest": digest, "error": error}:
                self._change(digest, given_up=error)
            case {"kind": kind, **fields}:
                raise ValueError(f"got kind {kind!r} with fields {sorted(fields)}")
            case _:
                raise ValueError("got no kind")

    def _change(self, digest: str, **changes: Any) -> None:
        self._batches[digest] = replace(self._batches[digest], **changes)
