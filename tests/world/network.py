"""A network with one thing of every kind that reachability on AWS is decided by.

    with FaultProxy(server.endpoint) as aws:
        make_like_aws(aws)
        net = build(aws, "eu-north-1")

What the emulator can hold is made by boto3 calls; the rest (Direct Connect, Global Accelerator, Client VPN, ...) the
proxy answers with, as AWS would, until it is cleared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.world.proxy import FaultProxy, Reply
from tests.world.servers import ACCOUNT, client
from tests.world.wire import Call

BGP_KEY = "bgp-not-a-secret"
"""What no collection may write down; VPN connections have their own in moto."""
ON_PREMISES = "192.168.0.0/16"


@dataclass(frozen=True, slots=True)
class Net:
    """The ids of what was made."""

    region: str
    vpc: str
    peer: str
    subnets: tuple[str, str]
    transit_gateway: str
    route_table: str
    attachment: str
    vpn_gateway: str
    load_balancer: str
    target_group: str


def build(proxy: FaultProxy, region: str) -> Net:
    """Make the network in an empty region."""
    ec2 = client("ec2", proxy.endpoint, region)
    vpc, peer = (ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"] for number in (1, 2))
    subnets = tuple(
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.1.{number}.0/24", AvailabilityZone=f"{region}{zone}")["Subnet"]["SubnetId"]
        for number, zone in ((1, "a"), (2, "b"))
    )
    ec2.create_egress_only_internet_gateway(VpcId=vpc)
    ec2.create_carrier_gateway(VpcId=vpc)
    peering = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=peer)["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
    transit_gateway, route_table, attachment = _transit_gateway(ec2, vpc, subnets)
    vpn_gateway = _vpn(ec2, vpc)
    load_balancer, target_group = _load_balancer(proxy.endpoint, region, vpc, subnets)
    service = ec2.create_vpc_endpoint_service_configuration(NetworkLoadBalancerArns=[load_balancer])["ServiceConfiguration"]["ServiceId"]
    ec2.modify_vpc_endpoint_service_permissions(ServiceId=service, AddAllowedPrincipals=["*"])
    ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=f"com.amazonaws.{region}.sqs", VpcEndpointType="Interface", SubnetIds=[subnets[0]])
    _services(proxy.endpoint, region, vpc, subnets, load_balancer)
    net = Net(region, vpc, peer, subnets, transit_gateway, route_table, attachment, vpn_gateway, load_balancer, target_group)
    furnish(proxy, net)
    return net


def _transit_gateway(ec2: Any, vpc: str, subnets: tuple[str, ...]) -> tuple[str, str, str]:
    gateway = ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    table = ec2.create_transit_gateway_route_table(TransitGatewayId=gateway)["TransitGatewayRouteTable"]["TransitGatewayRouteTableId"]
    made = ec2.create_transit_gateway_vpc_attachment(TransitGatewayId=gateway, VpcId=vpc, SubnetIds=[subnets[0]])
    attachment = made["TransitGatewayVpcAttachment"]["TransitGatewayAttachmentId"]
    ec2.associate_transit_gateway_route_table(TransitGatewayRouteTableId=table, TransitGatewayAttachmentId=attachment)
    ec2.enable_transit_gateway_route_table_propagation(TransitGatewayRouteTableId=table, TransitGatewayAttachmentId=attachment)
    ec2.create_transit_gateway_peering_attachment(
        TransitGatewayId=gateway, PeerTransitGatewayId="tgw-0fedcba9876543210", PeerAccountId=ACCOUNT, PeerRegion="eu-west-1"
    )
    return gateway, table, attachment


def _vpn(ec2: Any, vpc: str) -> str:
    gateway = ec2.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"]
    ec2.attach_vpn_gateway(VpcId=vpc, VpnGatewayId=gateway)
    customer = ec2.create_customer_gateway(Type="ipsec.1", PublicIp="203.0.113.9", BgpAsn=65000)["CustomerGateway"]["CustomerGatewayId"]
    ec2.create_vpn_connection(Type="ipsec.1", CustomerGatewayId=customer, VpnGatewayId=gateway, Options={"StaticRoutesOnly": True})
    return gateway  # type: ignore[no-any-return]


def _load_balancer(endpoint: str, region: str, vpc: str, subnets: tuple[str, ...]) -> tuple[str, str]:
    elb = client("elbv2", endpoint, region)
    made = elb.create_load_balancer(Name="inner", Type="network", Scheme="internal", Subnets=list(subnets))
    balancer = made["LoadBalancers"][0]["LoadBalancerArn"]
    made = elb.create_target_group(Name="app", Protocol="TCP", Port=8080, VpcId=vpc, TargetType="ip")
    group = made["TargetGroups"][0]["TargetGroupArn"]
    elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=[{"Key": "preserve_client_ip.enabled", "Value": "false"}])
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": "10.1.1.9", "Port": 8080}])
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    elb.create_listener(LoadBalancerArn=balancer, Protocol="TCP", Port=443, DefaultActions=forward)
    classic = client("elb", endpoint, region)
    listener = {"Protocol": "TCP", "LoadBalancerPort": 25, "InstanceProtocol": "TCP", "InstancePort": 25}
    classic.create_load_balancer(LoadBalancerName="mail", Listeners=[listener], Subnets=[subnets[0]], Scheme="internal")
    return balancer, group


def _services(endpoint: str, region: str, vpc: str, subnets: tuple[str, ...], balancer: str) -> None:
    lattice = client("vpc-lattice", endpoint, region)
    network = lattice.create_service_network(name="services")["id"]
    lattice.create_service_network_vpc_association(serviceNetworkIdentifier=network, vpcIdentifier=vpc)
    lattice.create_target_group(name="orders", type="IP", config={"port": 80, "protocol": "HTTP", "vpcIdentifier": vpc})
    policy = f"arn:aws:network-firewall:{region}:{ACCOUNT}:firewall-policy/outbound"
    client("network-firewall", endpoint, region).create_firewall(
        FirewallName="outbound", FirewallPolicyArn=policy, VpcId=vpc, SubnetMappings=[{"SubnetId": subnets[1]}]
    )
    client("apigateway", endpoint, region).create_vpc_link(name="rest", targetArns=[balancer])
    client("apigatewayv2", endpoint, region).create_vpc_link(Name="http", SubnetIds=list(subnets), SecurityGroupIds=[])


def furnish(proxy: FaultProxy, net: Net) -> None:
    """Let the proxy answer with what the emulator cannot hold."""
    for (service, operation), reply in _answers(net).items():
        proxy.answer(service, operation, reply)


def _answers(net: Net) -> Mapping[tuple[str, str], Reply]:
    vpc, (one, two), region = net.vpc, net.subnets, net.region
    accelerator = f"arn:aws:globalaccelerator::{ACCOUNT}:accelerator/1111aaaa"
    custom = f"arn:aws:globalaccelerator::{ACCOUNT}:accelerator/2222bbbb"
    ranges = [{"FromPort": 443, "ToPort": 443}]
    origin = {"Id": "vo_one", "Arn": f"arn:aws:cloudfront::{ACCOUNT}:vpcorigin/vo_one", "Status": "Deployed", "AccountId": ACCOUNT}
    config = {"Name": "inner", "Arn": net.load_balancer, "HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}
    attachment = {
        "AttachmentId": "attachment-0123456789abcdef0",
        "OwnerAccountId": ACCOUNT,
        "CoreNetworkId": "core-network-0123456789abcdef0",
        "AttachmentType": "VPC",
        "State": "AVAILABLE",
        "EdgeLocation": region,
        "ResourceArn": f"arn:aws:ec2:{region}:{ACCOUNT}:vpc/{vpc}",
        "SegmentName": "shared",
    }
    route = {"ResourceId": vpc, "ResourceType": "vpc", "TransitGatewayAttachmentId": net.attachment}
    people = "cvpn-endpoint-0123456789abcdef0"
    return {
        ("cloudfront", "ListVpcOrigins"): {
            "VpcOriginList": {
                "Marker": "",
                "MaxItems": 100,
                "IsTruncated": False,
                "Quantity": 1,
                "Items": [{**origin, "Name": "inner", "OriginEndpointArn": net.load_balancer}],
            }
        },
        ("cloudfront", "GetVpcOrigin"): {"VpcOrigin": {**origin, "VpcOriginEndpointConfig": config}},
        ("directconnect", "DescribeDirectConnectGatewayAssociations"): lambda call: _associations(net, call),
        ("directconnect", "DescribeVirtualInterfaces"): {
            "virtualInterfaces": [
                {
                    "virtualInterfaceId": "dxvif-one",
                    "virtualInterfaceType": "private",
                    "virtualInterfaceState": "available",
                    "ownerAccount": ACCOUNT,
                    "region": region,
                    "directConnectGatewayId": "dxgw-one",
                    "authKey": BGP_KEY,
                    "customerRouterConfig": f"<config>{BGP_KEY}</config>",
                    "bgpPeers": [{"bgpPeerId": "dxpeer-one", "authKey": BGP_KEY, "bgpStatus": "up"}],
                    "tags": [{"key": "site", "value": "head office"}],
                }
            ]
        },
        ("ec2", "DescribeClientVpnEndpoints"): {
            "ClientVpnEndpoints": [
                {"ClientVpnEndpointId": people, "Status": {"Code": "available"}, "ClientCidrBlock": "10.9.0.0/22", "VpcId": vpc}
            ]
        },
        ("ec2", "DescribeClientVpnTargetNetworks"): {
            "ClientVpnTargetNetworks": [
                {"AssociationId": "cvpn-assoc-one", "VpcId": vpc, "TargetNetworkId": one, "Status": {"Code": "associated"}}
            ]
        },
        ("ec2", "DescribeClientVpnAuthorizationRules"): {
            "AuthorizationRules": [{"AccessAll": True, "DestinationCidr": "10.1.0.0/16", "Status": {"Code": "active"}}]
        },
        ("ec2", "DescribeClientVpnRoutes"): {
            "Routes": [{"DestinationCidr": "10.1.0.0/16", "TargetSubnet": one, "Origin": "associate", "Status": {"Code": "active"}}]
        },
        ("ec2", "DescribeInstanceConnectEndpoints"): {
            "InstanceConnectEndpoints": [
                {"InstanceConnectEndpointId": "eice-one", "OwnerId": ACCOUNT, "State": "create-complete", "VpcId": vpc, "SubnetId": two}
            ]
        },
        ("ec2", "DescribeLocalGatewayRouteTableVpcAssociations"): {
            "LocalGatewayRouteTableVpcAssociations": [
                {
                    "LocalGatewayRouteTableVpcAssociationId": "lgw-vpc-assoc-one",
                    "VpcId": net.peer,
                    "OwnerId": ACCOUNT,
                    "State": "associated",
                }
            ]
        },
        ("ec2", "DescribeVerifiedAccessEndpoints"): {
            "VerifiedAccessEndpoints": [
                {
                    "VerifiedAccessEndpointId": "vae-one",
                    "EndpointType": "load-balancer",
                    "Status": {"Code": "active"},
                    "LoadBalancerOptions": {"LoadBalancerArn": net.load_balancer, "Protocol": "https", "Port": 443},
                }
            ]
        },
        ("ec2", "DescribeVpcBlockPublicAccessExclusions"): {
            "VpcBlockPublicAccessExclusions": [
                {
                    "ExclusionId": "vpcbpa-exclude-one",
                    "InternetGatewayExclusionMode": "allow-egress",
                    "ResourceArn": f"arn:aws:ec2:{region}:{ACCOUNT}:vpc/{vpc}",
                    "State": "create-complete",
                }
            ]
        },
        # moto loses the attachment of a route, and propagates none
        ("ec2", "SearchTransitGatewayRoutes"): {
            "Routes": [
                {"DestinationCidrBlock": "10.1.0.0/16", "Type": "propagated", "State": "active", "TransitGatewayAttachments": [route]},
                {"DestinationCidrBlock": "10.66.0.0/16", "Type": "static", "State": "blackhole"},
            ],
            "AdditionalRoutesAvailable": False,
        },
        ("globalaccelerator", "ListAccelerators"): {"Accelerators": [{"AcceleratorArn": accelerator, "Name": "shop", "Enabled": True}]},
        ("globalaccelerator", "ListListeners"): {
            "Listeners": [{"ListenerArn": f"{accelerator}/listener/0123abcd", "Protocol": "TCP", "PortRanges": ranges}]
        },
        ("globalaccelerator", "ListEndpointGroups"): {
            "EndpointGroups": [
                {
                    "EndpointGroupArn": f"{accelerator}/listener/0123abcd/endpoint-group/4567ef01",
                    "EndpointGroupRegion": region,
                    "EndpointDescriptions": [{"EndpointId": net.load_balancer, "ClientIPPreservationEnabled": True}],
                }
            ]
        },
        ("globalaccelerator", "ListCustomRoutingAccelerators"): {
            "Accelerators": [{"AcceleratorArn": custom, "Name": "games", "Enabled": True}]
        },
        ("globalaccelerator", "ListCustomRoutingListeners"): {
            "Listeners": [{"ListenerArn": f"{custom}/listener/89abcdef", "PortRanges": ranges}]
        },
        ("globalaccelerator", "ListCustomRoutingEndpointGroups"): {
            "EndpointGroups": [
                {
                    "EndpointGroupArn": f"{custom}/listener/89abcdef/endpoint-group/01234567",
                    "EndpointGroupRegion": region,
                    "DestinationDescriptions": [{"FromPort": 80, "ToPort": 90, "Protocols": ["TCP"]}],
                    "EndpointDescriptions": [{"EndpointId": one}],
                }
            ]
        },
        ("networkmanager", "ListAttachments"): {"Attachments": [attachment]},
        ("networkmanager", "GetVpcAttachment"): {
            "VpcAttachment": {
                "Attachment": attachment,
                "SubnetArns": [f"arn:aws:ec2:{region}:{ACCOUNT}:subnet/{one}"],
                "Options": {"Ipv6Support": False, "ApplianceModeSupport": False},
            }
        },
        ("vpc-lattice", "GetServiceNetworkVpcAssociation"): {"id": "snva-one", "vpcId": vpc, "securityGroupIds": []},
        ("vpc-lattice", "ListTargets"): {"items": [{"id": "10.1.1.9", "port": 80, "status": "HEALTHY"}]},
        ("vpc-lattice", "ListResourceGateways"): {
            "items": [{"id": "rgw-one", "name": "databases", "status": "ACTIVE", "vpcIdentifier": vpc, "subnetIds": [two]}]
        },
    }


def _associations(net: Net, call: Call) -> Mapping[str, Any]:
    """Each gateway has one association, and is told about its own only."""
    asked = call.params["virtualGatewayId"]
    kind = "virtualPrivateGateway" if asked == net.vpn_gateway else "transitGateway"
    gateway = {"id": asked, "type": kind, "ownerAccount": ACCOUNT, "region": net.region}
    return {
        "directConnectGatewayAssociations": [
            {
                "associationId": f"association-{asked}",
                "associationState": "associated",
                "directConnectGatewayId": "dxgw-one",
                "directConnectGatewayOwnerAccount": "999988887777",
                "associatedGateway": gateway,
                "allowedPrefixesToDirectConnectGateway": [{"cidr": "10.1.0.0/16"}],
            }
        ]
    }
