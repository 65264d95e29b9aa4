"""The report for people: pictures and one self-contained HTML page, from ``report.json`` alone.

The only importer of matplotlib and jinja2. The same report gives the same bytes.
"""

from __future__ import annotations

import matplotlib.artist

# While it is imported, matplotlib writes the properties of each artist into docstrings, which takes
# a quarter of the time. Nobody reads them here.
matplotlib.artist.kwdoc = lambda artist: ""  # noqa: ARG005

from quantum_pipeline.pages.rendering import render  # noqa: E402

__all__ = ["render"]
