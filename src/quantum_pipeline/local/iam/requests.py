"""What an operation needs to be allowed: actions, resources, and the values of condition keys.

botocore's service models do not tell; the Service Authorization Reference does. Here it is followed
for what roles of this project call; any other operation needs the action of its own name, on every
resource.

Sources: https://docs.aws.amazon.com/service-authorization/latest/reference/ (a page a service), and
https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

from quantum_pipeline.local.iam.operations import Operation
from quantum_pipeline.local.iam.policies import Asked, Context

BRAKET = "braket.amazonaws.com"
FREE = {"sts:GetCallerIdentity"}
"""Actions that need no permission."""
_PREFIXES = {"monitoring": "cloudwatch"}
"""Of actions, where it is not the name that requests are signed for."""

Tags = Callable[[str], Mapping[str, str]]
"""Returns the tags of a job or a quantum task by its ARN; none where there is no such thing."""
_Needs = Iterator[tuple[str, str, Context]]


def asked_of(operation: Operation, account: str, tags: Tags) -> list[Asked]:
    """Return all that an operation needs; the first is the operation's own.

    Cost: O(objects that it names).
    """
    everywhere = {
        "aws:requestedregion": (operation.region,),
        "aws:securetransport": ("true",),  # as on AWS; here nothing leaves the machine
    }
    needs = _NEEDS.get(operation.service, _by_name)
    return [
        Asked(action, resource, {**everywhere, **context})
        for action, resource, context in needs(operation, account, tags)
        if action not in FREE
    ]


def _by_name(operation: Operation, _account: str, _tags: Tags) -> _Needs:
    prefix = _PREFIXES.get(operation.service, operation.service)
    yield f"{prefix}:{operation.name}", "*", {}


# S3 -----------------------------------------------------------------------------------------------

_S3_ACTIONS = {
    "HeadObject": "GetObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "ListParts": "ListMultipartUploadParts",
    "DeleteObjects": "DeleteObject",
    "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListBuckets": "ListAllMyBuckets",
}
"""Of operations that have no action of their own name."""
_OF_VERSIONS = {"GetObject", "DeleteObject", "GetObjectTagging", "GetObjectAcl"}


def _s3(operation: Operation, _account: str, _tags: Tags) -> _Needs:
    action = _S3_ACTIONS.get(operation.name, operation.name)
    for resource, version in _objects(operation):
        of_version = version and action in _OF_VERSIONS
        yield f"s3:{action}{'Version' if of_version else ''}", resource, _of_listing(operation)
    if source := operation.parameters.get("HTTP_X_AMZ_COPY_SOURCE"):
        name = unquote(source).lstrip("/").partition("?")[0]
        yield "s3:GetObject", f"arn:aws:s3:::{name}", {}


def _objects(operation: Operation) -> Iterable[tuple[str, str | None]]:
    """Return the ARNs of an operation's objects with their versions, or that of its bucket."""
    bucket = operation.parameters.get("Bucket")
    if bucket is None:
        return [("*", None)]
    arn = f"arn:aws:s3:::{bucket}"
    if operation.name == "DeleteObjects":
        return [(f"{arn}/{key}", version) for key, version in _removed(operation.body)]
    key = operation.parameters.get("Key")
    return [(arn if key is None else f"{arn}/{key}", operation.parameters.get("versionId"))]


def _removed(body: bytes) -> Iterator[tuple[str, str | None]]:
    """Yield key and version of each object that is to be removed."""
    try:
        objects = ElementTree.fromstring(body).iterfind(".//{*}Object")
    except ElementTree.ParseError:
        return
    for each in objects:
        yield each.findtext("{*}Key", ""), each.findtext("{*}VersionId")


def _of_listing(operation: Operation) -> Context:
    given = ((f"s3:{name}", operation.parameters.get(name)) for name in ("prefix", "delimiter"))
    return {name: (value,) for name, value in given if value is not None}


# Braket -------------------------------------------------------------------------------------------


def _braket(operation: Operation, account: str, tags: Tags) -> _Needs:
    parameters = operation.parameters
    arns = [parameters[name] for name in _ARNS_OF_BRAKET if name in parameters]
    # The reference names no resource for what creates or searches, but policies may name devices:
    # https://docs.aws.amazon.com/braket/latest/developerguide/braket-manage-access.html
    created = _CREATED.get(operation.name)
    resource = arns[0] if arns else "*"
    of_request = _of_tags("aws:requesttag", parameters.get("tags", {}))
    if parameters.get("tags"):
        of_request["aws:tagkeys"] = tuple(parameters["tags"])
    of_resource = _of_tags("aws:resourcetag", tags(resource))
    yield f"braket:{operation.name}", resource, {**of_request, **of_resource}
    if created and parameters.get("tags"):
        new = f"arn:aws:braket:{operation.region}:{account}:{created}/*"
        yield "braket:TagResource", new, of_request
    if "roleArn" in parameters:
        yield "iam:PassRole", parameters["roleArn"], {"iam:passedtoservice": (BRAKET,)}


