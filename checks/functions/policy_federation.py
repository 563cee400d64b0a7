"""Who comes in through an identity provider that a policy trusts.

A provider that serves one company is named by its ARN. One that serves the world (GitHub, Google, ...) lets anybody in
unless a condition fixes whom: then those are named, as `issuer:claim=value`.

Sources: IAM user guide, Web identity federation keys and Configuring a role for GitHub OIDC identity provider; the OIDC
pages of GitHub, GitLab, HCP Terraform, Buildkite and Vercel for what a subject looks like; Amazon Cognito developer guide,
Role trust and permissions.
"""

from __future__ import annotations

import re

from checks.functions.policy_callers import EVERYONE, STRING_OPERATORS, Caller, can_confine, has_wildcard
from checks.functions.policy_document import Test

_PROVIDER = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:(oidc|saml)-provider/(.+)", re.ASCII)

# Providers that anyone can get a token from, and the beginnings of claims that only one customer's tokens have. A subject
# is only worth what it begins with: GitHub lets every repository choose the rest, so `environment:production` is anyone.
_ONE = r"[^/:*?$]+"
_SHARED: dict[str, dict[str, str]] = {
    "token.actions.githubusercontent.com": {
        "sub": rf"(repo|repository):{_ONE}/.*|(repository_owner|repository_owner_id|repository_id|enterprise_id):{_ONE}(:.*)?",
        "repository": rf"{_ONE}/.*",
        "repository_id": r"[0-9]+",
        "repository_owner": _ONE,
        "repository_owner_id": r"[0-9]+",
        "enterprise_id": r"[0-9]+",
    },
    "gitlab.com": {"sub": rf"project_path:{_ONE}/.*"},
    "app.terraform.io": {"sub": rf"organization:{_ONE}:.*"},
    "agent.buildkite.com": {"sub": rf"organization:{_ONE}:.*"},
    "oidc.vercel.com": {"sub": rf"owner:{_ONE}:.*"},
    "accounts.google.com": {"sub": r"[0-9]+"},
    "graph.facebook.com": {"id": r"[0-9]+"},
    "www.amazon.com": {"user_id": r"amzn1\.account\.[A-Z0-9]+"},
}
_COGNITO = "cognito-identity.amazonaws.com"
_POOL = re.compile(r"[a-z0-9-]+:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


def federated_callers(provider: str, tests: tuple[Test, ...]) -> frozenset[Caller]:
    """Whom a `Federated` principal stands for under these conditions. Never of the account: people outside sign in."""
    found = _PROVIDER.fullmatch(provider)
    if has_wildcard(provider):
        return frozenset({EVERYONE})
    if found and found[1] == "saml":
        return frozenset({Caller(provider)})
    issuer = (found[2] if found else provider).lower()
    if issuer == _COGNITO:
        return _identity_pool(tests)
    shared = next((claims for host, claims in _SHARED.items() if issuer == host or issuer.startswith(f"{host}/")), None)
    if shared is None:
        return frozenset({Caller(provider) if found else EVERYONE})
    for claim, pattern in shared.items():
        for values in _required(tests, f"{issuer}:{claim}"):
            if all(re.fullmatch(pattern, value, re.ASCII | re.DOTALL) and "${" not in value for value in values):
                return frozenset(Caller(f"{issuer}:{claim}={value}") for value in values)
    return frozenset({EVERYONE})


def _identity_pool(tests: tuple[Test, ...]) -> frozenset[Caller]:
    """Cognito: one fixed pool, and only those who signed in: a pool may also serve guests, who are anyone."""
    pools = next((values for values in _required(tests, f"{_COGNITO}:aud") if all(map(_POOL.fullmatch, values))), None)
    signed_in = any(set(values) == {"authenticated"} for values in _required(tests, f"{_COGNITO}:amr"))
    if pools is None or not signed_in:
        return frozenset({EVERYONE})
    return frozenset(Caller(f"{_COGNITO}:aud={pool}") for pool in pools)


def _required(tests: tuple[Test, ...], key: str) -> list[tuple[str, ...]]:
    """The value lists of which a token must have one."""
    return [test.values for test in tests if test.key == key and test.operator in STRING_OPERATORS and can_confine(test)]
