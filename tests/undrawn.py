"""Pictures of reports without their images, which take most of the time that a small run does.

Imported by the Python that the functions of most tests are forks of (`tests.conftest`).
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from quantum_pipeline.pages import figures


def blank(_: Any) -> bytes:
    """Return an image of one pixel, for whatever figure."""
    content = BytesIO()
    Image.new("P", (1, 1)).save(content, "PNG")
    return content.getvalue()


if "pytest" not in sys.modules:  # which imports all files for their doctests
    vars(figures)["_png"] = blank
    sys.path.remove(str(Path(__file__).resolve().parents[1]))  # functions have their own folder
