"""Load balancers, PrivateLink and databases: what stands behind what."""

from __future__ import annotations

import pytest

from checks.model import Resource
from tests.checks.network.aws.asking import ask, denied, estate, lowered
from tests.checks.network.simulate.aws_world import (
    ALLOW_ALL,
    EVERYWHERE,
    World,
    acl,
    allow,
    endpoint,
    endpoint_service,
    eni,
    entry,
    group,
    igw,
    subnet,
    table,
    to,
    vpc,
)
from tests.checks.network.simulate.aws_world_balancers import balancer, balancer_eni, classic, listener, target_group

HOME = vpc("vpc-a", "10.0.0.0/16")
EDGE, APP = subnet("subnet-edge", HOME, "10.0.1.0/24"), subnet("subnet-app", HOME, "10.0.2.0/24")
FRONT = group("sg-front", HOME, [allow("tcp", 443, EVERYWHERE)])
BACK = group("sg-back", HOME, [allow("tcp", 8080, "sg-front")])
BASE = World(
    HOME,
    EDGE,
    APP,
    FRONT,
    BACK,
    acl("acl-a", HOME),
    igw("igw-a", HOME),
    table("rtb-edge", HOME, to(EVERYWHERE, "igw-a"), subnets=[EDGE]),
    table("rtb-a", HOME, main=True),
    eni("eni-app", APP, "10.0.2.5", BACK, instance="i-app"),
)
TARGETS = target_group("app", HOME, "HTTP", 8080, "i-app")
LB = balancer("web", HOME, FRONT, listeners=[listener("HTTPS", 443, TARGETS)])
LB_ENI = balancer_eni("eni-lb", LB, EDGE, "10.0.1.7", public="198.51.100.7")
SITE = BASE.but(TARGETS, LB, LB_ENI)


def held(world: World, *things: Resource, gaps=(), without=()):
    return estate(world.but(*things).without(*without).resources, gaps=gaps)


def test_an_application_load_balancer_sends_on_what_its_listeners_take() -> None:
    assert ask(held(SITE), "internet", "eni-lb", 443) == "reachable"
    assert ask(held(SITE), "internet", "eni-app", 8080) == "reachable"
    assert ask(held(SITE), "internet", LB.id, 443) == "reachable"
    assert ask(held(BASE), "internet", "eni-app", 8080) == "unreachable"


def test_a_closed_group_at_the_front_closes_what_is_behind() -> None:
    assert (
        ask(held(SITE, group("sg-front", HOME, [allow("tcp", 443, "203.0.113.0/24")])), "internet:198.51.100.1", "eni-app", 8080)
        == "unreachable"
    )
    no_egress = group("sg-front", HOME, [allow("tcp", 443, EVERYWHERE)], egress=[])
    assert ask(held(SITE, no_egress), "internet", "eni-app", 8080) == "unreachable"


def test_a_listener_that_answers_by_itself_sends_nothing_on() -> None:
    assert ask(held(SITE, balancer("web", HOME, FRONT, listeners=[listener("HTTP", 443)])), "internet", "eni-app", 8080) == "unreachable"


def test_a_target_group_that_a_rule_may_lead_to_is_in_doubt() -> None:
    by_rule = target_group("app", HOME, "HTTP", 8080, "i-app", used_by=[LB.id])
    told = ask(held(SITE, balancer("web", HOME, FRONT, listeners=[listener("HTTP", 443)]), by_rule), "internet", "eni-app", 8080)
    assert told == "unknown"
    assert told.because("which rules of")


@pytest.mark.parametrize("field", ["Targets", "Listeners"])
def test_what_a_balancer_sends_to_is_in_doubt_where_it_was_not_seen(field: str) -> None:
    of = TARGETS if field == "Targets" else LB
    blind = Resource(of.id, of.type, of.account, of.region, {key: value for key, value in of.data.items() if key != field})
    assert ask(held(SITE, blind, group("sg-back", HOME, [allow("tcp", 22, "sg-front")])), "internet", "eni-app", 22) == "unknown"


def test_a_target_group_that_nobody_saw_may_be_anything_in_the_vpc() -> None:
    told = ask(held(SITE, without=(TARGETS.id,), gaps=[denied("aws.elbv2.target_group")]), "internet", "eni-app", 8080)
    assert told == "unknown"


def network_balancer(
    *groups: Resource, kind: str = "instance", ids: tuple[str, ...] = ("i-app",), preserve: bool | None = None
) -> list[Resource]:
    targets = target_group("app", HOME, "TCP", 8080, *ids, kind=kind, preserve=preserve)
    nlb = balancer("net", HOME, *groups, kind="network", listeners=[listener("TCP", 443, targets)])
    return [targets, nlb, balancer_eni("eni-nlb", nlb, EDGE, "10.0.1.8", public="198.51.100.8")]


