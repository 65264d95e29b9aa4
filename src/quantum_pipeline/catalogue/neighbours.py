"""Finds what earlier runs of a family suggest to a new one: the nearest, by how far angles shift.

The distance of two problems is how far apart their best angles are expected, in rad with gammas in
units of 1 / typical field. Angles shift along features as straight lines do, by these slopes (root
mean square over the angles of 3 layers, least squares over 300 random models of 8 to 14 spins of
any degree, weights, signs and fields, ``python -m benchmarks.learning --slopes``):

    1 / mean degree                   0.249   fixed angles of regular trees are lines in 1/d, too
    spread of degrees / mean degree   0.035
    spread of weights / mean weight   0.004
    share of the fields               0.185
    log2 of the number of spins       0.016
    skewness of the energies          0.056   in both directions: SKEWED

Skewness, which random couplings have by chance, is no distance: angles are moved along it. Models
that are alike in all of this still scatter by SCATTER, so several runs are put together. A run that
grew has the angles of each depth, of which those of the depth that is asked for count.

Sources: Brandao et al., arXiv:1812.04170 (angles concentrate); Sureshbabu et al., arXiv:2305.15201
(in these units); Wurtz, Lykov, arXiv:2107.00677 (lines in 1/d).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median, median_low

import numpy as np

from quantum_pipeline.catalogue.record import AlgorithmOfRecord, RunRecord, family_of
from quantum_pipeline.ising.angles import Real, at_depth
from quantum_pipeline.planning.learning import (
    Delivered,
    Learning,
    Neighbour,
    SuggestedAngles,
    Suggestion,
    Verdict,
)
from quantum_pipeline.planning.preparation import settled_algorithm
from quantum_pipeline.problems.features import Features, IsingFeatures, features
from quantum_pipeline.requests.algorithm import (
    SHOT_OPTIMIZERS,
    Algorithm,
    Optimizer,
    SettledQaoa,
)
from quantum_pipeline.requests.request import ProblemReference, Request

SLOPES = (0.249, 0.035, 0.004, 0.185, 0.016)
"""Shift of the angles along the features, in rad, in the order of the module's table."""

SKEWED: Real = np.array([[-0.011, 0.034, 0.076], [0.091, 0.055, 0.019]])
"""Slopes of 3 gammas, and of their betas, along the skewness, in rad, by the module's table."""

A_LAYER_TWICE = 0.1
"""Shift of angles that were found with half or twice as many layers, in rad."""

FROM_SHOTS = 0.05
"""Scatter of angles that were trained from shots, in rad, beside those of the exact state."""

UNKNOWN_SHARE = 0.3
"""Difference of two shares of fields where a record has none: the scatter of random ones."""

SCATTER = 0.06
"""Scatter of the angles of problems with equal features, in rad."""

FAR = 0.1
"""Largest distance that is followed, in rad: beyond, a neighbour says no more than any other, for
the best angles of all those random models scatter by as much."""

APART = 0.25
"""Distance from the others, in rad, at which a run's angles are of another minimum."""

NEAREST = 8
"""Most runs that are put together."""

WORTH = 5
"""Evaluations of the default start from which one more, for the comparison, is worth its price."""

DEVICE_RUNS = 5
"""Newest runs of a device by which it is judged: its calibration changes."""


RecordsOf = Callable[[str], Iterable[RunRecord]]
"""Returns the records of a family, the newest first."""


def suggested(request: Request, records_of: RecordsOf, *, on_real_device: bool) -> Learning | None:
    """Return what earlier runs suggest to a request whose problem is read; None if it asks not.

    ``on_real_device`` is set unless all that it may run on is emulated or the job itself.

    Raises:
        InvalidRequest, DeviceUnavailable: it cannot be done, see ``preparation.check``.

    >>> from quantum_pipeline.requests.request import parse_request
    >>> problem = {"type": "maxcut", "edges": [[0, 1]]}
    >>> asked = {"problem": problem, "algorithm": {"learn": True}}
    >>> suggested(parse_request(asked), lambda family: [], on_real_device=False).verdict
    <Verdict.NO_RUNS: 'no runs'>
    """
    problem = request.problem
    if not request.algorithm.learn or isinstance(problem, ProblemReference):
        return None
    of_problem, algorithm = features(problem), settled_algorithm(request)
    if not isinstance(of_problem, IsingFeatures) or not isinstance(algorithm, SettledQaoa):
        return Learning(verdict=Verdict.NOT_KEPT, words=_not_kept(of_problem))
    if algorithm.warm_start != "none":
        words = "warm starts have mixers of their own, whose angles fit no other problem"
        return Learning(verdict=Verdict.NOT_KEPT, words=words)
    records = records_of(family_of(problem.type, of_problem, algorithm.name))
    counted = [each for each in records if not on_real_device or not _emulated(each)]
    return _learned(of_problem, request.algorithm, algorithm, counted)


