"""The report of a molecule: its figures, what follows from them, its docs, page and pictures."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from PIL import Image

from quantum_pipeline.chemistry.molecules import nuclear_repulsion
from quantum_pipeline.cli import console
from quantum_pipeline.pages import molecule_figures, render
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.reports import MoleculeReport, Report
from quantum_pipeline.reports.molecule import equilibrium
from quantum_pipeline.results import Estimated, MoleculePoint, MoleculeResult, PointSeconds
from tests.unit.finished_molecule import (
    H2,
    MITIGATION,
    NOISE,
    OPEN_SHELL,
    PARTLY,
    SCAN,
    measured_molecule,
    prepared_molecule,
    report_of_molecule,
    solved_molecule,
)
from tests.unit.page import Page, drawn, page_of, said
from tests.unit.report_fields import DOCS, fields, part_of

PREPARED_H2, PREPARED_SCAN = prepared_molecule(H2), prepared_molecule(SCAN)
ON_DM1 = prepared_molecule(H2, device="dm1", shots=2000, noise=NOISE, mitigation=MITIGATION)
RAW_ON_DM1 = prepared_molecule(H2, device="dm1", shots=2000, noise=NOISE)


@cache
def solved_h2() -> MoleculeResult:
    return solved_molecule(PREPARED_H2)


@cache
def solved_scan() -> MoleculeResult:
    return solved_molecule(PREPARED_SCAN)


@cache
def measured() -> MoleculeResult:
    return measured_molecule(ON_DM1)


@cache
def report_h2() -> MoleculeReport:
    return report_of_molecule(PREPARED_H2, solved_h2())


@cache
def report_scan() -> MoleculeReport:
    return report_of_molecule(PREPARED_SCAN, solved_scan())


@cache
def report_dm1() -> MoleculeReport:
    return report_of_molecule(ON_DM1, measured())


@cache
def report_without_mitigation() -> MoleculeReport:
    return report_of_molecule(RAW_ON_DM1, measured_molecule(RAW_ON_DM1))


def changed(result: MoleculeResult, number: int, **changes: Any) -> MoleculeResult:
    """Return a result with one point's fields replaced."""
    points = list(result.points)
    points[number] = MoleculePoint.model_validate({**points[number].__dict__, **changes})
    return result.model_copy(update={"points": tuple(points)})


def advice(prepared: PreparedRun, result: MoleculeResult) -> str:
    return "\n".join(report_of_molecule(prepared, result).recommendations)


@pytest.mark.parametrize("made", [report_h2, report_scan, report_dm1], ids=["H2", "scan", "DM1"])
def test_report_survives_json(made: Callable[[], MoleculeReport]) -> None:
    report = made()
    assert MoleculeReport.model_validate_json(report.model_dump_json()) == report


def test_report_of_hydrogen_has_the_textbook_figures() -> None:
    report = report_h2()
    assert report.solution.energy == pytest.approx(-1.137284, abs=1e-6)
    assert report.quality.hartree_fock == pytest.approx(-1.116759, abs=1e-6)
    assert report.quality.best_known_by == "exact"
    assert report.quality.chemical_accuracy
    assert report.quality.correlation_recovered_percent == pytest.approx(100, abs=1e-3)
    assert report.solution.bitstring == "1100"
    assert report.solution.nuclear_repulsion == nuclear_repulsion(report.problem.geometry)
    assert report.objective == report.solution.energy
    assert report.ratios == (None, None)
    assert not report.scan
    assert report.equilibrium is None


def test_probabilities_are_those_of_the_two_determinants_that_mix() -> None:
    found = {each.bitstring: each.probability for each in report_h2().solution.determinants}
    assert set(found) == {"1100", "0011"}
    assert sum(found.values()) == pytest.approx(1)
    double = next(each for each in report_h2().algorithm.excitations if "1a 1b" in each.excitation)
    assert found["0011"] == pytest.approx(np.sin(double.amplitude) ** 2)


def test_analysis_is_of_the_solution_s_length_alone() -> None:
    number = 1 + [point.bond_length_angstrom for point in solved_scan().points].index(0.7)
    mine = [each.energy for each in solved_scan().history if each.start == number]
    assert report_scan().analysis.initial_energy == mine[0]
    assert report_scan().analysis.final_energy == min(mine) == report_scan().solution.energy


