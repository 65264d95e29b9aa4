"""Plots a classification: accuracies, what was mistaken, ROC, kernel, boundary, training."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from quantum_pipeline.pages.figures import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PALE,
    SKY,
    VERMILLION,
    drawn,
    legend_below,
    new_figure,
    printable,
)
from quantum_pipeline.pages.numbers import ratio, short
from quantum_pipeline.reports import ClassificationReport
from quantum_pipeline.reports.classification_parts import BoundaryPart, KernelPart, ModelPart
from quantum_pipeline.wording import percent

_ACCURACY = (
    "Share of the tested rows that each model got right, with its interval at 95 % (Wilson); the "
    "hollow mark is the mean over the folds of cross-validation, which chose its settings. "
    "Intervals that overlap do not decide: all models saw the same rows, and the paired test does."
)
_CONFUSION = (
    "Tested rows by their class and by what the quantum model said of them; on the diagonal it was "
    "right. Shades are shares of a class."
)
_ROC = (
    "For every threshold of its score, the share of a class that the quantum model recognises and "
    "the share of other rows that it takes for it. The diagonal is guessing."
)
_KERNEL = (
    "How much the states of two trained rows are alike, sorted by class: the lines are between "
    "classes. Bright blocks along the diagonal are what a support vector machine needs."
)
_MEASURED = (
    "How much the states of two trained rows are alike, sorted by class: by exact states, and as "
    "the device measured it. Noise and few shots blur blocks; the machine was fitted to what was "
    "measured."
)
_BOUNDARY = (
    "What the quantum model says of rows that differ only in the two first components, all others "
    "at their mean; the dots are the rows of the table, hollow ones trained on, full ones tested."
)
_SETTINGS = (
    "Mean error, 1 − accuracy, of the quantum model over the folds of the trained rows, for each "
    "setting that cross-validation tried; the lowest was taken."
)
_EPOCHS = (
    "Loss of the quantum model after each pass over the trained rows, and on rows held out of "
    "them, with the share of these that it got right; training ends where these gain no more."
)
_COLOURS = (BLUE, VERMILLION, GREEN, ORANGE, SKY, GREY, BLACK)
_MARKS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
_PERCENT = FuncFormatter(lambda share, _: f"{100 * share:g} %")
_DASHES = ("-", "--", "-.", ":")

MOST_NUMBERED = 12
"""Classes whose counts are written into the matrix."""

LONGEST_CLASS = 16


@drawn
def accuracy(report: ClassificationReport) -> tuple[str, str, Figure]:
    """Draw the accuracy of every model with its interval, and what the folds had said."""
    quality = report.quality
    models = quality.ranked[::-1]
    figure, (axes,) = new_figure(height_inches=1.5 + 0.3 * len(models))
    for place, each in enumerate(models):
        colour = {"quantum": BLUE, "without entanglement": SKY}.get(each.name, ORANGE)
        low, high = each.interval.low, each.interval.high
        axes.plot([low, high], [place, place], color=colour, lw=2.2, solid_capstyle="round")
        axes.plot(each.accuracy, place, color=colour, marker="o", ms=6, mec=BLACK, mew=0.6, ls="")
        axes.plot(
            each.fold_accuracy, place, marker="D", ms=4, mfc="none", mec=BLACK, mew=0.7, ls=""
        )
    axes.axvline(quality.chance, color=GREY, ls=":", lw=1.2)
    axes.set_yticks(range(len(models)), [_named(each) for each in models])
    axes.set_ylim(-0.6, len(models) - 0.4)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x")
    axes.xaxis.set_major_formatter(_PERCENT)
    axes.set_xlabel(f"accuracy on {report.problem.n_tested} tested rows")
    looks: dict[str, dict[str, Any]] = {
        "tested rows": {"marker": "o", "mfc": GREY, "mec": BLACK, "ls": ""},
        "folds": {"marker": "D", "mfc": "none", "mec": BLACK, "ls": ""},
        "most frequent class": {"color": GREY, "ls": ":"},
    }
    for label, look in looks.items():
        axes.plot([], [], label=label, **look)
    legend_below(figure, 3)
    best = f"{quality.best_known_by} {percent(quality.best_known)}"
    return f"Quantum {percent(quality.accuracy)}, {best}", _ACCURACY, figure


def _named(each: ModelPart) -> str:
    return {"quantum": "quantum", "without entanglement": "… not entangled"}.get(
        each.name, each.name
    )


@drawn
def confusion(report: ClassificationReport) -> tuple[str, str, Figure]:
    """Draw how many rows of each class were said to be of each."""
    counts = np.array(report.quality.confusion)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    figure, (axes,) = new_figure(height_inches=4.0)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.25)
    if len(counts) <= MOST_NUMBERED:
        for (actual, said), count in np.ndenumerate(counts):
            colour = "white" if shares[actual, said] > 0.7 else BLACK
            axes.text(said, actual, str(count), ha="center", va="center", color=colour)
    names = _class_names(report)
    axes.set_xticks(range(len(names)), names, rotation=30 if max(map(len, names)) > 6 else 0)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("said by the model")
    axes.set_ylabel(f"{printable(report.problem.target, 30)}, in truth")
    axes.grid(visible=False)
    wrong = int(counts.sum() - counts.trace())
    title = (
        f"{wrong or 'None'} of {counts.sum()} tested rows {'is' if wrong < 2 else 'are'} mistaken"
    )
    return title, _CONFUSION, figure


def _class_names(report: ClassificationReport) -> list[str]:
    return [printable(each.name, LONGEST_CLASS) for each in report.problem.classes]


@drawn
def roc(report: ClassificationReport) -> tuple[str, str, Figure]:
    """Draw the ROC curve of each class against the rest."""
    quality = report.quality
    figure, (axes,) = new_figure(height_inches=4.0)
    axes.plot([0, 1], [0, 1], color=PALE, ls="--", lw=1.2)
    for k, each in enumerate(quality.roc):
        look: dict[str, Any] = {"color": _COLOURS[k % 7], "ls": _DASHES[(k + k // 7) % 4]}
        label = printable(each.name, LONGEST_CLASS)
        axes.plot(each.others, each.own, label=label, lw=1.6, clip_on=False, **look)
    axes.set_aspect("equal")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xlabel("share of other rows that are taken for it")
    axes.set_ylabel("share of the class that is recognised")
    legend_below(figure, 4)
    area = quality.roc_area
    if area is None:
        return "ROC", _ROC, figure
    low, high = ratio(area.interval.low), ratio(area.interval.high)
    mean = "Mean area" if len(quality.roc) > 1 else "Area"
    return f"{mean} under the curve {ratio(area.value)}, from {low} to {high}", _ROC, figure


@drawn
def kernel(report: ClassificationReport) -> tuple[str, str, Figure]:
    """Draw the kernel matrix of trained rows, sorted by class."""
    found = report.kernel
    assert found is not None
    matrices = {"exact": found.matrix}
    if found.measured is not None:
        matrices |= {"measured, made positive": found.measured.repaired}
    figure, panels = new_figure(
        height_inches=4.2 if len(matrices) == 1 else 2.8, columns=len(matrices)
    )
    for axes, (name, matrix) in zip(panels, matrices.items(), strict=True):
        image = axes.imshow(matrix, cmap="cividis", vmin=0, vmax=1)
        figure.colorbar(image, ax=axes, shrink=0.8 if len(matrices) == 1 else 0.5, label="kernel")
        _by_class(axes, found, _class_names(report))
        if len(matrices) > 1:
            axes.set_title(name)
    if found.measured is not None:
        error = short(found.measured.repaired_error)
        return f"Entries that were measured are off by {error} on average", _MEASURED, figure
    if found.within is None or found.between is None:
        return f"Off the diagonal the kernel is {short(found.mean)}", _KERNEL, figure
    title = f"In a class the kernel is {short(found.within)}, between two {short(found.between)}"
    return title, _KERNEL, figure


def _by_class(axes: Axes, found: KernelPart, names: Sequence[str]) -> None:
    """Draw lines between the classes of a matrix, and their names beside it."""
    classes = np.array(found.classes)
    ends = [*(np.flatnonzero(np.diff(classes)) + 1), len(classes)]
    for end in ends[:-1]:
        axes.axhline(end - 0.5, color="white", lw=1)
        axes.axvline(end - 0.5, color="white", lw=1)
    middles = [(a + b - 1) / 2 for a, b in zip([0, *ends[:-1]], ends, strict=True)]
    axes.set_yticks(middles, [names[classes[end - 1]] for end in ends], rotation=90, va="center")
    axes.set_xticks([])
    axes.set_xlabel(f"{len(classes)} trained rows")
    axes.grid(visible=False)


@drawn
def boundary(report: ClassificationReport) -> tuple[str, str, Figure]:
    """Draw the model's classes over two components, with the rows."""
    found, names = report.boundary, _class_names(report)
    assert found is not None
    figure, (axes,) = new_figure(height_inches=4.2)
    colours = list(islice(cycle(_COLOURS), len(names)))
    said = np.array(found.said).reshape(len(found.second), len(found.first))
    pale = ListedColormap([[0.72 + 0.28 * part for part in to_rgb(each)] for each in colours])
    axes.pcolormesh(
        found.first,
        found.second,
        said,
        cmap=pale,
        vmin=-0.5,
        vmax=len(names) - 0.5,
        rasterized=True,
    )
    for number, name in enumerate(names):
        look: dict[str, Any] = {"marker": _MARKS[number % 10], "color": colours[number]}
        _rows(axes, found, number, look)
        axes.plot([], [], ls="", ms=5, label=name, **look)
    axes.set_xlim(min(found.first), max(found.first))
    axes.set_ylim(min(found.second), max(found.second))
    axes.set_xlabel("first component")
    axes.set_ylabel("second component")
    axes.grid(visible=False)
    handles = [Line2D([], [], marker="o", color=GREY, mfc="none", ls="", label="trained on")]
    handles.append(Line2D([], [], marker="o", color=GREY, ls="", label="tested"))
    for each in handles:
        axes.add_line(each)
    legend_below(figure, 4)
    return (
        f"What the quantum model says of {printable(report.problem.target, 30)}",
        _BOUNDARY,
        figure,
    )


