"""The command as its users run it: exit status, stdout, stderr, files, and what is left behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import click
import pytest
from click.testing import CliRunner

from quantum_pipeline.cli.entry import main
from quantum_pipeline.devices.catalogue import catalogue
from quantum_pipeline.local.catalogue_file import CatalogueFile
from quantum_pipeline.local.places import APPLICATION as PROJECT
from tests.stack import LONG, REQUEST
from tests.unit.earlier_runs import earlier
from tests.waiting import PATIENCE_SECONDS, wait_for

QPIPE = str(Path(sys.executable).with_name("qpipe"))
PETERSEN = "events/requests/maxcut_petersen.json"
HYDROGEN = "events/requests/chemistry_h2.json"
"""What is reported soonest."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what is beside the output: cache, temporary files and the user's home."""
    folder = tmp_path_factory.mktemp("home")
    for name in ("tmp", "user", "cache"):
        (folder / name).mkdir()
    for name in ("sources", "tmp"):  # what any run makes of the same code and fonts, in seconds
        kept = PROJECT / ".cache" / name
        kept.mkdir(parents=True, exist_ok=True)
        (folder / "cache" / name).symlink_to(kept)
    return folder


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Let commands hear SIGINT, which what a shell runs in the background ignores.

    The command lets SIGTERM do the same, in this process where it runs in it.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="module")
def environment(home: Path) -> dict[str, str]:
    settings = {"QPIPE_CACHE": "cache", "TMPDIR": "tmp", "HOME": "user"}
    kept = {name: value for name, value in os.environ.items() if name != "XDG_CACHE_HOME"}
    return kept | {name: str(home / folder) for name, folder in settings.items()}


def assert_nothing_is_left(home: Path) -> None:
    """No process that knows the folder, no temporary file, nothing in the user's home."""
    wait_for(lambda: not processes_of(home), told=lambda: processes_of(home))
    assert list((home / "tmp").iterdir()) == []
    assert list((home / "user").iterdir()) == []
    assert list((home / "cache").glob("aws-*")) == []


