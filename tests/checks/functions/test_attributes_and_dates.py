"""attribute and days_between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.functions import DataError
from checks.functions.attributes import attribute
from checks.functions.dates import days_between


@pytest.mark.parametrize(
    "entries",
    [
        [{"Key": "ssl", "Value": "on"}, {"Key": "other", "Value": "off"}],
        [{"Name": "ssl", "Value": "on"}],
        [{"ParameterName": "ssl", "ParameterValue": "on", "ApplyType": "dynamic"}],
        [{"AttributeName": "ssl", "AttributeValue": "on"}],
        [{"name": "ssl", "value": "on"}],
        [{"key": "ssl", "value": "on"}, {"key": "SSL", "value": "off"}],
        [{"ParameterName": "other"}, {"ParameterName": "ssl", "ParameterValue": "on"}],
    ],
)
def test_the_value_of_the_named_entry(entries: list[object]) -> None:
    assert attribute(entries, "ssl") == "on"


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([], "absent"),
        ([{"Key": "SSL", "Value": "on"}], "absent"),
        ([{"Key": "ssl", "Value": "on"}] * 2, "more than once"),
        ([{"Key": "ssl"}], "none where one of Value"),
        ([{"Key": "ssl", "Value": None}], "none where one of Value"),
        ([{"Key": "ssl", "Value": True}], "no text"),
        ([{"Key": "ssl", "Value": "on", "value": "off"}], "Value, value where one of"),
        ([{"AttributeName": "ssl", "AttributeValues": ["all"]}], "none where one of Value"),
        ([{"Key": "ssl", "Value": "on"}, {"Value": "off"}], "none where one of Key"),
        ([{"Key": "ssl", "Value": "on"}, {"Key": 5, "Value": "off"}], "no text"),
        ([{"Key": "ssl", "Name": "other", "Value": "on"}], "Key, Name where one of"),
        (["ssl"], "not a named value"),
    ],
)
def test_an_entry_that_is_not_plainly_there_is_refused(entries: list[object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        attribute(entries, "ssl")


@pytest.mark.parametrize(
    ("earlier", "later", "days"),
    [
        ("2026-01-01T00:00:00Z", "2026-01-02T12:00:00Z", 1.5),
        ("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", -1.0),
        ("2026-01-01T00:00:00.000+0000", "2026-01-01T02:00:00+02:00", 0.0),
        ("2025-12-31t23:59:59.999999999z", "2026-01-01 00:00:00Z", pytest.approx(0.0, abs=1e-10)),
        (datetime(2024, 2, 28, tzinfo=UTC), "2024-03-01T00:00:00Z", 2.0),
        ("2026-01-01T00:00:00+01:00", datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1))), 0.0),
    ],
)
def test_days_between_two_moments(earlier: str | datetime, later: str | datetime, days: float) -> None:
    assert days_between(earlier, later) == days


@pytest.mark.parametrize(
    "garbage",
    ["", "N/A", "no_information", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00Z", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
     "2026-01-01T24:00:00Z", "2026-01-01T00:00:60Z", "2026-W01-1T00:00:00Z", "20260101T000000Z", "2026-01-01T00:00:00+99:99",
     "0000-01-01T00:00:00Z", "1767225600", " 2026-01-01T00:00:00Z", datetime(2026, 1, 1), 5, None],  # noqa: DTZ001 - no offset is the point
)  # fmt: skip
def test_what_is_no_moment_is_refused_on_either_side(garbage: Any) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(DataError):
        days_between(garbage, now)
    with pytest.raises(DataError):
        days_between(now, garbage)


moments = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(-timedelta(hours=12))]))


@given(moments, moments)
def test_text_and_timestamp_say_the_same_and_order_is_a_sign(one: datetime, other: datetime) -> None:
    assert days_between(one.isoformat(), other) == days_between(one, other.isoformat()) == -days_between(other, one)


def test_a_parameter_of_azure_has_its_value_among_its_properties() -> None:
    entries: list[object] = [{"name": "tls_version", "properties": {"value": "TLSv1.2"}}, {"name": "audit_log_enabled", "properties": {}}]
    assert attribute(entries, "tls_version") == "TLSv1.2"
    with pytest.raises(DataError):
        attribute(entries, "audit_log_enabled")
    with pytest.raises(DataError):
        attribute(entries, "require_secure_transport")
