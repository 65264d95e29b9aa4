"""Makes the record of a run from what it has left, in S3 or in a folder.

Of each file only what a record has is read: problems, samples and courses may be large. Reports of
earlier releases lack some of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from pydantic import AwareDatetime, BaseModel, ValidationError

from quantum_pipeline import runs
from quantum_pipeline.catalogue.record import (
    AlgorithmOfRecord,
    AnglesOfRecord,
    CostOfRecord,
    DeviceOfRecord,
    ProblemOfRecord,
    QualityOfRecord,
    RunRecord,
    SecondsOfRecord,
    Status,
)
from quantum_pipeline.devices.catalogue import Device
from quantum_pipeline.planning.prepared import PreparedRun, RunHeader, StateSummary
from quantum_pipeline.problems.features import IsingFeatures, features
from quantum_pipeline.requests.algorithm import Settled, SettledQaoa

DESCENDED = 0.99
"""Share of a descent after which the rest is little."""

DIGITS = 4
"""Of angles of other depths, in rad: problems scatter by a hundredth."""

LONGEST_CAUSE = 2000
"""Characters of an error's message that a record keeps; the run's own file has all of it."""


class EndHeader(BaseModel):
    """Of ``completed.json``, ``failure.json`` and ``cancelled.json``, what a record has."""

    run_id: str
    status: Status
    ended_at: AwareDatetime
    execution_arn: str | None = None
    job_arn: str | None = None
    pack: str | None = None
    error: str | None = None
    cause: str | None = None
    billable_seconds: float | None = None


class _Angles(BaseModel):
    gammas: tuple[float, ...] = ()
    betas: tuple[float, ...] = ()


class _Algorithm(_Angles):
    depth: int | None = None
    depths: tuple[_Angles, ...] = ()


class _Solution(BaseModel):
    objective: float | None


class _Quality(BaseModel):
    best_known: float
    best_known_by: str
    approximation_ratio: float | None = None
    expected_ratio: float | None = None
    probability_of_best: float | None = None
    error_millihartree: float | None = None
    outcome: str | None = None
    feasible_share: float | None = None
    times_blind: float | None = None
    balanced_accuracy: float | None = None


class _Area(BaseModel):
    value: float


class _Paired(BaseModel):
    p_value: float


class _Tested(BaseModel):
    """Figures of a classification that stand deeper in the report."""

    roc_area: _Area | None = None
    paired: _Paired | None = None


class _Sampled(BaseModel):
    """Means of an optimisation, all in the same unit, and what the job took for them."""

    mean_energy: float | None = None
    trained_energy: float | None = None
    random_mean_energy: float | None = None
    quantum_seconds: float | None = None

    @property
    def delivered(self) -> float | None:
        """Share of the descent of the circuit without noise that a device's samples had."""
        base, there, trained = self.random_mean_energy, self.mean_energy, self.trained_energy
        if base is None or there is None or trained is None or trained >= base:
            return None
        return (base - there) / (base - trained)


class _Analysis(BaseModel):
    efficiency: float | None = None


class _Evaluation(BaseModel):
    energy: float


class _Convergence(BaseModel):
    history: list[_Evaluation]
    converged: bool


class _Device(BaseModel):
    emulated: str | None = None


class _Timing(BaseModel):
    queue_seconds: float
    job_seconds: float
    post_process_seconds: float


class _Cost(BaseModel):
    actual_usd: float


class _OfQuality(_Quality, _Sampled, _Tested):
    """All that is read of the part ``quality``."""


class ReportHeader(BaseModel):
    """Of ``report.json``, what a record has."""

    partial: bool = False
    algorithm: _Algorithm
    solution: _Solution
    quality: _OfQuality
    analysis: _Analysis
    convergence: _Convergence
    device: _Device
    timing: _Timing
    cost: _Cost


Model = TypeVar("Model", bound=BaseModel)
Read = Callable[[str], bytes | None]
"""Returns the content of one of a run's files by its name, None where there is none."""


class _ReportEnd(BaseModel):
    """How a run ended, by its report: the first releases wrote no other record of a success."""

    run_id: str
    completed_at: AwareDatetime


def record_of_files(read: Read) -> RunRecord | None:
    """Return the record of a run of any release; None where its end is not there or none of ours.

    A pack is no run: its runs have files of their own. What an earlier release left out is computed
    from the problem: its features.
    """
    end = next(filter(None, (_read(read, name, EndHeader) for name in runs.ENDS)), None)
    if end is None and (report := _read(read, runs.REPORT, _ReportEnd)):
        end = EndHeader(run_id=report.run_id, status="SUCCEEDED", ended_at=report.completed_at)
    if end is None or read(runs.PACK) is not None:
        return None
    succeeded = end.status == "SUCCEEDED"
    header = _read(read, runs.REPORT, ReportHeader) if succeeded else None
    return record_of(end, _prepared(read), header)


def _prepared(read: Read) -> RunHeader | None:
    header = _read(read, runs.PREPARED, RunHeader)
    if header is None or header.features is not None:
        return header
    whole = _read(read, runs.PREPARED, PreparedRun)
    known = None if whole is None else features(whole.request.problem)
    return header.model_copy(update={"features": known})


def _read(read: Read, name: str, model: type[Model]) -> Model | None:
    content = read(name)
    try:
        return None if content is None else model.model_validate_json(content)
    except ValidationError:
        return None