def qpipe(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [QPIPE, *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def qpipe_here(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in this process: one that starts nothing needs no process of its own."""
    own = {name: environment.get(name) for name in os.environ.keys() | environment.keys()}
    done = CliRunner(env=own).invoke(main, arguments, prog_name="qpipe")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception  # the command's own process would print a traceback
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


def listed(environment: dict[str, str], folder: Path) -> list[dict[str, Any]]:
    """Return the records that the catalogue has of the runs in a folder."""
    found: list[dict[str, Any]] = json.loads(
        qpipe_here(environment, "list", "--json", "--output", str(folder)).stdout
    )
    return found


@contextmanager
def started(
    environment: dict[str, str], *arguments: str, **pipes: int
) -> Iterator[subprocess.Popen[str]]:
    """Run the command for as long as the block runs, at the most."""
    command = [QPIPE, *arguments]
    with subprocess.Popen(command, text=True, env=environment, **pipes) as run:  # type: ignore[call-overload]
        try:
            yield run
        finally:
            run.kill()


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of processes whose environment or arguments name a folder."""
    if not sys.platform.startswith("linux"):
        pytest.skip("which processes are left is read from Linux's /proc")
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            text = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
        except OSError:
            continue  # ended meanwhile
        if str(folder).encode() in text:
            found.append(text[-200:].decode(errors="replace"))
    return found


@dataclass(frozen=True)
class AtOnce:
    """Two runs that were started at the same time, into the same folder.

    Attributes:
        output: the folder, of whose catalogue one learns.
        learning: that one, of the Petersen graph, with ``--json``.
        rehearsal: the other one, of a rudy file and on a device.
    """

    output: Path
    learning: subprocess.CompletedProcess[str]
    rehearsal: subprocess.CompletedProcess[str]

    def report(self, name: str) -> dict[str, Any]:
        """Return the report in the folder of the run of a file."""
        [file] = self.output.glob(f"{name}-*/report.json")
        found: dict[str, Any] = json.loads(file.read_text())
        return found


@pytest.fixture(scope="module")
def at_once(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> AtOnce:
    folder = tmp_path_factory.mktemp("at-once")
    output = folder / "out"
    output.mkdir()
    request = json.loads(Path(PETERSEN).read_text("utf-8"))
    CatalogueFile(output).add(earlier(request["problem"], "earlier-1").model_dump_json())
    learning, square = folder / "petersen.json", folder / "square.mc"
    learning.write_text(json.dumps(request | {"algorithm": {"learn": True, "depth": 2}}), "utf-8")
    square.write_text("4 4\n1 2 1\n2 3 1\n3 4 1\n4 1 1\n")
    asked = (
        (str(learning), "--json"),
        (str(square), "--device", "garnet", "--depth", "1", "--shots", "100"),
    )
    with ThreadPoolExecutor(2) as pool:
        done = pool.map(
            lambda each: qpipe(environment, "run", *each, "--output", str(output)), asked
        )
    return AtOnce(output, *done)


def test_with_json_the_report_is_all_that_stdout_gets(at_once: AtOnce) -> None:
    done = at_once.learning
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["status"], report["solution"]["objective"]) == ("SUCCEEDED", 12)
    assert at_once.report("petersen") == report


def test_a_run_learns_from_those_that_the_catalogue_of_its_folder_has(
    environment: dict[str, str], at_once: AtOnce
) -> None:
    report = at_once.report("petersen")
    learning = report["learning"]
    assert "earlier-1" in [run["run_id"] for run in learning["runs"]]
    assert (learning["verdict"], learning["came_of_it"]["evaluations"]) == (
        "used",
        len(report["convergence"]["history"]),
    )
    records = {
        each["run_id"]: each["algorithm"]["learned"] for each in listed(environment, at_once.output)
    }
    assert records == {
        "earlier-1": False,
        report["run_id"]: True,
        at_once.report("square")["run_id"]: False,
    }


def test_run_prints_the_right_cut_and_writes_the_report_where_it_is_told(
    environment: dict[str, str], at_once: AtOnce
) -> None:
    report, done = at_once.report("square"), at_once.rehearsal
    assert done.returncode == 0, done.stderr
    assert "best cut     4 " in done.stdout
    assert "best known   4, proven by enumeration\n" in done.stdout
    assert "ratio        1.0 of the best sample" in done.stdout
    assert str(at_once.output / report["run_id"] / "report.html") in done.stdout
    records = {each["run_id"]: each for each in listed(environment, at_once.output)}
    record = records[report["run_id"]]
    assert (record["status"], record["quality"]["objective"]) == ("SUCCEEDED", 4)
    assert report["solution"]["objective"] == 4


def test_a_rehearsal_says_that_its_device_is_emulated(at_once: AtOnce) -> None:
    done = at_once.rehearsal
    said = "emulated on this machine: a rehearsal; sources in the report"
    assert said in done.stderr.splitlines()
    for line in re.findall(r"job \w+.*", done.stderr):  # none, if no look came while it ran
        assert re.match(r"job \w+ on Garnet, emulated", line)
    assert re.search(r"^device +Garnet, EMULATED on this machine: a rehearsal$", done.stdout, re.M)
    assert re.search(r"^cost .*\b0\.4450 USD.*, estimated 0\.4450\b", done.stdout, re.MULTILINE)


def test_two_runs_at_the_same_time_leave_nothing_behind(at_once: AtOnce, home: Path) -> None:
    assert at_once.learning.returncode == at_once.rehearsal.returncode == 0
    assert_nothing_is_left(home)


def test_a_rudy_file_runs_as_maxcut(at_once: AtOnce) -> None:
    problem = at_once.report("square")["request"]["problem"]
    assert (problem["type"], len(problem["edges"])) == ("maxcut", 4)


@pytest.mark.parametrize(
    ("content", "status", "reason"),
    [
        (b"", 2, "InvalidRequest: .*nothing"),
        (b"{", 2, "InvalidRequest: .*not JSON"),
        (b"\xff\xfe", 2, "InvalidRequest: .*UTF-8"),
        (b"[]", 2, "InvalidRequest: .*request.json: got a list; allowed: an object"),
        ({"shots": -5}, 2, "InvalidRequest: shots: got -5"),
        ({"device": "qx1"}, 2, "InvalidRequest: device: got"),
        (
            {"device": "sv1", "limits": {"max_cost_usd": 0}},
            3,
            "BudgetExceeded: limits.max_cost_usd",
        ),
        (
            {"device": "aria-1"},
            4,
            'DeviceUnavailable: device: got "aria-1", which is retired; allowed: ',
        ),
        ({"device": "aquila"}, 4, "DeviceUnavailable: .* no gates; allowed: local, .*Garnet"),
    ],
)
def test_a_refusal_is_one_line_and_its_own_exit_status(
    environment: dict[str, str],
    tmp_path: Path,
    content: bytes | dict[str, Any],
    status: int,
    reason: str,
) -> None:
    file = tmp_path / "request.json"
    file.write_bytes(
        content if isinstance(content, bytes) else json.dumps(REQUEST | content).encode()
    )
    done = qpipe_here(environment, "run", str(file), "--output", str(tmp_path / "out"))
    assert done.returncode == status
    assert re.match(reason, done.stderr.strip().splitlines()[-1])
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_file_that_is_not_there_is_said(environment: dict[str, str]) -> None:
    done = qpipe_here(environment, "run", "no/such/file.json")
    assert done.returncode == 2
    assert done.stderr == "InvalidRequest: no/such/file.json: no such file or directory\n"


def test_a_file_of_no_known_form_is_told_which_there_are(environment: dict[str, str]) -> None:
    done = qpipe_here(environment, "validate", "README.md")
    assert done.returncode == 2
    assert '".md" is no suffix that is read; allowed: .mc, .rud, ' in done.stderr
    assert ".json, each also with .gz or .bz2, or --as FORMAT\n" in done.stderr


def test_each_fault_of_a_request_has_its_own_line(environment: dict[str, str]) -> None:
    done = qpipe_here(environment, "validate", "events/requests/invalid_wrong_types.json")
    faults = [
        line.removeprefix("InvalidRequest:").split(":")[0] for line in done.stderr.splitlines()
    ]
    assert [each.strip() for each in faults] == [
        "problem.edges.0.1",  # a list is read up to its first wrong entry
        "shots",
        "seed",
        "limits.max_cost_usd",
    ]
    assert done.returncode == 2


def test_help_describes_each_command_in_full(environment: dict[str, str]) -> None:
    done = qpipe_here(environment, "--help")
    commands = done.stdout.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in commands] == main.list_commands(click.Context(main))
    assert all(line.endswith(".") and "..." not in line for line in commands)


def slow_request(tmp_path: Path) -> str:
    file = tmp_path / "slow.json"
    file.write_text(json.dumps(LONG))
    return str(file)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, "qpipe cancel"])
