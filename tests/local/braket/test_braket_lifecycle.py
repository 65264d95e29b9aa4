"""A job from CreateJob to its end, by plain boto3 over HTTP."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from quantum_pipeline.local.braket import BraketService, container
from tests.local.braket.server import (
    BUCKET,
    Server,
    ended,
    events,
    log_lines,
    service_of,
    tarball,
)
from tests.local.small_stack import runs
from tests.waiting import wait_for

Make = Callable[..., dict[str, Any]]

SLEEPS = """
    import time
    def run():
        print("asleep", flush=True)
        time.sleep(3600)
"""
KNOWS_ITS_PROCESS = """
    import os, pathlib, time
    def run():
        pathlib.Path({file!r}).write_text(str(os.getpid()))
        time.sleep(3600)
"""


def result_files(server: Server, name: str) -> dict[str, bytes]:
    body = server.s3.get_object(Bucket=BUCKET, Key=f"{name}/out/output/model.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}  # type: ignore[union-attr]


@pytest.fixture
def service(server: Server) -> Iterator[BraketService]:
    """A service with no jobs in it."""
    with service_of(server) as service:
        yield service


def process_of(file: Path) -> int:
    return int(wait_for(lambda: file.read_text() if file.exists() else None))


def assert_ends(process_id: int) -> None:
    wait_for(lambda: not runs(process_id))


def test_a_job_goes_through_all_events_and_stores_its_results(
    server: Server, braket: Any, job_request: Make
) -> None:
    source = """
        import os, pathlib
        def run():
            print("first line")
            print("second line")
            folder = pathlib.Path(os.environ["AMZN_BRAKET_JOB_RESULTS_DIR"])
            (folder / "results.json").write_text("[1]")
            (folder / "plots").mkdir()
            (folder / "plots" / "a.txt").write_text("a")
    """
    arn = braket.create_job(**job_request(source, "good", tags={"a": "b"}))["jobArn"]
    job = ended(braket, arn)
    assert job["status"] == "COMPLETED"
    assert events(job) == [
        "QUEUED_FOR_EXECUTION",
        "STARTING_INSTANCE",
        "DOWNLOADING_DATA",
        "RUNNING",
        "UPLOADING_RESULTS",
        "COMPLETED",
    ]
    assert job["createdAt"] <= job["startedAt"] <= job["endedAt"]
    assert job["billableDuration"] >= 1
    assert job["tags"] == {"a": "b"}
    assert "failureReason" not in job
    assert result_files(server, "good") == {"results.json": b"[1]", "plots/a.txt": b"a"}
    assert log_lines(server, job) == ["first line", "second line"]
    assert list(server.work_folder.iterdir()) == []


def test_the_user_s_own_aws_settings_play_no_part(
    server: Server, braket: Any, job_request: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = job_request("import boto3\ndef run(): boto3.client('s3').list_buckets()", "profile")
    monkeypatch.setenv("AWS_PROFILE", "one-that-is-missing")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    job = ended(braket, braket.create_job(**request)["jobArn"])
    assert job["status"] == "COMPLETED", job


def test_the_process_sees_what_the_container_shows_it(
    server: Server, braket: Any, job_request: Make
) -> None:
    source = """
        import json, os, pathlib, sys, tempfile
        def run():
            seen = dict(os.environ)
            inputs = pathlib.Path(os.environ["AMZN_BRAKET_INPUT_DIR"])
            files = inputs.rglob("*.txt")
            seen["inputs"] = {str(p.relative_to(inputs)): p.read_text() for p in files}
            seen["hyperparameters"] = json.load(open(os.environ["AMZN_BRAKET_HP_FILE"]))
            seen["cwd"], seen["path"], seen["tmp"] = os.getcwd(), sys.path, tempfile.gettempdir()
            seen["stdin"] = sys.stdin.read()
            results = pathlib.Path(os.environ["AMZN_BRAKET_JOB_RESULTS_DIR"])
            (results / "seen.json").write_text(json.dumps(seen))
    """
    for key in ("one.txt", "more/a.txt", "more/b/c.txt"):
        server.s3.put_object(Bucket=BUCKET, Key=f"data/{key}", Body=key.encode())
    channels = [
        {
            "channelName": name,
            "dataSource": {"s3DataSource": {"s3Uri": f"s3://{BUCKET}/data/{key}"}},
        }
        for name, key in (("single", "one.txt"), ("folder", "more/"))
    ]
    request = job_request(
        source, "seen", inputDataConfig=channels, hyperParameters={"depth": "3", "seed": "7"}
    )
    job = ended(braket, braket.create_job(**request)["jobArn"])
    assert job["status"] == "COMPLETED", job
    seen = json.loads(result_files(server, "seen")["seen.json"])
    folder = seen["AMZN_BRAKET_JOB_RESULTS_DIR"].removesuffix("/model")
    assert seen["AMZN_BRAKET_JOB_NAME"] == "seen"
    assert seen["AMZN_BRAKET_DEVICE_ARN"] == "local:quantum-pipeline/statevector"
    assert seen["AMZN_BRAKET_OUT_S3_BUCKET"] == BUCKET
    assert seen["AMZN_BRAKET_TASK_RESULTS_S3_URI"] == f"s3://{BUCKET}/jobs/seen/tasks"
    assert seen["AMZN_BRAKET_JOB_RESULTS_S3_PATH"] == "seen/out/output"
    assert seen["AMZN_BRAKET_SCRIPT_ENTRY_POINT"] == "work:run"
    assert seen["AMZN_BRAKET_SCRIPT_COMPRESSION_TYPE"] == "GZIP"
    assert seen["AMZN_BRAKET_SCRIPT_S3_URI"] == f"s3://{BUCKET}/seen/source.tar.gz"
    assert len(seen["AMZN_BRAKET_JOB_TOKEN"]) == 32
    assert seen["AWS_ENDPOINT_URL"] == server.environment()["AWS_ENDPOINT_URL"]
    assert seen["AWS_DEFAULT_REGION"] == "us-east-1"
    assert "PYTHONPATH" not in seen
    assert seen["hyperparameters"] == {"depth": "3", "seed": "7"}
    assert seen["inputs"] == {
        "single/one.txt": "one.txt",
        "folder/a.txt": "more/a.txt",
        "folder/b/c.txt": "more/b/c.txt",
    }
    assert seen["cwd"] == seen["path"][-1] == f"{folder}/code"
    assert seen["tmp"] == f"{folder}/tmp"
    assert seen["stdin"] == ""


def test_the_tarball_s_copy_of_the_project_is_the_one_that_runs(
    server: Server, braket: Any, job_request: Make
) -> None:
    request = job_request(name="shadow")
    request["algorithmSpecification"]["scriptModeConfig"]["entryPoint"] = "hybrid_job.main:run"
    files = {
        "hybrid_job/__init__.py": "",
        "hybrid_job/main.py": """
            import quantum_pipeline
            def run(): print(quantum_pipeline.WHO)
        """,
        "quantum_pipeline/__init__.py": "WHO = 'the one in the tarball'",
    }
    server.s3.put_object(Bucket=BUCKET, Key="shadow/source.tar.gz", Body=tarball(files))
    job = ended(braket, braket.create_job(**request)["jobArn"])
    assert log_lines(server, job) == ["the one in the tarball"]


OURS = """
    import os
    IMPORTED_IN = os.getpid()
    def run(): print({version}, IMPORTED_IN == os.getpid(), os.getppid(), os.environ["TMPDIR"])
