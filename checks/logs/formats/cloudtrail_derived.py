"""What CloudTrail's records say in their requests and responses, as typed columns that a rule may ask.

requestParameters are the API's parameters, each name beginning with a small letter (S3: the elements of the body as they are). What
the request does not tell, or tells in a form that is not known here, is null: the rules that ask are then unproven.
Source: CloudTrail user guide, "CloudTrail record contents" (requestParameters, responseElements); the API references of the calls.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from checks.functions.addresses import cidrs_within
from checks.functions.declare import DataError
from checks.functions.policy_access import policy_public
from checks.functions.security_groups import ingress_cidrs
from checks.logs.formats.cloudtrail_selectors import narrows_selectors

Record = Mapping[str, Any]
Values = Mapping[str, Any]
Call = tuple[str, str]
"""eventSource and eventName."""


Reader = Callable[[Call, Values, Values, str | None], Any]
"""Of a call, its request, its response and its region."""


def readers(call: Call, columns: Collection[str]) -> dict[str, Reader]:
    """Of these columns, those that a record of this call may have, of those that are read from requests and responses."""
    return {column: _READ[column] for column in columns if _TOLD_BY[column](call)}


def by_name(call: Call) -> dict[str, Any]:
    """The columns that the call's name tells, whatever is asked and answered."""
    return {} if call == _CREATE_BUCKET else {"stores": _stores(call, {}, None)}


def derived(record: Record) -> dict[str, Any]:
    """The derived columns of a record, by their names in CLOUDTRAIL; null is None."""
    call = (_text(record.get("eventSource")) or "", _text(record.get("eventName")) or "")
    told = call, as_map(record.get("requestParameters")), as_map(record.get("responseElements")), _text(record.get("awsRegion"))
    held: dict[str, Any] = {"by_service": by_service(as_map(record.get("userIdentity")).get("invokedBy"), record.get("sourceIPAddress"))}
    return held | {column: read(*told) if _TOLD_BY[column](call) else None for column, read in _READ.items()}


# -- values: what has not the type is not there ---------------------------------------------------------------------------


def as_map(value: Any) -> Values:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: Any) -> int | None:
    """A whole number of 64 bits."""
    return value if isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63 else None


