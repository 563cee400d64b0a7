"""A made-up AWS estate of any size, as wire JSON: what the prover's speed is measured on.

500 interfaces a VPC, every fifth with a public address; 20 combinations of 1 to 5 out of 30 security groups, of 5 to 60
rules each (55 % blocks, 35 % other groups, 10 % prefix lists of 20 blocks); 3 subnets, each with a network ACL of 20
ordered rules in each direction; address spaces that overlap past 200 VPCs. The same size gives the same estate.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from ipaddress import IPv4Address

from checks.model import Estate, Resource
from tests.checks.network.aws.asking import estate
from tests.checks.network.simulate.aws_world import acl, allow, eni, entry, group, igw, prefix_list, subnet, table, to, vpc

PER_VPC = 500
_PORTS = (22, 25, 53, 80, 123, 389, 443, 445, 1433, 3306, 3389, 5432, 6379, 8080, 8443, 9090, 9200)
_LISTS = 10


def made(interfaces: int) -> Estate:
    return estate(resources(interfaces))


def resources(interfaces: int) -> Iterator[Resource]:
    chance = random.Random(interfaces)
    for number in range(_LISTS):
        yield prefix_list(f"pl-{number:08x}", *{_block(chance, 16, 28) for _ in range(20)})
    for number in range(max(1, interfaces // PER_VPC)):
        yield from _network(chance, number, min(interfaces, PER_VPC))


def _network(chance: random.Random, number: int, interfaces: int) -> Iterator[Resource]:
    second = number % 200
    home = vpc(f"vpc-{number:08x}", f"10.{second}.0.0/16")
    yield home
    yield igw(f"igw-{number:08x}", home)
    yield table(f"rtb-{number:08x}", home, to("0.0.0.0/0", f"igw-{number:08x}"), main=True)
    subnets = [subnet(f"subnet-{number:08x}{part}", home, f"10.{second}.{part * 64}.0/18") for part in range(3)]
    yield from subnets
    for one in subnets:
        yield acl(f"acl-{one.id}", home, one, ingress=_entries(chance), egress=_entries(chance))
    names = [f"sg-{number:06x}{part:02x}" for part in range(30)]
    for name in names:
        yield group(name, home, ingress=[_permission(chance, names) for _ in range(chance.randint(5, 60))])
    combinations = [sorted(chance.sample(names, chance.randint(1, 5))) for _ in range(20)]
    for part in range(interfaces):
        where = chance.randrange(3)
        address = f"10.{second}.{where * 64 + part // 250}.{part % 250 + 4}"
        public = str(IPv4Address(0x03000000 + number * PER_VPC + part)) if part % 5 == 0 else None
        yield eni(f"eni-{number:08x}{part:03x}", subnets[where], address, *chance.choice(combinations), public=public)


def _permission(chance: random.Random, names: list[str]) -> dict[str, object]:
    kind, protocol = chance.random(), chance.choice(["tcp", "tcp", "tcp", "udp"])
    low = chance.choice(_PORTS) if chance.random() < 0.8 else chance.randrange(1024, 60000)
    ports = low if chance.random() < 0.75 else (low, min(65535, low + chance.choice([10, 100, 1000])))
    if kind < 0.55:
        return allow(protocol, ports, "0.0.0.0/0" if chance.random() < 0.04 else _block(chance, 8, 32))
    return allow(protocol, ports, chance.choice(names) if kind < 0.9 else f"pl-{chance.randrange(_LISTS):08x}")


def _entries(chance: random.Random) -> list[dict[str, object]]:
    """Ordered rules that allow and deny; the last ones let web traffic and answers through."""
    found = []
    for number in range(17):
        low = chance.choice(_PORTS) if chance.random() < 0.7 else chance.randrange(1024, 60000)
        ports = (low, min(65535, low + chance.choice([0, 0, 10, 1000])))
        found.append(entry(100 + number, chance.choice(["allow", "deny"]), _block(chance, 4, 24), chance.choice([6, 6, 17]), ports))
    return [
        *found,
        entry(200, "allow", protocol=6, ports=(1, 1023)),
        entry(201, "allow", protocol=6, ports=(1024, 65535)),
        entry(202, "allow", protocol=17, ports=(1024, 65535)),
    ]


def _block(chance: random.Random, shortest: int, longest: int) -> str:
    length = chance.randint(shortest, longest)
    base = chance.choice([chance.randrange(2**32), 0x0A000000 | chance.randrange(2**24)]) >> (32 - length) << (32 - length)
    return f"{IPv4Address(base)}/{length}"
