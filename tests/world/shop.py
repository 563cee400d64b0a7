"""Marktbruecke, a small company that does not exist: a web shop on AWS in two regions, with faults planted in it.

    with moto() as server, FaultProxy(server.endpoint, s3_defaults=True) as aws:
        make_like_aws(aws)
        shop = populate(aws.endpoint)
        for fault in shop.planted: ...          # each with the id that the emulator gave

`tests.world.planted` lists every fault and what must be found in order, as the company names things, and `Shop` puts
the emulator's ids in their place. Everything is made by boto3 calls, through the proxy or without it: what AWS sets by
itself on a new bucket is set here too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from tests.world.builder import Builder
from tests.world.planted import HOME, PLANTED, SECOND, SOUND, Planted
from tests.world.proxy import FaultProxy
from tests.world.servers import ACCOUNT
from tests.world.shop_network import databases, front, networks, servers
from tests.world.shop_services import abroad, logs, messages, people, programs
from tests.world.shop_storage import buckets, keys


@dataclass(frozen=True, slots=True)
class Shop:
    """The estate as it was made: what is planted and what is sound, with the emulator's ids."""

    planted: tuple[Planted, ...]
    sound: tuple[Planted, ...]
    ids: Mapping[tuple[str, str], tuple[str, ...]]
    """(type, the company's name) -> every id that the thing has, its usual one first."""

    def named(self, kind: str, name: str) -> str:
        """The id of a thing by the company's name for it."""
        return self.ids[kind, name][0]


def populate(endpoint: str, *, account: str = ACCOUNT) -> Shop:
    """Make the company's estate on the emulator. It takes some seconds; the emulator should be empty."""
    ids: dict[tuple[str, str], tuple[str, ...]] = {}
    home, second = Builder(endpoint, account, HOME, ids), Builder(endpoint, account, SECOND, ids)
    keys(home)
    buckets(home)
    network = networks(home)
    servers(home, network)
    front(home, network)
    databases(home, network)
    messages(home)
    logs(home)
    people(home)
    programs(home, network)
    abroad(second)
    ids["aws.account", ACCOUNT] = (account,)
    return Shop(_resolved(PLANTED, ids), _resolved(SOUND, ids), ids)


def _resolved(things: tuple[Planted, ...], ids: Mapping[tuple[str, str], tuple[str, ...]]) -> tuple[Planted, ...]:
    found = ((thing, ids[thing.type, thing.id]) for thing in things)
    return tuple(replace(thing, id=names[0], names=frozenset(names)) for thing, names in found)


@contextmanager
def with_old_access_key(proxy: FaultProxy) -> Iterator[None]:
    """Let the access key of `ci-deploy` be from 2023: the emulator makes new keys only."""
    key = {"UserName": "ci-deploy", "AccessKeyId": "AKIAIOSFODNN7OLDKEY0", "Status": "Active"}
    created = datetime(2023, 3, 1, tzinfo=UTC)
    answer = {"AccessKeyMetadata": [{**key, "CreateDate": created}], "IsTruncated": False}
    substitute = proxy.answer("iam", "ListAccessKeys", answer, match="ci-deploy")
    try:
        yield
    finally:
        proxy.withdraw(substitute)
