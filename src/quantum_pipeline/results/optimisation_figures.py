"""Recomputes the figures of a state from its angles, and those of shots from their counts.

Where a state has too many amplitudes to be made again, its figures are held to its shots.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.ising import EPSILON, IsingModel, energies, spins_of
from quantum_pipeline.ising.statevector import Qaoa, mean_and_deviation
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.requests.algorithm import SHOT_OPTIMIZERS, SettledQaoa, SettledRqaoa
from quantum_pipeline.results.base import check_near, check_within
from quantum_pipeline.results.device_run import DeviceRun
from quantum_pipeline.results.optimisation import ClassicalSolution, OptimisationResult
from quantum_pipeline.wording import refusal

Real = NDArray[np.float64]

NEVER = 40.0
"""-log of the probability with which honest shots miss what they are held to."""


@dataclass(frozen=True)
class Bounds:
    """The lowest and highest energy that there can be, as far as it is known."""

    lowest: float
    highest: float
    tolerance: float

    @classmethod
    def of(cls, classical: ClassicalSolution, model: IsingModel) -> Bounds:
        """Return those that a classical answer leaves, or the model's own."""
        lowest, highest = model.offset - model.scale, model.offset + model.scale
        if classical.proven:
            lowest = classical.energy
        if classical.worst_energy is not None:
            highest = classical.worst_energy
        return cls(lowest, highest, rounding_of(model))

    def check(self, result: OptimisationResult) -> None:
        """Hold all that a result claims of energies to the bounds."""
        for name, values in _claimed(result):
            check_within(name, values, self.lowest, self.highest, self.tolerance)
        run = result.device_run
        if run is not None and run.mitigation is not None:
            # Mitigation may overshoot, but not the lowest energy, which it is given.
            energies_ = [run.mitigation.mitigated.energy]
            check_within("mitigation.mitigated", energies_, self.lowest, math.inf, self.tolerance)


def _claimed(result: OptimisationResult) -> Iterator[tuple[str, Sequence[float]]]:
    """Yield what is a mean over bitstrings, exact or of shots."""
    yield "history", [each.energy for each in result.history]
    yield "depths", [each.energy for each in result.depths]
    if not result.cut_rounds:  # what is put together from shots may lie beyond all energies
        yield "mean_energy", [result.mean_energy]
    run = result.device_run
    if run is None:
        return
    if run.trained_energy is not None:
        yield "device_run.trained_energy", [run.trained_energy]
    if run.mitigation is not None and run.mitigation.checks:
        yield "mitigation.checks.exact", [each.exact for each in run.mitigation.checks]
        yield "mitigation.checks.raw", [each.raw.energy for each in run.mitigation.checks]


def of_state(
    result: OptimisationResult,
    prepared: PreparedRun,
    algorithm: SettledQaoa | SettledRqaoa,
    spectrum: Real,
) -> dict[str, Any]:
    """Return the fields of a result that the state of its angles has, after holding claims to it.

    ``spectrum`` has the energies of all bitstrings less the offset, shape (2^n,).

    Raises:
        InvalidResult: names the figure, the claim and the recomputed value.
    """
    model = prepared.ising
    state = _State.of(result, prepared, algorithm, spectrum)
    if algorithm.optimizer not in SHOT_OPTIMIZERS:
        lowest, near = min(each.energy for each in result.history), state.tolerance
        near /= algorithm.cvar_alpha or 1.0
        check_near("lowest of history", lowest, state.trained, near)
    run = result.device_run
    if run is None:
        return _of_own_shots(state, result, model)
    if run.trained_energy is None:
        raise InvalidResult(refusal("device_run.trained_energy", None, str(state.energy)))
    check_near("device_run.trained_energy", run.trained_energy, state.energy, state.tolerance)
    return {"device_run": run.model_copy(update={"trained_energy": state.energy})}


class _State(NamedTuple):
    """Energies of the state of a result's angles, and how far another computation may be off.

    ``trained`` is what was minimised, <C> or its CVaR; ``blur`` is of probabilities.
    """

    energy: float
    deviation: float
    span: float
    trained: float
    probability_of_best: float
    blur: float
    tolerance: float

    @classmethod
    def of(
        cls,
        result: OptimisationResult,
        prepared: PreparedRun,
        algorithm: SettledQaoa | SettledRqaoa,
        spectrum: Real,
    ) -> _State:
        model, exact = prepared.ising, prepared.binary.exact
        angles = np.array([result.gammas, result.betas])
        circuit, alpha = Qaoa(spectrum, tilts=result.tilts or None), algorithm.cvar_alpha or 1.0
        probabilities = circuit.probabilities(angles)
        mean, deviation = mean_and_deviation(spectrum, probabilities)
        best = exact.lowest(spectrum, exact.rounding(model)).places
        trained = mean if alpha == 1 else circuit.tail(probabilities, alpha)
        blur = _blur(model, angles)
        return cls(
            energy=model.offset + mean,
            deviation=deviation,
            span=float(spectrum.max() - spectrum.min()),
            trained=model.offset + trained,
            probability_of_best=min(1.0, float(probabilities[best].sum() / probabilities.sum())),
            blur=blur,
            tolerance=rounding_of(model) + blur * model.scale,
        )


