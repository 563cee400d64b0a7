"""Entering subscriptions: whether the identity sees them, what it may read there, and which others the tenant has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from agent.collect.aws.accounts import Shut
from agent.collect.aws.errors import Failure, NotAnAnswer
from agent.collect.azure.client import LATE, Answer, Arm, Halt
from agent.collect.azure.cloud import Caller, bearer
from agent.collect.azure.errors import of_exception
from agent.collect.azure.roles import denial, permission
from agent.collect.threads import Threads
from agent.config.azure import Azure
from checks.model import Reason

_SUBSCRIPTIONS_API: Final = "2022-12-01"
_PERMISSIONS: Final = "providers/Microsoft.Authorization/permissions"
_DENIALS: Final = "providers/Microsoft.Authorization/denyAssignments"
_AUTHORIZATION_API: Final = "2022-04-01"
_GROUPS_API: Final = "2020-05-01"
_ENTERING: Final = "GET subscriptions/{subscriptionId}"
_AT_ONCE: Final = 8
MAY_READ_PERMISSIONS: Final = "Microsoft.Authorization/permissions/read"
MAY_READ_DENIALS: Final = "Microsoft.Authorization/denyAssignments/read"
_T = TypeVar("_T")
_Late = TypeVar("_Late")
DESCENDANTS: Final = "Microsoft.Management/managementGroups/descendants/read"


@dataclass(frozen=True, slots=True)
class Lack:
    """Why a list may not show all that there is, and the action that would show it, where one would."""

    cause: Failure
    what: str
    action: str | None

    @property
    def failure(self) -> Failure:
        return Failure(self.cause.reason, self.cause.code, f"{self.what}: {self.cause.message}")


@dataclass(frozen=True, slots=True)
class Entered:
    """A subscription that could be entered: by whom, the answer that shows it, and what may be read in all of it."""

    id: str
    arm: Arm
    settings: Azure
    identity: str
    answer: Answer
    roles: Answer | Halt
    denials: Answer | Halt
    location: str
    object_id: str | None = None
    """Of the caller, as far as its token tells."""

    @property
    def tenant(self) -> str | None:
        told = self.answer.items[0].get("tenantId")
        return told if isinstance(told, str) else None

    def lacks(self, action: str) -> Lack | None:
        """Why a list that needs an action may not show all that there is; None where the caller may read all of it.

        Who may read only some resource groups gets a list of what is in these, and no error.
        """
        if isinstance(self.roles, Halt):
            return Lack(self.roles.failure, "whether the caller may read all of it is not known", MAY_READ_PERMISSIONS)
        if not any(role.hold(action) for role in self.roles.items):
            failure = Failure(Reason.DENIED, "NotPermittedOnSubscription", "a list may show only a part")
            return Lack(failure, "the caller's permissions on the whole subscription do not include it", action)
        if isinstance(self.denials, Halt):
            return Lack(self.denials.failure, "whether a deny assignment hides some of it is not known", MAY_READ_DENIALS)
        for one in self.denials.items:
            if one.may_concern(self.object_id) and any(denied.touch(action) for denied in one.denied):
                failure = Failure(Reason.DENIED, "DenyAssignment", "a list may show only a part")
                return Lack(failure, f"the deny assignment {one.name} may hide some of it", None)
        return None


def enter(one: Azure, arm: Arm, location: str) -> list[Entered | Shut]:
    """The subscriptions of one entry of the configuration, until the deadline. Nothing but a bug raises."""
    threads = Threads(_AT_ONCE, "azure-doors")
    try:
        who = _in_time(threads.submit(partial(identify, arm)), arm, LATE.failure)
        if isinstance(who, Failure):
            return [Shut(subscription, (), "GetToken", who) for subscription in one.subscriptions]
        asked = {subscription: threads.submit(partial(_enter, one, arm, location, who, subscription)) for subscription in one.subscriptions}
        return [_in_time(door, arm, Shut(subscription, (), _ENTERING, LATE.failure)) for subscription, door in asked.items()]
    finally:
        threads.close()


def _in_time(asked: Future[_T], arm: Arm, late: _Late) -> _T | _Late:
    try:
        return asked.result(timeout=max(arm.deadline.left, 0))
    except TimeoutError:
        return late


def _enter(one: Azure, arm: Arm, location: str, who: Caller, subscription: str) -> Entered | Shut:
    answer = arm.one(f"/subscriptions/{subscription}", _SUBSCRIPTIONS_API, None, partial(_subscription, subscription))
    if isinstance(answer, Halt):
        return Shut(subscription, (), _ENTERING, _explained(answer.failure, one))
    roles = arm.pages(f"/subscriptions/{subscription}/{_PERMISSIONS}", _AUTHORIZATION_API, None, permission)
    denials = arm.pages(f"/subscriptions/{subscription}/{_DENIALS}", _AUTHORIZATION_API, None, denial)
    return Entered(subscription, arm, one, who.name, answer, roles, denials, location, who.object_id)


def identify(arm: Arm) -> Caller | Failure:
    """Whose eyes these are, or why no token can be had."""
    try:
        return bearer(arm.credential.get_token(arm.scope).token)
    except Exception as error:
        failure = of_exception(error)
        if failure is None:
            raise
        return failure


def _explained(failure: Failure, one: Azure) -> Failure:
    """What to look at, where ARM does not say it: a subscription of another tenant, or one that is out of sight."""
    if failure.reason is not Reason.DENIED and failure.code != "InvalidAuthenticationTokenTenant":
        return failure
    hint = f"is it one of the tenant {one.tenant or 'of this identity'}, and does the identity have a role on it?"
    return Failure(failure.reason, failure.code, f"{failure.message} ({hint})")


def _subscription(wanted: str, item: Mapping[str, Any]) -> Mapping[str, Any]:
    if str(item.get("subscriptionId", "")).lower() != wanted:
        raise NotAnAnswer("the answer is about another subscription than was asked for")
    return item


# -- which subscriptions there are --------------------------------------------------------------------------------------


def visible(arm: Arm) -> Answer | Halt:
    """The subscriptions that the caller sees, which need not be all."""
    return arm.pages("/subscriptions", _SUBSCRIPTIONS_API, None, _seen)


def descendants(arm: Arm, tenant: str) -> Answer | Halt:
    """The subscriptions below the tenant's root management group, whose id is the tenant's: all that the tenant has.

    Azure management groups documentation, "Root management group for each directory"; Management Groups REST API,
    "Get Descendants".
    """
    answer = arm.pages(f"/providers/Microsoft.Management/managementGroups/{tenant}/descendants", _GROUPS_API, None, _descendant)
    if isinstance(answer, Halt):
        return answer
    return Answer(tuple(one for one in answer.items if one is not None), answer.pages, answer.request_id, answer.sha256)


def _seen(item: Any) -> tuple[str, dict[str, Any]]:
    if not isinstance(item, dict) or not isinstance(id_ := item.get("subscriptionId"), str):
        raise NotAnAnswer("a subscription without its id")
    return id_.lower(), {name: item[name] for name in ("displayName", "state") if isinstance(item.get(name), str)}


def _descendant(item: Any) -> tuple[str, dict[str, Any]] | None:
    if not isinstance(item, dict) or not isinstance(id_ := item.get("name"), str) or not isinstance(type_ := item.get("type"), str):
        raise NotAnAnswer("a descendant without its name and type")
    if not type_.lower().endswith("/subscriptions"):
        return None
    held = item.get("properties")
    name = held.get("displayName") if isinstance(held, dict) else None
    return id_.lower(), {"displayName": name} if isinstance(name, str) else {}


def by_tenant(entered: Iterable[Entered]) -> list[list[Entered]]:
    """Subscriptions that one identity reads in one tenant, which are asked about together."""
    groups: dict[tuple[int, str | None], list[Entered]] = {}
    for one in entered:
        groups.setdefault((id(one.arm), one.tenant), []).append(one)
    return list(groups.values())
