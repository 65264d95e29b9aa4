"""What a classification's figures call for, as a name and in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from quantum_pipeline.reports.classification_parts import (
    ClassificationProblem,
    ClassificationQuality,
    Finding,
    KernelPart,
)
from quantum_pipeline.wording import digits, percent

FEW = 0.05
"""Smallest difference that tested rows should be able to show."""

UNBALANCED = 0.75
"""Share of the most frequent class from which accuracies flatter."""

APART, ALIKE = 0.05, 0.95
"""Means of a kernel's entries off the diagonal, beyond which rows tell the machine little."""

Advice = tuple[Finding, str]


class Found(NamedTuple):
    """The parts of a report that advice follows from."""

    problem: ClassificationProblem
    quality: ClassificationQuality
    kernel: KernelPart | None
    times_compare: bool
    """Whether the seconds are those of one machine: not where a device was emulated."""


def advise(found: Found) -> Iterator[Advice]:
    """Yield what to do next; each sentence follows from a figure of the report, and names it."""
    yield from _on_rival(found)
    yield from _on_chance(found)
    yield from _on_ablation(found)
    yield from _on_left_out(found)
    yield from _on_rows(found)
    yield from _on_kernel(found)


def _on_rival(found: Found) -> Iterator[Advice]:
    quality = found.quality
    rival = next(each for each in quality.models if each.name == quality.paired.other)
    accuracies = f"{percent(quality.accuracy)} against {percent(rival.accuracy)}"
    if quality.outcome == "worse":
        yield "rival is better", f"Use {rival.name}: it was shown to be better ({accuracies})."
    faster = found.times_compare and rival.seconds < quality.quantum_seconds
    if quality.outcome == "no difference shown" and faster:
        theirs = digits(rival.seconds, quality.quantum_seconds, least=2)
        ours = digits(quality.quantum_seconds, rival.seconds, least=2)
        yield (
            "rival is cheaper",
            f"Nothing here speaks for the quantum model: {rival.name} was as good as far as can "
            f"be told ({accuracies}), and took {theirs} s instead of {ours} s.",
        )


def _on_chance(found: Found) -> Iterator[Advice]:
    quality = found.quality
    if quality.interval.low <= quality.chance:
        yield (
            "nothing learned",
            f"The accuracy, {percent(quality.accuracy)}, is not told from always saying the most "
            f"frequent class, {percent(quality.chance)}: look for columns that know more of "
            f"{found.problem.target}.",
        )


def _on_ablation(found: Found) -> Iterator[Advice]:
    test = found.quality.ablation
    if test is not None and test.shown != "better":
        yield (
            "entanglement buys nothing",
            "Entanglement was not shown to help: with it the model alone is right on "
            f"{test.quantum_only} of the tested rows, without it on {test.other_only} "
            f"(p = {test.p_value:.2g}).",
        )


def _on_left_out(found: Found) -> Iterator[Advice]:
    if names := found.quality.left_out:
        yield (
            "models left out",
            f"There was no time to tune {' and '.join(names)}: raise limits.max_runtime_seconds.",
        )


def _on_rows(found: Found) -> Iterator[Advice]:
    problem, quality = found.problem, found.quality
    if quality.outcome == "no difference shown" and (
        quality.detectable is None or quality.detectable > FEW
    ):
        least = "" if quality.detectable is None else f" below {percent(quality.detectable)}"
        yield (
            "few rows",
            f"{problem.n_tested} tested rows can show no difference{least}: give more rows, or "
            "raise problem.test_share.",
        )
    largest = max(problem.classes, key=lambda each: each.tested)
    if largest.tested > UNBALANCED * problem.n_tested:
        yield (
            "unbalanced",
            f"{percent(largest.tested / problem.n_tested)} of the tested rows are of one class: "
            f"judge by the balanced accuracy, {percent(quality.balanced_accuracy)}.",
        )


def _on_kernel(found: Found) -> Iterator[Advice]:
    kernel = found.kernel
    if kernel is None:
        return
    if kernel.mean < APART:
        yield (
            "states far apart",
            f"The states of rows hardly overlap (on average {kernel.mean:.2g}): every row is alike "
            "only to itself. A smaller algorithm.bandwidth, fewer problem.components or the "
            "projected kernel bring them together.",
        )
    if kernel.mean > ALIKE:
        yield (
            "states alike",
            f"The states of all rows are nearly one (overlap {kernel.mean:.4f} on average): a "
            "larger algorithm.bandwidth tells them apart.",
        )
