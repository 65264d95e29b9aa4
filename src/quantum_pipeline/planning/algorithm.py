"""Chooses the algorithm for a problem, and every setting that the request leaves open.

``settle_algorithm`` is the one place where an algorithm is chosen. It gives its reason with the
figures that it rests on, and the report repeats it.
"""

from __future__ import annotations

from quantum_pipeline.chemistry.excitations import n_excitations
from quantum_pipeline.devices.catalogue import EXACT_QUBITS
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.ising import cones
from quantum_pipeline.planning import tables, vqe
from quantum_pipeline.planning.applicable import foreign, has_groups, solver_of
from quantum_pipeline.planning.blocks import levels
from quantum_pipeline.planning.forms import check_form, describe, describe_encoding
from quantum_pipeline.planning.reasons import Reason, Why
from quantum_pipeline.problems import (
    AnyProblem,
    BinaryProblem,
    Chemistry,
    Classification,
    FormProblem,
)
from quantum_pipeline.problems.base import MAX_TERMS
from quantum_pipeline.requests.algorithm import (
    SHOT_OPTIMIZERS,
    Algorithm,
    Mixer,
    Settled,
    SettledDivide,
    SettledKernel,
    SettledQaoa,
    SettledRqaoa,
    SettledVqe,
)
from quantum_pipeline.requests.request import RUNTIME
from quantum_pipeline.spaces.encoding import Encoding
from quantum_pipeline.wording import memory_size, shown

MAX_VARIABLES = 100_000
"""Most variables of any problem."""

MOST_ROUNDED = 4096
"""Most variables of recursive QAOA."""

BLOCK_SIZE, BLOCK_DEPTH, BLOCK_EVALUATIONS = 14, 4, 40
"""Of divide, if nothing was said: a state of 14 qubits stays in a processor's cache."""

MOST_ROUNDS, FEWEST_ROUNDS, BLOCKS = 300, 20, 350_000
"""Rounds of divide, if nothing was said, and the blocks that all of them solve, about."""

DEVICE_ROUNDS = 4
"""Rounds of divide on devices, if nothing was said: each costs the shots of all its blocks."""

DEVICE_EVALUATIONS = 30
"""Evaluations on a device that are allowed if nothing was said: each costs its shots.

SPSA makes thirteen steps of them, in fifteen tasks where the device takes program sets.
"""

WIDE_TAIL, NARROW_TAIL, MANY_STATES = 0.2, 0.05, 2**14
"""Share of the outcomes whose mean is minimised on a form, if nothing was said.

The narrow one is for many states. With all outcomes a part of the problems ends where most are good
and the best is rare; with so few, small spaces end where it has no more than their share."""

FORM_DEPTH, FEW_STATES = 8, 2**20
"""Most layers on a form, and the states up to which there are as many: a narrow tail takes few
evaluations a layer, and the best state of a LABS of 20 needs all of them."""

CLASSIFIERS = ("kernel", "reuploading")
"""Algorithms that are for tables alone."""

SHOT_DEPTH = 2
"""Layers where energies come from shots, if nothing was said: each more is noise on a device."""


def settle_algorithm(
    problem: AnyProblem,
    asked: Algorithm,
    *,
    exact: bool,
    several: bool = False,
    widest: int | None = None,
    seconds: float = RUNTIME,
) -> tuple[Settled, Reason]:
    """Return the algorithm with nothing left to choose, and why it was chosen.

    ``exact`` means that the run samples the exact state, not a device; ``several``, that it has
    more than one. ``widest`` are the qubits of the widest of them, None where that is not known.
    ``seconds`` is what its job may take.

    Raises:
        InvalidRequest: the algorithm cannot solve this problem, or one of its settings is of
            another algorithm; says what can.
    """
    if isinstance(problem, FormProblem):
        check_form(problem, asked, exact=exact)
        return _on_form(problem, asked, exact=exact)
    if isinstance(problem, Chemistry):
        return _vqe(problem, asked, exact=exact)
    if isinstance(problem, Classification):
        return _classified(problem, asked, exact=exact, seconds=seconds)
    n = problem.n_variables
    check_size(problem)
    if asked.name in ("vqe", *CLASSIFIERS):
        whose = "chemistry" if asked.name == "vqe" else "classification"
        allowed = f"auto, qaoa, rqaoa or divide; {asked.name} is for {whose}"
        raise InvalidRequest.of("algorithm.name", asked.name, allowed)
    solver = solver_of(problem, asked.name, devices=0 if exact else 1 + several)
    refuse_foreign(problem, asked, solver)
    if solver == "divide":
        return _divided(problem, asked, exact=exact, widest=widest)
    if solver == "rqaoa":
        return _recursive(problem, asked, exact=exact)
    if n > EXACT_QUBITS:
        raise InvalidRequest(
            f"problem: got {shown(n)} variables; allowed: 1 to {EXACT_QUBITS}, the widest exact "
            "state vector, or algorithm.name rqaoa or divide"
        )
    what = f"the problem is an Ising model of {n} spins, whose exact state takes"
    return _qaoa(n, asked, f"{what} {memory_size(16 * 2**n)} a vector", exact=exact)


