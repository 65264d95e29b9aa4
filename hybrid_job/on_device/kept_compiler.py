"""Compiles the circuits of QAOA once for all attempts: see ``kept``."""

from __future__ import annotations

from hybrid_job.journal import Kept as Record
from hybrid_job.on_device.compilation import QaoaCompiler
from hybrid_job.on_device.compilation.qaoa import Angles, Verified
from hybrid_job.on_device.compilation.symmetry import Branch, FlipCheck
from hybrid_job.on_device.kept import Kept, Packed, packed, unpacked
from hybrid_job.on_device.measurement import Compiled
from quantum_pipeline.quantities import Number
from quantum_pipeline.results import Compilation
from quantum_pipeline.wording import refusal

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
        found = self._kept.decision(CHECKED, angles, _Checked)
        if found is not None:
            with self._kept.checked(CHECKED):
                return found.verified()
        made = self._compiler.verified(angles)
        self._kept.keep(CHECKED, angles, _written(made))
        return made

    def summary(self, angles: Angles) -> Compilation | None:
        """Return what compiling came to beside qiskit; None on simulators."""
        return self._kept.summary(angles, lambda: self._compiler.summary(angles))


class _Branch(Record):
    parent: Number
    child: Number
    path: tuple[Number, ...]


class _Flip(Record):
    root: Number
    branches: tuple[_Branch, ...]


class _Checked(Record):
    """A circuit with a check of the flip of all bits; nothing where that is no symmetry."""

    check: _Flip | None
    gates: Packed = ""

    def verified(self) -> Verified | None:
        if self.check is None:
            return None
        circuits = unpacked(self.gates)
        if len(circuits) != 1:
            raise ValueError(refusal("length of gates", len(circuits), "one circuit"))
        branches = (Branch(each.parent, each.child, each.path) for each in self.check.branches)
        return circuits[0], FlipCheck(self.check.root, tuple(branches))


def _written(verified: Verified | None) -> _Checked:
    if verified is None:
        return _Checked(check=None)
    compiled, check = verified
    branches = tuple(
        _Branch(parent=each.parent, child=each.child, path=tuple(each.path))
        for each in check.branches
    )
    return _Checked(check=_Flip(root=check.root, branches=branches), gates=packed([compiled]))
