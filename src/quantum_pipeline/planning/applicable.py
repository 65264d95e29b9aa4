"""Which settings of the algorithm are another's: of another algorithm, or of other problems.

The planner refuses them by name, and studies leave them out of the runs that they are not for.
"""

from __future__ import annotations

from typing import Literal

from quantum_pipeline.devices.catalogue import EXACT_QUBITS
from quantum_pipeline.problems import AnyProblem, BinaryProblem, Chemistry, FormProblem

_OF_ISING = ("warm_start", "shots_per_evaluation", "train_on", "initial_angles", "ansatz")
"""Settings that forms have not."""

_OF_FORMS_ALONE = dict.fromkeys(
    ("mixer", "penalty", "inequality"), "problems with groups or constraints"
)
"""Settings that they alone have."""

_OF_QAOA = (
    *("warm_start", "cvar_alpha", "shots_per_evaluation", "train_on", "starts", "gammas"),
    *("max_depth", "initial_angles"),
)
"""Settings that only QAOA has."""


_OF_BINARY = ("depth", *_OF_QAOA)
"""Settings that molecules have not."""

_OF_DIVIDE = ("block_size", "max_rounds")
"""Settings that divide alone has."""

ROUNDED_BY_AUTO = 100
"""Most variables that auto solves by recursive QAOA.

Of more it takes longer than divide and comes less far: ``benchmarks.divide`` has both."""

Solver = Literal["qaoa", "rqaoa", "divide"]


def foreign(problem: AnyProblem | FormProblem | None, name: str) -> dict[str, str]:
    """Return the settings that mean nothing here, each with whose they are.

    Args:
        problem: that is solved; None where it is not read, and the name alone can tell.
        name: of the algorithm, as it is asked for: auto is what the problem's size makes of it.

    >>> from quantum_pipeline.requests.request import parse_problem
    >>> pair = parse_problem({"type": "maxcut", "edges": [[0, 1]]})
    >>> sorted(foreign(pair, "auto"))
    ['ansatz', 'block_size', 'inequality', 'max_rounds', 'mixer', 'penalty']
    """
    of_divide = {} if name == "divide" else dict.fromkeys(_OF_DIVIDE, "divide")
    match problem:
        case None:
            of_qaoa = {"vqe": _OF_BINARY, "rqaoa": _OF_QAOA, "divide": _OF_QAOA}.get(name, ())
            return ({} if name == "auto" else of_divide) | dict.fromkeys(of_qaoa, "qaoa")
        case FormProblem():
            return dict.fromkeys(_OF_ISING, "problems with an Ising model") | of_divide
        case Chemistry():
            return _OF_FORMS_ALONE | dict.fromkeys(_OF_BINARY, "qaoa") | of_divide
    solver = solver_of(problem, name)
    return (
        _OF_FORMS_ALONE
        | {"ansatz": "vqe"}
        | dict.fromkeys(() if solver == "qaoa" else _OF_QAOA, "qaoa")
        | dict.fromkeys(() if solver == "divide" else _OF_DIVIDE, "divide")
    )


def solver_of(problem: BinaryProblem, name: str, *, devices: int = 0) -> Solver:
    """Return what solves an Ising model: what is asked for, of auto what its size allows.

    ``devices`` is how many sample it: of several, and of what is too wide to be trained, auto
    divides the problem.
    """
    n = problem.n_variables
    if name == "auto" and devices and (devices > 1 or n > EXACT_QUBITS):
        return "divide"
    if name == "divide" or (name == "auto" and n > ROUNDED_BY_AUTO):
        return "divide"
    return "rqaoa" if name == "rqaoa" or (name == "auto" and n > EXACT_QUBITS) else "qaoa"


def has_groups(problem: FormProblem) -> bool:
    """Return whether variables form groups with a rule, which a mixer keeps."""
    return any(group.ones is not None for group in problem.space.groups)
