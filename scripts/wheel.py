"""Puts the application into the wheel: hatchling asks for it when the wheel is built.

It lies where ``quantum_pipeline.local.places`` looks for it. The package as it is installed from a
checkout, and the Lambda layer, which is a copy of the checkout's, have none.
"""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

APPLICATION = ("template.yaml", "functions", "statemachine")


class Application(BuildHookInterface):  # type: ignore[type-arg]
    """Adds what is deployed to what is installed."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files, unless the checkout is installed itself."""
        if version == "editable":
            return
        for name in APPLICATION:
            build_data["force_include"][name] = f"quantum_pipeline/local/application/{name}"
