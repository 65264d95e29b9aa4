"""Verifies the result of an optimisation: what can be recomputed is, and stands in its place.

    always            the energies of all bitstrings, and which of them are best; of a device's
                      shots their mean, its standard error, and the raw energy
    up to RECOMPUTED  the optimum and the worst bitstring, by enumeration; from the angles the
      variables       state, hence <C> or its CVaR, the standard error of shots of it, and the
                      probability of the best

Beyond, a mean must be within the bounds of all energies, it and what goes with it within sampling
error of the shots, and what is called an optimum is one at least among its neighbours. The course
of the training is held to itself and to the bounds. ``reports.jobs_word`` says what that leaves.

Tolerances are what two computations may differ by: no rounding crosses them. What is reported is
the recomputed figure, so they leave nobody anything to gain.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.exact import ExactEnergies
from quantum_pipeline.ising import EPSILON, IsingModel, all_energies, energies, spins_of
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.requests.algorithm import SHOT_OPTIMIZERS, SettledQaoa, SettledRqaoa
from quantum_pipeline.results.base import check_equal, check_near, check_within
from quantum_pipeline.results.device_checks import check_device_run, check_shots
from quantum_pipeline.results.optimisation import ClassicalSolution, OptimisationResult
from quantum_pipeline.statevector import Qaoa, mean_and_deviation
from quantum_pipeline.wording import refusal

RECOMPUTED = 20
"""Variables of whose 2^n bitstrings all are listed: half a second a layer, and 100 MB."""

NEVER = 40.0
"""-log of the probability with which honest shots miss what they are held to."""

ENUMERATED = 12
"""Variables that recursive QAOA leaves at most without an elimination."""

TIE = 1e-9
"""Correlation whose sign is rounding; it is taken for positive."""

Real = NDArray[np.float64]
Settled = SettledQaoa | SettledRqaoa


def is_recomputed(model: IsingModel) -> bool:
    """Return whether a model is so small that its states and optima are computed again."""
    return model.n_variables <= RECOMPUTED


def verify(
    result: OptimisationResult, prepared: PreparedRun, algorithm: Settled
) -> OptimisationResult:
    """Return the result with what was recomputed in place of what was claimed.

    Cost: O(depth n 2^n) up to RECOMPUTED variables.

    Raises:
        InvalidResult: names the figure, the claim and the recomputed value.
    """
    check_equal("run_id", result.run_id, prepared.run_id)
    check_equal("algorithm", result.algorithm, algorithm.name)
    model, exact = prepared.ising, prepared.binary.exact
    _check_angles(result, model, algorithm)
    check_bitstring("best_bitstring", result.best_bitstring, model.n_variables)
    best = float(exact.energy(result.best_bitstring))
    check_near("best_energy", result.best_energy, best, _rounding(model))
    counted = sum(result.counts.values())
    check_device_run(result, prepared, n_qubits=model.n_variables, counted=counted)
    classical = _verified_classical(result.classical, exact, model)
    if result.algorithm == "qaoa":
        _check_samples(result, prepared)
    else:
        _check_eliminations(result, model)
    _check_rival(result, exact)
    _check_course(result, algorithm)
    bounds = _Bounds.of(classical, model)
    bounds.check(result)
    found = {"best_energy": best, "classical": classical}
    if is_recomputed(model):
        spectrum = all_energies(model.model_copy(update={"offset": 0.0}))
        _check_enumeration(classical, exact, model, spectrum)
        found |= _of_state(result, prepared, algorithm, spectrum)
    elif prepared.device.kind == "local" and result.counts:
        _check_by_shots(result, model, bounds)
    if prepared.device.kind != "local":
        found |= _of_shots(result, model, found.get("device_run", result.device_run))
    return result.model_copy(update=found)


def check_bitstring(name: str, bitstring: str, n: int) -> None:
    """Hold a bitstring to its form.

    Raises:
        InvalidResult: names the bitstring and its form.
    """
    if len(bitstring) != n or set(bitstring) - {"0", "1"}:
        raise InvalidResult(refusal(name, bitstring, f"{n} characters, each 0 or 1"))


def _check_angles(result: OptimisationResult, model: IsingModel, algorithm: Settled) -> None:
    layers = algorithm.depth if isinstance(algorithm.depth, int) else len(result.gammas)
    for name, angles in (("gammas", result.gammas), ("betas", result.betas)):
        check_equal(f"{name} given", len(angles), layers)
    if layers > algorithm.deepest:
        raise InvalidResult(refusal("gammas", layers, f"up to {algorithm.deepest} layers"))
    tilted = isinstance(algorithm, SettledQaoa) and algorithm.warm_start != "none"
    check_equal("tilts given", len(result.tilts), model.n_variables if tilted else 0)
    if isinstance(algorithm, SettledQaoa) and algorithm.optimizer == "none":
        check_equal("gammas", result.gammas, algorithm.gammas)
        check_equal("betas", result.betas, algorithm.betas)


def _check_samples(result: OptimisationResult, prepared: PreparedRun) -> None:
    model, exact = prepared.ising, prepared.binary.exact
    shots, on_device = sum(result.counts.values()), prepared.device.kind != "local"
    check_shots(result, shots, prepared)
    check_equal("mean_energy_exact", result.mean_energy_exact, not on_device)
    check_equal("standard_error given", result.standard_error is not None, shots > 1)
    check_equal("probability_of_best given", result.probability_of_best is None, on_device)
    check_equal("eliminations", result.eliminations, ())
    for bitstring in result.counts:
        check_bitstring("counts", bitstring, model.n_variables)
    if result.best_bitstring not in result.counts:
        raise InvalidResult(refusal("best_bitstring", result.best_bitstring, "one of the samples"))
    sampled = list(result.counts)
    lowest = sampled[exact.best(sampled)]
    if exact.compare(lowest, result.best_bitstring).order < 0:
        check_near("lowest energy of counts", result.best_energy, float(exact.energy(lowest)), 0.0)
        raise InvalidResult(refusal("best_bitstring", result.best_bitstring, f"the lower {lowest}"))
    check_equal("best_bitstring", result.best_bitstring, lowest)  # of equals the first


def _check_eliminations(result: OptimisationResult, model: IsingModel) -> None:
    """Hold the rounding to its solution: each variable, once, has the sign that fixed it."""
    check_equal("counts", result.counts, {})
    check_equal("mean_energy_exact", result.mean_energy_exact, True)
    check_equal("standard_error", result.standard_error, None)
    check_equal("probability_of_best", result.probability_of_best, None)
    spins, gone = spins_of([result.best_bitstring])[0].tolist(), set[int]()
    for number, each in enumerate(result.eliminations):
        name, n = f"eliminations.{number}", model.n_variables
        for variable in (each.variable, each.partner):
            if variable is not None and (variable >= n or variable in gone):
                allowed = f"a variable below {n} that is left"
                raise InvalidResult(refusal(name, variable, allowed))
        gone.add(each.variable)
        sign = -1 if each.correlation < -TIE else 1
        other = 1 if each.partner is None else spins[each.partner]
        check_equal(f"{name}: spin in best_bitstring", spins[each.variable], sign * other)
    if len(gone) < model.n_variables - ENUMERATED:
        allowed = f"{model.n_variables - ENUMERATED} or more"
        raise InvalidResult(refusal("length of eliminations", len(gone), allowed))


def _verified_classical(
    classical: ClassicalSolution, exact: ExactEnergies, model: IsingModel
) -> ClassicalSolution:
    """Return the classical answer with the energies of its bitstrings."""
    n, worst = model.n_variables, classical.worst_bitstring
    check_bitstring("classical.bitstring", classical.bitstring, n)
    energy = float(exact.energy(classical.bitstring))
    check_near("classical.energy", classical.energy, energy, _rounding(model))
    if classical.proven:
        check_equal("classical.within", classical.within, None)
        _check_no_neighbour("classical.bitstring", classical.bitstring, exact, model, lower=True)
    given = classical.worst_energy is not None
    check_equal("classical.worst_bitstring given", worst is not None, given)
    if worst is None or classical.worst_energy is None:
        return classical.model_copy(update={"energy": energy})
    check_bitstring("classical.worst_bitstring", worst, n)
    highest = float(exact.energy(worst))
    check_near("classical.worst_energy", classical.worst_energy, highest, _rounding(model))
    _check_no_neighbour("classical.worst_bitstring", worst, exact, model, lower=False)
    return classical.model_copy(update={"energy": energy, "worst_energy": highest})


def _check_no_neighbour(
    name: str, bitstring: str, exact: ExactEnergies, model: IsingModel, *, lower: bool
) -> None:
    """Refuse an end of all energies that one flip of a bit goes beyond. Cost: O(couplings)."""
    spins = spins_of([bitstring])[0].astype(np.float64)
    local = np.array(model.fields)
    if model.couplings:
        i, j, coupling = (np.array(each) for each in zip(*model.couplings, strict=True))
        np.add.at(local, i, coupling * spins[j])
        np.add.at(local, j, coupling * spins[i])
    change = -2 * spins * local * (1 if lower else -1)
    best = int(change.argmin())
    flipped = f"{bitstring[:best]}{1 - int(bitstring[best])}{bitstring[best + 1 :]}"
    gap = exact.compare(flipped, bitstring)
    # What is no larger than rounding, a proof in floats may have missed.
    if gap.order == (-1 if lower else 1) and gap.size > model.tolerance + exact.rounding(model):
        raise InvalidResult(refusal(name, bitstring, f"no proof, for {flipped} goes beyond it"))


def _check_rival(result: OptimisationResult, exact: ExactEnergies) -> None:
    """Hold a proof, and a bound on what may be lower, to what was found."""
    classical, found = result.classical, result.best_bitstring
    gap = exact.compare(found, classical.bitstring)
    if gap.order >= 0:
        return
    if classical.proven:
        allowed = f"no proof, for {found} is lower"
        raise InvalidResult(refusal("classical.bitstring", classical.bitstring, allowed))
    if classical.within is not None and float(gap.size) > classical.within * (1 + 1e-6):
        allowed = f"{float(gap.size)} or more, by which {found} is lower"
        raise InvalidResult(refusal("classical.within", classical.within, allowed))


def _check_course(result: OptimisationResult, algorithm: Settled) -> None:
    """Hold evaluations and depths to each other: a depth's energy is the lowest of its own.

    Of energies from shots it is the last one, measured for that.
    """
    numbers = [each.evaluation for each in result.history]
    check_equal("history: evaluations", numbers, list(range(1, len(numbers) + 1)))
    starts = [0, *(each.start for each in result.history)]
    if any(not 0 <= after - before <= 1 for before, after in pairwise(starts)) or starts[1] != 1:
        raise InvalidResult(
            refusal("history: starts", starts[1:], "from 1, rising by one at a time")
        )
    if len(numbers) > algorithm.max_evaluations:
        allowed = f"up to algorithm.max_evaluations, {algorithm.max_evaluations}"
        raise InvalidResult(refusal("length of history", len(numbers), allowed))
    depths = [step.depth for step in result.depths]
    whole = [algorithm.depth] if isinstance(algorithm.depth, int) else range(1, 1 + len(depths))
    check_equal("depths", depths, list(whole))
    taken = [step.evaluations for step in result.depths]
    energies_ = [each.energy for each in result.history]
    if not sum(taken):  # nothing could be paid for before the samples
        check_equal("length of history", len(numbers), 1)
        taken, energies_ = [1] * len(taken), [result.mean_energy] * len(taken)
        check_equal("history.0.energy", result.history[0].energy, result.mean_energy)
    check_equal("evaluations of depths", sum(taken), len(energies_))
    by_shots = algorithm.optimizer in SHOT_OPTIMIZERS
    ends = accumulate(taken)
    for number, (step, end, length) in enumerate(zip(result.depths, ends, taken, strict=True)):
        own = energies_[end - length : end]
        if own:
            lowest = own[-1] if by_shots else min(own)
            check_near(f"depths.{number}.energy", step.energy, lowest, 1e-9 * abs(lowest))


@dataclass(frozen=True)
class _Bounds:
    """The lowest and highest energy that there can be, as far as it is known."""

    lowest: float
    highest: float
    tolerance: float

    @classmethod
    def of(cls, classical: ClassicalSolution, model: IsingModel) -> _Bounds:
        lowest, highest = model.offset - model.scale, model.offset + model.scale
        if classical.proven:
            lowest = classical.energy
        if classical.worst_energy is not None:
            highest = classical.worst_energy
        return cls(lowest, highest, _rounding(model))

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
    yield "mean_energy", [result.mean_energy]
    run = result.device_run
    if run is None:
        return
    if run.trained_energy is not None:
        yield "device_run.trained_energy", [run.trained_energy]
    if run.mitigation is not None and run.mitigation.checks:
        yield "mitigation.checks.exact", [each.exact for each in run.mitigation.checks]
        yield "mitigation.checks.raw", [each.raw.energy for each in run.mitigation.checks]


def _check_enumeration(
    classical: ClassicalSolution, exact: ExactEnergies, model: IsingModel, spectrum: Real
) -> None:
    """Hold what was enumerated to an enumeration: the first bitstring of each end is the answer."""
    rounding, n = exact.rounding(model), model.n_variables
    lowest = exact.lowest(spectrum, rounding)
    worst = exact.highest(spectrum, rounding)
    for name, expected in {
        "method": "enumeration",
        "bitstring": format(lowest.place, f"0{n}b"),
        "worst_bitstring": format(worst, f"0{n}b"),
        "proven": True,
        "within": None,
        "doubtful": lowest.doubtful,
    }.items():
        check_equal(f"classical.{name}", getattr(classical, name), expected)


def _of_state(
    result: OptimisationResult, prepared: PreparedRun, algorithm: Settled, spectrum: Real
) -> dict[str, Any]:
    """Return what the state of the angles has, after holding the claims to it."""
    model, exact = prepared.ising, prepared.binary.exact
    angles = np.array([result.gammas, result.betas])
    circuit = Qaoa(spectrum, tilts=result.tilts or None)
    probabilities = circuit.probabilities(angles)
    mean, deviation = mean_and_deviation(spectrum, probabilities)
    blur = _blur(model, angles)
    tolerance = _rounding(model) + blur * model.scale
    energy = model.offset + mean
    alpha = algorithm.cvar_alpha or 1.0
    if algorithm.optimizer not in SHOT_OPTIMIZERS:
        trained = mean if alpha == 1 else circuit.tail(probabilities, alpha)
        lowest = min(each.energy for each in result.history)
        check_near("lowest of history", lowest, model.offset + trained, tolerance / alpha)
    run, shots = result.device_run, sum(result.counts.values())
    if run is not None:
        if run.trained_energy is None:
            raise InvalidResult(refusal("device_run.trained_energy", None, str(energy)))
        check_near("device_run.trained_energy", run.trained_energy, energy, tolerance)
        return {"device_run": run.model_copy(update={"trained_energy": energy})}
    check_near("mean_energy", result.mean_energy, energy, tolerance)
    found: dict[str, Any] = {"mean_energy": energy}
    if result.standard_error is not None:
        found["standard_error"] = error = deviation / math.sqrt(shots)
        # Of a deviation that is 0 its square has the rounding.
        allowed = (tolerance + math.sqrt(blur) * deviation + 1e-7 * model.scale) / math.sqrt(shots)
        check_near("standard_error", result.standard_error, error, allowed)
    if result.probability_of_best is not None:
        best = exact.lowest(spectrum, exact.rounding(model)).places
        found["probability_of_best"] = chance = min(
            1.0, float(probabilities[best].sum() / probabilities.sum())
        )
        check_near("probability_of_best", result.probability_of_best, chance, blur)
    if shots:
        span = float(spectrum.max() - spectrum.min())
        most = NEVER * span / 3
        apart = most + math.sqrt(most**2 + 2 * NEVER * shots * deviation**2)
        sampled, _ = _mean_of(result, model)
        check_near("mean energy of counts", sampled, energy, apart / shots + tolerance)
    return found


def _check_by_shots(result: OptimisationResult, model: IsingModel, bounds: _Bounds) -> None:
    """Hold what only the job could compute of its state to the shots of that state.

    Sources: the empirical Bernstein bounds of Maurer and Pontil, arXiv:0907.3740, theorems 4 and
    10; Chernoff's bound of a binomial distribution.
    """
    shots, span = sum(result.counts.values()), bounds.highest - bounds.lowest
    mean, deviation = _mean_of(result, model)
    apart = math.sqrt(2 * NEVER / shots) * deviation + 7 * NEVER * span / 3 / max(1, shots - 1)
    check_near("mean_energy", result.mean_energy, mean, apart + bounds.tolerance)
    if result.standard_error is not None:
        apart = span * math.sqrt(2 * NEVER / (shots - 1)) + bounds.tolerance
        error = deviation / math.sqrt(shots)
        check_near("standard_error", result.standard_error, error, apart / math.sqrt(shots))
    if result.probability_of_best is not None and result.classical.proven:
        lowest = result.classical.energy + bounds.tolerance
        seen = sum(
            count
            for bitstring, count in result.counts.items()
            if float(energies(model, spins_of([bitstring]))[0]) <= lowest
        )
        if shots * _divergence(seen / shots, result.probability_of_best) > NEVER:
            allowed = f"what {seen} of {shots} shots may come of"
            raise InvalidResult(refusal("probability_of_best", result.probability_of_best, allowed))


def _divergence(seen: float, claimed: float) -> float:
    """Return the Kullback-Leibler divergence of two probabilities of one event."""
    claimed = min(max(claimed, 1e-300), 1 - 1e-16)
    parts = ((seen, claimed), (1 - seen, 1 - claimed))
    return math.fsum([p * math.log(p / q) for p, q in parts if p > 0])


def _of_shots(result: OptimisationResult, model: IsingModel, run: Any) -> dict[str, Any]:
    """Return what follows from a device's shots, after holding the claims to it."""
    shots, tolerance = sum(result.counts.values()), _rounding(model)
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


def _rounding(model: IsingModel) -> float:
    """Return how far a claimed energy may be from the recomputed one, for a state has rounding too.

    What is better or best does not rest on it: that is compared exactly, by the bitstrings.
    """
    return model.tolerance + 1e-9 * model.scale


def _blur(model: IsingModel, angles: Real) -> float:
    """Return how far probabilities may differ: a phase has the rounding of its angle's size."""
    gammas, betas = map(float, np.abs(angles).sum(axis=1))
    bare = model.model_copy(update={"offset": 0.0}).tolerance
    return 1e-9 + 8 * (gammas * bare + EPSILON * model.n_variables * betas)
