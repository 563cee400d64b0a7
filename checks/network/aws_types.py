"""What the network prover reads of AWS: the plan of a collection on which reachability can be decided.

A rule that asks for paths needs all of it, whatever it asks about: a type that was not collected might hold the way
round. The members are the top-level ones of the resources' data (botocore's shape); those that the catalogue has a
detail call for are asked for, the others come with the listing. Nothing else is collected for the prover: no tags, and
no detail that is not named here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType


def _members(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FILTERED = {
    "aws.ec2.instance": _members("InstanceId State VpcId SubnetId SourceDestCheck SecurityGroups NetworkInterfaces"),
    "aws.ec2.network_interface": _members(
        "NetworkInterfaceId OwnerId InterfaceType RequesterId RequesterManaged Description Status VpcId SubnetId Groups Association"
        " Attachment PrivateIpAddress PrivateIpAddresses Ipv4Prefixes Ipv6Addresses Ipv6Prefixes SourceDestCheck DenyAllIgwTraffic"
        " AssociatedSubnets OutpostArn Operator"
    ),
    "aws.ec2.address": _members(
        "AllocationId PublicIp CarrierIp CustomerOwnedIp PrivateIpAddress InstanceId NetworkInterfaceId NetworkInterfaceOwnerId"
        " SubnetId ServiceManaged"
    ),
    "aws.ec2.security_group": _members("GroupId OwnerId VpcId IpPermissions IpPermissionsEgress"),
    "aws.ec2.network_acl": _members("NetworkAclId OwnerId VpcId IsDefault Entries Associations"),
    "aws.ec2.managed_prefix_list": _members("PrefixListId PrefixListName OwnerId AddressFamily State Entries"),
    "aws.rds.db_instance": _members(
        "DBInstanceIdentifier DBInstanceArn DBInstanceStatus DBClusterIdentifier PubliclyAccessible Endpoint DbInstancePort"
        " NetworkType VpcSecurityGroups DBSubnetGroup AvailabilityZone"
    ),
    "aws.rds.db_cluster": _members(
        "DBClusterIdentifier DBClusterArn Status PubliclyAccessible Endpoint ReaderEndpoint Port NetworkType VpcSecurityGroups"
        " DBSubnetGroup DBClusterMembers"
    ),
}
"""What has an address, and the filters in front of it."""

_ROUTED = {
    "aws.ec2.vpc": _members(
        "VpcId OwnerId State CidrBlock CidrBlockAssociationSet Ipv6CidrBlockAssociationSet BlockPublicAccessStates EncryptionControl"
    ),
    "aws.ec2.subnet": _members(
        "SubnetId SubnetArn OwnerId VpcId State AvailabilityZone OutpostArn CidrBlock Ipv6CidrBlockAssociationSet Ipv6Native"
        " EnableDns64 BlockPublicAccessStates"
    ),
    "aws.ec2.route_table": _members("RouteTableId OwnerId VpcId Associations Routes PropagatingVgws"),
    "aws.ec2.internet_gateway": _members("InternetGatewayId OwnerId Attachments"),
    "aws.ec2.egress_only_internet_gateway": _members("EgressOnlyInternetGatewayId Attachments"),
    "aws.ec2.nat_gateway": _members(
        "NatGatewayId VpcId SubnetId State ConnectivityType AvailabilityMode NatGatewayAddresses RouteTableId AttachedAppliances"
    ),
    "aws.ec2.carrier_gateway": _members("CarrierGatewayId OwnerId VpcId State"),
    "aws.ec2.vpc_peering_connection": _members("VpcPeeringConnectionId Status RequesterVpcInfo AccepterVpcInfo"),
    "aws.ec2.transit_gateway": _members("TransitGatewayId TransitGatewayArn OwnerId State Options"),
    "aws.ec2.transit_gateway_attachment": _members(
        "TransitGatewayAttachmentId TransitGatewayId TransitGatewayOwnerId ResourceType ResourceId ResourceOwnerId State Association"
    ),
    "aws.ec2.transit_gateway_vpc_attachment": _members(
        "TransitGatewayAttachmentId TransitGatewayId VpcId VpcOwnerId SubnetIds State Options"
    ),
    "aws.ec2.transit_gateway_peering_attachment": _members(
        "TransitGatewayAttachmentId AccepterTransitGatewayAttachmentId RequesterTgwInfo AccepterTgwInfo Options Status State"
    ),
    "aws.ec2.transit_gateway_route_table": _members(
        "TransitGatewayRouteTableId TransitGatewayId State DefaultAssociationRouteTable DefaultPropagationRouteTable"
        " Routes Associations Propagations"
    ),
    "aws.ec2.local_gateway_route_table_vpc_association": _members(
        "LocalGatewayRouteTableVpcAssociationId LocalGatewayRouteTableId LocalGatewayId VpcId OwnerId State"
    ),
    "aws.networkmanager.vpc_attachment": _members(
        "AttachmentId OwnerAccountId CoreNetworkId CoreNetworkArn State EdgeLocation ResourceArn SegmentName NetworkFunctionGroupName"
        " VpcAttachment"
    ),
    "aws.networkfirewall.firewall": _members("FirewallArn FirewallName TransitGatewayAttachmentId Firewall FirewallStatus"),
}
"""Networks, and where their routes lead."""

_OUTSIDE = {
    "aws.ec2.vpn_gateway": _members("VpnGatewayId State VpcAttachments"),
    "aws.ec2.vpn_connection": _members(
        "VpnConnectionId State VpnGatewayId TransitGatewayId VpnConcentratorId CoreNetworkArn CoreNetworkAttachmentArn CustomerGatewayId"
        " Routes Options"
    ),
    "aws.ec2.client_vpn_endpoint": _members(
        "ClientVpnEndpointId Status ClientCidrBlock SplitTunnel TransportProtocol VpnPort SecurityGroupIds VpcId EndpointIpAddressType"
        " TrafficIpAddressType TransitGatewayConfiguration TargetNetworks AuthorizationRules Routes"
    ),
    "aws.ec2.instance_connect_endpoint": _members(
        "InstanceConnectEndpointId OwnerId State VpcId SubnetId NetworkInterfaceIds SecurityGroupIds PreserveClientIp IpAddressType"
    ),
    "aws.ec2.verified_access_endpoint": _members(
        "VerifiedAccessEndpointId EndpointType AttachmentType Status SecurityGroupIds LoadBalancerOptions NetworkInterfaceOptions"
        " RdsOptions CidrOptions"
    ),
    "aws.directconnect.gateway_association": _members(
        "associationId associationState directConnectGatewayId directConnectGatewayOwnerAccount associatedGateway"
        " allowedPrefixesToDirectConnectGateway"
    ),
    "aws.directconnect.virtual_interface": _members(
        "virtualInterfaceId virtualInterfaceType virtualInterfaceState ownerAccount region addressFamily virtualGatewayId"
        " directConnectGatewayId routeFilterPrefixes siteLinkEnabled"
    ),
    "aws.ec2.vpc_block_public_access_options": _members("AwsRegion State InternetGatewayBlockMode ExclusionsAllowed"),
    "aws.ec2.vpc_block_public_access_exclusion": _members("ExclusionId InternetGatewayExclusionMode ResourceArn State"),
}
"""The company's other networks and its people, and what AWS itself keeps out of its regions."""

