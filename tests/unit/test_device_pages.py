"""The page and the pictures of a run on a device."""

from __future__ import annotations

import io
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from PIL import Image

from quantum_pipeline.pages import render
from quantum_pipeline.pages.course import convergence
from quantum_pipeline.pages.device_layout import layout, places
from quantum_pipeline.pages.distribution import distribution
from quantum_pipeline.pages.extrapolation import curve, energy_limits, mitigation
from quantum_pipeline.pages.page import page as rendered_page
from quantum_pipeline.pages.study import Study
from quantum_pipeline.reports import OptimisationReport
from quantum_pipeline.reports.device_parts import MitigationPart
from quantum_pipeline.results import ScaledEnergy
from tests.unit.finished_classification import (
    classification_report,
    classified,
    iris,
    prepared_table,
)
from tests.unit.finished_device_run import (
    COMPILATION,
    CUT,
    CUT_SHORT,
    EMULATED,
    LATTICE,
    device_result,
    estimated,
    measured_on_device,
    noisy_counts,
    not_billed,
    prepared_on_device,
)
from tests.unit.finished_run import TRIANGLE, history, report_of, sampled
from tests.unit.page import Page, page_of, said

REPORT = measured_on_device()
REAL = measured_on_device(prepared_on_device(emulated=None))
NOT_MITIGATED = measured_on_device(mitigated=False)
DRAWN = {"plots/layout.png", "plots/mitigation.png"}


ON_DEVICE = {"train_on": "device", "optimizer": "spsa", "shots_per_evaluation": 250}
KEPT_RAW = {"kept": "raw", "kept_because": "it is not smaller beyond doubt"}


def grid(width: int, height: int) -> list[tuple[int, int]]:
    """Return the couplers of a square lattice, counted row by row."""
    at = np.arange(width * height).reshape(height, width)
    pairs = [(at[:, :-1], at[:, 1:]), (at[:-1], at[1:])]
    return [
        (int(a), int(b)) for one, other in pairs for a, b in zip(one.flat, other.flat, strict=True)
    ]


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return render(REPORT)


@pytest.fixture(scope="module")
def page(files: dict[str, bytes]) -> Page:
    return Page(files["report.html"].decode())


def test_page_cries_that_the_device_was_emulated_before_all_else(page: Page) -> None:
    assert "Emulated: r1 – Quantum Pipeline report" in page.text
    assert page.words.index("Emulated: not a result of Garnet.") < page.words.index("Found")
    stood_in = "an emulator on this machine stood in for it. How it was emulated"
    assert page.words.index(stood_in) < page.words.index("Found")
    points = EMULATED.removeprefix("Emulated; ").removesuffix(".").replace("; ", " ")
    assert f"How it was emulated {points} How to reproduce it" in page.words
    alts = [attributes["alt"] or "" for tag, attributes in page.tags if tag == "img"]
    assert sum("Garnet (emulated)" in alt for alt in alts) == len(DRAWN)


@pytest.mark.parametrize("report", [REAL, sampled(TRIANGLE, {"001": 1})], ids=["real", "local"])
def test_nothing_that_is_not_emulated_is_called_that(report: OptimisationReport) -> None:
    words = page_of(report).words.replace("device.emulated", "the name of a field")
    assert "mulated" not in words
    assert "Nothing was billed" not in words
    assert ("What it cost" in words) == (report is REAL)  # a job that sampled has no section


def test_every_picture_of_an_emulated_device_says_so_in_its_title_and_no_other() -> None:
    trained = measured_on_device(prepared_on_device(algorithm=ON_DEVICE))
    for picture in (
        said(mitigation, trained),
        said(distribution, Study.of(trained)),
        said(convergence, Study.of(trained)),
    ):
        assert picture.title.startswith("Emulated Garnet: ")
    assert "Garnet (emulated)" in said(layout, trained).title
    assert (
        "mulated" not in said(convergence, Study.of(REPORT)).title
    )  # these energies were computed
    for draw, real in ((mitigation, REAL), (distribution, Study.of(REAL)), (layout, REAL)):
        assert "mulated" not in said(draw, real).title


