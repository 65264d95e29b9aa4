"""One run under one plan of faults, from its start until the sweep finds nothing left."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.responses import get_backend

from quantum_pipeline import runs
from quantum_pipeline.devices.catalogue import find
from quantum_pipeline.local.aws import ACCOUNT, REGION
from quantum_pipeline.local.runtime_api import Answer
from quantum_pipeline.studies.places import end_key
from tests.calls import Calls
from tests.faults.places import ENGINE, JOB, Place
from tests.faults.plans import Plan
from tests.faults.strikes import Strikes
from tests.stack import Stack, Subscriber
from tests.waiting import wait_for

EDGES = [[0, 1], [1, 2], [2, 3], [3, 0], [0, 2]]
PATH = [[i, i + 1] for i in range(35)]
"""Of more nodes than sv1 has qubits."""

ROWS = [
    [0.1, 0.4, "a"], [0.3, 0.2, "a"], [0.2, 0.1, "a"], [0.4, 0.3, "a"],
    [1.1, 1.4, "b"], [1.3, 1.2, "b"], [1.2, 1.1, "b"], [0.3, 0.3, "b"],
]  # fmt: skip
"""The last of which no model tells from those of the other class."""

_TABLE: dict[str, Any] = {
    "problem": {
        "type": "classification", "columns": ["x", "y", "kind"], "rows": ROWS, "target": "kind",
    },
    "shots": 30,
    "seed": 7,
    "algorithm": {"name": "kernel", "depth": 1, "folds": 2, "max_evaluations": 2, "landmarks": 2},
}  # fmt: skip
_SMALL: dict[str, Any] = {
    "problem": {"type": "maxcut", "edges": EDGES},
    "shots": 100,
    "seed": 7,
    "algorithm": {"depth": 1, "optimizer": "none", "gammas": [0.6], "betas": [-0.4]},
}
_DIVIDED: dict[str, Any] = _SMALL | {
    "algorithm": {"name": "divide", "block_size": 2, "depth": 1, "max_rounds": 1},
}
REQUESTS: dict[str, dict[str, Any]] = {
    "local": _SMALL,
    "sv1": _SMALL | {"device": "sv1"},
    "divide": _DIVIDED | {"device": "sv1"},
    "qpus": _DIVIDED | {"device": ["Garnet", "Emerald"], "limits": {"max_cost_usd": 20}},
    "cut": {
        "problem": {"type": "maxcut", "edges": PATH},
        "shots": 24,
        "seed": 7,
        "algorithm": {"depth": 1, "optimizer": "none", "gammas": [0.6], "betas": [-0.4], "cut": 1},
        "device": "sv1",
    },
    "table": _TABLE,
    "kernel": _TABLE | {"device": "sv1"},
    "refused": _SMALL | {"shots": -1},
    "broken": _SMALL,
    "pack": {
        "pack": [
            {"name": "a", "request": _SMALL},
            {"name": "b", "request": _SMALL | {"shots": 50}},
            {"name": "refused", "request": _SMALL | {"shots": -1}},
        ]
    },
    "study": {"base": _SMALL, "vary": {"algorithm.gammas.0": [0.6, 0.5], "seed": {"count": 2}}},
}
RETRIES_AFTER = (0.2, 0.4)
"""Seconds after which Lambda calls again what failed; on AWS one and two minutes."""

WAIT_SHARE = 0.02
"""How much of the waits between a state's tries really passes."""

SWEEPS = 4
"""Most sweeps after which nothing may be left."""

MAP_STARTS = timedelta(minutes=2)
"""Longer than a Map is taken to start executions after its own was stopped."""

SWEEP, SWEEP_NOW = "quantum-pipeline-SweepFunction", b'{"grace_seconds": 0}'
DEVICES = [find(name).arn for name in ("sv1", "Garnet", "Emerald")]

_STUCK_AFTER = {
    "job": (Place(ENGINE, "Invoke:Monitor"), 3),
    "tasks": (Place(JOB, "GetQuantumTask"), 1),
}
"""After how many calls it is seen that a queue does not move."""


@dataclass
class Run:
    """What has become of a plan."""

    plan: Plan
    run_id: str
    execution: str
    strikes: Strikes
    swept: list[list[str]] = field(default_factory=list)
    """The runs that each sweep found something of, after the faults were over."""
    told: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0


