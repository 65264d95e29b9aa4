"""Verifies what a job says of cut circuits: all is put together again from all counts.

Each part has each circuit that the cuts ask for, with bitstrings of its own bits, and no more shots
than were planned. The counts themselves are data, as a device's are. What follows from them is the
energy of the first circuit, and which variables every round fixed, by which correlations.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from quantum_pipeline.cutting.expansion import Expansion
from quantum_pipeline.cutting.partition import crossing
from quantum_pipeline.cutting.reconstruction import FEWEST, Reconstruction
from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.ising import IsingModel
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.requests.algorithm import SettledCut
from quantum_pipeline.results.base import check_equal, check_near
from quantum_pipeline.results.device_checks import LEAST_RETURNED
from quantum_pipeline.results.fixing import Fixing, measured_terms
from quantum_pipeline.results.optimisation import CutRound, OptimisationResult
from quantum_pipeline.results.optimisation_figures import rounding_of
from quantum_pipeline.wording import refusal

NEAR = 1e-8
"""How far a correlation may be from the recomputed one: both have the rounding of many sums."""


class Replayed(NamedTuple):
    """A round as it follows from its counts: what was left, by its names, and what it fixed."""

    round: CutRound
    names: list[int]
    expansion: Expansion
    found: Reconstruction
    fixed: int


def shots_of_parts(result: OptimisationResult) -> int:
    """Return the shots of all circuits of all parts."""
    return sum(each.shots for each in result.cut_rounds)


def widest(result: OptimisationResult) -> int:
    """Return the bits of the widest circuit of all parts."""
    circuits = (circuit for each in result.cut_rounds for circuit in each.circuits)
    return max((len(bits) for circuit in circuits for bits in circuit.counts), default=0)


def replayed(
    result: OptimisationResult, model: IsingModel, algorithm: SettledCut
) -> Iterator[Replayed]:
    """Yield each round, after holding what it fixed to its counts.

    Raises:
        InvalidResult: names the elimination, or what a round has that does not fit what is left.
    """
    fixing = Fixing(model)
    for number, each in enumerate(result.cut_rounds):
        names, before = fixing.reduced.variables, len(fixing.eliminations)
        left = fixing.reduced.model() if number else model
        given = sorted(v for part in each.parts for v in part.variables)
        check_equal(f"variables of cut_rounds.{number}", given, list(range(len(names))))
        check_equal(f"angles of cut_rounds.{number}", len(each.gammas), len(each.betas))
        expansion = each.expansion(left)
        _check_cut(number, expansion, algorithm)
        _check_circuits(number, each, expansion)
        found = each.put_together(expansion)
        _check_goals(number, each)
        terms = measured_terms(names, left, found)
        for goal in each.goals:
            fixing.eliminate(terms, goal)
        yield Replayed(each, names, expansion, found, len(fixing.eliminations) - before)
    check_equal("length of eliminations", len(result.eliminations), len(fixing.eliminations))
    for number, (claimed, own) in enumerate(
        zip(result.eliminations, fixing.eliminations, strict=True)
    ):
        name = f"eliminations.{number}"
        check_equal(f"{name}.variable", claimed.variable, own.variable)
        check_equal(f"{name}.partner", claimed.partner, own.partner)
        check_near(f"{name}.correlation", claimed.correlation, own.correlation, NEAR)


def check_rounds(result: OptimisationResult, prepared: PreparedRun, algorithm: SettledCut) -> None:
    """Hold the rounds to what was planned: how many there are, their cuts and shots, the first one.

    Raises:
        InvalidResult: names the figure, and what the run has.
    """
    rounds = result.cut_rounds
    if not 1 <= len(rounds) <= algorithm.rounds:
        allowed = f"1 to {algorithm.rounds}"
        raise InvalidResult(refusal("length of cut_rounds", len(rounds), allowed))
    check_equal("cut_rounds.0.parts", rounds[0].parts, algorithm.parts)
    check_equal("cut_rounds.0.gammas", rounds[0].gammas, result.gammas)
    check_equal("cut_rounds.0.betas", rounds[0].betas, result.betas)
    planned = sum(plan.shots for plan in prepared.plans) // algorithm.rounds
    run = result.device_run
    least = 1 if run is not None and run.cut_short_by else int(LEAST_RETURNED * planned)
    for number, each in enumerate(rounds):
        if not least <= each.shots <= planned:
            allowed = f"{least} to {planned}, as planned"
            raise InvalidResult(refusal(f"shots of cut_rounds.{number}", each.shots, allowed))
        names = [device.name for device in prepared.devices]
        for part in each.parts:
            if part.device not in names:
                allowed = ", ".join(names)
                raise InvalidResult(refusal(f"device of cut_rounds.{number}", part.device, allowed))
    for _ in replayed(result, prepared.ising, algorithm):
        pass  # each is checked as it comes


def _check_cut(number: int, expansion: Expansion, algorithm: SettledCut) -> None:
    """Hold layers and cuts to those that are allowed, before what they ask for is listed."""
    if expansion.depth > algorithm.depth:
        allowed = f"up to {algorithm.depth} layers"
        raise InvalidResult(refusal(f"angles of cut_rounds.{number}", expansion.depth, allowed))
    cut = crossing(expansion.model, [part.variables for part in expansion.parts])
    gates = expansion.depth * len(cut)
    if gates > algorithm.cut:
        allowed = f"up to {algorithm.cut}"
        raise InvalidResult(refusal(f"gates cut in cut_rounds.{number}", gates, allowed))


def _check_goals(number: int, each: CutRound) -> None:
    if any(after >= before for before, after in pairwise(each.goals)):
        allowed = "fewer from one to the next"
        raise InvalidResult(refusal(f"goals of cut_rounds.{number}", list(each.goals), allowed))


def _check_circuits(number: int, each: CutRound, expansion: Expansion) -> None:
    """Hold the counts of all circuits to those that the cuts ask for.

    Raises:
        InvalidResult: names the circuit, or the number of shots, and what the run has.
    """
    expected = [(k, name) for k, names in enumerate(expansion.circuits) for name in names]
    given = [(circuit.part, circuit.circuit) for circuit in each.circuits]
    check_equal(f"circuits of cut_rounds.{number}", given, expected)
    for circuit in each.circuits:
        name = f"cut_rounds.{number}: {circuit.part} {circuit.circuit}"
        bits = expansion.n_bits(circuit.part, circuit.circuit)
        for bitstring in circuit.counts:
            if len(bitstring) != bits or set(bitstring) - {"0", "1"}:
                raise InvalidResult(refusal(name, bitstring, f"{bits} characters, each 0 or 1"))
        shots = sum(circuit.counts.values())
        if shots < FEWEST:
            raise InvalidResult(refusal(f"shots of {name}", shots, f"{FEWEST} or more"))


def of_rounds(result: OptimisationResult, model: IsingModel) -> dict[str, Any]:
    """Return the energy that the first round is put together to, holding the claims to it.

    Raises:
        InvalidResult: names the claim and the recomputed value.
    """
    first = result.cut_rounds[0]
    found = first.put_together(first.expansion(model)).energy()
    check_near("mean_energy", result.mean_energy, found.value, rounding_of(model))
    assert result.standard_error is not None
    check_near("standard_error", result.standard_error, found.error, 1e-7 * model.scale)
    return {"mean_energy": found.value, "standard_error": found.error}