def test_a_training_on_a_device_says_of_how_many_shots_its_points_are_and_how_sure() -> None:
    trained = measured_on_device(prepared_on_device(algorithm=ON_DEVICE))
    picture = said(convergence, Study.of(trained))
    error = REPORT.quality.standard_error
    assert error is not None
    about = f"with 250 shots, which leaves an error of about {2 * error:.2g}"  # of 1000 shots
    assert about in picture.caption
    assert "−4.568 at the end" in picture.title
    assert "shots" not in said(convergence, Study.of(REPORT)).caption


def test_one_evaluation_is_at_given_angles_only_where_angles_were_given() -> None:
    one = history([-5.0])
    given = {"gammas": [0.1], "betas": [0.2], "optimizer": "none"}
    at_given = measured_on_device(prepared_on_device(algorithm=given), history=one)
    assert "−5 at the given angles" in said(convergence, Study.of(at_given)).title
    found = said(convergence, Study.of(measured_on_device(history=one))).title
    assert "−5 of one evaluation" in found
    assert "given" not in found


def test_layout_counts_variables_the_qubits_acted_on_and_those_of_the_device() -> None:
    through = compiled(used=(*COMPILATION.used, (5, 6)))
    assert said(layout, through).title.startswith(
        "6 variables on 7 of 20 qubits of Garnet (emulated): "
    )
    both = through.device.model_copy(update={"name": "Garnet + Emerald"})
    of_several = compiled(device="Emerald").model_copy(update={"device": both})
    assert "on 7 of 20 qubits of Emerald (emulated): " in said(layout, of_several).title
    few = sorted(combinations(range(6), 2))
    every_two = compiled(couplers=tuple(few), qubits=tuple(range(6)), used=tuple(few[:5]))
    assert ", all coupled: 24 two-qubit gates on 5 couplers" in said(layout, every_two).title


def test_what_qubits_of_a_layout_hold_is_named_by_the_problem() -> None:
    """None but a molecule has spin orbitals."""
    table = prepared_table(iris())
    learned = classification_report(table, classified(table))
    on_device = {"compilation": COMPILATION, "device": REAL.device}
    picture = said(layout, learned.model_copy(update=on_device))
    assert picture.title.startswith("6 features on ")
    assert "Blue qubits hold features" in picture.caption


def test_a_line_that_took_the_place_of_an_exponential_is_drawn_and_called_a_line() -> None:
    asked: dict[str, Any] = {"extrapolation": "exponential", "extrapolation_used": ("linear",)}
    report = measured_on_device(mitigated=asked)
    assert report.mitigation is not None
    line = curve(report.mitigation, np.array([0.0, 1.0, 2.0]))
    assert line[0] - line[1] == pytest.approx(line[1] - line[2])
    assert "The straight line through the points" in said(mitigation, report).caption


def test_a_huge_error_bar_leaves_the_points_apart() -> None:
    vague = measured_on_device(mitigated={"mitigated": estimated(-4.9, 3e5)}).mitigation
    assert vague is not None
    low, high = energy_limits(vague, -5.0)
    assert low < -5
    assert high > -3.86
    assert high - low < 10


def test_an_error_that_mitigation_did_not_make_smaller_is_called_that() -> None:
    worse = measured_on_device(mitigated={**KEPT_RAW, "mitigated": estimated(-3.0, 0.05)})
    words = page_of(worse).words
    assert "mitigation has not made the error smaller" in words
    assert "divided by" not in words


def test_times_of_an_emulator_stand_in_no_comparison() -> None:
    words, real = page_of(REPORT).words, page_of(REAL).words
    assert "QAOA, best sample61.0000– QAOA" in words
    assert "to optimise and to sample, by the emulator" in words
    assert "QAOA, best sample61.0000250 ms QAOA" in real


def test_a_simulator_that_is_emulated_is_no_quantum_processor() -> None:
    device = REPORT.device.model_copy(update={"name": "SV1", "kind": "simulator"})
    words = page_of(REPORT.model_copy(update={"device": device})).words
    assert "Emulated: not a result of SV1. No Amazon Braket simulator ran this" in words