"""


def run_ours(
    server: Server, make: Make, name: str, text: str, without: Sequence[str] = ()
) -> tuple[dict[str, Any], list[str]]:
    """Run a job whose entry point is named as ours; return it, and the words that it printed."""
    request = make(name=name)
    request["algorithmSpecification"]["scriptModeConfig"]["entryPoint"] = "hybrid_job.main:run"
    files = {
        "hybrid_job/__init__.py": "",
        "hybrid_job/main.py": text,
        "quantum_pipeline/__init__.py": "",
    }
    for left_out in without:
        del files[left_out]
    server.s3.put_object(Bucket=BUCKET, Key=f"{name}/source.tar.gz", Body=tarball(files))
    braket = server.braket()
    job = ended(braket, braket.create_job(**request)["jobArn"])
    return job, "".join(log_lines(server, job)).split()


def test_our_own_code_is_imported_once_for_all_jobs_that_have_the_same(
    server: Server, job_request: Make, tmp_path: Path
) -> None:
    printed = []
    with service_of(server, sources=tmp_path / "sources") as server.service:
        for number, version in enumerate((1, 2, 1)):
            text = OURS.format(version=version)
            printed.append(run_ours(server, job_request, f"ours-{number}", text)[1])
    first, other, again = printed
    assert [each[0] for each in printed] == ["1", "2", "1"]
    assert [each[1] for each in printed] == ["False"] * 3
    assert first[2] == again[2] != other[2]
    assert len({each[3] for each in printed}) == 3


def test_the_code_that_was_run_last_is_imported_before_there_is_a_job(
    server: Server, job_request: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "imported"
    text = OURS.format(version=1) + f"    open({str(file)!r}, 'a').write('once ')\n"
    with service_of(server, sources=tmp_path / "sources") as server.service:
        run_ours(server, job_request, "before", text)
    file.unlink()
    monkeypatch.setenv("NUMBA_OF_THIS_TEST", "that no Python is kept of")
    with service_of(server, sources=tmp_path / "sources") as server.service:
        server.service.warm()
        wait_for(file.exists)
        run_ours(server, job_request, "after", text)
    assert file.read_text() == "once "


def test_own_code_that_cannot_be_imported_fails_the_job_by_its_name(
    server: Server, job_request: Make, tmp_path: Path
) -> None:
    with service_of(server, sources=tmp_path / "sources") as server.service:
        job, _ = run_ours(server, job_request, "broken", "raise LookupError('of no use')")
    assert (job["status"], job["failureReason"]) == ("FAILED", "LookupError: of no use")


def test_what_is_named_as_ours_never_gets_the_copy_that_is_installed(
    server: Server, job_request: Make, tmp_path: Path
) -> None:
    text = "import quantum_pipeline\ndef run(): print(quantum_pipeline.__file__)"
    with service_of(server, sources=tmp_path / "sources") as server.service:
        job, printed = run_ours(
            server, job_request, "half", text, without=["quantum_pipeline/__init__.py"]
        )
    assert job["status"] == "FAILED", printed
    assert job["failureReason"].endswith("No module named 'quantum_pipeline' in the job's code")


def test_requirements_in_the_tarball_are_said_not_to_be_installed(
    server: Server, braket: Any, job_request: Make
) -> None:
    request = job_request(name="needy")
    files = {"work.py": "def run(): pass", "sub/requirements.txt": "no-such-package"}
    server.s3.put_object(Bucket=BUCKET, Key="needy/source.tar.gz", Body=tarball(files))
    job = ended(braket, braket.create_job(**request)["jobArn"])
    assert job["status"] == "COMPLETED"
    assert log_lines(server, job)[0].startswith("sub/requirements.txt is not installed")


def test_hyperparameters_become_arguments_by_annotation(
    server: Server, braket: Any, job_request: Make
) -> None:
    source = "def run(depth: int, label): print(repr((depth, label)))"
    request = job_request(source, "bound", hyperParameters={"depth": "3", "label": "4"})
    job = ended(braket, braket.create_job(**request)["jobArn"])
    assert log_lines(server, job) == ["(3, '4')"]


def test_a_single_file_runs_as_a_module(server: Server, braket: Any, job_request: Make) -> None:
    request = job_request(name="single")
    server.s3.put_object(Bucket=BUCKET, Key="single/script.py", Body=b"print(__name__)")
    request["algorithmSpecification"]["scriptModeConfig"] = {
        "entryPoint": "script",
        "s3Uri": f"s3://{BUCKET}/single/script.py",
        "compressionType": "NONE",
    }
    job = ended(braket, braket.create_job(**request)["jobArn"])
    assert (job["status"], log_lines(server, job)) == ("COMPLETED", ["__main__"])


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("def run(): raise ValueError('no such angle')", "ValueError: no such angle"),
        ("def run(): raise KeyError", "KeyError"),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("import os\ndef run(): os._exit(3)", "AlgorithmError: the process ended with code 3"),
        ("import os\ndef run(): os.abort()", "AlgorithmError: the process ended with code 134"),
        ("import sys\ndef run(): sys.exit(4)", "AlgorithmError: the process ended with code 4"),
        ("def run(): raise ValueError('x' * 5000)", "ValueError: " + "x" * 1012),
    ],
)
def test_a_failing_job_says_why(
    server: Server, braket: Any, job_request: Make, source: str, reason: str
) -> None:
    job = ended(braket, braket.create_job(**job_request(source, "bad"))["jobArn"])
    assert (job["status"], job["failureReason"]) == ("FAILED", reason)
    assert events(job)[-1] == "FAILED"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "NoSuchKey"),
        (b"no archive", "ReadError"),
        (tarball({"work.py": "x = 1"})[:-20], "ReadError"),
    ],
    ids=["nothing", "no archive", "cut off"],  # an archive's bytes have the time in them
)
def test_code_that_cannot_be_had_fails_the_job(
    server: Server, braket: Any, job_request: Make, body: bytes, reason: str
) -> None:
    request = job_request(name="nocode")
    key = "nocode/source.tar.gz"
    server.s3.delete_object(Bucket=BUCKET, Key=key)
    if body:
        server.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    job = ended(braket, braket.create_job(**request)["jobArn"])
    assert job["status"] == "FAILED"
    assert reason in job["failureReason"]


def test_an_input_channel_without_data_fails_the_job(
    server: Server, braket: Any, job_request: Make
) -> None:
    uri = f"s3://{BUCKET}/nothing/here"
    channel = {"channelName": "run", "dataSource": {"s3DataSource": {"s3Uri": uri}}}
    request = job_request(name="nodata", inputDataConfig=[channel])
    job = ended(braket, braket.create_job(**request)["jobArn"])
    assert job["failureReason"] == f"FileNotFoundError: no data for channel 'run' at {uri}"


def test_an_archive_cannot_write_outside_its_folder(
    server: Server, braket: Any, job_request: Make
) -> None:
    request = job_request(name="escape")
    server.s3.put_object(
        Bucket=BUCKET, Key="escape/source.tar.gz", Body=tarball({"../../escaped.py": "x = 1"})
    )
    job = ended(braket, braket.create_job(**request)["jobArn"])
    assert "OutsideDestinationError" in job["failureReason"]
    assert list(server.work_folder.iterdir()) == []


def test_a_queued_job_is_cancelled_at_once(server: Server, braket: Any, job_request: Make) -> None:
    server.service.queue_seconds = 3600
    arn = braket.create_job(**job_request(name="queued"))["jobArn"]
    queued = braket.get_job(jobArn=arn, additionalAttributeNames=["QueueInfo"])
    assert queued["queueInfo"] == {"queue": "JOBS_QUEUE", "position": "1"}
    assert "queueInfo" not in braket.get_job(jobArn=arn)
    answer = braket.cancel_job(jobArn=arn)
    assert answer["cancellationStatus"] == "CANCELLING"
    job = ended(braket, arn)
    assert events(job) == ["QUEUED_FOR_EXECUTION", "CANCELLED"]
    assert "startedAt" not in job
    assert "billableDuration" not in job


def test_a_running_job_is_cancelled_with_all_its_processes(
    server: Server, braket: Any, job_request: Make, tmp_path: Path
) -> None:
    source = """
        import pathlib, subprocess, time
        def run():
            print("awake", flush=True)
            child = subprocess.Popen(["sleep", "3600"])
            pathlib.Path({file!r}).write_text(str(child.pid))
            time.sleep(3600)
    """.format(file=str(tmp_path / "pid"))
    arn = braket.create_job(**job_request(source, "running"))["jobArn"]
    child = process_of(tmp_path / "pid")
    assert braket.cancel_job(jobArn=arn)["cancellationStatus"] == "CANCELLING"
    job = ended(braket, arn)
    assert (job["status"], events(job)[-1]) == ("CANCELLED", "CANCELLED")
    assert log_lines(server, job) == ["awake"]
    assert_ends(child)
    with pytest.raises(ClientError, match="ConflictException"):
        braket.cancel_job(jobArn=arn)


def test_a_job_that_will_not_end_is_killed(
    server: Server, braket: Any, job_request: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container, "GRACE_SECONDS", 0.3)
    source = """
        import os, pathlib, signal, time
        def run():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            pathlib.Path({file!r}).write_text(str(os.getpid()))
            time.sleep(3600)
    """.format(file=str(tmp_path / "pid"))
    arn = braket.create_job(**job_request(source, "deaf"))["jobArn"]
    deaf = process_of(tmp_path / "pid")
    braket.cancel_job(jobArn=arn)
    assert ended(braket, arn)["status"] == "CANCELLED"
    assert_ends(deaf)


def test_a_job_that_runs_too_long_is_ended(server: Server, braket: Any, job_request: Make) -> None:
    request = job_request(SLEEPS, "long", stoppingCondition={"maxRuntimeInSeconds": 1})
    job = ended(braket, braket.create_job(**request)["jobArn"])
    assert (job["status"], events(job)[-1]) == ("FAILED", "MAX_RUNTIME_EXCEEDED")
    assert job["failureReason"] == "the job ran longer than its 1 seconds"


def test_checkpoints_are_kept_while_the_job_runs_and_resumed_from(
    server: Server, braket: Any, job_request: Make
) -> None:
    source = """
        import os, pathlib, time
        def run():
            file = pathlib.Path(os.environ["AMZN_BRAKET_CHECKPOINT_DIR"], "state", "step.txt")
            if file.exists():
                print("resumed from", file.read_text())
                return
            file.parent.mkdir()
            part = pathlib.Path("step.txt")
            part.write_text("17")
            part.rename(file)
            time.sleep(3600)
    """
    kept = {"checkpointConfig": {"s3Uri": f"s3://{BUCKET}/kept"}}
    arn = braket.create_job(**job_request(source, "first", **kept))["jobArn"]
    wait_for(lambda: server.s3.list_objects_v2(Bucket=BUCKET, Prefix="kept/").get("Contents"))
    braket.cancel_job(jobArn=arn)
    ended(braket, arn)
    job = ended(braket, braket.create_job(**job_request(source, "second", **kept))["jobArn"])
    assert log_lines(server, job) == ["resumed from 17"]


def test_a_checkpoint_whose_key_leads_elsewhere_fails_the_job(
    server: Server, braket: Any, job_request: Make
) -> None:
    server.s3.put_object(Bucket=BUCKET, Key="bad//tmp/elsewhere", Body=b"")
    kept = {"checkpointConfig": {"s3Uri": f"s3://{BUCKET}/bad"}}
    job = ended(braket, braket.create_job(**job_request(name="bad", **kept))["jobArn"])
    assert job["status"] == "FAILED"
    assert job["failureReason"].startswith("InvalidResult: key: got")


@pytest.mark.parametrize("name", [".", ".."])
def test_a_channel_whose_name_is_a_folder_fails_the_job(
    server: Server, braket: Any, job_request: Make, name: str
) -> None:
    server.s3.put_object(Bucket=BUCKET, Key="data/a", Body=b"")
    source = {"s3DataSource": {"s3Uri": f"s3://{BUCKET}/data/"}}
    channels = [{"channelName": name, "dataSource": source}]
    request = job_request(name=f"channel-{len(name)}", inputDataConfig=channels)
    job = ended(braket, braket.create_job(**request)["jobArn"])
    assert job["failureReason"].startswith("InvalidResult: key: got")


def test_jobs_and_calls_do_not_wait_for_each_other(
    server: Server, braket: Any, job_request: Make
) -> None:
    slow = braket.create_job(**job_request(SLEEPS, "slow"))["jobArn"]
    wait_for(lambda: braket.get_job(jobArn=slow)["status"] == "RUNNING")
    quick = braket.create_job(**job_request(name="quick"))["jobArn"]
    assert ended(braket, quick)["status"] == "COMPLETED"
    assert braket.get_job(jobArn=slow)["status"] == "RUNNING"


def test_closing_the_service_ends_its_jobs(
    server: Server, braket: Any, job_request: Make, tmp_path: Path
) -> None:
    file = tmp_path / "pid"
    braket.create_job(**job_request(KNOWS_ITS_PROCESS.format(file=str(file)), "closed"))
    running = process_of(file)
    server.service.close()
    assert_ends(running)
    wait_for(lambda: not list(server.work_folder.iterdir()))


def test_a_job_ends_with_a_killed_server(tmp_path: Path, job_request: Make) -> None:
    file = tmp_path / "pid"
    source = textwrap.dedent(KNOWS_ITS_PROCESS.format(file=str(file)))
    (tmp_path / "request.json").write_text(json.dumps(job_request(source, "orphan")))
    (tmp_path / "source.tar.gz").write_bytes(tarball({"work.py": source}))
    script = """
        import json, sys, time
        from pathlib import Path
        from tests.local.braket.server import BUCKET, Server
        folder = Path(sys.argv[1])
        server = Server(folder)
        code = (folder / "source.tar.gz").read_bytes()
        server.s3.put_object(Bucket=BUCKET, Key="orphan/source.tar.gz", Body=code)
        server.client("braket").create_job(**json.loads((folder / "request.json").read_text()))
        time.sleep(3600)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as killed:
        orphan = process_of(file)
        killed.kill()
    assert_ends(orphan)


def test_one_look_lasts_until_the_end_of_a_job_or_as_long_as_it_may(
    server: Server, job_request: Make
) -> None:
    braket = server.client("braket")
    with service_of(server, look_seconds=50.0) as server.service:
        source = "import time\ndef run(): time.sleep(0.3)"
        arn = braket.create_job(**job_request(source, "looked-at"))["jobArn"]
        assert braket.get_job(jobArn=arn)["status"] == "COMPLETED"
    with service_of(server, look_seconds=0.2) as server.service:
        arn = braket.create_job(**job_request(SLEEPS, "looked-at"))["jobArn"]
        began = time.monotonic()
        assert braket.get_job(jobArn=arn)["status"] in ("QUEUED", "RUNNING")
        assert time.monotonic() - began >= 0.2
