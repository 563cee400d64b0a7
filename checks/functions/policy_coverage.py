"""The helpers that say how much a policy denies or grants."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from checks.functions.declare import DataError, function
from checks.functions.globs import covers, covers_resource
from checks.functions.policy_callers import can_confine, confinement
from checks.functions.policy_document import Statement, Test, read_policy, read_resource_policy

_ACTION = re.compile(r"[a-z0-9-]+:[a-z0-9*?]+", re.ASCII)

_BUCKET = re.compile(r"(arn:aws[a-z-]*:s3:::[^/]+)(/.*)?", re.DOTALL)
_ACCESS_POINT = re.compile(r"(arn:aws[a-z-]*:s3(?:-object-lambda)?:[^:]*:[^:]*:accesspoint/[^/]+)(/.*)?", re.DOTALL)
# Services whose policies may leave out Resource: what the policy hangs on is meant.
_WITHOUT_RESOURCE = frozenset({"elasticfilesystem", "ecr"})
# Services whose resource has nothing below it that a policy could name apart from it.
_FLAT = re.compile(r"arn:aws[a-z-]*:(sqs|sns|kms|secretsmanager|elasticfilesystem):.*", re.DOTALL)

_PARTITION = re.compile(r"(arn:(aws[a-z-]*)?)?", re.ASCII)

# The keys by which an identity's own policy can limit it; its account, organization and ARN are given anyway.
_NETWORK_KEYS = frozenset({"aws:sourceip", "aws:sourcevpc", "aws:sourcevpce", "aws:sourcevpcarn"})


@function(returns="bool", policy="string|map", actions="string")
def policy_denies_plain_http(policy: str | dict[str, Any], actions: str) -> bool:
    """Whether the policy of a resource denies `actions` to everyone, wherever it applies, when they come without TLS.

    `policy`: JSON text or the map it parses to. `actions`: what must be denied, 's3:*'; several with commas. Each must be
    within one Action of a denying statement: 's3:*' is by 's3:*' and '*', not by a list of actions.

    A statement denies plain HTTP if it is a Deny for Principal '*' or {AWS: '*'} with Action and Resource (EFS and ECR
    allow leaving Resource out: then the whole is meant), under no other condition than Bool or BoolIfExists
    aws:SecureTransport of 'false' alone, or under none at all. One with any further condition, with NotPrincipal,
    NotAction or NotResource, with a set operator, or with StringEquals on aws:SecureTransport does not count.

    Such statements together must cover every resource that any statement of the policy names, and of S3 both the bucket
    and its objects ('arn:aws:s3:::b' and 'arn:aws:s3:::b/*'; access point and access point/object/*), whichever is named.
    Outside SQS, SNS, KMS, Secrets Manager and EFS, what lies below a named resource ('<arn>/*') must be covered too. A
    policy that names only '*' must deny on '*'. That the ARNs named are those of the resource is not checked.

    DataError: a policy that is not JSON, has a key twice, an unknown element, operator or effect, or a statement without
    Principal; `actions` that are none.
    Source: S3 user guide, Bucket policy examples (HTTPS); IAM user guide, Condition operators (Boolean).
    """
    wanted = [text.strip().lower() for text in actions.split(",")]
    if not all(map(_ACTION.fullmatch, wanted)):
        raise DataError(f"actions must be like 's3:*', not {actions!r}")
    statements = read_resource_policy(policy)
    denying = [statement for statement in statements if _denies_plain_http(statement)]
    resources = _resources(statements)
    return all(_covers(denying, action, resource) for action in wanted for resource in resources)


@function(returns="bool", policy="string|map")
def policy_allows_everything(policy: str | dict[str, Any]) -> bool:
    """Whether some statement of the policy grants all actions on all resources, without a condition that limits it.

    `policy`: JSON text or the map it parses to, of an identity or a resource. All actions are '*', '*:*' and any NotAction;
    all resources are '*', ARNs of wildcards ('arn:aws:*:*:*:*'), any NotResource, and a statement without Resource. Deny
    statements are not counted, so an Allow that a Deny takes back is still reported; nor are permissions that only
    several statements together make complete.

    A condition limits the statement only if it asks for MFA (Bool aws:MultiFactorAuthPresent true,
    NumericLessThan(Equals) aws:MultiFactorAuthAge), a narrow aws:SourceIp, a fixed aws:SourceVpc, aws:SourceVpce or
    aws:SourceVpcArn; where the statement names principals, also if it confines callers as listed for policy_outsiders.
    Under anything else, such as aws:RequestedRegion, ...IfExists or a date, the statement counts as unlimited.

    DataError: a policy that is not JSON, has a key twice, an unknown element, operator or effect.
    Source: CIS AWS Foundations Benchmark (no policy with full "*:*" privileges); IAM user guide, NotAction, NotResource.
    """
    return any(_allows_everything(statement) for statement in read_policy(policy))


def _denies_plain_http(statement: Statement) -> bool:
    exempt = statement.except_principals or statement.except_actions or statement.except_resources
    everyone = statement.principals is not None and ("AWS", "*") in statement.principals
    return not statement.allow and not exempt and everyone and all(map(_is_plain_http, statement.tests))


def _is_plain_http(test: Test) -> bool:
    return (test.operator, test.key, test.values, test.quantifier) == ("bool", "aws:securetransport", ("false",), "")


def _resources(statements: Iterable[Statement]) -> set[str]:
    """What must be covered: patterns that stand for everything the policy can apply to."""
    named = {resource for statement in statements if not statement.except_resources for resource in statement.resources or ()}
    return {needed for resource in named - {"*"} for needed in _with_contents(resource)} or {"*"}


def _with_contents(resource: str) -> tuple[str, ...]:
    if found := _BUCKET.fullmatch(resource):
        return found[1], f"{found[1]}/*"
    if found := _ACCESS_POINT.fullmatch(resource):
        return found[1], f"{found[1]}/object/*"
    if _FLAT.fullmatch(resource) or resource.endswith("*"):
        return (resource,)
    return resource, f"{resource}/*"


def _covers(denying: Iterable[Statement], action: str, resource: str) -> bool:
    return any(
        any(_covers_action(pattern, action) for pattern in statement.actions)
        and any(covers_resource(pattern, resource) for pattern in _denied_resources(statement, action))
        for statement in denying
    )


def _denied_resources(statement: Statement, action: str) -> tuple[str, ...]:
    if statement.resources is None and action.partition(":")[0] in _WITHOUT_RESOURCE:
        return ("*",)
    return statement.resources or ()


def _covers_action(pattern: str, action: str) -> bool:
    """The service is not matched by wildcards, other than by '*' alone."""
    return pattern == "*" or (pattern.partition(":")[0] == action.partition(":")[0] and covers(pattern, action))


def _allows_everything(statement: Statement) -> bool:
    if not statement.allow or any(_limits(test, statement) for test in statement.tests):
        return False
    actions = statement.except_actions or any(map(_is_wildcards, statement.actions))
    named = [_PARTITION.sub("", resource, count=1) for resource in statement.resources or ("*",)]
    return actions and (statement.except_resources or any(map(_is_wildcards, named)))


def _is_wildcards(pattern: str) -> bool:
    """Nothing but wildcards and separators: more than '*' alone, on the cautious side."""
    return "*" in pattern and set(pattern) <= set("*?:/")


def _limits(test: Test, statement: Statement) -> bool:
    if test.key == "aws:multifactorauthpresent":
        return can_confine(test) and test.operator == "bool" and set(test.values) == {"true"}
    if test.key == "aws:multifactorauthage":
        return can_confine(test) and test.operator in {"numericlessthan", "numericlessthanequals"}
    return (statement.principals is not None or test.key in _NETWORK_KEYS) and confinement(test) is not None
