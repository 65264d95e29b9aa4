"""The request of each run of a study: its base, with the values of a setting put in."""

from __future__ import annotations

import json
from typing import Any

from quantum_pipeline.requests.changes import put
from quantum_pipeline.studies.rows import Setting
from quantum_pipeline.studies.study import Study


def request_of(study: Study, setting: Setting) -> dict[str, Any]:
    """Return the request of a run as JSON: the base, the setting's values, and ``learn``.

    The value of a path inside another's, such as ``algorithm.depth`` inside ``algorithm``, is put
    in after it.
    """
    request: dict[str, Any] = json.loads(json.dumps(study.base))
    for path in sorted(setting.values, key=lambda path: path.count(".")):
        put(request, path, json.loads(json.dumps(setting.values[path])))
    if study.learn:
        put(request, "algorithm.learn", True)
    return request
