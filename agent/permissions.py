"""The exact read-only permissions that the enabled rules need, from the same catalogue that the calls come from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checks.catalogue import Catalogue, TagCall
from checks.plan import TAGS, Plan, whole


def aws_actions(catalogue: Catalogue, plan: Plan) -> list[str]:
    """Every IAM action of the plan's calls, sorted."""
    return sorted({"sts:GetCallerIdentity", *(action for _, _, action in aws_calls(catalogue, plan))})


def aws_calls(catalogue: Catalogue, plan: Plan) -> Iterator[tuple[str, str, str]]:
    """Every call of the plan: the type that it is made for, its name, its IAM action."""
    for name, members in whole(plan, catalogue).items():
        kind = catalogue[name]
        if kind.list_ != "none":
            yield name, kind.list_.call, kind.iam or _action(kind.service, kind.list_.call)
        for detail in kind.detail if "*" in members else kind.details_for(members):
            yield name, detail.call, detail.iam or _action(detail.service or kind.service, detail.call)
        if TAGS in members and isinstance(kind.tags, TagCall):
            yield name, kind.tags.call, kind.tags.iam or _action(kind.service, kind.tags.call)


def _action(service: str, call: str) -> str:
    """Where the catalogue says nothing else (`iam`), IAM's action is named after botocore's service and the call."""
    return f"{service}:{call}"


def aws_policy(catalogue: Catalogue, plan: Plan) -> dict[str, Any]:
    """An IAM policy document."""
    statement = {"Sid": "UpheldReadsConfiguration", "Effect": "Allow", "Action": aws_actions(catalogue, plan), "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}