class Campaign:
    """A stack that runs plans, one at a time."""

    def __init__(self, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
        self._stack = stack
        self._calls = Calls(stack, monkeypatch)
        self._subscriber = Subscriber(stack)
        self._invoke_later = stack.aws.functions.invoke_later
        self._undelivered: list[tuple[str, bytes]] = []
        self._events = "once"
        monkeypatch.setattr(stack.aws.functions, "invoke_later", self._deliver)
        monkeypatch.setattr(stack.aws.functions, "retry_seconds", RETRIES_AFTER)
        hurried = SimpleNamespace(sleep=lambda seconds: time.sleep(WAIT_SHARE * seconds))
        monkeypatch.setattr(retrier_decl, "time", hurried)

    def run(self, plan: Plan, run_id: str) -> Run:
        """Return what has become of a run under a plan."""
        started = time.monotonic()
        machine = self._machine_of(plan)
        arn = machine.replace(":stateMachine:", ":execution:")
        strikes = Strikes(self._stack, plan, f"{arn}:{run_id}")
        run = Run(plan, run_id, strikes.execution, strikes)
        self._events = plan.events
        with self._braket_as_planned(plan):
            self._stack.aws.router.intercept = strikes
            self._start(plan, machine, run_id)
            self._wait_for_end(run)
            watched = self._stack.aws.router._executions._running
            wait_for(lambda: run.execution not in watched)  # whoever hears of its end is called
            self._settle()
            self._sweep_under_faults(run)
            self._stack.aws.router.intercept = None
            self._deliver_late()
            self._sweep(run)
        told = self._subscriber()
        run.told = [each for each in told if _is_of(each, run_id)]
        run.seconds = time.monotonic() - started
        return run

    def _machine_of(self, plan: Plan) -> str:
        return self._stack.aws.outputs[f"{'Study' if plan.run == 'study' else 'State'}MachineArn"]

    def _start(self, plan: Plan, machine: str, run_id: str) -> None:
        named = {"name": run_id} if plan.run == "study" else {}
        asked = json.dumps(REQUESTS[plan.run] | named)
        self._stack.states.start_execution(stateMachineArn=machine, name=run_id, input=asked)

    @contextmanager
    def _braket_as_planned(self, plan: Plan) -> Iterator[None]:
        braket = self._stack.aws.braket
        for device in DEVICES:
            braket.devices.set(device, waiting=0)
        braket.queue_seconds = 86_400 if plan.stuck == "job" else 0

        def at_creation(operation: str, params: dict[str, Any]) -> None:
            if operation != "CreateJob":
                return
            if plan.run == "broken":
                script = params["algorithmSpecification"]["scriptModeConfig"]
                script["entryPoint"] = "hybrid_job.main:missing"
            if plan.stuck == "tasks":
                for device in DEVICES:
                    braket.devices.set(device, waiting=9)

        braket.intercept = at_creation
        yield
        braket.queue_seconds, braket.intercept = 0, None

    def _wait_for_end(self, run: Run) -> None:
        """Return when the execution has ended; stop one whose job or tasks never do."""
        place, calls = _STUCK_AFTER[run.plan.stuck or "job"]

        def look() -> bool:
            if run.plan.stuck and run.strikes.seen[place] >= calls:
                run.strikes.stop()
            found = self._stack.states.describe_execution(executionArn=run.execution)
            return bool(found["status"] != "RUNNING")

        wait_for(look, told=lambda: run.plan)

    def _settle(self) -> None:
        """Return when no function works, nor is to be called again, and nothing strikes later."""
        quiet = 0
        while quiet < 3:
            busy = self._calls.working or any(
                each.name.endswith(" event") for each in threading.enumerate()
            )
            quiet = 0 if busy else quiet + 1
            time.sleep(0.02)

    def _sweep_under_faults(self, run: Run) -> None:
        if any(each.place.caller == "Sweep" for each in run.plan.faults):
            for _ in range(3):  # as often as EventBridge Scheduler calls it
                if not self._call_sweep().failed:
                    break
            self._settle()

    def _deliver_late(self) -> None:
        if self._events == "late":
            for name, payload in self._undelivered:
                self._invoke_later(name, payload)
        self._undelivered.clear()
        self._settle()

    def _sweep(self, run: Run) -> None:
        """Sweep until nothing is found, a few times at most; in between, leases run out."""
        self._let_time_pass(run)
        for _ in range(SWEEPS):
            self._expire_lease(run.run_id)
            if self._events == "twice":
                self._invoke_later(SWEEP, SWEEP_NOW)
            answer = self._call_sweep()
            self._settle()
            run.swept.append(json.loads(answer.payload).get("left", ["the sweep failed"]))
            if not run.swept[-1]:
                return

    def _let_time_pass(self, run: Run) -> None:
        """Put the end of a study's execution so far back that its Map starts no more runs."""
        execution = get_backend(ACCOUNT, REGION).describe_execution(run.execution)
        if run.plan.run == "study" and execution.stop_date is not None:
            execution.stop_date -= MAP_STARTS

    def _call_sweep(self) -> Answer:
        return self._stack.aws.functions.invoke(SWEEP, SWEEP_NOW)

    def _expire_lease(self, run_id: str) -> None:
        """Let the time pass in which a teller that died is taken to be alive."""
        bucket, s3 = self._stack.bucket, self._stack.s3
        for key in (runs.key(run_id, "end.json"), end_key(f":{run_id}")):
            if not s3.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents"):
                continue
            end = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
            if end["telling"] and not end["told"]:
                end["telling"]["until"] = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
                s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(end))

    def _deliver(self, name: str, payload: bytes) -> None:
        """Deliver an event as often, and when, the plan says; calls by the sweep at once."""
        events = self._events if json.loads(payload).get("source") == "aws.states" else "once"
        if events in ("late", "lost"):
            self._undelivered.append((name, payload))
            return
        for _ in range(2 if events == "twice" else 1):
            self._invoke_later(name, payload)


def _is_of(told: dict[str, Any], run_id: str) -> bool:
    """Return whether a notification is of a run, a pack or a study, not of what belongs to it."""
    return bool(told.get("study", told.get("run_id", "")).partition(".")[0] == run_id)