def _learned(
    of_problem: IsingFeatures,
    asked: Algorithm,
    algorithm: SettledQaoa,
    counted: Sequence[RunRecord],
) -> Learning:
    delivered = tuple(_delivered(counted)) if algorithm.train_on == "device" else ()
    runs = sorted(_runs(of_problem, algorithm, counted), key=lambda run: run.distance)
    near = [run for run in runs if run.distance <= FAR][:NEAREST]
    verdict, words = _judged(algorithm, runs, near)
    suggestion = _suggestion(asked, algorithm, near) if verdict is Verdict.USED else None
    return Learning(
        verdict=verdict,
        words=words if suggestion is None else f"{words}; {_in_words(suggestion)}",
        runs=tuple(run.neighbour for run in near or runs[:1]),
        suggestion=suggestion,
        delivered=delivered,
    )


def no_answer(why: str) -> Learning:
    """Return that the catalogue could not be asked."""
    return Learning(
        verdict=Verdict.NO_ANSWER,
        words=f"the catalogue did not answer ({why}): the run went on without it",
    )


def _not_kept(of_problem: Features) -> str:
    match of_problem.kind:
        case "molecule":
            what = "amplitudes of a molecule belong to its geometry and active space"
        case "form":
            what = "gammas of a problem on a form belong to its penalty's weight"
        case "table":
            what = "parameters of a classifier belong to the columns of its table"
        case "ising":
            what = "angles of recursive QAOA and of blocks are of many smaller problems"
    return f"{what}: the catalogue keeps none that another run could start from"


@dataclass(frozen=True)
class _Run:
    """A record that counts, its distance, and its angles in units, in their usual form."""

    record: RunRecord
    algorithm: AlgorithmOfRecord
    distance: float
    angles: Real

    @property
    def from_default(self) -> bool:
        """Whether it started where a run without learning does."""
        settings = self.algorithm.settings
        given = settings.get("gammas") or settings.get("initial_angles", "auto") != "auto"
        return not self.algorithm.learned and not given

    @property
    def neighbour(self) -> Neighbour:
        by_default = self.from_default
        return Neighbour(
            run_id=self.record.run_id,
            distance=round(self.distance, 6),
            depth=self.angles.shape[1],
            evaluations=self.algorithm.evaluations if by_default else None,
            until_descended=self.algorithm.until_descended if by_default else None,
            seconds=self.record.seconds.quantum if by_default else None,
        )


def _runs(
    features: IsingFeatures, algorithm: SettledQaoa, records: Iterable[RunRecord]
) -> Iterator[_Run]:
    """Yield the runs that count: that ended well, of the same tail, with angles of their own."""
    wanted = algorithm.depth if isinstance(algorithm.depth, int) else None
    for record in records:
        found = record.algorithm
        if found is None or not _counts(record, found, algorithm.cvar_alpha):
            continue
        known = record.problem.features if record.problem else None
        if not isinstance(known, IsingFeatures) or known.field_free != features.field_free:
            continue
        angles = usual(_angles(found, wanted), features.field_free)
        angles = angles + _shift(known, features, angles.shape[1])
        distance = math.hypot(
            distance_of(features, known),
            A_LAYER_TWICE * math.log2((wanted or angles.shape[1]) / angles.shape[1]),
            FROM_SHOTS if found.settings.get("optimizer") in SHOT_OPTIMIZERS else 0.0,
        )
        yield _Run(record, found, distance, angles)


def _angles(found: AlgorithmOfRecord, wanted: int | None) -> Real:
    """Return the angles of as many layers as wanted if the run had such, else those of its end."""
    passed = (each for each in found.passed if len(each.betas) == wanted)
    of = next(passed, found)
    return np.array([of.normalised_gammas, of.betas])