FROM_OFFICE = group("sg-back", HOME, [allow("tcp", 8080, "203.0.113.0/24")])
FROM_EDGE = group("sg-back", HOME, [allow("tcp", 8080, "10.0.1.0/24")])


def test_a_network_load_balancer_shows_instances_the_clients_address() -> None:
    assert ask(held(BASE, *network_balancer(), FROM_OFFICE), "internet:203.0.113.5", "eni-app", 8080) == "reachable"
    assert ask(held(BASE, *network_balancer(), FROM_OFFICE), "internet:198.51.100.5", "eni-app", 8080) == "unreachable"
    assert ask(held(BASE, *network_balancer(), FROM_EDGE), "internet", "eni-app", 8080) == "unreachable"


def test_a_network_load_balancer_shows_ip_targets_its_own_address() -> None:
    by_address = network_balancer(kind="ip", ids=("10.0.2.5",))
    assert ask(held(BASE, *by_address, FROM_OFFICE), "internet:203.0.113.5", "eni-app", 8080) == "unreachable"
    assert ask(held(BASE, *by_address, FROM_EDGE), "internet", "eni-app", 8080) == "reachable"
    assert ask(held(BASE, *network_balancer(preserve=False), FROM_EDGE), "internet", "eni-app", 8080) == "reachable"


def test_a_network_load_balancers_own_group_is_known_to_its_targets() -> None:
    assert ask(held(BASE, *network_balancer(FRONT)), "internet", "eni-app", 8080) == "reachable"
    shut = group("sg-front", HOME, [allow("tcp", 80, EVERYWHERE)])
    assert ask(held(BASE, *network_balancer(FRONT), shut), "internet", "eni-app", 8080) == "unreachable"


def test_without_a_target_groups_attributes_either_address_may_be_seen() -> None:
    targets, nlb, port = network_balancer()
    del targets.data["Attributes"]
    told = ask(held(BASE, targets, nlb, port, FROM_EDGE), "internet", "eni-app", 8080)
    assert told == "unknown"
    assert told.because("which address its targets see is not known")


def test_a_classic_load_balancer_sends_to_its_instances() -> None:
    clb = classic("old", HOME, FRONT, port=443, instance_port=8080, instances=["i-app"])
    front = balancer_eni("eni-clb", clb, EDGE, "10.0.1.9", public="198.51.100.9")
    assert ask(held(BASE, clb, front), "internet", "eni-app", 8080) == "reachable"
    assert ask(held(BASE, clb, front), "internet", "eni-app", 443) == "unreachable"
    gone = classic("old", HOME, FRONT, port=443, instance_port=8080, instances=["i-gone"])
    assert ask(held(BASE, gone, front), "internet", "eni-app", 8080) == "unknown"


def test_a_balancer_without_an_interface_that_was_seen_may_be_anywhere_in_its_subnets() -> None:
    alone = Resource(LB.id, LB.type, LB.account, LB.region, {**LB.data, "AvailabilityZones": [{"SubnetId": "subnet-edge"}]})
    told = ask(held(SITE, alone, without=("eni-lb",)), "internet", "eni-app", 8080)
    assert told == "unknown"
    assert told.because("the public addresses of")


def test_a_balancer_behind_a_balancer_is_followed() -> None:
    targets = target_group("alb", HOME, "TCP", 443, LB.id, kind="alb")
    nlb = balancer("net", HOME, kind="network", listeners=[listener("TCP", 443, targets)])
    inner = balancer_eni("eni-lb", LB, EDGE, "10.0.1.7")
    outer = balancer_eni("eni-nlb", nlb, EDGE, "10.0.1.8", public="198.51.100.8")
    assert ask(held(SITE, targets, nlb, inner, outer), "internet", "eni-app", 8080) == "reachable"


# PrivateLink


def private_link(*, enforced: str = "on", open_to: str = "10.0.0.0/8") -> World:
    far = vpc("vpc-b", "10.9.0.0/16")
    there = subnet("subnet-b", far, "10.9.1.0/24")
    guard = group("sg-guard", HOME, [allow("tcp", 443, open_to)])
    targets, nlb, _ = network_balancer(guard)
    nlb.data["EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"] = enforced
    everything = group("sg-b", far, [ALLOW_ALL])
    door = eni("eni-vpce", there, "10.9.1.8", everything, kind="vpc_endpoint")
    return BASE.but(
        far, there, everything, guard, acl("acl-b", far), table("rtb-b", far, main=True), eni("eni-b", there, "10.9.1.5", everything), door,
        targets, nlb, balancer_eni("eni-nlb", nlb, EDGE, "10.0.1.8"), endpoint_service("vpce-svc-1", "svc.example", nlb),
        endpoint("vpce-1", far, "svc.example", interfaces=[door]), FROM_EDGE,
    )  # fmt: skip


