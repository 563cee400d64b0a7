"""Entering subscriptions: whether the identity sees them, what it may read there, and which others the tenant has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from agent.collect.aws.accounts import Shut
from agent.collect.aws.errors import Failure, NotAnAnswer
from agent.collect.azure.client import Answer, Arm, Halt
from agent.collect.azure.cloud import bearer
from agent.collect.azure.errors import of_exception
from agent.config.azure import Azure
from checks.model import Reason

_SUBSCRIPTIONS_API: Final = "2022-12-01"
_PERMISSIONS: Final = "providers/Microsoft.Authorization/permissions"
_PERMISSIONS_API: Final = "2022-04-01"
_GROUPS_API: Final = "2020-05-01"
PERMISSIONS_CALL: Final = f"GET {_PERMISSIONS}"
DESCENDANTS: Final = "Microsoft.Management/managementGroups/descendants/read"


@dataclass(frozen=True, slots=True)
class Role:
    """What one assignment lets the caller do: actions without those that it leaves out, both with wildcards."""

    actions: tuple[str, ...]
    not_actions: tuple[str, ...]

    def allows(self, action: str) -> bool:
        return any(_matches(one, action) for one in self.actions) and not any(_matches(one, action) for one in self.not_actions)


def _matches(pattern: str, action: str) -> bool:
    """`*` stands for any text, over several names, too (Azure RBAC documentation, "Understand Azure role definitions")."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), action, re.IGNORECASE) is not None


@dataclass(frozen=True, slots=True)
class Entered:
    """A subscription that could be entered: by whom, the answer that shows it, and what may be read in all of it."""

    id: str
    arm: Arm
    settings: Azure
    identity: str
    answer: Answer
    roles: Answer | Halt
    location: str

    @property
    def tenant(self) -> str | None:
        told = self.answer.items[0].get("tenantId")
        return told if isinstance(told, str) else None

    def lacks(self, action: str) -> Failure | None:
        """Why a list that needs an action may not show all that there is; None where the caller may read all of it.

        Who may read only some resource groups gets a list of what is in these, and no error.
        """
        if isinstance(self.roles, Halt):
            failure = self.roles.failure
            return Failure(failure.reason, failure.code, f"whether the caller may read all of it is not known: {failure.message}")
        if any(role.allows(action) for role in self.roles.items):
            return None
        message = "the caller's permissions on the whole subscription do not include it: a list may show only a part"
        return Failure(Reason.DENIED, "NotPermittedOnSubscription", message)


def enter(one: Azure, arm: Arm, location: str) -> Iterator[Entered | Shut]:
    """The subscriptions of one entry of the configuration. Nothing but a bug raises."""
    who = identity(arm)
    for subscription in one.subscriptions:
        call = "GET subscriptions/{subscriptionId}"
        if isinstance(who, Failure):
            yield Shut(subscription, (), "GetToken", who)
            continue
        answer = arm.one(f"/subscriptions/{subscription}", _SUBSCRIPTIONS_API, None, partial(_subscription, subscription))
        if isinstance(answer, Halt):
            yield Shut(subscription, (), call, _explained(answer.failure, one))
            continue
        roles = arm.pages(f"/subscriptions/{subscription}/{_PERMISSIONS}", _PERMISSIONS_API, None, _role)
        yield Entered(subscription, arm, one, who, answer, roles, location)


def identity(arm: Arm) -> str | Failure:
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


def _role(item: Any) -> Role:
    actions, without = (item.get(name) if isinstance(item, dict) else None for name in ("actions", "notActions"))
    if not isinstance(actions, list) or not isinstance(without, list | None) or not all(isinstance(one, str) for one in actions):
        raise NotAnAnswer("a permission without its actions")
    return Role(tuple(actions), tuple(map(str, without or ())))


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
