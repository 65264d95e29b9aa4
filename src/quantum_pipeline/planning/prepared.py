"""A run that is ready to start, and the record that Prepare writes for the job and the report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict

from quantum_pipeline.devices.catalogue import Device
from quantum_pipeline.devices.states import DeviceState
from quantum_pipeline.ising import IsingModel
from quantum_pipeline.planning.costs import Cost, InstancePrice
from quantum_pipeline.planning.learning import Learning
from quantum_pipeline.planning.plan import Plan
from quantum_pipeline.planning.reasons import Reasons
from quantum_pipeline.problems import BinaryProblem
from quantum_pipeline.problems.features import Features, features
from quantum_pipeline.requests.algorithm import SettledAlgorithm
from quantum_pipeline.requests.labels import Owner, Tags
from quantum_pipeline.requests.mitigation import Mitigation
from quantum_pipeline.requests.request import Request, ResolvedRequest, SettledLimits


@dataclass(frozen=True)
class Preparation:
    """A run that can start. ``state`` is None on the job's own simulator.

    ``least`` is the cost of its smallest part that is of use. ``learning`` is None where none was
    asked for. ``others`` are the devices beside the first, which take blocks or parts as well.
    """

    request: ResolvedRequest
    device: Device
    state: DeviceState | None
    plan: Plan
    instance: InstancePrice
    cost: Cost
    least: Cost
    reasons: Reasons
    learning: Learning | None = None
    others: tuple[OtherDevice, ...] = ()

    @property
    def names(self) -> str:
        """The devices of the run, as they are told to a person."""
        return " + ".join((self.device.name, *(other.device.name for other in self.others)))


class StateSummary(BaseModel):
    """What Braket said of the device when the run was prepared, as far as the report shows it.

    ``queue`` counts the tasks that waited. ``emulated`` says what stands in for the device, None on
    the real one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: str
    n_qubits: int | None
    queue: int | None
    native_gates: tuple[str, ...]
    max_executables: int
    two_qubit_fidelity: float | None
    calibrated_at: str | None
    emulated: str | None

    @classmethod
    def of(cls, state: DeviceState) -> Self:
        """Return the summary of a state."""
        return cls(**{name: getattr(state, name) for name in cls.model_fields})


class OtherDevice(BaseModel):
    """A device beside the first of a run: what Braket said of it, and what is planned there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: Device
    state_summary: StateSummary | None
    plan: Plan

    @classmethod
    def of(cls, device: Device, state: DeviceState | None, plan: Plan) -> Self:
        """Return the record of a device as it is now."""
        summary = None if state is None else StateSummary.of(state)
        return cls(device=device, state_summary=summary, plan=plan)


class PreparedRun(BaseModel):
    """Everything the job and the report need to know; written once, by prepare.

    ``asked`` is the request as it was asked, less its problem: what was left open is open in it.
    Releases before this one wrote neither it nor ``features``. ``learning`` is None where it was
    not asked for. ``pack`` is the id of the pack that the run is of: then ``execution_arn`` is the
    pack's, and ``estimate`` the run's share. ``others`` are devices beside ``device``, all in its
    region: ``plan`` has what the first one does of the run, each of them its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[3] = 3
    run_id: str
    execution_arn: str
    attempt: int = 1
    created_at: datetime
    request: ResolvedRequest
    problem_uri: str | None
    model: IsingModel | None
    asked: dict[str, Any] | None = None
    features: Features | None = None
    learning: Learning | None = None
    pack: str | None = None
    device: Device
    reasons: Reasons
    state_summary: StateSummary | None
    plan: Plan
    others: tuple[OtherDevice, ...] = ()
    instance: InstancePrice
    estimate: Cost
    prepare_seconds: float

    @classmethod
    def of(
        cls,
        found: Preparation,
        *,
        run_id: str,
        execution_arn: str,
        problem_uri: str | None,
        created_at: datetime,
        prepare_seconds: float,
        asked: Request | None = None,
        pack: str | None = None,
    ) -> Self:
        """Return the record of a run that can start; ``problem_uri`` is where its problem stood."""
        problem = found.request.problem
        return cls(
            run_id=run_id,
            execution_arn=execution_arn,
            created_at=created_at,
            request=found.request,
            problem_uri=problem_uri,
            model=problem.ising if isinstance(problem, BinaryProblem) else None,
            asked=None if asked is None else _less_problem(asked),
            features=features(problem),
            learning=found.learning,
            pack=pack,
            device=found.device,
            reasons=found.reasons,
            state_summary=None if found.state is None else StateSummary.of(found.state),
            plan=found.plan,
            others=found.others,
            instance=found.instance,
            estimate=found.cost,
            prepare_seconds=prepare_seconds,
        )

    @property
    def devices(self) -> tuple[Device, ...]:
        """All devices of the run."""
        return (self.device, *(each.device for each in self.others))

    @property
    def plans(self) -> tuple[Plan, ...]:
        """What is planned on each of them."""
        return (self.plan, *(each.plan for each in self.others))

    @property
    def binary(self) -> BinaryProblem:
        """The problem of a run of binary variables."""
        problem = self.request.problem
        if not isinstance(problem, BinaryProblem):
            raise TypeError(f"{self.run_id}: {problem.type} is no problem of binary variables")
        return problem

    @cached_property
    def ising(self) -> IsingModel:
        """The Ising model of a run of binary variables, less the problem's constant."""
        if self.model is None:
            raise TypeError(f"{self.run_id}: {self.request.problem.type} is no Ising model")
        return self.binary.less_constant(self.model)


def _less_problem(request: Request) -> dict[str, Any]:
    """Return what a request says, and nothing of what it leaves to defaults."""
    return request.model_dump(
        mode="json", by_alias=True, exclude_unset=True, exclude_none=True, exclude={"problem"}
    )


class ProblemHeader(BaseModel):
    """Of a problem, its type."""

    type: str


class RequestHeader(BaseModel):
    """Of a settled request, what does not grow with its problem."""

    problem: ProblemHeader
    algorithm: SettledAlgorithm
    shots: int
    seed: int
    mitigation: Mitigation
    limits: SettledLimits
    reservation_arn: str | None
    name: str | None
    owner: Owner | None = None
    tags: Tags | None = None
    study: str | None = None


class RunHeader(BaseModel):
    """Of a prepared run, what it takes to create, find and cancel its jobs, and to remember it.

    The problem, which may be large, is not read: prepare has validated it, and who computes with it
    reads the whole record.
    """

    model_config = ConfigDict(frozen=True)

    run_id: str
    execution_arn: str
    attempt: int
    created_at: datetime
    request: RequestHeader
    features: Features | None = None
    learning: Learning | None = None
    pack: str | None = None
    device: Device
    state_summary: StateSummary | None
    others: tuple[OtherDevice, ...] = ()
    instance: InstancePrice
    estimate: Cost
    prepare_seconds: float
