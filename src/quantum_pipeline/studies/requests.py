"""The request of each run of a study: its base, with the values of a setting put in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from copy import deepcopy
from typing import Any

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.problems import AnyProblem
from quantum_pipeline.requests.changes import put
from quantum_pipeline.requests.request import (
    ProblemReference,
    Request,
    parse_problem,
    parse_request,
)
from quantum_pipeline.studies.axes import SEED
from quantum_pipeline.studies.conditions import without_use
from quantum_pipeline.studies.rows import Setting
from quantum_pipeline.studies.study import Study


def request_of(study: Study, setting: Setting) -> dict[str, Any]:
    """Return the request of a run as JSON: the base, the setting's values, and ``learn``.

    The value of a path inside another's, such as ``algorithm.depth`` inside ``algorithm``, is put
    in after it. What no path leads into is the study's own object, not a copy of it.

    Raises:
        InvalidRequest: a path leads into what has no fields; names the path.

    >>> study = Study(name="a", base={"shots": 9}, vary={"algorithm.depth": [1, 2]})
    >>> request_of(study, Setting(number=0, values={"algorithm.depth": 2}))
    {'shots': 9, 'algorithm': {'depth': 2}}
    """
    return _request(study, setting.values)


def _request(study: Study, values: Mapping[str, Any]) -> dict[str, Any]:
    learnt = {"algorithm.learn": True} if study.learn else {}
    assigned = learnt | dict(sorted(values.items(), key=lambda each: each[0].count(".")))
    request = study.base | {path: value for path, value in assigned.items() if "." not in path}
    for field in {path.partition(".")[0] for path in assigned if "." in path} & request.keys():
        request[field] = deepcopy(request[field])
    for path, value in assigned.items():
        if "." in path:
            put(request, path, deepcopy(value))
    return request


class Requests:
    """Reads the requests of a study's settings; each problem once, which many of them share."""

    def __init__(self, study: Study) -> None:
        self._study = study
        listed = [
            each for values in study.vary.values() if isinstance(values, list) for each in values
        ]
        self._own = {id(each) for each in (study.base.get("problem"), *listed)}
        self._texts: dict[int, str] = {}
        self._problems: dict[str, AnyProblem | ProblemReference] = {}
        self._idle: dict[str, Set[str]] = {}

    def read(self, setting: Setting) -> Request:
        """Return the request of a setting.

        Raises:
            InvalidRequest: as ``parse_request``.
        """
        data = request_of(self._study, setting)
        if "problem" not in data:
            return parse_request(data)
        problem = self._problem(data.pop("problem"))
        return parse_request(data, problem)

    def kept(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of a setting without those that do not apply beside the others."""
        unseeded = self.unseeded(values)
        if unseeded not in self._idle:
            left = dict(values)
            while unused := self._unused(left):
                left = {path: value for path, value in left.items() if path not in unused}
            self._idle[unseeded] = values.keys() - left.keys()
        return {path: each for path, each in values.items() if path not in self._idle[unseeded]}

    def _unused(self, values: Mapping[str, Any]) -> set[str]:
        """Return the paths that the first step with any leaves out."""
        try:
            request = _request(self._study, values)
            problem = self._problem(request["problem"]) if "problem" in request else None
        except InvalidRequest:
            return set()  # which is refused where it is read
        known = None if isinstance(problem, ProblemReference) else problem
        for paths in without_use(request, known):
            if found := {path for path in values if _is_within(path, paths)}:
                return found
        return set()

    def key(self, values: Mapping[str, Any]) -> str:
        """Return a text that settings of the same values share, in whichever order these are."""
        return "\n".join(f"{path} {self._text(values[path])}" for path in sorted(values))

    def unseeded(self, values: Mapping[str, Any]) -> str:
        """Return a text that settings share which differ in their seed alone."""
        return self.key({path: value for path, value in values.items() if path != SEED})

    def _problem(self, data: Any) -> AnyProblem | ProblemReference:
        text = self._text(data)
        if text not in self._problems:
            self._problems[text] = _read(data)
        return self._problems[text]

    def _text(self, value: Any) -> str:
        """Return a value as JSON, which of a large one that the study holds is written once."""
        if id(value) not in self._own:
            return json.dumps(value, sort_keys=True)
        if id(value) not in self._texts:
            self._texts[id(value)] = json.dumps(value, sort_keys=True)
        return self._texts[id(value)]


def _read(problem: Any) -> AnyProblem | ProblemReference:
    if isinstance(problem, dict) and "uri" in problem:
        return parse_request({"problem": problem}).problem
    found: AnyProblem = parse_problem(problem)
    return found


def _is_within(path: str, paths: frozenset[str]) -> bool:
    steps = path.split(".")
    return any(".".join(steps[:length]) in paths for length in range(1, len(steps) + 1))
