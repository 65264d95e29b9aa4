"""Estimates what a request takes before it is submitted: qubits, memory, time and cost."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from pydantic import BaseModel, ConfigDict

from quantum_pipeline.planning import costs
from quantum_pipeline.planning.costs import Cost
from quantum_pipeline.planning.cuts import CutPlan, cut_plan
from quantum_pipeline.planning.expected import expected_seconds
from quantum_pipeline.planning.forms import describe_encoding, encoding_of, qubits_of
from quantum_pipeline.planning.memory import memory_bytes
from quantum_pipeline.planning.plan import Plan, Planned
from quantum_pipeline.planning.prepared import OtherDevice, Preparation
from quantum_pipeline.planning.runtimes import STARTUP_SECONDS, job_seconds
from quantum_pipeline.planning.tasks import TRAINING
from quantum_pipeline.problems import FormProblem
from quantum_pipeline.requests.algorithm import SettledCut, SettledDivide, SettledRqaoa
from quantum_pipeline.requests.request import ResolvedRequest
from quantum_pipeline.wording import digits, duration, memory_size

LEARNS = "from earlier runs, as the catalogue has them when the run starts; here without them"


class Estimate(BaseModel):
    """What one run is expected to take on AWS, and whether it would start.

    Tasks and shots are upper bounds, seconds allowances, as ``planning.costs`` has them;
    ``expected_seconds`` are what its job should take, as ``planning.expected`` has it.
    ``n_variables`` are those of a problem whose variables are never all in one circuit, else None.
    ``least_usd`` is the cost of its smallest part that is of use. ``plan`` is what is done on
    ``device``, ``others`` have what is done on each device beside it.
    """

    model_config = ConfigDict(frozen=True)

    problem_type: str
    n_qubits: int
    n_variables: int | None
    rules: str | None
    algorithm: str
    learning: str | None
    device: str
    device_because: str
    emulated: str | None
    mitigation: str | None
    cut: CutPlan | None
    reserved: bool
    memory_bytes: int
    max_evaluations: int
    max_runtime_seconds: int
    runtime_because: str
    job_seconds: float
    expected_seconds: float | None
    plan: Plan
    others: tuple[OtherDevice, ...] = ()
    cost: Cost
    total_usd: float
    least_usd: float
    max_cost_usd: float
    allow_partial: bool

    def _size(self) -> str:
        if self.n_variables is not None:
            return f"{self.n_variables:,} variables"
        return f"{self.n_qubits} qubits{'' if self.cut is None else ' in the widest part'}"

    def lines(self) -> Iterator[tuple[str, str]]:
        """Return what a person wants to read of it."""
        yield "problem", f"{self.problem_type}, {self._size()}"
        if self.cut is not None:
            yield "cut", self.cut.words()
        if self.rules is not None:
            yield "rules", self.rules
        yield "algorithm", self.algorithm
        if self.learning is not None:
            yield "learning", self.learning
        names = ", ".join(name for name, _ in self.shares)
        yield "device", f"{names}: {self.device_because}"
        if self.emulated is not None:
            yield "emulated", "on this machine: a rehearsal; sources with --json"
        if self.mitigation is not None:
            yield "mitigation", self.mitigation
        yield "memory", memory_size(self.memory_bytes)
        yield "expected", expected_words(self.expected_seconds, on_device=bool(self.plan.uses))
        yield "counted", f"{STARTUP_SECONDS} s to start + {self._computing()}"
        yield "time limit", f"{self.max_runtime_seconds:,} s for the job: {self.runtime_because}"
        for name, planned in self.shares:
            for use in planned.uses:
                yield use.purpose, _measured(planned, use) + (f" on {name}" if self.others else "")
        for item in self.cost.items:
            yield "cost", f"{item.usd:.4f} USD  {item.what}, {item.amount}"
        if self.reserved:
            yield "reserved", "billed by its hours and apart: tasks and shots in it have no fees"
        yield "total", f"{self.total_usd:.4f} USD on AWS, {self._verdict()}"
        yield "prices", self.cost.prices_as_of
        yield "beside", costs.BESIDE

    @property
    def shares(self) -> Iterator[tuple[str, Plan]]:
        """What is planned on each device."""
        yield self.device, self.plan
        for each in self.others:
            yield each.device.name, each.plan

    def _computing(self) -> str:
        """Return the time that is counted after the start: the whole limit, or an allowance."""
        seconds = ceil(self.job_seconds - STARTUP_SECONDS)
        if seconds >= self.max_runtime_seconds:
            return "the whole time limit"
        return f"{seconds:,} s for up to {_counted(self.max_evaluations, 'evaluation')} (allowance)"

    def _verdict(self) -> str:
        """Return what would happen, with the limit of the cost."""
        limit = f"limits.max_cost_usd = {digits(self.max_cost_usd)}"
        if self.total_usd <= self.max_cost_usd:
            return f"within {limit}"
        if self.allow_partial and self.least_usd <= self.max_cost_usd:
            return f"ABOVE {limit}: would start, and stop below it"
        return f"ABOVE {limit}: refused"


def _measured(planned: Plan, use: Planned) -> str:
    """Return what a plan has for one purpose, in words."""
    (shots,) = {batch.shots for batch in planned.batches if batch.purpose == use.purpose}
    measured = "evaluation" if use.purpose == TRAINING else "circuit"
    return (
        f"{_counted(use.executables, measured)} of {shots:,} shots in "
        f"{_counted(use.tasks, 'task')}, about {max(use.seconds, 0.1):.1f} s"
    )


def expected_words(seconds: float | None, *, on_device: bool = False) -> str:
    """Return how long a run should take on AWS, where that is known, in words."""
    computing = "a time to compute that is not known" if seconds is None else duration(seconds)
    queue = ", and what the device's queue takes, which nobody knows" if on_device else ""
    return f"{duration(STARTUP_SECONDS)} to start, then {computing}{queue}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number:,} {what}s"


def _rules(request: ResolvedRequest) -> str | None:
    """Return what keeps the rules of a problem on a form; None of other problems."""
    problem, asked = request.problem, request.algorithm.penalty
    if not isinstance(problem, FormProblem):
        return None
    left, kept = len(problem.form.constraints), "groups keep theirs by themselves"
    if not left:
        return f"{kept}; no constraint is left that costs"
    encoding = encoding_of(request)
    if encoding is not None:
        return f"{kept}; {describe_encoding(encoding)}"
    weight = "twice the least that will do, found in the job" if asked is None else f"{asked:g}"
    return (
        f"{kept}; {_counted(left, 'constraint')} left: a unit of violation costs {weight} "
        "(algorithm.penalty), without bits of slack"
    )


def _in_one_circuit(request: ResolvedRequest) -> bool:
    """Return whether a circuit has a qubit for each variable: blocks and light cones have fewer."""
    algorithm = request.algorithm
    return isinstance(algorithm, SettledCut) or not isinstance(
        algorithm, SettledDivide | SettledRqaoa
    )


def estimate(found: Preparation) -> Estimate:
    """Return the estimate of a run on AWS."""
    request = found.request
    return Estimate(
        problem_type=request.problem.type,
        n_qubits=qubits_of(request),
        n_variables=None if _in_one_circuit(request) else request.problem.n_qubits,
        rules=_rules(request),
        algorithm=found.reasons.algorithm.words,
        learning=LEARNS if request.algorithm.learn else None,
        device=found.device.name,
        device_because=found.reasons.device.words,
        emulated=None if found.state is None else found.state.emulated,
        mitigation=found.reasons.mitigation and found.reasons.mitigation.words,
        cut=cut_plan(request),
        reserved=request.reservation_arn is not None,
        memory_bytes=memory_bytes(request),
        max_evaluations=request.algorithm.max_evaluations,
        max_runtime_seconds=request.limits.max_runtime_seconds,
        runtime_because=found.reasons.runtime.words,
        job_seconds=job_seconds(request, found.device),
        expected_seconds=expected_seconds(request, found.device, found.plan),
        plan=found.plan,
        others=found.others,
        cost=found.cost,
        total_usd=found.cost.total_usd,
        least_usd=found.least.total_usd,
        max_cost_usd=request.limits.max_cost_usd,
        allow_partial=request.limits.allow_partial,
    )