def test_scan_rises_whatever_the_order_of_the_request() -> None:
    backwards = {**SCAN, "bond_lengths_angstrom": SCAN["bond_lengths_angstrom"][::-1]}
    report = report_of_molecule(prepared_molecule(backwards))
    assert [each.bond_length_angstrom for each in report.scan] == SCAN["bond_lengths_angstrom"]
    for one, other in zip(report.scan, report_scan().scan, strict=True):
        assert one.energy == pytest.approx(other.energy, abs=1e-6)


def test_equilibrium_is_the_minimum_of_a_parabola_in_one_over_the_length() -> None:
    def curve(x: float) -> float:
        return 3.5 * (1 / x - 1 / 0.74) ** 2 - 1.137

    found = equilibrium([(x, curve(x)) for x in (0.4, 0.6, 0.9, 1.3)])
    assert found is not None
    assert found.bond_length_angstrom == pytest.approx(0.74)


@pytest.mark.parametrize("step", [0.05, 0.1, 0.2, 0.3])
@pytest.mark.parametrize("shift", [-0.3, 0.0, 0.3])
@pytest.mark.parametrize(("steepness", "length"), [(1.1, 1.55), (2.2, 0.95), (1.9, 0.74)])
def test_an_equilibrium_is_as_uncertain_as_it_says(
    step: float, shift: float, steepness: float, length: float
) -> None:
    """The curve is Morse's, (1 - exp(-a (R - R0)))^2, of LiH, HF and H2, roughly."""
    lengths = [length + step * (k + shift) for k in (-1, 0, 1)]
    found = equilibrium([(x, (1 - np.exp(-steepness * (x - length))) ** 2) for x in lengths])
    assert found is not None
    assert abs(found.bond_length_angstrom - length) <= found.uncertainty_angstrom + 1e-9
    assert found.uncertainty_angstrom < 2 * step**2


def test_a_coarse_scan_says_that_it_is_one() -> None:
    coarse = {"molecule": "LiH", "bond_lengths_angstrom": [1.0, 1.5, 2.0, 2.5]}
    report = report_of_molecule(prepared_molecule(coarse))
    found = report.equilibrium
    assert found is not None
    assert abs(found.bond_length_angstrom - 1.548) < found.uncertainty_angstrom < 0.2
    assert "The lengths are too far apart to tell the equilibrium" in report.recommendations[0]


def test_equilibrium_of_a_fine_scan_is_that_of_hydrogen_in_sto_3g() -> None:
    fine = {"molecule": "H2", "bond_lengths_angstrom": [0.72, 0.73, 0.74, 0.75]}
    found = report_of_molecule(prepared_molecule(fine)).equilibrium
    assert found is not None
    assert found.bond_length_angstrom == pytest.approx(0.7349, abs=2e-4)  # FCI, Szabo & Ostlund


@pytest.mark.parametrize(
    "curve",
    [
        [],
        [(1.0, -1.0)],
        [(1.0, -1.0), (2.0, -0.5)],
        [(0.5, -1.0), (1.0, -0.9), (2.0, -0.5)],
        [(0.5, 0.0), (1.0, -0.9), (2.0, -1.5)],
    ],
)
def test_no_equilibrium_is_told_where_none_is_enclosed(curve: list[tuple[float, float]]) -> None:
    assert equilibrium(curve) is None


def test_verdict_says_plainly_how_much_faster_exact_diagonalisation_was() -> None:
    seconds = PointSeconds(integrals=0.1, setup=0.1, optimise=3.0, exact=0.25)
    result = changed(solved_h2(), 0, seconds=seconds)
    report = report_of_molecule(PREPARED_H2, result)
    assert report.quality.verdict == "as low as exact diagonalisation, to rounding, 12 times slower"
    assert "exact diagonalisation is quicker (0.25 s against 3 s)" in advice(PREPARED_H2, result)
    seconds = PointSeconds(integrals=0.1, setup=0.1, optimise=0.5, exact=4.0)
    report = report_of_molecule(PREPARED_H2, changed(solved_h2(), 0, seconds=seconds))
    assert (
        report.quality.verdict == "as low as exact diagonalisation, to rounding, 8.0 times faster"
    )
    assert not report.recommendations


def test_a_result_without_an_exact_energy_claims_nothing() -> None:
    report = report_of_molecule(PREPARED_H2, changed(solved_h2(), 0, exact=None))
    quality = report.quality
    assert quality.best_known_by == "vqe"
    assert quality.error_millihartree is quality.chemical_accuracy is None
    assert quality.correlation_recovered_percent is None
    assert quality.verdict == "not compared: there was no time for exact diagonalisation"


