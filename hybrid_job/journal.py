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

Whoever can write to the bucket can write a journal. Lines are read one by one, none longer than
LONGEST_LINE, and each as a model of strict and finite numbers; a decision is read as the record
that its purpose asks for. What does not fit is InvalidResult, by its line or its purpose.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from quantum_pipeline.devices.states import DeviceState
from quantum_pipeline.errors import InvalidRequest, InvalidResult
from quantum_pipeline.planning.tasks import Purpose
from quantum_pipeline.quantities import Angle, Count, Entries, Finite, Minutes, Number, Text
from quantum_pipeline.refusals import describe
from quantum_pipeline.requests.json_text import parse_json
from quantum_pipeline.wording import refusal, shown

Real = NDArray[np.float64]

LONGEST_LINE = 6 * 2**20
"""Bytes; the largest decision, the states of a scan, has 31 kB for each of 10 orbitals' points."""

LARGEST = 2**30
"""Bytes of a whole journal."""

Vector = Entries[Angle]
Values = Vector | Entries[Vector]


class Kept(BaseModel):
    """A part of the journal."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Decision = TypeVar("Decision", bound=Kept)


@dataclass(frozen=True)
class Batch:
    """What one quantum task is for; its ARN once it is created, the rest once it has ended.

    ``ordinal`` numbers the measurements of a purpose, from 0; ``shots`` are those of each
    executable; ``successful_shots`` and ``minutes`` (of a simulator) are what is billed.
    ``together`` are the executables of the whole measurement, which may be several tasks;
    ``given_up`` is the error, by name, for which the run itself did without it. ``device`` is the
    name of one of several, None of the run's only one.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    purpose: Purpose
    ordinal: Number
    executables: Count
    shots: Count
    arn: Text | None = None
    status: Text | None = None
    successful_shots: Number = 0
    minutes: Minutes = 0.0
    together: Number = 0
    given_up: Text | None = None
    device: Text | None = None


class _Evaluation(Kept):
    kind: Literal["evaluation"] = "evaluation"
    angles: Values
    energy: Finite
    gradient: Values

    @field_validator("angles", "gradient")
    @classmethod
    def _check_rows(cls, values: Values) -> Values:
        check_rows(values)
        return values


def check_rows(values: Values) -> None:
    """Refuse rows of different lengths.

    Raises:
        ValueError: names the lengths.
    """
    lengths = {len(each) for each in values if isinstance(each, tuple)}
    if len(lengths) > 1:
        raise ValueError(refusal("lengths", sorted(lengths), "rows of one length"))


class _Decided(Kept):
    kind: Literal["decision"] = "decision"
    purpose: Text
    decision: dict[str, Any]


class _Attempt(Kept):
    kind: Literal["attempt"] = "attempt"
    started: Annotated[float, Field(strict=True, ge=0, le=1e12)]


class _Device(Kept):
    kind: Literal["device"] = "device"
    state: DeviceState


class _Intent(Kept):
    kind: Literal["intent"] = "intent"
    digest: Text
    batch: Batch


class _Created(Kept):
    kind: Literal["batch"] = "batch"
    digest: Text
    arn: Text


class _Ended(Kept):
    kind: Literal["ended"] = "ended"
    digest: Text
    status: Text
    successful_shots: Number
    minutes: Minutes


class _GivenUp(Kept):
    kind: Literal["given_up"] = "given_up"
    digest: Text
    error: Text


