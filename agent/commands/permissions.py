"""The exact read-only permissions that the enabled rules need, from the same catalogue that the calls come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from agent.collect.aws.sqs import DELETE, RECEIVE
from agent.collect.changes.storage_queue import PROCESS
from agent.collect.logs.s3 import DECRYPT, GET, LIST
from agent.collect.logs.trail_keys import LIST_KEYS
from agent.config import ConfigurationError
from agent.config.changes import Changes
from agent.config.logs import LogSource, S3Place, partition
from checks.arm import SUBSCRIPTIONS
from checks.catalogue import Catalogue, TagCall
from checks.plan import AZURE_KINDS, TAGS, Plan, whole

_EVERYTHING = "*/read"
_SUBSCRIPTION = "Microsoft.Resources/subscriptions/read"
_PERMISSIONS, _DENIALS = "Microsoft.Authorization/permissions/read", "Microsoft.Authorization/denyAssignments/read"
_PROVIDERS = "Microsoft.Resources/subscriptions/providers/read"
_GRAPH = "Microsoft.ResourceGraph/resources/read"
_DESCENDANTS = "Microsoft.Management/managementGroups/descendants/read"
"""What every collection asks beside the types (Azure permissions reference, Management and governance)."""


def aws_actions(catalogue: Catalogue, plan: Plan) -> list[str]:
    """Every IAM action of the plan's calls, sorted."""
    return sorted({"sts:GetCallerIdentity", *(action for _, _, action in aws_calls(catalogue, plan))})


def aws_calls(catalogue: Catalogue, plan: Plan) -> Iterator[tuple[str, str, str]]:
    """Every call of the plan: the type that it is made for, its name, its IAM action."""
    for name, members in whole(plan, catalogue).items():
        kind = catalogue[name]
        if kind.arm is not None:
            continue
        if kind.list_ != "none":
            yield name, kind.list_.call, kind.iam or _action(kind.service, kind.list_.call)
        for detail in kind.detail if "*" in members else kind.details_for(members):
            yield name, detail.call, detail.iam or _action(detail.service or kind.service, detail.call)
        if TAGS in members and isinstance(kind.tags, TagCall):
            yield name, kind.tags.call, kind.tags.iam or _action(kind.service, kind.tags.call)


def _action(service: str, call: str) -> str:
    """Where the catalogue says nothing else (`iam`), IAM's action is named after botocore's service and the call."""
    return f"{service}:{call}"


def aws_policy(catalogue: Catalogue, plan: Plan, logs: Sequence[LogSource] = ()) -> dict[str, Any]:
    """An IAM policy document: the settings that the plan reads, and the buckets that the sources of logs are in."""
    return _policy([_statement("UpheldReadsConfiguration", aws_actions(catalogue, plan), "*"), *_of_logs(logs)])


def azure_actions(catalogue: Catalogue, plan: Plan) -> list[str]:
    """Every action of Azure RBAC that the plan's lists and details need, sorted; not what is asked only where it is wanted."""
    held = {action for _, _, action in azure_calls(catalogue, plan)}
    return sorted(held | {_SUBSCRIPTION, _PERMISSIONS, _DENIALS, _PROVIDERS, _GRAPH}, key=str.lower)


def azure_calls(catalogue: Catalogue, plan: Plan) -> Iterator[tuple[str, str, str]]:
    """Every call of the plan: the type that it is made for, the call as looks name it, its action."""
    for name, members in whole(plan, catalogue).items():
        arm = catalogue[name].arm
        if arm is None:
            continue
        if arm.type != SUBSCRIPTIONS:
            yield name, f"GET {arm.path}", arm.permission
        for detail in arm.details_for(members):
            if not detail.effective:
                yield name, f"GET {detail.get}", detail.permission(arm.type)


def azure_role(catalogue: Catalogue, plan: Plan, subscriptions: Sequence[str]) -> dict[str, Any]:
    """A custom role that reads what the plan needs, as `az role definition create` takes it.

    Where promises are about all that exists, that is the built-in role Reader, `*/read`: Resource Graph counts what the caller may
    read, and what it may not is not known to exist (Azure built-in roles, "Reader").
    """
    actions = [_EVERYTHING] if AZURE_KINDS in plan else azure_actions(catalogue, plan)
    why = "Reads the settings that upheld judges" + (", and what else exists" if AZURE_KINDS in plan else "")
    return _role("upheld reader", why, actions, [f"/subscriptions/{one}" for one in subscriptions])