def check_size(problem: BinaryProblem) -> None:
    """Refuse more variables or terms than any algorithm takes.

    Raises:
        InvalidRequest: names them, and how many are allowed.
    """
    n = problem.n_variables
    if n > MAX_VARIABLES:
        raise InvalidRequest(f"problem: got {shown(n)} variables; allowed: 1 to {MAX_VARIABLES}")
    if problem.n_terms > MAX_TERMS:
        raise InvalidRequest(f"problem: got {problem.n_terms} terms; allowed: up to {MAX_TERMS}")


def _on_form(problem: FormProblem, asked: Algorithm, *, exact: bool) -> tuple[SettledQaoa, Reason]:
    """Return QAOA on a form's states: as deep as on a state vector of as many amplitudes.

    On a device it is trained on the states of its circuit.
    """
    _check_on_form(problem, asked)
    encoding = None if exact else Encoding.of(problem.form, asked.inequality)
    states = problem.space.n_states if encoding is None else encoding.space.n_states
    tail = asked.cvar_alpha or (WIDE_TAIL if states < MANY_STATES else NARROW_TAIL)
    layers = asked.max_depth or (FORM_DEPTH if states <= FEW_STATES else None)
    if encoding is not None and not (asked.gammas or isinstance(asked.depth, int)):
        layers = asked.max_depth or SHOT_DEPTH
    what = (
        f"{problem.n_qubits} bits have {problem.space.n_states:,} states that keep the rules of "
        f"their groups ({describe(problem.space)}); a vector of them takes "
        f"{memory_size(16 * states)}"
    )
    mixer: Mixer = "complete" if exact else "ring"
    mixer = mixer if asked.mixer == "auto" else asked.mixer
    if encoding is not None:
        what += f"; {describe_encoding(encoding)}; trained for the device's very circuit"
        if has_groups(problem):
            what += f", whose {mixer} mixer exchanges one pair after the other"
    asked = asked.model_copy(update={"cvar_alpha": tail, "max_depth": layers})
    settled, reason = _qaoa((states - 1).bit_length(), asked, what, exact=True)
    return settled.model_copy(update={"mixer": mixer, "inequality": asked.inequality}), reason


def _check_on_form(problem: FormProblem, asked: Algorithm) -> None:
    """Refuse settings that rest on an Ising model, on shots, or on what is not there."""
    if asked.optimizer in SHOT_OPTIMIZERS:
        raise InvalidRequest.of("algorithm.optimizer", asked.optimizer, "auto, l-bfgs-b or none")
    refuse_foreign(problem, asked)
    if asked.penalty is not None and not problem.form.constraints:
        allowed = "nothing here; no constraint is left that costs, for groups keep all there are"
        raise InvalidRequest.of("algorithm.penalty", asked.penalty, allowed)
    if asked.mixer in ("pairs", "ring") and not has_groups(problem):
        allowed = "auto or complete; no variables form a group, and free ones have X alone"
        raise InvalidRequest.of("algorithm.mixer", asked.mixer, allowed)


