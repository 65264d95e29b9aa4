"""The catalogue of a stack: the records of its runs, and older runs read in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from quantum_pipeline import runs
from quantum_pipeline.aws.catalogue import put_once
from quantum_pipeline.catalogue.filters import Wanted, sortable
from quantum_pipeline.catalogue.sources import record_of_files
from quantum_pipeline.cli.bucket import Bucket
from quantum_pipeline.errors import InvalidRequest


class CatalogueClient:
    """One table of records, by a client of DynamoDB.

    Raises:
        InvalidRequest: the stack is of a release that had no catalogue.
    """

    def __init__(self, dynamodb: Any, outputs: Mapping[str, str]) -> None:
        if "CatalogueTableName" not in outputs:
            allowed = "one with a catalogue, which this release has: deploy it again"
            raise InvalidRequest.of("--stack", outputs["StateMachineArn"], allowed)
        self._dynamodb, self._table = dynamodb, outputs["CatalogueTableName"]

    def record(self, run_id: str) -> str | None:
        """Return the record of a run as JSON, None where there is none."""
        found = self._dynamodb.get_item(TableName=self._table, Key={"run_id": {"S": run_id}})
        return str(found["Item"]["record"]["S"]) if "Item" in found else None

    def records(self, wanted: Wanted) -> Iterator[str]:
        """Yield the records as JSON, the newest first: of the study, of the time."""
        index, key, value = "by-time", "kind", "run"
        if wanted.study is not None:
            index, key, value = "by-study", "study", wanted.study
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=index,
            KeyConditionExpression="#key = :value AND ended_at BETWEEN :since AND :until",
            ProjectionExpression="#record",
            ExpressionAttributeNames={"#key": key, "#record": "record"},
            ExpressionAttributeValues={
                ":value": {"S": value},
                ":since": {"S": sortable(wanted.since) if wanted.since else "0"},
                ":until": {"S": sortable(wanted.until) if wanted.until else "9"},
            },
            ScanIndexForward=False,
        )
        for page in pages:
            for item in page["Items"]:
                yield item["record"]["S"]

    def read_in(self, bucket: Bucket) -> int:
        """Put the runs of a bucket into the catalogue that are not in it; return how many."""

        def content(run_id: str, name: str) -> bytes | None:
            return bucket.content(runs.key(run_id, name))

        known = {json.loads(each)["run_id"] for each in self.records(Wanted())}
        left = (run_id for run_id in bucket.folders("runs/") if run_id not in known)
        made = (record_of_files(partial(content, run_id)) for run_id in left)
        return sum(put_once(self._table, each) for each in made if each is not None)