def _of_own_shots(state: _State, result: OptimisationResult, model: IsingModel) -> dict[str, Any]:
    """Return the figures of a job that sampled its own state, if it sampled."""
    check_near("mean_energy", result.mean_energy, state.energy, state.tolerance)
    found: dict[str, Any] = {"mean_energy": state.energy}
    shots = sum(result.counts.values())
    if result.standard_error is not None:
        found["standard_error"] = error = state.deviation / math.sqrt(shots)
        # Of a deviation that is 0 its square has the rounding.
        near = state.tolerance + math.sqrt(state.blur) * state.deviation + 1e-7 * model.scale
        check_near("standard_error", result.standard_error, error, near / math.sqrt(shots))
    if result.probability_of_best is not None:
        found["probability_of_best"] = chance = state.probability_of_best
        check_near("probability_of_best", result.probability_of_best, chance, state.blur)
    if shots:
        # Bernstein's bound: a rare large energy may be far from the mean of few shots.
        most = NEVER * state.span / 3
        apart = most + math.sqrt(most**2 + 2 * NEVER * shots * state.deviation**2)
        sampled, _ = _mean_of(result, model)
        _check_around(
            "mean energy of counts", sampled, state.energy, apart / shots + state.tolerance
        )
    return found


def check_by_shots(result: OptimisationResult, model: IsingModel, bounds: Bounds) -> None:
    """Hold what only the job could compute of its state to the shots of that state.

    Sources: the empirical Bernstein bounds of Maurer and Pontil, arXiv:0907.3740, theorems 4 and
    10; Chernoff's bound of a binomial distribution.
    """
    shots, span = sum(result.counts.values()), bounds.highest - bounds.lowest
    mean, deviation = _mean_of(result, model)
    apart = math.sqrt(2 * NEVER / shots) * deviation + 7 * NEVER * span / 3 / max(1, shots - 1)
    _check_around("mean_energy", result.mean_energy, mean, apart + bounds.tolerance)
    if result.standard_error is not None:
        apart = span * math.sqrt(2 * NEVER / (shots - 1)) + bounds.tolerance
        error = deviation / math.sqrt(shots)
        _check_around("standard_error", result.standard_error, error, apart / math.sqrt(shots))
    if result.probability_of_best is not None and result.classical.proven:
        lowest = result.classical.energy + bounds.tolerance
        seen = sum(
            count
            for bitstring, count in result.counts.items()
            if float(energies(model, spins_of([bitstring]))[0]) <= lowest
        )
        if shots * divergence(seen / shots, result.probability_of_best) > NEVER:
            allowed = f"what {seen} of {shots} shots may come of"
            raise InvalidResult(refusal("probability_of_best", result.probability_of_best, allowed))


def _check_around(name: str, claimed: float, near: float, apart: float) -> None:
    """Hold a claim to sampling error."""
    check_within(name, [claimed], near - apart, near + apart, 0.0)


def divergence(seen: float, claimed: float) -> float:
    """Return the Kullback-Leibler divergence of two probabilities of one event."""
    claimed = min(max(claimed, 1e-300), 1 - 1e-16)
    parts = ((seen, claimed), (1 - seen, 1 - claimed))
    return math.fsum([p * math.log(p / q) for p, q in parts if p > 0])


def of_shots(
    result: OptimisationResult, model: IsingModel, run: DeviceRun | None
) -> dict[str, Any]:
    """Return what follows from a device's shots, after holding the claims to it."""
    shots, tolerance = sum(result.counts.values()), rounding_of(model)
    mean, deviation = _mean_of(result, model)
    check_near("mean_energy", result.mean_energy, mean, tolerance)
    found: dict[str, Any] = {"mean_energy": mean}
    if result.standard_error is not None:
        found["standard_error"] = error = deviation / math.sqrt(shots)
        near = tolerance + 1e-7 * model.scale / math.sqrt(shots)
        check_near("standard_error", result.standard_error, error, near)
    if run is None or run.mitigation is None:
        return found
    raw, near = run.mitigation.raw, tolerance + 1e-7 * model.scale / math.sqrt(shots)
    error = deviation / math.sqrt(max(shots - 1, 1))
    check_near("mitigation.raw.energy", raw.energy, mean, tolerance)
    check_near("mitigation.raw.standard_error", raw.standard_error, error, near)
    raw = raw.model_copy(update={"energy": mean, "standard_error": error})
    outcome = run.mitigation.model_copy(update={"raw": raw})
    return found | {"device_run": run.model_copy(update={"mitigation": outcome})}


def _mean_of(result: OptimisationResult, model: IsingModel) -> tuple[float, float]:
    """Return mean energy and standard deviation of the shots."""
    weights = np.fromiter(result.counts.values(), dtype=np.float64)
    return mean_and_deviation(energies(model, spins_of(list(result.counts))), weights)


def rounding_of(model: IsingModel) -> float:
    """Return how far a claimed energy may be from the recomputed one, for a state has rounding too.

    What is better or best does not rest on it: that is compared exactly, by the bitstrings.
    """
    return model.tolerance + 1e-9 * model.scale


def _blur(model: IsingModel, angles: Real) -> float:
    """Return how far probabilities may differ: a phase has the rounding of its angle's size."""
    gammas, betas = map(float, np.abs(angles).sum(axis=1))
    bare = model.model_copy(update={"offset": 0.0}).tolerance
    return 1e-9 + 8 * (gammas * bare + EPSILON * model.n_variables * betas)
