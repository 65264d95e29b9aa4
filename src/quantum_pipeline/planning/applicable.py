"""Which settings of the algorithm are another's: of another algorithm, or of other problems.

The planner refuses them by name, and studies leave them out of the runs that they are not for.
"""

from __future__ import annotations

from typing import Literal

from quantum_pipeline.devices.catalogue import EXACT_QUBITS
from quantum_pipeline.problems import (
    AnyProblem,
    BinaryProblem,
    Chemistry,
    Classification,
    FormProblem,
)

_OF_ISING = (
    *("warm_start", "shots_per_evaluation", "train_on", "initial_angles", "ansatz", "cut"),
)
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

_OF_PARTS = dict.fromkeys(("cut",), "qaoa and rqaoa")
"""Settings that those have whose circuits may be cut."""


OF_WHOLE = ("warm_start", "train_on", "cvar_alpha", "shots_per_evaluation", "max_depth")
"""Settings that need samples or the state of the whole, or cuts that depth does not change: a
circuit that is cut has them not."""

_OF_BINARY = ("depth", "cut", *_OF_QAOA)
"""Settings that molecules have not."""

_OF_KERNEL = ("kernel", "encoding", "bandwidth", "regularisation", "landmarks")
_OF_REUPLOADING = ("max_epochs", "batch_rows")
"""Settings that one way to classify alone has."""

_OF_TABLES_ALONE = dict.fromkeys((*_OF_KERNEL, *_OF_REUPLOADING, "folds"), "classification")
"""Settings that tables alone have."""

KERNEL_STATES_BYTES = 2 * 2**30
"""Most bytes of the trained rows' states with which auto takes a kernel, which has them all at
once; re-uploading has those of a batch."""

ROUNDED_BY_AUTO = 100
"""Most variables that auto solves by recursive QAOA.

Of more it takes longer than divide and comes less far: ``benchmarks.divide`` has both."""

Solver = Literal["qaoa", "rqaoa", "divide"]
Classifier = Literal["kernel", "reuploading"]


def foreign(
    problem: AnyProblem | FormProblem | None, name: str, *, cut: bool = False
) -> dict[str, str]:
    """Return the settings that mean nothing here, each with whose they are.

    Args:
        problem: that is solved; None where it is not read, and the name alone can tell.
        name: of the algorithm, as it is asked for: auto is what the problem's size makes of it.
        cut: whether its circuits may be cut.

    >>> from quantum_pipeline.requests.request import parse_problem
    >>> pair = parse_problem({"type": "maxcut", "edges": [[0, 1]]})
    >>> sorted(foreign(pair, "auto"))
    ['ansatz', 'bandwidth', 'batch_rows', 'block_size', 'encoding', 'folds', 'inequality', \
'kernel', 'landmarks', 'max_epochs', 'max_rounds', 'mixer', 'penalty', 'regularisation']
    """
    of_divide = _of_divide(name, cut=cut)
    match problem:
        case None:
            return {} if name == "auto" else of_divide | _by_name(name)
        case FormProblem():
            of_ising = dict.fromkeys(_OF_ISING, "problems with an Ising model")
            return of_ising | of_divide | _OF_TABLES_ALONE
        case Chemistry():
            of_others = _OF_FORMS_ALONE | of_divide | _OF_TABLES_ALONE
            return of_others | dict.fromkeys(_OF_BINARY, "qaoa")
        case Classification():
            return of_divide | _by_name(classifier_of(problem, name))
    solver = solver_of(problem, name)
    return (
        _OF_FORMS_ALONE
        | _OF_TABLES_ALONE
        | {"ansatz": "vqe"}
        | dict.fromkeys(() if solver == "qaoa" else _OF_QAOA, "qaoa")
        | _of_divide(solver, cut=cut)
        | ({} if solver in ("qaoa", "rqaoa") else _OF_PARTS)
    )


def _of_divide(name: str, *, cut: bool) -> dict[str, str]:
    """Return the settings of divide that an algorithm has not."""
    if name == "divide":
        return {}
    rounds = {} if name == "rqaoa" and cut else {"max_rounds": "divide, and of rqaoa with cut"}
    return {"block_size": "divide", **rounds}


def _by_name(name: str) -> dict[str, str]:
    """Return the settings that an algorithm has not, whatever it solves."""
    if name in ("kernel", "reuploading"):
        other = "reuploading" if name == "kernel" else "kernel"
        of_other = _OF_REUPLOADING if name == "kernel" else _OF_KERNEL
        of_qaoa = dict.fromkeys(("optimizer", *_OF_QAOA), "qaoa") | _OF_PARTS
        return _OF_FORMS_ALONE | {"ansatz": "vqe"} | of_qaoa | dict.fromkeys(of_other, other)
    of_qaoa = dict.fromkeys({"vqe": _OF_BINARY, "qaoa": ()}.get(name, _OF_QAOA), "qaoa")
    return _OF_TABLES_ALONE | of_qaoa | ({} if name in ("qaoa", "rqaoa") else _OF_PARTS)


def classifier_of(problem: Classification, name: str) -> Classifier:
    """Return what classifies a table: what is asked for, of auto what its states allow."""
    if name == "auto" and 16 * len(problem.parts.trained) << problem.n_qubits > KERNEL_STATES_BYTES:
        return "reuploading"
    return "reuploading" if name == "reuploading" else "kernel"


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
