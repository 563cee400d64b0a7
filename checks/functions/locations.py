"""Names of Azure's regions, which are spelled in two ways."""

from __future__ import annotations

import re

from checks.functions.declare import DataError, function

_LOCATION = re.compile(r"[A-Za-z]+( ?[A-Za-z0-9]+)*", re.ASCII)


@function(returns="string", location="string")
def azure_region(location: str) -> str:
    """The region as its name, however it is spelled: azure_region('West Europe') is 'westeurope', and so is that of 'WestEurope'.

    `location`: a region's name or display name, as services answer with either; 'global' is of no region and stays as it is.

    DataError: text that is no such name.
    Source: Azure REST API reference, Subscriptions - List Locations (name and displayName of a location).
    """
    if not _LOCATION.fullmatch(location):
        raise DataError(f"{location!r} is no name of a region")
    return location.replace(" ", "").lower()
