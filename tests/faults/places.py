"""Where a fault can strike: who calls what of AWS, as the endpoint sees it."""

from __future__ import annotations

import re
from typing import NamedTuple

from werkzeug.wrappers import Request

ENGINE = "Engine"
"""Step Functions, which calls the functions."""

JOB = "Job"
"""The job's process, and the service that stores what it leaves."""


class Place(NamedTuple):
    """An operation of AWS, of which object where it is S3's, and who calls it."""

    caller: str
    operation: str

    def __str__(self) -> str:
        return f"{self.caller} {self.operation}"


_BRAKET = (
    ("GET", r"/device/.+", "GetDevice"),
    ("POST", r"/devices", "SearchDevices"),
    ("POST", r"/job", "CreateJob"),
    ("GET", r"/job/.+", "GetJob"),
    ("PUT", r"/job/.+/cancel", "CancelJob"),
    ("POST", r"/jobs", "SearchJobs"),
    ("POST", r"/quantum-task", "CreateQuantumTask"),
    ("GET", r"/quantum-task/.+", "GetQuantumTask"),
    ("PUT", r"/quantum-task/.+/cancel", "CancelQuantumTask"),
    ("POST", r"/quantum-tasks", "SearchQuantumTasks"),
)
_S3 = {
    "DELETE": "DeleteObject",
    "GET": "GetObject",
    "HEAD": "HeadObject",
    "PUT": "PutObject",
}


def place_of(service: str, request: Request) -> Place | None:
    """Return where a request comes from and what it asks for; None for one of the tests."""
    caller = _caller(service, request)
    operation = _operation(service, request)
    return Place(caller, operation) if caller and operation else None


def _caller(service: str, request: Request) -> str:
    if named := re.search(r"\bapp/(\w+)Function\b", request.headers.get("User-Agent", "")):
        return named[1]
    return {"lambda": ENGINE, "s3": JOB, "braket": JOB, "logs": JOB}.get(service, "")


def _operation(service: str, request: Request) -> str:
    match service:
        case "braket":
            return next(
                name
                for method, path, name in _BRAKET
                if method == request.method and re.fullmatch(path, request.path)
            )
        case "s3":
            return _of_s3(request)
        case "sns":
            return "Publish"
        case "lambda":
            found = re.search(r"functions/[^/]*?(\w+)Function(?:/|$)", request.path)
            return f"Invoke:{found[1]}" if found else ""
        case "states" | "logs" | "dynamodb":
            return request.headers["X-Amz-Target"].rpartition(".")[2]
    return ""


def _of_s3(request: Request) -> str:
    key = request.path.strip("/").partition("/")[2]
    if "delete" in request.args:
        return "DeleteObjects"
    if not key:
        return "ListObjects"
    operation = "CopyObject" if "X-Amz-Copy-Source" in request.headers else _S3[request.method]
    return f"{operation}:{_object(key)}"


def _object(key: str) -> str:
    """Return what an object is, whatever run it is of.

    >>> _object("runs/r1/staged/0a1b/report.json"), _object("runs/r1/end.json")
    ('staged', 'end.json')
    >>> _object("studies/angles/rounds/0001.json"), _object("studies/_ends/monday.json")
    ('rounds', 'ends')
    """
    if key.startswith("line/"):
        return "ticket"
    if key.startswith("studies/"):
        return "ends" if key.startswith("studies/_ends/") else key.split("/")[2]
    if not key.startswith("runs/"):
        return "source" if key.endswith(".tar.gz") else key.rpartition("/")[2]
    return key.split("/")[2]
