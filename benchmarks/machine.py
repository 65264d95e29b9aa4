"""Describes the machine that the figures belong to: ``python -m benchmarks.machine``.

Figures of different machines do not compare; ratios within one run do, and this says where.
"""

from __future__ import annotations

import os
import platform
import resource
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

THREADS = (
    "OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS", "QULACS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
)  # fmt: skip
"""What libraries read. Lightning's adjoint method starts two threads whatever the number says; the
limit holds."""

PACKAGES = (
    "numpy", "scipy", "numba", "pennylane", "pennylane-lightning", "qokit", "qiskit", "qiskit-aer",
    "qulacs", "amazon-braket-default-simulator",
)  # fmt: skip


def pin_threads(count: int) -> None:
    """Have every library use ``count`` threads: they read this once, so the process starts anew."""
    wanted = dict.fromkeys(THREADS, str(count))
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | wanted)


def peak_memory_bytes() -> int:
    """Return the most memory that this process has held so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def describe() -> dict[str, str]:
    """Return the processor, its caches, memory, system and the packages that are compared."""
    found = {
        "processor": _processor(),
        "cores": f"{os.cpu_count()}",
        "caches": _caches() or "unknown",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _processor() -> str:
    """Return the name, and what tells processors of one name apart."""
    facts = Path("/proc/cpuinfo")
    if not facts.exists():
        return platform.processor() or platform.machine()
    lines = (line.partition(":") for line in facts.read_text("utf-8").split("\n\n")[0].splitlines())
    cpu = {key.strip(): value.strip() for key, _, value in lines}
    vectors = [name for name in ("avx512f", "avx2", "asimd") if name in cpu.get("flags", "")]
    numbers = f"family {cpu.get('cpu family', '?')}, model {cpu.get('model', '?')}"
    return f"{cpu.get('model name', platform.machine())} ({numbers}; {', '.join(vectors)})"


def _caches() -> str:
    folders = sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"))
    read = [
        [(at / name).read_text().strip() for name in ("level", "type", "size")] for at in folders
    ]
    return ", ".join(f"L{level} {size}" for level, kind, size in read if kind != "Instruction")


if __name__ == "__main__":
    for key, value in describe().items():
        print(f"{key:32} {value}")
