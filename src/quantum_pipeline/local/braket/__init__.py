"""Amazon Braket on this machine: jobs as processes, tasks on Braket's local simulators.

`BraketService` is a WSGI application; boto3 and the Braket SDK are its clients over HTTP.
"""

from quantum_pipeline.local.braket.errors import BraketError
from quantum_pipeline.local.braket.job import Job
from quantum_pipeline.local.braket.jobs import JobRunner
from quantum_pipeline.local.braket.service import BraketService

__all__ = ["BraketError", "BraketService", "Job", "JobRunner"]
