"""Laws: a request that a small simulator of IAM lets through is never missing from what the helpers answer.

The simulator follows IAM's documented evaluation (condition operators, set operators, explicit deny) and shares no code
with the helpers.
"""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from checks.functions.policy_access import policy_outsiders, policy_public, trust_outsiders
from checks.functions.policy_coverage import policy_allows_everything, policy_denies_plain_http

HOME, OTHER, STRANGER = "111122223333", "222222222222", "999999999999"
Request = dict[str, str]

# --- the simulator


def glob(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    expression = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern)
    return re.fullmatch(expression, text, re.DOTALL | (re.IGNORECASE if ignore_case else 0)) is not None


def arn_like(pattern: str, text: str) -> bool:
    parts, given_parts = pattern.split(":", 5), text.split(":", 5)
    return len(parts) == len(given_parts) == 6 and all(map(glob, parts, given_parts))


def in_network(pattern: str, text: str) -> bool:
    return ip_address(text) in ip_network(pattern, strict=False)


MATCHES = {
    "StringEquals": lambda pattern, text: pattern == text,
    "StringEqualsIgnoreCase": lambda pattern, text: pattern.lower() == text.lower(),
    "StringLike": glob,
    "ArnLike": arn_like,
    "ArnEquals": arn_like,
    "Bool": lambda pattern, text: pattern == text,
    "IpAddress": in_network,
}
NEGATED = {"StringNotEquals": "StringEquals", "StringNotLike": "StringLike", "ArnNotLike": "ArnLike", "NotIpAddress": "IpAddress"}


def holds(operator: str, key: str, values: list[str], request: Request) -> bool:
    operator, if_exists = operator.removesuffix("IfExists"), operator.endswith("IfExists")
    quantifier, _, operator = operator.rpartition(":")
    actual = request.get(key.lower())
    if operator == "Null":
        return ((actual is None) and "true" in values) or ((actual is not None) and "false" in values)
    if actual is None:
        return if_exists or operator in NEGATED or quantifier == "ForAllValues"
    if operator in NEGATED:
        return not any(MATCHES[NEGATED[operator]](value, actual) for value in values)
    return any(MATCHES[operator](value, actual) for value in values)


def applies(statement: dict[str, Any], request: Request) -> bool:
    principal = statement["Principal"]
    names = [principal] if principal == "*" else principal["AWS"]
    account = request["aws:principalaccount"]
    by_principal = any(name == "*" or account in (name, name.split(":")[4] if name.startswith("arn:") else "") for name in names)
    by_action = any(glob(action, request["action"], ignore_case=True) for action in statement["Action"])
    by_resource = any(glob(resource, request["resource"]) for resource in statement["Resource"])
    conditions = statement.get("Condition", {})
    by_condition = all(holds(op, key, values, request) for op, keys in conditions.items() for key, values in keys.items())
    return by_principal and by_action and by_resource and by_condition


# --- policies and requests from small pools, so that they meet

VALUES = {
    "aws:PrincipalAccount": [HOME, OTHER, "*", "1111*"],
    "aws:SourceAccount": [HOME, OTHER, "*"],
    "aws:PrincipalArn": [f"arn:aws:iam::{HOME}:role/*", f"arn:aws:iam::{STRANGER}:user/x", "arn:aws:iam::*:role/x", "*"],
    "aws:SourceArn": [
        f"arn:aws:cloudwatch:*:{HOME}:alarm:*",
        f"arn:aws:cloudwatch:eu-central-1:{HOME}:*",
        "arn:aws:s3:::logs",
        "arn:aws:s3:::*",
        f"*:{HOME}:*",
    ],
    "aws:PrincipalOrgID": ["o-a1b2c3d4e5", "o-*"],
    "aws:SourceVpce": ["vpce-1a2b3c4d", "vpce-*"],
    "aws:SourceIp": ["203.0.113.0/24", "0.0.0.0/1", "128.0.0.0/1", "0.0.0.0/0"],
    "aws:SecureTransport": ["true", "false"],
}
STRING = ["StringEquals", "StringLike", "StringEqualsIgnoreCase", "StringNotEquals", "StringNotLike", "ArnLike", "ArnEquals", "ArnNotLike"]
SUFFIXED = st.tuples(st.sampled_from(["", "ForAnyValue:", "ForAllValues:"]), st.sampled_from(STRING), st.sampled_from(["", "IfExists"]))


def operators(key: str) -> st.SearchStrategy[str]:
    if key == "aws:SourceIp":
        return st.sampled_from(["IpAddress", "NotIpAddress", "IpAddressIfExists", "Null"])
    if key == "aws:SecureTransport":
        return st.sampled_from(["Bool", "BoolIfExists", "StringEquals", "StringNotEquals", "Null"])
    return SUFFIXED.map("".join) | st.just("Null")


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, dict[str, list[str]]]:
    condition: dict[str, dict[str, list[str]]] = {}
    for key in draw(st.lists(st.sampled_from(list(VALUES)), max_size=2)):
        operator = draw(operators(key))
        pool = ["true", "false"] if operator == "Null" else VALUES[key]
        condition.setdefault(operator, {})[key] = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=2))
    return condition


PRINCIPALS = st.just("*") | st.lists(
    st.sampled_from(["*", HOME, OTHER, f"arn:aws:iam::{HOME}:root", f"arn:aws:iam::{OTHER}:root"]), min_size=1, max_size=2
).map(lambda names: {"AWS": names})
ACTIONS = st.lists(st.sampled_from(["*", "s3:*", "S3:Get*", "s3:PutObject"]), min_size=1, max_size=2)
RESOURCES = st.lists(
    st.sampled_from(["*", "arn:aws:s3:::b", "arn:aws:s3:::b/*", "arn:aws:s3:::b*", "arn:aws:s3:::b/public/*"]), min_size=1, max_size=2
)


