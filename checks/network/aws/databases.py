"""Databases in a VPC: which interfaces are theirs.

EC2 shows an RDS database's interface with the description `RDSNetworkInterface` and does not say which database it
serves; RDS shows groups and subnets, and no interface (RDS API reference, DBInstance). So an interface is taken to
belong to every database with the same groups whose subnet group holds its subnet: one too many rather than one too few.
A database for which there is none gets one made up from its own data, with an address that nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from checks.functions.declare import DataError
from checks.model import Resource
from checks.network.aws.interfaces import Port, made_up
from checks.network.aws.reading import objects, text
from checks.network.aws.view import View

INSTANCE, CLUSTER = "aws.rds.db_instance", "aws.rds.db_cluster"
DESCRIPTION = "RDSNetworkInterface"


def with_databases(view: View, ports: dict[str, Port]) -> dict[str, Port]:
    """The interfaces, with the databases among their owners, and those of databases that have none."""
    found = dict(ports)
    theirs: dict[str, list[Port]] = {}
    for port in ports.values():
        if port.description == DESCRIPTION:
            theirs.setdefault(port.subnet, []).append(port)
    for database in view.all(INSTANCE):
        try:
            subnets = [text(one, "SubnetIdentifier") for one in objects(database.data, "DBSubnetGroup", "Subnets")]
            groups = tuple(sorted(text(one, "VpcSecurityGroupId") for one in objects(database.data, "VpcSecurityGroups")))
        except DataError as error:
            view.graph.doubts.append(f"where {database.id} stands cannot be read: {error}")
            continue
        vpc = text(database.data, "DBSubnetGroup", "VpcId")
        if not vpc or not subnets:
            view.graph.doubts.append(view.gap(database, "DBSubnetGroup") or f"in which subnets {database.id} stands was not seen")
            continue
        owners = tuple(_owners(database))
        held = [port for subnet in subnets for port in theirs.get(subnet, ()) if port.groups == groups and not port.groups_doubt]
        for port in held:
            found[port.id] = replace(found[port.id], owners=(*found[port.id].owners, *owners))
        if not held:
            groups_doubt = view.gap(database, "VpcSecurityGroups")
            for subnet in sorted(set(subnets)):
                port = _public(database, made_up(database, vpc, subnet, () if groups_doubt else groups, owners, kind="interface"))
                found[port.id] = replace(port, groups_doubt=groups_doubt or port.groups_doubt)
    return found


def _owners(database: Resource) -> Iterator[tuple[str, str]]:
    yield INSTANCE, database.id
    if cluster := text(database.data, "DBClusterIdentifier"):
        yield CLUSTER, cluster


def _public(database: Resource, port: Port) -> Port:
    doubt = "" if database.data.get("PubliclyAccessible") is False else f"the public address of {database.id} is not known"
    return replace(port, public_doubt=doubt)
