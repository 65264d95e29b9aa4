"""The job as the container runs it: one entry point, files in, files out, any moment its last."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid_job.journal import Journal
from hybrid_job.main import run, solve
from hybrid_job.metrics import log_metric
from hybrid_job.solvers.qaoa import TILTS, Tilts
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.ising import all_energies
from quantum_pipeline.ising.statevector import Qaoa
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.progress import PhaseReached
from quantum_pipeline.results import OptimisationResult, read_result, verify
from tests.unit.finished_molecule import H2, prepared_molecule
from tests.unit.finished_run import PETERSEN, prepared_run


@pytest.fixture
def container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folders of a job's container, named by its environment variables."""
    monkeypatch.setenv("AMZN_BRAKET_INPUT_DIR", str(tmp_path / "input"))
    monkeypatch.setenv("AMZN_BRAKET_JOB_RESULTS_DIR", str(tmp_path / "results"))
    monkeypatch.setenv("AMZN_BRAKET_CHECKPOINT_DIR", str(tmp_path / "checkpoints"))
    (tmp_path / "input" / "run").mkdir(parents=True)
    return tmp_path


def put(container: Path, prepared: PreparedRun) -> None:
    (container / "input" / "run" / "prepared.json").write_text(prepared.model_dump_json())


def result_of(container: Path, prepared: PreparedRun) -> OptimisationResult:
    persisted = json.loads((container / "results" / "results.json").read_text())
    result = read_result(persisted["dataDictionary"], prepared)
    assert isinstance(result, OptimisationResult)
    return result


def solved(prepared: PreparedRun, folder: Path) -> OptimisationResult:
    with closing(Journal(folder, prepared.request)) as journal:
        result = solve(prepared, journal, time.monotonic())
    assert isinstance(result, OptimisationResult)
    return result


def without_times(result: OptimisationResult) -> dict[str, Any]:
    fields = result.model_dump(exclude={"seconds"})
    del fields["classical"]["seconds"]
    for figure in ("mean_energy", "standard_error", "probability_of_best"):
        # A sum of many numbers depends, in its last digit, on where in memory they stand.
        fields[figure] = pytest.approx(fields[figure], rel=1e-12)
    return fields


def test_petersen_graph_is_cut_best_and_the_sdk_reads_the_result(container: Path) -> None:
    from braket.jobs import load_job_result

    prepared = prepared_run(PETERSEN, seed=7)
    put(container, prepared)

    run()

    result = result_of(container, prepared)
    assert result.best_energy == -12
    assert result.classical.energy == -12
    assert result.converged
    assert result.mean_energy == pytest.approx(min(each.energy for each in result.history))
    assert result.probability_of_best is not None
    assert result.probability_of_best > 0.5
    assert load_job_result() == result.model_dump(mode="json")


def test_same_seed_gives_the_same_result_and_another_seed_other_shots(tmp_path: Path) -> None:
    first, second, other = (
        solved(prepared_run(PETERSEN, seed=seed), tmp_path / str(k))
        for k, seed in enumerate((7, 7, 8))
    )
    assert without_times(first) == without_times(second)
    assert first.counts != other.counts


def test_given_angles_are_evaluated_as_they_are(tmp_path: Path) -> None:
    gammas, betas = [0.1, 0.3], [-0.7, 0.2]
    algorithm = {"name": "qaoa", "gammas": gammas, "betas": betas, "optimizer": "none"}
    result = solved(prepared_run(PETERSEN, algorithm=algorithm), tmp_path)
    assert (list(result.gammas), list(result.betas)) == (gammas, betas)
    assert [each.energy for each in result.history] == pytest.approx([result.mean_energy])


def test_given_angles_are_the_start_of_the_optimiser(tmp_path: Path) -> None:
    angles: dict[str, Any] = {"gammas": [0.1, 0.3], "betas": [-0.7, 0.2]}
    given_only = prepared_run(PETERSEN, algorithm={**angles, "optimizer": "none"})
    optimised = solved(prepared_run(PETERSEN, algorithm=angles), tmp_path / "optimised")
    evaluated = solved(given_only, tmp_path / "evaluated")
    assert optimised.history[0].energy == pytest.approx(evaluated.mean_energy)
    assert optimised.mean_energy < evaluated.mean_energy


def test_standard_error_is_that_of_the_shots(tmp_path: Path) -> None:
    few, many = (
        solved(prepared_run(PETERSEN, shots=shots), tmp_path / str(shots))
        for shots in (100, 10_000)
    )
    assert few.standard_error == pytest.approx(10 * (many.standard_error or 0.0))


numbers = st.one_of(st.just(0.0), st.floats(1e-150, 1e6), st.floats(-1e6, -1e-150))