def test_an_error_above_chemical_accuracy_names_the_length_and_advises_nothing_untried() -> None:
    exact = solved_scan().points[4].energy - 0.004
    said = advice(PREPARED_SCAN, changed(solved_scan(), 4, exact=exact))
    assert "The error of 4 mHa at 2 angstrom is above chemical accuracy (1.6): UCCSD" in said
    assert "algorithm.ansatz" not in said


@pytest.mark.parametrize("converged", [True, False])
def test_an_energy_that_is_not_near_the_exact_one_is_nowhere_a_success(
    tmp_path: Any, capsys: pytest.CaptureFixture[str], converged: bool
) -> None:
    exact = solved_h2().points[0].energy - 0.0863
    result = changed(solved_h2(), 0, exact=exact, ground=exact, converged=converged)
    report = report_of_molecule(PREPARED_H2, result.model_copy(update={"converged": converged}))
    assert report.quality.verdict == "86.3 mHa above exact diagonalisation: not near it"
    words = page_of(report).words
    assert "Quality not near exact: 86.3 mHa VQE did not find the state" in words
    assert "; converged" not in words
    assert "100 %" not in words.partition("Quality")[2].partition("Cost")[0]
    (tmp_path / "report.json").write_text(report.model_dump_json())
    console.result(tmp_path, as_json=False)
    assert "86.3 mHa above exact diagonalisation: not near it" in capsys.readouterr().out


def test_an_error_that_is_rounding_is_none() -> None:
    energy, fock = solved_h2().points[0].energy, solved_h2().points[0].integrals.hartree_fock
    for rounding in (-2e-15, 0.0, 2e-15):
        result = changed(solved_h2(), 0, exact=energy + rounding, ground=energy + rounding)
        report = report_of_molecule(PREPARED_H2, result)
        assert report.quality.error_millihartree == 0
        assert report.quality.correlation_recovered_percent == 100
        assert "Quality exact to rounding" in page_of(report).words
    exact = energy - 1e-7 * (fock - energy)
    report = report_of_molecule(PREPARED_H2, changed(solved_h2(), 0, exact=exact, ground=exact))
    assert report.quality.correlation_recovered_percent == pytest.approx(99.99999, abs=1e-6)
    assert "99.9 %" in page_of(report).words


def test_a_lower_state_of_another_spin_is_named() -> None:
    carbon = {"geometry": [["C", [0, 0, 0]]]}
    report = report_of_molecule(prepared_molecule(carbon))
    said = "\n".join(report.recommendations)
    assert report.quality.classical.energy == pytest.approx(-37.146190, abs=1e-6)
    assert report.quality.error_millihartree == pytest.approx(0, abs=0.01)
    assert "A state of more unpaired electrons is 72.5 mHa lower, at -37.218734 hartree" in said
    triplet = report_of_molecule(prepared_molecule({**carbon, "multiplicity": 3}))
    assert triplet.quality.classical.energy == pytest.approx(-37.218734, abs=1e-6)
    assert "more unpaired" not in "\n".join(triplet.recommendations)