def _shift(known: IsingFeatures, of_problem: IsingFeatures, depth: int) -> Real:
    """Return how far angles move from one problem to another by the skewness of their energies."""
    if known.skewness is None or of_problem.skewness is None:
        return np.zeros((2, depth))
    return (of_problem.skewness - known.skewness) * at_depth(SKEWED, depth)


def _counts(record: RunRecord, found: AlgorithmOfRecord, alpha: float) -> bool:
    """Return whether a run ended by itself with angles that it has found."""
    return (
        record.status == "SUCCEEDED"
        and not record.partial
        and found.converged is True
        and found.name == "qaoa"
        and found.settings.get("warm_start", "none") == "none"
        and found.settings.get("cvar_alpha", 1.0) == alpha
        and 0 < len(found.normalised_gammas) == len(found.betas)
    )


def _emulated(record: RunRecord) -> bool:
    return record.device is not None and record.device.emulated is not None


def distance_of(one: IsingFeatures, other: IsingFeatures) -> float:
    """Return how far apart the best angles of two problems are expected, in rad.

    >>> from quantum_pipeline.ising import IsingModel
    >>> ring = [IsingModel.from_spins([0.0] * n, [(i, (i + 1) % n, 1) for i in range(n)])
    ...         for n in (8, 16)]
    >>> distance_of(*map(IsingFeatures.of, ring)).__round__(3)
    0.016
    """
    shifts = [a - b for a, b in zip(coordinates(one), coordinates(other), strict=True)]
    if one.field_share is None or other.field_share is None:
        shifts[3] = 0.0 if one.field_free and other.field_free else UNKNOWN_SHARE
    return math.hypot(*(slope * shift for slope, shift in zip(SLOPES, shifts, strict=True)))


def coordinates(features: IsingFeatures) -> tuple[float, ...]:
    """Return the features that angles shift along, in the order of the module's table."""
    degree, weight = features.degree, features.weight
    return (
        1 / max(degree.mean, 1.0),
        (degree.largest - degree.least) / max(degree.mean, 1.0),
        (weight.largest - weight.least) / (weight.mean or 1.0),
        features.field_share or 0.0,
        math.log2(features.n_qubits),
    )


def usual(angles: Real, field_free: bool) -> Real:
    """Return the angles of the same energy in their usual form, gammas in units, shape (2, p).

    Energies do not change with the sign of all angles at once, nor with a beta by pi, without
    fields by pi/2. The gammas' sum becomes positive, betas come next to 0.

    >>> usual(np.array([[-0.5], [0.7 - np.pi / 2]]), field_free=True).round(6).tolist()
    [[0.5], [-0.7]]
    """
    period = math.pi / 2 if field_free else math.pi
    gammas, betas = angles if angles[0].sum() >= 0 else -angles
    return np.stack([gammas, betas - period * np.round(betas / period)])


def _judged(
    algorithm: SettledQaoa, runs: Sequence[_Run], near: Sequence[_Run]
) -> tuple[Verdict, str]:
    """Return whether the nearest runs are followed, and why."""
    if not runs:
        return Verdict.NO_RUNS, "no earlier run of the family has left angles that count"
    if not near:
        return Verdict.TOO_FAR, (
            f"the nearest of {_counted(runs)} of the family, {runs[0].record.run_id}, is too far: "
            f"its angles are expected {runs[0].distance:.2f} rad from the best ones; {FAR} is near"
        )
    needed = [
        run.algorithm.until_descended
        for run in near
        if run.from_default
        and run.algorithm.until_descended is not None
        and run.algorithm.settings.get("depth") == algorithm.depth
    ]
    if needed and algorithm.optimizer == "l-bfgs-b" and median(needed) < WORTH:
        return Verdict.NO_GAIN, (
            f"from the default start the {_counted(needed)} most alike had 99 % of their descent "
            f"after {median(needed):g} evaluations in the median: none can be saved"
        )
    return Verdict.USED, (
        f"{len(near)} of {_counted(runs)} of the family count, whose angles are expected at most "
        f"{near[-1].distance:.3f} rad from the best ones"
    )


def _counted(what: Sequence[object]) -> str:
    return "1 run" if len(what) == 1 else f"{len(what)} runs"


def _in_words(suggestion: Suggestion) -> str:
    settings = ", ".join(f"{name} {value}" for name, value in suggestion.settings.items())
    layers = "1 layer" if suggestion.depth == 1 else f"{suggestion.depth} layers"
    return f"they suggest angles of {layers}{f', {settings}' if settings else ''}"


