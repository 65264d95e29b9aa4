"""The benchmarks' commands on tiny problems: what they print, write and refuse."""

from __future__ import annotations

import doctest
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import load, timing
from benchmarks.problem import random_problem
from benchmarks.processors import Verdict, row_of
from benchmarks.timing import Limits, interleave
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]
TINY = ["--rounds", "1", "--depth", "1", "--qubits", "8"]

OWN_PEER = """
import os
from quantum_pipeline.ising.statevector import Qaoa

NEEDS = {needs!r}

class Peer:
    tolerance = 1e-8

    def __init__(self, problem, depth):
        self.how = os.environ["OMP_NUM_THREADS"] + " threads"
        self.engine = Qaoa(problem.cost)

    def energy(self, angles):
        return self.engine.energy(angles)

    def energy_and_gradient(self, angles):
        energy, gradient = self.engine.energy_and_gradient(angles)
        return energy + {energy_error}, gradient + {gradient_error}
"""


Benchmark = Callable[..., tuple[int, str, dict[str, Any]]]


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path for peers of one's own."""
    (tmp_path / "own").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [each for each in sys.modules if each.partition(".")[0] == "own"]:
        del sys.modules[name]


def write_peer(
    own: Path,
    name: str = "peer",
    energy_error: str = "0",
    gradient_error: str = "0",
    needs: str = "numpy",
) -> str:
    text = OWN_PEER.format(needs=needs, energy_error=energy_error, gradient_error=gradient_error)
    (own / "own" / f"{name}.py").write_text(text, "utf-8")
    return f"own.{name}"


def test_all_that_is_installed_agrees_and_is_timed(benchmark: Benchmark) -> None:
    peers = ["pennylane", "lightning", "braket"]
    status, printed, figures = benchmark(
        "qaoa", *TINY, "--problem", "fields", "--peers", ",".join(peers)
    )
    assert status == 0
    assert figures["void"] == figures["skipped"] == []
    assert (figures["qubits"], figures["depth"], figures["threads"]) == (8, 1, 1)
    assert set(figures["peers"]) == set(peers)
    for row in (figures["ours"], *figures["peers"].values()):
        assert set(row) == {"energy_seconds", "gradient_seconds"}
        assert min(row.values()) > 0
    assert figures["max_energy_difference"] < 1e-8
    assert 0 < figures["max_gradient_difference"] < 1e-4
    assert all(peer in printed for peer in peers)


def in_a_process(name: str, own: Path, *arguments: str) -> tuple[int, str, dict[str, Any]]:
    """Run a benchmark as its users do: it starts anew with the threads that it is to have."""
    file = own / "figures.json"
    command = [sys.executable, "-m", f"benchmarks.{name}", *arguments, "--json", str(file)]
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(own)])}
    done = subprocess.run(command, cwd=ROOT, env=env, check=False, capture_output=True, text=True)
    assert file.exists(), done.stderr
    return done.returncode, done.stdout, json.loads(file.read_text("utf-8"))


def test_a_peer_with_other_results_is_void_and_one_that_is_not_installed_is_named(
    own: Path,
) -> None:
    right = write_peer(own, "right")
    wrong = [
        write_peer(own, "energy", energy_error="2e-8"),
        write_peer(own, "gradient", gradient_error="2e-8"),
        write_peer(own, "no_number", energy_error="float('nan')"),
    ]
    missing = write_peer(own, "missing", needs="no_such_package")
    names = ",".join([right, *wrong, missing])
    status, printed, figures = in_a_process("qaoa", own, *TINY, "--threads", "2", "--peers", names)
    assert status == 1
    assert figures["void"] == wrong
    assert figures["skipped"] == [missing]
    assert list(figures["peers"]) == [right]
    assert printed.count("void: differs by") == 3
    assert f"{missing}: skipped, not installed" in printed
    assert figures["threads"] == 2
    assert f"{right}: 2 threads" in printed


@pytest.mark.parametrize(
    ("lacking", "largest"),
    [({"energy_error": "float('nan')"}, None), ({"needs": "no_such_package"}, 0.0)],
)
def test_one_peer_that_is_void_or_missing_is_a_failure(
    benchmark: Benchmark, own: Path, lacking: dict[str, str], largest: float | None
) -> None:
    status, _, figures = benchmark("qaoa", *TINY, "--peers", write_peer(own, **lacking))
    assert (status, figures["max_energy_difference"]) == (1, largest)


def test_scaling_has_a_row_for_each_number_of_qubits(benchmark: Benchmark, own: Path) -> None:
    sizes = ["--qubits", "6", "--qubits", "8"]
    options = ["--depth", "1", "--rounds", "1", "--peers", write_peer(own)]
    status, _, figures = benchmark("scaling", *options, *sizes)
    assert status == 0
    assert [row["qubits"] for row in figures["sizes"]] == [6, 8]
    assert all(set(row["peers"]) == {"own.peer"} for row in figures["sizes"])


