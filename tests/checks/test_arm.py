"""What a catalogue may say of a type of Azure Resource Manager: where it is listed, and what completes it."""

from __future__ import annotations

import pytest

from checks import catalogue
from checks.catalogue import Catalogue
from checks.document import DocumentError, parse
from checks.plan import whole

SERVER = """  azure.sql.servers:
    title: Server
    arm: {type: Microsoft.Sql/servers, api: "2021-11-01", members: {properties: {state: string}}%s}
"""
DATABASE = """  azure.sql.servers.databases:
    title: Database
    arm: {type: Microsoft.Sql/servers/databases, api: "2021-11-01", per: %s, members: {properties: {status: string}}%s}
"""
DETAIL = ", details: [{into: %s, get: %s, members: {properties: {state: string}}%s}]"


def read(*types: str) -> Catalogue:
    return catalogue.read([parse("schema: upheld.catalogue/1\nservice: a\ntypes:\n" + "".join(types), "a.yaml")])


def test_a_type_is_listed_below_the_subscription_or_below_another() -> None:
    kinds = read(SERVER % "", DATABASE % ("azure.sql.servers", ""))
    server, database = (kinds[name].arm for name in ("azure.sql.servers", "azure.sql.servers.databases"))
    assert server is not None
    assert database is not None
    assert (server.path, database.path) == ("providers/Microsoft.Sql/servers", "databases")
    assert (server.permission, database.permission) == ("Microsoft.Sql/servers/read", "Microsoft.Sql/servers/databases/read")
    assert whole({"azure.sql.servers.databases": frozenset()}, kinds).keys() == {"azure.sql.servers", "azure.sql.servers.databases"}


@pytest.mark.parametrize(
    ("get", "action"),
    [
        ("encryptionProtector/current", "Microsoft.Sql/servers/encryptionProtector/read"),
        ("configurations/require_secure_transport", "Microsoft.Sql/servers/configurations/read"),
        ("providers/Microsoft.Insights/diagnosticSettings", "Microsoft.Insights/diagnosticSettings/read"),
        ("child/default/providers/Microsoft.Insights/diagnosticSettings", "Microsoft.Insights/diagnosticSettings/read"),
    ],
)
def test_a_detail_needs_the_action_that_is_named_after_what_it_reads(get: str, action: str) -> None:
    arm = read(SERVER % (DETAIL % ("Held", get, "")))["azure.sql.servers"].arm
    assert arm is not None
    assert arm.details[0].permission(arm.type) == action


def test_a_detail_stands_in_the_shape_of_its_type_and_may_be_null_where_a_code_says_so() -> None:
    kind = read(SERVER % (DETAIL % ("Held", "a/b", ", absent: [NotFound], omitted_means_none: {properties.state: there}")))[
        "azure.sql.servers"
    ]
    assert kind.arm is not None
    assert kind.arm.completed.has(("Held", "properties", "state"))
    assert not kind.arm.shape.has(("Held",))
    assert kind.nullable == {("Held",), ("Held", "properties", "state")}
    listed = read(SERVER % (DETAIL % ("Held", "a", ", items: true, omitted_means_none: {properties.state: there}")))["azure.sql.servers"]
    assert listed.nullable == {("Held", "[]", "properties", "state")}


@pytest.mark.parametrize(
    ("types", "problem"),
    [
        ((SERVER % (DETAIL % ("held", "a", "")),), "details"),
        ((SERVER % (DETAIL % ("Held", "'https://evil.example/a'", "")),), "details"),
        ((SERVER % (DETAIL % ("Held", "'../../providers'", "")),), "details"),
        ((SERVER % (DETAIL % ("Held", "'a?api-version=1'", "")),), "details"),
        ((SERVER % ", details: [{into: A, get: a, members: {b: string}}, {into: A, get: b, members: {b: string}}]",), "same member"),
        ((DATABASE % ("azure.sql.servers", ""),), "cannot be listed per azure.sql.servers"),
        ((SERVER % "", DATABASE % ("azure.sql.servers.databases", "")), "cannot be listed per azure.sql.servers.databases"),
        ((SERVER % ", per: azure.sql.servers",), "needs `get`"),
    ],
)
def test_what_leads_nowhere_or_elsewhere_does_not_load(types: tuple[str, ...], problem: str) -> None:
    with pytest.raises(DocumentError, match=problem):
        read(*types)
