"""The company's networks, and the servers, load balancers and databases in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.world.builder import Builder
from tests.world.planted import ANYWHERE, HALVES, OFFICE
from tests.world.shop_storage import shop_key

# --- network


@dataclass(frozen=True, slots=True)
class Network:
    """What servers and databases are put into."""

    vpc: str
    public: tuple[str, str]
    private: tuple[str, str]
    groups: Mapping[str, str]


def networks(aws: Builder) -> Network:
    """The shop's VPC, with public and private subnets, and an older one without flow logs."""
    vpc = make_vpc(aws, "shop-net", "10.20.0.0/16")
    role = f"arn:aws:iam::{aws.account}:role/flow-logs"
    aws.logs.create_log_group(logGroupName="/shop/flow")
    aws.logs.put_retention_policy(logGroupName="/shop/flow", retentionInDays=365)
    aws.ec2.create_flow_logs(
        ResourceIds=[vpc], ResourceType="VPC", TrafficType="ALL", LogDestinationType="cloud-watch-logs",
        LogGroupName="/shop/flow", DeliverLogsPermissionArn=role,
    )  # fmt: skip
    make_vpc(aws, "legacy-net", "10.30.0.0/16")
    public = make_subnet(aws, vpc, "10.20.0.0/24", "a"), make_subnet(aws, vpc, "10.20.1.0/24", "b")
    private = make_subnet(aws, vpc, "10.20.10.0/24", "a"), make_subnet(aws, vpc, "10.20.11.0/24", "b")
    gateway = aws.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    aws.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    address = aws.ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = aws.ec2.create_nat_gateway(SubnetId=public[0], AllocationId=address)["NatGateway"]["NatGatewayId"]
    route(aws, vpc, public, GatewayId=gateway)
    route(aws, vpc, private, NatGatewayId=nat)
    network_acls(aws, vpc, public, private)
    return Network(vpc, public, private, security_groups(aws, vpc))


def make_vpc(aws: Builder, name: str, cidr: str) -> str:
    made = aws.ec2.create_vpc(CidrBlock=cidr, TagSpecifications=tags("vpc", name))["Vpc"]["VpcId"]
    return aws.note("aws.ec2.vpc", name, made, aws.arn("ec2", f"vpc/{made}"))


def tags(kind: str, name: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}]}]


def make_subnet(aws: Builder, vpc: str, cidr: str, zone: str) -> str:
    made = aws.ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=f"{aws.region}{zone}")
    return str(made["Subnet"]["SubnetId"])


def route(aws: Builder, vpc: str, subnets: tuple[str, str], **way: str) -> None:
    table = aws.ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    aws.ec2.create_route(RouteTableId=table, DestinationCidrBlock=ANYWHERE, **way)
    for subnet in subnets:
        aws.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)


def network_acls(aws: Builder, vpc: str, public: tuple[str, str], private: tuple[str, str]) -> None:
    """Two ACLs with the same rules in another order: the lower number decides."""
    for name, subnet, denial_number in (("acl-open", public[1], 200), ("acl-closed", private[1], 50)):
        made = aws.ec2.create_network_acl(VpcId=vpc, TagSpecifications=tags("network-acl", name))
        acl = made["NetworkAcl"]["NetworkAclId"]
        denials = ((denial_number, "deny", 22, 22), (denial_number + 1, "deny", 3389, 3389))
        for number, action, low, high in ((100, "allow", 0, 65535), *denials):
            aws.ec2.create_network_acl_entry(
                NetworkAclId=acl, RuleNumber=number, Protocol="6", RuleAction=action, Egress=False, CidrBlock=ANYWHERE,
                PortRange={"From": low, "To": high},
            )  # fmt: skip
        aws.ec2.create_network_acl_entry(
            NetworkAclId=acl, RuleNumber=100, Protocol="-1", RuleAction="allow", Egress=True, CidrBlock=ANYWHERE
        )
        filters = [{"Name": "association.subnet-id", "Values": [subnet]}]
        current = aws.ec2.describe_network_acls(Filters=filters)["NetworkAcls"][0]["Associations"]
        old = next(one["NetworkAclAssociationId"] for one in current if one["SubnetId"] == subnet)
        aws.ec2.replace_network_acl_association(AssociationId=old, NetworkAclId=acl)
        aws.note("aws.ec2.network_acl", name, acl, aws.arn("ec2", f"network-acl/{acl}"))


