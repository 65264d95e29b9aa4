"""States the parts of the project and what is shipped where; everything else derives from it.

The import contracts (``scripts.contracts``), the job's tarball (``aws.source``) and the Lambda
layer (``sam.mk``) are made from it. docs/architecture.md draws it.
"""

from __future__ import annotations

Layers = tuple[tuple[str, ...], ...]

PACKAGE: Layers = (
    ("cli",),
    ("files", "local"),
    ("aws", "pages"),
    ("studies",),
    ("catalogue", "reports"),
    ("results",),
    ("planning",),
    ("devices", "requests"),
    ("problems",),
    ("chemistry", "classification", "cutting", "spaces"),
    ("ising", "runs"),
    ("answers", "error_codes", "refusals"),
    ("errors",),
    ("architecture", "progress", "quantities", "wording"),
)
"""Parts of ``quantum_pipeline``, each a folder or a module: one imports of those below it alone."""

JOB: Layers = (
    ("main",),
    ("pack", "solvers"),
    ("on_device", "rounding"),
    ("correlations", "learning"),
    ("job", "markers"),
    ("classical", "dividing"),
    ("engines", "molecules", "optimising"),
    ("cutting",),
    (
        *("compiling", "environment", "journal", "limits"),
        *("metrics", "processes", "sparse", "stopwatch"),
    ),
)
"""Those of ``hybrid_job``, likewise."""

FUNCTIONS = (
    *("prepare", "submit", "monitor", "post_process", "cancel"),
    *("plan_round", "summarise", "stop_runs", "sweep"),
)
"""The Lambdas; none imports another."""

ON_THIS_MACHINE = ("cli", "files", "local")
"""What nothing that is deployed needs."""

DEPLOYED = tuple(part for layer in PACKAGE for part in layer if part not in ON_THIS_MACHINE)
"""What the Lambda layer holds, beside the job that Submit publishes."""

DOMAIN = tuple(part for part in DEPLOYED if part not in ("aws", "pages"))
"""What decides and computes: no I/O, no clock, no environment, no AWS."""

NOT_OF_THE_JOB = (*ON_THIS_MACHINE, "aws", "catalogue", "pages", "reports", "studies")
"""What stays behind when the package travels to the job, beside ``hybrid_job``."""
