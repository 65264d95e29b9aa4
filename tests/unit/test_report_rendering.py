"""The pages and pictures of a run without a device: complete, well formed, right and safe."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from quantum_pipeline.ising import energies, spins_of
from quantum_pipeline.pages import figures, render
from quantum_pipeline.pages.course import convergence, groups, reduction
from quantum_pipeline.pages.distribution import bin_edges
from quantum_pipeline.pages.figures import legend_below, new_figure
from quantum_pipeline.pages.graph import layout, weight_places
from quantum_pipeline.pages.growth import depths
from quantum_pipeline.pages.numbers import ratio
from quantum_pipeline.pages.page import page as rendered_page
from quantum_pipeline.pages.places import by_stress, circle, steps
from quantum_pipeline.pages.study import Distribution, Study
from quantum_pipeline.reports import OptimisationReport
from quantum_pipeline.results import ClassicalSolution, DepthStep
from tests.unit.finished_run import (
    PETERSEN,
    TRIANGLE,
    history,
    job_result,
    prepared_run,
    report_of,
    sampled,
)
from tests.unit.page import Page, drawn, page_of, said

REPORT = sampled(PETERSEN, {"0010111000": 70, "0000000000": 30})
HOSTILE = "<script>alert('$x_{')</script>"
Files = dict[str, bytes]


@pytest.fixture(scope="module")
def files() -> Files:
    return render(REPORT)


def labelled(*names: str) -> dict[str, Any]:
    """Return a path of nodes with those names."""
    links = [{"source": a, "target": b} for a, b in pairwise(names)]
    return {"type": "maxcut", "graph": {"nodes": [{"id": name} for name in names], "links": links}}


def drawn_by_chance(
    problem: Mapping[str, Any], shots: int, distinct: bool = False
) -> OptimisationReport:
    """Return a report of random samples, on a problem too large to be enumerated."""
    prepared = prepared_run(problem, shots=shots)
    n = prepared.ising.n_variables
    generator = np.random.default_rng(1)
    numbers = generator.choice(2**n, shots, replace=False) if distinct else [0] * shots
    counts = {format(int(number), f"0{n}b"): 1 for number in numbers}
    energy = energies(prepared.ising, spins_of(list(counts)))
    annealed = ClassicalSolution(
        method="simulated annealing",
        bitstring=list(counts)[int(energy.argmin())],
        energy=float(energy.min()),
        worst_energy=None,
        proven=False,
        seconds=0.004,
    )
    return report_of(prepared, job_result(prepared, counts, classical=annealed))


def test_files_are_those_that_the_report_names(files: Files) -> None:
    assert set(files) == {REPORT.artifacts.report_html, *REPORT.artifacts.plots}


def test_the_same_report_gives_the_same_bytes(files: Files) -> None:
    assert render(OptimisationReport.model_validate_json(REPORT.model_dump_json())) == files


def test_pictures_are_images_and_the_page_shows_them_all_with_words(files: Files) -> None:
    for name in REPORT.artifacts.plots:
        with Image.open(io.BytesIO(files[name])) as image:
            assert image.format == "PNG"
            assert image.width > 1000
    page = Page(files["report.html"].decode())
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) == len(REPORT.artifacts.plots)
    assert all(len(image["alt"] or "") > 40 for image in images)


def test_page_needs_nothing_from_elsewhere(files: Files) -> None:
    html = files["report.html"].decode()
    for tag, attributes in Page(html).tags:
        assert tag not in {"script", "link", "iframe", "object"}
        for name in ("src", "href"):
            assert (attributes.get(name) or "data:").startswith("data:")
    assert not re.search(r"https?://|url\(|@import", html)


def test_page_is_small() -> None:
    dense = {"type": "maxcut", "edges": [[i, j] for i in range(25) for j in range(i)]}
    assert len(render(drawn_by_chance(dense, 500, distinct=True))["report.html"]) < 1_500_000


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", [HOSTILE, "日本 \N{PARTY POPPER}", "a\nb\x00", "$x_{$", "x" * 200])
def test_labels_are_text_and_never_markup(name: str) -> None:
    report = sampled(labelled("a", name), {"01": 1})
    files = drawn(report, "plots/solution.png")  # no other picture has labels
    page = Page(files["report.html"].decode())
    assert "script" not in {tag for tag, _ in page.tags}
    if name == HOSTILE:
        assert HOSTILE in page.text


def test_the_request_on_the_page_is_the_request() -> None:
    report = sampled(labelled("a", HOSTILE), {"01": 1})
    text = page_of(report).text
    start = text.index("{", text.index("every default filled in"))
    request, _ = json.JSONDecoder().raw_decode(text[start:])
    assert request == report.request


def test_a_long_request_stays_in_report_json() -> None:
    terms = [[0, 1, 1.0]] * 5000
    report = sampled({"type": "qubo", "linear": [0.0, 1.0], "quadratic": terms}, {"01": 1})
    assert "too long for this page" in page_of(report).words


def test_page_says_plainly_that_the_quantum_result_is_worse() -> None:
    words = page_of(sampled(TRIANGLE, {"000": 1})).words
    assert "Quantum sampling was worse by 2 than enumeration (the optimum);" in words
    assert "Short of the best known 2, which enumeration found." in words
    assert "use the classical answer" in words


def test_energies_of_a_tail_are_not_called_the_mean_energy() -> None:
    prepared = prepared_run(TRIANGLE, algorithm={"cvar_alpha": 0.2}, shots=1)
    steps = tuple(DepthStep(depth=p, energy=-p / 2, evaluations=2) for p in (1, 2))
    result = job_result(prepared, {"001": 1}, history=history([-0.5, -1.0]), depths=steps)
    study = Study.of(report_of(prepared, result))
    drawn_by = {"convergence": convergence, "reduction": reduction, "depths": depths}
    pictures = {f"plots/{name}.png": said(draw, study) for name, draw in drawn_by.items()}
    page = Page(rendered_page(study, pictures))
    alts = " ".join(attributes.get("alt") or "" for _, attributes in page.tags)
    assert "Mean of the lowest 20 % of energies falls from −0.5 to −1" in alts
    assert "2 layers; the last one gained 0.5" in alts
    assert "of the descent" not in alts
    assert "mean energy" not in alts.lower()


def grown(*evaluations: int) -> OptimisationReport:
    """Return the report of as many depths from 1 as there are numbers, of five evaluations in all.

    The first depth had two starts.
    """
    steps = tuple(
        DepthStep(depth=p, energy=-p / 2, evaluations=n) for p, n in enumerate(evaluations, 1)
    )
    course = history([-0.2], [-0.4, -0.5], [-0.6, -1.0])
    return sampled(TRIANGLE, {"001": 1}, history=course, depths=steps)


def test_evaluations_of_several_depths_are_numbered_by_depth_and_others_by_start() -> None:
    kind, numbers = groups(Study.of(grown(3, 2)))
    assert (kind, numbers.tolist()) == ("depth", [1, 1, 1, 2, 2])
    kind, numbers = groups(Study.of(grown(5)))
    assert (kind, numbers.tolist()) == ("start", [1, 2, 2, 3, 3])
    kind, _ = groups(Study.of(grown(1, 1)))  # depths that do not add up are not believed
    assert kind == "start"


def test_the_picture_of_the_course_says_what_follows_one_another() -> None:
    order = "follow one another from left to right"
    assert f"Depths {order}" in said(convergence, Study.of(grown(3, 2))).caption
    assert f"Starts {order}" in said(convergence, Study.of(grown(5))).caption
    assert order not in said(convergence, Study.of(sampled(TRIANGLE, {"001": 1}))).caption


def test_page_calls_recomputed_what_was_recomputed() -> None:
    report = sampled(TRIANGLE, {"001": 1})
    words = page_of(report).words
    assert "All others were recomputed, or come" in words
    for each in report.jobs_word:
        assert each.held_to in words
        assert ", ".join(each.figures) in words


def test_page_says_why_there_is_no_ratio() -> None:
    report = drawn_by_chance({"type": "qubo", "linear": [1.0, -2.0]}, 1)
    words = page_of(report).words
    assert "There is no ratio: the worst energy is unknown" in words
    assert "None" not in words.replace("None: no figure", "")


def test_page_shows_the_recommendations_and_the_cost(files: Files) -> None:
    words = Page(files["report.html"].decode()).words
    assert REPORT.recommendations
    assert all(sentence in words for sentence in REPORT.recommendations)
    assert "0.0020 USD" in words  # 62 s of 0.115 USD an hour


COURSE = ("convergence", "reduction")
SAMPLES = ("distribution",)
ANSWER = ("solution",)

ODD: dict[str, tuple[Callable[[], OptimisationReport], tuple[str, ...]]] = {
    "one shot": (lambda: sampled(TRIANGLE, {"001": 1}), SAMPLES),
    "one variable": (
        lambda: sampled({"type": "ising", "fields": [0.5]}, {"0": 3, "1": 1}),
        COURSE + SAMPLES,
    ),
    "equal energies": (
        lambda: sampled(
            {"type": "qubo", "linear": [0.0] * 3}, {"010": 4}, history=history([0.0] * 5)
        ),
        COURSE + SAMPLES,
    ),
    "equal large energies": (
        lambda: sampled(
            {"type": "ising", "fields": [0.0], "offset": -1e12}, {"0": 4}, history=history([-1e12])
        ),
        ("convergence", *SAMPLES),
    ),
    "one evaluation": (lambda: of_course([-1.5]), ("convergence",)),
    "rising energies": (lambda: of_course([-1.5, -1.0]), COURSE),
    "first energy zero": (lambda: of_course([0.0, -1.0]), COURSE),
    "many evaluations": (
        lambda: of_course((-np.random.default_rng(1).random(50_000)).tolist()),
        COURSE,
    ),
    "many starts": (lambda: of_course(*[[-1.0, -1.5]] * 100), COURSE),
    "large coefficients": (
        lambda: sampled({"type": "qubo", "linear": [1e12, -1e12]}, {"01": 1, "10": 1}),
        COURSE + SAMPLES,
    ),
    "small coefficients": (
        lambda: sampled({"type": "qubo", "linear": [1e-12, -3e-12]}, {"01": 1}),
        COURSE + SAMPLES,
    ),
    "negative weights": (
        lambda: sampled({"type": "maxcut", "edges": [[0, 1, -1.0]]}, {"00": 1}),
        SAMPLES + ANSWER,
    ),
    "weights of zero": (
        lambda: sampled({"type": "maxcut", "edges": [[0, 1, 0.0]]}, {"01": 1}),
        SAMPLES + ANSWER,
    ),
    "lonely nodes": (
        lambda: sampled({"type": "maxcut", "edges": [[0, 1]], "n_nodes": 5}, {"01000": 1}),
        ANSWER,
    ),
    "25 nodes": (
        lambda: drawn_by_chance({"type": "maxcut", "edges": [[i, i + 1] for i in range(24)]}, 9),
        SAMPLES + ANSWER,
    ),
}
"""Reports, and the pictures of what is odd in them; the others are those of any run."""


def of_course(*starts: Sequence[float]) -> OptimisationReport:
    """Return the report of a run with these energies of each start."""
    return sampled(TRIANGLE, {"001": 1}, history=history(*starts))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ODD)
def test_odd_runs_are_drawn_without_a_warning(name: str) -> None:
    made, odd = ODD[name]
    drawn(made(), *(f"plots/{picture}.png" for picture in odd))


@pytest.mark.filterwarnings("error")
def test_fifty_thousand_distinct_samples_of_a_wide_problem_are_drawn() -> None:
    wide = drawn_by_chance({"type": "random", "problem_size": 24}, 50_000, distinct=True)
    assert len(render(wide)["report.html"]) < 1_500_000


def test_values_that_differ_by_rounding_are_one() -> None:
    values, weights = np.array([0.3, 0.1 + 0.2, 1.0]), np.array([1.0, 2.0, 1.0])
    found = Distribution.of(values, weights, 1e-9)
    assert found.values.tolist() == [0.3, 1.0]
    assert found.probabilities.tolist() == [0.75, 0.25]


def test_random_bits_are_counted_exactly_where_all_can_be_listed() -> None:
    study = Study.of(sampled(TRIANGLE, {"001": 1}))
    assert study.random_is_exact
    assert study.random.values.tolist() == [0, 2]
    assert study.random.probabilities.tolist() == [0.25, 0.75]


def test_bins_hold_each_as_many_values_of_a_lattice() -> None:
    edges = bin_edges(np.arange(150).astype(np.float64), 1e-9)
    inside, _ = np.histogram(np.arange(0, 150), edges)
    assert len(inside) <= 60
    assert set(inside[:-1]) == {3}


def test_bins_stand_on_the_greatest_common_step() -> None:
    assert bin_edges(np.array([0.0, 0.2, 0.5]), 1e-9) == pytest.approx(np.arange(-0.05, 0.6, 0.1))


def test_a_single_value_has_a_bin_around_it_of_any_size() -> None:
    for value in (-1e12, 0.0, 12.0):
        below, above = bin_edges(np.array([value]), 1e-9)
        assert below < value < above


def test_bins_hold_every_value() -> None:
    values: NDArray[np.float64] = np.random.default_rng(2).normal(size=500)
    inside, _ = np.histogram(values, bin_edges(values, 1e-9))
    assert inside.sum() == 500


def test_layout_keeps_nodes_apart_and_off_the_edges_of_others() -> None:
    edges = np.array([edge[:2] for edge in PETERSEN["edges"]])
    place = layout(10, edges, np.zeros(10, dtype=np.int64))
    distance = np.linalg.norm(place[:, None] - place, axis=2) + np.eye(10)
    assert distance.min() > 0.1


def test_places_from_several_first_guesses_are_those_from_each_of_them() -> None:
    apart = steps(10, np.array([edge[:2] for edge in PETERSEN["edges"]]))
    guesses = [circle(np.random.default_rng(k).permutation(10)) for k in range(3)]
    together = by_stress(apart, guesses)
    for guess, place in zip(guesses, together, strict=True):
        assert place == pytest.approx(by_stress(apart, [guess])[0], abs=1e-9)
        assert stress(apart, place) < stress(apart, guess)


def stress(apart: NDArray[np.float64], place: NDArray[np.float64]) -> float:
    distance = np.linalg.norm(place[:, None] - place, axis=2)
    return float((((distance - apart) / (apart + np.eye(len(apart)))) ** 2).sum())


def test_few_colours_are_near_those_drawn_and_paper_stays_white() -> None:
    canvases = list[FigureCanvasAgg]()

    @figures.drawn
    def ramp(colours: NDArray[np.float64]) -> tuple[str, str, Figure]:
        figure, (axes,) = new_figure()
        axes.imshow(colours)
        assert isinstance(figure.canvas, FigureCanvasAgg)
        canvases.append(figure.canvas)
        return "colours", "", figure

    shown = ramp(np.random.default_rng(1).random((5, 5, 3)))
    exact = np.array(canvases[0].buffer_rgba())[..., :3].astype(int)  # type: ignore[no-untyped-call]
    with Image.open(io.BytesIO(shown.png)) as image:
        few = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(few - exact).max() <= 32
    assert (few[(exact == 255).all(2)] == 255).all()


def test_weights_of_edges_that_cross_are_written_apart_and_on_their_edges() -> None:
    square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    ends = np.array([[0, 1], [1, 2], [2, 3], [3, 0], [0, 2], [1, 3]])
    at = weight_places(square, ends)
    apart = np.linalg.norm(at[:, None] - at, axis=2) + np.eye(len(ends))
    assert apart.min() >= 0.1
    for (x, y), (i, j) in zip(at, ends, strict=True):
        along, off = square[j] - square[i], np.array([x, y]) - square[i]
        assert abs(along[0] * off[1] - along[1] * off[0]) < 1e-12
    assert at[:5] == pytest.approx(0.5 * (square[ends[:5, 0]] + square[ends[:5, 1]]))


def test_layout_of_a_dense_graph_has_the_sides_left_and_right() -> None:
    edges = np.array([(i, j) for i in range(10) for j in range(i)])
    side = np.arange(10) % 2
    place = layout(10, edges, side)
    assert (place[side == 0, 0] < 0).all()
    assert (place[side == 1, 0] > 0).all()


def test_no_ratio_below_one_is_written_as_one() -> None:
    assert ratio(1 - 1e-9) == "0.9999"


@pytest.mark.parametrize(("letters", "columns"), [(5, 3), (15, 2), (45, 1)])
def test_a_legend_has_as_many_columns_as_fit_between_the_edges(letters: int, columns: int) -> None:
    figure, (axes,) = new_figure()
    for number in range(3):
        axes.plot([0, 1], label=str(number) * letters)
    legend_below(figure, 3)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    (legend,) = figure.legends
    extent = legend.get_window_extent()
    assert extent.x0 >= 0
    assert extent.x1 <= figure.bbox.width
    assert len({round(text.get_window_extent().x0) for text in legend.get_texts()}) == columns