def _qaoa(n: int, asked: Algorithm, what: str, *, exact: bool) -> tuple[SettledQaoa, Reason]:
    """Return QAOA of 2^n amplitudes, with ``what`` they are in the words of the reason."""
    given, on_device = len(asked.gammas or ()), asked.train_on == "device"
    optimizer = asked.optimizer
    if optimizer == "auto":
        optimizer = "spsa" if asked.shots_per_evaluation or on_device else "l-bfgs-b"
    if on_device:
        _check_trainable(optimizer, exact=exact)
    without_gradients = optimizer in SHOT_OPTIMIZERS
    if without_gradients and (asked.depth == "auto" or asked.max_depth):
        field = "max_depth" if asked.max_depth else "depth"
        allowed = f"depth as a number with {optimizer}; depth grows with l-bfgs-b alone"
        raise InvalidRequest.of(f"algorithm.{field}", getattr(asked, field), allowed)
    depth = given or asked.depth or (SHOT_DEPTH if without_gradients else "auto")
    if without_gradients and (asked.starts or 1) > 1:
        raise InvalidRequest.of("algorithm.starts", asked.starts, f"1 with {optimizer}")
    starts = 1 if given or without_gradients else asked.starts or default_starts(n)
    layers = asked.max_depth or default_max_depth(n)
    budget = 200 * starts + (100 * layers if depth == "auto" else 0)
    if on_device:
        budget = DEVICE_EVALUATIONS
    settled = SettledQaoa(
        name="qaoa",
        depth=depth,
        max_depth=layers if depth == "auto" else None,
        optimizer=optimizer,
        initial_angles=asked.initial_angles,
        warm_start=asked.warm_start,
        cvar_alpha=asked.cvar_alpha or 1.0,
        shots_per_evaluation=asked.shots_per_evaluation,
        starts=starts,
        train_on=asked.train_on,
        max_evaluations=1 if optimizer == "none" else asked.max_evaluations or budget,
        gammas=asked.gammas,
        betas=asked.betas,
        penalty=asked.penalty,
        learn=asked.learn,
    )
    if depth == "auto":
        deep = f"depth grows to at most {layers}, as long as a layer pays"
    else:
        deep = f"depth {depth}" + (" as asked" if given or asked.depth else ", for few angles")
    words = (
        f"QAOA: {what}; {deep}, "
        f"{starts} {'start' if starts == 1 else 'starts'}, "
        f"{'exact gradients' if optimizer == 'l-bfgs-b' else optimizer}"
        f"{' on the device' if on_device else ''}"
    )
    return settled, Reason(why=_why(asked, Why.SIZE), words=words)


def _check_trainable(optimizer: str, *, exact: bool) -> None:
    if exact:
        allowed = "exact on local; device with one that takes tasks: sv1, dm1 or a QPU"
        raise InvalidRequest.of("algorithm.train_on", "device", allowed)
    if optimizer not in SHOT_OPTIMIZERS:
        allowed = f"{', '.join(SHOT_OPTIMIZERS)} or auto, where train_on is device"
        raise InvalidRequest.of("algorithm.optimizer", optimizer, allowed)


def _recursive(
    problem: BinaryProblem, asked: Algorithm, *, exact: bool
) -> tuple[SettledRqaoa, Reason]:
    n = problem.n_variables
    if asked.optimizer not in ("auto", "l-bfgs-b"):
        raise InvalidRequest.of("algorithm.optimizer", asked.optimizer, "auto or l-bfgs-b in rqaoa")
    if n > MOST_ROUNDED:
        allowed = f"1 to {MOST_ROUNDED} for rqaoa, or algorithm.name divide"
        raise InvalidRequest(f"problem: got {shown(n)} variables; allowed: {allowed}")
    if not exact:
        raise InvalidRequest(
            f"device: rqaoa for {shown(n)} variables rests on exact correlations and samples no "
            "device; allowed: local or auto, or algorithm.cut, with which they are measured"
        )
    depth = asked.depth if isinstance(asked.depth, int) else 1
    if n > cones.EXACT:
        cones.require_fit(problem.ising, depth)
        how = ", from light cones" if depth > 1 else ", in closed form"
    else:
        how = ""
    settled = SettledRqaoa(
        name="rqaoa",
        depth=depth,
        optimizer="l-bfgs-b",
        max_evaluations=asked.max_evaluations or 2000,
        learn=asked.learn,
    )
    wide = f"too many for a state vector (at most {EXACT_QUBITS})"
    words = (
        f"recursive QAOA: {n} spins{f' are {wide}' if n > EXACT_QUBITS else ', as asked'}; its "
        f"correlations at depth {depth} are exact{how}, and fix one variable after the other"
    )
    return settled, Reason(why=_why(asked, Why.SIZE), words=words)