def test_a_scan_names_the_lengths_that_failed(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    prepared = prepared_molecule(PARTLY)
    report = report_of_molecule(prepared)
    (failed,) = report.failed
    assert failed.bond_length_angstrom == 0.1
    assert [each.bond_length_angstrom for each in report.scan] == [0.8, 1.0]
    assert not report.convergence.converged
    assert "There is no energy at 0.1 angstrom, basis functions" in report.recommendations[0]
    words = page_of(report).words
    assert "Partial 2 of 3 lengths No energy at 0.1 Å: basis functions can hardly be told" in words
    (tmp_path / "report.json").write_text(report.model_dump_json())
    console.result(tmp_path, as_json=False)
    assert "no energy    at 0.1 angstrom: basis functions" in capsys.readouterr().out


def test_lengths_that_are_no_bonds_and_a_comment_in_bohr_are_warned_of(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    far = report_of_molecule(prepared_molecule({"molecule": "H2", "bond_length_angstrom": 12.0}))
    (said,) = far.warnings
    assert said.startswith("12 angstrom is longer than any bond")
    assert said in page_of(far).words
    (tmp_path / "report.json").write_text(far.model_dump_json())
    console.result(tmp_path, as_json=False)
    assert "warning      12 angstrom is longer" in capsys.readouterr().out
    assert far.quality.hartree_fock == pytest.approx(-0.567910, abs=1e-6)
    assert far.solution.energy == pytest.approx(-0.933164, abs=1e-5)
    assert not report_h2().warnings


def test_an_early_stop_names_the_limit_to_raise() -> None:
    few = prepared_molecule(SCAN, algorithm={"max_evaluations": 10})
    said = advice(few, solved_molecule(few))
    assert "stopped early at 0.5, 0.7, 0.8, 1.2, 2 angstrom (algorithm.max_evaluations" in said
    assert "raise algorithm.max_evaluations." in said


def test_what_is_advised_does_not_hang_on_the_words_for_an_end() -> None:
    few = prepared_molecule(SCAN, algorithm={"max_evaluations": 10})
    result = solved_molecule(few)
    said = advice(few, result)
    other = result.model_copy(update={"stop_reason": "limits.max_cost_usd: or so"})
    assert advice(few, other) == said.replace(result.stop_reason, "limits.max_cost_usd: or so")


def test_lengths_without_time_are_named_and_nothing_is_made_up_for_them() -> None:
    result = solved_scan().model_copy(
        update={
            "points": solved_scan().points[:3],
            "history": tuple(each for each in solved_scan().history if each.start <= 3),
            "converged": False,
            "stop_reason": "limits.max_runtime_seconds: 3 of 5 lengths",
            "stopped_by": "limits.max_runtime_seconds",
        }
    )
    report = report_of_molecule(PREPARED_SCAN, result)
    assert report.not_computed == (1.2, 2.0)
    assert [each.bond_length_angstrom for each in report.scan] == [0.5, 0.7, 0.8]
    assert "no time for 1.2, 2 angstrom" in "\n".join(report.recommendations)
    assert "not computed: no time" in page_of(report).words


def test_an_open_end_says_on_which_side_to_go_on() -> None:
    longer = {"molecule": "H2", "bond_lengths_angstrom": [0.4, 0.5, 0.6]}
    prepared = prepared_molecule(longer)
    assert "end of the scan, at 0.6 angstrom: add longer lengths" in advice(
        prepared, solved_molecule(prepared)
    )


def test_a_state_of_mixed_spin_is_pointed_out() -> None:
    prepared = prepared_molecule(H2, algorithm={"ansatz": "adapt"})
    result = solved_molecule(prepared)
    (double,) = (each for each in result.points[0].amplitudes if len(each.create) == 2)
    single = double.model_copy(update={"annihilate": (0,), "create": (2,), "amplitude": 0.5})
    assert "<S^2> is " not in advice(prepared, result)
    mixed = advice(prepared, changed(result, 0, amplitudes=(single,)))
    assert "not the 0 of problem.multiplicity 1: the state that VQE found mixes spins" in mixed


def test_a_measured_energy_stands_beside_the_exact_one_and_never_in_its_place() -> None:
    raw, found, exact = measured().measured, report_dm1().measured, measured().lowest.energy
    assert raw is not None
    assert found is not None
    assert report_dm1().solution.energy == report_dm1().objective == exact
    assert report_dm1().quality.error_millihartree == report_h2().quality.error_millihartree
    assert found.counts == "mitigated"
    assert found.energy == exact + 0.002
    assert found.error_millihartree == pytest.approx(2.0)
    assert found.raw_energy == raw.energy
    assert found.raw_error_millihartree == pytest.approx(1000 * (found.raw_energy - exact))
    assert found.raw_error_millihartree > 10
    assert (found.circuits, found.shots) == (2, 2000)
    assert report_dm1().noise_free_energy == exact
    assert report_h2().measured is None
    assert report_h2().noise_free_energy is None


def test_without_mitigation_the_raw_energy_is_the_measured_one() -> None:
    found = report_without_mitigation().measured
    assert found is not None
    assert found.counts == "raw"
    assert (found.energy, found.error_millihartree) == (
        found.raw_energy,
        found.raw_error_millihartree,
    )


def test_shots_of_wrong_numbers_of_electrons_are_counted_as_such() -> None:
    found = report_dm1().measured
    assert found is not None
    right = sum(
        count
        for bits, count in measured().counts.items()
        if bits in ("1100", "1001", "0110", "0011")
    )
    assert found.right_electrons == right / 2000
    assert 0.9 < found.right_electrons < 0.95  # (1 - 0.02)^4 and a few that two errors hide


def test_the_page_shows_raw_and_mitigated_energy_with_their_errors_and_the_device() -> None:
    found, words = report_dm1().measured, page_of(report_dm1()).words
    assert found is not None
    assert "measured on DM1, raw" in words
    assert "measured on DM1, mitigated" in words
    assert f"{found.raw_energy:.4f} ± 0.0060".replace("-", "−") in words
    assert f"{found.energy:.4f} ± 0.0040".replace("-", "−") in words
    off = f"{found.raw_error_millihartree:.1f}"
    assert f"raw {found.raw_energy:.4f} ± 0.0060 +{off}".replace("-", "−") in words
    assert "energy, hartree less the exact one, mHa" in words
    assert "mitigated, kept −1.1353 ± 0.0040 +2.0" in words
    assert "measured on" not in page_of(report_h2()).words


def test_the_quality_of_a_measured_molecule_has_the_measured_error_too() -> None:
    words = page_of(report_dm1()).words
    assert "Quality exact to rounding, measured +2.0 ± 4.0 mHa" in words.replace("−", "-")
    assert "is off by +2.0 ± 4.0 mHa, mitigated: not chemically accurate" in words
    assert "measured" not in page_of(report_h2()).words.partition("Quality")[2].partition("Cost")[0]


def test_an_emulated_device_is_said_to_be_one_wherever_its_energy_stands() -> None:
    run = measured().device_run
    assert run is not None
    run = run.model_copy(update={"emulated": "by a test"})
    report = report_of_molecule(ON_DM1, measured().model_copy(update={"device_run": run}))
    words = page_of(report).words
    assert "measured on DM1 (emulated), mitigated" in words
    assert "from shots of DM1 (emulated)" in words
    assert said(molecule_figures.determinants, report).title.startswith(
        "Emulated DM1: Hartree-Fock"
    )


def test_errors_of_a_device_that_shots_do_not_explain_ask_for_mitigation() -> None:
    raw = "\n".join(report_without_mitigation().recommendations)
    assert "which shots alone do not explain: ask for mitigation (auto)" in raw
    few = "\n".join(report_dm1().recommendations)
    assert "standard error of 4 mHa: chemical accuracy (1.6) takes about 13,000 shots" in few


def with_outcome(**changes: Any) -> str:
    run = measured().device_run
    assert run is not None
    assert run.mitigation is not None
    run = run.model_copy(update={"mitigation": run.mitigation.model_copy(update=changes)})
    return advice(ON_DM1, measured().model_copy(update={"device_run": run}))


def test_mitigation_that_was_not_kept_is_not_said_to_leave_an_error() -> None:
    said = with_outcome(kept="raw")
    assert "it is the raw energy, since mitigation did no better and took" in said
    assert "mitigation leaves" not in said


def test_more_shots_than_a_request_may_ask_for_are_called_out_of_reach() -> None:
    vague = Estimated(energy=measured().lowest.energy, standard_error=0.08)
    said = with_outcome(mitigated=vague)
    assert "takes about 5,000,000 shots of each circuit, more than the 50,000 that" in said


def section() -> str:
    return DOCS.read_text("utf-8").partition("## Molecules")[2].partition("\n## ")[0]


def test_every_field_of_the_report_is_defined_in_the_docs_and_no_other() -> None:
    documented = re.findall(r"^\| `([^`]+)` \|", section(), flags=re.MULTILINE)
    assert len(documented) == len(set(documented))
    assert set(documented) == fields(MoleculeReport) - fields(Report)


def test_the_docs_say_where_a_figure_may_be_null() -> None:
    rows = re.findall(r"^\| `([^`]+)` .*\| ([^|]+) \|$", section(), re.MULTILINE)
    nullable = {path for path, when in rows if when != "never"}
    own = fields(MoleculeReport) - fields(Report)
    assert nullable == {path for path in own if may_be_none(path)}


def may_be_none(path: str) -> bool:
    """Return whether a figure, or what it is a part of, may be null."""
    model: Any = MoleculeReport
    for name in path.split("."):
        annotation = model.model_fields[name.removesuffix("[]")].annotation
        if type(None) in getattr(annotation, "__args__", ()):
            return True
        model = part_of(annotation)[0]
    return False


ODD: dict[str, tuple[Callable[[], MoleculeReport], tuple[str, ...]]] = {
    "H2": (report_h2, ("convergence", "determinants")),
    "open shell by ADAPT": (
        lambda: report_of_molecule(
            prepared_molecule(OPEN_SHELL, algorithm={"ansatz": "adapt"}, name="radical")
        ),
        ("convergence", "determinants"),
    ),
    "one shot": (
        lambda: report_of_molecule(prepared_molecule(H2, shots=1)),
        ("determinants",),
    ),
    "one evaluation": (
        lambda: report_of_molecule(prepared_molecule(H2, algorithm={"max_evaluations": 1})),
        ("convergence", "determinants"),
    ),
    "no exact energy": (
        lambda: report_of_molecule(PREPARED_H2, changed(solved_h2(), 0, exact=None)),
        ("convergence", "determinants"),
    ),
    "an exact energy missing": (
        lambda: report_of_molecule(PREPARED_SCAN, changed(solved_scan(), 1, exact=None)),
        ("scan",),
    ),
    "two lengths": (
        lambda: report_of_molecule(
            prepared_molecule({"molecule": "H2", "bond_lengths_angstrom": [2.0, 0.7]})
        ),
        ("scan", "convergence"),
    ),
}
"""Reports, and the pictures of what is odd in them."""


@pytest.fixture(scope="module")
def drawn_scan() -> dict[str, bytes]:
    return render(report_scan())


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ODD)
def test_odd_molecules_are_drawn_without_a_warning(name: str) -> None:
    made, odd = ODD[name]
    report = made()
    json.loads(report.model_dump_json(), parse_constant=refuse)
    all_are_shown(drawn(report, *(f"plots/{picture}.png" for picture in odd)))


@pytest.mark.filterwarnings("error")
def test_every_picture_of_a_scan_is_on_the_page(drawn_scan: dict[str, bytes]) -> None:
    assert set(drawn_scan) == {"report.html", *report_scan().artifacts.plots}
    json.loads(report_scan().model_dump_json(), parse_constant=refuse)
    all_are_shown(drawn_scan)


def all_are_shown(files: dict[str, bytes]) -> None:
    page, plots = Page(files["report.html"].decode()), files.keys() - {"report.html"}
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) == len(plots)
    assert all(len(image["alt"] or "") > 40 for image in images)
    assert "None" not in page.words.replace("None: no figure", "")
    assert "nan" not in page.words.split()
    for plot in plots:
        with Image.open(io.BytesIO(files[plot])) as image:
            assert image.width > 1000


