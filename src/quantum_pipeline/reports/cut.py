"""The part of a report that says how a circuit was cut, and what was put together of it."""

from __future__ import annotations

from collections.abc import Iterator

from quantum_pipeline.cutting.expansion import Expansion
from quantum_pipeline.cutting.partition import crossing
from quantum_pipeline.cutting.reconstruction import Reconstruction
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.reports.device_parts import devices_done
from quantum_pipeline.reports.optimisation_parts import (
    Correlation,
    CutGate,
    CutPart,
    CutPiece,
    CutRound,
)
from quantum_pipeline.requests.algorithm import SettledCut
from quantum_pipeline.results import OptimisationResult
from quantum_pipeline.results.cut_checks import Replayed, replayed, shots_of_parts


def cut_part(prepared: PreparedRun, result: OptimisationResult) -> CutPart | None:
    """Return the part of a run whose circuit was cut, None of others.

    Cost: that of the reconstruction, for each coupling and variable.
    """
    algorithm = prepared.request.algorithm
    if not isinstance(algorithm, SettledCut):
        return None
    rounds = list(replayed(result, prepared.ising, algorithm))
    first = rounds[0]
    return CutPart(
        parts=tuple(_pieces(first)),
        devices=devices_done(prepared, result, result.devices),
        gates=tuple(_gates(first.expansion)),
        overhead=first.expansion.overhead,
        shots=shots_of_parts(result),
        correlations=tuple(_correlations(first.expansion, first.found)),
        distance=_distance(result),
        enumerated=prepared.ising.n_variables - len(result.eliminations),
        rounds=tuple(map(_round, rounds)) if result.algorithm == "rqaoa" else (),
    )


def _round(found: Replayed) -> CutRound:
    cut = crossing(found.expansion.model, [part.variables for part in found.expansion.parts])
    return CutRound(
        variables=len(found.names),
        widths=tuple(len(part.variables) for part in found.expansion.parts),
        gates=found.expansion.depth * len(cut),
        circuits=len(found.round.circuits),
        shots=found.round.shots,
        fixed=found.fixed,
    )


def _pieces(first: Replayed) -> Iterator[CutPiece]:
    for k, part in enumerate(first.expansion.parts):
        mine = [each for each in first.round.circuits if each.part == k]
        yield CutPiece(
            device=part.device,
            variables=part.variables,
            n_qubits=part.width,
            circuits=len(mine),
            shots=sum(sum(each.counts.values()) for each in mine),
        )


def _gates(expansion: Expansion) -> Iterator[CutGate]:
    cut = crossing(expansion.model, [part.variables for part in expansion.parts])
    pairs = [(layer, i, j) for layer in range(expansion.depth) for i, j, _ in cut]
    for (layer, i, j), theta in zip(pairs, expansion.thetas, strict=True):
        yield CutGate(variables=(i, j), layer=layer + 1, angle=theta)


def _correlations(expansion: Expansion, found: Reconstruction) -> Iterator[Correlation]:
    for (i, j), each in found.correlations().items():
        yield Correlation(
            variables=(i, j),
            value=each.value,
            standard_error=each.error,
            across=expansion.home[i] != expansion.home[j],
        )
    if any(expansion.model.fields):
        for v, each in enumerate(found.means()):
            yield Correlation(
                variables=(v,), value=each.value, standard_error=each.error, across=False
            )


def _distance(result: OptimisationResult) -> float | None:
    """Return how far the energy is from that without noise, in standard errors."""
    run, error = result.device_run, result.standard_error
    if run is None or run.trained_energy is None or not error:
        return None
    return (result.mean_energy - run.trained_energy) / error
