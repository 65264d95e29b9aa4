"""``qpipe study --stack`` and its client on this machine's AWS: started, fetched, gone on with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from quantum_pipeline.cli.client import Pipeline
from quantum_pipeline.cli.entry import main
from quantum_pipeline.cli.study_client import StudyClient
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.studies.study import parse_study
from tests.cloudformation import describe_stacks
from tests.stack import Stack

RING = {"type": "maxcut", "edges": [[0, 1], [1, 2], [2, 3], [3, 4], [0, 4]]}
PLAN = {
    "name": "odd-ring",
    "base": {"problem": RING, "algorithm": {"max_evaluations": 20}},
    "vary": {"algorithm.depth": [1, 2]},
}


@pytest.fixture(scope="module")
def pipeline(stack: Stack) -> Iterator[Pipeline]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stack.aws.environment().items():
            patch.setenv(name, value)
        stack.aws.router.intercept = describe_stacks(stack, "deployed-stack")
        yield Pipeline(stack.aws.outputs)
        stack.aws.router.intercept = None


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


def qpipe(output: Path, *arguments: str) -> Result:
    end = ("--stack", "deployed-stack", "--output", str(output))
    return CliRunner().invoke(main, [*arguments, *end])


@pytest.fixture(scope="module")
def done(pipeline: Pipeline, output: Path) -> Result:
    file = output / "plan.json"
    file.write_text(json.dumps(PLAN))
    return qpipe(output, "study", str(file), "--json")


def test_a_study_on_a_stack_prints_its_summary(done: Result, output: Path) -> None:
    assert done.exit_code == 0, done.output
    summary = json.loads(done.stdout)
    assert (summary["name"], summary["runs"]["succeeded"]) == ("odd-ring", 2)
    assert summary["spent"]["usd"] > 0  # at the stack's price
    assert json.loads((output / "studies/odd-ring/report.json").read_text()) == summary
    assert not list(output.glob("odd-ring-*"))  # the runs are where they were, until asked for
    assert "of 2 runs: " in done.stderr


def test_a_study_on_a_stack_is_shown_and_fetched_with_its_runs(done: Result, output: Path) -> None:
    shown = qpipe(output, "show", "odd-ring")
    assert "depth 2" in shown.stdout
    fetched = qpipe(output, "fetch", "odd-ring")
    folders = [Path(line) for line in fetched.stdout.splitlines()]
    assert folders[0] == output / "studies" / "odd-ring"
    reports = [json.loads((each / "report.json").read_text()) for each in folders[-2:]]
    assert {report["algorithm"]["depth"] for report in reports} == {1, 2}
    over = qpipe(output, "cancel", "odd-ring")
    assert (over.exit_code, "a study that goes on" in over.stderr) == (2, True)


def test_a_study_too_large_for_an_execution_is_told_where_its_problems_can_be(
    pipeline: Pipeline,
) -> None:
    wide = {"type": "random", "problem_size": 20, "seed": 0}
    asked = parse_study(PLAN | {"name": "wide", "vary": {"problem": [wide] * 7000}})
    with pytest.raises(
        InvalidRequest, match=r"study: got \d{6} bytes; allowed: up to 245760; a pr"
    ):
        StudyClient(pipeline, asked).start()


def test_a_study_whose_s3_is_gone_goes_on_from_its_files(
    done: Result, pipeline: Pipeline, stack: Stack, output: Path
) -> None:
    """As on this machine, whose S3 ends with the process: nothing is solved again."""
    summary = json.loads(done.stdout)
    kept = output / "studies" / "odd-ring"
    (kept / "report.json").unlink()
    (kept / "rows" / "0001.json").unlink()  # the process was killed as the round ended
    for prefix in ("studies/odd-ring/", "runs/odd-ring-"):
        for name in list(pipeline.bucket.listed(prefix)):
            stack.s3.delete_object(Bucket=stack.bucket, Key=f"{prefix}{name}")
    asked = parse_study(PLAN)
    client = StudyClient(pipeline, asked)
    client.restore(kept, output)
    execution = client.start()
    for turn in pipeline.turns(execution, every_seconds=0.1):
        assert turn < 600, "it waits for runs that have ended"
    again = client.summary()
    assert again is not None
    assert timeless(again) == timeless(summary)


def timeless(summary: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in summary.items() if name != "completed_at"}
