"""Flow logs of Azure: a row for each tuple, and none that vanishes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.logs.formats import azure_flow
from tests.checks.logs.formats.samples import NSG, SUBSCRIPTION, VNET, array, changed, lines, read

TUPLE = "1795183380599,203.0.113.7,10.0.0.6,23956,443,6,I,E,X,3,767,2,1580"


def vnet(*tuples: Any, flows: Any = None) -> dict[str, Any]:
    return changed(
        VNET,
        flowRecords={"flows": [{"aclID": "acl1", "flowGroups": [{"rule": "r", "flowTuples": list(tuples)}]}] if flows is None else flows},
    )


def nsg(*tuples: Any, version: int = 2) -> dict[str, Any]:
    return changed(NSG, properties={"Version": version, "flows": [{"rule": "r", "flows": [{"mac": "m", "flowTuples": list(tuples)}]}]})


def test_a_tuple_of_a_virtual_network_is_a_row() -> None:
    (found,), faults = read(lines(VNET))
    assert not faults
    assert found["time"] == "2026-11-20T14:03:00.599000Z"
    assert (found["source"], found["source_port"], found["destination"], found["destination_port"]) == (
        "203.0.113.7",
        23956,
        "10.0.0.6",
        443,
    )
    assert (found["protocol"], found["direction"], found["flow_state"], found["action"]) == (6, "ingress", "E", "ACCEPT")
    assert (found["encryption"], found["acl"], found["rule"], found["interface"]) == ("X", "acl1", "AllowWeb", "00224871C205")
    assert (found["packets"], found["bytes"], found["reply_packets"], found["reply_bytes"]) == (3, 767, 2, 1580)
    assert (found["account"], found["version"], found["line"]) == (SUBSCRIPTION, 4, 1)
    assert found["resource"].endswith("/virtualnetworks/shop")


@pytest.mark.parametrize("encryption", ["NX", "NX_HW_NOT_SUPPORTED", "NX_FALLBACK", "SOMETHING_NEW"])
def test_the_encryption_of_a_flow_is_what_the_log_says(encryption: str) -> None:
    (found,), _ = read(lines(vnet(TUPLE.replace(",X,", f",{encryption},"))))
    assert found["encryption"] == encryption


def test_a_flow_that_begins_has_no_statistics() -> None:
    (found,), faults = read(lines(vnet("1795183380,203.0.113.7,10.0.0.6,23956,443,6,O,B,NX,,,,")))
    assert not faults
    assert (found["time"], found["direction"], found["action"]) == ("2026-11-20T14:03:00Z", "egress", "ACCEPT")
    assert not {"packets", "bytes", "reply_packets", "reply_bytes"} & found.keys()


def test_a_flow_that_was_denied_is_rejected() -> None:
    (found,), _ = read(lines(vnet(TUPLE.replace(",E,", ",D,"))))
    assert found["action"] == "REJECT"


def test_a_tuple_of_a_security_group_is_a_row() -> None:
    (found,), faults = read(lines(NSG))
    assert not faults
    assert (found["protocol"], found["action"], found["flow_state"], found["direction"]) == (17, "REJECT", "E", "ingress")
    assert (found["rule"], found["interface"], found["version"], found["account"]) == ("DenyAll", "000D3AF87856", 2, SUBSCRIPTION)
    assert (found["packets"], found["bytes"], found["reply_packets"], found["reply_bytes"]) == (1, 66, 2, 132)


def test_version_1_of_security_groups_has_no_states() -> None:
    (found,), faults = read(lines(nsg("1795183380,203.0.113.7,10.1.0.4,51529,3389,T,I,A", version=1)))
    assert not faults
    assert (found["protocol"], found["action"], found["destination_port"]) == (6, "ACCEPT", 3389)
    assert not {"flow_state", "packets"} & found.keys()


@pytest.mark.parametrize("odd", ["", "1,2,3", 7, None, {}, TUPLE.rpartition(",")[0]])
def test_a_tuple_that_cannot_be_read_is_lost_with_the_number_of_its_record(odd: Any) -> None:
    rows, faults = read(lines(VNET, vnet(TUPLE, odd, TUPLE)))
    assert [row["line"] for row in rows] == [1, 2, 2]
    assert (faults.lost, [fault.line for kept in faults.first.values() for fault in kept]) == (1, [2])


def test_fields_from_the_future_are_told_and_cost_no_row() -> None:
    rows, faults = read(lines(vnet(f"{TUPLE},more")))
    assert (len(rows), rows[0]["encryption"], faults.counts, faults.lost) == (1, "X", {"unknown-column": 1}, 0)


@pytest.mark.parametrize(
    "record",
    [
        changed(VNET, flowRecords=None),
        changed(VNET, flowRecords=[]),
        changed(VNET, flowRecords={"flows": {}}),
        vnet(flows=[7]),
        vnet(flows=[{"flowGroups": None}]),
        vnet(flows=[{"flowGroups": ["x"]}]),
        vnet(flows=[{"flowGroups": [{"flowTuples": "x"}]}]),
    ],
)
def test_a_record_without_its_tuples_has_lost_them(record: dict[str, Any]) -> None:
    rows, faults = read(lines(VNET, record))
    assert ([row["line"] for row in rows], faults.counts, faults.lost) == ([1], {"malformed": 1}, 1)


def test_a_record_without_flows_has_no_rows() -> None:
    rows, faults = read(lines(VNET, vnet(flows=[]), vnet()))
    assert (len(rows), bool(faults)) == (1, False)


@pytest.mark.parametrize(
    ("odd", "kind", "column"),
    [
        (TUPLE.replace("1795183380599", "soon"), "value", "time"),
        (TUPLE.replace("1795183380599", ""), "time", "time"),
        (TUPLE.replace("1795183380599", "-1"), "time", "time"),
        (TUPLE.replace("1795183380599", "9999999999"), "time", "time"),
        (TUPLE.replace("1795183380599", "999999999999999999"), "time", "time"),
        (TUPLE.replace("203.0.113.7", "203.0.113.700"), "value", "source"),
        (TUPLE.replace("443", "https"), "value", "destination_port"),
        (TUPLE.replace(",I,", ",X,"), "value", "direction"),
        (TUPLE.replace(",E,", ",Q,"), "value", "action"),
    ],
)
def test_a_field_without_its_type_is_null_and_counted(odd: str, kind: str, column: str) -> None:
    (good, bad), faults = read(lines(vnet(TUPLE, odd)))
    assert column in good
    assert column not in bad
    assert faults.counts[kind] == 1
    assert not faults.lost


def test_many_tuples_are_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(azure_flow, "_ROWS", 3)
    rows, faults = read(array(vnet(*[TUPLE] * 4), vnet(*[TUPLE] * 4)))
    assert ([row["line"] for row in rows], bool(faults)) == ([1] * 4 + [2] * 4, False)


TUPLES = st.one_of(
    st.just(TUPLE),
    st.text(st.sampled_from("0123456789,.:IOBX-"), max_size=40),
    st.none(),
    st.lists(st.sampled_from([*"IOBECDNX", "", "6", "T"]), min_size=8, max_size=14).map(",".join),
)


@settings(max_examples=30)
@given(tuples=st.lists(TUPLES, max_size=8))
def test_every_tuple_is_a_row_or_is_lost(tuples: list[Any]) -> None:
    for make, name in ((vnet, "azure_vnet_flow"), (nsg, "azure_nsg_flow")):
        rows, faults = read(lines(make(*tuples)), name)
        assert len(rows) + faults.lost == len(tuples)
