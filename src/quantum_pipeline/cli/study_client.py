"""A client of the studies of a pipeline, on AWS or on this machine: start, watch, stop, fetch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from quantum_pipeline import runs
from quantum_pipeline.catalogue.filters import Record, Wanted
from quantum_pipeline.cli.client import INPUT_LIMIT_BYTES, Pipeline, waited
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.studies import places
from quantum_pipeline.studies.progress import StudyProgress, progress_of
from quantum_pipeline.studies.rounds import Child, Round
from quantum_pipeline.studies.rows import RunRow
from quantum_pipeline.studies.study import Study

LATE = timedelta(seconds=30)
"""How much later than it ended a run may come into the index of the catalogue."""


class StudyClient:
    """One study of a pipeline; what has been read of it is not read again."""

    def __init__(self, pipeline: Pipeline, study: Study) -> None:
        self.pipeline, self.study = pipeline, study
        self._rounds: list[Round] = []
        self._rows: list[RunRow] = []
        self._n_closed = 0
        self._records: dict[str, Record] = {}

    @classmethod
    def of_name(cls, pipeline: Pipeline, name: str) -> StudyClient | None:
        """Return the client of a study that was started; None where there is none."""
        content = pipeline.bucket.content(places.key(name, places.STUDY_FILE))
        return None if content is None else cls(pipeline, Study.model_validate_json(content))

    @property
    def prefix(self) -> str:
        """How the keys of its objects begin."""
        return places.key(self.study.name, "")

    @property
    def n_files(self) -> int:
        """How many files of its rounds there were at the last look."""
        return len(self._rounds) + self._n_closed

    def start(self) -> str:
        """Start an execution of the study, and return its ARN.

        Raises:
            InvalidRequest: the stack is of a release that had no studies; the study is too large.
        """
        machine = self.pipeline.outputs.get("StudyMachineArn")
        if machine is None:
            allowed = "one with studies, which this release has: deploy it again"
            raise InvalidRequest.of("--stack", self.pipeline.outputs["StateMachineArn"], allowed)
        body = self.study.model_dump_json(by_alias=True, exclude_none=True)
        size = len(body.encode())
        if size > INPUT_LIMIT_BYTES:
            allowed = (
                f"up to {INPUT_LIMIT_BYTES}; a problem that is stored in the input bucket, "
                f"{self.pipeline.outputs['InputBucketName']}, is named by its uri"
            )
            raise InvalidRequest(f"study: got {size} bytes; allowed: {allowed}")
        return self.pipeline.execute(machine, self.study.name, body)

    def look(self) -> StudyProgress:
        """Return where it stands."""
        self._read_rounds()
        wanted = Wanted(study=self.study.name, since=self._since())
        for record in map(json.loads, self.pipeline.catalogue.records(wanted)):
            self._records[record["run_id"]] = record
        return progress_of(self.study, self._rounds, self._rows, self._records)

    def _read_rounds(self) -> None:
        name = self.study.name
        while content := self.pipeline.bucket.content(
            places.round_key(name, len(self._rounds) + 1)
        ):
            self._rounds.append(Round.model_validate_json(content))
        while content := self.pipeline.bucket.content(places.rows_key(name, self._n_closed + 1)):
            self._rows += map(RunRow.model_validate, json.loads(content)["rows"])
            self._n_closed += 1

    def _since(self) -> datetime | None:
        newest = max((each["ended_at"] for each in self._records.values()), default=None)
        return None if newest is None else datetime.fromisoformat(newest) - LATE

    def ended_children(self) -> Iterator[Child]:
        """Yield the executions all of whose runs had ended at the last look."""
        ended = {row.run_id for row in self._rows} | self._records.keys()
        for child in (child for each in self._rounds for child in each.children):
            if all(run.run_id in ended for run in child.runs):
                yield child

    def execution(self) -> str | None:
        """Return the ARN of the execution that goes on with it; None where none does."""
        content = self.pipeline.bucket.content(f"{self.prefix}{places.LEASE}")
        arn = None if content is None else str(json.loads(content)["execution_arn"])
        return arn if arn and self.pipeline.status_of(arn) == "RUNNING" else None

    def stop(self, execution_arn: str, seconds: float) -> bool:
        """Stop it and its runs; return whether all these have their ends in that time."""
        self.pipeline.stop(execution_arn)
        self._read_rounds()
        started = [
            child.name
            for child in (self._rounds[-1].children if self._rounds else ())
            if self.pipeline.status(child.name) is not None
        ]
        return waited(lambda: all(map(self.pipeline.has_ended, started)), seconds)

    def restore(self, folder: Path, run_folders: Path) -> None:
        """Put back what an earlier process of this machine has left of it: its S3 is gone.

        Of rounds that are closed the rows are enough; of the others all that has ended.
        """
        for path in (each for each in sorted(folder.rglob("*")) if each.is_file()):
            self.pipeline.bucket.put(f"{self.prefix}{path.relative_to(folder)}", path.read_bytes())
        self._read_rounds()
        for child in (child for each in self._rounds[self._n_closed :] for child in each.children):
            for name in dict.fromkeys((child.name, *(run.run_id for run in child.runs))):
                self._restore_run(run_folders / name)

    def _restore_run(self, folder: Path) -> None:
        for path in (each for each in sorted(folder.rglob("*")) if each.is_file()):
            name = str(path.relative_to(folder))
            if name != runs.LOG:
                self.pipeline.bucket.put(runs.key(folder.name, name), path.read_bytes())

    def summary(self) -> dict[str, Any] | None:
        """Return ``report.json``, None before there is one."""
        content = self.pipeline.bucket.content(f"{self.prefix}{runs.REPORT}")
        return None if content is None else dict(json.loads(content))
