"""Why a call to Azure's blob storage did not answer, in the reasons that gaps have.

Source: Azure Storage REST API reference, "Common REST API error codes" and "Blob service error codes".
"""

from __future__ import annotations

from typing import Final

from agent.collect.aws.errors import DeadlinePassed, Failure, NotAnAnswer
from checks.model import Reason

_CREDENTIALS: Final = frozenset({"AuthenticationFailed", "InvalidAuthenticationInfo", "NoAuthenticationInformation"})
_GONE: Final = frozenset({"BlobNotFound"})
CHANGED: Final = frozenset({"ConditionNotMet"})


def of_exception(error: Exception) -> Failure | None:
    """Whatever the client of blob storage raises; None for what is none of its."""
    from azure.core import exceptions as azure

    message = str(error).partition("\n")[0]
    name = type(error).__name__
    match error:
        case NotAnAnswer():
            return Failure(Reason.MALFORMED, name, message)
        case DeadlinePassed():
            return Failure(Reason.LATE, name, "the collection's deadline passed before this could be asked")
        case azure.DecodeError() | azure.IncompleteReadError():
            return Failure(Reason.MALFORMED, name, message)
        case azure.HttpResponseError() if error.response is not None:
            code = _text(getattr(error, "error_code", None)) or str(error.status_code)
            return Failure(_reason(code, error.status_code or 0), code, message)
        case azure.ClientAuthenticationError():
            return Failure(Reason.EXPIRED_CREDENTIALS, name, message)
        case azure.ServiceRequestTimeoutError() | azure.ServiceResponseTimeoutError():
            return Failure(Reason.TIMED_OUT, name, message)
        case azure.ServiceRequestError() | azure.ServiceResponseError():
            return Failure(Reason.UNREACHABLE, name, message)
        case azure.AzureError():
            return Failure(Reason.FAILED, name, message)
    return None


def _reason(code: str, status: int) -> Reason:
    if code in _CREDENTIALS or status == 401:
        return Reason.EXPIRED_CREDENTIALS
    if status == 403:
        return Reason.DENIED
    if code in _GONE or code in CHANGED:
        return Reason.VANISHED
    if status in {429, 503}:
        return Reason.THROTTLED
    return Reason.MALFORMED if 200 <= status < 300 else Reason.FAILED


def _text(code: object) -> str:
    """A code, which the client gives as text or as an enumeration of texts."""
    return str(getattr(code, "value", code) or "")
