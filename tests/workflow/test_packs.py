"""Packs: the runs of one job, each with an end of its own, whatever befalls one of them or all."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from werkzeug.wrappers import Request, Response

from quantum_pipeline import runs
from quantum_pipeline.cli.entry import main
from quantum_pipeline.errors import BudgetExceeded, InvalidRequest, ServiceUnavailable
from tests.cloudformation import describe_stacks
from tests.functions.stages import event, execution_of
from tests.stack import HYDROGEN, LONG, Stack, priced_stack
from tests.waiting import wait_for

pytestmark = pytest.mark.usefixtures("quick_and_not_intercepted")

QUICK = {"algorithm": {"depth": 1, "starts": 1, "max_evaluations": 20}}
Told = Callable[[], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with priced_stack() as stack:
        yield stack
        assert not stack.aws.authority.refused


def ring(n: int = 5, **more: Any) -> dict[str, Any]:
    edges = [[i, (i + 1) % n] for i in range(n)]
    return {"problem": {"type": "maxcut", "edges": edges}, **QUICK, **more}


def pack(limits: dict[str, Any] | None = None, **requests: Any) -> dict[str, Any]:
    found = [{"name": name, "request": request} for name, request in requests.items()]
    return {"pack": found, "limits": limits or {}}


def ends(stack: Stack, pack_id: str, *names: str) -> list[str]:
    """Return how each run ended; a run has one end, and is in the catalogue by then."""
    found = []
    for name in names:
        [end] = stack.records(f"{pack_id}.{name}") & set(runs.ENDS)
        found.append(end)
        remembered = stack.remembered(f"{pack_id}.{name}")
        assert remembered is not None
        assert remembered["pack"] == pack_id
        assert remembered["status"] == stack.record(f"{pack_id}.{name}", end)["status"]
        assert stack.record(f"{pack_id}.{name}", "end.json")["told"]
    return found


def mark(stack: Stack, pack_id: str, name: str) -> None:
    """Cancel a run, as its user does."""
    key = runs.key(pack_id, f"{runs.CANCEL_MARKERS}{name}")
    stack.s3.put_object(Bucket=stack.bucket, Key=key, Body=b"")


def test_each_run_of_a_pack_ends_by_itself_and_pays_its_part(stack: Stack, told: Told) -> None:
    told()
    stack.once("CreateJob", lambda _: mark(stack, "mixed", "unwanted"))
    asked = pack(
        five=ring(5, tags={"project": "P", "step": "1"}),
        six=ring(6, tags={"project": "P", "step": "2"}),
        unwanted=ring(7, tags={"project": "P"}),
        elsewhere=ring(device="sv1"),
        misspelt=ring(shots=0),
        dear=ring(limits={"max_cost_usd": 0.0001}),
    )
    execution = stack.start(asked, "mixed")
    ended = stack.ended(execution)
    assert ended["status"] == "SUCCEEDED", ended
    assert ends(stack, "mixed", "five", "six", "unwanted", "elsewhere", "misspelt", "dear") == [
        "completed.json",
        "completed.json",
        "cancelled.json",
        "failure.json",
        "failure.json",
        "failure.json",
    ]
    failures = {
        name: stack.record(f"mixed.{name}", "failure.json")
        for name in ("elsewhere", "misspelt", "dear")
    }
    assert [each["error"] for each in failures.values()] == [
        "InvalidRequest",
        "InvalidRequest",
        "BudgetExceeded",
    ]
    assert failures["elsewhere"]["cause"].startswith("device: got")
    assert failures["misspelt"]["cause"].startswith("shots: got 0")
    for name, best in (("five", 4), ("six", 6)):
        report = stack.record(f"mixed.{name}", "report.json")
        bits = [int(bit) for bit in report["solution"]["bitstring"]]
        edges = asked["pack"][best == 6]["request"]["problem"]["edges"]
        assert sum(bits[i] != bits[j] for i, j in edges) == report["solution"]["objective"] == best
        assert report["artifacts"]["plots"] == []
        assert not any(key.startswith("plots/") for key in stack.records(f"mixed.{name}"))
        body = stack.s3.get_object(
            Bucket=stack.bucket, Key=runs.key(f"mixed.{name}", "report.html")
        )
        pictures = re.findall(rb"data:image/png;base64", body["Body"].read())
        assert len(pictures) == len(report["artifacts"]["in_page"]) > 2
    [job] = stack.jobs("mixed")
    assert job["tags"]["project"] == "P"
    assert "step" not in job["tags"]
    paid = [
        stack.record(f"mixed.{name}", "report.json")["cost"]["actual_usd"]
        for name in ("five", "six")
    ]
    seconds = stack.record("mixed.unwanted", "cancelled.json")["billable_seconds"]
    bill = stack.billed("mixed")
    assert sum(paid) + seconds * 0.115 / 3600 == pytest.approx(bill, rel=1e-12)
    assert stack.record("mixed", "completed.json")["actual_usd"] == pytest.approx(bill, rel=1e-12)
    counts = {"succeeded": 2, "failed": 3, "cancelled": 1}
    [message] = told()
    assert message.items() >= {"run_id": "mixed", "status": "SUCCEEDED", **counts}.items()
    assert stack.remembered("mixed") is None


def left(stack: Stack, pack_id: str, name: str) -> bool:
    return end_in_checkpoint(name) in stack.records(pack_id)


def started(stack: Stack, pack_id: str, **requests: Any) -> str:
    """Start a pack of which one run is done soon and another never; return when the one is."""
    limits = {"max_cost_usd": 10, "max_runtime_seconds": 80_000}
    execution = stack.start(pack(limits, soon=HYDROGEN, never=LONG, **requests), pack_id)
    wait_for(lambda: left(stack, pack_id, "soon"), told=lambda: stack.records(pack_id))
    return execution


def test_a_job_that_is_lost_twice_leaves_the_reports_of_the_runs_that_had_ended(
    stack: Stack, told: Told
) -> None:
    told()
    execution = started(stack, "lost")
    stack.kill_job()
    wait_for(lambda: len(stack.jobs("lost")) == 2 and stack.job_statuses("lost")[0] == "RUNNING")
    wait_for(stack.aws.braket.process_ids)
    stack.kill_job()
    ended = stack.ended(execution)
    assert (ended["status"], ended["error"]) == ("FAILED", "JobInterrupted")
    assert ends(stack, "lost", "soon", "never") == ["completed.json", "failure.json"]
    assert stack.record("lost.never", "failure.json")["error"] == "JobInterrupted"
    assert [(each["run_id"], each["status"]) for each in told()] == [("lost", "FAILED")]


def test_a_pack_that_is_stopped_cancels_the_runs_that_have_no_end(stack: Stack, told: Told) -> None:
    told()
    execution = started(stack, "stopped")
    stack.states.stop_execution(executionArn=execution, error="Stopped", cause="by hand")
    stack.wait_for_record("stopped", "cancelled.json")
    wait_for(lambda: stack.record("stopped", "end.json")["told"])
    assert ends(stack, "stopped", "soon", "never") == ["cancelled.json"] * 2
    assert stack.record("stopped.soon", "cancelled.json")["cause"] == "by hand"
    assert [(each["run_id"], each["status"]) for each in told()] == [("stopped", "CANCELLED")]
    wait_for(lambda: stack.job_statuses("stopped") == ["CANCELLED"])


Qpipe = Callable[..., Result]


@pytest.fixture
def qpipe(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Qpipe:
    """The command, as it runs on AWS."""
    for name, value in stack.aws.environment().items():
        monkeypatch.setenv(name, value)
    stack.aws.router.intercept = describe_stacks(stack, "deployed-stack")
    before = signal.getsignal(signal.SIGTERM)

    def call(*arguments: str) -> Result:
        done = CliRunner().invoke(main, [*arguments, "--stack", "deployed-stack"])
        signal.signal(signal.SIGTERM, before)
        return done

    return call


def test_a_run_that_is_cancelled_while_the_others_go_on(stack: Stack, qpipe: Qpipe) -> None:
    execution = started(stack, "one")
    assert qpipe("cancel", "one.never").exit_code == 0
    ended = stack.ended(execution)
    assert ended["status"] == "SUCCEEDED", ended
    assert ends(stack, "one", "soon", "never") == ["completed.json", "cancelled.json"]
    assert "allowed: a run of the stack that goes on" in qpipe("cancel", "one.never").stderr


def test_files_are_run_as_a_pack_and_its_runs_are_found_again(qpipe: Qpipe, tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.json" for name in ("five", "six")]
    for file, n in zip(files, (5, 6), strict=True):
        file.write_text(json.dumps(ring(n)))
    folder = ("--output", str(tmp_path / "runs"))
    done = qpipe("run", *map(str, files), *folder)
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[-3:-1] for line in lines[1:]] == [["maxcut", "5"], ["maxcut", "6"]]
    assert max(map(len, lines)) <= 80
    five = next(path.name for path in (tmp_path / "runs").iterdir() if path.name.endswith(".five"))
    pack_id = five.removesuffix(".five")
    listed = json.loads(qpipe("list", "--pack", pack_id, "--json").stdout)
    assert {each["run_id"] for each in listed} == {five, f"{pack_id}.six"}
    assert len(json.loads(qpipe("show", pack_id, "--json").stdout)) == 2
    assert "runs_ended=2" in qpipe("logs", five).stdout
    assert qpipe("fetch", five, "--pictures", *folder).stdout.split() == [f"{folder[1]}/{five}"]
    picture = tmp_path / "runs" / five / "plots" / "convergence.png"
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_run_on_which_post_process_dies_fails_alone(stack: Stack) -> None:
    def kill(service: str, request: Request) -> Response | None:
        if request.method == "GET" and request.path.endswith(f"/bad/{runs.PACKED_END}"):
            wait_for(lambda: "completed.json" in stack.records("dying.good"))
            wait_for(lambda: stack.record("dying.good", "end.json")["told"])
            for process_id in stack.aws.functions.process_ids(
                "quantum-pipeline-PostProcessFunction"
            ):
                os.kill(process_id, signal.SIGKILL)
            return Response(status=503)
        return None

    stack.aws.router.intercept = kill
    ended = stack.ended(stack.start(pack(good=HYDROGEN, bad=ring(6)), "dying"))
    assert ended["status"] == "SUCCEEDED", ended
    assert ends(stack, "dying", "good", "bad") == ["completed.json", "failure.json"]
    assert stack.record("dying.bad", "failure.json")["error"] in (
        "Runtime.ExitError",
        "Lambda.Unknown",
    )


def ended_job(stack: Stack, pack_id: str, **requests: Any) -> dict[str, Any]:
    """Take a pack to the end of its job; return what PostProcess gets."""
    answer = stack.invoke("Prepare", event(pack_id, pack(**requests)))
    asked = {"run_id": pack_id, "attempt": 1, "n_runs": answer["n_runs"]}
    arn = stack.invoke("Submit", asked)["job_arn"]
    assert stack.job_ended(arn)["status"] == "COMPLETED"
    return {**asked, "job_arn": arn, "polls": 1}


def test_what_the_job_leaves_of_a_run_is_believed_of_that_run_as_far_as_it_recomputes(
    stack: Stack,
) -> None:
    asked = ended_job(stack, "left", starved=ring(), forged=ring(6), missing=ring(7), good=ring(8))
    forged = stack.record("left", end_in_checkpoint("forged"))
    forged["result"]["counts"] = {"0" * 6: 1000}
    leave(stack, "left", "forged", forged)
    starved = {"processor_seconds": 1.0, "error": "JobFailed", "cause": "too little memory"}
    leave(stack, "left", "starved", starved)
    leave(stack, "left", "missing", {"result": "none"})
    for number in range(4):
        stack.invoke("PostProcess", asked | {"number": number})
    assert stack.invoke("PostProcess", asked).items() >= {"succeeded": 1, "failed": 3}.items()
    names = ("starved", "forged", "missing")
    failures = [stack.record(f"left.{name}", "failure.json") for name in names]
    assert [each["error"] for each in failures] == ["JobFailed", "InvalidResult", "InvalidResult"]
    assert failures[0]["cause"] == "too little memory"
    assert failures[2]["cause"].startswith("missing/ended.json: missing, or none")


def end_in_checkpoint(name: str) -> str:
    return f"{runs.CHECKPOINTS}/{name}/{runs.PACKED_END}"


def leave(stack: Stack, pack_id: str, name: str, content: dict[str, Any]) -> None:
    """Put something else where the job has left the end of a run."""
    key = runs.key(pack_id, end_in_checkpoint(name))
    stack.s3.put_object(Bucket=stack.bucket, Key=key, Body=json.dumps(content))


def test_ends_that_waited_for_the_catalogue_are_finished_by_the_sweep(
    stack: Stack, told: Told
) -> None:
    told()
    asked = ended_job(stack, "late", a=HYDROGEN, b=HYDROGEN)

    def refuse(service: str, _: Request) -> Response | None:
        return Response("{}", 503) if service == "dynamodb" else None

    stack.aws.router.intercept = refuse
    for number, name in enumerate("ab"):
        with pytest.raises(ServiceUnavailable):
            stack.invoke("PostProcess", asked | {"number": number})
        end = stack.record(f"late.{name}", "end.json")
        end["end"]["ended_at"] = "2026-01-01T00:00:00Z"  # longer ago than anybody waits
        key = runs.key(f"late.{name}", "end.json")
        stack.s3.put_object(Bucket=stack.bucket, Key=key, Body=json.dumps(end))
        assert stack.invoke("PostProcess", asked | {"number": number})["status"] == "SUCCEEDED"
    assert stack.invoke("PostProcess", asked)["succeeded"] == 2
    assert told() == []
    stack.aws.router.intercept = None
    detail = {"name": "late", "executionArn": execution_of("late"), "status": "SUCCEEDED"}
    stack.invoke("Cancel", {"source": "quantum-pipeline.sweep", "detail": detail})
    assert ends(stack, "late", "a", "b") == ["completed.json"] * 2
    assert [(each["run_id"], each["status"]) for each in told()] == [("late", "SUCCEEDED")]


def test_prepare_and_submit_of_a_pack_are_the_same_each_time(stack: Stack) -> None:
    asked = event("again", pack(a=ring(), b=ring(6), c=ring(shots=0)))
    first = stack.invoke("Prepare", asked)
    written = stack.record("again", "pack.json")
    assert stack.invoke("Prepare", asked) == first
    assert stack.record("again", "pack.json") == written
    submit = {"run_id": "again", "attempt": 1, "n_runs": first["n_runs"]}
    job = stack.invoke("Submit", submit)["job_arn"]
    assert stack.invoke("Submit", submit)["job_arn"] == job
    assert len(stack.jobs("again")) == 1


@pytest.mark.parametrize(
    ("pack_id", "asked", "error", "reason"),
    [
        (
            "twice",
            {"pack": [{"name": "a", "request": ring()}] * 2},
            InvalidRequest,
            "each name once",
        ),
        (
            "many",
            {"pack": [{"name": f"r{i}", "request": ring()} for i in range(101)]},
            InvalidRequest,
            "got 101 runs; allowed: 2 to 100",
        ),
        ("cap", pack({"max_cost_usd": 0.001}, a=ring(), b=ring()), BudgetExceeded, "max_cost_usd"),
        ("none", pack(a=ring(device="sv1"), b=ring(shots=0)), InvalidRequest, 'run "a": device'),
        ("x" * 79, pack(a=ring(), b=ring()), InvalidRequest, "up to 78 characters"),
        ("stored", {"pack": {"uri": "s3://other/x"}}, InvalidRequest, r"^pack.uri: got"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 10 else "",
)
def test_what_cannot_be_a_pack_is_refused_whole(
    stack: Stack, pack_id: str, asked: Any, error: type[Exception], reason: str
) -> None:
    with pytest.raises(error, match=reason):
        stack.invoke("Prepare", event(pack_id, asked))
    assert stack.records(pack_id) == set()
    assert stack.records(f"{pack_id}.a") == set()


def test_a_pack_and_a_run_do_not_share_a_name(stack: Stack) -> None:
    stack.invoke("Prepare", event("shared.a", ring()))
    with pytest.raises(InvalidRequest, match=r"no earlier run has the name shared\.a"):
        stack.invoke("Prepare", event("shared", pack(a=ring(), b=ring())))
    stack.invoke("Prepare", event("whole", pack(a=ring(), b=ring())))
    with pytest.raises(InvalidRequest, match="a name that no earlier run"):
        stack.invoke("Prepare", event("whole.a", ring()))
    failed = {"Error": "InvalidRequest", "Cause": "its name"}
    other = {"run_id": "whole.a", "execution_arn": execution_of("whole.a"), "error": failed}
    stack.invoke("Cancel", other)
    assert stack.records("whole.a") == {"prepared.json"}


def test_the_runs_of_a_pack_may_be_stored(stack: Stack) -> None:
    bucket = stack.aws.outputs["InputBucketName"]
    body = json.dumps([{"name": name, "request": ring()} for name in "ab"])
    stack.s3.put_object(Bucket=bucket, Key="runs.json", Body=body)
    asked = event("by-uri", {"pack": {"uri": f"s3://{bucket}/runs.json"}})
    assert stack.invoke("Prepare", asked)["n_runs"] == 2
