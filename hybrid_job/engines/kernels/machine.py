"""Compiles functions to machine code by LLVM, in this process and for its own processor.

That takes a tenth of a second for all the kernels: there is nothing to cache, no compiler to
install, and no file that could be stale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import llvmlite.binding as llvm  # type: ignore[import-untyped]

from hybrid_job.engines.kernels.language import VECTOR, Function

_DECLARED = f"declare {VECTOR} @llvm.masked.gather.v8f64.v8p0(<8 x ptr>, i32, <8 x i1>, {VECTOR})\n"


@dataclass(frozen=True)
class Processor:
    """What code is compiled for: LLVM's name of a processor, and its features, on or off."""

    name: str
    features: str

    @property
    def wide(self) -> bool:
        """Whether it has registers of eight reals, and 32 of them."""
        return "+avx512f" in self.features.split(",")


@cache
def host() -> Processor:
    """Return the processor that this runs on."""
    flags = llvm.get_host_cpu_features().items()
    named = ",".join(f"{'+' if on else '-'}{name}" for name, on in flags)
    return Processor(llvm.get_host_cpu_name(), named)


class Machine:
    """Machine code of some functions; it lives as long as this object."""

    def __init__(self, functions: Sequence[Function], processor: Processor) -> None:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        target = llvm.Target.from_default_triple().create_target_machine(
            cpu=processor.name, features=processor.features, opt=3, jit=True
        )
        module = llvm.parse_assembly("\n".join([_DECLARED, *(each.text() for each in functions)]))
        module.triple, module.data_layout = target.triple, str(target.target_data)
        module.verify()
        self._engine = llvm.create_mcjit_compiler(module, target)
        self._engine.finalize_object()

    def address(self, name: str) -> int:
        """Return the address of a function."""
        return int(self._engine.get_function_address(name))
