"""The first thing that runs in a function's process, as /var/runtime/bootstrap does on Lambda.

    python -m quantum_pipeline.local.bootstrap MODULE HANDLER

starts the runtime client MODULE for HANDLER, and ends the process when the server has ended,
however it did: the server holds the other end of this process's standard input.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading


def _end_with_server() -> None:
    lifeline = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)

    def watch() -> None:
        os.read(lifeline, 1)  # nothing is ever written: it returns when the other end closes
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def main() -> None:
    """Run the runtime client that the command line names."""
    _end_with_server()
    module, handler = sys.argv[1:]
    sys.argv = [module, handler]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
