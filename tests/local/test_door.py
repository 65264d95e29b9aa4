"""Who gets into the AWS on this machine: those who sign with its key, and no page of a browser."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import boto3
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from quantum_pipeline.local import peers
from quantum_pipeline.local.aws import LocalAws
from quantum_pipeline.local.door import is_safe_host
from quantum_pipeline.local.keys import Key
from quantum_pipeline.local.peers import is_ours
from tests.stack import Stack

INTENDED = "a key/with é, +, ~ and spaces  "


@pytest.fixture(scope="module")
def aws(stack: Stack) -> LocalAws:
    return stack.aws


def client(aws: LocalAws, service: str, key: Key, **options: Any) -> Any:
    create: Any = boto3.client
    arguments = {"endpoint_url": aws.endpoint_url, "region_name": aws.region, **key.arguments()}
    return create(service, **arguments, config=Config(retries={"total_max_attempts": 1}, **options))


def ask(
    aws: LocalAws, headers: Mapping[str, str], path: str = "/", method: str = "GET", body: str = ""
) -> tuple[int, str, dict[str, str]]:
    connection = http.client.HTTPConnection(urlsplit(aws.endpoint_url).netloc)
    connection.request(method, path, body, dict(headers))
    answer = connection.getresponse()
    content = answer.read().decode()
    connection.close()
    return answer.status, content, {name.lower(): value for name, value in answer.getheaders()}


def signed(aws: LocalAws, service: str, path: str = "/", body: str = "") -> dict[str, str]:
    request = AWSRequest("POST" if body else "GET", f"{aws.endpoint_url}{path}", data=body)
    credentials = Credentials(aws.key.access_key_id, aws.key.secret_access_key)
    auth = S3SigV4Auth if service == "s3" else SigV4Auth
    auth(credentials, service, aws.region).add_auth(request)
    return dict(request.headers.items())


CALLS = [
    ("s3", "list_buckets", {}),
    ("stepfunctions", "list_state_machines", {}),
    ("sns", "list_topics", {}),
    ("events", "list_rules", {}),
    ("cloudwatch", "list_metrics", {}),
    ("logs", "describe_log_groups", {}),
    ("sts", "get_caller_identity", {}),
    ("braket", "search_jobs", {"filters": []}),
    ("lambda", "invoke", {"FunctionName": "x", "InvocationType": "DryRun"}),
]


@pytest.mark.parametrize(("service", "operation", "arguments"), CALLS)
def test_only_the_servers_own_key_gets_into_a_service(
    aws: LocalAws, service: str, operation: str, arguments: dict[str, Any]
) -> None:
    right, other = aws.key, Key()
    half = Key(right.access_key_id, other.secret_access_key)
    codes = []
    for key in (other, half, right):
        try:
            getattr(client(aws, service, key), operation)(**arguments)
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])
    assert codes[:2] == ["InvalidClientTokenId", "SignatureDoesNotMatch"]
    assert codes[2:] == (["ResourceNotFoundException"] if service == "lambda" else [])


def test_two_servers_have_keys_of_their_own() -> None:
    assert Key() != Key()
    assert len({Key().secret_access_key for _ in range(100)}) == 100
    assert Key().secret_access_key not in repr(Key())


@pytest.mark.parametrize("body", [b"", b"text", b"\x00\xff" * 300_000])
@pytest.mark.parametrize("key", ["plain", INTENDED, "a//b/../c"])
def test_content_and_names_of_all_kinds_arrive(stack: Stack, body: bytes, key: str) -> None:
    stack.s3.put_object(Bucket=stack.bucket, Key=key, Body=body)
    got = stack.s3.get_object(Bucket=stack.bucket, Key=key, ResponseContentType="text/plain")
    assert got["Body"].read() == body


def test_a_url_that_was_signed_beforehand_opens_its_object_alone(
    aws: LocalAws, stack: Stack
) -> None:
    stack.s3.put_object(Bucket=stack.bucket, Key=INTENDED, Body=b"content")
    signing = client(aws, "s3", aws.key, signature_version="s3v4")
    arguments = {"Bucket": stack.bucket, "Key": INTENDED}
    url = signing.generate_presigned_url("get_object", arguments, ExpiresIn=60)
    with urlopen(url) as answer:
        assert answer.read() == b"content"
    path = url.removeprefix(aws.endpoint_url)
    assert ask(aws, {}, path.replace("spaces", "spices"))[0] == 403
    assert ask(aws, {}, path.replace("X-Amz-Expires=60", "X-Amz-Expires=600"))[0] == 403
    late = signing.generate_presigned_url("get_object", arguments, ExpiresIn=-1)
    assert "RequestExpired" in ask(aws, {}, late.removeprefix(aws.endpoint_url))[1]


def test_what_is_not_signed_is_refused(aws: LocalAws) -> None:
    for headers in (
        {},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "AWS testing:signature"},
    ):
        status, content, _ = ask(aws, headers)
        assert (status, "Signature" in content or "Authentication" in content) == (403, True)


def test_a_signature_is_for_one_content_path_and_time(aws: LocalAws) -> None:
    body, path = '{"filters": []}', "/jobs"
    headers = signed(aws, "braket", path, body)
    assert ask(aws, headers, path, "POST", body)[0] == 200
    assert ask(aws, headers, path, "POST", body + " ")[0] == 403
    assert ask(aws, headers, "/job", "POST", body)[0] == 403
    assert ask(aws, headers, path, "PUT", body)[0] == 403
    old = {**headers, "X-Amz-Date": "20200101T000000Z"}
    assert "RequestExpired" in ask(aws, old, path, "POST", body)[1]


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost:8000", "null"])
def test_no_page_is_answered_even_if_it_could_sign(aws: LocalAws, origin: str) -> None:
    status, content, headers = ask(aws, {**signed(aws, "s3"), "Origin": origin})
    assert status == 403
    assert "pages" in content
    status, _, headers = ask(aws, {"Origin": origin}, method="OPTIONS")
    assert status == 403
    assert not [name for name in headers if name.startswith("access-control")]


def test_no_answer_lets_pages_read_it(aws: LocalAws) -> None:
    status, _, headers = ask(aws, signed(aws, "s3"))
    assert status == 200
    assert not [name for name in headers if name.startswith("access-control")]


def test_a_name_that_was_taken_over_is_refused(aws: LocalAws) -> None:
    status, content, _ = ask(aws, {**signed(aws, "s3"), "Host": "evil.example"})
    assert (status, "host" in content) == (403, True)
    assert not is_safe_host("127.0.0.1.evil.example:80")


@pytest.mark.parametrize("path", ["/moto-api/data.json", "/moto-api/reset", "/moto-api/"])
def test_motos_own_pages_are_closed(aws: LocalAws, path: str) -> None:
    for headers in ({}, signed(aws, "s3", path)):
        status, content, _ = ask(aws, headers, path)
        assert (status, "closed" in content) == (403, True)


def test_a_refusal_is_in_the_form_of_the_protocol(aws: LocalAws) -> None:
    as_json = ask(aws, {"Content-Type": "application/x-amz-json-1.0"}, method="POST")
    assert json.loads(as_json[1])["__type"] == "MissingAuthenticationToken"
    as_xml = ask(aws, {"Content-Type": "application/x-www-form-urlencoded"}, method="POST")
    assert as_xml[1].startswith("<ErrorResponse><Error><Type>Sender</Type><Code>Missing")


TELLING = ["that socket", "the table"]
"""What Linux tells a connection's user by: the second where it does not know the first."""


@pytest.fixture(params=TELLING)
def told_by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "the table":
        monkeypatch.setattr(peers, "_SOCK_DIAG", 99)  # a protocol that no kernel has


@pytest.mark.usefixtures("told_by")
def test_a_connection_of_this_user_is_known() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()),
    ):
        connection, _ = listener.accept()
        with connection:
            assert is_ours(connection)


@pytest.mark.usefixtures("told_by")
def test_a_connection_that_was_closed_is_nobodys() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        socket.create_connection(listener.getsockname()).close()
        connection, _ = listener.accept()
        with connection:
            assert not is_ours(connection)


@pytest.mark.usefixtures("told_by")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_a_connection_of_another_user_is_known() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connect = f"exec 3<>/dev/tcp/127.0.0.1/{listener.getsockname()[1]}; cat"
        command = ["bash", "-c", connect]
        with subprocess.Popen(command, stdin=subprocess.PIPE, user=65534, cwd="/") as other:
            connection, _ = listener.accept()
            with connection:
                assert not is_ours(connection)
            other.communicate(b"")
