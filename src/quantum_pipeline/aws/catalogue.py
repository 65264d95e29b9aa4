"""The catalogue on AWS: a table of DynamoDB with one item a run, written once.

An item is the record as JSON, for the numbers of DynamoDB are not floats, and beside it what its
indexes sort by: by time, by family, by study.
"""

from __future__ import annotations

from datetime import UTC

from botocore.exceptions import ClientError

from quantum_pipeline.aws.clients import client
from quantum_pipeline.catalogue.record import RunRecord
from quantum_pipeline.error_codes import Meaning, meaning_of

KIND = "run"
"""What each item is: the key by which all of them are found in the order of their ends."""

BY_FAMILY = "by-family"
"""The index of the families, in the order of their ends."""


def put_once(table: str, record: RunRecord) -> bool:
    """Put the record of a run into the table if none is there; return whether it was put."""
    try:
        client("dynamodb").put_item(
            TableName=table,
            Item={name: {"S": value} for name, value in attributes(record).items()},
            ConditionExpression="attribute_not_exists(run_id)",
        )
    except ClientError as error:
        if meaning_of(error.response) is Meaning.CONFLICT:
            return False
        raise
    return True


def of_family(table: str, family: str, most: int) -> list[str]:
    """Return the newest records of a family as JSON, the newest first: at most so many.

    One page of the index, a megabyte, has several hundred. It is eventually consistent: a run that
    ended a moment ago may be missing.
    """
    found = client("dynamodb").query(
        TableName=table,
        IndexName=BY_FAMILY,
        KeyConditionExpression="family = :family",
        ProjectionExpression="#record",
        ExpressionAttributeNames={"#record": "record"},
        ExpressionAttributeValues={":family": {"S": family}},
        ScanIndexForward=False,
        Limit=most,
    )
    return [item["record"]["S"] for item in found["Items"]]


def attributes(record: RunRecord) -> dict[str, str]:
    """Return a record's item; an index passes over a run that has nothing to be found by."""
    indexed = {"family": record.family, "study": record.study}
    return {
        "run_id": record.run_id,
        "kind": KIND,
        "ended_at": record.ended_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        **{name: value for name, value in indexed.items() if value is not None},
        "record": record.model_dump_json(),
    }
