"""The record of a run of which this machine has the folder, made as it is made on AWS."""

from __future__ import annotations

from pathlib import Path

from quantum_pipeline.catalogue.sources import record_of_files


def record_of_folder(folder: Path) -> str | None:
    """Return the record of a run as JSON; None where its end is not there or none of ours."""

    def read(name: str) -> bytes | None:
        try:
            return (folder / name).read_bytes()
        except OSError:
            return None

    found = record_of_files(read)
    return None if found is None else found.model_dump_json()
