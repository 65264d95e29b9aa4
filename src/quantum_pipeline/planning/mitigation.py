"""Decides how a device's errors are mitigated, and refuses what cannot be done."""

from __future__ import annotations

from typing import Literal

from quantum_pipeline.devices.catalogue import Device
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.planning.applicable import has_groups
from quantum_pipeline.planning.reasons import Reason, Why
from quantum_pipeline.problems import AnyProblem, BinaryProblem, Classification, FormProblem
from quantum_pipeline.requests.mitigation import WIDEST_OF_BOTH, Mitigation
from quantum_pipeline.requests.request import Request
from quantum_pipeline.spaces.encoding import Encoding

AUTO = Mitigation(readout=True, zne="exponential", scales=(1.0, 3.0), symmetry=True)
"""What auto does about the errors of a QPU, or of noise that is simulated.

Noise takes an energy exponentially to that of the mixed state, which is known: two scales give the
rest, and each more costs its shots.
"""


def settle_mitigation(
    request: Request,
    problem: AnyProblem,
    device: Device,
    *,
    divides: bool = False,
    cut: bool = False,
) -> tuple[Mitigation, Reason | None]:
    """Return the mitigation of a request on its device, and the reason of what was chosen.

    ``divides`` means that blocks are solved there, by the best of their shots, and ``cut`` that
    the circuit is in parts, whose energy is no mean of shots that could be extrapolated.

    Raises:
        InvalidRequest: something is asked that cannot be done there.
    """
    asked, ideal = request.mitigation, _is_ideal(request, device)
    if divides and not ideal:
        return _of_best_shots(asked)
    if asked == "none" or (isinstance(asked, Mitigation) and asked.is_none):
        return Mitigation() if asked == "none" else asked, None
    if cut:
        return _of_parts(asked)
    if asked == "auto" and (ideal or request.shots == 1):
        words = f"{device.name} makes no errors" if ideal else "one shot has no spread"
        why = Why.NO_ERRORS if ideal else Why.ONE_SHOT
        return Mitigation(), Reason(why=why, words=f"none: {words}")
    if isinstance(problem, Classification) and not ideal:
        return _of_kernel(asked, device)
    return _of_energy(request, asked, problem, device, ideal=ideal)


def _of_energy(
    request: Request,
    asked: Literal["auto"] | Mitigation,
    problem: AnyProblem,
    device: Device,
    *,
    ideal: bool,
) -> tuple[Mitigation, Reason | None]:
    """Return what is done about the errors of an energy, and why where it was chosen."""
    no_symmetry = _why_no_symmetry(request, problem)
    n = problem.n_qubits
    if isinstance(problem, FormProblem):
        n = Encoding.of(problem.form, request.algorithm.inequality).space.n_bits
    if isinstance(asked, Mitigation):
        shots = request.shots
        _check_asked(asked, problem, device, n=n, shots=shots, ideal=ideal, no_symmetry=no_symmetry)
        return asked, None
    return _chosen(problem, device, n, no_symmetry)


def _of_best_shots(
    asked: Literal["none", "auto"] | Mitigation,
) -> tuple[Mitigation, Reason]:
    """Return that nothing is mitigated: no energy is averaged that errors could shift."""
    if isinstance(asked, Mitigation) and not asked.is_none:
        raise InvalidRequest(
            "mitigation: got methods for an energy; allowed: none or auto in divide, which takes "
            "the best shot of each block, whose energy is computed from its bits"
        )
    words = (
        "none: of the shots of each block the best counts, whose energy is computed from its bits; "
        "a readout that errs makes another answer, not a wrong energy"
    )
    return Mitigation(), Reason(why=Why.BEST_SHOT, words=words)


def _of_kernel(
    asked: Literal["auto"] | Mitigation, device: Device
) -> tuple[Mitigation, Reason | None]:
    """Return what is mitigated of an entry, which is a probability: the errors of its readout."""
    if isinstance(asked, Mitigation):
        if asked.zne != "none":
            allowed = "none for a kernel, whose entries are probabilities and no energies"
            raise InvalidRequest.of("mitigation.zne", asked.zne, allowed)
        if asked.symmetry:
            allowed = "false: states of rows have no symmetry that shots could break"
            raise InvalidRequest.of("mitigation.symmetry", True, allowed)
        return asked, None
    words = (
        f"{device.name} makes errors of gates and readout: readout correction of each entry, and "
        "the matrix of trained rows is made positive; entries are no energies, so nothing is "
        "extrapolated"
    )
    return Mitigation(readout=True), Reason(why=Why.ERRORS, words=words)


