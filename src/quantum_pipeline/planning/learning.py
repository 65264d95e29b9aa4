"""What a run was told of earlier ones before it started, as data that travels with its decisions.

``catalogue.neighbours`` finds it; the job starts from it, and the report says what came of it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from quantum_pipeline.quantities import Angle, Count, Finite, Number
from quantum_pipeline.requests.algorithm import Optimizer
from quantum_pipeline.requests.request import Request
from quantum_pipeline.wording import refusal


class Verdict(StrEnum):
    """Whether a run starts from earlier ones, or for what reason it does not."""

    USED = "used"
    """Runs are near enough, and leave something to gain."""

    NOT_KEPT = "not kept"
    """Of this algorithm or problem the catalogue keeps nothing that another run can start from."""

    NO_RUNS = "no runs"
    """No run of the family has left angles that count."""

    TOO_FAR = "too far"
    """There are such runs, but of problems whose angles are others."""

    NO_GAIN = "no gain"
    """From the default start such runs need so few evaluations that none can be saved."""

    NO_ANSWER = "no answer"
    """The catalogue did not answer: the run goes on without it."""


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Neighbour(_Data):
    """An earlier run: ``distance`` is how far its angles are expected to be, in rad.

    ``evaluations`` are those that it took from the default start, ``until_descended`` those until
    it had 99 % of its descent; both are None of a run that started elsewhere, the second one too
    where energies were no exact ones.
    """

    run_id: str
    distance: Finite
    depth: Count
    evaluations: Number | None
    until_descended: Number | None
    seconds: Finite | None


class SuggestedAngles(_Data):
    """Angles of some layers, with gammas in units of 1 over the problem's typical field."""

    gammas: tuple[Angle, ...] = Field(min_length=1)
    betas: tuple[Angle, ...]

    @model_validator(mode="after")
    def _check_layers(self) -> Self:
        if len(self.betas) != len(self.gammas):
            allowed = f"{len(self.gammas)}, one a layer"
            raise ValueError(refusal("length of betas", len(self.betas), allowed))
        return self

    @property
    def depth(self) -> int:
        """Layers of the angles."""
        return len(self.gammas)


class Suggestion(SuggestedAngles):
    """What to start from: angles that the nearest runs have together, and settings.

    ``others`` are those of each of the runs, as deep: where shots train, it costs nothing to ask
    the exact state which are the best. The settings are those that the request leaves open; None
    leaves them to the usual choice.
    """

    others: tuple[SuggestedAngles, ...] = ()
    optimizer: Optimizer | None = None
    starts: Count | None = None
    max_evaluations: Count | None = None

    @model_validator(mode="after")
    def _check_others(self) -> Self:
        for other in self.others:
            if other.depth != self.depth:
                raise ValueError(refusal("layers of others", other.depth, str(self.depth)))
        return self

    @property
    def settings(self) -> dict[str, Any]:
        """Settings of the algorithm in place of those that are left open."""
        names = ("optimizer", "starts", "max_evaluations")
        given = {name: getattr(self, name) for name in names}
        return {name: value for name, value in given.items() if value is not None}


class Delivered(_Data):
    """What a device delivered of circuits of the family.

    Its samples had exp(-decay c) of the descent that the circuit has without noise, where c is the
    number of layers times couplings; ``decay`` is the median of ``n_runs``.
    """

    device: str
    decay: Finite
    n_runs: Count


class Learning(_Data):
    """What earlier runs suggest, and by which of them, or why they are not followed.

    ``runs`` are those that were looked at most closely, the nearest first. ``default_usd`` is the
    estimate of the run without the suggestion.
    """

    verdict: Verdict
    words: str
    runs: tuple[Neighbour, ...] = ()
    suggestion: Suggestion | None = None
    delivered: tuple[Delivered, ...] = ()
    default_usd: float | None = None

    def applied(self, request: Request) -> Request:
        """Return a request with the suggested settings in place of those that it leaves open."""
        if self.suggestion is None:
            return request
        algorithm = request.algorithm.model_copy(update=self.suggestion.settings)
        return request.model_copy(update={"algorithm": algorithm})
