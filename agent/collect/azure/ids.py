"""Resource ids of Azure Resource Manager: the subscription, the type and the parent that they tell.

/subscriptions/S/resourceGroups/G/providers/Microsoft.Network/virtualNetworks/N/subnets/M, the group left out for what
belongs to the subscription; ids are compared without regard to case (Azure Resource Manager documentation, "Resource
functions for ARM templates", resourceId; "Naming rules and restrictions for Azure resources").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ArmId:
    """One resource. `scope` is what stands before its provider; types and names go in pairs from the outermost in."""

    scope: str
    subscription: str
    namespace: str
    types: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def type(self) -> str:
        """As ARM spells it: Microsoft.Network/virtualNetworks/subnets."""
        return "/".join((self.namespace, *self.types))

    @property
    def kind(self) -> str:
        """As estates name it: azure.network.virtualnetworks.subnets."""
        return "azure." + self.type.lower().removeprefix("microsoft.").replace("/", ".")

    @property
    def key(self) -> str:
        """The id that stays the same however it is spelled."""
        return str(self).lower()

    @property
    def parent(self) -> ArmId | None:
        """The resource that this one is a child of."""
        if len(self.types) < 2:
            return None
        return ArmId(self.scope, self.subscription, self.namespace, self.types[:-1], self.names[:-1])

    def __str__(self) -> str:
        pairs = "/".join(part for pair in zip(self.types, self.names, strict=True) for part in pair)
        return f"{self.scope}/providers/{self.namespace}/{pairs}"


def parse(text: object) -> ArmId | None:
    """The parts of an id; None for what is not the id of a resource in a subscription."""
    if not isinstance(text, str) or not text.startswith("/"):
        return None
    parts = text.split("/")[1:]
    lowered = [part.lower() for part in parts]
    if len(parts) < 6 or not all(parts) or lowered[0] != "subscriptions" or not GUID.fullmatch(parts[1]) or "providers" not in lowered[::2]:
        return None
    at = max(index for index in range(0, len(parts), 2) if lowered[index] == "providers")
    below = parts[at + 2 :]
    if not below or len(below) % 2:
        return None
    return ArmId("/" + "/".join(parts[:at]), lowered[1], parts[at + 1], tuple(below[::2]), tuple(below[1::2]))


def made(scope: str, subscription: str, type_: str, names: Sequence[str]) -> ArmId | None:
    """The id of a resource by its type and names; None where they do not go in pairs."""
    namespace, *types = type_.split("/")
    if not types or len(types) != len(names) or not all((namespace, *types, *names)) or any("/" in name for name in names):
        return None
    return ArmId(scope, subscription.lower(), namespace, tuple(types), tuple(names))
