"""What holds of every run, whatever goes wrong: read from the books, not from who wrote them.

The books are the history of the execution, the jobs and tasks of the local Braket and its bill, the
objects in the bucket, and the queue that is subscribed to the topic.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from quantum_pipeline.errors import ERRORS
from tests.faults import studies
from tests.faults.campaign import EDGES, PATH, ROWS, Run
from tests.faults.plans import ON_DEVICES
from tests.stack import Stack
from tests.waiting import wait_for

RECORDS = {"completed.json": "SUCCEEDED", "failure.json": "FAILED", "cancelled.json": "CANCELLED"}
REPORT = ("report.json", "report.html", "plots/")
STATUSES = {"SUCCEEDED", "FAILED", "ABORTED"}
OF_AWS = ("Lambda.", "Runtime.", "Sandbox.", "States.")


class Books:
    """What is written of one run, wherever it is."""

    def __init__(self, stack: Stack, run: Run) -> None:
        self.run, self.stack = run, stack
        self.ended = stack.states.describe_execution(executionArn=run.execution)
        self.status = str(self.ended["status"])
        history = stack.states.get_execution_history(executionArn=run.execution)["events"]
        self.history = sorted(history, key=lambda event: event["id"])
        self.visited = [
            event["stateEnteredEventDetails"]["name"]
            for event in self.history
            if "stateEnteredEventDetails" in event
        ]
        self.names = stack.records(run.run_id)
        self.ends = self.names & RECORDS.keys()
        self.pack = self.record("pack.json") if "pack.json" in self.names else {}
        self.jobs = stack.jobs(run.run_id)
        self.tasks = stack.tasks(run.run_id)

    @property
    def end(self) -> str:
        """The name of the record that ends the run."""
        return next(iter(self.ends), "")

    def record(self, name: str) -> dict[str, Any]:
        return self.stack.record(self.run.run_id, name)

    def content(self, name: str) -> bytes:
        key = f"runs/{self.run.run_id}/{name}"
        body: bytes = self.stack.s3.get_object(Bucket=self.stack.bucket, Key=key)["Body"].read()
        return body

    def first_error(self) -> str | None:
        """Return the error that took the execution to Cancel, as its history has it.

        What fails a run of a pack is that run's own.
        """
        error, of_runs = None, False
        for event in self.history:
            entered = event.get("stateEnteredEventDetails", {}).get("name")
            if entered == "Cancel":
                return error
            if entered in ("PostProcessRuns", "HasJobFailed"):
                of_runs = entered == "PostProcessRuns"
            if not of_runs and ("Failed" in event["type"] or "TimedOut" in event["type"]):
                [details] = [event[name] for name in event if name.endswith("EventDetails")]
                error = details["error"]
        return None


def broken(stack: Stack, run: Run) -> list[str]:
    """Return what does not hold of a run or a study: the invariant, and what is there instead."""
    if run.plan.run == "study":
        return studies.broken(stack, run)
    books = Books(stack, run)
    return [
        f"{name}: {found}" for name, invariant in INVARIANTS.items() for found in invariant(books)
    ]


def end_of(stack: Stack, run: Run) -> str:
    """Return how a run or a study ended by its record: completed, failure or cancelled."""
    if run.plan.run == "study":
        return studies.end_of(stack, run)
    return ", ".join(
        each.removesuffix(".json") for each in stack.records(run.run_id) & RECORDS.keys()
    )


def _ended(books: Books) -> Iterator[str]:
    if books.status not in STATUSES:
        yield f"the execution is {books.status}"
    if books.run.swept[-1]:
        yield f"sweeps found {books.run.swept}"


def _one_end(books: Books) -> Iterator[str]:
    if len(books.ends) != 1:
        yield f"{sorted(books.ends)} are there"
        return
    record, claim = books.record(books.end), books.record("end.json")
    if (record["status"], claim["record"]) != (RECORDS[books.end], books.end):
        yield f"{books.end} says {record['status']}, end.json {claim['record']}"
    if books.end not in _possible_ends(books):
        yield f"{books.end} of an execution that {books.status}, {books.visited}"


def _possible_ends(books: Books) -> set[str]:
    """Return how a run may end whose execution has ended so.

    A stop may come after the claim of another end. An execution whose PostProcess failed for good
    after the claim has FAILED, and the sweep publishes its report: the record counts.
    """
    ending = {"PostProcess", "PostProcessPack"} & {*books.visited}
    processed = {"completed.json"} if ending else set()
    failed = {"failure.json"} if "Cancel" in books.visited else set()
    match books.status:
        case "SUCCEEDED":
            return {"completed.json"}
        case "FAILED":
            lost = any(
                each.fault.place.caller == "PostProcess" for each in books.run.strikes.struck
            )
            return failed | (processed if lost else set())
    return {"cancelled.json"} | processed | failed


def _first_error(books: Books) -> Iterator[str]:
    first = books.first_error()
    if books.status == "FAILED" and books.ended.get("error") != first:
        yield f"the execution FAILED by {books.ended.get('error')}, and first by {first}"
    if books.end == "failure.json":
        record = books.record(books.end)
        if record["error"] != first:
            yield f"failure.json says {record['error']}, the first was {first}"
        cause = books.ended.get("cause") or ""
        with suppress(ValueError, KeyError, TypeError):
            cause = json.loads(cause)["errorMessage"]
        if books.status == "FAILED" and record["cause"] != cause:
            yield f"failure.json says {record['cause']!r}, the execution {cause!r}"
    if first is not None and first not in ERRORS and not first.startswith(OF_AWS):
        yield f"{first} is no name of an error"


def _right_report(books: Books) -> Iterator[str]:
    if books.end != "completed.json" or books.pack:
        return
    report, record = books.record("report.json"), books.record("completed.json")
    claimed = [report["solution"]["objective"], record["objective"]]
    if books.status == "SUCCEEDED":
        claimed.append(json.loads(books.ended["output"])["objective"])
    right, why = _objective(books.run.plan.run, report["solution"])
    if set(claimed) != {right}:
        yield f"{claimed} are claimed, {why}"
    billed = books.stack.billed(books.run.run_id)
    if abs(report["cost"]["actual_usd"] - billed) > 1e-3 * billed:
        yield f"{report['cost']['actual_usd']} USD are reported, {billed} billed"


def _objective(run: str, solution: dict[str, Any]) -> tuple[float, str]:
    """Return what an answer is worth: the edges that are cut, or the share of rows that is right;
    and that in words."""
    if run in ("table", "kernel"):
        own = [ROWS[row][2] for row in solution["rows"]]
        said = ["ab"[number] for number in solution["predicted"]]
        right = sum(map(str.__eq__, own, said)) / len(own)
        return right, f"{said} of {own} are {right} right"
    bits = solution["bitstring"]
    cut = sum(bits[i] != bits[j] for i, j in (PATH if run == "cut" else EDGES))
    return cut, f"{bits} cuts {cut}"


def _whole(books: Books) -> Iterator[str]:
    published = sorted(name for name in books.names if name.startswith(REPORT))
    staged = sorted(name for name in books.names if name.startswith("staged/"))
    if staged:
        yield f"{staged} are left"
    if books.end != "completed.json":
        if published:
            yield f"{published} beside {books.end}"
        return
    if books.pack:
        return
    artifacts = books.record("report.json")["artifacts"]
    wanted = {"report.json", artifacts["report_html"], *artifacts["plots"]}
    if wanted != set(published):
        yield f"{sorted(wanted ^ set(published))} are not both named and there"
    for name in wanted & set(published):
        content = books.content(name)
        if not content.rstrip().endswith((b"</html>", b"IEND\xaeB`\x82", b"}")):
            yield f"{name} ends too early"


def _told_once(books: Books) -> Iterator[str]:
    told = books.run.told
    most = 1 + books.run.strikes.lost_tellings
    if not 1 <= len(told) <= most:
        yield f"told {len(told)} times, 1 to {most} allowed"
    for each in told:
        if books.end and each["status"] != RECORDS[books.end]:
            yield f"{each['status']} was told of {books.end}"
    if "end.json" in books.names and not books.record("end.json")["told"]:
        yield "end.json is not marked"


def _remembered(books: Books) -> Iterator[str]:
    if not books.ends:
        return
    found = books.stack.remembered(books.run.run_id)
    if books.pack:
        if found is not None:
            yield "the catalogue has the pack, which is no run"
        return
    if found is None:
        yield "the catalogue has no record"
        return
    end = books.record(books.end)
    if (found["status"], found["error"]) != (RECORDS[books.end], end.get("error")):
        yield f"the catalogue has {found['status']}, {found['error']} of {books.end}"
    if books.end == "completed.json":
        objective = books.record("report.json")["solution"]["objective"]
        if found["quality"]["objective"] != objective:
            yield f"the catalogue has {found['quality']['objective']} of {objective}"


def _one_job_an_attempt(books: Books) -> Iterator[str]:
    attempts = books.visited.count("Submit") - books.visited.count("Resume") and 1
    most = attempts + books.visited.count("Resume")
    names = [job["jobName"] for job in books.jobs]
    if len(names) > most or len(set(names)) < len(names):
        yield f"jobs {names} of {most} attempts"
    if books.status == "SUCCEEDED" and [job["status"] for job in books.jobs][:1] != ["COMPLETED"]:
        yield f"jobs ended {[job['status'] for job in books.jobs]}"


def _nothing_left(books: Books) -> Iterator[str]:
    for each in (*books.jobs, *books.tasks):
        if each["status"] not in ("COMPLETED", "FAILED", "CANCELLED", "CANCELLING"):
            yield f"{each.get('jobName', 'a task')} is {each['status']}"
    if any(each["status"] == "CANCELLING" for each in (*books.jobs, *books.tasks)):
        ended = {"COMPLETED", "FAILED", "CANCELLED"}
        wait_for(lambda: set(books.stack.job_statuses(books.run.run_id)) <= ended)
        wait_for(lambda: set(books.stack.task_statuses(books.run.run_id)) <= ended)
    elif processes := books.stack.aws.braket.process_ids():
        yield f"processes {processes} of jobs run"


def _runs_of_pack(books: Books) -> Iterator[str]:
    """Hold each run of a pack to one end, finished, whole and in the catalogue; to one bill."""
    if not books.pack:
        return
    paid = 0.0
    for name in (*books.pack["runs"], *books.pack["refused"]):
        run_id = f"{books.run.run_id}.{name}"
        names = books.stack.records(run_id)
        if len(names & RECORDS.keys()) != 1 or any(each.startswith("staged/") for each in names):
            yield f"{name} has {sorted(names)}"
            continue
        [end] = names & RECORDS.keys()
        claim, record = (books.stack.record(run_id, each) for each in ("end.json", end))
        if claim["record"] != end or not claim["told"]:
            yield f"end.json of {name} says {claim['record']}, told {claim['told']}"
        found = books.stack.remembered(run_id)
        if found is None or (found["status"], found["pack"]) != (RECORDS[end], books.run.run_id):
            yield f"the catalogue has {found} of {name}"
        if end != "completed.json":
            paid += (
                (record["billable_seconds"] or 0) * books.pack["instance"]["usd_per_hour"] / 3600
            )
            continue
        report = books.stack.record(run_id, "report.json")
        bits = report["solution"]["bitstring"]
        cut = sum(bits[i] != bits[j] for i, j in EDGES)
        if {cut} != {report["solution"]["objective"], record["objective"]}:
            yield f"{record['objective']} are claimed of {name}, {bits} cuts {cut}"
        paid += report["cost"]["actual_usd"]
    billed = books.stack.billed(books.run.run_id)
    if books.end == "completed.json" and abs(paid - billed) > 1e-6 * billed:
        yield f"runs pay {paid} USD, of {billed}"


def _ridden_out(books: Books) -> Iterator[str]:
    """Hold a run to succeed whose faults are few, and none of them for good."""
    run, strikes = books.run, books.run.strikes
    can_succeed = run.plan.run in ("local", "table", "pack", *ON_DEVICES) and not run.plan.stuck
    if strikes.pass_over and can_succeed and books.status != "SUCCEEDED":
        yield f"{books.status} by {books.ended.get('error')} after {len(strikes.struck)} faults"


INVARIANTS: dict[str, Callable[[Books], Iterator[str]]] = {
    "it ended": _ended,
    "one record of its end": _one_end,
    "the first error": _first_error,
    "a right report": _right_report,
    "nothing half-written": _whole,
    "told once": _told_once,
    "in the catalogue": _remembered,
    "each run of a pack": _runs_of_pack,
    "one job an attempt": _one_job_an_attempt,
    "no job or task left": _nothing_left,
    "few faults are ridden out": _ridden_out,
}
