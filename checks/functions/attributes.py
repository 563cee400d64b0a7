"""Lists of named values, as AWS writes attributes, tags and parameters, and Azure the parameters of database servers."""

from __future__ import annotations

from collections.abc import Mapping

from checks.functions.declare import DataError, function

# An entry has one of each: ELBv2 and tags {Key, Value}, IAM and Firehose {Name, Value}, RDS and Redshift
# {ParameterName, ParameterValue}, classic load balancer policies {AttributeName, AttributeValue}, ECS {name, value}; child
# resources of Azure Resource Manager {name, properties: {value}}.
_NAMES = ("Key", "Name", "ParameterName", "AttributeName", "key", "name")
_VALUES = ("Value", "ParameterValue", "AttributeValue", "value")


@function(returns="string", entries="list", name="string")
def attribute(entries: list[object], name: str) -> str:
    """The value of the one entry that is called `name`: attribute(resource.Attributes, 'access_logs.s3.enabled').

    `entries`: maps with a name (Key, Name, ParameterName or AttributeName; ECS: key or name) and a value (Value,
    ParameterValue or AttributeValue; ECS: value; Azure: value in its properties), which must be text: compare with 'true', not
    true. Names are compared exactly.

    DataError: no entry of that name, more than one, one without a value or whose value is no text (RDS leaves out the
    value of a parameter that is not set), or an entry whose name cannot be read.
    Source: API references of Elastic Load Balancing (LoadBalancerAttribute), RDS and Redshift (Parameter); Azure REST API
    reference, Database for PostgreSQL and for MySQL (Configuration).
    """
    found = [entry for entry in map(_entry, entries) if _member(entry, _NAMES) == name]
    if len(found) != 1:
        raise DataError(f"{name} is {'absent' if not found else 'there more than once'}")
    return _member(found[0], _VALUES)


def _entry(entry: object) -> Mapping[str, object]:
    if not isinstance(entry, dict):
        raise DataError(f"not a named value: {entry!r}")
    properties = entry.get("properties")
    return {**entry, "value": properties.get("value")} if isinstance(properties, dict) else entry


def _member(entry: Mapping[str, object], members: tuple[str, ...]) -> str:
    """The text of the only one of these members that the entry has."""
    present = [member for member in members if entry.get(member) is not None]
    if len(present) != 1:
        raise DataError(f"an entry with {', '.join(present) or 'none'} where one of {', '.join(members)} is expected")
    value = entry[present[0]]
    if not isinstance(value, str):
        raise DataError(f"{present[0]} is no text: {value!r}")
    return value
