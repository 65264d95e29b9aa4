"""The report for people: pictures and one self-contained HTML page, from ``report.json`` alone.

The only importer of matplotlib and jinja2. The same report gives the same bytes.
"""

from __future__ import annotations

from quantum_pipeline.pages.rendering import render

__all__ = ["render"]
