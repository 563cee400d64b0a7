"""Files that are none are errors that name them, nothing is too odd, and nothing secret is kept."""

from __future__ import annotations

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.collect.estate import EstateError
from checks.document import DocumentError
from tests.agent.collect.files.azure_files import (
    GATEWAY,
    MACHINE,
    NSG,
    NSGS,
    OTHER,
    SERVER,
    VNET,
    VNETS,
    envelope,
    flattened,
    imported,
    put,
)

# -- files that are none -------------------------------------------------------------------------------------------------


BAD: dict[str, tuple[str, Any]] = {
    "a lone surrogate": ("lone surrogate", json.dumps([{**NSG, "name": "\ud800"}]).encode()),
    "the same member twice": ("stands twice", b'[{"id": "a", "id": "b"}]'),
    "deep nesting": ("nested deeper", b"[" * 100_000 + b"]" * 100_000),
    "a number of 5000 digits": ("not JSON", b"[" + b"9" * 5000 + b"]"),
    "a table": ("not JSON", b"Name    Location\n----    ----\n"),
    "nothing": (r"write \[\] into it", b" \n"),
    "an error": ("the error AuthorizationFailed", {"error": {"code": "AuthorizationFailed", "message": "no"}}),
    "a table of Resource Graph": ("objectArray", {"data": {"columns": [], "rows": []}}),
    "a page that is empty": ("nothing tells of which type", {"value": [], "nextLink": "https://management.azure.com/next"}),
    "an object without an id": ("object 2 has no id", [NSG, {"name": "x"}]),
    "an object that is none": ("object 2 has no id", [NSG, "x"]),
    "an id that is none": (
        "object 2 has no id",
        [NSG, {**NSG, "id": "/subscriptions/mine/resourceGroups/g/providers/Microsoft.Network/routeTables/r"}],
    ),
    "no resource": ("no file to import", {"name": "x"}),
    "an empty list": ("no file to import", []),
    "a text": ("no file to import", "x"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_broken_file_is_an_error_that_names_it_and_leaves_nothing_behind(tmp_path: Path, name: str) -> None:
    problem, held = BAD[name]
    with pytest.raises((EstateError, DocumentError), match=problem) as raised:
        imported(tmp_path, {"a.json": held})
    assert "a.json" in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == ["src"]


def test_an_unreadable_file_is_an_error(tmp_path: Path) -> None:
    """A link in a circle: one that nobody may read, root could."""
    put(tmp_path / "src", {"a.json": NSG})
    (tmp_path / "src" / "b.json").symlink_to("b.json")
    with pytest.raises(DocumentError, match=r"b\.json: (cannot be read|not a regular file)"):
        imported(tmp_path, {})


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    put(tmp_path / "src", {"a.json": NSG})
    os.mkfifo(tmp_path / "src" / "b.json")
    with pytest.raises(DocumentError, match=r"b.json: not a regular file"):
        imported(tmp_path, {})


def test_a_folder_of_one_subscription_holds_no_other(tmp_path: Path) -> None:
    with pytest.raises(EstateError, match=f"its folder names the subscription {OTHER}"):
        imported(tmp_path, {f"{OTHER}/a.json": [NSG]})


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"account": "111122223333"}, "is a GUID"),
        ({"region": "../x"}, "not the name of a location"),
        ({"collected_at": "yesterday"}, "--collected-at yesterday"),
        ({"asserted_by": " "}, "name who asserts it"),
    ],
)
def test_an_option_that_says_nothing_is_an_error(tmp_path: Path, options: dict[str, Any], problem: str) -> None:
    with pytest.raises(EstateError, match=problem):
        imported(tmp_path, {"a.json": NSG}, **options)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["id", "properties", "subnets", "Subnets", "addressSpace", "name", "tags", "location"]), inner, max_size=4
            )
        ),
        max_leaves=12,
    )
)
def test_no_resource_is_too_odd(odd: Any) -> None:
    """Whatever stands in the members: it is imported, a gap, or an error that names the file."""
    with TemporaryDirectory() as folder:
        try:
            estate = imported(Path(folder), {"a.json": [{**VNET, "properties": odd}, {**NSG, "tags": odd, "location": odd}]})
        except (DocumentError, EstateError) as error:
            problem = str(error)
        else:
            problem = "a.json"
            assert len(estate.of(VNETS)) == len(estate.of(NSGS)) == 1
        assert "a.json" in problem


# -- nothing secret reaches the disk --------------------------------------------------------------------------------------


def test_nothing_secret_is_kept(tmp_path: Path) -> None:
    secret = "c0ffee-secret"
    connection = envelope(
        "Microsoft.Network", "connections", "office", {"connectionType": "IPsec", "sharedKey": secret, "authorizationKey": secret}
    )
    circuit = envelope(
        "Microsoft.Network", "expressRouteCircuits", "line",
        {"serviceProviderProvisioningState": "Provisioned", "serviceKey": secret, "authorizations": [{"name": "a", "properties": {"authorizationKey": secret}}],
         "peerings": [{"name": "p", "properties": {"peeringType": "AzurePrivatePeering", "sharedKey": secret}}]},
    )  # fmt: skip
    gateway = envelope(
        "Microsoft.Network",
        "virtualNetworkGateways",
        "vpn",
        {"gatewayType": "Vpn", "vpnClientConfiguration": {"radiusServerSecret": secret, "radiusServers": [{"radiusServerSecret": secret}]}},
    )
    machine = {
        **MACHINE,
        "properties": {**MACHINE["properties"], "userData": secret, "osProfile": {"adminPassword": secret, "customData": secret}},
        "resources": [{"properties": {"settings": {"key": secret}}}],
    }
    scale_set = envelope(
        "Microsoft.Compute",
        "virtualMachineScaleSets",
        "pool",
        {
            "virtualMachineProfile": {
                "userData": secret,
                "osProfile": {"customData": secret},
                "extensionProfile": {"extensions": [secret]},
                "networkProfile": {"networkInterfaceConfigurations": []},
            }
        },
    )
    server = {**SERVER, "properties": {**SERVER["properties"], "administratorLoginPassword": secret}}
    edge = {
        **GATEWAY,
        "properties": {**GATEWAY["properties"], "sslCertificates": [{"name": "c", "properties": {"data": secret, "password": secret}}]},
    }
    held = [connection, circuit, gateway, machine, scale_set, server, edge]
    estate = imported(tmp_path, {"a.json": held, "b.json": flattened([{**one, "id": one["id"] + "2"} for one in held])})
    assert sum(map(len, estate.resources.values())) == 14
    assert not any(secret in file.read_text() for file in (tmp_path / "out").rglob("*") if file.is_file())