def test_bandwidth_counts_64_bytes_for_each_amplitude_and_layer(benchmark: Benchmark) -> None:
    status, _, figures = benchmark("bandwidth", *TINY, "--depth", "3", "--mebibytes", "8")
    assert status == 0
    assert [row["depth"] for row in figures["energies"]] == [1, 3]
    for row in figures["energies"]:
        rate = 64 * row["depth"] * 2**8 / row["energy_seconds"]
        assert math.isclose(row["share"], rate / figures["bandwidth_bytes_per_second"])


def test_optimise_ends_at_one_ratio_with_us_and_a_peer(benchmark: Benchmark) -> None:
    status, _, figures = benchmark("optimise", *TINY, "--peers", "lightning")
    methods = figures["sizes"][0]["methods"]
    assert status == 0
    assert list(methods) == ["ours, L-BFGS-B", "lightning, L-BFGS-B"]
    assert all(row["same_ratio"] and 0.5 < row["ratio"] < 1 for row in methods.values())


class Watch:
    """A clock that stands still until something takes its time."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def take(self, seconds: float) -> None:
        self.seconds += seconds


def test_a_competitor_takes_no_more_rounds_than_its_budget_allows() -> None:
    watch = Watch()
    calls = {"slow": partial(watch.take, 1.0), "fast": partial(watch.take, 0.125)}
    timings = interleave(calls, Limits(9, budget_seconds=4, clock=watch))
    assert {name: timing.samples for name, timing in timings.items()} == {
        "slow": [1.0] * 3,
        "fast": [0.125] * 9,
    }


def test_examples_of_how_competitors_are_timed() -> None:
    assert doctest.testmod(timing).failed == 0


def test_maxcut_is_symmetric_fields_are_not_and_weights_make_every_energy_another() -> None:
    maxcut, fields, weights = (
        random_problem(10, kind=kind).cost for kind in ("maxcut", "fields", "weights")
    )
    assert np.array_equal(maxcut, maxcut[::-1])
    assert not np.allclose(fields, fields[::-1])
    assert len(np.unique(fields)) < 64
    assert len(np.unique(weights.round(9))) == 2**10


def times(*seconds: float) -> list[datetime]:
    return [datetime(2026, 8, 24, tzinfo=UTC) + timedelta(seconds=each) for each in seconds]


def jobs_of(created: list[datetime], ended: list[datetime]) -> list[dict[str, Any]]:
    return [
        {"createdAt": begin, "endedAt": end, "tags": {"quantum-pipeline:run-id": f"run-{number}"}}
        for number, (begin, end) in enumerate(zip(created, ended, strict=True))
    ]


def test_the_share_of_slots_is_of_the_time_from_the_first_job_to_the_last() -> None:
    jobs = jobs_of(times(0, 0, 3, 4), times(2, 2, 5, 6))
    assert load.slots_used(jobs, slots=2) == pytest.approx(8 / 12)


def test_the_order_of_jobs_is_compared_with_that_of_starts() -> None:
    executions = [
        {"name": f"run-{number}", "startDate": start}
        for number, start in enumerate(times(10, 20, 30, 40))
    ]
    for created, correlation in (((1, 2, 3, 4), 1.0), ((4, 3, 2, 1), -1.0), ((2, 1, 4, 3), 0.6)):
        jobs = jobs_of(times(*created), times(*created))
        assert load.rank_correlation(executions, jobs) == pytest.approx(correlation)


def test_the_memory_of_a_load_is_that_of_this_process_and_its_descendants() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert {os.getpid(), child.pid} <= load.processes()
        wait_for(lambda: load.resident_bytes(child.pid) > 1_000_000)
        assert load.total_bytes() > load.resident_bytes(child.pid)
        child.communicate(b"\n")
    assert child.pid not in load.processes()
    assert load.resident_bytes(child.pid) == 0


@pytest.mark.parametrize(
    ("second", "same"),
    [
        (Verdict("as low as exact", -7.8826695), True),  # the optimiser's last digits
        (Verdict("as low as exact", -7.8828), False),
        (Verdict("0.3 mHa above exact", -7.88267), False),
        (Verdict("InvalidResult: measured.energy: got -7.8", None), False),
    ],
)
def test_an_example_is_judged_alike_only_where_all_processors_say_the_same(
    second: Verdict, same: bool
) -> None:
    row = row_of("lithium hydride", [Verdict("as low as exact", -7.88267), second])
    assert row["same"] is same
