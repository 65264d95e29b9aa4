"""Looks in S3 which runs of a pack their user has cancelled while the job goes on."""

from __future__ import annotations

from hybrid_job import environment
from quantum_pipeline.runs import CANCEL_MARKERS, key


def cancelled_runs(pack_id: str) -> frozenset[str]:
    """Return the names of the runs with a marker; none outside a job's container.

    Raises:
        BotoCoreError, ClientError: S3 does not answer; a later look may see more.
    """
    bucket = environment.bucket()
    if bucket is None:
        return frozenset()
    import boto3  # noqa: PLC0415 - takes a while, and is not needed before

    prefix = key(pack_id, CANCEL_MARKERS)
    answer = boto3.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
    return frozenset(item["Key"].removeprefix(prefix) for item in answer.get("Contents", ()))