def test_an_interrupted_run_cancels_its_job_and_leaves_no_process(
    environment: dict[str, str], tmp_path: Path, home: Path, how: signal.Signals | str
) -> None:
    name = ""
    command = ["run", slow_request(tmp_path), "--output", str(tmp_path / "out")]
    with started(environment, *command, stderr=subprocess.PIPE) as run:
        assert run.stderr is not None
        for line in run.stderr:
            if found := re.fullmatch(r"run (slow-\S+)\n", line):
                name = found[1]
            if "job running" in line:
                break
        if isinstance(how, signal.Signals):
            run.send_signal(how)
        else:
            asked = qpipe_here(environment, "cancel", name, "--output", str(tmp_path / "out"))
            assert asked.stderr.splitlines()[-1] == "cancelled, with its job"
        rest = run.stderr.read()
        assert run.wait(timeout=PATIENCE_SECONDS) == 130, rest
    assert "cancelled" in rest
    [record] = listed(environment, tmp_path / "out")
    assert (record["status"], record["problem"]["type"]) == ("CANCELLED", "random")
    assert "Traceback" not in rest
    end, cancelled = (
        json.loads((tmp_path / "out" / name / each).read_text())
        for each in ("end.json", "cancelled.json")
    )
    assert (end["end"], end["told"]) == (cancelled, True)
    folders = [each for each in (tmp_path / "out").rglob("*") if each.is_dir()]
    assert all(any(each.iterdir()) for each in folders)
    assert_nothing_is_left(home)


