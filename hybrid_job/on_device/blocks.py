"""Solves blocks on the run's devices, each block going where it is done first.

Of a block's shots the best one counts, whose energy is computed from its bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from hybrid_job.dividing.blocks import angles_of, one_of_the_best
from hybrid_job.dividing.system import Block, Real
from hybrid_job.job import DivideJob
from hybrid_job.limits import LimitReached
from hybrid_job.on_device.compilation import QaoaCompiler, compiler_for
from hybrid_job.on_device.kept import Kept
from hybrid_job.on_device.lanes import HANDS, Lane, Lanes
from hybrid_job.on_device.measurement import Compiled, Counts
from hybrid_job.on_device.spending import CapReached
from hybrid_job.on_device.waiting import TimeReached
from quantum_pipeline.ising import energies, spins_of
from quantum_pipeline.planning.blocks import Room, spread
from quantum_pipeline.requests.mitigation import Noise
from quantum_pipeline.results import Compilation


class DeviceBlocks:
    """Solves blocks on the devices of a run."""

    def __init__(self, job: DivideJob, lanes: Lanes) -> None:
        self._job, self.lanes = job, lanes

    @property
    def compilation(self) -> Compilation | None:
        """How the widest block of the first device was compiled; None on simulators."""
        return self.lanes.every[0].compiled.compilation

    def __call__(self, blocks: Sequence[Block], place: tuple[int, ...]) -> list[Real]:
        """Return the best spins of each block's shots.

        Raises:
            LimitReached: time or money ended first.
            DeviceUnavailable: no device is left.
            PipelineError: by name, as ``Executor.run`` raises.
        """
        wanted = _Blocks(self._job, self.lanes, blocks)
        try:
            found = self.lanes.measure(wanted, partial(_ordinal, place))
        except (CapReached, TimeReached) as error:
            raise LimitReached(error.limit, str(error)) from error
        rng = np.random.default_rng([self._job.prepared.request.seed, 3, *place])
        return [
            _best(block, counts or {}, rng) for block, counts in zip(blocks, found, strict=True)
        ]


class _Blocks:
    """A measurement of blocks: a circuit each."""

    what = "blocks"

    def __init__(self, job: DivideJob, lanes: Lanes, blocks: Sequence[Block]) -> None:
        self._job, self._lanes, self._blocks = job, lanes, blocks
        self.size, self.shots = len(blocks), job.prepared.request.shots

    def shared(self, places: Sequence[int], rooms: Mapping[str, Room]) -> Mapping[str, list[int]]:
        """Return the blocks that each device takes: each where it is done first."""
        widths = [self._blocks[k].fields.size for k in places]
        taken = spread(widths, list(rooms.values()))
        return {name: [places[k] for k in mine] for name, mine in zip(rooms, taken, strict=True)}

    def compiled(self, lane: Lane, places: Sequence[int], ordinal: int) -> list[Compiled]:
        """Return the circuits of blocks for a device, as an earlier attempt sent them."""
        blocks = [self._blocks[k] for k in places]
        request, state = self._job.prepared.request, lane.there.state
        kept = Kept(self._job.journal, state)
        algorithm, compilers = self._job.algorithm, dict[int, QaoaCompiler]()
        angles: dict[int, Real] = {}

        def circuit(k: int) -> Compiled:
            model, noise = blocks[k].model, request.noise or Noise()
            compilers[k] = compiler_for(model, state, noise=noise, seed=request.seed)
            angles[k] = angles_of(model, algorithm.depth, algorithm.evaluations)
            return compilers[k].compile(angles[k])

        shapes = np.array([number for each in blocks for number in _shape(each)], dtype=np.float64)
        made = kept.circuits(
            f"blocks {ordinal}", shapes, lambda: list(map(circuit, range(len(blocks))))
        )
        widest = max(compilers, key=lambda k: int(blocks[k].fields.size), default=None)
        if widest is not None:
            width, compiler = int(blocks[widest].fields.size), compilers[widest]
            self._lanes.note(lane, width, lambda: compiler.summary(angles[widest]))
        return made


def _ordinal(place: tuple[int, ...], hand: int) -> int:
    """Return the number of a measurement: none of a run has the same.

    >>> _ordinal((0, 1), 0), _ordinal((2, 1, 0), 1)
    (16, 2097153)
    """
    number, at = (0, place[1]) if place[0] == 0 else place[1:]
    return (number * 2**17 + at) * HANDS + hand


def _shape(block: Block) -> Iterator[int]:
    """Yield what tells a block from others but for its numbers: its size, and who is coupled."""
    yield block.fields.size
    for i, j in zip(*np.nonzero(np.triu(block.couplings, 1)), strict=True):
        yield int(i)
        yield int(j)


def _best(block: Block, counts: Counts, rng: np.random.Generator) -> Real:
    seen = sorted(counts)
    spins = spins_of(seen)
    chosen = one_of_the_best(block.model, energies(block.model, spins), rng)
    return np.asarray(spins[chosen], dtype=np.float64)