def _truth(value: Any) -> bool | None:
    """A truth value; in bodies of XML it is a text."""
    return value if isinstance(value, bool) else {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None


def _each(value: Any) -> list[Any]:
    """The elements of a list; of XML, a single one stands without it."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _items(value: Any) -> list[Any] | None:
    """What EC2 writes in the place of a list: {"items": [...]}, and {} where it is empty. None for anything else."""
    if not isinstance(value, dict):
        return None
    held = value.get("items", [])
    return held if isinstance(held, list) else None


# -- who called -----------------------------------------------------------------------------------------------------------

INTERNAL: Final = "AWS Internal"
SERVICES: Final = (".amazonaws.com", ".amazonaws.com.cn")


def by_service(invoked_by: Any, source: Any) -> bool | None:
    """Of userIdentity.invokedBy and sourceIPAddress.

    Source: CloudTrail user guide, "CloudTrail record contents": sourceIPAddress of a service is its DNS name, or AWS Internal.
    """
    if _text(invoked_by):
        return True
    name = _text(source)
    return None if name is None else name == INTERNAL or name.endswith(SERVICES)


# -- what it is about -----------------------------------------------------------------------------------------------------

_TARGETS: Final[Mapping[str, tuple[str, ...]]] = {
    "cloudtrail.amazonaws.com": ("name", "trailName", "eventDataStore"),
    "config.amazonaws.com": ("configurationRecorderName", "deliveryChannelName"),
    "ec2.amazonaws.com": ("snapshotId", "imageId", "groupId"),
    "guardduty.amazonaws.com": ("detectorId",),
    "kms.amazonaws.com": ("keyId",),
    "logs.amazonaws.com": ("logGroupName", "logGroupIdentifier"),
    "rds.amazonaws.com": ("dBSnapshotIdentifier", "dBClusterSnapshotIdentifier", "dBInstanceIdentifier", "dBClusterIdentifier"),
    "route53resolver.amazonaws.com": ("resolverQueryLogConfigId",),
    "s3.amazonaws.com": ("bucketName",),
}
_FLOW_LOGS: Final = "DeleteFlowLogsRequest"


def target_members(source: str) -> tuple[str, ...]:
    """The members that may name what a request of this source is about: the first that does."""
    return (*_TARGETS.get(source, ()), *([_FLOW_LOGS] if source == "ec2.amazonaws.com" else []))


def target_text(member: str, value: Any) -> str | None:
    """What one of them says."""
    if member != _FLOW_LOGS:
        return _text(value)
    flow_logs = _each(as_map(value).get("FlowLogId"))
    return _text(as_map(flow_logs[0]).get("content")) if len(flow_logs) == 1 else None


def _target(source: str, request: Values) -> str | None:
    return next(filter(None, (target_text(member, request.get(member)) for member in target_members(source))), None)


# -- what it asks of a log, or of a guard ---------------------------------------------------------------------------------


def _narrows_trail(request: Values) -> bool | None:
    """Another bucket may be another place for everything, or the same as before: that does not show."""
    asked = [
        _truth(request[name]) for name in ("isMultiRegionTrail", "includeGlobalServiceEvents", "isOrganizationTrail") if name in request
    ]
    if False in asked:
        return True
    return None if None in asked or {"s3BucketName", "s3KeyPrefix"} & request.keys() else False


def _narrows_event_data_store(request: Values) -> bool | None:
    asked = [_truth(request[name]) for name in ("multiRegionEnabled", "organizationEnabled") if name in request]
    if False in asked:
        return True
    selected = narrows_selectors(request) if "advancedEventSelectors" in request else False
    return selected or (None if None in asked else selected)


def _narrows_bucket_logging(request: Values) -> bool | None:
    """An empty BucketLoggingStatus turns logging off."""
    status = request.get("BucketLoggingStatus")
    if isinstance(status, dict):
        return not isinstance(status.get("LoggingEnabled"), dict)
    return True if status == "" else None


def _narrows_recorder(request: Values) -> bool | None:
    everything = _truth(as_map(as_map(request.get("configurationRecorder")).get("recordingGroup")).get("allSupported"))
    return None if everything is None else not everything


def _narrows_detector(request: Values) -> bool | None:
    """Of features that are turned on or off one by one, it does not show which matter."""
    if (enabled := _truth(request.get("enable"))) is False:
        return True
    return False if enabled and not {"features", "dataSources"} & request.keys() else None


def _narrows_versioning(request: Values) -> bool | None:
    return {"Enabled": False, "Suspended": True}.get(_text(as_map(request.get("VersioningConfiguration")).get("Status")) or "")


def _narrows_public_access_block(request: Values) -> bool | None:
    asked = as_map(request.get("PublicAccessBlockConfiguration"))
    held = [_truth(asked.get(name)) for name in ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")]
    return True if False in held else None if None in held else False


_TRAIL: Final = frozenset({("cloudtrail.amazonaws.com", "CreateTrail"), ("cloudtrail.amazonaws.com", "UpdateTrail")})
_RETENTION: Final = {
    ("logs.amazonaws.com", "PutRetentionPolicy"): "retentionInDays",
    ("cloudtrail.amazonaws.com", "UpdateEventDataStore"): "retentionPeriod",
}
_NARROWS: Final[Mapping[Call, Callable[[Values], bool | None]]] = {
    ("cloudtrail.amazonaws.com", "UpdateTrail"): _narrows_trail,
    ("cloudtrail.amazonaws.com", "PutEventSelectors"): narrows_selectors,
    ("cloudtrail.amazonaws.com", "UpdateEventDataStore"): _narrows_event_data_store,
    ("config.amazonaws.com", "PutConfigurationRecorder"): _narrows_recorder,
    ("guardduty.amazonaws.com", "UpdateDetector"): _narrows_detector,
    ("s3.amazonaws.com", "PutAccountPublicAccessBlock"): _narrows_public_access_block,
    ("s3.amazonaws.com", "PutBucketLogging"): _narrows_bucket_logging,
    ("s3.amazonaws.com", "PutBucketPublicAccessBlock"): _narrows_public_access_block,
    ("s3.amazonaws.com", "PutBucketVersioning"): _narrows_versioning,
}


# -- whom it admits -------------------------------------------------------------------------------------------------------

_GROUPS: Final = tuple(f"http://acs.amazonaws.com/groups/global/{name}" for name in ("AllUsers", "AuthenticatedUsers"))
_CANNED: Final[Mapping[str, bool]] = {
    "private": False, "aws-exec-read": False, "bucket-owner-read": False, "bucket-owner-full-control": False, "log-delivery-write": False,
    "public-read": True, "public-read-write": True, "authenticated-read": True,
}  # fmt: skip
_GRANTS: Final = ("x-amz-grant-read", "x-amz-grant-write", "x-amz-grant-read-acp", "x-amz-grant-write-acp", "x-amz-grant-full-control")
_BLOCKS: Final = (
    "1.0.0.0/8", "5.0.0.0/8", "24.0.0.0/8", "41.0.0.0/8", "187.0.0.0/8", "2400::/12", "2600::/12", "2800::/12", "2a00::/12", "2c00::/12",
)  # fmt: skip
"""A block of each regional registry, as in aws-security-group-open-ports: who admits all of one admits strangers."""
_NOT_THE_WEB: Final = "0-79,81-442,444-65535"


def _public_acl(request: Values) -> bool | None:
    """Source: S3 user guide, Access control list (ACL) overview: canned ACLs, predefined groups, headers for grants."""
    told: list[bool | None] = [_CANNED.get(_text(name) or "") for name in _each(request.get("x-amz-acl"))]
    told += [_names_everyone(_text(grantees)) for header in _GRANTS for grantees in _each(request.get(header))]
    granted = as_map(as_map(request.get("AccessControlPolicy")).get("AccessControlList")).get("Grant")
    told += [_grants_everyone(as_map(grant).get("Grantee")) for grant in _each(granted)]
    return True if True in told else None if None in told or not told else False


def _names_everyone(header: str | None) -> bool | None:
    return None if header is None else any(group in header for group in _GROUPS)


def _grants_everyone(grantee: Any) -> bool | None:
    return grantee.get("URI") in _GROUPS if isinstance(grantee, dict) else None


def _public_bucket_policy(request: Values) -> bool | None:
    policy = request.get("bucketPolicy")
    try:
        return bool(policy_public(policy)) if isinstance(policy, dict) else None
    except DataError:
        return None


def _public_share(member: str) -> Callable[[Values], bool | None]:
    """ModifySnapshotAttribute and ModifyImageAttribute: whether the group `all` is among those who are added."""

    def read(request: Values) -> bool | None:
        asked = request.get(member)
        if not isinstance(asked, dict):
            return None
        added = _items(asked.get("add", {}))
        if added is None or not all(isinstance(one, dict) for one in added):
            return None
        return any(one.get("group") == "all" for one in added)

    return read


def _public_db_snapshot(request: Values) -> bool | None:
    """`all` among the values added to the attribute `restore` makes it public."""
    added = request.get("valuesToAdd", [])
    return "all" in added if isinstance(added, list) and request.get("attributeName") == "restore" else None


def _public_ingress(request: Values) -> bool | None:
    """Whether everyone is admitted to ports other than those of HTTP and HTTPS. Who is in a prefix list does not show."""
    permissions = [_permission(one) for one in _items(request.get("ipPermissions")) or []]
    try:
        admitted = ingress_cidrs(permissions, "any", _NOT_THE_WEB)
    except DataError:
        return None
    if any(cidrs_within([block], admitted) for block in _BLOCKS):
        return True
    listed = any(isinstance(one, dict) and one["PrefixListIds"] != [] for one in permissions)
    return None if listed or not permissions else False


def _permission(asked: Any) -> object:
    """An IpPermission as EC2 describes it; what is malformed stays so, for the helper to refuse."""
    held = as_map(asked)
    renamed = {"ipProtocol": "IpProtocol", "fromPort": "FromPort", "toPort": "ToPort"}
    return {
        **{renamed[name]: value for name, value in held.items() if name in renamed},
        "IpRanges": _ranges(held.get("ipRanges", {}), "cidrIp", "CidrIp"),
        "Ipv6Ranges": _ranges(held.get("ipv6Ranges", {}), "cidrIpv6", "CidrIpv6"),
        "PrefixListIds": _items(held.get("prefixListIds", {})),
    }


def _ranges(asked: Any, name: str, renamed: str) -> list[dict[str, Any]] | None:
    entries = _items(asked)
    return None if entries is None else [{renamed: as_map(one).get(name)} for one in entries]


_PUBLIC: Final[Mapping[Call, Callable[[Values], bool | None]]] = {
    ("ec2.amazonaws.com", "AuthorizeSecurityGroupIngress"): _public_ingress,
    ("ec2.amazonaws.com", "ModifyImageAttribute"): _public_share("launchPermission"),
    ("ec2.amazonaws.com", "ModifySnapshotAttribute"): _public_share("createVolumePermission"),
    ("rds.amazonaws.com", "ModifyDBClusterSnapshotAttribute"): _public_db_snapshot,
    ("rds.amazonaws.com", "ModifyDBSnapshotAttribute"): _public_db_snapshot,
    ("s3.amazonaws.com", "PutBucketAcl"): _public_acl,
    ("s3.amazonaws.com", "PutBucketPolicy"): _public_bucket_policy,
    ("s3.amazonaws.com", "PutObjectAcl"): _public_acl,
}


# -- where data comes to lie ----------------------------------------------------------------------------------------------

_STORING: Final[Mapping[str, frozenset[str]]] = {
    "dynamodb.amazonaws.com": frozenset({"CreateTable", "ImportTable", "RestoreTableFromBackup", "RestoreTableToPointInTime"}),
    "ec2.amazonaws.com": frozenset(
        {"CreateVolume", "CreateSnapshot", "CreateSnapshots", "CopySnapshot", "CreateImage", "CopyImage", "ImportSnapshot", "RunInstances"}
    ),
    "elasticfilesystem.amazonaws.com": frozenset({"CreateFileSystem"}),
    "fsx.amazonaws.com": frozenset({"CreateFileSystem", "CreateFileSystemFromBackup", "CopyBackup"}),
    "rds.amazonaws.com": frozenset(
        {
            "CreateDBInstance", "CreateDBCluster", "CreateDBInstanceReadReplica", "CreateDBSnapshot", "CreateDBClusterSnapshot",
            "CopyDBSnapshot", "CopyDBClusterSnapshot", "RestoreDBInstanceFromDBSnapshot", "RestoreDBInstanceToPointInTime",
            "RestoreDBClusterFromSnapshot", "RestoreDBClusterToPointInTime",
        }
    ),
    "redshift.amazonaws.com": frozenset({"CreateCluster", "CreateClusterSnapshot", "RestoreFromClusterSnapshot"}),
    "s3.amazonaws.com": frozenset({"PutObject", "CopyObject", "CompleteMultipartUpload"}),
    "secretsmanager.amazonaws.com": frozenset({"CreateSecret", "PutSecretValue"}),
}  # fmt: skip
"""Calls that put data, or a place for it, into the region in which they are logged."""
_REMOVING: Final = ("Delete", "Deregister", "Terminate", "Stop", "Cancel", "Detach", "Disassociate", "Release", "Revoke", "Untag")
"""Verbs of API calls that only take away."""
_CREATE_BUCKET: Final = ("s3.amazonaws.com", "CreateBucket")
_ENCRYPTED: Final = frozenset({("ec2.amazonaws.com", "CreateVolume")})


def _stores(call: Call, request: Values, region: str | None) -> bool | None:
    source, name = call
    if call == _CREATE_BUCKET:  # its data is where it says, and that is not always where it is logged
        asked = _text(as_map(request.get("CreateBucketConfiguration")).get("LocationConstraint")) or "us-east-1"
        return True if asked == region else None
    if name in _STORING.get(source, frozenset()):
        return True
    return False if name.startswith(_REMOVING) else None


# -- which calls tell what ------------------------------------------------------------------------------------------------


def _may_store(call: Call) -> bool:
    return _stores(call, {}, "us-east-1") is not None


_TOLD_BY: Final[Mapping[str, Callable[[Call], bool]]] = {
    "target": lambda call: call[0] in _TARGETS,
    "narrows": _NARROWS.__contains__,
    "log_validation": _TRAIL.__contains__,
    "retention_days": _RETENTION.__contains__,
    "public": _PUBLIC.__contains__,
    "stores": _may_store,
    "encrypted": _ENCRYPTED.__contains__,
}
_READ: Final[Mapping[str, Reader]] = {
    "target": lambda call, request, _, __: _target(call[0], request),
    "narrows": lambda call, request, _, __: _NARROWS[call](request),
    "log_validation": lambda _, request, __, ___: _truth(request.get("enableLogFileValidation")),
    "retention_days": lambda call, request, _, __: _number(request.get(_RETENTION[call])),
    "public": lambda call, request, _, __: _PUBLIC[call](request),
    "stores": lambda call, request, _, region: _stores(call, request, region),
    "encrypted": lambda _, __, response, ___: _truth(response.get("encrypted")),
}
TOLD: Final = frozenset(_TOLD_BY)
"""The columns that are read from requests and responses."""
