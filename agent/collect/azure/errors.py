"""Why Azure Resource Manager did not answer: each kind of failure told apart, as each asks for something else to be done.

Sources: Azure Resource Manager documentation, "Resolve common errors in Azure Resource Manager"; Azure REST API guidelines,
"Handling errors" (the `error` object); Entra documentation, "Troubleshoot authentication with a service principal".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from agent.collect.aws.errors import DeadlinePassed, Failure, NotAnAnswer
from checks.model import Reason

_UNKNOWN_TYPE: Final = frozenset(
    {"InvalidResourceType", "InvalidResourceNamespace", "NoRegisteredProviderFound", "InvalidApiVersionParameter", "ApiVersionNotSupported"}
)
UNREGISTERED: Final = frozenset({"MissingSubscriptionRegistration", "SubscriptionNotRegistered", "MissingRegistrationForType"})
_UNKNOWN_SUBSCRIPTION: Final = frozenset({"SubscriptionNotFound", "InvalidSubscriptionId"})
"""ARM says so of a subscription that the caller may not see, too."""
GONE: Final = frozenset({"ResourceNotFound", "NotFound", "ResourceGroupNotFound", "ParentResourceNotFound"})
_SKEW: Final = re.compile(r"AADSTS700024\b")
"""A client assertion that is outside its time: the clocks differ (Entra documentation, "Microsoft Entra authentication and
authorization error codes")."""
_ENTRA: Final = re.compile(r"AADSTS[0-9]+")
_ADVICE: Final[Mapping[str, str]] = {
    "AADSTS7000222": "the client secret has expired: give the application a new one, and `client_secret` that",
    "AADSTS7000215": "`client_secret` is not a secret of the application: is it the secret's value, and not its id?",
    "AADSTS700016": "the directory `tenant` has no application `client_id`",
    "AADSTS700024": "the time of this machine is wrong: set the clock",
    "AADSTS90002": "there is no directory `tenant`",
    "Unable to get authority configuration": "is `tenant` right, and does AZURE_AUTHORITY_HOST, where it is set, name who issues tokens?",
    "ManagedIdentityCredential authentication unavailable": "nothing on this machine gives tokens to a managed identity",
}
"""What to do, by what the message says (Entra documentation, "Microsoft Entra authentication and authorization error codes")."""
_UNTRUSTED: Final = "CERTIFICATE_VERIFY_FAILED"
_SKEW_LIMIT: Final = timedelta(minutes=5)
"""How far clocks may differ: a token is taken five minutes around its time (Entra documentation, "Access tokens")."""
_LONGEST: Final = 400


def of_response(status: int, body: Any, date: str | None, now: datetime) -> Failure:
    """What a response that is no success says. `body` is its JSON, or None where it is none; `date` its header."""
    code, message = said(body)
    reason = Reason.CLOCK_SKEW if status == 401 and _skewed(date, now) else _reason(status, code, message)
    return Failure(reason, code or str(status), message or f"status {status}, and nothing that says why")


def _skewed(date: str | None, now: datetime) -> bool:
    try:
        return date is not None and abs(parsedate_to_datetime(date) - now) > _SKEW_LIMIT
    except (TypeError, ValueError):
        return False


def said(body: Any) -> tuple[str, str]:
    """The code and the message of an error, as ARM and its resource providers write it."""
    held = body.get("error", body) if isinstance(body, Mapping) else None
    if not isinstance(held, Mapping):
        return "", ""
    code, message = (value if isinstance(value := _member(held, name), str) else "" for name in ("code", "message"))
    return code, " ".join(message.split())[:_LONGEST]


def _member(held: Mapping[str, Any], name: str) -> Any:
    """Some providers write Code and Message."""
    return held.get(name, held.get(name.capitalize()))


def _reason(status: int, code: str, message: str) -> Reason:
    if _SKEW.search(message):
        return Reason.CLOCK_SKEW
    if status == 401:
        return Reason.EXPIRED_CREDENTIALS
    if status == 403 or code in _UNKNOWN_SUBSCRIPTION:
        return Reason.DENIED
    if code in _UNKNOWN_TYPE or code in UNREGISTERED:
        return Reason.UNSUPPORTED
    if status == 404 or code in GONE:
        return Reason.VANISHED if code in GONE else Reason.UNSUPPORTED
    if status in {429, 503}:
        return Reason.THROTTLED
    if status in {408, 504}:
        return Reason.TIMED_OUT
    return Reason.MALFORMED if 200 <= status < 400 else Reason.FAILED


def of_exception(error: Exception) -> Failure | None:
    """Whatever azure-core and azure-identity raise; None for what is none of theirs."""
    from azure.core import exceptions as azure

    name, message = type(error).__name__, " ".join(str(error).split())[:_LONGEST]
    match error:
        case NotAnAnswer():
            return Failure(Reason.MALFORMED, name, message)
        case DeadlinePassed():
            return Failure(Reason.LATE, name, "the collection's deadline passed before this could be asked")
        case azure.DecodeError() | azure.IncompleteReadError():
            return Failure(Reason.MALFORMED, name, message)
        case azure.HttpResponseError() if error.response is not None and not isinstance(error, azure.ClientAuthenticationError):
            return _of_http_error(error)
        case azure.ClientAuthenticationError():
            return _of_no_token(name, message)
        case azure.ServiceRequestTimeoutError() | azure.ServiceResponseTimeoutError():
            return Failure(Reason.TIMED_OUT, name, message)
        case azure.ServiceRequestError() | azure.ServiceResponseError():
            return Failure(Reason.UNREACHABLE, name, _trusted(message))
        case azure.AzureError():
            return Failure(Reason.FAILED, name, message)
    return None


def _of_no_token(name: str, message: str) -> Failure:
    """azure-identity says that the credential is at fault where the way to who issues tokens is, too."""
    if _UNTRUSTED in message:
        return Failure(Reason.UNREACHABLE, name, _trusted(message))
    code = _ENTRA.search(message)
    reason = Reason.CLOCK_SKEW if _SKEW.search(message) else Reason.EXPIRED_CREDENTIALS
    advice = next((told for sign, told in _ADVICE.items() if sign in message), "")
    return Failure(reason, code[0] if code else name, f"{advice} ({message})" if advice else message)


def _of_http_error(error: Any) -> Failure:
    """The typed client's own: what it read of the `error` object."""
    status, held = error.status_code or 0, getattr(error, "error", None)
    code, message = getattr(held, "code", None) or "", getattr(held, "message", None) or error.message
    text = " ".join(str(message).split())[:_LONGEST]
    return Failure(_reason(status, code, text), code or str(status), text)


def _trusted(message: str) -> str:
    if _UNTRUSTED not in message:
        return message
    return (
        "the server's certificate is not from an authority that is trusted here: where a proxy terminates TLS, name its"
        f" authority in REQUESTS_CA_BUNDLE ({message})"
    )
