"""Checks a result's claims about its device against the run, its tasks and each other.

The counts of a noisy device cannot be computed again. But there may be no more of them than the
tasks took, and no fewer than were asked for unless the run was cut short or a QPU returned fewer;
their mean, the raw energy, each problem's own checks recompute. The circuit is on different qubits
and uses couplers of the device; mitigation did nothing that was not asked for, and its energy
counts only where calibration circuits speak for it. The mitigated energies, the compilation and the
tasks themselves are the job's word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.requests.mitigation import Mitigation
from quantum_pipeline.results.base import JobResult, check_equal
from quantum_pipeline.results.device_run import Compilation, DeviceShare, MitigationOutcome
from quantum_pipeline.wording import refusal

LEAST_RETURNED = 0.9
"""Part of the shots that a QPU returns at least; what it could not read it leaves out."""


def check_device_run(
    result: JobResult, prepared: PreparedRun, *, n_qubits: int, counted: int
) -> None:
    """Check a result's claims about its device against the run; ``counted`` shots are its own.

    Raises:
        InvalidResult: names the figure, the claim and what the run has.
    """
    run, tasks = result.device_run, result.tasks
    if prepared.device.kind == "local":
        check_equal("tasks", len(tasks), 0)
        check_equal("device_run", run, None)
        return
    if run is None or not tasks:
        missing = "device_run" if run is None else "tasks"
        allowed = f"what ran on {prepared.device.name}"
        raise InvalidResult(refusal(missing, None if run is None else [], allowed))
    summary = prepared.state_summary
    if summary is not None:
        check_equal("device_run: emulated", run.emulated is not None, summary.emulated is not None)
    check_equal("device_run.cut_short_by", bool(run.cut_short_by), run.cut_short is not None)
    extra = run.mitigation.extra_shots if run.mitigation else 0
    paid = sum(task.shots for task in tasks)
    if prepared.device.kind == "qpu" and counted < prepared.request.shots:
        paid = int(paid / LEAST_RETURNED)  # what is not returned is not billed either
    if counted + extra > paid:
        allowed = f"up to {paid - counted}, which the tasks took beside {counted}"
        raise InvalidResult(refusal("mitigation.extra_shots", extra, allowed))
    if run.compilation is not None:
        names = [device.name for device in prepared.devices]
        _check_compilation(run.compilation, n_qubits, names)
    if run.mitigation is not None:
        _check_mitigation(run.mitigation, prepared.request.mitigation)


def check_shots(result: JobResult, counted: int, prepared: PreparedRun) -> None:
    """Hold the shots that were counted to those that were asked for.

    A run that was cut short has fewer, and a QPU may return fewer than it was sent.

    Raises:
        InvalidResult: names both.
    """
    run, asked = result.device_run, prepared.request.shots
    least = asked
    if run is not None and run.cut_short_by:
        least = 1
    elif run is not None and prepared.device.kind == "qpu":
        least = max(1, int(LEAST_RETURNED * asked))
    if not least <= counted <= asked:
        check_equal("counts", counted, asked)


def check_devices(shares: Sequence[DeviceShare], result: JobResult, prepared: PreparedRun) -> None:
    """Hold what each device did to the circuits of its tasks.

    Raises:
        InvalidResult: names the device, the claim and what its tasks have.
    """
    on_devices = prepared.device.kind != "local"
    names = [device.name for device in prepared.devices] if on_devices else []
    check_equal("devices", [each.device for each in shares], names)
    paid = Counter[str]()
    for task in result.tasks:
        name = task.device or prepared.device.name
        if name not in names:
            raise InvalidResult(refusal("tasks: device", name, ", ".join(names)))
        paid[name] += task.executables
    for each in shares:
        if each.circuits > paid[each.device]:
            allowed = f"up to {paid[each.device]}, those of its tasks"
            said = refusal(f"devices: circuits of {each.device}", each.circuits, allowed)
            raise InvalidResult(said)


def _check_compilation(compilation: Compilation, n_qubits: int, devices: list[str]) -> None:
    if compilation.device is not None and compilation.device not in devices:
        allowed = ", ".join(devices)
        raise InvalidResult(refusal("compilation.device", compilation.device, allowed))
    qubits = compilation.qubits
    if len(qubits) != n_qubits or len(set(qubits)) != n_qubits:
        allowed = f"{n_qubits} different qubits"
        raise InvalidResult(refusal("compilation.qubits", list(qubits), allowed))
    coupled = {frozenset(pair) for pair in compilation.couplers}
    for pair in compilation.used:
        if frozenset(pair) not in coupled:
            raise InvalidResult(refusal("compilation.used", list(pair), "a coupler of the device"))
    gates = compilation.compiled.two_qubit_gates
    if gates < len(compilation.used):
        allowed = f"at least one on each of {len(compilation.used)} couplers that are used"
        raise InvalidResult(refusal("compilation.compiled.two_qubit_gates", gates, allowed))


def _check_mitigation(outcome: MitigationOutcome, asked: Mitigation) -> None:
    wanted = {
        "readout": asked.readout,
        "symmetry": asked.symmetry,
        "zne": asked.zne != "none",
    }
    for method in outcome.methods:
        if not wanted[method]:
            allowed = ", ".join(name for name, want in wanted.items() if want) or "none"
            raise InvalidResult(refusal("mitigation.methods", method, allowed))
    check_equal(
        "mitigation.methods: zne", "zne" in outcome.methods, outcome.extrapolation != "none"
    )
    _check_extrapolation(outcome, asked)
    raw = sum((each.raw.energy - each.exact) ** 2 for each in outcome.checks)
    mitigated = sum((each.mitigated.energy - each.exact) ** 2 for each in outcome.checks)
    if outcome.kept == "mitigated" and mitigated >= raw:
        allowed = "raw, whose errors on the calibration circuits are not larger"
        raise InvalidResult(refusal("mitigation.kept", outcome.kept, allowed))


def _check_extrapolation(outcome: MitigationOutcome, asked: Mitigation) -> None:
    """Hold the forms to the one that was asked for, or a line in its place, and to the scales."""
    check_equal("mitigation.extrapolation", outcome.extrapolation, asked.zne)
    allowed = () if asked.zne == "none" else tuple(dict.fromkeys((asked.zne, "linear")))
    for form in outcome.extrapolation_used:
        if form not in allowed:
            refused = refusal("mitigation.extrapolation_used", form, ", ".join(allowed) or "none")
            raise InvalidResult(refused)
    extrapolated = len({each.scale for each in outcome.scaled}) > 1
    name = "mitigation.extrapolation_used: of more than one scale"
    check_equal(name, bool(outcome.extrapolation_used), extrapolated)
