"""What a job tells of how far it has come: lines of its log, written by it and read by who waits.

    Progress: sampling 3/12

They stand beside the lines of metrics: whoever may read the log has both. There is no = in them,
for whatever has one is a metric to Braket.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, cast, get_args

Phase = Literal[
    "classical",
    "compiling",
    "training",
    "tuning",
    "geometries",
    "rounds",
    "comparing",
    "sampling",
    "mitigating",
]
"""What a job does; layers are counted in training, settings in tuning, lengths, rounds
of blocks, models in comparing, tasks in sampling."""

_LINE = re.compile(rf"Progress: ({'|'.join(get_args(Phase))}) (\d{{1,9}})/(\d{{1,9}})\n?")


class PhaseReached(NamedTuple):
    """A phase, and how much of it is done; ``of`` is 0 where nothing is counted."""

    phase: Phase
    done: int = 0
    of: int = 0

    @property
    def line(self) -> str:
        """The line of the log.

        >>> PhaseReached("sampling", 3, 12).line
        'Progress: sampling 3/12'
        """
        return f"Progress: {self.phase} {self.done}/{self.of}"

    @classmethod
    def read(cls, line: str) -> PhaseReached | None:
        """Return what a line of a log says; None where it is another.

        >>> PhaseReached.read("Progress: compiling 0/0")
        PhaseReached(phase='compiling', done=0, of=0)
        >>> PhaseReached.read("Metrics - timestamp=1.5; energy=-2.0; iteration_number=1;")
        """
        found = _LINE.fullmatch(line)
        return found and cls(cast(Phase, found[1]), int(found[2]), int(found[3]))
