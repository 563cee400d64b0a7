"""Azure's regions, as services spell them."""

from __future__ import annotations

import pytest

from checks.functions import locations
from checks.functions.declare import DataError


@pytest.mark.parametrize(
    ("text", "region"),
    [("West Europe", "westeurope"), ("westeurope", "westeurope"), ("West US 2", "westus2"), ("Germany West Central", "germanywestcentral")],
)
def test_a_region_has_one_name_however_it_is_spelled(text: str, region: str) -> None:
    assert locations.azure_region(text) == region


@pytest.mark.parametrize("text", ["", " ", "west  europe", "eu-central-1", "westeurope ", "2westus", "WESTEUROPE/x"])
def test_what_is_no_name_of_a_region_decides_nothing(text: str) -> None:
    with pytest.raises(DataError):
        locations.azure_region(text)
