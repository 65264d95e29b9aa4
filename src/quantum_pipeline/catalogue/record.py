"""The record of a run: what it was, how it was solved, what came of it, and what that took.

It is made of what the run has left: its end, and as far as they are there ``prepared.json`` and
``report.json``. Whoever makes it, at whatever time, makes the same. What is not known is None.
Money in USD, times in UTC and in seconds, energies in the problem's units.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict

from quantum_pipeline.problems.features import Features


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Status = Literal["SUCCEEDED", "FAILED", "CANCELLED"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class ProblemOfRecord(_Part):
    """The problem's type and features; none of runs that were prepared before there were any."""

    type: str
    features: Features | None


class AnglesOfRecord(_Part):
    """Angles of some layers, to 1e-4: gammas in units of 1 over the typical field."""

    normalised_gammas: tuple[float, ...]
    betas: tuple[float, ...]


class AlgorithmOfRecord(_Part):
    """The algorithm, its settings as they were settled, and the angles that it found.

    ``normalised_gammas`` are in units of 1 over the problem's typical field: they and the betas,
    in rad, are what another problem can start from. Only QAOA and recursive QAOA have angles.
    ``passed`` has those of the depths that it grew through before.
    ``learned`` says that it started from those of earlier runs. ``until_descended`` are the
    evaluations until 99 % of its descent was reached, None unless they were exact means.
    """

    name: str
    settings: dict[str, Any]
    shots: int
    seed: int
    mitigation: dict[str, Any]
    depth: int | None
    gammas: tuple[float, ...]
    betas: tuple[float, ...]
    normalised_gammas: tuple[float, ...]
    passed: tuple[AnglesOfRecord, ...] = ()
    evaluations: int | None
    converged: bool | None
    learned: bool = False
    until_descended: int | None = None


class DeviceOfRecord(_Part):
    """The device, and its calibration when the run was prepared; ``emulated`` as in the report."""

    name: str
    arn: str
    kind: Literal["local", "simulator", "qpu", "analog"]
    emulated: str | None
    n_qubits: int | None
    two_qubit_fidelity: float | None
    calibrated_at: str | None


class QualityOfRecord(_Part):
    """How good the result is, by the report's figures of the same names.

    ``delivered`` is the share of the descent of the circuit without noise that a device's samples
    had; None where that is unknown. Of a classification the objective is the accuracy on the tested
    rows, the best known one that of the best classical model, and ``p_value`` that of the test
    of the two.
    """

    objective: float | None
    best_known: float
    best_known_by: str
    approximation_ratio: float | None
    expected_ratio: float | None
    probability_of_best: float | None
    error_millihartree: float | None
    outcome: str | None
    efficiency: float | None
    feasible_share: float | None = None
    times_blind: float | None = None
    delivered: float | None = None
    balanced_accuracy: float | None = None
    roc_area: float | None = None
    p_value: float | None = None


class CostOfRecord(_Part):
    """What the run was estimated to cost, and its bill; of a run without a report nobody knows."""

    estimated_usd: float
    actual_usd: float | None


class SecondsOfRecord(_Part):
    """Where the time went; of a run that failed, ``job`` has the billed seconds of its last job.

    ``quantum`` is what the job took to optimise and to sample.
    """

    prepare: float | None
    queue: float | None
    job: float | None
    post_process: float | None
    quantum: float | None = None


class RunRecord(_Part):
    """All that the catalogue has of a run; ``study`` and ``pack`` name what it belongs to.

    A field more, with a default, makes no other version: records of this one stay readable.

    ``others`` are the devices beside the first, which took blocks or parts as well.
    A run that was refused when it was prepared has its error, and neither problem nor algorithm.
    """

    run_id: str
    ended_at: Moment
    status: Status
    schema_version: Literal[1] = 1
    execution_arn: str | None
    name: str | None
    study: str | None
    pack: str | None
    owner: str | None
    tags: dict[str, str]
    created_at: Moment | None
    error: str | None
    cause: str | None
    partial: bool
    problem: ProblemOfRecord | None
    algorithm: AlgorithmOfRecord | None
    device: DeviceOfRecord | None
    others: tuple[DeviceOfRecord, ...] = ()
    quality: QualityOfRecord | None
    cost: CostOfRecord | None
    seconds: SecondsOfRecord

    @property
    def family(self) -> str | None:
        """What a run's findings can be carried over to; None where nothing was prepared."""
        if self.problem is None or self.algorithm is None or self.problem.features is None:
            return None
        return family_of(self.problem.type, self.problem.features, self.algorithm.name)


def family_of(problem_type: str, features: Features, algorithm: str) -> str:
    """Return the family of a run.

    The same type of problem, with fields or without any, by the same algorithm; of molecules
    the same formula in the same basis, or the same integrals; of tables any.
    """
    match features.kind:
        case "ising":
            kind = "field-free" if features.field_free else "with fields"
        case "molecule":
            kind = " ".join(filter(None, (features.formula, features.basis)))
        case "form":
            kind = "with constraints" if features.n_constraints else "in groups"
        case "table":
            kind = "table"
    return "/".join((problem_type, kind, algorithm))
