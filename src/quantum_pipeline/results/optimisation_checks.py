"""Verifies the result of an optimisation: what can be recomputed is, and stands in its place.

    always            the energies of all bitstrings, and which of them are best; of a device's
                      shots their mean, its standard error, and the raw energy; of a circuit in
                      parts the energy that their shots are put together to, its error, and what
                      all their correlations fixed
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

from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.ising import IsingModel, all_energies, spins_of
from quantum_pipeline.ising.exact import ExactEnergies
from quantum_pipeline.ising.reduced import ENUMERATED
from quantum_pipeline.planning.forms import qubits_of
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.requests.algorithm import (
    SHOT_OPTIMIZERS,
    SettledCut,
    SettledQaoa,
    SettledRqaoa,
)
from quantum_pipeline.results.base import check_equal, check_near
from quantum_pipeline.results.constrained import ConstrainedResult
from quantum_pipeline.results.cut_checks import check_rounds, of_rounds, shots_of_parts, widest
from quantum_pipeline.results.device_checks import check_device_run, check_devices, check_shots
from quantum_pipeline.results.fixing import TIE
from quantum_pipeline.results.optimisation import (
    ClassicalSolution,
    OptimisationResult,
    StartsCompared,
)
from quantum_pipeline.results.optimisation_figures import (
    Bounds,
    check_by_shots,
    of_shots,
    of_state,
    rounding_of,
)
from quantum_pipeline.wording import refusal

RECOMPUTED = 20
"""Variables of whose 2^n bitstrings all are listed: 0.1 s a layer, and 90 MB."""

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
    check_layers(result, algorithm)
    tilted = isinstance(algorithm, SettledQaoa) and algorithm.warm_start != "none"
    check_equal("tilts given", len(result.tilts), model.n_variables if tilted else 0)
    check_bitstring("best_bitstring", result.best_bitstring, model.n_variables)
    best = float(exact.energy(result.best_bitstring))
    check_near("best_energy", result.best_energy, best, rounding_of(model))
    counted = sum(result.counts.values()) + shots_of_parts(result)
    cut = isinstance(algorithm, SettledCut)
    n_qubits = (cut and widest(result)) or qubits_of(prepared.request)
    check_device_run(result, prepared, n_qubits=n_qubits, counted=counted)
    classical = verified_classical(result.classical, exact, model)
    if isinstance(algorithm, SettledCut):
        check_rounds(result, prepared, algorithm)
    else:
        check_equal("cut_rounds", result.cut_rounds, ())
    if prepared.others:
        check_devices(result.devices, result, prepared)
    else:
        check_equal("devices", result.devices, ())
    if result.algorithm == "qaoa" and not cut:
        _check_samples(result, prepared)
    else:
        _check_eliminations(result, model, cut=cut)
    check_rival(classical, result.best_bitstring, exact)
    suggestion = None if prepared.learning is None else prepared.learning.suggestion
    check_course(result, algorithm, 1 if suggestion is None else suggestion.depth)
    check_equal("compared given", result.compared is not None, suggestion is not None)
    if result.compared is not None:
        _check_compared(result, result.compared, algorithm)
    bounds = Bounds.of(classical, model)
    bounds.check(result)
    found: dict[str, Any] = {"best_energy": best, "classical": classical}
    if is_recomputed(model):
        spectrum = all_energies(model.model_copy(update={"offset": 0.0}))
        _check_enumeration(classical, exact, model, spectrum)
        found |= of_state(result, prepared, algorithm, spectrum)
    elif prepared.device.kind == "local" and result.counts:
        check_by_shots(result, model, bounds)
    if isinstance(algorithm, SettledCut):
        found |= of_rounds(result, model)
    elif prepared.device.kind != "local":
        found |= of_shots(result, model, found.get("device_run", result.device_run))
    return result.model_copy(update=found)


def check_bitstring(name: str, bitstring: str, n: int) -> None:
    """Hold a bitstring to its form.

    Raises:
        InvalidResult: names the bitstring and its form.
    """
    if len(bitstring) != n or set(bitstring) - {"0", "1"}:
        raise InvalidResult(refusal(name, bitstring, f"{n} characters, each 0 or 1"))


def check_layers(result: OptimisationResult | ConstrainedResult, algorithm: Settled) -> None:
    """Hold the angles to the layers that the request asks for or allows, and to those it gives.

    Raises:
        InvalidResult: names the angles and what is allowed.
    """
    layers = algorithm.depth if isinstance(algorithm.depth, int) else len(result.gammas)
    for name, angles in (("gammas", result.gammas), ("betas", result.betas)):
        check_equal(f"{name} given", len(angles), layers)
    if layers > algorithm.deepest:
        raise InvalidResult(refusal("gammas", layers, f"up to {algorithm.deepest} layers"))
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


def _check_eliminations(result: OptimisationResult, model: IsingModel, *, cut: bool) -> None:
    """Hold the rounding to its solution: each variable, once, has the sign that fixed it."""
    check_equal("counts", result.counts, {})
    check_equal("mean_energy_exact", result.mean_energy_exact, not cut)
    check_equal("standard_error given", result.standard_error is not None, cut)
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


def verified_classical(
    classical: ClassicalSolution, exact: ExactEnergies, model: IsingModel
) -> ClassicalSolution:
    """Return the classical answer with the energies of its bitstrings.

    Raises:
        InvalidResult: names the figure, the claim and the recomputed value.
    """
    n, worst = model.n_variables, classical.worst_bitstring
    check_bitstring("classical.bitstring", classical.bitstring, n)
    energy = float(exact.energy(classical.bitstring))
    check_near("classical.energy", classical.energy, energy, rounding_of(model))
    if classical.proven:
        check_equal("classical.within", classical.within, None)
        _check_no_neighbour("classical.bitstring", classical.bitstring, exact, model, lower=True)
    given = classical.worst_energy is not None
    check_equal("classical.worst_bitstring given", worst is not None, given)
    if worst is None or classical.worst_energy is None:
        return classical.model_copy(update={"energy": energy})
    check_bitstring("classical.worst_bitstring", worst, n)
    highest = float(exact.energy(worst))
    check_near("classical.worst_energy", classical.worst_energy, highest, rounding_of(model))
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


def check_rival(classical: ClassicalSolution, found: str, exact: ExactEnergies) -> None:
    """Hold a proof, and a bound on what may be lower, to a bitstring that was found.

    Raises:
        InvalidResult: names the claim, and the bitstring that contradicts it.
    """
    gap = exact.compare(found, classical.bitstring)
    if gap.order >= 0:
        return
    if classical.proven:
        allowed = f"no proof, for {found} is lower"
        raise InvalidResult(refusal("classical.bitstring", classical.bitstring, allowed))
    if classical.within is not None and float(gap.size) > classical.within * (1 + 1e-6):
        allowed = f"{float(gap.size)} or more, by which {found} is lower"
        raise InvalidResult(refusal("classical.within", classical.within, allowed))


def _check_compared(
    result: OptimisationResult, compared: StartsCompared, algorithm: Settled
) -> None:
    """Hold the choice between two starts to their energies, and these to the evaluations."""
    lower = compared.default is None or compared.learned <= compared.default
    alone = "learned" if lower else "default"
    several = isinstance(algorithm, SettledQaoa) and algorithm.starts > 1
    check_equal("compared.taken", compared.taken, "both" if several else alone)
    if algorithm.optimizer in SHOT_OPTIMIZERS:
        return  # the energies are of the exact state, the evaluations of shots
    first = {each.start: each.energy for each in reversed(result.history)}
    check_equal("compared.learned", compared.learned, first[1])
    check_equal("compared.default", compared.default, first.get(2))


def check_course(
    result: OptimisationResult | ConstrainedResult, algorithm: Settled, first: int = 1
) -> None:
    """Hold evaluations and depths to each other: a depth's energy is the lowest of its own.

    Of energies from shots it is the last one, measured for that. Depths that grow begin at
    ``first``.

    Raises:
        InvalidResult: names the figure, the claim and what the others ask for.
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
    whole = (
        [algorithm.depth] if isinstance(algorithm.depth, int) else range(first, first + len(depths))
    )
    check_equal("depths", depths, list(whole))
    _check_angles_of_depths(result, grown=not isinstance(algorithm.depth, int))
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


def _check_angles_of_depths(result: OptimisationResult | ConstrainedResult, *, grown: bool) -> None:
    """Hold the angles of depths that grew to their layers, and those of the result to its own."""
    for number, step in enumerate(result.depths):
        layers = step.depth if grown else 0
        for name in ("gammas", "betas"):
            angles, kept = getattr(step, name), getattr(result, name)
            check_equal(f"depths.{number}.{name} given", len(angles), layers)
            if len(angles) == len(kept):
                check_equal(f"depths.{number}.{name}", angles, kept)


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
