"""Reads the job container's environment variables, each with a default for a laptop.

Source: https://docs.aws.amazon.com/braket/latest/developerguide/braket-jobs-script-environment.html
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def input_folder(channel: str) -> Path:
    """Return the folder of an input channel's files."""
    return Path(os.environ.get("AMZN_BRAKET_INPUT_DIR", ".")) / channel


def results_folder() -> Path:
    """Return the folder whose files become the job's model.tar.gz."""
    return Path(os.environ.get("AMZN_BRAKET_JOB_RESULTS_DIR", "."))


def checkpoint_folder() -> Path:
    """Return the folder that is kept in S3 while the job runs, and restored into its next try."""
    return Path(os.environ.get("AMZN_BRAKET_CHECKPOINT_DIR", "."))


def task_results_uri() -> str | None:
    """Return the S3 folder for results of the job's quantum tasks; None outside a container."""
    return os.environ.get("AMZN_BRAKET_TASK_RESULTS_S3_URI")


def bucket() -> str | None:
    """Return the bucket that the job writes to; None outside a container."""
    return os.environ.get("AMZN_BRAKET_OUT_S3_BUCKET")


def processors() -> int:
    """Return how many processes the container may run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_bytes() -> int:
    """Return the memory of the container: the machine's, or what its group may have of it."""
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # no limit, or none that can be read
        return min(there, int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    return there
