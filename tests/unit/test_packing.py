"""Several files make one pack, as far as what they ask can share a job."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from quantum_pipeline.cli.entry import main
from quantum_pipeline.cli.listing import summary
from quantum_pipeline.cli.packing import gathered, names
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.local import running
from quantum_pipeline.requests.pack import Pack, parse_input
from quantum_pipeline.requests.request import Request, parse_request

RING = {"problem": {"type": "maxcut", "edges": [[0, 1], [1, 2], [2, 3], [3, 0]]}}


def asked(*requests: dict[str, Any]) -> list[tuple[Path, Request]]:
    return [
        (Path(f"folder/run {number}.json"), parse_request(RING | request))
        for number, request in enumerate(requests)
    ]


def test_what_needs_no_device_makes_a_pack_and_what_does_is_alone() -> None:
    limits = ({"max_cost_usd": 0.25}, {"max_cost_usd": 0.5})
    pack, alone = gathered(
        asked({"limits": limits[0]}, {"device": "garnet"}, {"limits": limits[1], "seed": 3})
    )
    assert pack is not None
    assert [run.name for run in pack.pack] == ["run-0", "run-2"]
    assert pack.pack[1].request == parse_request(RING | {"limits": limits[1], "seed": 3})
    assert pack.limits.max_cost_usd == 0.75
    assert [(each.file.name, each.because) for each in alone] == [
        ("run 1.json", "it needs a device")
    ]


def test_what_is_cut_shares_no_job() -> None:
    _, alone = gathered(asked({"device": "garnet", "algorithm": {"cut": 1}}, {}))
    assert alone[0].because == "it needs a device"


def test_one_that_could_share_a_job_alone_shares_none() -> None:
    pack, alone = gathered(asked({"device": "sv1"}, {}))
    assert pack is None
    assert [each.because for each in alone] == ["it needs a device", "no other shares its job"]


def test_more_than_a_pack_may_have_are_refused() -> None:
    assert gathered(asked(*[{}] * 100))[1] == ()
    with pytest.raises(InvalidRequest, match=r"^FILES: got 101 runs of one job; allowed: up"):
        gathered(asked(*[{}] * 101))


def test_every_label_becomes_a_name_of_its_own_that_a_pack_allows() -> None:
    labels = ["a", "a", "a-2", "", "..", "é", "x" * 99, "x" * 99, "_a", "A b.c"]
    found = names(labels)
    assert len(set(found)) == len(labels)
    runs = [{"name": name, "request": RING} for name in found]
    assert isinstance(parse_input({"pack": runs}), Pack)


def qpipe(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, list(arguments))
    return done.exit_code, done.stdout, done.stderr


def test_files_of_any_form_are_checked_and_priced_as_the_pack_that_they_make(
    tmp_path: Path,
) -> None:
    ring, graph = tmp_path / "ring.json", tmp_path / "graph.mc"
    ring.write_text(json.dumps(RING | {"seed": 4}))
    graph.write_text("3 3\n1 2\n2 3\n1 3\n")
    status, said, _ = qpipe("validate", str(ring), str(graph), str(ring))
    assert status == 0
    made = parse_input(json.loads(said))
    assert isinstance(made, Pack)
    assert [(run.name, run.request.seed) for run in made.pack] == [
        ("ring", 4),
        ("graph", 0),
        ("ring-2", 4),
    ]
    status, said, _ = qpipe("estimate", "--json", str(ring), str(graph))
    assert status == 0
    assert [run["name"] for run in json.loads(said)["runs"]] == ["ring", "graph"]


def test_what_is_wrong_with_one_of_several_files_is_named_after_the_file(tmp_path: Path) -> None:
    ring, wrong, pack = (tmp_path / name for name in ("ring.json", "wrong.json", "pack.json"))
    ring.write_text(json.dumps(RING))
    wrong.write_text(json.dumps(RING | {"shots": 0}))
    pack.write_text(json.dumps({"pack": [{"name": name, "request": RING} for name in "ab"]}))
    status, _, said = qpipe("estimate", str(ring), str(wrong))
    assert status == 2
    assert f"{wrong}: shots: got 0" in said
    status, _, said = qpipe("estimate", str(ring), str(pack))
    assert status == 2
    assert f"{pack}: is a pack; allowed: requests, or one pack alone" in said
    wrong.write_text("{")
    status, _, said = qpipe("validate", str(ring), str(wrong))
    assert (status, said.count(wrong.name)) == (2, 1)


def test_a_pack_of_which_a_run_would_be_refused_is_not_started(tmp_path: Path) -> None:
    pack = tmp_path / "pack.json"
    wrong = [{"name": "a", "request": RING}, {"name": "b", "request": {**RING, "device": "sv1"}}]
    pack.write_text(json.dumps({"pack": wrong}))
    status, _, said = qpipe("run", str(pack), "--output", str(tmp_path / "runs"))
    assert status == 2
    assert 'run "b": device: got "sv1"; allowed: local in a pack' in " ".join(said.split())
    assert not (tmp_path / "runs").exists()


def test_the_closing_table_fits_eighty_columns_and_tells_runs_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    names = [f"a-long-name-of-a-pack-20261129-120000-1a2b.another-long-name-{i}" for i in range(3)]
    stored = json.loads(Path("tests/unit/record_v1.json").read_text("utf-8"))
    failed = {"status": "FAILED", "error": "Lambda.TooManyRequestsException", "quality": None}
    records = [{**stored, "run_id": name} for name in names]
    lines = list(summary([*records[:2], records[2] | failed]))
    assert max(map(len, lines)) <= 80
    assert [line for line in lines if not line.startswith(" ")] == names
    assert "  result Lambda.TooManyRequestsException, problem maxcut 10, USD 0.0020" in lines


def test_another_process_is_asked_to_cancel_a_run_of_its_pack(tmp_path: Path) -> None:
    with running.marked(tmp_path, "pack", ["a", "b"]):
        assert running.names_in_pack(tmp_path, "pack") == ["a", "b"]
        said = qpipe("cancel", "pack.b", "--output", str(tmp_path))[2]
        assert "cancelled; its end is recorded with those of its pack" in said
        assert list(running.cancelled_in_pack(tmp_path, "pack")) == ["b"]
        assert list(running.cancelled_in_pack(tmp_path, "pack")) == []
        status, _, said = qpipe("cancel", "pack.c", "--output", str(tmp_path))
        assert (status, "a run that goes on in" in said) == (2, True)
    assert running.names_in_pack(tmp_path, "pack") == []