_FORWARDING = {
    "aws.elbv2.load_balancer": _members(
        "LoadBalancerArn Type Scheme State VpcId AvailabilityZones SecurityGroups IpAddressType"
        " EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic Listeners"
    ),
    "aws.elbv2.target_group": _members(
        "TargetGroupArn TargetType Protocol Port IpAddressType VpcId LoadBalancerArns HealthCheckPort HealthCheckProtocol Targets Attributes"
    ),
    "aws.elb.load_balancer": _members("LoadBalancerName Scheme VPCId Subnets SecurityGroups Instances ListenerDescriptions"),
    "aws.ec2.vpc_endpoint": _members(
        "VpcEndpointId VpcEndpointType OwnerId VpcId ServiceName ServiceRegion State RouteTableIds SubnetIds Groups NetworkInterfaceIds"
        " IpAddressType RequesterManaged ServiceNetworkArn ResourceConfigurationArn Ipv4Prefixes Ipv6Prefixes"
    ),
    "aws.ec2.vpc_endpoint_service": _members(
        "ServiceId ServiceName ServiceType ServiceState AcceptanceRequired NetworkLoadBalancerArns GatewayLoadBalancerArns"
        " SupportedIpAddressTypes SupportedRegions AllowedPrincipals"
    ),
    "aws.globalaccelerator.accelerator": _members("AcceleratorArn Enabled Status IpAddressType IpSets Listeners EndpointGroups"),
    "aws.globalaccelerator.custom_routing_accelerator": _members(
        "AcceleratorArn Enabled Status IpAddressType IpSets Listeners EndpointGroups"
    ),
    "aws.vpclattice.service_network_vpc_association": _members("id status serviceNetworkId serviceNetworkArn vpcId SecurityGroupIds"),
    "aws.vpclattice.target_group": _members("id arn type port protocol ipAddressType vpcIdentifier status serviceArns Targets"),
    "aws.vpclattice.resource_gateway": _members("id arn status vpcIdentifier subnetIds securityGroupIds ipAddressType"),
    "aws.cloudfront.vpc_origin": _members("Id Arn Status AccountId OriginEndpointArn IpAddressType EndpointConfig"),
    "aws.apigateway.vpc_link": _members("id targetArns status"),
    "aws.apigatewayv2.vpc_link": _members("VpcLinkId SubnetIds SecurityGroupIds VpcLinkStatus"),
}
"""What takes a connection and makes another."""

TYPES: Mapping[str, frozenset[str]] = MappingProxyType(dict(sorted((_FILTERED | _ROUTED | _OUTSIDE | _FORWARDING).items())))
