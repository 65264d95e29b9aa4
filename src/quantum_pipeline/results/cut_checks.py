"""Verifies what a job says of a cut circuit: the energy is put together again from all counts.

Each part has each circuit that the cuts ask for, with bitstrings of its own bits, and no more shots
than were planned. The counts themselves are data, as a device's are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from quantum_pipeline.cutting.expansion import Expansion
from quantum_pipeline.cutting.reconstruction import FEWEST, Reconstruction
from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.ising import IsingModel
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.requests.algorithm import SettledCut
from quantum_pipeline.results.base import check_equal, check_near
from quantum_pipeline.results.device_checks import LEAST_RETURNED
from quantum_pipeline.results.optimisation import OptimisationResult
from quantum_pipeline.results.optimisation_figures import rounding_of
from quantum_pipeline.wording import refusal


def shots_of_parts(result: OptimisationResult) -> int:
    """Return the shots of all circuits of all parts."""
    return sum(sum(each.counts.values()) for each in result.parts)


def expansion_of(result: OptimisationResult, model: IsingModel, algorithm: SettledCut) -> Expansion:
    """Return the expansion of a result's circuit."""
    return Expansion(model, algorithm.parts, np.array([result.gammas, result.betas]))


def reconstruction_of(result: OptimisationResult, expansion: Expansion) -> Reconstruction:
    """Return what the counts of a result say of the whole."""
    return Reconstruction(expansion, ((e.part, e.circuit, e.counts) for e in result.parts))


def check_parts(result: OptimisationResult, prepared: PreparedRun, algorithm: SettledCut) -> None:
    """Hold the counts of all circuits to those that the cuts ask for, and to the plan.

    Raises:
        InvalidResult: names the circuit, or the number of shots, and what the run has.
    """
    expansion = expansion_of(result, prepared.ising, algorithm)
    expected = [(k, name) for k, names in enumerate(expansion.circuits) for name in names]
    check_equal("circuits of parts", [(e.part, e.circuit) for e in result.parts], expected)
    for each in result.parts:
        name, bits = f"parts: {each.part} {each.circuit}", expansion.n_bits(each.part, each.circuit)
        for bitstring in each.counts:
            if len(bitstring) != bits or set(bitstring) - {"0", "1"}:
                raise InvalidResult(refusal(name, bitstring, f"{bits} characters, each 0 or 1"))
        shots = sum(each.counts.values())
        if shots < FEWEST:
            raise InvalidResult(refusal(f"shots of {name}", shots, f"{FEWEST} or more"))
    _check_shots(result, prepared)


def _check_shots(result: OptimisationResult, prepared: PreparedRun) -> None:
    counted, run = shots_of_parts(result), result.device_run
    planned = sum(plan.shots for plan in prepared.plans)
    least = 1 if run is not None and run.cut_short_by else int(LEAST_RETURNED * planned)
    if not least <= counted <= planned:
        raise InvalidResult(refusal("shots of parts", counted, f"{least} to {planned}, as planned"))


def of_parts(
    result: OptimisationResult, model: IsingModel, algorithm: SettledCut
) -> dict[str, Any]:
    """Return the energy that all counts are put together to, after holding the claims to it.

    Raises:
        InvalidResult: names the claim and the recomputed value.
    """
    found = reconstruction_of(result, expansion_of(result, model, algorithm)).energy()
    check_near("mean_energy", result.mean_energy, found.value, rounding_of(model))
    assert result.standard_error is not None
    check_near("standard_error", result.standard_error, found.error, 1e-7 * model.scale)
    return {"mean_energy": found.value, "standard_error": found.error}