def _suggestion(asked: Algorithm, algorithm: SettledQaoa, near: Sequence[_Run]) -> Suggestion:
    depth = algorithm.depth if isinstance(algorithm.depth, int) else _grown(algorithm, near)
    angles = [at_depth(run.angles, depth) for run in near]
    gammas, betas = together(angles, [run.distance for run in near]).tolist()
    from_shots = algorithm.optimizer in SHOT_OPTIMIZERS
    optimizer = _optimizer(near) if from_shots and asked.optimizer == "auto" else None
    return Suggestion(
        gammas=tuple(gammas),
        betas=tuple(betas),
        others=tuple(map(_suggested, angles)) if from_shots and len(near) > 1 else (),
        optimizer=optimizer,
        starts=1 if asked.starts is None and algorithm.starts > 1 else None,
        max_evaluations=_evaluations(asked, algorithm, optimizer or algorithm.optimizer),
    )


def _suggested(angles: Real) -> SuggestedAngles:
    gammas, betas = angles.tolist()
    return SuggestedAngles(gammas=tuple(gammas), betas=tuple(betas))


def _evaluations(asked: Algorithm, algorithm: SettledQaoa, optimizer: Optimizer) -> int | None:
    """Return half of the evaluations where each is paid for, and the optimiser makes them all."""
    if asked.max_evaluations is not None or algorithm.train_on != "device" or optimizer != "spsa":
        return None
    return algorithm.max_evaluations // 2


def _grown(algorithm: SettledQaoa, near: Sequence[_Run]) -> int:
    """Return the depth to begin with: where those ended that grew, if any did."""
    grown = [run for run in near if run.algorithm.settings.get("depth") == "auto"]
    return min(algorithm.deepest, median_low(run.angles.shape[1] for run in grown or near))


def together(angles: Sequence[Real], distances: Sequence[float]) -> Real:
    """Return the mean of angles of one shape, weighted by 1/(distance^2 + SCATTER^2).

    Those far from the median of all are of another minimum, and are left out; where most are, only
    the nearest counts, for the mean of different minima is none.

    >>> together([np.array([[0.2], [-0.6]])] * 2 + [np.array([[1.9], [0.4]])], [0, 0, 0]).tolist()
    [[0.2], [-0.6]]
    """
    all_ = np.array(angles)
    apart = np.sqrt(np.mean((all_ - np.median(all_, axis=0)) ** 2, axis=(1, 2)))
    kept = apart <= APART
    if not kept.any():
        return angles[0]
    weights = 1 / (np.array(distances)[kept] ** 2 + SCATTER**2)
    mean: Real = np.average(all_[kept], axis=0, weights=weights)
    return mean


def _optimizer(near: Sequence[_Run]) -> Optimizer | None:
    """Return the optimiser of the best median, where two were tried more than once."""
    reached: dict[Optimizer, list[float]] = defaultdict(list)
    for run in near:
        name, quality = run.algorithm.settings.get("optimizer"), run.record.quality
        if name in SHOT_OPTIMIZERS and quality is not None and quality.expected_ratio is not None:
            reached[name].append(quality.expected_ratio)
    tried = [(median(ratios), name) for name, ratios in reached.items() if len(ratios) > 1]
    return max(tried)[1] if len(tried) > 1 else None


def _delivered(newest_first: Iterable[RunRecord]) -> Iterator[Delivered]:
    """Yield what each device delivered, by its newest runs."""
    decays: dict[str, list[float]] = defaultdict(list)
    for record in newest_first:
        if record.status == "SUCCEEDED" and not record.partial and record.device is not None:
            decay, known = _decay(record), decays[record.device.name]
            if decay is not None and len(known) < DEVICE_RUNS:
                known.append(decay)
    for device, known in decays.items():
        if known:
            yield Delivered(device=device, decay=median(known), n_runs=len(known))


def _decay(record: RunRecord) -> float | None:
    """Return the decay of the descent a layer and coupling; None where nothing says it."""
    features = record.problem.features if record.problem else None
    share = record.quality.delivered if record.quality else None
    depth = record.algorithm.depth if record.algorithm else None
    if not isinstance(features, IsingFeatures) or share is None or share <= 0 or not depth:
        return None
    return max(0.0, -math.log(share)) / max(1, depth * features.n_couplings)
