"""Which axes apply to a setting: what means nothing beside its other values is left out.

Looked at in three steps, since what one leaves out can decide the next: what the device has no use
for, what is a setting of another algorithm, and what the optimiser and the angles leave no choice
of. It does not matter which value the axis has there: ``algorithm.starts`` is left out of a run
whose optimiser starts once, also where it would be 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from quantum_pipeline.devices.catalogue import LOCAL, Device, find
from quantum_pipeline.errors import PipelineError
from quantum_pipeline.planning.applicable import OF_WHOLE, foreign, has_groups, solver_of
from quantum_pipeline.problems import (
    AnyProblem,
    BinaryProblem,
    Chemistry,
    Classification,
    FormProblem,
)
from quantum_pipeline.requests.algorithm import SHOT_OPTIMIZERS

Asked = Mapping[str, Any]
Problem = AnyProblem | FormProblem | None


def without_use(request: Asked, problem: Problem) -> Iterator[frozenset[str]]:
    """Yield the paths of a request that mean nothing beside its others, whatever stands there.

    Args:
        request: as JSON; what is wrong in it is not found here.
        problem: its problem; None where it is not read.

    The next step counts where nothing of those before is in the request.
    """
    for step in _STEPS:
        yield frozenset(step(request, problem))


def _of_the_device(request: Asked, problem: Problem) -> Iterator[str]:
    """What samples no device has no choice of one, and local no errors to mitigate."""
    solver = _solver(request, problem)
    on_exact_states = isinstance(problem, Classification) or solver in ("kernel", "reuploading")
    cut = _algorithm(request).get("cut") is not None
    if (solver == "rqaoa" and not cut) or on_exact_states:
        yield from ("shots", "device", "noise")
    if solver == "divide":  # the best shot of a block counts, no mean
        yield "mitigation"
    named = request.get("device", "auto")
    every = _named(LOCAL if named == "auto" and not _is_open(request) else named)
    if not every:
        return
    kinds, names = {device.kind for device in every}, {device.name for device in every}
    if len(every) > 1 or "qpu" not in kinds:
        yield "reservation_arn"
    if kinds == {"local"}:
        yield "algorithm.inequality"
    noise = request.get("noise")
    noisy = any(noise.values()) if isinstance(noise, Mapping) else bool(noise)
    if all(device.is_ideal(noisy=noisy) for device in every):
        yield "mitigation"
    if kinds == {"local"}:  # it has no width that a circuit exceeds
        yield "algorithm.cut"
    if named != "auto" and "DM1" not in names:
        yield "noise"
    if named != "auto" and kinds == {"local"}:
        yield "algorithm.train_on"


def _of_others(request: Asked, problem: Problem) -> Iterator[str]:
    """What is a setting of another algorithm, or of problems with groups or constraints."""
    name = _name(request)
    if isinstance(problem, BinaryProblem):
        name = _solver(request, problem)
    cut = _algorithm(request).get("cut") is not None
    yield from (f"algorithm.{field}" for field in foreign(problem, name, cut=cut))
    if isinstance(problem, BinaryProblem) and cut:
        yield from (f"algorithm.{field}" for field in OF_WHOLE)
    if isinstance(problem, FormProblem):
        if not problem.form.constraints:
            yield "algorithm.penalty"
        if not has_groups(problem):
            yield "algorithm.mixer"
        if all(each.sense == "==" for each in problem.form.constraints):
            yield "algorithm.inequality"
    if isinstance(problem, Chemistry) or _solver(request, problem) in ("rqaoa", "vqe"):
        yield "algorithm.optimizer"


def _of_the_optimiser(request: Asked, problem: Problem) -> Iterator[str]:
    """What the optimiser, a fixed depth or given angles leave no choice of."""
    asked = _algorithm(request)
    optimizer, depth = asked.get("optimizer", "auto"), asked.get("depth")
    on_shots = asked.get("shots_per_evaluation") or asked.get("train_on") == "device"
    given = asked.get("gammas") is not None
    if optimizer in ("l-bfgs-b", "none"):
        yield from ("algorithm.shots_per_evaluation", "algorithm.train_on")
    if optimizer == "none" or (optimizer == "auto" and _solver(request, problem) == "divide"):
        yield "algorithm.max_evaluations"
    if optimizer in SHOT_OPTIMIZERS:
        yield "algorithm.cut"
    if optimizer in SHOT_OPTIMIZERS or (optimizer == "auto" and on_shots):
        yield from ("algorithm.starts", "algorithm.max_depth")
    if isinstance(depth, int) or given:
        yield "algorithm.max_depth"
    if given:
        yield from ("algorithm.starts", "algorithm.initial_angles")


_STEPS: tuple[Callable[[Asked, Problem], Iterator[str]], ...] = (
    _of_the_device,
    _of_others,
    _of_the_optimiser,
)


def _algorithm(request: Asked) -> Asked:
    found = request.get("algorithm")
    return found if isinstance(found, Mapping) else {}


def _name(request: Asked) -> str:
    return str(_algorithm(request).get("name", "auto"))


def _solver(request: Asked, problem: Problem) -> str:
    name = _name(request)
    if not isinstance(problem, BinaryProblem):
        return name
    if name == "auto" and _algorithm(request).get("cut") is not None:
        return "qaoa"
    return solver_of(problem, name, devices=_devices(request))


def _devices(request: Asked) -> int:
    """Return how many devices are named that take tasks."""
    named = request.get("device", "auto")
    if named == "auto":
        return int(_is_open(request))
    return sum(device.kind != "local" for device in _named(named))


def _is_open(request: Asked) -> bool:
    """Return whether auto means a device that takes tasks."""
    return bool(request.get("noise")) or _algorithm(request).get("train_on") == "device"


def _named(named: object) -> list[Device]:
    """Return the devices of a name, or of a list; not those that are open, or no device's name."""
    if isinstance(named, list | tuple):
        return [device for each in named for device in _named(each)]
    if not isinstance(named, str) or named == "auto":
        return []
    try:
        return [find(named)]
    except PipelineError:
        return []
