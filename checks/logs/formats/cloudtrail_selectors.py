"""Whether event selectors, as they were asked for, let a trail log less than all management events.

Source: CloudTrail API reference, PutEventSelectors: EventSelector (ReadWriteType is All, IncludeManagementEvents true and
ExcludeManagementEventSources empty where it does not say otherwise) and AdvancedEventSelector (what all its field selectors match).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def narrows_selectors(request: Mapping[str, Any]) -> bool | None:
    """Of the requestParameters of PutEventSelectors. None where selectors may make up for one another, or cannot be read."""
    for member, read in (("eventSelectors", _basic), ("advancedEventSelectors", _advanced)):
        selectors = request.get(member)
        if isinstance(selectors, list) and selectors:
            told = [read(selector) if isinstance(selector, dict) else None for selector in selectors]
            if "all" in told:
                return False
            return None if None in told or told.count("some") > 1 else True
    return None


def _basic(selector: Mapping[str, Any]) -> str | None:
    """How many of the management events a selector takes: all, some or none; None where it does not say so."""
    kinds, included = selector.get("readWriteType", "All"), selector.get("includeManagementEvents", True)
    excluded = selector.get("excludeManagementEventSources", [])
    if not isinstance(included, bool) or not isinstance(excluded, list) or kinds not in ("All", "ReadOnly", "WriteOnly"):
        return None
    return "none" if not included else "all" if kinds == "All" and not excluded else "some"


def _advanced(selector: Mapping[str, Any]) -> str | None:
    fields = selector.get("fieldSelectors")
    if not isinstance(fields, list) or not all(isinstance(one, dict) for one in fields):
        return None
    category = next((one for one in fields if one.get("field") == "eventCategory"), None)
    if category is None or not isinstance(category.get("equals"), list):
        return None
    if "Management" not in category["equals"]:
        return "none"
    return "all" if len(fields) == 1 else "some"
