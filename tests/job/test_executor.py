"""Circuits of a job on a device: paid once, in time, and every failure by its name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from braket.circuits import Circuit

from hybrid_job.on_device.measurement import Compiled
from quantum_pipeline.local.braket import BraketError
from tests.job.braket_job import enter, executor_of, flipped, prepared_on, tasks_of
from tests.local.braket.server import Server

WIDE_APART = (9, 2, 5)
"""Qubits that are not next to one another, in an order that is neither up nor down."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("braket"))
    yield server
    server.close()


@pytest.fixture
def braket(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    enter(monkeypatch, server)
    yield server
    server.service.intercept = None


def refuse(server: Server, operation: str, code: str, times: int = 10**6) -> list[str]:
    """Make Braket refuse an operation so many times; return what it refused, as it happens."""
    refused: list[str] = []

    def intercept(name: str, _: dict[str, Any]) -> None:
        if name == operation and len(refused) < times:
            refused.append(name)
            raise BraketError(code, "not now")

    server.service.intercept = intercept
    return refused


def test_bit_k_of_a_key_is_the_kth_measured_qubit(braket: Server, tmp_path: Path) -> None:
    with executor_of(prepared_on("sv1", "order"), tmp_path) as executor:
        for qubit, key in zip(WIDE_APART, ("100", "010", "001"), strict=True):
            assert executor.run([flipped(qubit, of=WIDE_APART)], 20, "samples") == [{key: 20}]


def test_circuits_of_a_batch_are_one_task_where_the_device_takes_sets(
    braket: Server, tmp_path: Path
) -> None:
    with executor_of(prepared_on("sv1", "set"), tmp_path) as executor:
        batch = [flipped(9, of=WIDE_APART), flipped(2, of=(2, 5)), flipped(5, of=(2, 5))]
        set_of = executor.run(batch, 20, "training")
        assert set_of == [{"100": 20}, {"10": 20}, {"01": 20}]
        (told,) = executor.tasks
    assert (told.purpose, told.executables, told.shots) == ("training", 3, 60)
    (task,) = tasks_of(braket, "set")
    assert task["quantumTaskArn"] == told.arn
    assert task["shots"] == 60


def test_circuits_of_a_batch_are_tasks_at_once_where_it_takes_none(
    braket: Server, tmp_path: Path
) -> None:
    with executor_of(prepared_on("dm1", "each"), tmp_path) as executor:
        executor.state = executor.state.model_copy(update={"max_executables": 1})
        executor.spending._state = executor.state
        calls: list[str] = []
        braket.service.intercept = lambda operation, _: calls.append(operation)
        batch = [flipped(9, of=WIDE_APART), flipped(2, of=(2, 5)), flipped(5, of=(2, 5))]
        assert executor.run(batch, 20, "samples") == [{"100": 20}, {"10": 20}, {"01": 20}]
        assert calls[:3] == ["CreateQuantumTask"] * 3
        assert [task.shots for task in executor.tasks] == [20, 20, 20]
    assert len(tasks_of(braket, "each")) == 3


def test_second_attempt_reads_what_the_first_one_paid_for(
    braket: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = prepared_on("sv1", "resumed")
    coin = Compiled(Circuit().h(0).h(1), (0, 1))
    found = []
    for attempt in (1, 2):
        enter(monkeypatch, braket, attempt)
        with executor_of(prepared, tmp_path) as executor:
            counts = [executor.run([coin, coin], 500, "training") for _ in range(2)]
            found.append((counts, executor.run([coin], 500, "samples"), executor.tasks))
    assert found[0] == found[1]
    assert found[0][0][0] != found[0][0][1]  # two batches, however alike
    assert len(tasks_of(braket, "resumed")) == 3
