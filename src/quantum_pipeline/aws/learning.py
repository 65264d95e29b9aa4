"""Asks the catalogue what earlier runs suggest to one that is about to be prepared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from pydantic import ValidationError

from quantum_pipeline.aws import catalogue
from quantum_pipeline.aws.clients import named_errors
from quantum_pipeline.catalogue.neighbours import no_answer, suggested
from quantum_pipeline.catalogue.record import RunRecord
from quantum_pipeline.devices.states import DeviceState
from quantum_pipeline.errors import QuotaExceeded, ServiceUnavailable
from quantum_pipeline.planning.learning import Learning
from quantum_pipeline.requests.request import Request

MOST_RECORDS = 200
"""Newest records of a family that are looked at: half a megabyte."""


class Earlier:
    """The earlier runs of a catalogue; each family of them is asked for once."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._families: dict[str, list[RunRecord]] = {}

    def learning(self, request: Request, states: Mapping[str, DeviceState]) -> Learning | None:
        """Return what they suggest to a request whose problem is read; None where it asks not.

        ``states`` are those of the devices that it may run on. A catalogue that is throttled or
        down fails no run: then its answer is that it has none.

        Raises:
            InvalidRequest, DeviceUnavailable: it cannot be done, see ``preparation.check``.
            PipelineError: the catalogue may not be asked, or is not there.
        """
        real = any(state.emulated is None for state in states.values())
        try:
            return suggested(request, self._records, on_real_device=real)
        except (ServiceUnavailable, QuotaExceeded) as error:
            return no_answer(str(error))

    def _records(self, family: str) -> list[RunRecord]:
        if family not in self._families:
            with named_errors():
                found = catalogue.of_family(self._table, family, MOST_RECORDS)
            self._families[family] = _readable(found)
        return self._families[family]


def _readable(records: Sequence[str]) -> list[RunRecord]:
    """Return the records that this release can read: one that it cannot teaches nothing."""
    read = []
    for each in records:
        with suppress(ValidationError):
            read.append(RunRecord.model_validate_json(each))
    return read