_ARNS_OF_BRAKET = ("jobArn", "quantumTaskArn", "deviceArn", "resourceArn", "spendingLimitArn")
_CREATED = {
    "CreateJob": "job",
    "CreateQuantumTask": "quantum-task",
    "CreateSpendingLimit": "spending-limit",
}


def _of_tags(prefix: str, tags: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    return {f"{prefix}/{name.lower()}": (value,) for name, value in tags.items()}


# The others ---------------------------------------------------------------------------------------


def _lambda(operation: Operation, account: str, _tags: Tags) -> _Needs:
    action = "InvokeFunction" if operation.name == "Invoke" else operation.name
    name = operation.parameters.get("FunctionName", "*")
    arn = f"arn:aws:lambda:{operation.region}:{account}:function:{name}"
    yield f"lambda:{action}", name if name.startswith("arn:") or name == "*" else arn, {}


def _by_parameter(*names: str) -> Callable[[Operation, str, Tags], _Needs]:
    def needs(operation: Operation, account: str, tags: Tags) -> _Needs:
        [(action, _, context)] = _by_name(operation, account, tags)
        arns = (operation.parameters[name] for name in names if operation.parameters.get(name))
        yield action, str(next(arns, "*")), context

    return needs


def _sqs(operation: Operation, account: str, _tags: Tags) -> _Needs:
    name = str(operation.parameters.get("QueueUrl", "*")).rpartition("/")[2]
    yield f"sqs:{operation.name}", f"arn:aws:sqs:{operation.region}:{account}:{name}", {}


def _dynamodb(operation: Operation, account: str, _tags: Tags) -> _Needs:
    """Yield what an operation on tables needs; a transaction needs what its parts do."""
    parameters = operation.parameters
    parts = parameters.get("TransactItems")
    tables = parameters.get("RequestItems") or [parameters.get("TableName", "*")]
    if isinstance(parts, list):
        for kind, part in (each for item in parts for each in item.items()):
            name = kind if kind == "ConditionCheck" else f"{kind}Item"
            yield f"dynamodb:{name}", _table(operation, account, part["TableName"]), {}
        return
    for name in tables:
        resource = _table(operation, account, name)
        if index := parameters.get("IndexName"):
            resource += f"/index/{index}"
        yield f"dynamodb:{operation.name}", resource, _of_items(parameters)


def _table(operation: Operation, account: str, name: str) -> str:
    if name == "*" or name.startswith("arn:"):
        return name
    return f"arn:aws:dynamodb:{operation.region}:{account}:table/{name}"


def _of_items(parameters: Mapping[str, Any]) -> Context:
    """Return the values of condition keys; not dynamodb:LeadingKeys, which only the table tells."""
    names = set(parameters.get("Item") or parameters.get("Key") or ())
    placeholders = parameters.get("ExpressionAttributeNames", {})
    known = {"attributes": tuple(sorted({*names, *placeholders.values()}))}
    for name in ("Select", "ReturnValues", "ReturnConsumedCapacity"):
        known[name.lower()] = (parameters[name],) if name in parameters else ()
    return {f"dynamodb:{name}": values for name, values in known.items() if values}


def _logs(operation: Operation, account: str, _tags: Tags) -> _Needs:
    arn = f"arn:aws:logs:{operation.region}:{account}:log-group:"
    arn += str(operation.parameters.get("logGroupName", "*"))
    stream: Any = operation.parameters.get("logStreamName")
    if stream and operation.name != "CreateLogStream":
        arn += f":log-stream:{stream}"
    if operation.name == "FilterLogEvents":  # of all streams, so refusals name none
        arn += ":log-stream:"
    yield f"logs:{operation.name}", arn, {}


def _cloudformation(operation: Operation, account: str, tags: Tags) -> _Needs:
    [(action, _, context)] = _by_name(operation, account, tags)
    name = operation.parameters.get("StackName", "*")
    arn = f"arn:aws:cloudformation:{operation.region}:{account}:stack/{name}/*"
    yield action, name if name.startswith("arn:") or name == "*" else arn, context


def _cloudwatch(operation: Operation, account: str, tags: Tags) -> _Needs:
    [(action, resource, _)] = _by_name(operation, account, tags)
    name = operation.parameters.get("Namespace")
    yield action, resource, {} if name is None else {"cloudwatch:namespace": (str(name),)}


_NEEDS: Mapping[str, Callable[[Operation, str, Tags], _Needs]] = {
    "s3": _s3,
    "braket": _braket,
    "cloudformation": _cloudformation,
    "lambda": _lambda,
    "states": _by_parameter("executionArn", "stateMachineArn"),
    "sns": _by_parameter("TopicArn", "TargetArn"),
    "sqs": _sqs,
    "dynamodb": _dynamodb,
    "logs": _logs,
    "monitoring": _cloudwatch,
}