def refuse(constant: str) -> None:
    """Refuse a number that JSON has not."""
    raise AssertionError(constant)


def test_the_same_report_gives_the_same_bytes(drawn_scan: dict[str, bytes]) -> None:
    again = MoleculeReport.model_validate_json(report_scan().model_dump_json())
    assert render(again) == drawn_scan


def test_page_says_plainly_what_exact_means_and_who_was_faster() -> None:
    words = page_of(report_scan()).words
    assert f"VQE was {report_scan().quality.verdict}" in words
    assert "Exact means: in this basis, no approximation but these." in words
    assert "not the limit of complete bases" in words
    assert all(sentence in words for sentence in report_scan().recommendations)


def test_page_shows_the_energy_to_a_millionth_of_a_hartree() -> None:
    assert "−1.137284 hartree" in page_of(report_h2()).words


def test_terminal_shows_energy_reference_and_verdict(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report.json").write_text(report_scan().model_dump_json())
    console.result(tmp_path, as_json=False)
    shown = capsys.readouterr().out
    assert "molecule     H2, sto-3g, 4 qubits" in shown
    assert "-1.136189 hartree  at 0.7 angstrom, the lowest of 5" in shown
    assert "equilibrium  0.7314 +- 0.0057 angstrom, interpolated" in shown
    assert "by exact diagonalisation" in shown
    assert f"VQE (UCCSD) was {report_scan().quality.verdict}" in shown


def test_terminal_shows_the_measured_energy_with_its_error_and_that_it_is_mitigated(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report.json").write_text(report_dm1().model_dump_json())
    console.result(tmp_path, as_json=False)
    shown = capsys.readouterr().out
    assert "energy       -1.137284 hartree" in shown
    assert "measured     -1.135284 +- 0.004000  mitigated, off by 2 mHa" in shown
    found = report_dm1().measured
    assert found is not None
    assert f"raw          {found.raw_energy:.6f} +- 0.006000  not kept, off by" in shown


def test_page_calls_recomputed_what_was_recomputed() -> None:
    assert "all were recomputed from the integrals and the amplitudes" in page_of(report_h2()).words
    assert "measured.energy" not in page_of(report_h2()).words.partition("job's word")[2]
    assert "the raw energy was recomputed from the shots" in page_of(report_dm1()).words
    assert "measured.energy" in page_of(report_dm1()).words.partition("job's word")[2]