def test_a_killed_run_leaves_no_process(
    environment: dict[str, str], tmp_path: Path, home: Path
) -> None:
    command = ["run", slow_request(tmp_path), "--output", str(tmp_path / "out")]
    with started(environment, *command, stderr=subprocess.PIPE) as run:
        assert run.stderr is not None
        for line in run.stderr:
            if "job running" in line:
                break
        run.kill()
    wait_for(lambda: not processes_of(home), told=lambda: processes_of(home))


def test_a_result_that_has_no_place_any_more_is_kept_in_another(
    environment: dict[str, str], tmp_path: Path, home: Path
) -> None:
    output = tmp_path / "out"
    command = ("run", HYDROGEN, "--output", str(output))
    with started(environment, *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stderr is not None
        wait_for(lambda: run.stderr and "run hydrogen" in run.stderr.readline())
        run.send_signal(signal.SIGSTOP)  # it writes nothing meanwhile
        shutil.rmtree(output)
        output.touch()  # as good as a disk that is full or read-only
        run.send_signal(signal.SIGCONT)
        _, errors = run.communicate(timeout=PATIENCE_SECONDS)
    assert run.returncode == 73
    said = rf"^OutputNotWritten: --output: {output}: .*; the result is kept in (.+)$"
    found = re.search(said, errors, re.MULTILINE)
    assert found, errors
    folder = Path(found[1])
    assert folder.parent == home / "tmp" / "quantum-pipeline-runs"
    report = json.loads((folder / "report.json").read_text())
    assert all((folder / name).exists() for name in report["artifacts"]["plots"])
    shutil.rmtree(folder.parent)
    assert_nothing_is_left(home)


def test_a_cache_that_cannot_be_written_to_is_said(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    cache = {"QPIPE_CACHE": str(tmp_path / "file" / "cache")}
    output = str(tmp_path / "out")
    done = qpipe_here(environment | cache, "run", PETERSEN, "--output", output)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    allowed = "allowed: a folder that can be written to (Not a directory)"
    assert line == f'InvalidRequest: QPIPE_CACHE: got "{tmp_path}/file/cache"; {allowed}'


def test_validate_prints_the_request_with_its_defaults(environment: dict[str, str]) -> None:
    done = qpipe_here(environment, "validate", PETERSEN)
    resolved = json.loads(done.stdout)
    assert resolved["algorithm"]["name"] == "qaoa"
    assert resolved["limits"] == {
        "max_cost_usd": 1.0,
        "max_runtime_seconds": 3600,
        "allow_partial": False,
    }


def test_validate_prints_edges_in_few_lines_and_what_applies_alone(
    environment: dict[str, str],
) -> None:
    done = qpipe_here(environment, "validate", PETERSEN)
    assert re.search(r"^ +\[0, 1, 1\.0\], \[0, 4, 1\.0\], ", done.stdout, re.MULTILINE)
    assert len(done.stdout.splitlines()) < 60
    assert "scales" not in json.loads(done.stdout)["mitigation"]


def test_validate_of_its_own_output_changes_nothing(
    environment: dict[str, str], tmp_path: Path
) -> None:
    first = qpipe_here(environment, "validate", PETERSEN).stdout
    (tmp_path / "resolved.json").write_text(first)
    assert qpipe_here(environment, "validate", str(tmp_path / "resolved.json")).stdout == first


def test_estimate_names_qubits_memory_time_and_cost(environment: dict[str, str]) -> None:
    done = qpipe_here(environment, "estimate", PETERSEN, "--device", "sv1", "--json")
    estimate: dict[str, Any] = json.loads(done.stdout)
    assert (estimate["n_qubits"], estimate["device"]) == (10, "SV1")
    assert estimate["memory_bytes"] > 0 and estimate["job_seconds"] > 0
    assert estimate["total_usd"] == pytest.approx(
        sum(item["usd"] for item in estimate["cost"]["items"])
    )
    assert "10 qubits" in qpipe_here(environment, "estimate", PETERSEN).stdout


def test_estimate_shows_the_plan_on_a_device_and_says_that_it_is_emulated(
    environment: dict[str, str],
) -> None:
    done = qpipe_here(environment, "estimate", "events/requests/maxcut_trained_on_garnet.json")
    assert done.returncode == 0, done.stderr
    assert max(len(line) for line in done.stdout.splitlines() if "emulated" in line) < 80
    assert re.search(r"^emulated +on this machine: a rehearsal", done.stdout, re.MULTILINE)
    assert re.search(r"^training +19 evaluations of 200 shots in 10 tasks, ", done.stdout, re.M)
    assert re.search(r"^counted +180 s to start \+ the whole time limit$", done.stdout, re.M)
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert re.search(r"^cost .* USD  shots on Garnet, training, ", done.stdout, re.MULTILINE)
    assert re.search(r"^beside +S3, Lambda", done.stdout, re.MULTILINE)


def test_an_estimate_above_its_limit_is_shown_and_ends_as_the_run_would(
    environment: dict[str, str],
) -> None:
    done = qpipe_here(environment, "estimate", PETERSEN, "--device", "forte-1")
    above = r"^total .* ABOVE limits\.max_cost_usd = 1: refused$"
    assert re.search(above, done.stdout, re.MULTILINE)
    refused = qpipe_here(environment, "validate", PETERSEN, "--device", "forte-1")
    assert (done.returncode, refused.returncode) == (3, 3)
    assert done.stderr == refused.stderr


def test_a_run_that_may_stop_below_its_limit_is_said_to_start(
    environment: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "partial.json"
    limits = {"max_cost_usd": 1.0, "allow_partial": True}
    file.write_text(json.dumps(REQUEST | {"device": "garnet", "limits": limits}))
    said = r"^total .* ABOVE limits\.max_cost_usd = 1: would start, and stop below it$"
    done = qpipe_here(environment, "estimate", str(file))
    assert re.search(said, done.stdout, re.MULTILINE)
    assert done.returncode == 0


def test_a_run_on_a_device_is_held_to_what_aws_would_bill(
    environment: dict[str, str], tmp_path: Path
) -> None:
    estimate = qpipe_here(environment, "estimate", PETERSEN, "--device", "garnet", "--json").stdout
    found = json.loads(estimate)
    instance = found["cost"]["items"][0]
    assert instance["what"].startswith("job instance")
    file = tmp_path / "between.json"  # above what this machine bills, below what AWS would
    limits = {"max_cost_usd": found["total_usd"] - instance["usd"] / 2}
    request = json.loads(Path(PETERSEN).read_text("utf-8"))
    file.write_text(json.dumps(request | {"device": "garnet", "limits": limits}))
    output = ("--output", str(tmp_path / "out"))
    run, validate = (
        qpipe_here(environment, *each)
        for each in (("run", str(file), *output), ("validate", str(file)))
    )
    assert (run.returncode, validate.returncode) == (3, 3)
    assert run.stderr == validate.stderr


def test_a_stack_without_a_region_says_how_to_set_one(environment: dict[str, str]) -> None:
    regions = ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE")
    nowhere = {name: value for name, value in environment.items() if name not in regions}
    done = qpipe_here(nowhere, "run", PETERSEN, "--stack", "any")
    assert done.returncode == 2
    assert done.stderr.startswith("InvalidRequest: --stack: no region is set; allowed: ")
    assert "AWS_REGION=REGION or `aws configure`" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "Error: Give one of --stack and --endpoint."),
        (("--stack", "any", "--endpoint", "http://h:1"), "Error: Give one of "),
        (("--endpoint", "h:1"), 'InvalidRequest: --endpoint: got "h:1"; allowed: a URL, such as '),
    ],
)
def test_env_wants_to_know_whose_variables(
    environment: dict[str, str], arguments: tuple[str, ...], reason: str
) -> None:
    done = qpipe_here(environment, "env", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.strip().splitlines()[-1].startswith(reason)


def test_devices_are_a_table_that_fits_and_says_what_is_emulated(
    environment: dict[str, str],
) -> None:
    done = qpipe_here(environment, "devices")
    lines = done.stdout.splitlines()
    assert lines[0].split()[0] == "device" and lines[1].split()[0] == "local"
    assert max(map(len, lines)) <= 120
    rows = [line.split()[0].rstrip("*") for line in lines[1:-2]]
    assert sorted(rows) == sorted(each.name for each in catalogue().devices)  # a line each
    garnet = r"^Garnet\* +always +20 +0\.30 \+ 0\.00145 +0 +0\.99\d\d +eu-north-1 +1-20000 +prx cz$"
    assert re.search(garnet, done.stdout, re.MULTILINE)
    assert re.search(r"^Aquila +always +256 .* none: analog$", done.stdout, re.MULTILINE)
    assert "* emulated on this machine" in lines[-1]


def test_devices_as_json_have_prices_with_their_date(environment: dict[str, str]) -> None:
    rows = json.loads(qpipe_here(environment, "devices", "--json").stdout)
    assert {row["prices_as_of"] for row in rows} == {"2026-08-21"}
    found = {row["name"]: row for row in rows}
    assert found["Garnet"]["usd_per_shot"] == 0.00145
    assert found["Garnet"]["emulated"] and not found["local"]["emulated"]
    assert re.match(r"\d{4}-\d\d-\d\dT", found["Garnet"]["calibrated_at"])
    assert (found["Garnet"]["queue"], found["Garnet"]["region"]) == (0, "eu-north-1")
    assert found["SV1"]["usable"] and not found["Aquila"]["usable"]


def test_serve_answers_any_aws_client_and_ends_cleanly(
    environment: dict[str, str], home: Path, tmp_path: Path
) -> None:
    output = tmp_path / "runs"
    command = ("serve", "--output", str(output))
    with started(environment, *command, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        settings, machine = {}, ""
        for line in server.stdout:
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").strip().partition("=")
                settings[name] = value
            if line.startswith("# StateMachineArn: "):
                machine = line.split(": ", 1)[1].strip()
            if "start-execution" in line:
                break
        states: Any = boto3.client(
            "stepfunctions",
            endpoint_url=settings["AWS_ENDPOINT_URL"],
            region_name=settings["AWS_REGION"],
            aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
        )
        request = Path(HYDROGEN).read_text()
        execution = states.start_execution(stateMachineArn=machine, input=request)["executionArn"]

        def answer() -> str | None:
            found: dict[str, str] = states.describe_execution(executionArn=execution)
            assert found["status"] in ("RUNNING", "SUCCEEDED"), found
            return found.get("output")

        assert json.loads(wait_for(answer))["objective"] == pytest.approx(-1.137284)  # PySCF
        server.send_signal(signal.SIGINT)
        server.stdout.close()
        assert server.wait(timeout=PATIENCE_SECONDS) == 0
    [record] = listed(environment, output)
    assert execution.endswith(f":{record['run_id']}")
    assert_nothing_is_left(home)
