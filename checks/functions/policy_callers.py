"""Who a condition leaves over: the callers for whom it can be true, where it confines callers at all.

Only positive operators confine, and only with values that are fixed: neither a policy variable nor a wildcard in the part
that names the owner. `...IfExists`, `ForAllValues:` and Null are true for a key that is absent, and negated operators for
everyone not named, so none of them confines.

Sources: IAM user guide, Condition operators and Global condition context keys; S3 user guide, The meaning of "public";
EFS user guide, The meaning of "public"; KMS developer guide, Condition keys.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from checks.functions.addresses import PRIVATE, AddressSet, read_network, sorted_cidrs
from checks.functions.policy_document import Test
from checks.functions.ranges import size

STRING_OPERATORS = frozenset({"stringequals", "stringequalsignorecase", "stringlike"})
ARN_OPERATORS = frozenset({"arnequals", "arnlike"})

# S3 regards ranges broader than these as public, private ones (RFC 1918) aside. Here the union of all values counts.
MOST_IPV4 = 2 ** (32 - 8)
MOST_IPV6 = 2 ** (128 - 32)

_ACCOUNT = re.compile(r"[0-9]{12}", re.ASCII)
_ORGANIZATION = re.compile(r"o-[a-z0-9]{10,32}", re.ASCII)
_VPC = re.compile(r"vpc-[0-9a-z]+", re.ASCII)
_ENDPOINT = re.compile(r"vpce-[0-9a-z]+", re.ASCII)
# Unique ids of IAM users and roles; a role's is followed by the name of the session.
_USER_ID = re.compile(r"A(ID|RO)A[A-Z0-9]{12,}(:[\w+=,.@-]+)?", re.ASCII)
_SERVICE = re.compile(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?", re.ASCII)
_ARN_PARTS = 6


@dataclass(frozen=True, slots=True)
class Caller:
    """Who may call, as text, and the account they belong to where that is certain."""

    text: str
    account: str | None = None
    aws_service: bool = False


EVERYONE = Caller("*")


def is_account(text: str) -> bool:
    return bool(_ACCOUNT.fullmatch(text))


def has_wildcard(text: str) -> bool:
    """Also true for a policy variable, which stands for any value."""
    return "*" in text or "?" in text or "${" in text


def service_caller(name: str) -> Caller:
    """A service principal. Where the name is not in AWS's own domain, it is somebody else."""
    return Caller(f"service:{name}", aws_service=bool(_SERVICE.fullmatch(name)))


def can_confine(test: Test) -> bool:
    """Whether the test is false for a request that lacks the key."""
    return bool(test.values) and not test.if_exists and test.quantifier != "forallvalues"


def confinement(test: Test) -> frozenset[Caller] | None:
    """Everyone for whom the test can be true; None where that may be anyone. Raises DataError for a malformed CIDR."""
    if not can_confine(test):
        return None
    if test.key == "aws:sourceip":
        return _source_ip(test)
    read = _KEYS.get(test.key)
    callers = [read(test.operator, value) for value in test.values] if read else [None]
    fixed = frozenset(caller for caller in callers if caller is not None)
    return fixed if len(callers) == len(test.values) and None not in callers else None


def _source_ip(test: Test) -> frozenset[Caller] | None:
    if test.operator != "ipaddress" or any("${" in value for value in test.values):
        return None
    networks = [read_network(value) for value in test.values]
    public = AddressSet.of(networks) - PRIVATE
    if size(public.v4) > MOST_IPV4 or size(public.v6) > MOST_IPV6:
        return None
    return frozenset(map(Caller, sorted_cidrs(networks)))


_Reader = Callable[[str, str], Caller | None]


def _account(operator: str, value: str) -> Caller | None:
    return Caller(value, value) if operator in STRING_OPERATORS and is_account(value) else None


def _arn(operator: str, value: str) -> Caller | None:
    """An ARN with a fixed account (111122223333), or without account but with nothing left open (an S3 bucket)."""
    parts = value.split(":", _ARN_PARTS - 1)
    if operator not in STRING_OPERATORS | ARN_OPERATORS or len(parts) != _ARN_PARTS or parts[0] != "arn":
        return None
    # String operators let a wildcard run across colons: arn:aws:sns:*:111122223333:x would also match a name in another
    # account that ends in :111122223333:x.
    loose = any(map(has_wildcard, parts[:4])) and operator in STRING_OPERATORS
    if "${" in value or loose:
        return None
    if is_account(parts[4]):
        return Caller(value, parts[4])
    return None if has_wildcard(value) else Caller(value)


def _arn_of_network(operator: str, value: str) -> Caller | None:
    """A VPC of the account, which callers of any account may use."""
    return Caller(value) if (caller := _arn(operator, value)) and caller.account else None


def _organization_path(operator: str, value: str) -> Caller | None:
    """o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/*: whatever follows, it lies in that organization."""
    organization = value.partition("/")[0]
    return Caller(organization) if operator in STRING_OPERATORS and _ORGANIZATION.fullmatch(organization) else None


def _matching(pattern: re.Pattern[str], prefix: str = "") -> _Reader:
    def read(operator: str, value: str) -> Caller | None:
        return Caller(prefix + value) if operator in STRING_OPERATORS and pattern.fullmatch(value) else None

    return read


def _user_id(operator: str, value: str) -> Caller | None:
    """A user's or role's unique id; the root user's is the account id."""
    return _account(operator, value) or _matching(_USER_ID, "userid:")(operator, value)


def _service_name(operator: str, value: str) -> Caller | None:
    return service_caller(value) if operator in STRING_OPERATORS and _SERVICE.fullmatch(value) else None


def _mount_target(operator: str, value: str) -> Caller | None:
    return Caller("elasticfilesystem:AccessedViaMountTarget") if (operator, value) == ("bool", "true") else None


def _prefixed(prefix: str, read: _Reader) -> _Reader:
    """Somebody whose own policy, which is not seen here, decides who comes through: never of the account."""

    def prefixed(operator: str, value: str) -> Caller | None:
        caller = read(operator, value)
        return caller and Caller(prefix + caller.text)

    return prefixed


_KEYS: dict[str, _Reader] = {
    "aws:principalaccount": _account,
    "aws:sourceaccount": _account,
    "aws:sourceowner": _account,
    "kms:calleraccount": _account,
    "aws:principalarn": _arn,
    "aws:sourcearn": _arn,
    "aws:principalorgid": _matching(_ORGANIZATION),
    "aws:sourceorgid": _matching(_ORGANIZATION),
    "aws:principalorgpaths": _organization_path,
    "aws:sourceorgpaths": _organization_path,
    "aws:sourcevpc": _matching(_VPC),
    "aws:sourcevpce": _matching(_ENDPOINT),
    "aws:sourcevpcarn": _arn_of_network,
    "aws:vpceaccount": _prefixed("vpc-endpoints:", _account),
    "aws:vpceorgid": _prefixed("vpc-endpoints:", _matching(_ORGANIZATION)),
    "aws:vpceorgpaths": _prefixed("vpc-endpoints:", _organization_path),
    "aws:userid": _user_id,
    "aws:principalservicename": _service_name,
    "s3:dataaccesspointaccount": _prefixed("access-points:", _account),
    "s3:dataaccesspointarn": _prefixed("access-points:", _arn),
    "elasticfilesystem:accessedviamounttarget": _mount_target,
}
