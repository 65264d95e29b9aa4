"""Verifies the result of a run on a form: what can be recomputed is, and stands in its place.

    always                bitstrings and their groups, what is best of the shots, their objectives
    up to RECOMPUTED      the weight of violations, the optimum; from the angles the state, hence
      states              all exact figures, and the mean or tail that was minimised
    on devices            of that many states at most: what turned, what the shots say, the raw
                          energy, and the figures of the circuit without noise

Beyond, the exact figures are held to each other and to the shots, and what is called an optimum to
what was found. ``reports.jobs_word`` says what that leaves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.problems import FormProblem
from quantum_pipeline.requests.algorithm import SettledQaoa
from quantum_pipeline.results.base import check_equal, check_near, check_within
from quantum_pipeline.results.constrained import (
    CircuitCost,
    ConstrainedResult,
    ConstrainedSolution,
    FeasibleFigures,
    MeasuredFigures,
    Penalty,
)
from quantum_pipeline.results.device_checks import check_device_run, check_shots
from quantum_pipeline.results.optimisation_checks import (
    check_bitstring,
    check_course,
    check_layers,
)
from quantum_pipeline.results.optimisation_figures import NEVER, divergence
from quantum_pipeline.spaces import Form
from quantum_pipeline.spaces.encoding import Encoded, Encoding
from quantum_pipeline.spaces.landscape import Landscape, Weighing
from quantum_pipeline.spaces.readings import Readings
from quantum_pipeline.spaces.statevector import circuit_of
from quantum_pipeline.wording import refusal

Real = NDArray[np.float64]

RECOMPUTED = 2**20
"""States of which all are listed: 0.1 to 0.5 s a layer, and 200 MB."""

OBJECTIVES = {"mean", "best", "worst", "blind_mean"}
"""Figures that are objectives; the others are counts and probabilities."""

ROUNDING = 1e-9
"""Of energies in parts of their range, and of probabilities."""


def is_recomputed(form: Form) -> bool:
    """Return whether a form has so few states that all of them are looked at again."""
    return form.space.n_states <= RECOMPUTED


def verify(
    result: ConstrainedResult,
    prepared: PreparedRun,
    problem: FormProblem,
    algorithm: SettledQaoa,
) -> ConstrainedResult:
    """Return the result with what was recomputed in place of what was claimed.

    Raises:
        InvalidResult: names the figure, the claim and the recomputed value.
    """
    form = problem.form
    check_equal("run_id", result.run_id, prepared.run_id)
    check_equal("mixer", result.mixer, algorithm.mixer)
    check_layers(result, algorithm)
    shots, on_device = sum(result.counts.values()), prepared.device.kind != "local"
    encoding = Encoding.of(form, algorithm.inequality) if on_device else None
    width = form.space.n_bits if encoding is None else encoding.space.n_bits
    check_device_run(result, prepared, n_qubits=width, counted=shots if on_device else 0)
    check_shots(result, shots, prepared)
    for bitstring in result.counts:
        if on_device:  # an error may break any rule
            check_bitstring("counts", bitstring, form.space.n_bits)
        else:
            check_state("counts", bitstring, form)
    found: dict[str, Any] = _best_of_counts(result, form)
    found["classical"] = classical = _verified_classical(result.classical, form)
    _check_rival(result, classical, form)
    check_course(result, algorithm)
    check_equal("figures.n_states", result.figures.n_states, form.space.n_states)
    for name in ("cost", "measured"):
        given = getattr(result, name) is not None
        check_equal(f"{name} given", given, on_device)
    if is_recomputed(form):
        found |= _recomputed(result, classical, form, algorithm, encoding)
    else:
        _check_figures(result, classical, form)
        _check_penalty(result, form, algorithm)
    return result.model_copy(update=found)


def check_state(name: str, bitstring: str, form: Form) -> None:
    """Hold a bitstring to the rules of a form's groups.

    Raises:
        InvalidResult: names the bitstring.
    """
    check_bitstring(name, bitstring, form.space.n_bits)
    if not form.space.holds(_bits(bitstring)):
        raise InvalidResult(refusal(name, bitstring, "what keeps the rules of all groups"))


def _bits(bitstring: str) -> list[int]:
    return [int(bit) for bit in bitstring]


def _best_of_counts(result: ConstrainedResult, form: Form) -> dict[str, Any]:
    """Return the objective of the best feasible one of the shots."""
    best = form.best_of(result.counts)
    check_equal("best_bitstring", result.best_bitstring, best)
    objective = None if best is None else form.objective.at(best)
    check_equal("best_objective", result.best_objective, objective)
    return {"best_objective": objective}


def _verified_classical(classical: ConstrainedSolution, form: Form) -> ConstrainedSolution:
    """Return the classical answer with the objective of its bitstring: it claims to be best."""
    bitstring = classical.bitstring
    check_equal("classical.proven", classical.proven, True)
    if bitstring is None:
        raise InvalidResult(refusal("classical.bitstring", bitstring, "a feasible bitstring"))
    check_state("classical.bitstring", bitstring, form)
    if not form.feasible(_bits(bitstring)):
        allowed = "what keeps all constraints"
        raise InvalidResult(refusal("classical.bitstring", bitstring, allowed))
    objective = form.objective.at(bitstring)
    check_equal("classical.objective", classical.objective, objective)
    return classical


def _check_rival(result: ConstrainedResult, classical: ConstrainedSolution, form: Form) -> None:
    """Hold a proof to what the shots found."""
    rival, found = classical.bitstring, result.best_bitstring
    if not classical.proven or rival is None or found is None:
        return
    if form.objective.value(_bits(found)) < form.objective.value(_bits(rival)):
        raise InvalidResult(
            refusal("classical.bitstring", rival, f"no proof, for {found} is lower")
        )


def _recomputed(
    result: ConstrainedResult,
    classical: ConstrainedSolution,
    form: Form,
    algorithm: SettledQaoa,
    encoding: Encoding | None,
) -> dict[str, Any]:
    """Return the figures that looking at all states gives, after holding the claims to them."""
    landscape = Landscape.of(form)
    if not landscape.feasible.any():
        raise InvalidResult(refusal("figures.n_feasible", result.figures.n_feasible, "0"))
    weighing = landscape.weighing(algorithm.penalty)
    penalty = Penalty.of(weighing, form, algorithm.penalty)
    _check_like("penalty", result.penalty, penalty)
    state = _State.of(result, landscape, weighing, encoding, algorithm)
    figures, scale = FeasibleFigures.of(landscape, state.probabilities), state.scale
    for name, value in figures:
        size = scale if name in OBJECTIVES else 1.0
        check_near(f"figures.{name}", getattr(result.figures, name), value, state.blur * size)
    lowest = min(each.energy for each in result.history)
    tail = algorithm.cvar_alpha or 1.0
    check_near("lowest of history", lowest, state.trained, state.blur * scale / tail)
    if classical.proven and classical.bitstring is not None:
        [best] = form.space.bits(landscape.best[:1]).tolist()
        optimum = form.objective.value(best)
        if form.objective.value(_bits(classical.bitstring)) != optimum:
            allowed = f"an optimum, of {float(optimum)}"
            raise InvalidResult(refusal("classical.bitstring", classical.bitstring, allowed))
    found = {"penalty": penalty, "figures": figures}
    if state.encoded is None:
        check_near("mean_energy", result.mean_energy, state.energy, state.blur * scale)
        return found | {"mean_energy": state.energy}
    return found | _of_device(result, state)


@dataclass(frozen=True)
class _State:
    """The state of a result's angles: of the exact engine, or of a device's circuit without noise.

    ``probabilities`` are those of the form's states; ``trained`` is the mean, or tail, that was
    minimised; ``scale`` and ``blur`` say how far another computation may be off.
    """

    landscape: Landscape
    weighing: Weighing
    encoded: Encoded | None
    probabilities: Real
    energy: float
    trained: float
    scale: float
    blur: float

    @classmethod
    def of(
        cls,
        result: ConstrainedResult,
        landscape: Landscape,
        weighing: Weighing,
        encoding: Encoding | None,
        algorithm: SettledQaoa,
    ) -> _State:
        form, energies = landscape.form, landscape.energies(weighing)
        angles = np.array([result.gammas, result.betas])
        if encoding is None:
            encoded, turned = None, energies
            circuit = circuit_of(form.space, energies, mixer=result.mixer)
        else:
            encoded = Encoded.of(encoding, landscape, algorithm.penalty)
            turned, circuit = encoded.turned, encoded.circuit(result.mixer)
        of_circuit = circuit.probabilities(angles)
        found = of_circuit if encoded is None else encoded.of_answers(of_circuit)
        constant = form.objective.constant
        scale = float(max(np.abs(energies).max(), np.abs(landscape.objective).max()))
        return cls(
            landscape,
            weighing,
            encoded,
            found,
            energy=constant + float(energies @ found) / float(found.sum()),
            trained=constant + circuit.tail(of_circuit, algorithm.cvar_alpha or 1.0),
            scale=scale + abs(constant),
            blur=_blur(turned, angles, form),
        )


def _of_device(result: ConstrainedResult, state: _State) -> dict[str, Any]:
    """Return what the shots of a device say, and its energy without noise."""
    run, encoded = result.device_run, state.encoded
    assert run is not None
    assert encoded is not None
    assert result.cost is not None
    assert result.measured is not None
    cost = CircuitCost.of(encoded)
    _check_like("cost", result.cost, cost)
    read = Readings.of(state.landscape, state.weighing, result.counts)
    measured = MeasuredFigures.of(read)
    near = ROUNDING * state.scale
    for name in ("space_share", "feasible_share", "share_of_best", "mean"):
        claimed, value = getattr(result.measured, name), getattr(measured, name)
        _check_figure(f"measured.{name}", claimed, value, near + ROUNDING)
    pairs = [("measured.energy", result.measured.energy, measured.energy)]
    check_equal(
        "measured.selected given", result.measured.selected is None, measured.selected is None
    )
    if result.measured.selected is not None and measured.selected is not None:
        pairs.append(("measured.selected", result.measured.selected, measured.selected))
    outcome = run.mitigation
    if outcome is not None:
        pairs.append(("mitigation.raw", outcome.raw, measured.energy))
        lowest = float(state.landscape.energies(state.weighing).min())
        lowest += state.landscape.form.objective.constant
        energies = [outcome.mitigated.energy]
        check_within("mitigation.mitigated", energies, lowest, np.inf, near)
        run = run.model_copy(
            update={"mitigation": outcome.model_copy(update={"raw": measured.energy})}
        )
    for name, claimed, value in pairs:
        check_near(f"{name}.energy", claimed.energy, value.energy, near)
        spread = near + 1e-7 * state.scale
        check_near(f"{name}.standard_error", claimed.standard_error, value.standard_error, spread)
    check_near("mean_energy", result.mean_energy, measured.energy.energy, near)
    trained = run.trained_energy
    if trained is None:
        raise InvalidResult(refusal("device_run.trained_energy", None, str(state.energy)))
    check_near("device_run.trained_energy", trained, state.energy, state.blur * state.scale)
    return {
        "cost": cost,
        "measured": measured,
        "mean_energy": measured.energy.energy,
        "device_run": run.model_copy(update={"trained_energy": state.energy}),
    }


def _check_like(name: str, claimed: Penalty | CircuitCost, value: Penalty | CircuitCost) -> None:
    """Hold each field of a record to the recomputed one: floats but for their rounding."""
    for field, expected in value:
        given = getattr(claimed, field)
        if isinstance(expected, float) or isinstance(given, float):
            _check_figure(f"{name}.{field}", given, expected, ROUNDING * abs(expected or 0.0))
        else:
            check_equal(f"{name}.{field}", given, expected)


def _check_figure(name: str, claimed: float | None, value: float | None, near: float) -> None:
    check_equal(f"{name} given", claimed is not None, value is not None)
    if claimed is not None and value is not None:
        check_near(name, claimed, value, near)


def _blur(energies: Real, angles: Real, form: Form) -> float:
    """Return how far probabilities may differ: a phase has the rounding of its angle's size."""
    gammas, betas = map(float, np.abs(angles).sum(axis=1))
    phase = gammas * float(np.abs(energies).max()) + betas * len(form.space.groups)
    return ROUNDING + 8 * float(np.finfo(np.float64).eps) * phase * form.space.n_bits


