"""Ends a run exactly once, in one of completed.json, failure.json, cancelled.json.

Whoever ends a run first claims its end, by writing ``end.json`` where there is none. Cancel claims
it before it looks for a job, and submit looks for a claim after it has created one: in whichever
order the two run, one of them sees the other, and no job is left running.

An end is counted and announced after it is claimed, and its record then says so: a retried call
announces what the first could not, and nothing twice.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from quantum_pipeline import runs
from quantum_pipeline.aws import storage


class Claim(BaseModel):
    """Which of its records ends the run."""

    record: str


class End(BaseModel):
    """What the record of every end has; ``told`` is true once metrics and notification are out."""

    run_id: str
    ended_at: datetime
    job_arn: str | None = None
    told: bool = False


def end_of(bucket: str, run_id: str) -> str | None:
    """Return the name of the record that ends a run, None while it goes on."""
    claim = storage.read_model(bucket, runs.key(run_id, runs.END), Claim)
    return claim.record if claim else None


def claim(bucket: str, name: str, end: End) -> bool:
    """End a run in this way unless it has ended; return whether it has yet to be announced."""
    first = storage.write_once(bucket, runs.key(end.run_id, runs.END), Claim(record=name))
    if not first and end_of(bucket, end.run_id) != name:
        return False
    key = runs.key(end.run_id, name)
    earlier = storage.read_model(bucket, key, End)
    if earlier is None:
        storage.write_model(bucket, key, end)
    return earlier is None or not earlier.told


def mark_told(bucket: str, name: str, end: End) -> None:
    """Rewrite the record of an end that was announced, with what became known since."""
    told = end.model_copy(update={"told": True})
    storage.write_model(bucket, runs.key(end.run_id, name), told)
