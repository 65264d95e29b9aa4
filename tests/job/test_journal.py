"""What a job wrote down is what the next one reads, wherever the first one was killed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hybrid_job.journal import Batch, Journal, Kept, Vector
from quantum_pipeline.devices.states import DeviceState
from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.ising import IsingModel
from quantum_pipeline.quantities import Count

MODEL = IsingModel.from_spins([1, 0], [(0, 1, 2)])
ANGLES = np.random.default_rng(0).normal(size=(2, 3))
GRADIENT = np.random.default_rng(1).normal(size=(2, 3))
SHAPE = (2, 3)


class Decided(Kept):
    angles: tuple[Vector, ...]
    shots: Count


DECISION = Decided(angles=ANGLES.tolist(), shots=100)
DEVICE = DeviceState(
    arn="arn:device", name="device", kind="simulator", status="ONLINE", max_shots=10
)


def written(folder: Path) -> Path:
    """Return the path of a journal with an evaluation and a decision."""
    journal = Journal(folder, MODEL)
    journal.record_evaluation(ANGLES, -0.1, GRADIENT)
    journal.record_decision("samples", DECISION)
    journal.close()
    return journal.path


def test_next_job_reads_every_digit(tmp_path: Path) -> None:
    written(tmp_path)
    journal = Journal(tmp_path, MODEL)
    found = journal.evaluation(ANGLES, SHAPE)
    assert found is not None
    assert found[0] == -0.1
    assert (found[1] == GRADIENT).all()
    assert journal.decision("samples", Decided) == DECISION
    assert journal.decision("training", Decided) is None
    assert journal.evaluation(ANGLES + 1e-15, SHAPE) is None
    journal.close()


def test_unfinished_last_line_is_dropped_and_written_again(tmp_path: Path) -> None:
    path = written(tmp_path)
    whole = path.read_bytes()
    for cut in (1, 10, len(whole.splitlines()[1]), len(whole) - 1, len(whole)):
        path.write_bytes(whole[:-cut])
        journal = Journal(tmp_path, MODEL)
        assert journal.decision("samples", Decided) is None
        if journal.evaluation(ANGLES, SHAPE) is None:
            journal.record_evaluation(ANGLES, -0.1, GRADIENT)
        journal.record_decision("samples", DECISION)
        journal.close()
        assert path.read_bytes() == whole


def evaluation(angles: str = "[1]", energy: str = "1", gradient: str = "[1]") -> str:
    parts = f'"angles": {angles}, "energy": {energy}, "gradient": {gradient}'
    return f'{{"kind": "evaluation", {parts}}}'


def intent(shots: str) -> str:
    batch = f'{{"purpose": "samples", "ordinal": 0, "executables": 1, "shots": {shots}}}'
    return f'{{"kind": "intent", "digest": "d", "batch": {batch}}}'


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "not JSON"),
        ("[]", "kind: got null; allowed: evaluation, "),
        ('{"angles": [1], "energy": 1, "gradient": [1]}', "kind: got null"),
        ('{"kind": "guess", "energy": 1}', 'kind: got "guess"'),
        ('{"kind": ["evaluation"]}', "kind: got "),
        ('{"kind": "evaluation", "angles": [1]}', "energy: missing; allowed: a number"),
        (evaluation(angles='"x"'), "angles: got"),
        (evaluation(energy="NaN"), "energy: got NaN; allowed: a number"),
        (evaluation(energy="1e400"), "energy: got Infinity; allowed: a number"),
        (evaluation(energy="1" + 400 * "0"), "energy: got an integer of about 401 digits"),
        (evaluation(energy="9" * 5000), "an integer has thousands of digits"),
        (evaluation(energy='"1"'), 'energy: got "1"; allowed: a number'),
        (evaluation(gradient="[" * 10**5 + "]" * 10**5), "nested too deeply"),
        (evaluation(gradient="[[1, 2], [3]]"), r"gradient.lengths: got \[1, 2\]; allowed: rows of"),
        ('{"kind": "attempt", "started": -1}', "started: got -1; allowed: a number"),
        ('{"kind": "batch", "digest": "unknown", "arn": "a"}', 'digest: got "unknown"; allowed'),
        ('{"kind": "batch", "digest": "unknown", "arn": "\\ud800"}', "arn: got "),
        ('{"kind": "intent", "digest": "d", "batch": {"x": 1}}', "batch.purpose: missing"),
        (intent(shots=f"1{400 * '0'}"), "batch.shots: got an integer of about 401 digits; allowed"),
        (intent(shots="100.0"), "batch.shots: got 100.0; allowed: an integer"),
        (intent(shots="true"), "batch.shots: got true; allowed: an integer"),
    ],
)
def test_line_that_no_job_wrote_is_an_error_that_names_it(
    tmp_path: Path, line: str, said: str
) -> None:
    path = written(tmp_path)
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(InvalidResult, match=rf"checkpoint {path.name}(, line 3)?: .*{said}"):
        Journal(tmp_path, MODEL)


def test_journal_of_another_model_is_not_read(tmp_path: Path) -> None:
    written(tmp_path)
    journal = Journal(tmp_path, IsingModel.from_spins([1, 0], [(0, 1, 3)]))
    assert journal.evaluation(ANGLES, SHAPE) is None
    journal.close()


BATCH = Batch("samples", ordinal=0, executables=3, shots=100, together=4)


def test_next_job_knows_what_was_meant_to_run_what_runs_and_what_ended(tmp_path: Path) -> None:
    journal = Journal(tmp_path, MODEL)
    journal.record_attempt(12.5)
    journal.record_device(DEVICE)
    journal.record_decision("samples", DECISION)
    for digest in ("meant", "runs", "left", "ended"):
        journal.record_intent(digest, BATCH)
    journal.record_batch("runs", "arn:1")
    journal.record_batch("left", "arn:3")
    journal.record_given_up("left", "TimeReached")
    journal.record_batch("ended", "arn:2")
    journal.record_end("ended", "COMPLETED", successful_shots=300, minutes=0.05)
    journal.close()

    for found in (journal, Journal(tmp_path, MODEL)):
        assert found.attempts == (12.5,)
        assert found.devices == {DEVICE.arn: DEVICE}
        assert found.decision("samples", Decided) == DECISION
        assert found.decision("training", Decided) is None
        assert found.batches == {
            "meant": BATCH,
            "runs": replace(BATCH, arn="arn:1"),
            "left": replace(BATCH, arn="arn:3", given_up="TimeReached"),
            "ended": Batch("samples", 0, 3, 100, "arn:2", "COMPLETED", 300, 0.05, together=4),
        }
        assert found.batch("never") is None
        found.close()


def test_a_decision_is_read_as_what_its_purpose_asks_for(tmp_path: Path) -> None:
    written(tmp_path)
    journal = Journal(tmp_path, MODEL)
    with pytest.raises(InvalidResult, match=r'"samples": shots: got 100; allowed: Extra inputs'):
        journal.decision("samples", Other)
    journal.close()


class Other(Kept):
    angles: tuple[Vector, ...]


def test_a_gradient_of_another_shape_is_refused(tmp_path: Path) -> None:
    written(tmp_path)
    journal = Journal(tmp_path, MODEL)
    with pytest.raises(InvalidResult, match=r"gradient of an evaluation: got \[2, 3\]; allowed: "):
        journal.evaluation(ANGLES, (6,))
    journal.close()


def test_a_line_that_is_too_long_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hybrid_job.journal.LONGEST_LINE", 100)
    with pytest.raises(InvalidResult, match=r"line 1: allowed: up to 100 bytes"):
        Journal(written(tmp_path).parent, MODEL)
