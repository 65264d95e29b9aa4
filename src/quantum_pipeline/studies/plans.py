"""Plans the runs of a study, each as Prepare would: what is refused there is refused before it."""

from __future__ import annotations

from collections.abc import Callable

from quantum_pipeline.planning.prepared import Preparation
from quantum_pipeline.requests.pack import said_of
from quantum_pipeline.requests.request import Request
from quantum_pipeline.studies.fields import named
from quantum_pipeline.studies.requests import Requests
from quantum_pipeline.studies.rows import Setting
from quantum_pipeline.studies.study import Study
from quantum_pipeline.wording import shown

Prepare = Callable[[Request], Preparation]
"""Plans a request, its problem read if it is stored, without regard to what it may cost."""


def remembered(prepare: Prepare) -> Prepare:
    """Return what plans a request once, whichever study it says that it is of."""
    known: dict[str, Preparation] = {}

    def planned(request: Request) -> Preparation:
        asked = request.model_dump_json(by_alias=True, exclude={"study"})
        if asked not in known:
            known[asked] = prepare(request)
        return known[asked]

    return planned


class Plans:
    """Plans the settings of a study; those that differ in their seed alone have one plan."""

    def __init__(self, study: Study, prepare: Prepare) -> None:
        self._requests, self._prepare = Requests(study), prepare
        self._known: dict[str, Preparation] = {}
        self._read: set[str] = set()

    def of(self, setting: Setting, what: str = "run") -> Preparation:
        """Return what Prepare would decide of a run, or of a corner.

        Raises:
            PipelineError: it would refuse it; names the setting.
        """
        key, unseeded = self._requests.key(setting.values), self._requests.unseeded(setting.values)
        if key not in self._read:
            with said_of(described(setting, what)):
                request = self._requests.read(setting)
                if unseeded not in self._known:
                    self._known[unseeded] = self._prepare(request)
            self._read.add(key)
        return self._known[unseeded]


def described(setting: Setting, what: str = "run") -> str:
    """Return a setting in words.

    >>> described(Setting(number=5, values={"algorithm.depth": 2, "device": "Garnet"}))
    'run 5 (algorithm.depth 2, device "Garnet")'
    """
    values = (f"{named(path)} {shown(value)}" for path, value in setting.values.items())
    return f"{what} {setting.number} ({', '.join(values)})"