def statements(effect: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"Effect": effect, "Principal": PRINCIPALS, "Action": ACTIONS, "Resource": RESOURCES, "Condition": conditions()}
    )


ALLOWS = st.lists(statements(st.just("Allow")), min_size=1, max_size=2)
INSECURE_DENIES = st.lists(
    statements(st.just("Deny")).map(lambda one: {**one, "Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": ["false"]}}})
    | statements(st.sampled_from(["Allow", "Deny"])),
    min_size=1,
    max_size=3,
)

CONTEXT = {
    "aws:sourceaccount": [OTHER, STRANGER],
    "aws:sourcearn": ["arn:aws:s3:::attacker", "arn:aws:s3:::logs", f"arn:aws:cloudwatch:eu-central-1:{STRANGER}:alarm:x:{HOME}:alarm:y"],
    "aws:principalorgid": ["o-a1b2c3d4e5", "o-evil000000"],
    "aws:sourcevpce": ["vpce-1a2b3c4d", "vpce-99999999"],
    "aws:sourceip": ["203.0.113.9", "8.8.8.8", "198.51.100.1"],
}


# What only somebody in particular has; the rest of the pools anyone can have, or make up.
PARTICULAR = {OTHER, "arn:aws:s3:::logs", "o-a1b2c3d4e5", "vpce-1a2b3c4d", "203.0.113.9"}


@st.composite
def requests(draw: st.DrawFn, *, anybody: bool = False) -> Request:
    """A request by somebody of another account, with whatever an outsider can have in its context."""
    account = STRANGER if anybody else draw(st.sampled_from([OTHER, STRANGER]))
    name = draw(st.sampled_from(["role/x", "role/y"] if anybody else ["role/x", "user/x"]))
    request = {
        "action": draw(st.sampled_from(["s3:GetObject", "s3:PutObject", "s3:ListBucket"])),
        "resource": draw(st.sampled_from(["arn:aws:s3:::b", "arn:aws:s3:::b/x", "arn:aws:s3:::b/public/x"])),
        "aws:principalaccount": account,
        "aws:principalarn": f"arn:aws:iam::{account}:{name}",
        "aws:securetransport": draw(st.sampled_from(["true", "false"])),
    }
    for key in draw(st.lists(st.sampled_from(list(CONTEXT)), unique=True)):
        pool = [value for value in CONTEXT[key] if not anybody or value not in PARTICULAR]
        request[key] = draw(st.sampled_from(pool))
    return request


@given(ALLOWS, requests())
def test_whoever_is_let_in_is_named(policy: list[dict[str, Any]], request: Request) -> None:
    if any(applies(statement, request) for statement in policy):
        assert policy_outsiders({"Statement": policy}, HOME) != []
        assert trust_outsiders({"Statement": policy}, HOME) != []


@given(ALLOWS, requests(anybody=True))
def test_if_just_anybody_is_let_in_the_policy_is_public(policy: list[dict[str, Any]], request: Request) -> None:
    if any(applies(statement, request) for statement in policy):
        assert policy_public({"Statement": policy}) is True


@given(INSECURE_DENIES, requests())
def test_if_plain_http_is_denied_no_such_request_gets_through(policy: list[dict[str, Any]], request: Request) -> None:
    policy = [*policy, {"Effect": "Allow", "Principal": "*", "Action": ["*"], "Resource": ["arn:aws:s3:::b/public/*"]}]
    if policy_denies_plain_http({"Statement": policy}, "s3:*"):
        insecure = {**request, "aws:securetransport": "false"}
        assert any(statement["Effect"] == "Deny" and applies(statement, insecure) for statement in policy)


@given(ALLOWS, ALLOWS)
def test_allowing_more_never_shrinks_the_outsiders(policy: list[dict[str, Any]], more: list[dict[str, Any]]) -> None:
    before, after = policy_outsiders({"Statement": policy}, HOME), policy_outsiders({"Statement": policy + more}, HOME)
    assert set(before) <= set(after)
    assert policy_public({"Statement": policy}) <= policy_public({"Statement": policy + more})


@given(ALLOWS)
def test_public_is_what_has_everyone_among_the_outsiders(policy: list[dict[str, Any]]) -> None:
    assert policy_public({"Statement": policy}) == ("*" in policy_outsiders({"Statement": policy}, HOME))


@given(INSECURE_DENIES)
def test_denying_all_plain_http_is_enough_and_allowing_is_nothing(policy: list[dict[str, Any]]) -> None:
    everything = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "*",
        "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    assert policy_denies_plain_http({"Statement": [*policy, everything]}, "s3:*") is True
    allows = [statement for statement in policy if statement["Effect"] == "Allow"]
    assert policy_denies_plain_http({"Statement": allows}, "s3:*") is False


@given(ALLOWS, conditions())
def test_a_condition_never_makes_a_policy_allow_more(policy: list[dict[str, Any]], condition: dict[str, Any]) -> None:
    bare = [{name: value for name, value in statement.items() if name != "Condition"} for statement in policy]
    conditioned = [{**statement, "Condition": condition} for statement in bare]
    assert policy_public({"Statement": conditioned}) <= policy_public({"Statement": bare})
    assert policy_allows_everything({"Statement": conditioned}) <= policy_allows_everything({"Statement": bare})
