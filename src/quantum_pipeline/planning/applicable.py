"""Which settings of the algorithm are another's: of another algorithm, or of other problems.

The planner refuses them by name, and studies leave them out of the runs that they are not for.
"""

from __future__ import annotations

from quantum_pipeline.devices.catalogue import EXACT_QUBITS
from quantum_pipeline.problems import AnyProblem, BinaryProblem, Chemistry, FormProblem

_OF_ISING = ("warm_start", "shots_per_evaluation", "train_on", "initial_angles", "ansatz")
"""Settings that forms have not."""

_OF_FORMS = ("mixer", "penalty")
"""Settings that they alone have."""

_OF_QAOA = (
    *("warm_start", "cvar_alpha", "shots_per_evaluation", "train_on", "starts", "gammas"),
    *("max_depth", "initial_angles"),
)
"""Settings that only QAOA has."""


_OF_BINARY = ("depth", *_OF_QAOA)
"""Settings that molecules have not."""


def foreign(problem: AnyProblem | FormProblem | None, name: str) -> dict[str, str]:
    """Return the settings that mean nothing here, each with whose they are.

    Args:
        problem: that is solved; None where it is not read, and the name alone can tell.
        name: of the algorithm, as it is asked for: auto is what the problem's size makes of it.

    >>> from quantum_pipeline.requests.request import parse_problem
    >>> pair = parse_problem({"type": "maxcut", "edges": [[0, 1]]})
    >>> foreign(pair, "auto")
    {'mixer': 'problems with groups or constraints', 'penalty': 'problems with groups or \
constraints', 'ansatz': 'vqe'}
    """
    if problem is None:
        return dict.fromkeys({"vqe": _OF_BINARY, "rqaoa": _OF_QAOA}.get(name, ()), "qaoa")
    if isinstance(problem, FormProblem):
        return dict.fromkeys(_OF_ISING, "problems with an Ising model")
    found = dict.fromkeys(_OF_FORMS, "problems with groups or constraints")
    if isinstance(problem, Chemistry):
        return found | dict.fromkeys(_OF_BINARY, "qaoa")
    found["ansatz"] = "vqe"
    return found | dict.fromkeys(_OF_QAOA if is_recursive(problem, name) else (), "qaoa")


def is_recursive(problem: BinaryProblem, name: str) -> bool:
    """Return whether recursive QAOA solves a problem: asked for, or too wide for a state vector."""
    return name == "rqaoa" or (name == "auto" and problem.n_variables > EXACT_QUBITS)


def has_groups(problem: FormProblem) -> bool:
    """Return whether variables form groups with a rule, which a mixer keeps."""
    return any(group.ones is not None for group in problem.space.groups)
