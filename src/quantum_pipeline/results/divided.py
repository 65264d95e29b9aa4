"""The result of divide, as the job writes it, and how it is verified.

All energies are recomputed from bitstrings. What rounds did on the way is the job's word, held to
their number, to each other and to where they began and ended.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

from pydantic import Field

from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.quantities import Count, Entries, Finite, Number, Seconds, Text
from quantum_pipeline.requests.algorithm import SettledDivide
from quantum_pipeline.results.base import JobResult, check_equal, check_near
from quantum_pipeline.results.device_checks import check_device_run, check_devices
from quantum_pipeline.results.device_run import DeviceShare
from quantum_pipeline.results.optimisation import ClassicalSolution, JobSeconds
from quantum_pipeline.results.optimisation_checks import (
    check_bitstring,
    check_rival,
    verified_classical,
)
from quantum_pipeline.results.optimisation_figures import rounding_of
from quantum_pipeline.results.record import Record
from quantum_pipeline.wording import refusal

Way = Literal["greedy", "enumeration", "descent", "annealing"]
"""What divide is compared with, in this order.

    greedy       the same partition: single flips in every block, then of whole blocks
    enumeration  the same rounds, each block by looking at all of its bitstrings
    descent      the same rounds, each block by single flips from random spins
    annealing    the whole problem, in the time that divide took
"""

WAYS: tuple[Way, ...] = ("greedy", "enumeration", "descent", "annealing")

LABELLED = 20_000
"""Most variables of a result that says in which block of the partition each one was."""


class DividedRound(Record):
    """A round: its blocks, how many of them lowered the energy, and the lowest energy until then.

    Under random fields a round may itself end higher. Round 0 is the partition, merged: all of its
    blocks count as improved.
    """

    round: Number
    blocks: Count
    improved: Number
    energy: Finite


class Compared(Record):
    """What another way came to, in how many rounds and seconds."""

    way: Way
    bitstring: Text
    energy: Finite
    rounds: Number
    seconds: Seconds


class DividedResult(JobResult):
    """What the job found; energies in the problem's units, minimised, and less its constant.

    ``partition`` has the number of each variable's block, none beyond LABELLED variables. The
    first of ``rounds`` is the partition, merged. ``history`` has their energies. ``devices`` are
    those that measured the blocks, none where the job computed their states.
    """

    algorithm: Literal["divide"]
    engine: Text
    start: Text
    depth: Count
    block_size: Count
    partition: Entries[Number]
    rounds: Entries[DividedRound] = Field(min_length=1)
    best_bitstring: Text
    best_energy: Finite
    compared: Entries[Compared]
    classical: ClassicalSolution
    seconds: JobSeconds
    devices: Entries[DeviceShare] = ()


def verify(result: DividedResult, prepared: PreparedRun, algorithm: SettledDivide) -> DividedResult:
    """Return the result with the energies of its bitstrings in place of those that it claims.

    Raises:
        InvalidResult: names the figure, the claim and the recomputed value.
    """
    check_equal("run_id", result.run_id, prepared.run_id)
    check_equal("depth", result.depth, algorithm.depth)
    check_equal("block_size", result.block_size, algorithm.block_size)
    model, exact = prepared.ising, prepared.binary.exact
    made = result.device_run and result.device_run.compilation
    widest = min(len(made.qubits), algorithm.block_size) if made else 0
    check_device_run(result, prepared, n_qubits=widest, counted=0)
    check_devices(result.devices, result, prepared)

    def recomputed(name: str, bitstring: str, energy: float) -> float:
        check_bitstring(f"{name}bitstring", bitstring, model.n_variables)
        found = float(exact.energy(bitstring))
        check_near(f"{name}energy", energy, found, rounding_of(model))
        return found

    best = recomputed("best_", result.best_bitstring, result.best_energy)
    _check_rounds(result, algorithm, rounding_of(model))
    _check_partition(result, algorithm, model.n_variables)
    check_equal("compared", tuple(each.way for each in result.compared), WAYS)
    compared = tuple(
        each.model_copy(
            update={"energy": recomputed(f"compared.{each.way}.", each.bitstring, each.energy)}
        )
        for each in result.compared
    )
    classical = verified_classical(result.classical, exact, model)
    for found in (result.best_bitstring, *(each.bitstring for each in compared)):
        check_rival(classical, found, exact)
    changes: dict[str, Any] = {"best_energy": best, "compared": compared, "classical": classical}
    return result.model_copy(update=changes)


def _check_rounds(result: DividedResult, algorithm: SettledDivide, rounding: float) -> None:
    rounds = result.rounds
    numbers = [each.round for each in rounds]
    check_equal("rounds", numbers, list(range(len(numbers))))
    if len(rounds) > algorithm.max_rounds + 1:
        allowed = f"up to {algorithm.max_rounds + 1}, the partition and algorithm.max_rounds"
        raise InvalidResult(refusal("length of rounds", len(rounds), allowed))
    for before, after in pairwise(rounds):
        if after.energy > before.energy + rounding:
            allowed = f"up to {before.energy}, that of the round before"
            raise InvalidResult(refusal(f"rounds.{after.round}.energy", after.energy, allowed))
    check_near("last energy of rounds", rounds[-1].energy, result.best_energy, rounding)
    check_equal(
        "history", [each.energy for each in result.history], [each.energy for each in rounds]
    )
    for each in rounds:
        if each.improved > each.blocks:
            allowed = f"up to {each.blocks}, its blocks"
            raise InvalidResult(refusal(f"rounds.{each.round}.improved", each.improved, allowed))


def _check_partition(result: DividedResult, algorithm: SettledDivide, n: int) -> None:
    check_equal("length of partition", len(result.partition), n if n <= LABELLED else 0)
    if not result.partition:
        return
    sizes = [0] * result.rounds[0].blocks
    for label in result.partition:
        if label >= len(sizes):
            raise InvalidResult(refusal("partition", label, f"below {len(sizes)}, its blocks"))
        sizes[label] += 1
    if max(sizes) > algorithm.block_size:
        allowed = f"up to algorithm.block_size, {algorithm.block_size}"
        raise InvalidResult(refusal("variables of a block", max(sizes), allowed))
