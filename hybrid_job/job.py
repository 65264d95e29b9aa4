"""What a solver is given: the prepared run, its journal, its clock and random numbers.

A job is of one kind for each solver, with what that solver reads of the request by its type.
"""

from __future__ import annotations

import itertools
import platform
import time
from dataclasses import dataclass

import numpy as np
import scipy

import quantum_pipeline
from hybrid_job.engines.choice import free_bytes
from hybrid_job.journal import Journal
from hybrid_job.metrics import log_metric
from hybrid_job.optimising.optimiser import Evaluate, Real
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.ising import IsingModel
from quantum_pipeline.ising.exact import ExactEnergies
from quantum_pipeline.planning.memory import BASE_BYTES, memory_bytes
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.planning.runtimes import QUEUE_SECONDS
from quantum_pipeline.planning.tasks import SAMPLES
from quantum_pipeline.problems import Chemistry, FormProblem
from quantum_pipeline.problems.classification import Classification
from quantum_pipeline.requests.algorithm import (
    SettledCutQaoa,
    SettledCutRqaoa,
    SettledDivide,
    SettledKernel,
    SettledQaoa,
    SettledReuploading,
    SettledRqaoa,
    SettledVqe,
)
from quantum_pipeline.spaces import Form
from quantum_pipeline.spaces.encoding import Encoding
from quantum_pipeline.spaces.mixers import Mixer
from quantum_pipeline.wording import memory_size


@dataclass(frozen=True)
class Job:
    """A run being solved; ``started`` is its time of ``time.monotonic``, in seconds."""

    prepared: PreparedRun
    journal: Journal
    started: float

    def rng(self, purpose: str) -> np.random.Generator:
        """Return the generator of one purpose: none depends on how much others drew."""
        return np.random.default_rng([self.prepared.request.seed, *purpose.encode()])

    def deadline(self, reserved: float) -> float:
        """Return the time of ``time.monotonic`` by which to stop, so that the job ends by itself.

        What comes after the training (baseline, samples, result) may take a tenth of the limit, at
        least 2 seconds and at most 600, and never more than half of it. ``reserved``, from 0 to 1,
        is the part of that which is still to come.
        """
        limit = self.prepared.request.limits.max_runtime_seconds
        return self.started + limit - reserved * min(limit / 2, max(2.0, limit / 10), 600.0)

    @property
    def training_deadline(self) -> float:
        """Return the time of ``time.monotonic`` by which training stops.

        It leaves a device the time that its samples may take and wait, up to half of all there is.
        """
        end = self.deadline(reserved=1.0)
        kind = self.prepared.device.kind
        if kind == "local":
            return end
        samples = sum(use.seconds for use in self.prepared.plan.uses if use.purpose == SAMPLES)
        return end - min((end - self.started) / 2, QUEUE_SECONDS[kind] + samples)

    @property
    def classical_seconds(self) -> float:
        """Seconds that the classical baseline may take: a tenth of the limit, at most twenty."""
        return min(20.0, self.prepared.request.limits.max_runtime_seconds / 10)

    @property
    def seconds(self) -> float:
        """Seconds since the job started."""
        return time.monotonic() - self.started

    def check_memory(self, what: str) -> None:
        """Refuse what would not fit the memory that is free, before any of it is allocated.

        Raises:
            InvalidRequest: says what ``what``, such as "30 qubits", need, and what there is.
        """
        needed, free = memory_bytes(self.prepared.request) - BASE_BYTES, free_bytes()
        if needed > free:
            raise InvalidRequest(
                f"problem: {what} need {memory_size(needed)}; "
                f"allowed: what fits the {memory_size(free)} that are free here"
            )

    def recorded(self, evaluate: Evaluate, offset: float = 0.0) -> Evaluate:
        """Return the same evaluation, read from the journal where it stands there.

        Each is logged as the metric ``energy``, with ``offset`` added.
        """
        numbers = itertools.count(1)

        def recorded(parameters: Real) -> tuple[float, Real]:
            found = self.journal.evaluation(parameters, parameters.shape)
            if found is None:
                found = evaluate(parameters)
                self.journal.record_evaluation(parameters, *found)
            log_metric("energy", offset + found[0], next(numbers))
            return found

        return recorded


@dataclass(frozen=True)
class BinaryJob(Job):
    """A run whose problem is one of binary variables."""

    @property
    def model(self) -> IsingModel:
        """The Ising model of the problem, less its constant: so are all energies of the job."""
        return self.prepared.ising

    @property
    def exact(self) -> ExactEnergies:
        """What decides which energy is lower."""
        return self.prepared.binary.exact


@dataclass(frozen=True)
class QaoaJob(BinaryJob):
    """A run of QAOA."""

    algorithm: SettledQaoa


@dataclass(frozen=True)
class CutJob(QaoaJob):
    """A run of QAOA whose circuit is cut into parts."""

    algorithm: SettledCutQaoa


@dataclass(frozen=True)
class RqaoaJob(BinaryJob):
    """A run of recursive QAOA."""

    algorithm: SettledRqaoa


@dataclass(frozen=True)
class CutRqaoaJob(RqaoaJob):
    """A run of recursive QAOA whose circuits are cut into parts."""

    algorithm: SettledCutRqaoa


@dataclass(frozen=True)
class DivideJob(BinaryJob):
    """A run of divide: QAOA of blocks."""

    algorithm: SettledDivide


@dataclass(frozen=True)
class VqeJob(Job):
    """A run of VQE."""

    algorithm: SettledVqe
    problem: Chemistry


@dataclass(frozen=True)
class ClassificationJob(Job):
    """A run whose problem is a table."""

    problem: Classification
    algorithm: SettledKernel | SettledReuploading


@dataclass(frozen=True)
class KernelJob(ClassificationJob):
    """A run of a quantum kernel."""

    algorithm: SettledKernel


@dataclass(frozen=True)
class ReuploadingJob(ClassificationJob):
    """A run of a re-uploading circuit."""

    algorithm: SettledReuploading


@dataclass(frozen=True)
class ConstrainedJob(Job):
    """A run of QAOA on the states of a form."""

    algorithm: SettledQaoa
    problem: FormProblem

    @property
    def form(self) -> Form:
        """What is solved."""
        return self.problem.form

    @property
    def mixer(self) -> Mixer:
        """What moves groups among their levels."""
        return self.algorithm.settled_mixer

    @property
    def encoding(self) -> Encoding:
        """The form as a device's circuit has it."""
        return Encoding.of(self.form, self.algorithm.inequality)


def versions() -> dict[str, str]:
    """Return the versions of what computes a result."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "quantum-pipeline": quantum_pipeline.__version__,
    }
