"""Options that change what a file asks, and the limit on cost that nobody gave."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner

from quantum_pipeline.cli.asking import Changes
from quantum_pipeline.cli.entry import main
from quantum_pipeline.cli.options import set_aws, stack_option
from quantum_pipeline.cli.preparing import body_of, check_before
from quantum_pipeline.errors import BudgetExceeded, InvalidRequest
from quantum_pipeline.local import functions_python
from quantum_pipeline.requests.request import Request, parse_request

H2 = "2\n\nH 0 0 0\nH 0 0 0.74\n"
SQUARE = {"type": "maxcut", "edges": [[0, 1], [1, 2], [2, 3], [3, 0]]}


def converted(file: Path, *options: str) -> Any:
    done = CliRunner().invoke(main, ["convert", str(file), *options])
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_each_option_stands_where_the_request_has_it(tmp_path: Path) -> None:
    file = tmp_path / "h2.xyz"
    file.write_text(H2)
    options = [
        "--charge",
        "1",
        "--multiplicity",
        "2",
        "--shots",
        "50",
        "--seed",
        "3",
        "--max-cost",
        "2.5",
        "--device",
        "sv1",
    ]
    found = converted(file, *options, "--set", "limits.allow_partial=true")
    assert (found["problem"]["charge"], found["problem"]["multiplicity"]) == (1, 2)
    assert (found["shots"], found["seed"], found["device"]) == (50, 3, "sv1")
    assert found["limits"] == {"max_cost_usd": 2.5, "allow_partial": True}
    assert "algorithm" not in found


@pytest.mark.parametrize(("given", "depth"), [("3", 3), ("auto", "auto")])
def test_a_depth_is_a_number_or_auto(tmp_path: Path, given: str, depth: int | str) -> None:
    file = tmp_path / "square.json"
    file.write_text(json.dumps({"problem": SQUARE}))
    assert converted(file, "--depth", given)["algorithm"] == {"depth": depth}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--depth", "deep"), 'algorithm.depth: got "deep"; allowed: an integer from 1 to 64'),
        (("--shots", "0"), "shots: got 0; allowed: an integer from 1 to 50000"),
        (("--charge", "1"), "problem.charge: no such field"),
        (("--set", "shots"), '--set: got "shots"; allowed: PATH=VALUE'),
    ],
)
def test_what_cannot_be_changed_so_is_refused_by_its_field(
    tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    file = tmp_path / "square.json"
    file.write_text(json.dumps({"problem": SQUARE}))
    done = CliRunner().invoke(main, ["convert", str(file), *options])
    assert done.exit_code == 2
    assert said in done.stderr


def test_options_of_a_run_are_of_each_run_of_a_pack_and_its_limit_is_its_own() -> None:
    pack = {"pack": [{"name": name, "request": {"problem": SQUARE}} for name in ("a", "b")]}
    found = Changes({"shots": 7, "limits.max_cost_usd": 2.0}, ["name=both"]).of(pack)
    assert [run["request"]["shots"] for run in found["pack"]] == [7, 7]
    assert (found["limits"], found["name"]) == ({"max_cost_usd": 2.0}, "both")
    with pytest.raises(InvalidRequest, match=r"pack: got .*; allowed: runs in the file itself"):
        Changes({"shots": 7}, ()).of({"pack": {"uri": "s3://bucket/runs.json"}})


def on_garnet(**limits: Any) -> Request:
    return parse_request({"problem": SQUARE, "device": "garnet", "limits": limits})


def test_the_default_limit_binds_no_rehearsal_and_what_aws_could_bill_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ready = check_before(on_garnet(), None).asked
    # 0.30 for the task and 1000 shots of 0.00145, and the instance at the template's price
    usd = body_of(ready)["limits"]["max_cost_usd"]
    assert 1.75 < usd < 1.85
    said = capsys.readouterr().err
    assert "on AWS Garnet could bill 1.7" in said
    assert f"there, add --max-cost {usd:.2f}" in said


@pytest.mark.parametrize("usd", [1.0, 1.7])
def test_a_limit_that_was_given_binds_a_rehearsal_as_it_does_on_aws(usd: float) -> None:
    with pytest.raises(BudgetExceeded, match=r"limits\.max_cost_usd: the estimate is 1\.7"):
        check_before(on_garnet(max_cost_usd=usd), None)
    partial = check_before(on_garnet(max_cost_usd=usd, allow_partial=True), None).asked
    assert body_of(partial)["limits"]["max_cost_usd"] == usd


def test_a_rehearsal_that_may_stop_early_does_so_at_a_given_limit_alone() -> None:
    assert check_before(on_garnet(allow_partial=True), None).asked.limits.max_cost_usd > 1.75


def test_what_nobody_limits_stays_open_for_who_runs_it_again() -> None:
    asked = check_before(parse_request({"problem": SQUARE}), None).asked
    assert "max_cost_usd" not in body_of(asked)["limits"]


def test_region_and_profile_are_those_of_the_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID"):
        monkeypatch.setenv(name, "before")
    set_aws("eu-north-1", "lab")
    assert (os.environ["AWS_REGION"], os.environ["AWS_DEFAULT_REGION"]) == ("eu-north-1",) * 2
    assert os.environ["AWS_PROFILE"] == "lab"
    assert "AWS_ACCESS_KEY_ID" not in os.environ  # it would be taken rather than the profile


def test_region_and_profile_are_refused_without_a_stack() -> None:
    command = click.command()(stack_option("A stack.")(lambda stack: click.echo(str(stack))))
    done = CliRunner().invoke(command, ["--profile", "lab"])
    assert done.exit_code == 2
    assert "--region and --profile are for a --stack." in done.stderr


@pytest.mark.parametrize(
    ("command", "begun"),
    [
        ("run none.json", 1),
        ("study none.json", 1),
        ("run none.json --stack ours", 0),
        ("run --stack=ours none.json", 0),
        ("study --help", 0),
        ("validate none.json", 0),
    ],
)
def test_an_aws_on_this_machine_gets_ready_before_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, command: str, begun: int
) -> None:
    asked: list[str] = []
    python = SimpleNamespace(get_ready=lambda: asked.append(command))
    monkeypatch.setattr(functions_python, "functions_python", lambda: python)
    CliRunner().invoke(main, command.split())
    assert asked == [command] * begun