def record_of(end: EndHeader, prepared: RunHeader | None, report: ReportHeader | None) -> RunRecord:
    """Return the record of a run that has ended.

    Args:
        end: how it ended.
        prepared: None of a run that was refused before it was prepared.
        report: None of a run that did not succeed.
    """
    request = None if prepared is None else prepared.request
    return RunRecord(
        run_id=end.run_id,
        ended_at=end.ended_at,
        status=end.status,
        execution_arn=end.execution_arn if prepared is None else prepared.execution_arn,
        name=request and request.name,
        study=request and request.study,
        pack=end.pack if prepared is None else prepared.pack,
        owner=request and request.owner,
        tags=(request and request.tags) or {},
        created_at=prepared and prepared.created_at,
        error=end.error,
        cause=end.cause and _shortened(end.cause),
        partial=report is not None and report.partial,
        problem=prepared and _problem(prepared),
        algorithm=prepared and _algorithm(prepared, report),
        device=prepared and _device(prepared, report),
        others=() if prepared is None else tuple(_others(prepared)),
        quality=report and _quality(report),
        cost=prepared and _cost(prepared, report),
        seconds=_seconds(end, prepared, report),
    )


def _problem(prepared: RunHeader) -> ProblemOfRecord:
    return ProblemOfRecord(type=prepared.request.problem.type, features=prepared.features)


def _algorithm(prepared: RunHeader, report: ReportHeader | None) -> AlgorithmOfRecord:
    request, features = prepared.request, prepared.features
    found = _Algorithm() if report is None else report.algorithm
    unit = features.typical_field if isinstance(features, IsingFeatures) else None
    passed = () if unit is None else tuple(_passed(found, unit))
    return AlgorithmOfRecord(
        name=request.algorithm.name,
        settings=request.algorithm.model_dump(mode="json", exclude_none=True, exclude={"name"}),
        shots=request.shots,
        seed=request.seed,
        mitigation=request.mitigation.model_dump(mode="json", exclude_none=True),
        depth=found.depth,
        gammas=found.gammas,
        betas=found.betas,
        normalised_gammas=() if unit is None else tuple(gamma * unit for gamma in found.gammas),
        passed=passed,
        evaluations=None if report is None else len(report.convergence.history),
        converged=None if report is None else report.convergence.converged,
        learned=prepared.learning is not None and prepared.learning.suggestion is not None,
        until_descended=None if report is None else _until_descended(request.algorithm, report),
    )


def _passed(found: _Algorithm, unit: float) -> Iterator[AnglesOfRecord]:
    """Yield the angles of the depths before that of the result."""
    for step in found.depths:
        if step.gammas and len(step.gammas) != len(found.gammas):
            yield AnglesOfRecord(
                normalised_gammas=tuple(round(gamma * unit, DIGITS) for gamma in step.gammas),
                betas=tuple(round(beta, DIGITS) for beta in step.betas),
            )


def _until_descended(algorithm: Settled, report: ReportHeader) -> int | None:
    """Return the evaluations until 99 % of the descent from random bits was reached, if any was."""
    base = report.quality.random_mean_energy
    exact = isinstance(algorithm, SettledQaoa) and algorithm.optimizer == "l-bfgs-b"
    if base is None or not exact or algorithm.cvar_alpha != 1:
        return None
    energies = [each.energy for each in report.convergence.history]
    if min(energies) >= base:
        return None
    enough = base - DESCENDED * (base - min(energies))
    return next(number for number, energy in enumerate(energies, 1) if energy <= enough)


def _device(prepared: RunHeader, report: ReportHeader | None) -> DeviceOfRecord:
    found = _as_prepared(prepared.device, prepared.state_summary)
    if report is None:
        return found
    return found.model_copy(update={"emulated": report.device.emulated})


def _others(prepared: RunHeader) -> Iterator[DeviceOfRecord]:
    return (_as_prepared(each.device, each.state_summary) for each in prepared.others)


def _as_prepared(device: Device, state: StateSummary | None) -> DeviceOfRecord:
    return DeviceOfRecord(
        name=device.name,
        arn=device.arn,
        kind=device.kind,
        emulated=state.emulated if state else None,
        n_qubits=state.n_qubits if state else None,
        two_qubit_fidelity=state.two_qubit_fidelity if state else None,
        calibrated_at=state.calibrated_at if state else None,
    )


def _quality(report: ReportHeader) -> QualityOfRecord:
    return QualityOfRecord(
        objective=report.solution.objective,
        efficiency=report.analysis.efficiency,
        delivered=report.quality.delivered,
        roc_area=report.quality.roc_area and report.quality.roc_area.value,
        p_value=report.quality.paired and report.quality.paired.p_value,
        **report.quality.model_dump(include=set(_Quality.model_fields)),
    )


def _cost(prepared: RunHeader, report: ReportHeader | None) -> CostOfRecord:
    return CostOfRecord(
        estimated_usd=prepared.estimate.total_usd,
        actual_usd=None if report is None else report.cost.actual_usd,
    )


def _seconds(
    end: EndHeader, prepared: RunHeader | None, report: ReportHeader | None
) -> SecondsOfRecord:
    timing = None if report is None else report.timing
    return SecondsOfRecord(
        prepare=None if prepared is None else prepared.prepare_seconds,
        queue=timing and timing.queue_seconds,
        job=end.billable_seconds if timing is None else timing.job_seconds,
        post_process=timing and timing.post_process_seconds,
        quantum=report and report.quality.quantum_seconds,
    )


def _shortened(cause: str) -> str:
    """Return the beginning of a long message.

    >>> len(_shortened("x" * 9000))
    2000
    """
    return cause if len(cause) <= LONGEST_CAUSE else f"{cause[: LONGEST_CAUSE - 3]}..."