def _divided(
    problem: BinaryProblem, asked: Algorithm, *, exact: bool, widest: int | None
) -> tuple[SettledDivide, Reason]:
    n = problem.n_variables
    if asked.optimizer not in ("auto", "l-bfgs-b"):
        allowed = "auto, known angles for each block, or l-bfgs-b, which optimises them, in divide"
        raise InvalidRequest.of("algorithm.optimizer", asked.optimizer, allowed)
    if asked.depth == "auto":
        raise InvalidRequest.of("algorithm.depth", asked.depth, "a number, or nothing, in divide")
    size = min(asked.block_size or BLOCK_SIZE, max(2, n))
    size = size if widest is None else min(size, widest)
    count = levels(n, size)[0]
    rounds = min(MOST_ROUNDS, max(FEWEST_ROUNDS, BLOCKS // count)) if exact else DEVICE_ROUNDS
    optimised = asked.optimizer == "l-bfgs-b"
    evaluations = (asked.max_evaluations or BLOCK_EVALUATIONS) if optimised else 1
    settled = SettledDivide(
        name="divide",
        depth=asked.depth or (BLOCK_DEPTH if exact else SHOT_DEPTH),
        optimizer="l-bfgs-b" if optimised else "auto",
        block_size=size,
        max_rounds=rounds if asked.max_rounds is None else asked.max_rounds,
        max_evaluations=evaluations,
        learn=asked.learn,
    )
    angles = f"angles optimised in {evaluations} evaluations" if optimised else "known angles"
    words = (
        f"divide: {n:,} spins in {count:,} block{'s' * (count != 1)} of up to {size}, each by QAOA "
        f"of depth {settled.depth} at {angles}"
    )
    if most := settled.max_rounds:
        words += f"; then up to {most} round{'s' * (most != 1)} over blocks that promise gain"
        words += "" if exact else f", {count:,} in each at most"
    words += "" if exact else "; all measured on the device"
    return settled, Reason(why=_why(asked, Why.SIZE), words=words)


def _vqe(problem: Chemistry, asked: Algorithm, *, exact: bool) -> tuple[SettledVqe, Reason]:
    if asked.name not in ("auto", "vqe"):
        allowed = "auto or vqe; a molecule is no Ising model"
        raise InvalidRequest.of("algorithm.name", asked.name, allowed)
    refuse_foreign(problem, asked)
    if asked.optimizer not in ("auto", "l-bfgs-b"):
        raise InvalidRequest.of("algorithm.optimizer", asked.optimizer, "auto or l-bfgs-b in vqe")
    vqe.check_size(problem)
    ansatz, why = vqe.choose_ansatz(problem)
    if asked.ansatz != "auto":
        n = n_excitations(problem.sector)
        ansatz, why = asked.ansatz, f"{asked.ansatz.upper()} as asked, from {n} excitations"
    points = len(problem.lengths)
    settled = SettledVqe(
        name="vqe",
        optimizer="l-bfgs-b",
        ansatz=ansatz,
        max_evaluations=asked.max_evaluations or min(points * vqe.EVALUATIONS[ansatz], 100_000),
        learn=asked.learn,
    )
    sector = problem.sector
    words = (
        f"VQE: {problem.n_qubits} spin orbitals, of whose {2.0**problem.n_qubits:.3g} states the "
        f"{sector.dimension:,} determinants of {sector.n_alpha} + {sector.n_beta} electrons take "
        f"part; {why}; exact gradients"
        f"{'' if exact else '; the energy that they lead to is measured on the device'}"
    )
    return settled, Reason(why=_why(asked, Why.PROBLEM), words=words)


def _classified(
    problem: Classification, asked: Algorithm, *, exact: bool, seconds: float
) -> tuple[Settled, Reason]:
    if asked.name not in ("auto", *CLASSIFIERS):
        allowed = "auto, kernel or reuploading; a table is no Ising model"
        raise InvalidRequest.of("algorithm.name", asked.name, allowed)
    refuse_foreign(problem, asked)
    if exact:
        settled, words = tables.settle(problem, asked, seconds=seconds)
        return settled, Reason(why=_why(asked, Why.SIZE), words=words)
    settled, words = tables.settle(problem, tables.on_device(asked), seconds=seconds)
    assert isinstance(settled, SettledKernel)
    tables.check_entries(problem, settled)
    measured = tables.entries(problem, settled.landmarks)
    words += f", by exact states; of the chosen one {measured:,} entries are measured on the device"
    return settled, Reason(why=_why(asked, Why.SIZE), words=words)


def _why(asked: Algorithm, otherwise: Why) -> Why:
    return otherwise if asked.name == "auto" else Why.ASKED


def refuse_foreign(
    problem: AnyProblem | FormProblem,
    asked: Algorithm,
    solver: str | None = None,
    *,
    cut: bool = False,
) -> None:
    """Refuse settings of other algorithms than the one that solves the problem.

    Raises:
        InvalidRequest: names the setting, and whose it is.
    """
    for field, whose in foreign(problem, solver or asked.name, cut=cut).items():
        value = getattr(asked, field)
        if value != Algorithm.model_fields[field].default:
            allowed = f"nothing here; {field} is a setting of {whose}"
            raise InvalidRequest.of(f"algorithm.{field}", value, allowed)


def default_max_depth(n: int) -> int:
    """Return the most layers for n variables: more where an evaluation takes less time.

    ``python -m benchmarks.instances`` prints how often 1000 shots then hold the optimum.
    """
    return next((depth for widest, depth in _DEEPEST if n <= widest), 2)


_DEEPEST = ((16, 8), (18, 6), (20, 5), (22, 4), (24, 3))


def default_starts(n: int) -> int:
    """Return the starting points for n variables: depth gains more wherever a start takes time."""
    return 3 if n <= 8 else 1
