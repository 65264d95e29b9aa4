"""A share of the attacks on results and checkpoints, which ``benchmarks`` has whole."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks import mutated_files
from benchmarks.job_files import Files
from benchmarks.mutating import generator
from benchmarks.tampering import ACCEPTED, REFUSED, WORD, campaign, differences
from hybrid_job.journal import Journal
from hybrid_job.main import solve
from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.results import MoleculeResult, OptimisationResult
from tests.unit.finished_device_run import honest_on_device, prepared_on_device
from tests.unit.finished_molecule import H2, prepared_molecule, solved_molecule
from tests.unit.finished_run import TRIANGLE, prepared_run, solved_run

GRAPH = prepared_run(TRIANGLE, shots=100, algorithm={"depth": 2})
ON_DEVICE = prepared_on_device(algorithm={"depth": 2})
MOLECULE = prepared_molecule(H2, shots=100)
WARM = prepared_run(
    {"type": "qubo", "linear": [1.0, -2.0, 0.5], "quadratic": [[0, 1, 1.5], [1, 2, -1.0]]},
    shots=20,
    algorithm={"warm_start": "relaxed", "depth": 1},
)


def files(prepared: PreparedRun, result: OptimisationResult | MoleculeResult) -> Files:
    return Files(prepared.run_id, prepared, result.model_dump(mode="json"), b"", "")


WRITTEN = [
    files(GRAPH, solved_run(GRAPH)),
    files(ON_DEVICE, honest_on_device(ON_DEVICE)),
    files(MOLECULE, solved_molecule(MOLECULE)),
]


def test_no_figure_that_is_tampered_with_is_reported_as_if_it_were_recomputed() -> None:
    cases = list(campaign(WRITTEN, 150, seed=11))
    assert [case for case in cases if case.end == ACCEPTED] == []
    ends = Counter(case.end for case in cases)
    assert ends[REFUSED] > 50
    assert ends[WORD] > 10


def test_reports_differ_where_their_figures_do() -> None:
    one = {"a": 1, "b": [{"c": 1}], "samples": {"0": 1}, "jobs_word": [1]}
    other = {"a": 1, "b": [{"c": 2}], "samples": {"1": 1}, "jobs_word": [2]}
    assert set(differences(one, other)) == {"b[].c", "samples"}
    assert list(differences({"a": 0.3}, {"a": 0.1 + 0.2})) == []
    assert list(differences({"a": 0.3}, {"a": 0.3 + 1e-12})) == ["a"]


def test_a_mutated_result_is_read_or_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mutated_files, "_files", lambda: WRITTEN)
    for number in range(15):
        case = mutated_files.result_case(generator(5, number), number, WRITTEN)
        assert mutated_files.named(b"results\n" + case) in ("accepted", "InvalidResult")


@pytest.mark.parametrize("prepared", [GRAPH, WARM, MOLECULE], ids=["graph", "warm start", "H2"])
def test_an_attempt_goes_on_from_a_mutated_checkpoint_or_refuses_it_by_name(
    prepared: PreparedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Journal(tmp_path, prepared.request)) as journal:
        solve(prepared, journal, 0.0)
    made = [Files("run", prepared, {}, journal.path.read_bytes(), journal.path.name)]
    monkeypatch.setattr(mutated_files, "_files", lambda: made)
    monkeypatch.setenv("AMZN_BRAKET_JOB_RESULTS_DIR", str(tmp_path))
    ends = Counter(
        mutated_files.named(
            b"checkpoints\n" + mutated_files.checkpoint_case(generator(7, number), number, made)
        )
        for number in range(15)
    )
    assert set(ends) <= {"accepted", "InvalidResult"}
    assert len(ends) == 2


def test_a_checkpoint_of_other_integrals_is_refused(tmp_path: Path) -> None:
    with closing(Journal(tmp_path, MOLECULE.request)) as journal:
        solve(MOLECULE, journal, 0.0)
    lines = journal.path.read_text("ascii").splitlines(keepends=True)
    [at] = [k for k, line in enumerate(lines) if '"integrals at' in line]
    entry = json.loads(lines[at])
    entry["decision"]["integrals"]["nuclear_repulsion"] += 1.0
    lines[at] = json.dumps(entry) + "\n"
    journal.path.write_text("".join(lines), "ascii")
    with (
        closing(Journal(tmp_path, MOLECULE.request)) as again,
        pytest.raises(InvalidResult, match=r"\"integrals at .*nuclear_repulsion: got "),
    ):
        solve(MOLECULE, again, 0.0)
