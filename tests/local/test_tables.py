"""Tables of DynamoDB on this machine: made when they are asked for, conditions kept, puts told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from moto.moto_api._internal.models import moto_api_backend
from werkzeug.test import Client, TestResponse

from quantum_pipeline.local.aws import read_stack
from quantum_pipeline.local.tables import Tables

SIGNED = "AWS4-HMAC-SHA256 Credential=k/20261124/us-east-1/dynamodb/aws4_request, Signature=s"


def call(tables: Tables, operation: str, **parameters: Any) -> TestResponse:
    headers = {"X-Amz-Target": f"DynamoDB_20120810.{operation}", "Authorization": SIGNED}
    kind = "application/x-amz-json-1.0"
    return Client(tables).post("/", data=json.dumps(parameters), headers=headers, content_type=kind)


@pytest.fixture(autouse=True)
def nothing_there() -> None:
    """Begin without tables: moto's are the process's."""
    moto_api_backend.reset()


def test_what_a_table_has_from_earlier_is_found_by_the_first_that_searches_it() -> None:
    stack = read_stack()
    [table] = (each for each in stack.tables if each["KeySchema"][0]["AttributeName"] == "run_id")
    name, asked = table["TableName"], list[str]()

    def item(run_id: str, text: str) -> dict[str, dict[str, str]]:
        found = {"run_id": run_id, "family": "f", "ended_at": run_id, "record": text}
        return {key: {"S": value} for key, value in found.items()}

    def earlier(table: str) -> list[Mapping[str, Any]]:
        asked.append(table)
        return [item("r1", "of before"), item("r2", "of before")]

    tables = Tables(stack.tables, stack.account, stack.region, earlier=earlier)
    call(tables, "PutItem", TableName=name, Item=item("r2", "of now"))
    assert asked == []
    for _ in range(2):
        answer = call(
            tables,
            "Query",
            TableName=name,
            IndexName="by-family",
            KeyConditionExpression="family = :f",
            ExpressionAttributeValues={":f": {"S": "f"}},
            ScanIndexForward=False,
        )
        found = json.loads(answer.get_data())["Items"]
        assert [each["record"]["S"] for each in found] == ["of now", "of before"]
    assert asked == [name]


def test_of_many_that_put_an_item_at_once_one_does_and_is_told_of() -> None:
    stack = read_stack()
    [table] = (each for each in stack.tables if each["KeySchema"][0]["AttributeName"] == "run_id")
    told: list[Mapping[str, Any]] = []
    tables = Tables(stack.tables, stack.account, stack.region, told.append)

    def put(writer: int) -> int:
        item = {"run_id": {"S": "r1"}, "kind": {"S": "run"}, "ended_at": {"S": f"{writer}"}}
        asked = {"TableName": table["TableName"], "Item": item}
        condition = "attribute_not_exists(run_id)"
        return call(tables, "PutItem", **asked, ConditionExpression=condition).status_code

    with ThreadPoolExecutor(8) as writers:
        statuses = list(writers.map(put, range(8)))
    assert sorted(statuses) == [200, *[400] * 7]
    [item] = told
    key = {"run_id": {"S": "r1"}}
    answer = call(tables, "GetItem", TableName=table["TableName"], Key=key)
    assert json.loads(answer.get_data())["Item"] == item
    assert item["ended_at"] == {"S": f"{statuses.index(200)}"}