def _of_parts(asked: Mitigation | Literal["auto"]) -> tuple[Mitigation, Reason]:
    if asked != "auto":
        field = "zne" if asked.zne != "none" else "symmetry" if asked.symmetry else "readout"
        off = "none" if field == "zne" else "false"
        allowed = f"{off} where the circuit is cut: its energy is put together from many"
        raise InvalidRequest.of(f"mitigation.{field}", getattr(asked, field), allowed)
    words = "none: energies of a circuit that is cut are put together from many, each unmitigated"
    return Mitigation(), Reason(why=Why.CUT, words=words)


def _is_ideal(request: Request, device: Device) -> bool:
    return device.is_ideal(noisy=request.noise is not None and not request.noise.is_none)


def _why_no_symmetry(request: Request, problem: AnyProblem) -> str | None:
    """Return why no symmetry of a problem can be checked, None where one can.

    That of a molecule is its number of electrons, of a problem on a form the rules of its groups:
    the shots of their measurement show it by themselves.
    """
    if isinstance(problem, FormProblem):
        return (
            None
            if has_groups(problem)
            else "no variables form a group whose rule shots could break"
        )
    if not isinstance(problem, BinaryProblem):
        return None
    if any(problem.ising.fields):
        return "the problem has fields, which the flip of all bits changes"
    warm = request.algorithm.warm_start
    return None if warm == "none" else f"a {warm} start breaks the flip of all bits"


def _check_asked(
    asked: Mitigation,
    problem: AnyProblem,
    device: Device,
    *,
    n: int,
    shots: int,
    ideal: bool,
    no_symmetry: str | None,
) -> None:
    if ideal:
        raise InvalidRequest(
            f"mitigation: {device.name} makes no errors; allowed: none or auto there, or a QPU, or "
            "dm1 with noise"
        )
    if shots == 1:
        allowed = "2 or more: with mitigation, whose errors take a spread to be estimated"
        raise InvalidRequest.of("shots", shots, allowed)
    if asked.symmetry and no_symmetry is not None:
        raise InvalidRequest.of("mitigation.symmetry", True, f"false: {no_symmetry}")
    if asked.readout and n > WIDEST_OF_BOTH and isinstance(problem, FormProblem):
        allowed = f"false on more than {WIDEST_OF_BOTH} qubits for {problem.type}, these are {n}"
        raise InvalidRequest.of("mitigation.readout", True, allowed)
    if asked.symmetry and asked.readout and n > WIDEST_OF_BOTH:
        raise InvalidRequest(
            f"mitigation: got readout and symmetry on {n} qubits; allowed: both on "
            f"up to {WIDEST_OF_BOTH}, or one of them"
        )


def _chosen(
    problem: AnyProblem, device: Device, n: int, no_symmetry: str | None
) -> tuple[Mitigation, Reason]:
    narrow, on_form = n <= WIDEST_OF_BOTH, isinstance(problem, FormProblem)
    if no_symmetry is None and not narrow and isinstance(problem, BinaryProblem):
        no_symmetry = f"readouts are corrected, and both at once on up to {WIDEST_OF_BOTH} qubits"
    symmetry, readout = no_symmetry is None, narrow or (no_symmetry is not None and not on_form)
    checked = "shots that break a group's rule left out" if on_form else "a symmetry checked"
    chosen = AUTO.model_copy(update={"symmetry": symmetry, "readout": readout})
    scales = ", ".join(f"{scale:g}" for scale in chosen.scales)
    words = (
        f"{device.name} makes errors of gates and readout: "
        f"{'readout correction' if readout else 'no readout correction on so many qubits'}, "
        f"{chosen.zne} extrapolation from noise scales {scales}, "
        f"{checked if symmetry else f'no symmetry, for {no_symmetry}'}"
    )
    return chosen, Reason(why=Why.ERRORS, words=words)
