"""What the functions share: imported once, by the Python that their processes are forks of.

Nothing here may read the settings of a function.
"""

import aws_lambda_powertools.metrics  # noqa: F401
import boto3

import quantum_pipeline.aws.jobs
import quantum_pipeline.aws.notifications
import quantum_pipeline.planning.preparation  # noqa: F401

# The first client of a session reads what all of them need, such as the endpoints of AWS.
boto3.client("s3", region_name="us-east-1", aws_access_key_id="no", aws_secret_access_key="no")
