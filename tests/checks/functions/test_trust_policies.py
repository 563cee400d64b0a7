"""trust_outsiders: who may assume a role, identity providers included."""

from __future__ import annotations

from typing import Any

import pytest

from checks.functions import DataError
from checks.functions.policy_access import policy_public, trust_outsiders

HOME = "111122223333"
OTHER = "222222222222"
GITHUB = "token.actions.githubusercontent.com"
POOL = "eu-central-1:12345678-abcd-4def-8123-123456789abc"


def trust(principal: Any, condition: Any = None, action: Any = "sts:AssumeRole") -> dict[str, Any]:
    when = {} if condition is None else {"Condition": condition}
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": action, **when}]}


def federated(issuer: str, condition: Any = None, kind: str = "oidc-provider") -> list[str]:
    policy = trust({"Federated": f"arn:aws:iam::{HOME}:{kind}/{issuer}"}, condition, "sts:AssumeRoleWithWebIdentity")
    return trust_outsiders(policy, HOME)


@pytest.mark.parametrize(
    ("principal", "named"),
    [
        ({"Service": "ec2.amazonaws.com"}, []),
        ({"AWS": f"arn:aws:iam::{HOME}:root"}, []),
        ({"AWS": f"arn:aws:iam::{OTHER}:role/ci"}, [f"arn:aws:iam::{OTHER}:role/ci"]),
        ({"AWS": "*"}, ["*"]),
        ({"Service": "evil.example"}, ["service:evil.example"]),
    ],
)
def test_principals_are_as_in_any_policy(principal: Any, named: list[str]) -> None:
    assert trust_outsiders(trust(principal), HOME) == named


def test_an_external_id_does_not_say_who_calls() -> None:
    assert trust_outsiders(trust({"AWS": "*"}, {"StringEquals": {"sts:ExternalId": "x"}}), HOME) == ["*"]


def test_the_organization_does() -> None:
    assert trust_outsiders(trust({"AWS": "*"}, {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}), HOME) == ["o-a1b2c3d4e5"]


def test_statements_that_only_tag_sessions_let_nobody_in() -> None:
    assert trust_outsiders(trust({"AWS": OTHER}, action=["sts:TagSession", "sts:SetSourceIdentity"]), HOME) == []
    for action in (["sts:TagSession", "sts:AssumeRole"], "sts:*", "*", "sts:AssumeRoleWithSAML"):
        assert trust_outsiders(trust({"AWS": OTHER}, action=action), HOME) == [OTHER]
    not_tagging = {"Effect": "Allow", "Principal": {"AWS": OTHER}, "NotAction": "sts:TagSession"}
    assert trust_outsiders({"Statement": not_tagging}, HOME) == [OTHER]


def test_companies_own_providers_are_named_by_their_arn() -> None:
    assert federated("corp", kind="saml-provider") == [f"arn:aws:iam::{HOME}:saml-provider/corp"]
    for issuer in ("oidc.eks.eu-central-1.amazonaws.com/id/ABC", "acme.okta.com", "github.acme.example/_services/token"):
        assert federated(issuer) == [f"arn:aws:iam::{HOME}:oidc-provider/{issuer}"]


@pytest.mark.parametrize("provider", ["*", f"arn:aws:iam::{HOME}:oidc-provider/*", "arn:aws:iam::*:saml-provider/corp",
                                      f"arn:aws:iam::{HOME}:role/x", "idp.example.com", "accounts.google.com"])  # fmt: skip
def test_providers_that_leave_the_issuer_open_are_anyone(provider: str) -> None:
    assert trust_outsiders(trust({"Federated": provider}), HOME) == ["*"]


@pytest.mark.parametrize(
    "condition",
    [
        None,
        {"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"}},
        {"StringLike": {f"{GITHUB}:sub": "*"}},
        {"StringLike": {f"{GITHUB}:sub": "repo:*"}},
        {"StringLike": {f"{GITHUB}:sub": "repo:acme*/app:*"}},
        {"StringLike": {f"{GITHUB}:sub": "repo:*/app:ref:refs/heads/main"}},
        {"StringLike": {f"{GITHUB}:sub": ["repo:acme/app:*", "repo:*"]}},
        {"StringLike": {f"{GITHUB}:sub": "repo:acm?/app:*"}},
        {"StringEquals": {f"{GITHUB}:sub": "environment:production"}},
        {"StringEquals": {f"{GITHUB}:sub": "job_workflow_ref:acme/workflows/.github/workflows/ci.yml@main"}},
        {"StringEquals": {f"{GITHUB}:sub": "repo:acme/${aws:username}"}},
        {"StringLike": {f"{GITHUB}:sub": []}},
        {"StringLikeIfExists": {f"{GITHUB}:sub": "repo:acme/app:*"}},
        {"ForAllValues:StringLike": {f"{GITHUB}:sub": "repo:acme/app:*"}},
        {"StringNotLike": {f"{GITHUB}:sub": "repo:evil/*"}},
        {"StringLike": {"gitlab.com:sub": "repo:acme/app:*"}},
        {"StringLike": {f"{GITHUB}:repository": "*/app"}},
        {"StringLike": {f"{GITHUB}:actor": "octocat"}},
    ],
)
def test_github_without_a_fixed_owner_is_anyone(condition: Any) -> None:
    assert federated(GITHUB, condition) == ["*"]


