"""What goes wrong at a call: strikes it, before its effect or after, as the plan says."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from werkzeug.wrappers import Request, Response

from tests.faults.places import JOB, Place, place_of
from tests.faults.plans import KILLS, STOPS, Fault, Plan
from tests.stack import Stack

_PASSED = "tests.faults.passed"
HARMLESS = {"slow", "long", "stop", "stop-after"}
BEFORE = {"throttle", "error", "deny", "reset", "kill"}
"""Faults by which a call has no effect."""

EFFECTIVE = {"cut", "half", "silent"}
"""Those by which it has one, though their names do not say so."""

WAITS = {"slow": 0.3, "long": 3.0}
"""Seconds before an answer; a long one outlasts the times after which Cancel is called again."""

SILENT_SECONDS = 8.5
"""Longer than a client waits for an answer."""

LATE_SECONDS = 0.4

_REFUSALS = {
    "throttle": {
        "s3": ("SlowDown", 503),
        "sns": ("Throttling", 400),
        "lambda": ("TooManyRequestsException", 429),
        "dynamodb": ("ProvisionedThroughputExceededException", 400),
        "": ("ThrottlingException", 429),
    },
    "error": {
        "s3": ("InternalError", 500),
        "sns": ("InternalError", 500),
        "lambda": ("ServiceException", 500),
        "braket": ("InternalServiceException", 500),
        "dynamodb": ("InternalServerError", 500),
        "": ("InternalFailure", 500),
    },
    "deny": {
        "s3": ("AccessDenied", 403),
        "sns": ("AuthorizationError", 403),
        "": ("AccessDeniedException", 403),
    },
}


class Struck(NamedTuple):
    """A fault that came to pass, and at which call of its place."""

    fault: Fault
    call: int


@dataclass
class Strikes:
    """Stands before the endpoint, and lets a plan's faults come to pass.

    Attributes:
        struck: what came to pass, in order.
        seen: how often each place was called.
        lost_tellings: faults between a notification and the mark that it was sent: after each the
            end may be told once more.
    """

    stack: Stack
    plan: Plan
    execution: str
    struck: list[Struck] = field(default_factory=list)
    seen: Counter[Place] = field(default_factory=Counter)
    lost_tellings: int = 0
    _unmarked: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, service: str, request: Request) -> Response | None:
        """Answer a call that a fault strikes; None lets it pass."""
        place = None if _PASSED in request.environ else place_of(service, request)
        if place is None:
            return None
        with self._lock:
            self.seen[place] += 1
            call = self.seen[place]
            fault = self._fault(place, call)
            if fault:
                self.struck.append(Struck(fault, call))
            self._watch_telling(place, fault)
        return self._strike(fault, service, request) if fault else None

    @property
    def pass_over(self) -> bool:
        """Whether all that came to pass can be ridden out: it is little, and none of it for good.

        Up to five faults, of these two kills at most and one of the job; no stop, nothing denied.
        """
        kinds = [each.fault.kind for each in self.struck]
        killed = sum(kind in KILLS for kind in kinds)
        of_job = sum(
            each.fault.place.caller == JOB and each.fault.kind != "slow" for each in self.struck
        )
        for_good = {"deny", *STOPS} & set(kinds)
        return len(self.struck) <= 5 and killed <= 2 and of_job <= 1 and not for_good

    def _fault(self, place: Place, call: int) -> Fault | None:
        for fault in self.plan.faults:
            if fault.place == place and fault.at <= call < fault.at + fault.times:
                return fault
        return None

    def _watch_telling(self, place: Place, fault: Fault | None) -> None:
        """Count the faults that come between a notification and its mark."""
        harmless = fault is None or fault.kind in HARMLESS
        if place.operation == "Publish" and (fault is None or fault.kind not in BEFORE):
            self._unmarked = True
        self.lost_tellings += self._unmarked and not harmless
        if place.operation == "PutObject:end.json" and harmless:
            self._unmarked = False

    def _strike(self, fault: Fault, service: str, request: Request) -> Response | None:
        kind, after = fault.kind.removesuffix("-after"), fault.kind.endswith("-after")
        answer = self._pass(request) if after or kind in EFFECTIVE else None
        match kind:
            case "throttle" | "error" | "deny":
                answer = _refusal(kind, service)
            case "cut" | "half":
                answer = _shortened(answer or Response(), lie=kind == "cut")
            case "reset":
                answer = _drop(request)
            case "late":
                self._later(request)
                answer = _drop(request)
            case "silent":
                time.sleep(SILENT_SECONDS)
                answer = _drop(request)
            case "slow" | "long":
                time.sleep(WAITS[kind])
            case "kill":
                self._kill(fault.place.caller)
                answer = answer or Response(status=503)
            case "kill-job":
                threading.Thread(target=self._kill_job, name="kill event", daemon=True).start()
            case "stop":
                self.stop()
            case "abandon":
                self._abandon(fault.place, request)
                answer = _refusal("error", service)
        return answer

    def stop(self) -> None:
        """Stop the execution, as a user does."""
        states = self.stack.states
        if states.describe_execution(executionArn=self.execution)["status"] == "RUNNING":
            states.stop_execution(executionArn=self.execution)

    def _pass(self, request: Request) -> Response:
        environ = request.environ | {_PASSED: True}
        return Response.from_app(self.stack.aws.router, environ)

    def _later(self, request: Request) -> None:
        """Let the call have its effect when its caller has given it up."""
        content = request.environ["wsgi.input"].read(int(request.environ["CONTENT_LENGTH"] or 0))
        environ = request.environ | {_PASSED: True, "wsgi.input": io.BytesIO(content)}
        router = self.stack.aws.router
        late = threading.Timer(LATE_SECONDS, lambda: Response.from_app(router, environ))
        late.name = "late event"
        late.start()

    def _kill(self, function: str) -> None:
        _kill(self.stack.aws.functions.process_ids(f"quantum-pipeline-{function}Function"), os.kill)

    def _kill_job(self) -> None:
        """Kill the job's process, which may have yet to start."""
        for _ in range(200):
            if ids := self.stack.aws.braket.process_ids():
                _kill(ids, os.killpg)
                return
            time.sleep(0.01)

    def _abandon(self, place: Place, request: Request) -> None:
        """Let a function run on of which nobody will hear, while it is called again."""
        name, payload = (
            f"quantum-pipeline-{place.operation.partition(':')[2]}Function",
            request.data,
        )
        functions = self.stack.aws.functions
        threading.Thread(
            target=functions.invoke, args=(name, payload), name=f"{name} event", daemon=True
        ).start()


