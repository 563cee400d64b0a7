"""Query logs of Route 53's resolver."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.checks.logs.formats.reading import AT, read


def query(**changed: Any) -> str:
    whole = {
        "version": "1.100000", "account_id": "111122223333", "region": "eu-central-1", "vpc_id": "vpc-7", "query_timestamp": "2026-11-20T14:01:02Z",
        "query_name": "bank.example.", "query_type": "A", "query_class": "IN", "rcode": "NOERROR",
        "answers": [{"Rdata": "203.0.113.9", "Type": "A", "Class": "IN"}], "srcaddr": "10.0.1.5", "srcport": "56067", "transport": "UDP",
        "srcids": {"instance": "i-0a1", "resolver_endpoint": "rslvr-in-1"}, "firewall_rule_action": "BLOCK", "firewall_rule_group_id": "rslvr-frg-1",
        "firewall_domain_list_id": "rslvr-fdl-1",
    }  # fmt: skip
    return json.dumps({**whole, **changed})


def test_a_query_is_read() -> None:
    found = read("route53_resolver", query())
    assert not found.faults
    assert found.values("time", "account", "region", "vpc", "source", "source_port", "transport", "version") == [
        (AT, "111122223333", "eu-central-1", "vpc-7", "10.0.1.5", 56067, "UDP", "1.100000")
    ]
    assert found.values("query_name", "query_type", "query_class", "response_code", "instance", "resolver_endpoint") == [
        ("bank.example.", "A", "IN", "NOERROR", "i-0a1", "rslvr-in-1")
    ]
    assert found.values("firewall_action", "firewall_rule_group", "firewall_domain_list") == [("BLOCK", "rslvr-frg-1", "rslvr-fdl-1")]
    assert json.loads(found.rows[0]["answers"]) == [{"Rdata": "203.0.113.9", "Type": "A", "Class": "IN"}]


def test_members_that_are_absent_are_null_and_new_ones_tolerated() -> None:
    whole = json.loads(query(new={"a": 1}))
    del whole["srcids"], whole["firewall_rule_action"], whole["answers"]
    found = read("route53_resolver", json.dumps(whole))
    assert not found.faults
    assert found.values("instance", "firewall_action", "answers") == [(None, None, None)]


@pytest.mark.parametrize(
    ("changed", "column"),
    [({"query_name": 7.5}, ""), ({"query_type": ["A"]}, "query_type"), ({"srcport": "high"}, "source_port"), ({"srcaddr": "10.0.1"}, "source"),
     ({"query_timestamp": "2026-11-20T14:01:177Z"}, "time"), ({"srcids": {"instance": True}}, "instance")],
)  # fmt: skip
def test_values_of_the_wrong_form_are_null_and_counted(changed: dict[str, Any], column: str) -> None:
    found = read("route53_resolver", query(), query(**changed))
    assert len(found.rows) == 2
    if column:
        assert found.values(column)[1] == (None,)
        assert found.faults.counts == {"value": 1}


def test_lines_that_are_no_objects_are_lost_and_counted() -> None:
    found = read(
        "route53_resolver", query(), query()[:-9], "7", "", query().replace("vpc", "v\0c"), query().encode().replace(b"bank", b"b\xffnk")
    )
    assert [row["line"] for row in found.rows] == [1, 6]
    assert found.lost == {"malformed": [2, 3], "nul-bytes": [5]}
