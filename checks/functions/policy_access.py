"""The helpers that say who a policy lets in. Deny statements are not counted: they can only shrink the answer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Any

from checks.functions.declare import DataError, function
from checks.functions.policy_callers import EVERYONE, Caller, confinement, has_wildcard, is_account, service_caller
from checks.functions.policy_document import Statement, Test, read_resource_policy
from checks.functions.policy_federation import federated_callers

# A principal that was deleted shows as its unique id (IAM user guide, IAM identifiers).
_UNIQUE_ID = re.compile(r"A[A-Z0-9]{15,127}", re.ASCII)
_ARN_PARTS = 6

# These only add to a session that another statement lets in.
_SESSION_ACTIONS = frozenset({"sts:tagsession", "sts:setsourceidentity", "sts:setcontext"})


@function(returns="list", policy="string|map", account="string")
def policy_outsiders(policy: str | dict[str, Any], account: str) -> list[str]:
    """Who outside the account the policy of a resource allows anything, sorted; [] means nobody.

    `policy`: JSON text or the map it parses to. `account`: 12 digits. What is returned is as the policy names it: '*' for
    anyone at all, account ids and ARNs of other accounts, ids of deleted principals, 'canonical:<id>' (S3 canonical users,
    which name no account), 'service:<name>' (a service principal outside amazonaws.com), identity providers as for
    trust_outsiders. A CloudFront origin access identity is returned as its ARN: it does not show whose distribution it is.

    AWS service principals are not outsiders, with or without aws:SourceAccount. NotPrincipal with Allow is '*', as is an
    ARN with a wildcard in its account. Deny statements are not counted.

    Where a statement allows '*', the one of its conditions that leaves the fewest outsiders is what is returned instead:
    nobody for aws:PrincipalAccount, aws:SourceAccount, aws:SourceOwner, kms:CallerAccount, aws:PrincipalArn and
    aws:SourceArn of the account; otherwise those account ids and ARNs; 'o-...' (aws:PrincipalOrgID, aws:PrincipalOrgPaths,
    aws:SourceOrgID, aws:SourceOrgPaths), 'vpc-...', 'vpce-...', the ARN in aws:SourceVpcArn, 'vpc-endpoints:<account or
    organization>' (aws:VpceAccount, ...), CIDRs (aws:SourceIp, at most a /8 of IPv4 and a /32 of IPv6 altogether, private
    ranges aside), 'userid:<id>', 'access-points:<account or ARN>' (s3:DataAccessPointAccount, s3:DataAccessPointArn: the
    access point's own policy decides), 'elasticfilesystem:AccessedViaMountTarget'. A named principal stays, whatever the
    conditions. No other condition counts, kms:ViaService and lambda:FunctionUrlAuthType among them; nor does an operator
    that is negated, ...IfExists, ForAllValues: or Null, nor a value with a wildcard or a policy variable where it would
    have to be fixed.

    DataError: a policy that is not JSON, has a key twice, an unknown element, operator or effect, a statement without
    Principal or an unreadable one; an account that is not 12 digits.
    Source: IAM user guide, Principal, Condition operators, Global condition context keys; S3 user guide, The meaning of
    "public".
    """
    return _outsiders(read_resource_policy(policy), account)


@function(returns="list", policy="string|map", account="string")
def trust_outsiders(policy: str | dict[str, Any], account: str) -> list[str]:
    """Who outside the account the trust policy of a role lets assume it, sorted; [] means nobody.

    Like policy_outsiders, with statements that allow only sts:TagSession, sts:SetSourceIdentity and sts:SetContext left
    out. sts:ExternalId does not say who calls, and does not count.

    Federated principals are outsiders even where the provider is configured in this account: SAML and OIDC providers as
    their ARN ('arn:aws:iam::111122223333:saml-provider/corp'). Providers that serve anyone (GitHub Actions, GitLab.com,
    HCP Terraform, Buildkite, Vercel, Google, Facebook, Login with Amazon) are '*' unless a claim fixes the customer, then
    for example 'token.actions.githubusercontent.com:sub=repo:acme/app:*'; the owner must be free of wildcards. Cognito
    identity pools are '*' unless aud fixes the pool and amr is 'authenticated'.

    DataError: as for policy_outsiders.
    Source: IAM user guide, Principal, and Configuring a role for GitHub OIDC identity provider.
    """
    statements = read_resource_policy(policy)
    return _outsiders([statement for statement in statements if not _only_adds_to_session(statement)], account)


@function(returns="bool", policy="string|map")
def policy_public(policy: str | dict[str, Any]) -> bool:
    """Whether the policy of a resource allows anyone at all anything: whether policy_outsiders would return '*'.

    That is an Allow for everyone (Principal '*', NotPrincipal, a wildcard account, a web identity provider that serves
    anyone) without a condition that confines callers to fixed accounts, ARNs, organizations, VPCs, VPC endpoints, access
    points, EFS mount targets, principals or address ranges no broader than a /8 of IPv4 and a /32 of IPv6 altogether, as
    listed for policy_outsiders. Stricter than S3: Deny statements and
    s3:x-amz-server-side-encryption-aws-kms-key-id do not count. Milder in one point: a wildcard after a fixed account
    (arn:aws:sns:*:111122223333:*) still confines.

    DataError: as for policy_outsiders.
    Source: S3 user guide, Blocking public access, The meaning of "public"; EFS user guide, the section of that name.
    """
    return any(EVERYONE in _admitted(statement, None) for statement in read_resource_policy(policy) if statement.allow)


def _outsiders(statements: Iterable[Statement], account: str) -> list[str]:
    if not is_account(account):
        raise DataError(f"not an account id: {account!r}")
    admitted = (caller for statement in statements if statement.allow for caller in _admitted(statement, account))
    return sorted({caller.text for caller in admitted if _is_outsider(caller, account)})


def _only_adds_to_session(statement: Statement) -> bool:
    return not statement.except_actions and _SESSION_ACTIONS.issuperset(statement.actions)


def _is_outsider(caller: Caller, account: str | None) -> bool:
    return not caller.aws_service and (caller.account is None or caller.account != account)


def _admitted(statement: Statement, account: str | None) -> frozenset[Caller]:
    """Everyone whom a statement lets in, and more: conditions are only counted against everyone."""
    named = _named(statement)
    if EVERYONE not in named:
        return named
    confined = [callers for test in statement.tests if (callers := confinement(test)) is not None]

    def outsiders(callers: AbstractSet[Caller]) -> tuple[int, list[str]]:
        texts = sorted(caller.text for caller in callers if _is_outsider(caller, account))
        return len(texts), texts

    return named - {EVERYONE} | min(confined, key=outsiders, default=frozenset({EVERYONE}))


def _named(statement: Statement) -> frozenset[Caller]:
    assert statement.principals is not None
    if statement.except_principals:
        return frozenset({EVERYONE})
    return frozenset(caller for kind, name in statement.principals for caller in _principal(kind, name, statement.tests))


def _principal(kind: str, name: str, tests: tuple[Test, ...]) -> frozenset[Caller]:
    if kind == "Federated":
        return federated_callers(name, tests)
    if kind == "AWS":
        return frozenset({_aws_principal(name)})
    if has_wildcard(name):
        return frozenset({EVERYONE})
    return frozenset({service_caller(name) if kind == "Service" else Caller(f"canonical:{name}")})


def _aws_principal(name: str) -> Caller:
    parts = name.split(":", _ARN_PARTS - 1)
    if len(parts) == _ARN_PARTS and parts[0] == "arn" and parts[2] in {"iam", "sts"} and is_account(parts[4]):
        return Caller(name, parts[4])
    if has_wildcard(name):
        return EVERYONE
    if is_account(name):
        return Caller(name, name)
    if (len(parts) == _ARN_PARTS and parts[0] == "arn") or _UNIQUE_ID.fullmatch(name):
        return Caller(name)
    raise DataError(f"not an AWS principal: {name!r}")
