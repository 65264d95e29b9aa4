"""Circuits in the journal: the same to the last digit, whatever a later attempt would compile."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hybrid_job.job import QaoaJob
from hybrid_job.journal import Journal
from hybrid_job.on_device.compilation import QaoaCompiler, compiler_for
from hybrid_job.on_device.executor import Executor
from hybrid_job.on_device.kept import Kept
from hybrid_job.on_device.kept_compiler import KeptCompiler
from hybrid_job.on_device.qaoa import DeviceQaoa
from quantum_pipeline.devices.states import DeviceState
from quantum_pipeline.ising import IsingModel
from quantum_pipeline.requests.algorithm import SettledQaoa
from quantum_pipeline.requests.mitigation import Noise
from tests.job.braket_job import prepared_on, tasks_of
from tests.job.devices_by_hand import FAMILIES, SIMULATOR, device, line
from tests.local.braket.server import Server
from tests.unit.finished_run import prepared_run

ANGLES = np.array([[0.4, -0.7], [0.3, 0.25]])
RING = IsingModel.from_spins([0.0] * 5, [(k, (k + 1) % 5, 0.3 + 0.1 * k) for k in range(5)])
NOISE = Noise(one_qubit=0.001, two_qubit=0.01, readout=0.02)

STATES = {family: device(6, line(6), family) for family in FAMILIES} | {"simulator": SIMULATOR}


def compiler(state: DeviceState, seed: int) -> QaoaCompiler:
    return compiler_for(RING, state, noise=NOISE, seed=seed)


@pytest.mark.usefixtures("few_tries")
@pytest.mark.parametrize("family", STATES)
def test_an_attempt_sends_and_reads_what_the_first_one_compiled(
    family: str, tmp_path: Path
) -> None:
    state, subject = STATES[family], prepared_run({"type": "random", "problem_size": 2}).request
    first = compiler(state, seed=1)
    with closing(Journal(tmp_path, subject)) as journal:
        sent = KeptCompiler(first, Kept(journal, state))
        compiled, checked = sent.compile(ANGLES), sent.verified(ANGLES)
        summary = sent.summary(ANGLES)
    assert compiled.source == first.compile(ANGLES).source
    expected = first.verified(ANGLES)
    assert checked is not None
    assert expected is not None
    assert (checked[0].source, checked[1]) == (expected[0].source, expected[1])
    assert summary == first.summary(ANGLES)

    with closing(Journal(tmp_path, subject)) as journal:
        again = KeptCompiler(compiler(state, seed=2), Kept(journal, state))
        assert again.compile(ANGLES) == compiled
        assert again.compile(ANGLES).source == compiled.source
        assert again.verified(ANGLES) == checked
        assert again.summary(ANGLES) == summary
        assert again.compile(1.1 * ANGLES) != compiled
        if state.kind == "qpu":
            changed = state.model_copy(update={"calibrated_at": "since then"})
            anew = KeptCompiler(compiler(changed, seed=1), Kept(journal, changed))
            assert anew.summary(ANGLES) != summary


def test_what_has_no_symmetry_has_no_check_in_any_attempt(tmp_path: Path) -> None:
    subject = prepared_run({"type": "random", "problem_size": 2}).request
    fields = IsingModel.from_spins([0.5, 0.0], [(0, 1, 1.0)])
    with closing(Journal(tmp_path, subject)) as journal:
        made = compiler_for(fields, SIMULATOR, noise=NOISE, seed=1)
        kept = KeptCompiler(made, Kept(journal, SIMULATOR))
        assert [kept.verified(ANGLES) for _ in range(2)] == [None, None]


def energies(folder: Path, batch: Sequence[NDArray[np.float64]]) -> list[tuple[float, float]]:
    """Return what an attempt measures first in its training on a device."""
    prepared = prepared_on("garnet", "last-digits", shots=50, limits={"max_cost_usd": 100.0})
    algorithm = prepared.request.algorithm
    assert isinstance(algorithm, SettledQaoa)
    with closing(Journal(folder, prepared.request)) as journal:
        job = QaoaJob(prepared, journal, time.monotonic(), algorithm)
        with Executor(job) as executor:
            return DeviceQaoa(job, executor, None, lowest=-1.5).energies(batch)


def test_angles_that_differ_in_last_digits_are_not_paid_for_twice(
    braket: Server, tmp_path: Path
) -> None:
    asked = [np.array([[0.4], [-0.3]]), np.array([[1e-9], [0.2]])]
    found = energies(tmp_path, asked)
    assert energies(tmp_path, [angles * (1 + 1e-13) for angles in asked]) == found
    assert len(tasks_of(braket, "last-digits")) == 1
    energies(tmp_path, [angles * (1 + 1e-3) for angles in asked])
    assert len(tasks_of(braket, "last-digits")) == 2
