"""Installs the wheel, and nothing else of this checkout, and runs it in an empty folder.

    python -m scripts.check_wheel

The environment is new; what the wheel asks for comes in the versions of the lock, mostly from uv's
cache. It takes some fifteen seconds.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
PETERSEN = ROOT / "events" / "requests" / "maxcut_petersen.json"
OWN_FILE = "ann bob\nbob cem\ncem dee\ndee ann\n"


def main() -> int:
    """Print what was checked; return 1 where the wheel does not do alone."""
    # What is started in the background ignores Ctrl-C, and so would all that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as folder:
        qpipe = _installed(Path(folder))
        empty = Path(folder) / "empty"
        empty.mkdir()
        shutil.copy(PETERSEN, empty)
        (empty / "friends.edges").write_text(OWN_FILE, encoding="utf-8")
        answers = {
            "the Petersen graph": _says(qpipe, empty, ("run", PETERSEN.name), "best cut     12 "),
            "a file of edges": _says(qpipe, empty, ("run", "friends.edges"), "best cut     4 "),
            "serve": _serves(qpipe, empty),
        }
    for what, is_right in answers.items():
        print(f"the wheel alone: {what}: {'works' if is_right else 'FAILS'}")
    return int(not all(answers.values()))


def _installed(folder: Path) -> Path:
    """Return the command of a new environment with nothing but the wheel and what it asks for."""
    python = folder / "venv" / "bin" / "python"
    _uv("build", "--wheel", "--no-build-isolation", "--out-dir", folder, ROOT)
    _uv("venv", python.parents[1])
    (wheel,) = folder.glob("*.whl")
    lock = ROOT / "requirements" / "dev.txt"
    _uv("pip", "install", "--python", python, "--constraint", lock, wheel)
    return python.with_name("qpipe")


def _uv(*arguments: str | Path) -> None:
    with_python = [] if "pip" in arguments else ["--python", sys.executable]
    subprocess.run([BIN / "uv", "--quiet", *arguments, *with_python], check=True)


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return kept | {"QPIPE_CACHE": str(folder.parent / "cache")}


def _says(qpipe: Path, folder: Path, arguments: Sequence[str], wanted: str) -> bool:
    done = subprocess.run(
        [qpipe, *arguments],
        cwd=folder, env=_environment(folder), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if found := done.returncode == 0 and wanted in done.stdout:
        return found
    print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
    return False


def _serves(qpipe: Path, folder: Path) -> bool:
    """Return whether it says where its state machine is, and ends when it is interrupted."""
    with subprocess.Popen(
        [qpipe, "serve"], cwd=folder, env=_environment(folder), stdout=subprocess.PIPE, text=True
    ) as serving:
        assert serving.stdout is not None
        try:
            named = any("StateMachineArn" in line for line in serving.stdout)
            serving.send_signal(signal.SIGINT)
            return named and serving.wait(60) == 0
        except subprocess.TimeoutExpired:
            return False
        finally:
            serving.kill()


if __name__ == "__main__":
    sys.exit(main())
