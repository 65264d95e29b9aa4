"""Maps AWS error codes to what they mean for a run, and to the pipeline's errors.

One table for all services: a code means the same whoever answers with it. Where a code arises
decides the rest: what the job cannot do is JobFailed, and a resource that it misses is its device.
Nothing here knows boto3: an answer is what ``ClientError.response`` has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any

from quantum_pipeline.errors import (
    BudgetExceeded,
    DeviceUnavailable,
    InvalidRequest,
    JobFailed,
    PipelineError,
    QuotaExceeded,
    ServiceUnavailable,
)

Answer = Mapping[str, Any]


class Meaning(Enum):
    """What is the matter, and so what can be done about it."""

    UNAVAILABLE = "throttled, not ready, or failed by itself: a later call can succeed"
    QUOTA = "as much is there, or runs at once, as the account may have"
    DEVICE_UNAVAILABLE = "the device is offline or retired"
    OVER_BUDGET = "a task would pass a spending limit of the account"
    INVALID = "what is asked for breaks the rules of the service"
    DENIED = "the caller lacks a permission, or credentials that hold"
    NO_OBJECT = "there is no such object, or no such bucket"
    NO_RESOURCE = "there is no such thing of any other kind"
    CONFLICT = "it is there already, is in use, or has changed or ended in between"
    REFUSED = "the call, or what it is made to, is set up wrong: no later one succeeds"


_CODES_BY_MEANING: Mapping[Meaning, str] = {
    Meaning.UNAVAILABLE: """
        ThrottlingException Throttling ThrottledException TooManyRequestsException SlowDown
        RequestThrottled RequestThrottledException RequestLimitExceeded BandwidthLimitExceeded
        LimitExceededException ProvisionedThroughputExceededException EC2ThrottledException
        KmsThrottlingException KMSThrottling TransactionInProgressException
        PriorRequestNotComplete ConditionalRequestConflict OperationAborted
        RequestTimeout RequestTimeoutException TransactionConflictException
        ReplicatedWriteConflictException
        InternalError InternalFailure InternalServerError InternalServerException
        InternalServiceException ServiceException ServiceUnavailable ServiceUnavailableException
        EC2UnexpectedException EFSIOException
        EFSMountConnectivityException S3FilesMountConnectivityException
        EFSMountTimeoutException S3FilesMountTimeoutException SnapStartTimeoutException
        ENINotReadyException ResourceNotReadyException SnapStartNotReadyException
        CodeArtifactUserPendingException
    """,
    Meaning.QUOTA: """
        ServiceQuotaExceededException ExecutionLimitExceeded StateMachineLimitExceeded
        ActivityLimitExceeded ActivityWorkerLimitExceeded AliasLimitExceededException
        CapacityProviderLimitExceededException CodeStorageExceededException
        FunctionVersionsPerCapacityProviderLimitExceededException
        ItemCollectionSizeLimitExceededException ENILimitReachedException
        SubnetIPAddressLimitReachedException
    """,
    Meaning.DEVICE_UNAVAILABLE: "DeviceOfflineException DeviceRetiredException",
    Meaning.INVALID: """
        ValidationException ValidationError InvalidExecutionInput InvalidName
    """,
    Meaning.DENIED: """
        AccessDeniedException AccessDenied 403 AuthorizationError InvalidSecurity
        EC2AccessDeniedException KMSAccessDeniedException KmsAccessDeniedException KMSAccessDenied
        KMSOptInRequired UnrecognizedClientException InvalidClientTokenId InvalidAccessKeyId
        SignatureDoesNotMatch InvalidSignatureException ExpiredToken ExpiredTokenException
        RequestTimeTooSkewed RequestExpired
    """,
    Meaning.NO_OBJECT: "NoSuchKey NoSuchBucket 404 NoSuchUpload NoSuchAnnotation NoSuchVersion",
    Meaning.NO_RESOURCE: """
        ResourceNotFoundException ResourceNotFound NotFound
        ExecutionDoesNotExist StateMachineDoesNotExist ActivityDoesNotExist TaskDoesNotExist
        CodeSigningConfigNotFoundException ProvisionedConcurrencyConfigNotFoundException
        KMSNotFoundException KMSNotFound NoPublishedVersionException
    """,
    Meaning.CONFLICT: """
        ConflictException ResourceConflictException ResourceInUseException PreconditionFailed
        PreconditionFailedException 412 IdempotencyParameterMismatch
        ConditionalCheckFailedException
        TokenAlreadyExistsException BucketAlreadyExists BucketAlreadyOwnedByYou
        ObjectAlreadyInActiveTierError ExecutionAlreadyExists StateMachineAlreadyExists
        ActivityAlreadyExists DurableExecutionAlreadyStartedException StateMachineDeleting
        ExecutionNotRedrivable TaskTimedOut CallbackTimeoutException
    """,
    Meaning.REFUSED: """
        InvalidRequest InvalidObjectState ObjectNotInActiveTierError EncryptionTypeMismatch
        InvalidWriteOffset TooManyParts InvalidPrefix UnsupportedMediaType
        AnnotationLimitExceeded AnnotationNameTooLong InvalidAnnotationName
        InvalidArn InvalidDefinition InvalidEncryptionConfiguration InvalidLoggingConfiguration
        InvalidOutput InvalidToken InvalidTracingConfiguration MissingRequiredParameter
        StateMachineTypeNotSupported TooManyTags KmsInvalidStateException
        InvalidParameterValueException InvalidParameterException InvalidParameter
        ParameterValueInvalid InvalidRequestContentException RequestTooLargeException
        SerializedRequestEntityTooLargeException UnsupportedMediaTypeException
        ModeNotSupportedException RecursiveInvocationException PolicyLengthExceededException
        PublicPolicyException InvalidCodeSignatureException CodeVerificationFailedException
        InvalidZipFileException InvalidRuntimeException RuntimeAliasDeletedException
        RuntimeVersionDeletedException InvalidSecurityGroupIDException InvalidSubnetIDException
        CodeArtifactUserDeletedException CodeArtifactUserFailedException
        EFSMountFailureException S3FilesMountFailureException
        SnapStartException SnapStartRegenerationFailureException
        KMSDisabledException KMSInvalidStateException KMSDisabled KMSInvalidState
        EndpointDisabled PlatformApplicationDisabled
    """,
}

MEANINGS: Mapping[str, Meaning] = {
    code: meaning for meaning, codes in _CODES_BY_MEANING.items() for code in codes.split()
}
"""The table: what each code means. S3 answers HEAD with the status alone, which is its code."""

_SPENDING_LIMIT = re.compile(r"spending[- ]?limit", re.IGNORECASE)
"""A task beyond a spending limit of the account is refused as invalid; only the text shows it."""

IN_FUNCTION: Mapping[Meaning, type[PipelineError]] = {
    Meaning.UNAVAILABLE: ServiceUnavailable,
    Meaning.QUOTA: QuotaExceeded,
    Meaning.DEVICE_UNAVAILABLE: DeviceUnavailable,
    Meaning.OVER_BUDGET: BudgetExceeded,
    Meaning.INVALID: InvalidRequest,
    Meaning.DENIED: PipelineError,
    Meaning.NO_OBJECT: PipelineError,
    Meaning.NO_RESOURCE: PipelineError,
    Meaning.CONFLICT: PipelineError,
    Meaning.REFUSED: PipelineError,
}
"""Our error of each meaning, in a function and in the command."""

IN_JOB: Mapping[Meaning, type[PipelineError]] = {
    **IN_FUNCTION,
    Meaning.DENIED: JobFailed,
    Meaning.NO_OBJECT: JobFailed,
    Meaning.NO_RESOURCE: DeviceUnavailable,
    Meaning.CONFLICT: JobFailed,
    Meaning.REFUSED: JobFailed,
}
"""The same in a job, which ends by it: what fails there fails the job."""


def code_of(answer: Answer) -> str:
    """Return AWS's code of an error."""
    return str(answer.get("Error", {}).get("Code", ""))


def message_of(answer: Answer) -> str:
    """Return the message of an error from AWS."""
    return str(answer.get("Error", {}).get("Message", ""))


def meaning_of(answer: Answer) -> Meaning:
    """Return what an error means; a code that is not in the table is judged by its HTTP status.

    >>> meaning_of({"Error": {"Code": "SlowDown"}}).name
    'UNAVAILABLE'
    """
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    unknown = Meaning.UNAVAILABLE if status >= 500 else Meaning.REFUSED
    meaning = MEANINGS.get(code_of(answer), unknown)
    if meaning is Meaning.INVALID and _SPENDING_LIMIT.search(message_of(answer)):
        return Meaning.OVER_BUDGET
    return meaning