def test_an_interface_endpoint_leads_to_the_services_targets_and_not_back() -> None:
    assert ask(held(private_link()), "eni-b", "eni-app", 8080) == "reachable"
    assert ask(held(private_link()), "eni-app", "eni-b", 443) == "unreachable"
    assert ask(held(private_link(), without=("vpce-1",)), "eni-b", "eni-app", 8080) == "unreachable"


def test_the_services_balancer_asks_its_groups_unless_told_not_to() -> None:
    assert ask(held(private_link(open_to="192.168.0.0/16")), "eni-b", "eni-app", 8080) == "unreachable"
    assert ask(held(private_link(enforced="off", open_to="192.168.0.0/16")), "eni-b", "eni-app", 8080) == "reachable"


def test_who_else_uses_an_endpoint_service_is_not_known() -> None:
    told = ask(held(private_link(open_to=EVERYWHERE)), "internet", "eni-app", 8080)
    assert told == "unknown"
    assert told.because("who uses the endpoint service vpce-svc-1")


# Databases


def database(groups: tuple[str, ...] = ("sg-back",), *, public: bool = False) -> Resource:
    data = {
        "DBInstanceIdentifier": "db-1",
        "DBClusterIdentifier": "cluster-1",
        "PubliclyAccessible": public,
        "VpcSecurityGroups": [{"VpcSecurityGroupId": one, "Status": "active"} for one in groups],
        "DBSubnetGroup": {"VpcId": "vpc-a", "Subnets": [{"SubnetIdentifier": "subnet-app"}, {"SubnetIdentifier": "subnet-edge"}]},
    }
    return Resource("db-1", "aws.rds.db_instance", HOME.account, HOME.region, data)


def test_a_databases_interface_is_told_by_its_groups_and_subnets() -> None:
    port = eni("eni-db", APP, "10.0.2.9", BACK, description="RDSNetworkInterface")
    other = eni("eni-other", APP, "10.0.2.10", FRONT, description="RDSNetworkInterface")
    graph = lowered(held(SITE, database(), port, other))
    assert graph.interfaces["eni-db"].owners == (("aws.rds.db_instance", "db-1"), ("aws.rds.db_cluster", "cluster-1"))
    assert graph.interfaces["eni-other"].owners == ()
    assert ask(graph, "eni-lb", "db-1", 8080) == "reachable"
    assert ask(graph, "internet", "db-1", 5432) == "unreachable"


def test_a_database_without_an_interface_that_was_seen_has_one_made_up() -> None:
    told = ask(held(SITE, database()), "eni-lb", "db-1", 8080)
    assert told == "unknown"
    assert told.because("no network interface of db-1 was seen")
    assert ask(held(SITE, database()), "eni-lb", "db-1", 22) == "unreachable"


def test_a_public_database_without_an_interface_that_was_seen_may_be_reached() -> None:
    opened = group("sg-back", HOME, [allow("tcp", 5432, EVERYWHERE)])
    assert ask(held(SITE, database(public=True), opened), "internet", "db-1", 5432) == "unknown"
    assert ask(held(SITE, database(public=False), opened), "internet", "db-1", 5432) == "unreachable"
    assert ask(held(SITE, database(public=True)), "internet", "db-1", 5432) == "unreachable"


def test_a_balancer_takes_only_what_it_listens_for() -> None:
    wide = group("sg-front", HOME, [ALLOW_ALL])
    assert ask(held(SITE, wide), "internet", "eni-lb", 443) == "reachable"
    assert ask(held(SITE, wide), "internet", "eni-lb", 80) == "unreachable"


def test_what_comes_by_private_link_arrives_at_the_services_balancer_too() -> None:
    assert ask(held(private_link()), "eni-b", "eni-nlb", 443) == "reachable"
    assert ask(held(private_link()), "eni-b", "eni-nlb", 80) == "unreachable"


def test_a_proxy_sends_nothing_on_for_a_client_that_it_cannot_answer() -> None:
    deaf = table("rtb-edge", HOME, subnets=[EDGE])
    assert ask(held(SITE, deaf), "internet", "eni-lb", 443) == "one-way"
    assert ask(held(SITE, deaf), "internet", "eni-app", 8080) == "unreachable"


def test_an_answer_to_a_preserved_client_comes_back_by_the_balancer_and_its_acls() -> None:
    assert ask(held(BASE, *network_balancer(), FROM_OFFICE), "internet:203.0.113.5", "eni-app", 8080) == "reachable"
    deaf = acl("acl-edge", HOME, EDGE, ingress=[entry(10, "deny", "10.0.2.0/24"), entry(20, "allow")], egress=[])
    assert ask(held(BASE, *network_balancer(), FROM_OFFICE, deaf), "internet:203.0.113.5", "eni-app", 8080) == "unreachable"
    mute = acl("acl-app", HOME, APP, egress=[])
    assert ask(held(BASE, *network_balancer(), FROM_OFFICE, mute), "internet:203.0.113.5", "eni-app", 8080) == "one-way"
