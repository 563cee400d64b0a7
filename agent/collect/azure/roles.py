"""What a caller may do at a scope: roles, and deny assignments, which come before them.

Both name actions, and actions that they leave out, with wildcards (Azure RBAC documentation, "Understand Azure role definitions",
"Understand Azure deny assignments").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from agent.collect.aws.errors import NotAnAnswer

EVERYTHING: Final = "*/read"
_EVERYONE: Final = "00000000-0000-0000-0000-000000000000"
_ONE: Final = frozenset({"user", "serviceprincipal"})
"""Types of principals that are one and the same as an object id; a group may hold anybody."""


@dataclass(frozen=True, slots=True)
class Actions:
    """Actions without those that are left out."""

    actions: tuple[str, ...]
    not_actions: tuple[str, ...]

    def hold(self, action: str) -> bool:
        return any(_matches(one, action) for one in self.actions) and not any(_matches(one, action) for one in self.not_actions)

    def touch(self, action: str) -> bool:
        """Whether a part of an action that is written with a wildcard may be among them."""
        if action != EVERYTHING:
            return self.hold(action)
        some = any(one.lower().endswith(("/read", "*")) for one in self.actions)
        return some and not any(_matches(one, action) for one in self.not_actions)


def _matches(pattern: str, action: str) -> bool:
    """`*` stands for any text, over several names, too."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), action, re.IGNORECASE) is not None


@dataclass(frozen=True, slots=True)
class Denial:
    """A deny assignment at the scope, above or below it. `principals` are object ids, None where a group is among them."""

    name: str
    denied: tuple[Actions, ...]
    principals: frozenset[str] | None
    excepted: frozenset[str]

    def may_concern(self, object_id: str | None) -> bool:
        """Whether the caller may be meant: who is in a group, no token tells for sure."""
        if object_id is not None and object_id in self.excepted:
            return False
        return self.principals is None or object_id is None or bool({object_id, _EVERYONE} & self.principals)


def permission(item: Any) -> Actions:
    """An element of Permissions - List, or a permission of a deny assignment. Raises NotAnAnswer."""
    actions, without = (item.get(name) if isinstance(item, Mapping) else None for name in ("actions", "notActions"))
    if not isinstance(actions, list) or not isinstance(without, list | None) or not all(isinstance(one, str) for one in actions):
        raise NotAnAnswer("a permission without its actions")
    return Actions(tuple(actions), tuple(map(str, without or ())))


def denial(item: Any) -> Denial:
    """An element of Deny Assignments - List. Raises NotAnAnswer."""
    held = item.get("properties") if isinstance(item, Mapping) else None
    if not isinstance(held, Mapping) or not isinstance(told := held.get("permissions"), list):
        raise NotAnAnswer("a deny assignment without its permissions")
    principals, excepted = (_principals(held.get(name)) for name in ("principals", "excludePrincipals"))
    groups = any(type_ not in _ONE and id_ != _EVERYONE for id_, type_ in principals)
    ids = frozenset(id_ for id_, _ in principals)
    name = str(held.get("denyAssignmentName") or item.get("name") or "without a name")
    return Denial(name, tuple(map(permission, told)), None if groups or not ids else ids, frozenset(id_ for id_, _ in excepted))


def _principals(told: Any) -> list[tuple[str, str]]:
    found = [(str(one.get("id", "")).lower(), str(one.get("type", "")).lower()) for one in told or () if isinstance(one, Mapping)]
    return [(id_, type_) for id_, type_ in found if id_]
