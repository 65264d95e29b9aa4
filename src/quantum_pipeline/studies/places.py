"""Names of a study: of its executions, and of its objects in S3.

studies/STUDY/study.json              what was asked, once
studies/STUDY/lease.json              the execution that the study has, and its first round
studies/STUDY/rounds/0001.json        the executions of a round, once
studies/STUDY/rounds/0001.items.json  the same as the Map reads them
studies/STUDY/rows/0001.json          how each run of the round ended, once
studies/STUDY/report.json, ...        the summary
studies/_ends/EXECUTION.json          how an execution of a study ended, and whether it was told
"""

from __future__ import annotations

import re

from quantum_pipeline.runs import STUDY

STUDY_FILE = "study.json"
LEASE = "lease.json"
_CHILD = re.compile(rf"({STUDY})-\d{{1,5}}-\d{{1,4}}(\.\d{{1,5}})?")


def key(study: str, name: str) -> str:
    """Return the S3 key of one of a study's objects; in the bucket of inputs too.

    >>> key("angles", "report.json")
    'studies/angles/report.json'
    """
    return f"studies/{study}/{name}"


def round_key(study: str, number: int) -> str:
    """Return the S3 key of a round.

    >>> round_key("angles", 1)
    'studies/angles/rounds/0001.json'
    """
    return key(study, f"rounds/{number:04}.json")


def items_key(study: str, number: int) -> str:
    """Return the S3 key of what the Map reads of a round."""
    return key(study, f"rounds/{number:04}.items.json")


def rows_key(study: str, number: int) -> str:
    """Return the S3 key of a round's rows."""
    return key(study, f"rows/{number:04}.json")


def end_key(execution_arn: str) -> str:
    """Return the S3 key of the end of an execution of a study, which may have named no study.

    >>> end_key("arn:aws:states:us-east-1:1:execution:m:monday")
    'studies/_ends/monday.json'
    """
    return f"studies/_ends/{execution_arn.rpartition(':')[2]}.json"


def child_name(study: str, item: int, attempt: int) -> str:
    """Return the name of an execution: the number of its first setting, and which try it is.

    >>> child_name("angles", 12, 1)
    'angles-12-1'
    """
    return f"{study}-{item}-{attempt}"


def study_of(run_id: str) -> str | None:
    """Return the study that a run of this name would be of, None where it is of none.

    >>> study_of("angles-12-1.13"), study_of("low-angles-2-1"), study_of("angles")
    ('angles', 'low-angles', None)
    """
    found = _CHILD.fullmatch(run_id)
    return found[1] if found else None
