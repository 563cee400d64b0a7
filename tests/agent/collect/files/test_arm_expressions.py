"""Template expressions: what says the same whoever deploys it has a value, all else has none and says why."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.collect.files.arm_expressions import Resolver, Surroundings, Unresolved

SUBSCRIPTION = "7b0c2c4e-0000-4000-8000-000000000001"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop"
TEMPLATE = {
    "parameters": {
        "name": {"type": "string", "defaultValue": "web"},
        "Ports": {"type": "array", "defaultValue": [80, "443"]},
        "password": {"type": "secureString", "defaultValue": "hunter2"},
        "asked": {"type": "string"},
        "made": {"type": "string", "defaultValue": "[concat('nic-', parameters('name'))]"},
        "id": {"type": "string", "defaultValue": "[uniqueString(resourceGroup().id)]"},
    },
    "variables": {
        "nsg": "[concat(parameters('name'), '-nsg')]",
        "settings": {"subnet": {"name": "front"}, "zones": ["1", "2"]},
        "half": ["a", "[parameters('asked')]"],
        "self": "[variables('self')]",
        "v0": ["x", "x", "x", "x", "x", "x", "x", "x", "x", "x"],
        **{f"v{n}": [f"[variables('v{n - 1}')]"] * 10 for n in range(1, 9)},
        **{f"s{n}": f"[concat({', '.join([f'variables({q}s{n - 1}{q})' for q in [chr(39)] * 10])})]" for n in range(1, 9)},
        "s0": "0123456789",
    },
}


def value(text: Any, location: str | None = None) -> Any:
    return Resolver(TEMPLATE, Surroundings(SUBSCRIPTION, "shop", location)).value(text)


VNET = "Microsoft.Network/virtualNetworks"
KNOWN = {
    "plain": "plain",
    "[[not an expression]": "[not an expression]",
    "[half open": "[half open",
    "['it''s']": "it's",
    "[parameters('name')]": "web",
    "[ Parameters( 'NAME' ) ]": "web",
    "[parameters('ports')[1]]": "443",
    "[parameters('made')]": "nic-web",
    "[variables('nsg')]": "web-nsg",
    "[variables('settings').subnet.name]": "front",
    "[variables('settings')['zones'][1]]": "2",
    "[concat('a', parameters('name'), 1)]": "aweb1",
    "[concat(parameters('ports'), variables('settings').zones)]": [80, "443", "1", "2"],
    "[format('{0}/{1}', parameters('name'), 'front')]": "web/front",
    "[toLower(toUpper('Shop'))]": "shop",
    f"[resourceId('{VNET}', parameters('name'))]": f"{GROUP}/providers/{VNET}/web",
    f"[resourceId('{VNET}/subnets', 'web', 'front')]": f"{GROUP}/providers/{VNET}/web/subnets/front",
    f"[resourceId('other', '{VNET}', 'web')]": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/other/providers/{VNET}/web",
    f"[concat(resourceId('{VNET}', 'web'), '/subnets/front')]": f"{GROUP}/providers/{VNET}/web/subnets/front",
    "[resourceGroup().name]": "shop",
    "[subscription().subscriptionId]": SUBSCRIPTION,
}


@pytest.mark.parametrize("text", KNOWN)
def test_what_is_literal_and_simple_has_a_value(text: str) -> None:
    assert value(text) == KNOWN[text]


UNKNOWN = {
    "[parameters('asked')]": "has no default value",
    "[parameters('password')]": "is a secret",
    "[parameters('nobody')]": "there is no parameter",
    "[parameters('id')]": r"uniqueString\(\) says nothing",
    "[reference('x').address]": r"reference\(\) says nothing",
    "[if(true, 'a', 'b')]": "says nothing|not an expression|missing",
    "[variables('half')]": "has no default value",
    "[variables('half')[0]]": "has no default value",
    "[variables('self')]": "refers to itself",
    "[variables('settings').zones[7]]": "there is no 7",
    "[concat('a', parameters('asked'))]": "has no default value",
    "[concat('a', variables('settings'))]": "says nothing",
    "[format('{0:N}', 1)]": "another form",
    "[format('{3}', 1)]": "too few",
    f"[resourceId('{VNET}', 'web', 'front')]": "with 2 names",
    "[resourceId('web')]": "without a type",
    "[resourceGroup().location]": "there is no location",
    "[variables('v8')]": "too long",
    "[variables('s8')]": "too long",
    "['a' 'b']": "goes on",
    "[]": "not an expression",
    "[concat(]": "not an expression",
    "[concat('a'": None,
    f"[{'concat(' * 5000}{')' * 5000}]": "nests too deep",
}


@pytest.mark.parametrize("text", UNKNOWN, ids=lambda text: text[:40])
def test_what_a_deployment_decides_has_none_and_says_why(text: str) -> None:
    found = value(text)
    if UNKNOWN[text] is None:
        assert found == text
        return
    assert isinstance(found, Unresolved)
    assert re.search(UNKNOWN[text], found.why), found.why


def test_the_location_of_a_resource_group_has_a_value_where_it_is_given() -> None:
    assert value("[resourceGroup().location]", "westeurope") == "westeurope"


def test_expressions_are_found_wherever_they_stand() -> None:
    found = value({"a": ["[parameters('name')]", {"b": "[parameters('asked')]"}], "[parameters('name')]": 1})
    assert isinstance(found, Unresolved)
    found = value({"a": ["[parameters('name')]", {"b": "[parameters('asked')]"}], "c": True})
    assert found["a"][0] == "web"
    assert isinstance(found["a"][1]["b"], Unresolved)
    assert found["c"] is True


def test_a_member_made_by_a_copy_loop_is_not_told() -> None:
    found = value({"copy": [{"name": "dataDisks", "count": 2, "input": {}}], "vmSize": "small"})
    assert found["vmSize"] == "small"
    assert isinstance(found["dataDisks"], Unresolved)


@given(st.text(alphabet="[]().,' abconctprmesv01-{}", max_size=60))
def test_no_text_is_too_odd(text: str) -> None:
    value(f"[{text}]")
