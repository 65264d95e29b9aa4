"""The checkpoint: a journal of everything that was computed or paid for, one line each.

Nothing else is needed to resume. The optimiser is deterministic, so a resumed job simply starts
again and reads from the journal what it would evaluate, until it is where the first one ended.

A line is appended and flushed as soon as it is known: this costs microseconds, loses at most the
evaluation at hand, and never rewrites what is there. A job that was killed while it wrote leaves
an unfinished last line, which the next one drops.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from quantum_pipeline.errors import InvalidResult

Real = NDArray[np.float64]


class Journal:
    """Energies, gradients and quantum tasks by their angles, shape (2, depth), kept in a file."""

    def __init__(self, folder: Path, subject: BaseModel) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # The name ties the journal to its subject: no other problem's energies are ever read.
        digest = hashlib.sha256(subject.model_dump_json().encode()).hexdigest()[:16]
        self.path = folder / f"journal-{digest}.jsonl"
        self._evaluations: dict[bytes, tuple[float, Real]] = {}
        self._task: tuple[Real, str] | None = None
        self._read()
        self._file = self.path.open("a", encoding="ascii")

    def evaluation(self, angles: Real) -> tuple[float, Real] | None:
        """Return the energy and gradient at these very angles, if they were computed before."""
        return self._evaluations.get(angles.tobytes())

    def record_evaluation(self, angles: Real, energy: float, gradient: Real) -> None:
        """Keep what was computed."""
        self._append({"angles": angles.tolist(), "energy": energy, "gradient": gradient.tolist()})

    @property
    def task(self) -> tuple[Real, str] | None:
        """Return the quantum task that was created, a run has one, with its angles and ARN.

        An optimiser that starts again need not end at the last digit of those angles, least of all
        where time ended it: the task that is paid for is the one to wait for nevertheless.
        """
        return self._task

    def record_task(self, angles: Real, arn: str) -> None:
        """Keep the task, so that a resumed job waits for it instead of paying for a second one."""
        self._append({"angles": angles.tolist(), "task": arn})

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _append(self, entry: dict[str, object]) -> None:
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

    def _remember(self, entry: dict[str, object]) -> None:
        angles = np.array(entry["angles"], dtype=np.float64)
        if "task" in entry:
            self._task = angles, str(entry["task"])
        else:
            gradient = np.array(entry["gradient"], dtype=np.float64)
            self._evaluations[angles.tobytes()] = float(str(entry["energy"])), gradient