def test_page_has_the_circuit_before_and_after_it_was_compiled(page: Page) -> None:
    words = page.words
    for size in (COMPILATION.plain, COMPILATION.reference, COMPILATION.compiled):
        assert size is not None
        assert f"{size.by} {size.depth} {size.two_qubit_gates}" in words
    assert "Estimated fidelity 74 %" in words
    assert "(cz, prx) and ran as they are, verbatim" in words


def test_page_has_exact_raw_and_mitigated_energy_with_their_errors(page: Page) -> None:
    words = page.words
    assert "without noise, exact −5 – raw −4.568 ± 0.036 +0.432" in words
    assert "mitigated, kept −4.960 ± 0.055 +0.040" in words
    assert "error is divided by 7.855, the rest being within its standard error" in words
    assert "It took 13,000 more shots and 18.8500 USD" in words
    assert "calibration circuit 1 −6 −5.210 ± 0.030 −5.930 ± 0.060" in words


def test_page_of_a_run_without_mitigation_has_the_raw_energy_alone() -> None:
    words = page_of(NOT_MITIGATED).words
    assert "raw −4.568 ± 0.036 +0.432" in words
    assert "mitigated" not in words
    assert "calibration" not in words


def test_page_has_each_line_of_the_estimate_beside_that_of_the_bill(page: Page) -> None:
    words = page.words
    assert "tasks on Garnet, samples 1 task 0.3000 USD 1 task 0.3000 USD" in words
    assert "total 20.6304 USD 20.6020 USD" in words
    assert "devices 2026-08-21" in words
    assert "Nothing was billed for what was emulated: this is its cost on AWS." in words


def test_a_rehearsal_with_a_free_instance_gives_its_cost_as_that_of_the_tasks() -> None:
    words = page_of(measured_on_device(not_billed())).words
    assert "The tasks' cost on AWS, where the job's instance comes on top" in words
    assert "this is its cost on AWS, where the job's instance comes on top." in words


def test_a_single_task_is_a_task(page: Page) -> None:
    assert "tasks on Garnet, samples: 1 task " in page.words
    assert "1 tasks" not in page.words


def test_headline_of_a_partial_run_says_what_was_left_out(page: Page) -> None:
    prepared = prepared_on_device()
    cut = device_result(prepared, noisy_counts(prepared, 400), mitigated=False, run=CUT_SHORT)
    words = page_of(report_of(prepared, cut)).words
    assert f"Partial cut short Stopped at {CUT}. Found" in words
    assert "Partial" not in page.words


def test_pictures_are_those_that_there_is_something_to_draw_for() -> None:
    assert set(REPORT.artifacts.plots) >= DRAWN
    assert DRAWN & set(NOT_MITIGATED.artifacts.plots) == {"plots/layout.png"}
    on_simulator = measured_on_device(run={"compilation": None}, mitigated={"scaled": ()})
    assert not DRAWN & set(on_simulator.artifacts.plots)
    assert "nothing was compiled" in page_of(on_simulator).words


def test_files_are_the_same_bytes_for_the_same_report_and_small(files: dict[str, bytes]) -> None:
    assert files == render(OptimisationReport.model_validate_json(REPORT.model_dump_json()))
    assert set(files) == {"report.html", *REPORT.artifacts.plots}
    assert sum(map(len, files.values())) < 500_000
    for name in DRAWN:
        with Image.open(io.BytesIO(files[name])) as image:
            assert image.format == "PNG"


def compiled(**changes: Any) -> OptimisationReport:
    made = COMPILATION.model_copy(update=changes)
    return measured_on_device(run={"compilation": made})


ODD_CIRCUITS = {
    "every two coupled": compiled(couplers=tuple(combinations(range(36), 2))),
    "a hundred qubits": compiled(
        couplers=tuple(grid(12, 9)), qubits=(0, 1, 2, 12, 13, 14), used=((0, 1),)
    ),
    "qubits without a coupler": compiled(couplers=(), used=()),
    "a device in two parts": compiled(couplers=(*LATTICE, (30, 31), (31, 32))),
    "passed through": compiled(used=((5, 6), (6, 7))),
    "no fidelity": compiled(estimated_fidelity=None, calibrated_at=None, reference=None),
}

