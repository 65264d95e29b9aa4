"""Compiles the circuits of QAOA once for all attempts: see ``kept``."""

from __future__ import annotations

from typing import Any

from hybrid_job.on_device.compilation import QaoaCompiler
from hybrid_job.on_device.compilation.qaoa import Angles, Verified
from hybrid_job.on_device.compilation.symmetry import Branch, FlipCheck
from hybrid_job.on_device.kept import Kept, packed, unpacked
from hybrid_job.on_device.measurement import Compiled
from quantum_pipeline.results import Compilation

CHECKED = "checked circuit"


class KeptCompiler(QaoaCompiler):
    """A compiler of QAOA circuits that compiles each but once in all attempts."""

    def __init__(self, compiler: QaoaCompiler, kept: Kept) -> None:
        self._compiler, self._kept = compiler, kept

    def compile(self, angles: Angles) -> Compiled:
        """Return the circuit; ``qubits[i]`` holds variable i when it is measured."""
        compiler = self._compiler
        [only] = self._kept.circuits("circuit", angles, lambda: [compiler.compile(angles)])
        return only

    def verified(self, angles: Angles) -> Verified | None:
        """Return the circuit with a check of the flip of all bits, None where it is no symmetry."""
        found = self._kept.decision(CHECKED, angles)
        if found is not None:
            return _read(found)
        made = self._compiler.verified(angles)
        self._kept.keep(CHECKED, angles, _written(made))
        return made

    def summary(self, angles: Angles) -> Compilation | None:
        """Return what compiling came to beside qiskit; None on simulators."""
        return self._kept.summary(angles, lambda: self._compiler.summary(angles))


def _written(verified: Verified | None) -> dict[str, Any]:
    if verified is None:
        return {"check": None}
    compiled, check = verified
    branches = [[each.parent, each.child, each.path] for each in check.branches]
    return {"check": {"root": check.root, "branches": branches}, "gates": packed([compiled])}


def _read(written: Any) -> Verified | None:
    check = written["check"]
    if check is None:
        return None
    [only] = unpacked(written["gates"])
    branches = (Branch(near, far, tuple(path)) for near, far, path in check["branches"])
    return only, FlipCheck(check["root"], tuple(branches))
