"""How far a run has come, as it is told: no long silence, and each phase once."""

from __future__ import annotations

import pytest

from quantum_pipeline.cli import progress as shown
from quantum_pipeline.cli.client import Progress
from quantum_pipeline.cli.job_log import Logged
from quantum_pipeline.cli.progress import ProgressLine
from quantum_pipeline.progress import PhaseReached
from tests.waiting import wait_for


def test_a_phase_that_lasts_is_told_again_and_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shown, "SILENT_SECONDS", 0.0)
    monkeypatch.setattr(shown, "TICK_SECONDS", 0.001)
    said: list[str] = []

    def thrice() -> bool:
        said.extend(capsys.readouterr().err.splitlines())
        return len(said) >= 3

    with ProgressLine() as line:
        line.say("training", ", layer 1 of up to 8")
        wait_for(thrice)
    assert {each.split(" s  ")[1] for each in said} == {"training, layer 1 of up to 8"}


def test_a_stage_is_a_line_and_its_details_are_none(capsys: pytest.CaptureFixture[str]) -> None:
    line = ProgressLine()
    for evaluation in (1, 2, 3):
        logged = Logged(evaluation, -2.5, phase=PhaseReached("training", 1, 3))
        line.update(Progress("Wait", "RUNNING", None, logged))
    line.update(Progress("PostProcess"))
    first, last = capsys.readouterr().err.splitlines()
    assert first.endswith("job running: training, layer 1 of up to 3, evaluation 1, energy -2.5")
    assert last.endswith("evaluating and writing the report")


@pytest.mark.parametrize(
    ("logged", "words"),
    [
        (Logged(), ""),
        (Logged(phase=PhaseReached("compiling")), ""),
        (Logged(phase=PhaseReached("geometries", 1, 1)), ""),
        (Logged(phase=PhaseReached("geometries", 2, 11)), "geometry 2 of 11"),
        (Logged(phase=PhaseReached("sampling", 0, 12)), "task 1 of 12"),
        (Logged(phase=PhaseReached("sampling", 12, 12)), "task 12 of 12"),
        (Logged(cost_usd=0.5345), "0.5345 USD so far"),
        (Logged(runs_ended=3), "3 runs solved or failed"),
    ],
)
def test_details_are_those_of_the_phase(logged: Logged, words: str) -> None:
    assert ", ".join(shown.of_log(logged, running=True)) == words


def test_what_is_expected_stands_beside_what_is_gone(capsys: pytest.CaptureFixture[str]) -> None:
    with shown.progress(200.0):
        pass
    assert capsys.readouterr().err == "expected: about 3 min\n"