def security_groups(aws: Builder, vpc: str) -> dict[str, str]:
    """A group for each way to let the whole internet in, and some that let in who should be."""
    entries = [{"Cidr": ANYWHERE, "Description": "everyone"}]
    listed = aws.ec2.create_managed_prefix_list(PrefixListName="partners", MaxEntries=5, AddressFamily="IPv4", Entries=entries)[
        "PrefixList"
    ]["PrefixListId"]
    groups = {
        "edge": make_group(aws, vpc, "edge", tcp(443, ranges=(ANYWHERE,)), tcp(80, ranges=(ANYWHERE,))),
        "office-ssh": make_group(aws, vpc, "office-ssh", tcp(22, ranges=(OFFICE,))),
        "ssh-open": make_group(aws, vpc, "ssh-open", tcp(22, ranges=(ANYWHERE,))),
        "rdp-open-v6": make_group(aws, vpc, "rdp-open-v6", tcp(3389, ranges_v6=("::/0",))),
        "ssh-halves": make_group(aws, vpc, "ssh-halves", tcp(22, ranges=HALVES)),
        "ssh-listed": make_group(aws, vpc, "ssh-listed", {**tcp(22), "PrefixListIds": [{"PrefixListId": listed}]}),
        "low-ports": make_group(aws, vpc, "low-ports", tcp(20, 25, ranges=(ANYWHERE,))),
        "all-open": make_group(aws, vpc, "all-open", {"IpProtocol": "-1", "IpRanges": [{"CidrIp": ANYWHERE}]}),
    }
    groups["app"] = make_group(aws, vpc, "app", tcp(8080, group=groups["edge"]))
    groups["db"] = make_group(aws, vpc, "db", tcp(5432, group=groups["app"]))
    return groups


def tcp(
    low: int, high: int | None = None, *, ranges: tuple[str, ...] = (), ranges_v6: tuple[str, ...] = (), group: str = ""
) -> dict[str, Any]:
    """One permission of a security group."""
    return {
        "IpProtocol": "tcp",
        "FromPort": low,
        "ToPort": high or low,
        "IpRanges": [{"CidrIp": cidr} for cidr in ranges],
        "Ipv6Ranges": [{"CidrIpv6": cidr} for cidr in ranges_v6],
        "UserIdGroupPairs": [{"GroupId": group}] if group else [],
    }


def make_group(aws: Builder, vpc: str, name: str, *permissions: Mapping[str, Any]) -> str:
    made = aws.ec2.create_security_group(GroupName=name, Description=f"shop {name}", VpcId=vpc)["GroupId"]
    aws.ec2.authorize_security_group_ingress(GroupId=made, IpPermissions=list(permissions))
    return aws.note("aws.ec2.security_group", name, made, aws.arn("ec2", f"security-group/{made}"))


# --- servers, volumes, the front


def servers(aws: Builder, network: Network) -> None:
    """Four instances and two volumes with snapshots."""
    instance(aws, "web", network.private[0], network.groups["app"])
    instance(aws, "old-app", network.private[1], network.groups["app"], token="optional")
    instance(aws, "bastion", network.public[0], network.groups["ssh-open"], public=True)
    instance(aws, "office-gate", network.public[1], network.groups["office-ssh"], public=True)
    aws.ec2.enable_ebs_encryption_by_default()
    aws.note("aws.region", aws.region, aws.region)
    for name, encrypted in (("orders-data", True), ("old-data", False)):
        made = volume(aws, name, encrypted=encrypted)
        copy = aws.ec2.create_snapshot(VolumeId=made, TagSpecifications=tags("snapshot", f"{name}-copy"))["SnapshotId"]
        aws.note("aws.ec2.snapshot", f"{name}-copy", copy, f"arn:aws:ec2:{aws.region}::snapshot/{copy}")
        if not encrypted:
            aws.ec2.modify_snapshot_attribute(SnapshotId=copy, Attribute="createVolumePermission", OperationType="add", GroupNames=["all"])
    for name, encrypted in (("shop-files", True), ("scratch-files", False)):
        files = aws.efs.create_file_system(CreationToken=name, Encrypted=encrypted)
        aws.note("aws.efs.file_system", name, files["FileSystemId"], files["FileSystemArn"])


def instance(aws: Builder, name: str, subnet: str, group: str, *, public: bool = False, token: str = "required") -> None:
    interface = {"DeviceIndex": 0, "SubnetId": subnet, "Groups": [group], "AssociatePublicIpAddress": public}
    disk = {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8, "Encrypted": True, "DeleteOnTermination": True}}
    made = aws.ec2.run_instances(
        ImageId="ami-12c6146b", InstanceType="t3.small", MinCount=1, MaxCount=1, NetworkInterfaces=[interface],
        BlockDeviceMappings=[disk], MetadataOptions={"HttpTokens": token, "HttpEndpoint": "enabled"},
        TagSpecifications=tags("instance", name), UserData="export TOKEN=not-a-secret",
    )["Instances"][0]["InstanceId"]  # fmt: skip
    aws.note("aws.ec2.instance", name, made, aws.arn("ec2", f"instance/{made}"))


def volume(aws: Builder, name: str, *, encrypted: bool) -> str:
    made = aws.ec2.create_volume(AvailabilityZone=f"{aws.region}a", Size=20, Encrypted=encrypted, TagSpecifications=tags("volume", name))[
        "VolumeId"
    ]
    return aws.note("aws.ec2.volume", name, made, aws.arn("ec2", f"volume/{made}"))


