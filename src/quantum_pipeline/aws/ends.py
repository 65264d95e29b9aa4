"""The mark that ends a run: one of completed.json, failure.json, cancelled.json.

Cancel writes its mark before it looks for a job, and submit looks for a mark after it has created
one: in whichever order the two run, one of them sees the other, and no job is left running.

An end is counted and told of after it is marked, and its mark then says so: a call that is tried
again tells what the first try could not, and nothing twice.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from quantum_pipeline import runs
from quantum_pipeline.aws import storage


class End(BaseModel):
    """What every mark has; ``told`` once metrics and notification are out."""

    run_id: str
    ended_at: datetime
    job_arn: str | None = None
    told: bool = False


def end_of(bucket: str, run_id: str) -> str | None:
    """Return the name of the mark that ended a run, None while it goes on."""
    prefix = runs.key(run_id, "")
    names = {key.removeprefix(prefix) for key in storage.keys(bucket, prefix)}
    return next((end for end in runs.ENDS if end in names), None)


def mark(bucket: str, name: str, end: End) -> bool:
    """Mark a run as ended unless it is; return whether this end has still to be told of."""
    key = runs.key(end.run_id, name)
    found = end_of(bucket, end.run_id)
    if found is None and storage.write_once(bucket, key, end):
        return True
    earlier = storage.read_model(bucket, key, End)  # None where the run ended in another way
    return earlier is not None and not earlier.told


def mark_told(bucket: str, name: str, end: End) -> None:
    """Write the mark anew, with what became known since, once the end was told of."""
    storage.write_model(bucket, runs.key(end.run_id, name), end.model_copy(update={"told": True}))
