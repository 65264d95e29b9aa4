"""The job's source: the same bytes for the same files, complete, and runnable as Braket runs it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import sysconfig
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from quantum_pipeline import runs
from quantum_pipeline.aws import source
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.results import OptimisationResult, read_result
from tests.planned import planned
from tests.stack import REQUEST
from tests.waiting import PATIENCE_SECONDS

# What Braket's container does, less the downloads: the code's folder is appended to the path and
# the entry point is called. The packages of the image are there, this project is not: site-packages
# is on the path as a plain folder, so that the development install in it has no effect.
# What is imported must not depend on the environment, the threads of BLAS apart: on this machine
# jobs share it.
CONTAINER = """
import importlib, os, sys
site_packages, code, entry_point = sys.argv[1:]
sys.path += [site_packages, code]
module, _, function = entry_point.partition(":")
read_by_us = set()
class Watched(type(os.environ)):
    def __getitem__(self, name):
        frame = sys._getframe(1)
        while os.path.basename(frame.f_code.co_filename).split(" ")[-1] in LIBRARY:
            frame = frame.f_back
        if frame.f_code.co_filename.startswith(code):
            read_by_us.add((name, frame.f_code.co_filename))
        return super().__getitem__(name)
LIBRARY = {"os.py", "_collections_abc.py", "os>", "_collections_abc>"}
os.environ.__class__ = Watched
imported = importlib.import_module(module)
assert {name for name, _ in read_by_us} == {"OPENBLAS_NUM_THREADS"}, read_by_us
getattr(imported, function)()
assert len(read_by_us) > 1
import quantum_pipeline
assert quantum_pipeline.__file__.startswith(code), quantum_pipeline.__file__
assert "braket" not in sys.modules and "boto3" not in sys.modules
"""


@pytest.fixture
def prepared() -> PreparedRun:
    """The Petersen graph's run, prepared."""
    return PreparedRun.of(
        planned(REQUEST),
        run_id="petersen",
        execution_arn="arn:aws:states:us-east-1:123456789012:execution:machine:petersen",
        problem_uri=None,
        created_at=datetime(2026, 8, 24, tzinfo=UTC),
        prepare_seconds=0.1,
    )


def members(archive: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {member.name: member for member in tar}


def test_the_same_files_give_the_same_bytes() -> None:
    first = source.build()
    for path in Path("hybrid_job").glob("*.py"):
        os.utime(path)
    assert source.build() == first
    assert first[4:8] == bytes(4)  # gzip's own time, which two builds in one second would share


def test_a_process_packs_its_files_once() -> None:
    assert source.packed() is source.packed()
    assert source.packed() == source.build()


def test_changed_code_gives_other_bytes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for package in source.PACKAGES:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("x = 1\n")
    monkeypatch.setattr(source, "_folder", tmp_path.joinpath)
    first = source.build()
    (tmp_path / "hybrid_job" / "__init__.py").write_text("x = 2\n")
    assert source.build() != first


def test_a_part_stays_behind_by_its_place_and_not_by_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    files = {
        "hybrid_job/reports/parts.py": True,
        "hybrid_job/solvers/local.py": True,
        "quantum_pipeline/devices/aws/names.py": True,
        "quantum_pipeline/reports/parts.py": False,
        "quantum_pipeline/local/aws/names.py": False,
    }
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    monkeypatch.setattr(source, "_folder", tmp_path.joinpath)
    assert list(members(source.build())) == [name for name, travels in files.items() if travels]


def test_it_holds_the_job_and_the_domain_and_nothing_else() -> None:
    names = members(source.build())
    assert {"hybrid_job/main.py", "quantum_pipeline/ising/__init__.py"} <= names.keys()
    assert {name.split("/")[0] for name in names} == {"hybrid_job", "quantum_pipeline"}
    unwanted = [f"quantum_pipeline/{part}/" for part in ("aws", "cli", "local", "pages", "reports")]
    assert not [name for name in names if name.startswith(tuple(unwanted)) or ".pyc" in name]
    assert list(names) == sorted(names)
    assert all((m.mtime, m.uid, m.gid, m.uname) == (0, 0, 0, "") for m in names.values())


def test_the_tarball_runs_as_the_container_runs_it(tmp_path: Path, prepared: PreparedRun) -> None:
    folders = {
        name: tmp_path / name.lower() for name in ("INPUT_DIR", "JOB_RESULTS_DIR", "CHECKPOINT_DIR")
    }
    code = tmp_path / "code"
    for folder in (*folders.values(), code):
        folder.mkdir()
    (folders["INPUT_DIR"] / runs.INPUT_CHANNEL).mkdir()
    (folders["INPUT_DIR"] / runs.INPUT_CHANNEL / runs.PREPARED).write_text(
        prepared.model_dump_json(by_alias=True)
    )
    with tarfile.open(fileobj=io.BytesIO(source.build())) as tar:
        tar.extractall(code, filter="data")
    environment = {f"AMZN_BRAKET_{name}": str(folder) for name, folder in folders.items()}
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", CONTAINER, sysconfig.get_path("purelib"), str(code),
         runs.ENTRY_POINT],
        env={"PATH": os.environ["PATH"], "AMZN_BRAKET_JOB_NAME": "qpipe-1", **environment},
        cwd=code, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    saved: dict[str, Any] = json.loads((folders["JOB_RESULTS_DIR"] / "results.json").read_text())
    result = read_result(saved["dataDictionary"], prepared)
    assert isinstance(result, OptimisationResult)
    assert result.best_energy == -12
    assert "Metrics - " in done.stdout


def test_what_braket_tells_a_job_is_read_by_one_module() -> None:
    job = Path(__file__).parents[2] / "hybrid_job"
    reading = [path for path in job.rglob("*.py") if "AMZN_BRAKET_" in path.read_text("utf-8")]
    assert reading == [job / "environment.py"]
