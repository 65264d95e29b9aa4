"""A job's part of the disk: what the real container has below /opt/ml, in a folder of its own."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from quantum_pipeline.local.braket import storage
from quantum_pipeline.local.braket.job import Job
from quantum_pipeline.local.braket.sources import Sources
from quantum_pipeline.local.paths import below
from quantum_pipeline.runs import ENTRY_POINT

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


INHERITED = {"HOME", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "PATH", "TZ", "XDG_CACHE_HOME"}
INHERITED_FAMILIES = ("LC_", "MKL_", "NUMBA_", "OMP_", "OPENBLAS_")


def inherited() -> dict[str, str]:
    """Return what a job's environment has of this process's: language, paths and threads.

    It may be a stranger's code, and whatever else is there may be secret.
    """
    mine = {
        name: value
        for name, value in os.environ.items()
        if name in INHERITED or name.startswith(INHERITED_FAMILIES)
    }
    return mine | {"PYTHONUNBUFFERED": "1"}


class JobFolder:
    """The folder of a job, from before its start until after its end."""

    def __init__(self, job: Job, path: Path, sources: Sources) -> None:
        self._job = job
        self._sources = sources
        self.path = path
        self.code = path / "code"
        self.inputs = path / "input" / "data"
        self.hyperparameters = path / "input" / "config" / "hyperparameters.json"
        self.results = path / "model"
        self.checkpoints = path / "checkpoints"
        self.failure = path / "output" / "failure"
        self._temporary = path / "tmp"
        self.shared_code: Path | None = None
        """Folder of the code, where it is our own: the same for all jobs that have it."""

    def fill(self, s3: S3Client) -> None:
        """Make the folder and bring in code, hyperparameters, input channels and checkpoints.

        Raises:
            FileNotFoundError: there is nothing at a channel's URI.
            InvalidResult: a name or a key would lead out of the folder.
            ClientError, tarfile.TarError: the code is missing, or is not what it is said to be.
        """
        for folder in (self.code, self.inputs, self.hyperparameters.parent, self.results,
                       self.checkpoints, self.failure.parent, self._temporary):  # fmt: skip
            folder.mkdir(parents=True)
        request = self._job.request
        self.hyperparameters.write_text(json.dumps(request.get("hyperParameters", {})))
        self._fetch_code(s3)
        for channel in request.get("inputDataConfig", ()):
            uri = channel["dataSource"]["s3DataSource"]["s3Uri"]
            if not storage.fetch_all(s3, uri, below(self.inputs, channel["channelName"])):
                raise FileNotFoundError(f"no data for channel {channel['channelName']!r} at {uri}")
        if self.checkpoint_uri:
            storage.fetch_all(s3, self.checkpoint_uri, self.checkpoints)

    @property
    def checkpoint_uri(self) -> str | None:
        """Where checkpoints are kept, if they are."""
        uri = self._job.request.get("checkpointConfig", {}).get("s3Uri")
        return None if uri is None else f"{uri.rstrip('/')}/"

    def store_results(self, s3: S3Client) -> None:
        """Pack the results and put them where clients look: <s3Path>/output/model.tar.gz."""
        archive = self.path / "model.tar.gz"
        with tarfile.open(archive, "w:gz") as tar:
            for path in sorted(self.results.iterdir()):
                tar.add(path, path.name)
        target = self._job.request["outputDataConfig"]["s3Path"].rstrip("/")
        storage.store(s3, archive, f"{target}/output/model.tar.gz")

    def environment(self, aws: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of the job's process."""
        return inherited() | dict(aws) | self._variables()

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _fetch_code(self, s3: S3Client) -> None:
        script = self._job.request["algorithmSpecification"]["scriptModeConfig"]
        name = script["s3Uri"].rpartition("/")[2]
        if script.get("compressionType", "NONE") == "NONE":
            storage.fetch(s3, script["s3Uri"], below(self.code, name))
            return
        archive = self.path / "source.tar.gz"
        storage.fetch(s3, script["s3Uri"], archive)
        if script["entryPoint"] == ENTRY_POINT:
            self.shared_code = self._sources.kept(archive)
        if self.shared_code is None:
            self._sources.unpack(archive, self.code)
            return
        for path in self.shared_code.iterdir():
            (self.code / path.name).symlink_to(path)

    def _variables(self) -> dict[str, str]:
        job = self._job
        script = job.request["algorithmSpecification"]["scriptModeConfig"]
        bucket, prefix = storage.split(job.request["outputDataConfig"]["s3Path"])
        return {
            "AMZN_BRAKET_CHECKPOINT_DIR": str(self.checkpoints),
            "AMZN_BRAKET_DEVICE_ARN": job.device,
            "AMZN_BRAKET_HP_FILE": str(self.hyperparameters),
            "AMZN_BRAKET_INPUT_DIR": str(self.inputs),
            "AMZN_BRAKET_JOB_NAME": job.name,
            "AMZN_BRAKET_JOB_RESULTS_DIR": str(self.results),
            "AMZN_BRAKET_JOB_RESULTS_S3_PATH": f"{prefix}/output".lstrip("/"),
            "AMZN_BRAKET_JOB_TOKEN": job.token,
            "AMZN_BRAKET_OUT_S3_BUCKET": bucket,
            "AMZN_BRAKET_SCRIPT_COMPRESSION_TYPE": script.get("compressionType", "NONE"),
            "AMZN_BRAKET_SCRIPT_ENTRY_POINT": script["entryPoint"],
            "AMZN_BRAKET_SCRIPT_S3_URI": script["s3Uri"],
            "AMZN_BRAKET_TASK_RESULTS_S3_URI": f"s3://{bucket}/jobs/{job.name}/tasks",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_DEFAULT_REGION": job.region,
            "AWS_REGION": job.region,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "TMPDIR": str(self._temporary),
        }
