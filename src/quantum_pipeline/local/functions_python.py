"""The Python that processes of functions are forks of, whatever the stack."""

from __future__ import annotations

import os

from quantum_pipeline.local.interpreter import Interpreter

SHARED_IMPORTS = "quantum_pipeline.local.shared_imports"

STARTS_WITH = {
    "PATH": os.environ.get("PATH", os.defpath),
    "LANG": "en_US.UTF-8",
    "TZ": ":UTC",
    "PYTHONIOENCODING": "utf-8",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""Environment variables with which the Python of any function starts.

It sees none of this machine's own AWS settings.
"""


def functions_python() -> Interpreter:
    """Return an interpreter that has what all functions import."""
    return Interpreter([SHARED_IMPORTS], STARTS_WITH)