@st.composite
def problems(draw: st.DrawFn) -> dict[str, Any]:
    n = draw(st.integers(1, 7))
    pairs = [(i, j) for i in range(n) for j in range(i)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return {
        "type": "ising",
        "fields": draw(st.lists(numbers, min_size=n, max_size=n)),
        "couplings": [[i, j, draw(numbers)] for i, j in chosen],
        "offset": draw(numbers),
    }


@settings(max_examples=40)
@given(problems(), st.integers(1, 50), st.integers(0, 9))
def test_every_result_passes_verification(
    tmp_path_factory: pytest.TempPathFactory, problem: dict[str, Any], shots: int, seed: int
) -> None:
    algorithm = {"depth": 2, "starts": 2, "max_evaluations": 20}
    prepared = prepared_run(problem, shots=shots, seed=seed, algorithm=algorithm)
    verify(solved(prepared, tmp_path_factory.mktemp("job")), prepared)


def test_job_whose_time_is_up_ends_with_the_best_so_far(tmp_path: Path) -> None:
    problem = {"type": "random", "problem_size": 14}
    algorithm = {"depth": 60, "starts": 100, "max_evaluations": 100_000}
    limits = {"max_runtime_seconds": 1}
    prepared = prepared_run(problem, algorithm=algorithm, limits=limits)
    result = solved(prepared, tmp_path)
    assert not result.converged
    assert result.stopped_by == "limits.max_runtime_seconds"
    assert result.mean_energy == pytest.approx(min(each.energy for each in result.history))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "prepared.json: .*No such file"),
        ("", "prepared.json: "),
        ('{"run_id": "r1"}', "request: missing"),
    ],
)
def test_run_that_was_not_prepared_is_refused(
    container: Path, content: str | None, message: str
) -> None:
    if content is not None:
        (container / "input" / "run" / "prepared.json").write_text(content)
    with pytest.raises(InvalidRequest, match=message):
        run()
    assert not (container / "results").exists()


