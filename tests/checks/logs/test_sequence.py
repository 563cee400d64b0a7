"""Numbers that are skipped, and hours of a series that has one of every hour: holes, and only between two that are there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.logs.completeness import Doubt
from checks.logs.sequence import Sequences

START = datetime(2026, 11, 20, tzinfo=UTC)
FLOW = "AWSLogs/1/vpcflowlogs/eu/2026/11/20/1_vpcflowlogs_eu_{log}_20261120T{hour:02}05Z_a1b2.log.gz"
BLOB = "https://a.example/insights/flowLogResourceID=/X/y=2026/m=11/d=20/h={hour:02}/m=00/macAddress={mac}/PT1H.json"


def holes(names: dict[str, list[int]], table: str = "log.web") -> list[Doubt]:
    """Names of objects, each with the hours of its rows."""
    held = Sequences(table)
    for name, hours in names.items():
        held.add(name, {START + timedelta(hours=hour): 1 for hour in hours})
    return list(held.holes())


def told(found: list[Doubt]) -> dict[str, list[int] | None]:
    return {one.object: None if one.hours is None else sorted(hour.hour for hour in one.hours) for one in found}


def test_a_rotated_file_that_is_skipped_leaves_the_hours_between_its_neighbours_untold() -> None:
    names = {"/l/access.log": [9], "/l/access.log.1": [7, 8], "/l/access.log.3.gz": [1, 2], "/l/access.log.4.gz": [0]}
    assert told(holes(names)) == {"/l/access.log.2": [2, 3, 4, 5, 6, 7]}


def test_the_newest_of_those_that_are_rotated_is_missed_and_what_is_older_than_all_is_not() -> None:
    assert told(holes({"/l/access.log": [9], "/l/access.log.2": [1]})) == {"/l/access.log.1": [1, 2, 3, 4, 5, 6, 7, 8, 9]}
    assert holes({"/l/access.log.1": [9], "/l/access.log.2.gz": [1], "/l/other.log.1": [0]}) == []


def test_where_the_neighbours_have_no_rows_it_may_be_of_any_hour() -> None:
    assert told(holes({"/l/access.log.1": [], "/l/access.log.3": [1]})) == {"/l/access.log.2": None}


@pytest.mark.parametrize("name", ["/l/fw-10.0.0.{}", "/l/app-1.2.{}", "/l/access-202611{}.log"])
def test_other_numbers_are_no_sequence(name: str) -> None:
    assert holes({name.format(10): [1], name.format(20): [2]}) == []


def test_a_shard_that_is_skipped_is_of_its_hour() -> None:
    names = {f"/g/2026/11/20/08:00:00_08:59:59_{shard}.json": [8] for shard in ("S0", "S2", "A1")}
    assert told(holes(names, "log.gcp_audit")) == {"/g/2026/11/20/08:00:00_08:59:59_S1": [8], "/g/2026/11/20/08:00:00_08:59:59_A0": [8]}


def test_an_hour_without_a_file_of_one_flow_log_is_a_hole_though_another_has_one() -> None:
    names = {FLOW.format(log=log, hour=hour): [hour] for log, hour in (("fl-a", 1), ("fl-a", 3), ("fl-b", 1), ("fl-b", 2), ("fl-b", 3))}
    assert told(holes(names, "log.vpc_flow")) == {"1_vpcflowlogs_eu_fl-a": [2]}
    assert holes(names, "log.alb") == [], "only of flow logs there is one of every hour"


def test_an_hour_without_a_blob_of_one_interface_is_a_hole() -> None:
    names = {BLOB.format(mac=mac, hour=hour): [hour] for mac, hour in (("A", 1), ("A", 4), ("B", 2))}
    (hole,) = holes(names, "log.azure_vnet_flow")
    assert sorted(hour.hour for hour in hole.hours or ()) == [2, 3]


@given(st.sets(st.integers(1, 30), min_size=1))
def test_what_is_missing_and_what_is_there_are_all_from_the_first_to_the_last(numbers: set[int]) -> None:
    found = {
        int(one.object.rpartition(".")[2]) for one in holes({f"access.log.{number}": [30 - number] for number in numbers if number < 24})
    }
    there = {number for number in numbers if number < 24}
    assert found == set(range(min(there), max(there) + 1)) - there if there else found == set()
