"""What a job wrote down is what the next one reads, wherever the first one was killed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hybrid_job.journal import Batch, Journal
from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.ising import IsingModel

MODEL = IsingModel.from_spins([1, 0], [(0, 1, 2)])
ANGLES = np.random.default_rng(0).normal(size=(2, 3))
GRADIENT = np.random.default_rng(1).normal(size=(2, 3))

DECISION = {"angles": ANGLES.tolist(), "shots": 100}


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
    found = journal.evaluation(ANGLES)
    assert found is not None
    assert found[0] == -0.1
    assert (found[1] == GRADIENT).all()
    assert journal.decision("samples") == DECISION
    assert journal.decision("training") is None
    assert journal.evaluation(ANGLES + 1e-15) is None
    journal.close()


def test_unfinished_last_line_is_dropped_and_written_again(tmp_path: Path) -> None:
    path = written(tmp_path)
    whole = path.read_bytes()
    for cut in (1, 10, len(whole.splitlines()[1]), len(whole) - 1, len(whole)):
        path.write_bytes(whole[:-cut])
        journal = Journal(tmp_path, MODEL)
        assert journal.decision("samples") is None
        if journal.evaluation(ANGLES) is None:
            journal.record_evaluation(ANGLES, -0.1, GRADIENT)
        journal.record_decision("samples", DECISION)
        journal.close()
        assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "Expecting property name"),
        ("[]", "got no kind"),
        ('{"angles": [1], "energy": 1, "gradient": [1]}', "got no kind"),
        ('{"kind": "guess", "energy": 1}', r"got kind 'guess' with fields \['energy'\]"),
        (
            '{"kind": "evaluation", "angles": [1]}',
            r"got kind 'evaluation' with fields \['angles'\]",
        ),
        (
            '{"kind": "evaluation", "angles": "x", "energy": 1, "gradient": [1]}',
            "could not convert",
        ),
        ('{"kind": "batch", "digest": "unknown", "arn": "a"}', "'unknown'"),
        ('{"kind": "intent", "digest": "d", "batch": {"x": 1}}', "unexpected keyword argument 'x'"),
    ],
)
def test_line_that_no_job_wrote_is_an_error_that_names_it(
    tmp_path: Path, line: str, said: str
) -> None:
    path = written(tmp_path)
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(InvalidResult, match=rf"checkpoint {path.name}, line 3: .*{said}"):
        Journal(tmp_path, MODEL)


def test_journal_of_another_model_is_not_read(tmp_path: Path) -> None:
    written(tmp_path)
    journal = Journal(tmp_path, IsingModel.from_spins([1, 0], [(0, 1, 3)]))
    assert journal.evaluation(ANGLES) is None
    journal.close()


BATCH = Batch("samples", ordinal=0, executables=3, shots=100, together=4)


def test_next_job_knows_what_was_meant_to_run_what_runs_and_what_ended(tmp_path: Path) -> None:
    journal = Journal(tmp_path, MODEL)
    journal.record_attempt(12.5)
    journal.record_device({"arn": "arn:device", "max_shots": 10})
    journal.record_decision("samples", {"angles": ANGLES.tolist(), "shots": 100})
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
        assert found.device == {"arn": "arn:device", "max_shots": 10}
        assert found.decision("samples") == {"angles": ANGLES.tolist(), "shots": 100}
        assert found.decision("training") is None
        assert found.batches == {
            "meant": BATCH,
            "runs": replace(BATCH, arn="arn:1"),
            "left": replace(BATCH, arn="arn:3", given_up="TimeReached"),
            "ended": Batch("samples", 0, 3, 100, "arn:2", "COMPLETED", 300, 0.05, together=4),
        }
        assert found.batch("never") is None
        found.close()