_ENTRIES: Mapping[str, type[Kept]] = {
    "evaluation": _Evaluation,
    "decision": _Decided,
    "attempt": _Attempt,
    "device": _Device,
    "intent": _Intent,
    "batch": _Created,
    "ended": _Ended,
    "given_up": _GivenUp,
}


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
        self._devices: dict[str, DeviceState] = {}
        self._batches: dict[str, Batch] = {}
        self._read()
        self._file = self.path.open("a", encoding="ascii")
        self._lock = threading.Lock()

    def evaluation(self, angles: Real, shape: tuple[int, ...]) -> tuple[float, Real] | None:
        """Return the energy and gradient at these very angles, if they were computed before.

        Raises:
            InvalidResult: the gradient has not this shape.
        """
        found = self._evaluations.get(angles.tobytes())
        if found is not None and found[1].shape != shape:
            said = refusal("gradient of an evaluation", found[1].shape, f"the shape {shape}")
            raise InvalidResult(f"checkpoint {self.path.name}, {said}")
        return found

    def record_evaluation(self, angles: Real, energy: float, gradient: Real) -> None:
        """Keep what was computed."""
        found = {"angles": angles.tolist(), "energy": energy, "gradient": gradient.tolist()}
        self._append({"kind": "evaluation", **found})

    def decision(self, purpose: str, model: type[Decision]) -> Decision | None:
        """Return what an attempt decided for a purpose before it paid: later ones follow it.

        Raises:
            InvalidResult: it is no such record.
        """
        found = self._decisions.get(purpose)
        if found is None:
            return None
        with self.checked(purpose):
            return model.model_validate(found)

    def decided(
        self, purpose: str, model: type[Decision], decide: Callable[[], Decision]
    ) -> Decision:
        """Return what the first attempt to come here decided for a purpose."""
        found = self.decision(purpose, model)
        if found is None:
            found = decide()
            self.record_decision(purpose, found)
        return found

    def record_decision(self, purpose: str, decision: Kept) -> None:
        """Keep what was decided, before it is paid for."""
        made = decision.model_dump(mode="json")
        self._note(_Decided(purpose=purpose, decision=made))

    @contextmanager
    def checked(self, purpose: str) -> Iterator[None]:
        """Name the decision that is not what its purpose asks for.

        Raises:
            InvalidResult: in place of what reading it raised.
        """
        try:
            yield
        except ValidationError as error:
            said = "; ".join(
                refusal(".".join(map(str, each["loc"])) or "value", each["input"], each["msg"])
                for each in error.errors(include_url=False)[:MOST_SAID]
            )
        except (ValueError, InvalidResult) as error:
            said = str(error)
        else:
            return
        raise InvalidResult(f"checkpoint {self.path.name}, {shown(purpose)}: {said}") from None

    @property
    def attempts(self) -> tuple[float, ...]:
        """Return when each attempt started, in seconds since the epoch."""
        return tuple(self._attempts)

    def record_attempt(self, started: float) -> None:
        """Keep when this attempt started: its instance is paid for from then on."""
        self._note(_Attempt(started=started))

    @property
    def devices(self) -> Mapping[str, DeviceState]:
        """Return what Braket said of each device, by ARN, when it was last compiled for."""
        return dict(self._devices)

    def record_device(self, state: DeviceState) -> None:
        """Keep the device's state: a resumed job compiles for it, and gets the same circuits."""
        self._note(_Device(state=state))

    @property
    def batches(self) -> Mapping[str, Batch]:
        """Return all batches by their digest, in the order in which they were meant to be run."""
        return dict(self._batches)  # while one thread reads, that of another device may add to it

    def batch(self, digest: str) -> Batch | None:
        """Return what is known of a batch: without an ARN it was meant to be run, no more."""
        return self._batches.get(digest)

    def record_intent(self, digest: str, batch: Batch) -> None:
        """Keep that a task is about to be created, before it is."""
        self._note(_Intent(digest=digest, batch=batch))

    def record_batch(self, digest: str, arn: str) -> None:
        """Keep the ARN of the task that was created."""
        self._note(_Created(digest=digest, arn=arn))

    def record_end(
        self, digest: str, status: str, *, successful_shots: int, minutes: float
    ) -> None:
        """Keep how a task ended, and what is billed of it."""
        self._note(
            _Ended(digest=digest, status=status, successful_shots=successful_shots, minutes=minutes)
        )

    def record_given_up(self, digest: str, error: str) -> None:
        """Keep that the run does without a task, before it is cancelled: for which error."""
        self._note(_GivenUp(digest=digest, error=error))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _note(self, entry: Kept) -> None:
        """Keep an entry, here as well as in the file."""
        with self._lock:
            self._append(entry.model_dump(mode="json"))
            self._remember(entry)

    def _append(self, entry: dict[str, Any]) -> None:
        self._file.write(json.dumps(entry) + "\n")
        self._file.flush()

    def _read(self) -> None:
        if not self.path.exists():
            return
        if self.path.stat().st_size > LARGEST:
            raise InvalidResult(f"checkpoint {self.path.name}: allowed: up to {LARGEST} bytes")
        complete = 0
        with self.path.open("r+b") as file:
            for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE + 1), b""), 1):
                where = f"checkpoint {self.path.name}, line {number}"
                if len(line) > LONGEST_LINE:
                    raise InvalidResult(f"{where}: allowed: up to {LONGEST_LINE} bytes")
                if not line.endswith(b"\n"):
                    break
                self._remember(_entry(line, where))
                complete += len(line)
            file.truncate(complete)

    def _remember(self, entry: Kept) -> None:
        match entry:
            case _Evaluation():
                angles = np.array(entry.angles, dtype=np.float64)
                found = entry.energy, np.array(entry.gradient, dtype=np.float64)
                self._evaluations[angles.tobytes()] = found
            case _Decided():
                self._decisions[entry.purpose] = entry.decision
            case _Attempt():
                self._attempts.append(entry.started)
            case _Device():
                self._devices[entry.state.arn] = entry.state
            case _Intent():
                self._batches[entry.digest] = entry.batch
            case _GivenUp():
                self._change(entry.digest, given_up=entry.error)
            case _Created():
                self._change(entry.digest, arn=entry.arn)
            case _Ended():
                ended = entry.model_dump(include={"status", "successful_shots", "minutes"})
                self._change(entry.digest, **ended)

    def _change(self, digest: str, **changes: Any) -> None:
        if digest not in self._batches:
            allowed = "one of a task that was meant to be run"
            raise InvalidResult(
                f"checkpoint {self.path.name}: {refusal('digest', digest, allowed)}"
            )
        self._batches[digest] = replace(self._batches[digest], **changes)


def angles_of(journal: Journal, purpose: str, written: tuple[Vector, ...]) -> Real:
    """Return a decision's angles, shape (2, depth).

    Raises:
        InvalidResult: they have another shape.
    """
    with journal.checked(purpose):
        lengths = [len(each) for each in written]
        if len(lengths) != 2 or lengths[0] != lengths[1] or not lengths[0]:
            raise ValueError(refusal("lengths of angles", lengths, "as many gammas as betas"))
    return np.array(written, dtype=np.float64)


MOST_SAID = 3
"""Of what is wrong with a decision."""


def _entry(line: bytes, where: str) -> Kept:
    """Return the entry of a line."""
    try:
        found = parse_json(line, where)
    except InvalidRequest as error:
        raise InvalidResult(str(error)) from None
    kind = found.get("kind") if isinstance(found, dict) else None
    model = _ENTRIES.get(kind) if isinstance(kind, str) else None
    if model is None:
        raise InvalidResult(f"{where}: {refusal('kind', kind, ', '.join(_ENTRIES))}")
    try:
        return model.model_validate(found)
    except ValidationError as error:
        raise InvalidResult(f"{where}: {describe(error, model, str(kind))}") from None