@pytest.mark.parametrize(
    ("condition", "named"),
    [
        ({"StringLike": {f"{GITHUB}:sub": "repo:acme/*"}}, ["sub=repo:acme/*"]),
        ({"StringEquals": {f"{GITHUB}:sub": ["repo:acme/b:ref:refs/heads/main", "repo:acme/a:pull_request"]}},
         ["sub=repo:acme/a:pull_request", "sub=repo:acme/b:ref:refs/heads/main"]),
        ({"ForAnyValue:StringLike": {f"{GITHUB.upper()}:SUB": "repository_owner_id:1234:*"}}, ["sub=repository_owner_id:1234:*"]),
        ({"StringLike": {f"{GITHUB}:sub": "*"}, "StringEquals": {f"{GITHUB}:repository_id": "1234"}}, ["repository_id=1234"]),
        ({"StringEquals": {f"{GITHUB}:repository": "acme/app"}}, ["repository=acme/app"]),
    ],
)  # fmt: skip
def test_github_with_a_fixed_owner_is_named_by_the_claim(condition: Any, named: list[str]) -> None:
    assert federated(GITHUB, condition) == [f"{GITHUB}:{claim}" for claim in named]


@pytest.mark.parametrize(
    ("issuer", "claim", "fixed", "loose"),
    [
        ("gitlab.com", "sub", "project_path:acme/app:ref_type:branch:ref:main", "project_path:*"),
        ("app.terraform.io", "sub", "organization:acme:project:*", "organization:acme*:*"),
        ("agent.buildkite.com", "sub", "organization:acme:pipeline:app:*", "organization:*:pipeline:app"),
        ("oidc.vercel.com", "sub", "owner:acme:project:app:*", "*:project:app:*"),
        ("accounts.google.com", "sub", "110248495921238986420", "1*"),
        (f"{GITHUB}/acme", "sub", "repo:acme/app:*", "*"),
    ],
)
def test_other_providers_for_everybody_need_a_fixed_customer_too(issuer: str, claim: str, fixed: str, loose: str) -> None:
    assert federated(issuer) == ["*"]
    assert federated(issuer, {"StringLike": {f"{issuer}:{claim}": loose}}) == ["*"]
    assert federated(issuer, {"StringLike": {f"{issuer}:{claim}": fixed}}) == [f"{issuer}:{claim}={fixed}"]


def cognito(condition: Any) -> list[str]:
    return trust_outsiders(trust({"Federated": "cognito-identity.amazonaws.com"}, condition, "sts:AssumeRoleWithWebIdentity"), HOME)


def test_cognito_needs_one_pool_and_people_who_signed_in() -> None:
    pool = {"cognito-identity.amazonaws.com:aud": POOL}
    signed_in = {"cognito-identity.amazonaws.com:amr": "authenticated"}
    guest = {"cognito-identity.amazonaws.com:amr": "unauthenticated"}
    either = {"cognito-identity.amazonaws.com:amr": ["authenticated", "unauthenticated"]}
    assert cognito({"StringEquals": pool, "ForAnyValue:StringLike": signed_in}) == [f"cognito-identity.amazonaws.com:aud={POOL}"]
    assert cognito({"StringEquals": pool, "ForAnyValue:StringLike": guest}) == ["*"]
    assert cognito({"StringEquals": pool, "ForAnyValue:StringLike": either}) == ["*"]
    assert cognito({"StringEquals": pool}) == ["*"]
    assert cognito({"ForAnyValue:StringLike": signed_in}) == ["*"]
    assert cognito({"StringLike": {"cognito-identity.amazonaws.com:aud": "*"}, "ForAnyValue:StringLike": signed_in}) == ["*"]


def test_an_open_provider_can_still_be_confined_by_network() -> None:
    assert federated(GITHUB, {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}) == ["203.0.113.0/24"]


def test_public_sees_open_providers() -> None:
    policy = trust({"Federated": f"arn:aws:iam::{HOME}:oidc-provider/{GITHUB}"}, action="sts:AssumeRoleWithWebIdentity")
    assert policy_public(policy) is True


def test_an_account_is_twelve_digits() -> None:
    with pytest.raises(DataError, match="account"):
        trust_outsiders(trust({"AWS": "*"}), "home")
