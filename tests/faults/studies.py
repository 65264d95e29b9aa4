"""What holds of every study, whatever goes wrong in it or in its runs: read from the books."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

from quantum_pipeline.errors import ERRORS
from quantum_pipeline.studies import places
from tests.faults.campaign import EDGES, Run
from tests.stack import Stack

ENDS = {"completed.json", "failure.json", "cancelled.json"}
OF_AWS = ("Lambda.", "Runtime.", "Sandbox.", "States.")
N_RUNS = 4
_ENDED = {"COMPLETED", "FAILED", "CANCELLED", "CANCELLING"}


class Books:
    """What is written of one study and its runs, wherever it is."""

    def __init__(self, stack: Stack, run: Run) -> None:
        self.run, self.stack = run, stack
        self.ended = stack.states.describe_execution(executionArn=run.execution)
        self.status = str(self.ended["status"])
        self.end = json.loads(self.content(places.end_key(run.execution)) or "{}")
        rounds = sorted(key for key in self.keys("rounds/") if not key.endswith(".items.json"))
        children = [child for key in rounds for child in json.loads(self.content(key))["children"]]
        self.children = [str(child["name"]) for child in children]
        self.runs = [str(each["run_id"]) for child in children for each in child["runs"]]

    def keys(self, name: str) -> list[str]:
        prefix = places.key(self.run.run_id, name)
        found = self.stack.s3.list_objects_v2(Bucket=self.stack.bucket, Prefix=prefix)
        return [each["Key"] for each in found.get("Contents", [])]

    def content(self, key: str) -> bytes:
        """Return an object; nothing where there is none."""
        s3, bucket = self.stack.s3, self.stack.bucket
        if not s3.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents"):
            return b""
        body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    def summary(self) -> dict[str, Any]:
        return dict(json.loads(self.content(places.key(self.run.run_id, "report.json")) or "{}"))


def broken(stack: Stack, run: Run) -> list[str]:
    """Return what does not hold of a study: the invariant, and what is there instead."""
    books = Books(stack, run)
    return [
        f"{name}: {found}" for name, invariant in INVARIANTS.items() for found in invariant(books)
    ]


def end_of(stack: Stack, run: Run) -> str:
    """Return how a study ended, in the words of runs: completed, failure or cancelled."""
    names = {"SUCCEEDED": "completed", "FAILED": "failure", "CANCELLED": "cancelled"}
    return names.get(Books(stack, run).end.get("status", ""), "")


def _ended(books: Books) -> Iterator[str]:
    if books.status == "RUNNING":
        yield "the execution runs"
    if books.run.swept[-1]:
        yield f"sweeps found {books.run.swept}"


def _one_end(books: Books) -> Iterator[str]:
    possible = {"SUCCEEDED": {"SUCCEEDED"}, "FAILED": {"FAILED", "SUCCEEDED"}}.get(
        books.status, {"CANCELLED", "FAILED", "SUCCEEDED"}
    )
    if books.end.get("status") not in possible:
        yield f"{books.end.get('status')} of an execution that {books.status}"
    error = books.end.get("error")
    named = error in ERRORS or str(error).startswith(OF_AWS)
    if books.end.get("status") == "FAILED" and not named:
        yield f"{error} is no name of an error"


def _told_once(books: Books) -> Iterator[str]:
    told, most = books.run.told, 1 + books.run.strikes.lost_tellings
    if not 1 <= len(told) <= most:
        yield f"told {len(told)} times, 1 to {most} allowed"
    if any(each["status"] != books.end.get("status") for each in told):
        yield f"{told} of {books.end}"
    if not books.end.get("told"):
        yield "its end is not marked"


def _right_summary(books: Books) -> Iterator[str]:
    """Hold the summary of a study that succeeded to the reports of its runs, and to the bill."""
    if books.end.get("status") != "SUCCEEDED":
        return
    text = books.content(places.key(books.run.run_id, "runs.csv")).decode()
    rows = {row["run_id"]: row for row in csv.DictReader(io.StringIO(text))}
    if len(rows) != N_RUNS:
        yield f"runs.csv has {sorted(rows)}"
    for run_id, row in rows.items():
        if row["status"] != "SUCCEEDED":
            continue
        bits = books.stack.record(run_id, "report.json")["solution"]["bitstring"]
        cut = sum(bits[i] != bits[j] for i, j in EDGES)
        if float(row["solution.objective"]) != cut:
            yield f"{row['solution.objective']} is claimed of {run_id}, {bits} cuts {cut}"
    billed = sum(map(books.stack.billed, books.children))
    spent = books.summary()["spent"]["usd"]
    whole = all(row["status"] == "SUCCEEDED" for row in rows.values())
    if whole and abs(spent - billed) > 1e-6 * billed:
        yield f"{spent} USD are reported, {billed} billed"


def _each_run_ends_once(books: Books) -> Iterator[str]:
    for run_id in books.runs:
        names = books.stack.records(run_id)
        ends = names & ENDS
        if len(ends) > 1 or (names and not ends):
            yield f"{run_id} has {sorted(names)}"
        elif ends and not books.stack.record(run_id, "end.json")["told"]:
            yield f"end.json of {run_id} is not marked"
        if ends and books.stack.remembered(run_id) is None:
            yield f"the catalogue has no {run_id}"


def _no_child_left(books: Books) -> Iterator[str]:
    machine = books.stack.aws.outputs["StateMachineArn"]
    found = books.stack.states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")
    for each in found["executions"]:
        if each["name"].startswith(f"{books.run.run_id}-"):
            yield f"{each['name']} runs"
    for child in books.children:
        if left := [each for each in books.stack.job_statuses(child) if each not in _ENDED]:
            yield f"jobs of {child} are {left}"


def _nothing_is_solved_twice(books: Books) -> Iterator[str]:
    for child in books.children:
        jobs = books.stack.job_statuses(child)
        if jobs.count("COMPLETED") > 1:
            yield f"{child} has jobs that are {jobs}"


def _ridden_out(books: Books) -> Iterator[str]:
    """Hold a study to succeed whose faults are few, and none of them for good."""
    strikes, stuck = books.run.strikes, books.run.plan.stuck
    if strikes.pass_over and not stuck and books.status != "SUCCEEDED":
        yield f"{books.status} by {books.ended.get('error')} after {len(strikes.struck)} faults"


INVARIANTS: dict[str, Callable[[Books], Iterator[str]]] = {
    "it ended": _ended,
    "one end": _one_end,
    "told once": _told_once,
    "a right summary": _right_summary,
    "each run ends once": _each_run_ends_once,
    "no child left": _no_child_left,
    "nothing is solved twice": _nothing_is_solved_twice,
    "few faults are ridden out": _ridden_out,
}