def _rows(axes: Axes, found: BoundaryPart, number: int, look: dict[str, Any]) -> None:
    """Draw the rows of a class: hollow those that were trained on, full those that were tested."""
    own, tested = np.array(found.classes) == number, np.array(found.tested)
    x, y = np.array(found.x), np.array(found.y)
    axes.plot(x[own & ~tested], y[own & ~tested], ls="", ms=4, mfc="none", mew=0.9, **look)
    axes.plot(x[own & tested], y[own & tested], ls="", ms=5, mec=BLACK, mew=0.5, **look)


@drawn
def training(report: ClassificationReport) -> tuple[str, str, Figure]:
    """Draw the losses of training, or the errors of the settings that were tried."""
    return _epochs(report) if report.algorithm.epochs else _settings(report)


def _settings(report: ClassificationReport) -> tuple[str, str, Figure]:
    figure, (axes,) = new_figure()
    errors = np.array([each.energy for each in report.convergence.history])
    count = np.arange(1, errors.size + 1)
    axes.plot(count, errors, color=BLUE, marker=".", ms=5, ls="", label="a setting")
    lowest = np.minimum.accumulate(errors)
    axes.step(count, lowest, color=BLACK, lw=1, where="post", label="lowest so far")
    axes.set_xlabel("setting")
    axes.set_ylabel("error in folds")
    _whole(axes)
    axes.yaxis.set_major_formatter(_PERCENT)
    legend_below(figure)
    title = f"The best of {errors.size} settings is wrong about {percent(lowest[-1])} in the folds"
    return title, _SETTINGS, figure


def _epochs(report: ClassificationReport) -> tuple[str, str, Figure]:
    epochs = report.algorithm.epochs
    figure, (axes,) = new_figure()
    count = [each.epoch for each in epochs]
    right = axes.twinx()
    shares = [each.validation_accuracy for each in epochs]
    right.plot(count, shares, color=GREEN, ls=":", lw=1.4, label="held-out rows right")
    right.set_ylabel("held-out rows right")
    right.yaxis.set_major_formatter(_PERCENT)
    right.grid(visible=False)
    axes.plot(count, [each.loss for each in epochs], color=BLUE, label="loss, trained rows")
    losses = np.array([each.validation_loss for each in epochs])
    axes.plot(count, losses, color=VERMILLION, ls="--", label="loss, held-out rows")
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss")
    _whole(axes)
    legend_below(figure, 3)
    best = count[int(losses.argmin())]
    return f"Held-out rows are predicted best after epoch {best}", _EPOCHS, figure


def _whole(axes: Axes) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, min_n_ticks=1))
