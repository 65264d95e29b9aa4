"""Decides whether a circuit is cut for its device, where, and how its shots are shared out.

A circuit that fits its device is not cut. Of others the fewest gates are cut that make all parts
fit, one for each coupling between parts and layer, with ancillas for layers after the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, cast

import numpy as np
from pydantic import BaseModel, ConfigDict

from quantum_pipeline.cutting import Part
from quantum_pipeline.cutting.decomposition import overhead
from quantum_pipeline.cutting.expansion import Expansion
from quantum_pipeline.cutting.partition import crossing, partition
from quantum_pipeline.cutting.reconstruction import FEWEST
from quantum_pipeline.devices.catalogue import EXACT_QUBITS, Device
from quantum_pipeline.devices.states import DeviceState
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.ising import IsingModel, cones
from quantum_pipeline.ising.reduced import ENUMERATED
from quantum_pipeline.planning.algorithm import check_size, refuse_foreign, settle_algorithm
from quantum_pipeline.planning.applicable import OF_WHOLE
from quantum_pipeline.planning.blocks import Room, spread
from quantum_pipeline.planning.reasons import Reason, Why
from quantum_pipeline.problems import AnyProblem, BinaryProblem
from quantum_pipeline.requests.algorithm import (
    MAX_CUT,
    MAX_MEASURED,
    SHOT_OPTIMIZERS,
    Algorithm,
    Settled,
    SettledCut,
    SettledCutQaoa,
    SettledCutRqaoa,
)
from quantum_pipeline.requests.request import ResolvedRequest

LOOKED_AT = 8
"""Gates up to which a cut is looked for where too few are allowed, to say what it would take."""

SHARE = 4
"""Executables for each circuit, where program sets hold copies: as many as the shots are to follow
the weights of the circuits, of which most hardly count."""


MEASURED = 4
"""Rounds of recursive QAOA that are measured, if nothing was said: each costs all its shots."""


class CutPlan(BaseModel):
    """What is known of a cut before it runs, as far as people ask: what it takes, and how dear.

    Of recursive QAOA that is the first of up to so many ``rounds``, none of which takes more.
    ``overhead`` is about how many times the shots of the uncut circuit sampling all its terms
    would take, from angles that are usual; ``most`` is the same at the worst angles.
    """

    model_config = ConfigDict(frozen=True)

    widths: tuple[int, ...]
    devices: tuple[str, ...]
    gates: int
    circuits: int
    overhead: float
    most: float
    rounds: int = 1

    def words(self) -> str:
        """Return it for an estimate."""
        gates = f"{self.gates} gate{'s' * (self.gates != 1)}"
        circuits = f"{self.circuits} circuit{'s' * (self.circuits != 1)}"
        parts = "parts" if len(self.widths) > 1 else "one part"
        widths = ", ".join(map(str, self.widths))
        if len(set(self.devices)) > 1:
            each = zip(self.widths, self.devices, strict=True)
            widths = ", ".join(f"{width} on {device}" for width, device in each)
        again = f", and so in up to {self.rounds} rounds" if self.rounds > 1 else ""
        return (
            f"{gates}, into {parts} of {widths} qubits: {circuits}{again}; "
            f"sampling overhead about {self.overhead:.3g}, at most {self.most:g}"
        )


def settle_cut(
    problem: AnyProblem,
    asked: Algorithm,
    devices: Sequence[Device],
    states: Sequence[DeviceState | None],
    shots: int,
) -> tuple[Settled, Reason]:
    """Return the algorithm of a request that may be cut, and why.

    Without the devices' states nothing is known of their width: then there are no parts yet.
    Parts that several devices share fit the narrowest, so that each may take over from another;
    where that takes more cuts than are allowed, the next one.

    Raises:
        InvalidRequest: a setting does not go with cuts, or no cut that is allowed makes parts that
            fit; says what it would take. Or several devices are named for what is not cut.
    """
    whole = asked.model_copy(update={"cut": None})
    if not isinstance(problem, BinaryProblem) or asked.name not in ("auto", "qaoa", "rqaoa"):
        return settle_algorithm(problem, asked, exact=devices[0].kind == "local")  # refused there
    if devices[0].kind == "local":
        allowed = "nothing on local, which samples exact states; it is for a device that is named"
        raise InvalidRequest.of("algorithm.cut", asked.cut, allowed)
    check_size(problem)
    recursive = asked.name == "rqaoa"
    refuse_foreign(problem, asked, asked.name if recursive else "qaoa", cut=True)
    _check_settings(asked)
    rooms = [Room.of(*each, shots) for each in zip(devices, states, strict=True)]
    widths = sorted({room.qubits for room in rooms if room.qubits is not None})
    n = problem.n_variables
    fits = bool(widths) and n <= min(widths[0], EXACT_QUBITS)
    if fits and len(rooms) > 1:
        names = [room.name for room in rooms]
        allowed = f"one of them with algorithm.cut: each holds all {n} qubits uncut"
        raise InvalidRequest.of("device", names, allowed)
    if fits and not recursive:
        settled, reason = settle_algorithm(problem, whole, exact=False)
        words = f"{reason.words}; its {n} qubits fit {rooms[0].name}, so nothing is cut"
        return settled, Reason(why=reason.why, words=words)
    settled = _recursive(problem, asked) if recursive else _settled(problem, asked)
    if not widths:
        return settled, Reason(why=Why.ASKED, words="QAOA in parts, of which none is known yet")
    model, depth = problem.ising, settled.depth
    narrower = [each for each in widths if each < n] or widths
    parts = divided(model, rooms, narrower, depth=depth, most=settled.cut)
    if parts is None:
        raise _too_many(model, settled, rooms, narrower[-1])
    settled = settled.model_copy(update={"parts": parts})
    return settled, Reason(why=Why.SIZE, words=_words(problem.ising, settled, rooms))


def _words(model: IsingModel, settled: SettledCut, rooms: Sequence[Room]) -> str:
    gates = settled.depth * len(crossing(model, [part.variables for part in settled.parts]))
    named = " and ".join(f"{room.name} ({room.qubits})" for room in rooms)
    fits = all(room.holds(model.n_variables) for room in rooms)
    why = f"shared by {named}" if len(rooms) > 1 else f"{'on' if fits else 'wider than'} {named}"
    what = "QAOA" if settled.name == "qaoa" else "recursive QAOA"
    parts = f"{len(settled.parts)} part{'s' * (len(settled.parts) != 1)}"
    words = (
        f"{what} of {model.n_variables} spins at depth {settled.depth}, {why}: in "
        f"{parts}, {gates} gate{'s' * (gates != 1)} cut; exact gradients of the whole"
    )
    if settled.name == "qaoa":
        return words
    rounds = f"{settled.rounds} round{'s' * (settled.rounds != 1)}"
    return f"{words}; correlations are measured in up to {rounds}, each cut anew"


def _most_cut(asked: Algorithm) -> int:
    return asked.cut if isinstance(asked.cut, int) else MAX_CUT


def _depth(problem: BinaryProblem, asked: Algorithm) -> int:
    """Return the layers, of which exact gradients are known."""
    depth = len(asked.gammas or ()) or asked.depth or 1
    assert isinstance(depth, int)
    if problem.n_variables > cones.EXACT:
        cones.require_fit(problem.ising, depth)
    return depth


def _recursive(problem: BinaryProblem, asked: Algorithm) -> SettledCutRqaoa:
    """Return recursive QAOA in no more rounds than there are variables to fix.

    Raises:
        InvalidRequest: all variables are enumerated, whatever is measured; or too many rounds.
    """
    n = problem.n_variables
    if n <= ENUMERATED:
        allowed = f"qaoa with cut: of {n} variables rqaoa fixes none, the last {ENUMERATED} are"
        raise InvalidRequest.of("algorithm.name", asked.name, f"{allowed} enumerated")
    rounds = MEASURED if asked.max_rounds is None else asked.max_rounds
    if not 1 <= rounds <= MAX_MEASURED:
        allowed = f"1 to {MAX_MEASURED} in rqaoa with cut: each round is measured, and paid for"
        raise InvalidRequest.of("algorithm.max_rounds", rounds, allowed)
    plain = asked.model_copy(update={"cut": None, "max_rounds": None})
    settled, _ = settle_algorithm(cast(AnyProblem, problem), plain, exact=True)
    return SettledCutRqaoa(
        **settled.model_dump(exclude={"cut", "max_rounds"}),
        cut=_most_cut(asked),
        max_rounds=min(rounds, n - ENUMERATED),
    )


def _settled(problem: BinaryProblem, asked: Algorithm) -> SettledCutQaoa:
    depth = _depth(problem, asked)
    optimizer = "none" if asked.optimizer == "none" else "l-bfgs-b"
    starts = asked.starts or 1
    return SettledCutQaoa(
        name="qaoa",
        depth=depth,
        optimizer=optimizer,
        initial_angles=asked.initial_angles,
        cvar_alpha=1.0,
        starts=starts,
        max_evaluations=1 if optimizer == "none" else asked.max_evaluations or 200 * starts,
        gammas=asked.gammas,
        betas=asked.betas,
        learn=asked.learn,
        cut=_most_cut(asked),
    )


def _check_settings(asked: Algorithm) -> None:
    """Refuse what needs samples of the whole, or the whole state: there are neither."""
    if asked.depth == "auto" or asked.max_depth is not None:
        field = "max_depth" if asked.max_depth is not None else "depth"
        allowed = "depth as a number, or nothing, with cut: each layer has its own cuts"
        raise InvalidRequest.of(f"algorithm.{field}", getattr(asked, field), allowed)
    if asked.optimizer in SHOT_OPTIMIZERS:
        allowed = "auto, l-bfgs-b or none with cut"
        raise InvalidRequest.of("algorithm.optimizer", asked.optimizer, allowed)
    for field in OF_WHOLE:
        value, default = getattr(asked, field), Algorithm.model_fields[field].default
        if value not in (default, 1.0):
            allowed = f"{default or 'nothing'} with cut: energies are put together from parts"
            raise InvalidRequest.of(f"algorithm.{field}", value, allowed)


def divided(
    model: IsingModel, rooms: Sequence[Room], widths: Iterable[int], *, depth: int, most: int
) -> tuple[Part, ...] | None:
    """Return the parts that a model is cut into, each on the device that is done with it first.

    They fit the first of some widths, in ascending order, that they can. None where no cut of up to
    ``most`` gates makes them fit any.
    """
    tried = (partition(model, width, depth=depth, most=most // depth) for width in widths)
    found = next((parts for parts in tried if parts is not None), None)
    if found is None:
        return None
    ends = {v for i, j, _ in crossing(model, found) for v in (i, j)}
    parts = [
        Part(
            device=rooms[0].name,
            variables=variables,
            n_ancillas=(depth - 1) * len(ends.intersection(variables)),
        )
        for variables in found
    ]
    return tuple(parts if len(rooms) == 1 else _placed(model, parts, rooms, depth))


def _placed(
    model: IsingModel, parts: Sequence[Part], rooms: Sequence[Room], depth: int
) -> list[Part]:
    taken = spread([part.width for part in parts], rooms, circuits_by_part(model, parts, depth))
    home = {k: room.name for room, places in zip(rooms, taken, strict=True) for k in places}
    return [part.model_copy(update={"device": home[k]}) for k, part in enumerate(parts)]


def _too_many(
    model: IsingModel, settled: SettledCut, rooms: Sequence[Room], width: int
) -> InvalidRequest:
    depth, n = settled.depth, model.n_variables
    more = partition(model, width, depth=depth, most=LOOKED_AT // depth)
    needed = f"more than {LOOKED_AT} gates"
    if more is not None:
        gates = depth * len(crossing(model, more))
        needed = f"{gates} gate{'s' * (gates != 1)}"
    names = " and ".join(room.name for room in rooms)
    return InvalidRequest(
        f"algorithm.cut: got {settled.cut}; allowed: up to {MAX_CUT}; {n} variables in parts of up "
        f"to {width} qubits, those of {names}, take {needed} cut at depth {depth}: fewer "
        "layers, a wider device, or algorithm.name rqaoa or divide on local"
    )


def cut_plan(request: ResolvedRequest) -> CutPlan | None:
    """Return what the cut of a request takes, and about how dear it is; None where none is.

    At angles that are usual a coupling turns by about its share of the typical field on a spin: of
    a regular graph of degree d the best sine of depth 1 is 1 / sqrt(d).
    """
    problem, settled = request.problem, request.algorithm
    if not isinstance(settled, SettledCut) or not isinstance(problem, BinaryProblem):
        return None
    model = problem.ising
    squares = sum(h**2 for h in model.fields) + 2 * sum(J**2 for _, _, J in model.couplings)
    field = (squares / model.n_variables) ** 0.5
    cut = crossing(model, [part.variables for part in settled.parts])
    if settled.gammas is not None:
        thetas = [2 * gamma * J for gamma in settled.gammas for _, _, J in cut]
    else:
        thetas = [float(np.arcsin(min(1.0, abs(J) / field))) for _, _, J in cut] * settled.depth
    return CutPlan(
        widths=tuple(part.width for part in settled.parts),
        devices=tuple(part.device for part in settled.parts),
        gates=len(thetas),
        circuits=n_circuits(model, settled),
        overhead=overhead(*thetas),
        most=9.0 ** len(thetas),
        rounds=settled.rounds,
    )


def n_circuits(model: IsingModel, settled: SettledCut) -> int:
    """Return how many circuits all first parts take, whatever the angles. Cost: O(6^gates)."""
    return sum(circuits_by_part(model, settled.parts, settled.depth))


def circuits_by_part(model: IsingModel, parts: Sequence[Part], depth: int) -> list[int]:
    """Return how many circuits each part takes, as ``n_circuits``."""
    expansion = Expansion(model, tuple(parts), np.zeros((2, depth)))
    return list(map(len, expansion.circuits))


class Pieces(NamedTuple):
    """Executables of one number of shots each: circuits have some copies, by their weights."""

    executables: int
    shots: int


def fewest_shots(states: Iterable[DeviceState | None]) -> int:
    """Return the fewest shots of an executable that all of some devices take."""
    return max(FEWEST, *(1 if state is None else state.min_shots for state in states))


def pieces(circuits: int, shots: int, states: Sequence[DeviceState | None]) -> Pieces:
    """Return into how many executables the shots of all circuits are divided.

    Raises:
        InvalidRequest: there are too few for one of each circuit.
    """
    least = fewest_shots(states)
    sets = min(1 if state is None else state.max_executables for state in states)
    most = shots // least
    if most < circuits:
        allowed = f"{circuits * least} or more: {least} of each of {circuits} circuits"
        raise InvalidRequest.of("shots", shots, f"{allowed} that the cuts take")
    wanted = circuits if sets == 1 else -(-SHARE * circuits // sets) * sets
    number = min(wanted, most)
    return Pieces(number, shots // number)