def _kill(process_ids: list[int], kill: Callable[[int, int], None]) -> None:
    for process_id in process_ids:
        with suppress(ProcessLookupError):
            kill(process_id, signal.SIGKILL)


def _refusal(kind: str, service: str) -> Response:
    codes = _REFUSALS[kind]
    code, status = codes.get(service, codes[""])
    error = f"<Error><Code>{code}</Code><Message>by plan</Message></Error>"
    match service:
        case "s3":
            return Response(error, status, content_type="application/xml")
        case "sns":
            body = f"<ErrorResponse>{error}</ErrorResponse>"
            return Response(body, status, content_type="text/xml")
    body = json.dumps({"__type": code, "message": "by plan"})
    headers = {"x-amzn-ErrorType": code, "x-amzn-RequestId": "by-plan"}
    return Response(body, status, headers, content_type="application/json")


def _drop(request: Request) -> Response:
    """Close the connection without an answer."""
    with suppress(OSError):
        request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    return Response(status=500)


def _shortened(answer: Response, *, lie: bool) -> Response:
    """Return the first half of an answer; it says that it is whole, or the connection ends."""
    body = answer.get_data()
    half = Response(body[: len(body) // 2], answer.status_code, answer.headers)
    half.automatically_set_content_length = False
    half.headers["Content-Length"] = str(len(body) if lie else len(body) // 2)
    return half