ODD_MITIGATION = {
    "no shot that obeys": measured_on_device(mitigated={"scaled": (), "kept": "raw"}),
    "one scale": measured_on_device(
        mitigated={"scaled": (ScaledEnergy(scale=1, energy=-4, standard_error=0, accepted=None),)}
    ),
    "no spread": measured_on_device(
        mitigated={
            "scaled": tuple(
                ScaledEnergy(scale=s, energy=-4, standard_error=0, accepted=None) for s in (1, 3)
            )
        }
    ),
    "polynomial": measured_on_device(mitigated={"extrapolation": "richardson"}),
    "exponential": measured_on_device(mitigated={"extrapolation": "exponential"}),
    "unknown exact energy": measured_on_device(run={"trained_energy": None}),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ODD_CIRCUITS)
def test_odd_circuits_are_drawn_without_a_warning(name: str) -> None:
    report = ODD_CIRCUITS[name]
    picture = layout(report)
    assert len(picture.png) < 60_000
    Page(rendered_page(Study.of(report), {"plots/layout.png": picture}))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ODD_MITIGATION)
def test_odd_mitigation_is_drawn_without_a_warning(name: str) -> None:
    report = ODD_MITIGATION[name]
    there = "plots/mitigation.png" in report.artifacts.plots
    assert report.mitigation is not None
    assert there == (len(report.mitigation.scaled) > 1)
    pictures = {"plots/mitigation.png": mitigation(report)} if there else {}
    assert all(len(each.png) < 60_000 for each in pictures.values())
    Page(rendered_page(Study.of(report), pictures))


@pytest.mark.parametrize(("width", "height"), [(12, 9), (8, 8)])
def test_a_square_lattice_is_drawn_as_one(width: int, height: int) -> None:
    couplers = np.array(grid(width, height))
    place = places(width * height, couplers)
    along = place[couplers[:, 1]] - place[couplers[:, 0]]
    length = np.linalg.norm(along, axis=1)
    assert length.max() < 1.3 * length.min()
    crooked = np.abs(along).min(axis=1) / length
    assert np.median(crooked) < 0.05
    assert crooked.max() < 0.25


def test_a_lattice_is_wide_and_has_its_low_numbers_on_top_at_the_left() -> None:
    place = places(20, np.array(grid(5, 4)))
    assert np.ptp(place[:, 0]) > np.ptp(place[:, 1])
    assert place[0, 0] < place[4, 0]
    assert place[0, 1] > place[15, 1]


def test_qubits_of_which_every_two_are_coupled_stand_on_a_circle() -> None:
    place = places(12, np.array(list(combinations(range(12), 2))))
    assert np.linalg.norm(place, axis=1) == pytest.approx(1)


def part(form: str, energies: list[float], at_zero: float) -> MitigationPart:
    assert REPORT.mitigation is not None
    scaled = tuple(
        ScaledEnergy(scale=s, energy=e, standard_error=0.1, accepted=None)
        for s, e in zip((1, 2, 4), energies, strict=True)
    )
    return REPORT.mitigation.model_copy(
        update={
            "extrapolation_used": (form,),
            "scaled": scaled,
            "mitigated": estimated(at_zero, 0.1),
        }
    )


@pytest.mark.parametrize(
    ("form", "law"),
    [
        ("linear", lambda s: -5 + 0.3 * s),
        ("richardson", lambda s: -5 + 0.3 * s - 0.02 * s**2),
        ("exponential", lambda s: -3 - 2 * np.exp(-0.25 * s)),
    ],
)
def test_the_curve_of_an_extrapolation_is_its_law(form: str, law: Any) -> None:
    at = np.array([0.0, 0.5, 1.0, 2.0, 3.0, 4.0])
    found = curve(part(form, [float(law(s)) for s in (1, 2, 4)], -5.0), at)
    assert found == pytest.approx(law(at), abs=1e-3)