def front(aws: Builder, network: Network) -> None:
    """The shop's load balancer, and an old one."""
    redirect = [{"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}]
    certificate = aws.acm.request_certificate(DomainName="shop.marktbruecke.example", ValidationMethod="DNS")["CertificateArn"]
    for name, policy in (
        ("front", "ELBSecurityPolicy-TLS13-1-2-2021-06"),
        ("old-front", "ELBSecurityPolicy-2016-08"),
    ):
        balancer = aws.elbv2.create_load_balancer(
            Name=name, Subnets=list(network.public), SecurityGroups=[network.groups["edge"]], Scheme="internet-facing"
        )["LoadBalancers"][0]["LoadBalancerArn"]
        aws.note("aws.elbv2.load_balancer", name, balancer)
        target = aws.elbv2.create_target_group(Name=name, Protocol="HTTP", Port=8080, VpcId=network.vpc)
        forward = [{"Type": "forward", "TargetGroupArn": target["TargetGroups"][0]["TargetGroupArn"]}]
        aws.elbv2.create_listener(
            LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=redirect if name == "front" else forward
        )
        aws.elbv2.create_listener(
            LoadBalancerArn=balancer, Protocol="HTTPS", Port=443, DefaultActions=forward, SslPolicy=policy,
            Certificates=[{"CertificateArn": certificate}],
        )  # fmt: skip


# --- databases


def databases(aws: Builder, network: Network) -> None:
    """Each kind of database once as it should be and once as it should not."""
    aws.rds.create_db_subnet_group(DBSubnetGroupName="shop", DBSubnetGroupDescription="shop", SubnetIds=list(network.private))
    database(
        aws,
        network,
        "orders",
        StorageEncrypted=True,
        KmsKeyId=shop_key(aws),
        BackupRetentionPeriod=14,
        PubliclyAccessible=False,
    )
    database(aws, network, "reports", StorageEncrypted=False, BackupRetentionPeriod=0, PubliclyAccessible=True)
    copy = aws.rds.create_db_snapshot(DBSnapshotIdentifier="reports-2019", DBInstanceIdentifier="reports")["DBSnapshot"]
    aws.note("aws.rds.db_snapshot", "reports-2019", "reports-2019", copy["DBSnapshotArn"])
    aws.rds.modify_db_snapshot_attribute(DBSnapshotIdentifier="reports-2019", AttributeName="restore", ValuesToAdd=["all"])
    table(aws, "carts", SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": shop_key(aws)})
    table(aws, "sessions")
    aws.dynamodb.update_continuous_backups(TableName="carts", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    for name, good in (("shop-cache", True), ("old-cache", False)):
        made = aws.elasticache.create_replication_group(
            ReplicationGroupId=name, ReplicationGroupDescription=name, Engine="redis", CacheNodeType="cache.t3.micro",
            AtRestEncryptionEnabled=good, TransitEncryptionEnabled=good,
        )["ReplicationGroup"]  # fmt: skip
        aws.note("aws.elasticache.replication_group", name, name, made["ARN"])
    for name, good in (("warehouse", True), ("old-warehouse", False)):
        aws.redshift.create_cluster(
            ClusterIdentifier=name, NodeType="ra3.large", MasterUsername="master", MasterUserPassword="Not-a-secret-1",
            ClusterType="single-node", Encrypted=good, PubliclyAccessible=not good,
        )  # fmt: skip
        aws.note("aws.redshift.cluster", name, name, aws.arn("redshift", f"cluster:{name}"))
    for name, good in (("shop-search", True), ("old-search", False)):
        oldest = f"Policy-Min-TLS-1-{2 if good else 0}-2019-07"
        made = aws.opensearch.create_domain(
            DomainName=name, EncryptionAtRestOptions={"Enabled": good}, NodeToNodeEncryptionOptions={"Enabled": good},
            DomainEndpointOptions={"EnforceHTTPS": good, "TLSSecurityPolicy": oldest},
        )["DomainStatus"]  # fmt: skip
        aws.note("aws.opensearch.domain", name, name, made["ARN"])


def database(aws: Builder, network: Network, name: str, **settings: Any) -> None:
    made = aws.rds.create_db_instance(
        DBInstanceIdentifier=name, DBInstanceClass="db.t3.small", Engine="postgres", MasterUsername="master",
        MasterUserPassword="not-a-secret", AllocatedStorage=20, DBSubnetGroupName="shop",
        VpcSecurityGroupIds=[network.groups["db"]], **settings,
    )["DBInstance"]  # fmt: skip
    aws.note("aws.rds.db_instance", name, name, made["DBInstanceArn"])


def table(aws: Builder, name: str, **settings: Any) -> None:
    made = aws.dynamodb.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], **settings,
    )["TableDescription"]  # fmt: skip
    aws.note("aws.dynamodb.table", name, name, made["TableArn"])
