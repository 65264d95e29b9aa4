"""The page of a study: what a reader sees of a summary, and what may run there."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from quantum_pipeline.pages import study_page
from quantum_pipeline.pages.study_page import render_study
from quantum_pipeline.studies.rows import Setting
from quantum_pipeline.studies.study import parse_study
from tests.unit.page import Page
from tests.unit.study_rows import failed, grid, row, rows_of, summary_of


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    study = grid()
    rows = rows_of(study)
    rows[5] = failed(rows[5])
    return render_study(summary_of(study, rows), rows)


@pytest.fixture(scope="module")
def page(files: dict[str, bytes]) -> Page:
    return Page(files["report.html"].decode(), sorts=True)


def test_the_pictures_are_those_of_a_grid(files: dict[str, bytes]) -> None:
    names = ("comparisons", "effects", "fronts", "heat_map")
    assert set(files) == {*(f"plots/{name}.png" for name in names), "report.html"}
    for name in names:
        assert Image.open(BytesIO(files[f"plots/{name}.png"])).width == 1080


def test_the_page_says_what_won_what_it_cost_and_what_failed(page: Page) -> None:
    for words in (
        "Ahead, not alone depth 3, local",
        "What mattered most depth The mean goes from 0.7",
        "not worth its money Enumeration had the answers",
        "Without a result 1 of 72 runs DeviceUnavailable",
        "Emulated: not results of Forte-1, Garnet.",
        "it is <b>offline</b>",  # as text
        "Garnet is not worth its money",
    ):
        assert words in page.words


def test_tables_sort_by_numbers_and_have_the_best_setting_first(files: dict[str, bytes]) -> None:
    html = files["report.html"].decode()
    first = html[html.index('class="main"') :]
    assert first.index("<td") < first.index("best</span>") < first.index("</tr>")
    assert 'data-order="0.9' in first[: first.index("</tr>")]
    assert html.count('<table class="sortable">') == 4  # settings, by problem, one by one, runs


def test_the_same_summary_gives_the_same_page(files: dict[str, bytes]) -> None:
    study = grid()
    rows = rows_of(study)
    rows[5] = failed(rows[5])
    assert render_study(summary_of(study, rows), rows) == files


def test_a_study_of_numbers_that_were_drawn_has_its_course() -> None:
    vary = {"algorithm.cvar_alpha": {"from": 0.01, "to": 1.0, "log": True}}
    strategy = {"name": "random", "n_runs": 20}
    study = parse_study({"name": "drawn", "base": {}, "vary": vary, "strategy": strategy})
    settings = [
        Setting(number=k, values={"algorithm.cvar_alpha": 10 ** (-2 + k / 10)}) for k in range(20)
    ]
    rows = [row(each, 0.5 + each.number / 100) for each in settings]
    files = render_study(summary_of(study, rows), rows)
    assert set(files) == {
        *(f"plots/{name}.png" for name in ("course", "effects", "fronts")),
        "report.html",
    }


@pytest.mark.parametrize("kept", [0, 1])
def test_a_study_without_results_or_with_one_has_a_page(kept: int) -> None:
    study = grid()
    rows = rows_of(study)[:3]
    rows[kept:] = [failed(each) for each in rows[kept:]]
    files = render_study(summary_of(study, rows, stopped_because="too many failed"), rows)
    words = Page(files["report.html"].decode(), sorts=True).words
    assert "Partial stopped Too many failed." in words
    assert f"{3 - kept} of 3 runs" in words


def test_of_very_many_runs_the_page_has_those_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_page, "MOST_RUNS", 10)
    study = grid()
    rows = rows_of(study)
    rows[60] = failed(rows[60])
    html = study_page.study_page(summary_of(study, rows), rows, [])
    assert "Of 72 runs, 62 are there only." in " ".join(html.split())
    listed = html[html.index("<summary>10 runs") :]
    assert '<td class="word">angles-60-1</td>' in listed
