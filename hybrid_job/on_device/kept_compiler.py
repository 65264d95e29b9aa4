"""Compiles the circuits of QAOA once for all attempts: see ``kept``."""

from __future__ import annotations

from typing import Any

from hybrid_job.journal import Journal
from hybrid_job.on_device.compilation import QaoaCompiler
from hybrid_job.on_device.compilation.qaoa import Angles, Verified
from hybrid_job.on_device.compilation.symmetry import Branch, FlipCheck
from hybrid_job.on_device.kept import kept, kept_summary, named, packed, unpacked
from hybrid_job.on_device.measurement import Compiled
from quantum_pipeline.results import Compilation


class KeptCompiler(QaoaCompiler):
    """A compiler of QAOA circuits that compiles each but once in all attempts."""

    def __init__(self, compiler: QaoaCompiler, journal: Journal) -> None:
        self._compiler, self._journal = compiler, journal

    def compile(self, angles: Angles) -> Compiled:
        """Return the circuit; ``qubits[i]`` holds variable i when it is measured."""
        compiler = self._compiler
        [only] = kept(self._journal, "circuit", angles, lambda: [compiler.compile(angles)])
        return only

    def verified(self, angles: Angles) -> Verified | None:
        """Return the circuit with a check of the flip of all bits, None where it is no symmetry."""
        found = self._journal.decided(
            named("checked circuit", angles), lambda: _written(self._compiler.verified(angles))
        )
        if found["check"] is None:
            return None
        [only] = unpacked(found["gates"])
        check = found["check"]
        branches = (Branch(near, far, tuple(path)) for near, far, path in check["branches"])
        return only, FlipCheck(check["root"], tuple(branches))

    def summary(self, angles: Angles) -> Compilation | None:
        """Return what compiling came to beside qiskit; None on simulators."""
        return kept_summary(self._journal, angles, lambda: self._compiler.summary(angles))


def _written(verified: Verified | None) -> dict[str, Any]:
    if verified is None:
        return {"check": None}
    compiled, check = verified
    branches = [[each.parent, each.child, list(each.path)] for each in check.branches]
    return {"check": {"root": check.root, "branches": branches}, "gates": packed([compiled])}