def azure_optional_roles(catalogue: Catalogue, subscriptions: Sequence[str]) -> list[dict[str, Any]]:
    """What Reader does not permit and upheld does without: the rules in effect, and which subscriptions a tenant has."""
    details = [(kind.arm, detail) for kind in catalogue.values() if kind.arm for detail in kind.arm.details if detail.effective]
    effective = sorted({detail.permission(arm.type) for arm, detail in details})
    scopes = [f"/subscriptions/{one}" for one in subscriptions]
    root = ["/providers/Microsoft.Management/managementGroups/{tenant id}"]
    return [
        _role("upheld effective rules", "Asks for the rules and routes in effect on network interfaces", effective, scopes),
        _role("upheld subscriptions", "Lists the subscriptions below the tenant's root management group", [_DESCENDANTS], root),
    ]


def _role(name: str, description: str, actions: list[str], scopes: list[str]) -> dict[str, Any]:
    """The form of a role (Azure RBAC documentation, "Azure custom roles", Custom role properties)."""
    return {
        "Name": name, "IsCustom": True, "Description": description, "Actions": actions, "NotActions": [], "DataActions": [],
        "NotDataActions": [], "AssignableScopes": scopes or ["/subscriptions/{subscription id}"],
    }  # fmt: skip


def queue_policy(logs: Iterable[LogSource], changes: Iterable[Changes] = ()) -> dict[str, Any]:
    """What one's own queues need, which is not reading alone: a message that was dealt with is deleted.

    Raises ConfigurationError where there is no queue.
    """
    queues = {source.s3.queue_arn for source in logs if source.s3} | {one.sqs.arn for one in changes if one.sqs}
    if not queues - {None}:
        raise ConfigurationError(
            "no source of collect.logs names a queue (s3.queue), and agent.changes none of SQS (sqs), so there is nothing to permit"
        )
    return _policy([_statement("UpheldReadsItsQueues", [DELETE, RECEIVE], sorted(filter(None, queues)))])


def azure_queue_role(changes: Iterable[Changes]) -> dict[str, Any]:
    """The same of Azure's queues, as `az role definition create` takes it; to be assigned on each queue, and nowhere else.

    Raises ConfigurationError where there is no queue.
    """
    queues = [one.storage_queue.queue for one in changes if one.storage_queue]
    if not queues:
        raise ConfigurationError("agent.changes names no queue of a storage account (storage_queue), so there is nothing to permit")
    why = f"Receives and deletes the messages of {', '.join(queues)}: assign it there alone"
    role = _role("upheld queues", why, [], ["/subscriptions/{subscription id}/resourceGroups/{resource group}"])
    return {**role, "DataActions": [PROCESS]}


def _of_logs(logs: Sequence[LogSource]) -> Iterator[dict[str, Any]]:
    """Only the buckets and prefixes that are named; decrypting only for S3, which gives nothing else out by this policy."""
    places = [source.s3 for source in logs if source.s3]
    if places:
        yield _statement("UpheldListsLogs", [LIST], sorted({_bucket(place) for place in places}))
        yield _statement("UpheldReadsLogs", [GET], sorted({f"{_bucket(place)}/{place.prefix}*" for place in places}))
        services = sorted({_service(place) for place in places})
        yield {**_statement("UpheldDecryptsLogs", [DECRYPT], "*"), "Condition": {"StringLike": {"kms:ViaService": services}}}
    if any(source.verified and not source.public_keys for source in logs):
        yield _statement("UpheldVerifiesTrails", [LIST_KEYS], "*")


def _bucket(place: S3Place) -> str:
    return f"arn:{partition(place.region)}:s3:::{place.bucket}"


def _service(place: S3Place) -> str:
    """S3 as a key's condition names it (AWS KMS Developer Guide, "kms:ViaService"); in China's regions the domain may be longer."""
    return f"s3.{place.region or '*'}.amazonaws.com" + ("*" if partition(place.region) == "aws-cn" else "")


def _statement(sid: str, actions: list[str], resource: str | list[str]) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}


def _policy(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}
