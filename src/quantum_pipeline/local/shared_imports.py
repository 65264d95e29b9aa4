"""What the functions share: imported once, by the Python that their processes are forks of.

Nothing here may read the settings of a function.
"""

import aws_lambda_powertools.metrics  # noqa: F401
import boto3
from botocore.config import Config

import quantum_pipeline.aws.jobs
import quantum_pipeline.aws.notifications
import quantum_pipeline.planning.preparation  # noqa: F401
from quantum_pipeline.aws import clients

PATIENCE_SECONDS = 300
"""How long a function waits for an answer, at most: on a busy machine it comes late, but it comes.

Who gave up as on AWS would ask again for what is being done, and tell of an end twice.
"""

clients.CONFIG = clients.CONFIG.merge(
    Config(connect_timeout=PATIENCE_SECONDS, read_timeout=PATIENCE_SECONDS)
)

# The first client of a session reads what all of them need, such as the endpoints of AWS, and the
# first of a service reads what that one can do.
for service in ("braket", "dynamodb", "lambda", "s3", "sns", "stepfunctions"):
    boto3.client(
        service, region_name="us-east-1", aws_access_key_id="no", aws_secret_access_key="no"
    )
