"""All filters of one IP configuration together: security admin rules, the subnet's and the interface's security group.

Sources: Azure docs, network-security-group-how-it-works (inbound: subnet, then interface; outbound: interface, then subnet;
within a subnet too; where there is none, everything passes), public-ip-addresses and load-balancer-overview ("closed to
inbound connections, unless network security groups open them" for Standard addresses and load balancers),
disable-private-endpoint-network-policy (privateEndpointNetworkPolicies of the subnet, Disabled by default).
"""

from __future__ import annotations

from collections.abc import Iterable

from checks.network.packet import Packet
from checks.network.simulate_azure.admin_rules import judge_admin
from checks.network.simulate_azure.answers import Allowed, Answer, Denied, Doubt, agree
from checks.network.simulate_azure.groups import INBOUND, Scene, judge_group
from checks.network.simulate_azure.wire import properties, reference
from checks.network.simulate_azure.world import Card, Subnet, World


def judge_card(world: World, card: Card, direction: str, packet: Packet, *, closed: bool = False) -> Answer:
    """What an IP configuration's filters say. `closed` is for what comes over a Standard address from the internet."""
    subnet = world.subnet(card.subnet)
    if subnet is None:
        return Doubt(f"subnet {card.subnet or '?'} of {card.name} is not in the estate")
    if card.endpoint and not follows_policy(subnet, "networksecuritygroupenabled"):
        return Allowed()
    groups = [
        reference(properties(subnet.data), "networkSecurityGroup"),
        reference(properties(card.interface_data), "networkSecurityGroup"),
    ]
    groups = [group for group in (groups if direction == INBOUND else reversed(groups)) if group]
    scene = Scene(world, subnet)
    behind = _all(judge_group(scene, group, direction, packet) for group in groups)
    if closed and not groups:
        behind = Denied(f"{card.name}: a Standard public address is closed where no network security group opens it")
    return behind if card.endpoint else _after_admin(scene, direction, packet, behind)


def judge_subnet(world: World, subnet: Subnet, direction: str, packet: Packet) -> Answer:
    """What the filters of a subnet say of a service's own instances in it, which have no interface in the estate."""
    group, scene = reference(properties(subnet.data), "networkSecurityGroup"), Scene(world, subnet)
    behind = judge_group(scene, group, direction, packet) if group else Allowed()
    return _after_admin(scene, direction, packet, behind)


def follows_policy(subnet: Subnet, value: str) -> bool:
    """Whether private endpoints in a subnet follow its security group or its route table."""
    return str(properties(subnet.data).get("privateEndpointNetworkPolicies", "Disabled")).lower() in {"enabled", value}


def _all(answers: Iterable[Answer]) -> Answer:
    """Each must let the packet through; a denial decides, else a doubt."""
    read = list(answers)
    for kind in (Denied, Doubt):
        for answer in read:
            if isinstance(answer, kind):
                return answer
    return Allowed(tuple(rule for answer in read if isinstance(answer, Allowed) for rule in answer.by))


def _after_admin(scene: Scene, direction: str, packet: Packet, behind: Answer) -> Answer:
    admin = judge_admin(scene, direction, packet)
    answers: list[Answer] = []
    for access in admin.possible:
        match access:
            case "AlwaysAllow":
                answers.append(Allowed((admin.rule,)))
            case "Deny":
                answers.append(Denied(f"denied by security admin rule {admin.rule}"))
            case "Allow":
                answers.append(Allowed((admin.rule, *behind.by)) if isinstance(behind, Allowed) else behind)
            case _:
                answers.append(behind)
    return agree(answers, admin.why)
