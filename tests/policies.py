"""The policies in ``policies/``, with names of a stack in place of the words that stand there."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from quantum_pipeline.local.aws import ACCOUNT, REGION, STACK_NAME
from quantum_pipeline.local.places import APPLICATION as PROJECT
from tests.stack import KEY

Json = dict[str, Any]

WORD = re.compile(r"\b[A-Z][A-Z_]{4,}\b")
"""What is to be replaced."""


def filled(name: str, outputs: Mapping[str, str]) -> Json:
    """Return a policy for the stack with these outputs."""
    words = {
        "ACCOUNT": ACCOUNT,
        "REGION": REGION,
        "STACK": STACK_NAME,
        "STATE_MACHINE": outputs["StateMachineArn"].rpartition(":")[2],
        "STUDY_MACHINE": outputs["StudyMachineArn"].rpartition(":")[2],
        "INPUT_BUCKET": outputs["InputBucketName"],
        "OUTPUT_BUCKET": outputs["OutputBucketName"],
        "CODE_BUCKET": outputs["CodeBucketName"],
        "CATALOGUE_TABLE": outputs["CatalogueTableName"],
        "KMS_KEY_ARN": KEY,
    }
    text = (PROJECT / "policies" / f"{name}.json").read_text("utf-8")
    policy: Json = json.loads(WORD.sub(lambda found: words[found[0]], text))
    return policy