def _check_figures(result: ConstrainedResult, classical: ConstrainedSolution, form: Form) -> None:
    """Hold figures of too many states to each other, to the shots, and to what was found."""
    figures, shots = result.figures, sum(result.counts.values())
    if figures.n_feasible > figures.n_states:
        raise InvalidResult(refusal("figures.n_feasible", figures.n_feasible, "up to n_states"))
    near = ROUNDING * max(1.0, abs(figures.best), abs(figures.worst))
    check_within("figures.mean", [figures.mean], figures.best, figures.worst, near)
    check_within("figures.blind_mean", [figures.blind_mean], figures.best, figures.worst, near)
    least = 1 / figures.n_feasible
    blind = [figures.blind_probability_of_best]
    check_within("figures.blind_probability_of_best", blind, least, 1.0, ROUNDING)
    for name, answer in (("best", result.best_bitstring), ("classical", classical.bitstring)):
        if answer is not None:
            found = [form.objective.at(answer)]
            check_within(f"objective of {name}", found, figures.best, figures.worst, near)
    if classical.proven and classical.objective is not None:
        check_near("figures.best", figures.best, classical.objective, near)
    feasible = {each: n for each, n in result.counts.items() if form.feasible(_bits(each))}
    best = sum(n for each, n in feasible.items() if form.objective.at(each) <= figures.best + near)
    _check_probability("figures.share", figures.share, sum(feasible.values()), shots)
    _check_probability("figures.probability_of_best", figures.probability_of_best, best, shots)


def _check_probability(name: str, claimed: float, seen: int, shots: int) -> None:
    """Hold a probability to sampling error of the shots. Source: Chernoff's bound."""
    if shots * divergence(seen / shots, claimed) > NEVER:
        raise InvalidResult(refusal(name, claimed, f"what {seen} of {shots} shots may come of"))


def _check_penalty(result: ConstrainedResult, form: Form, algorithm: SettledQaoa) -> None:
    penalty = result.penalty
    chosen = "by enumeration" if algorithm.penalty is None else "as asked"
    check_equal(
        "penalty.chosen", penalty.chosen, chosen if form.constraints else "no constraint left"
    )
    if algorithm.penalty is not None:
        check_equal("penalty.weight", penalty.weight, algorithm.penalty)
    elif penalty.weight < penalty.least or (form.constraints and not penalty.weight):
        raise InvalidResult(refusal("penalty.weight", penalty.weight, f"{penalty.least} or more"))
    if penalty.ceiling is not None and penalty.ceiling < result.figures.worst:
        allowed = f"{result.figures.worst} or more, what the worst feasible state has"
        raise InvalidResult(refusal("penalty.ceiling", penalty.ceiling, allowed))
