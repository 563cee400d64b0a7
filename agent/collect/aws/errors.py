"""Why an AWS call did not answer: each kind of failure told apart, as each asks for something else to be done."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from checks.model import Reason

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_DENIED = frozenset(
    {
        "AccessDenied", "AccessDeniedException", "AccessDeniedFault", "AuthorizationError", "AuthorizationErrorException",
        "Forbidden", "ForbiddenException", "NotAuthorized", "NotAuthorizedException", "OperationNotPermitted", "UnauthorizedAccess",
        "UnauthorizedException", "UnauthorizedOperation", "AllAccessDisabled", "AccountProblem", "403",
    }
)  # fmt: skip
_CREDENTIALS = frozenset(
    {
        "ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId", "UnrecognizedClientException",
        "AuthFailure", "InvalidAccessKeyId", "InvalidToken", "TokenRefreshRequired", "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
    }
)  # fmt: skip
THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded", "EC2ThrottledException", "LimitExceededException", "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException",
        "SlowDown", "ThrottledException", "Throttling", "ThrottlingException", "TooManyRequestsException",
    }
)  # fmt: skip
"""As botocore counts them (botocore/retries/standard.py)."""
_SKEW = frozenset({"RequestTimeTooSkewed", "RequestInTheFuture"})
_UNSUPPORTED = frozenset(
    {
        "OptInRequired", "InvalidAction", "UnsupportedOperation", "UnsupportedOperationException", "NotImplemented",
        "UnknownOperationException", "UnknownOperation", "InvalidEndpointException", "SubscriptionRequiredException",
    }
)  # fmt: skip
_CLOCK = re.compile(r"signature (not yet current|expired)|clock|too skewed", re.IGNORECASE)
_SCP = re.compile(r"(explicit deny in|because no) (a |an )?(service|resource) control policy", re.IGNORECASE)


class NotAnAnswer(Exception):
    """A 200 that is not the answer to the call: no root element, not JSON, cut short, or without the listed member."""


class DeadlinePassed(Exception):
    """The collection's time is up: nothing more is sent."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that did not answer."""

    reason: Reason
    code: str
    message: str


SKEW_LIMIT = timedelta(minutes=5)
"""How far a request's time may be off before AWS refuses its signature (Signature Version 4, AWS General Reference)."""


def of_client_error(error: ClientError, now: datetime) -> Failure:
    """An error that the service itself sent. EC2 does not tell a wrong clock from a wrong key: the Date header does."""
    details = error.response.get("Error", {})
    code, message = str(details.get("Code", "")), str(details.get("Message") or "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _SKEW or (_CLOCK.search(message) and ("Signature" in code or code in _CREDENTIALS)):
        return Failure(Reason.CLOCK_SKEW, code, message)
    if code in _CREDENTIALS and _skewed(error, now):
        return Failure(Reason.CLOCK_SKEW, code, message)
    if code in _CREDENTIALS:
        return Failure(Reason.EXPIRED_CREDENTIALS, code, message)
    if code in _DENIED or (code.isdigit() and status in {401, 403}):
        return Failure(Reason.REFUSED_BY_SCP if _SCP.search(message) else Reason.DENIED, code, message)
    if code in _UNSUPPORTED:
        return Failure(Reason.UNSUPPORTED, code, message)
    if code in THROTTLED or status == 429:
        return Failure(Reason.THROTTLED, code, message)
    return Failure(Reason.FAILED, code, message)


def _skewed(error: ClientError, now: datetime) -> bool:
    header = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    try:
        return header is not None and abs(parsedate_to_datetime(header) - now) > SKEW_LIMIT
    except (TypeError, ValueError):
        return False


def _raised_in_parser(error: Exception) -> bool:
    """botocore's parsers raise bare errors, a KeyError among them, on XML that is not what they expect."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_globals.get("__name__") == "botocore.parsers"


def of_exception(error: Exception, now: datetime) -> Failure | None:
    """Whatever botocore raises below the service's own errors; None for what is none of botocore's."""
    from botocore import exceptions as aws

    name, message = type(error).__name__, str(error)
    match error:
        case aws.ClientError():
            return of_client_error(error, now)
        case NotAnAnswer():
            return Failure(Reason.MALFORMED, "NotAnAnswer", message)
        case DeadlinePassed():
            return Failure(Reason.LATE, "DeadlinePassed", "the collection's deadline passed before this could be asked")
        case aws.ReadTimeoutError() | aws.ConnectTimeoutError():
            return Failure(Reason.TIMED_OUT, name, message)
        case aws.NoCredentialsError() | aws.PartialCredentialsError() | aws.CredentialRetrievalError():
            return Failure(Reason.EXPIRED_CREDENTIALS, name, message)
        case aws.ResponseStreamingError() | aws.IncompleteReadError():
            return Failure(Reason.MALFORMED, name, message)
        case aws.PaginationError():
            return Failure(Reason.MALFORMED, name, message)
        case aws.HTTPClientError():
            return Failure(Reason.UNREACHABLE, name, message)
        case _ if type(error).__module__ == "botocore.parsers" or _raised_in_parser(error):
            return Failure(Reason.MALFORMED, name, message)
        case aws.BotoCoreError():
            return Failure(Reason.FAILED, name, message)
    return None