def test_metric_line_is_the_one_of_the_sdk(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from braket.jobs import metrics as sdk

    monkeypatch.setattr(time, "time", lambda: 1234.5)
    for value in (-1.5, 1e-30, 3.0):
        log_metric("energy", value, 7)
        ours = capsys.readouterr().out
        sdk.log_metric("energy", value, iteration_number=7)
        assert ours == capsys.readouterr().out


def test_every_evaluation_is_a_metric_that_the_sdk_parses_and_every_layer_a_phase(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from braket.jobs.metrics_data.log_metrics_parser import LogMetricsParser

    result = solved(prepared_run(PETERSEN), tmp_path)
    parser = LogMetricsParser()
    lines = capsys.readouterr().out.splitlines()
    for line in lines:
        parser.parse_log_message("", line)
    assert [(metric["iteration_number"], metric["energy"]) for metric in parser.all_metrics] == [
        (each.evaluation, each.energy) for each in result.history
    ]
    phases = [found for line in lines if (found := PhaseReached.read(line))]
    grown = [("training", step.depth, 8) for step in result.depths]
    assert phases == [("classical", 0, 0), *grown]


JOBS = """
import os, signal, sys
import hybrid_job.metrics
from hybrid_job.main import run

def print_until(evaluations):
    def until(line, **more):
        nonlocal evaluations
        evaluations -= "energy=" in line
        if evaluations < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        print(line, **more)
    return until

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        if line.strip():
            hybrid_job.metrics.print = print_until(int(line))
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        run()
        heavy = {"braket", "boto3", "botocore"} & set(sys.modules)
        assert not heavy, heavy
        sys.exit()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture
def run_job(container: Path) -> Iterator[Callable[[int | None], int]]:
    """Run a job, which is killed after so many evaluations, and return how its process ended."""
    with subprocess.Popen(
        [sys.executable, "-c", JOBS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as jobs:

        def run(evaluations: int | None = None) -> int:
            assert jobs.stdin is not None
            assert jobs.stdout is not None
            print(evaluations or "", file=jobs.stdin, flush=True)
            return int(jobs.stdout.readline())

        yield run


def test_job_killed_again_and_again_ends_like_one_left_alone(
    container: Path, run_job: Callable[[int | None], int]
) -> None:
    problem = {"type": "random", "problem_size": 15}
    algorithm = {"depth": 4, "starts": 3, "max_evaluations": 40}
    prepared = prepared_run(problem, algorithm=algorithm, seed=5)
    put(container, prepared)
    checkpoints = container / "checkpoints"
    for evaluations in (1, 17):
        assert run_job(evaluations) == -signal.SIGKILL
        assert not (container / "results").exists()
        assert lines_of(checkpoints) == evaluations + 1

    assert run_job(None) == 0

    alone = solved(prepared, container / "alone")
    assert without_times(result_of(container, prepared)) == without_times(alone)
    assert math.isclose(alone.mean_energy, min(each.energy for each in alone.history))
    assert lines_of(checkpoints) == len(alone.history)


def lines_of(checkpoints: Path) -> int:
    (journal,) = checkpoints.glob("*")
    return journal.read_bytes().count(b"\n")


@pytest.mark.parametrize("optimizer", ["spsa", "cobyla", "nft"])
def test_energies_from_shots_come_near_the_exact_optimum(tmp_path: Path, optimizer: str) -> None:
    exact = solved(prepared_run(PETERSEN, algorithm={"depth": 2}), tmp_path / "exact")
    algorithm = {"optimizer": optimizer, "shots_per_evaluation": 500}
    prepared = prepared_run(PETERSEN, algorithm=algorithm)
    noisy = solved(prepared, tmp_path / "noisy")

    verify(noisy, prepared)
    assert len(noisy.gammas) == 2
    assert exact.mean_energy <= noisy.mean_energy < 0.93 * exact.mean_energy
    again = solved(prepared, tmp_path / "again")
    assert without_times(again) == without_times(noisy)


def test_lower_tail_is_optimised_where_it_is_asked_for(tmp_path: Path) -> None:
    angles = {"gammas": [0.2], "betas": [-0.3]}
    mean, tail = (
        solved(prepared_run(PETERSEN, algorithm=angles | more), tmp_path / str(k))
        for k, more in enumerate(({}, {"cvar_alpha": 0.2}))
    )
    assert min(each.energy for each in tail.history) < min(each.energy for each in mean.history)
    assert tail.mean_energy > mean.mean_energy


def test_depth_grows_and_says_why_it_stopped(tmp_path: Path) -> None:
    result = solved(prepared_run(PETERSEN), tmp_path)
    energies = [step.energy for step in result.depths]
    assert [step.depth for step in result.depths] == list(range(1, len(energies) + 1))
    assert energies == sorted(energies, reverse=True)
    assert sum(step.evaluations for step in result.depths) == len(result.history)
    assert result.stop_reason.startswith(f"depth {len(energies)} ")
    assert result.stopped_by is None


def test_a_limit_that_leaves_no_further_layer_is_named_though_the_last_one_converged(
    tmp_path: Path,
) -> None:
    whole = solved(prepared_run(PETERSEN), tmp_path / "whole")
    two = sum(step.evaluations for step in whole.depths[:2])
    result = solved(prepared_run(PETERSEN, algorithm={"max_evaluations": two}), tmp_path / "two")
    assert (len(result.depths), result.converged) == (2, True)
    assert result.stopped_by == "algorithm.max_evaluations"


@pytest.mark.parametrize("warm_start", ["relaxed", "classical"])
def test_warm_start_begins_below_all_bitstrings(tmp_path: Path, warm_start: str) -> None:
    algorithm = {"depth": 1, "warm_start": warm_start}
    prepared = prepared_run(PETERSEN, algorithm=algorithm)
    result = solved(prepared, tmp_path)
    verify(result, prepared)
    cold = solved(prepared_run(PETERSEN, algorithm={"depth": 1}), tmp_path / "cold")
    assert result.mean_energy < cold.mean_energy
    assert result.best_energy == -12


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_ring_reaches_its_closed_form(tmp_path: Path, depth: int) -> None:
    ring = {"type": "maxcut", "edges": [[i, (i + 1) % 20] for i in range(20)]}
    result = solved(prepared_run(ring, algorithm={"depth": depth}), tmp_path)
    assert -result.mean_energy / 20 == pytest.approx((2 * depth + 1) / (2 * depth + 2), abs=1e-6)


def test_state_that_does_not_fit_the_free_memory_is_refused_before_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hybrid_job.job.free_bytes", lambda: 1000)
    with pytest.raises(InvalidRequest, match=r"problem: 10 qubits need .* MiB; allowed: what fits"):
        solved(prepared_run(PETERSEN), tmp_path)


def test_an_algorithm_of_other_problems_is_refused(tmp_path: Path) -> None:
    prepared = prepared_run(PETERSEN)
    vqe = prepared_molecule(H2).request.algorithm
    request = prepared.request.model_copy(update={"algorithm": vqe})
    with pytest.raises(
        InvalidRequest, match=r'algorithm\.name: got "vqe"; allowed: one for maxcut'
    ):
        solved(prepared.model_copy(update={"request": request}), tmp_path)


def test_a_later_attempt_tilts_qubits_as_the_first_one_did(tmp_path: Path) -> None:
    tilts = [1.0 + 0.1 * qubit for qubit in range(10)]
    gammas, betas = [0.4], [0.3]
    prepared = prepared_run(
        PETERSEN,
        algorithm={"gammas": gammas, "betas": betas, "optimizer": "none", "warm_start": "relaxed"},
    )
    with closing(Journal(tmp_path, prepared.request)) as journal:
        journal.record_decision(TILTS, Tilts(tilts=tuple(tilts)))
    tilted = Qaoa(all_energies(prepared.ising), tilts=tilts)
    assert solved(prepared, tmp_path).mean_energy == pytest.approx(
        tilted.energy(np.array([gammas, betas]))
    )
