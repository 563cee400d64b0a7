"""A list counts as whole only where the caller may read all of it: roles, and deny assignments, which come before them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agent.collect.azure.eyes import ACCOUNTS, GROUP, ONE, Eyes, data, gaps, reasons, shop
from tests.world.arm_double import PORTAL, ArmDouble, Reply, error, json_reply

HTML = Reply(200, PORTAL, {"Content-Type": "text/html"})
DENIED = (
    "The client '5c1e7a2d' with object id '9a51c2f7' does not have authorization to perform action"
    " 'Microsoft.Storage/storageAccounts/read' over scope '/subscriptions/x'."
)


@pytest.fixture
def eyes(azure: ArmDouble, tmp_path: Path) -> Eyes:
    shop(azure)
    return Eyes(azure, tmp_path)


ROLES = {
    "less than the type": ([{"actions": ["Microsoft.Network/*/read"], "notActions": []}], "denied"),
    "all but the type": ([{"actions": ["*"], "notActions": ["Microsoft.Storage/*"]}], "denied"),
    "all but the type, and no more": ([{"actions": ["*/read"], "notActions": ["microsoft.storage/storageaccounts/READ"]}], "denied"),
    "no role on the whole": ([], "denied"),
}


@pytest.mark.parametrize("what", ROLES)
def test_a_list_that_may_show_only_a_part_is_a_gap(eyes: Eyes, what: str) -> None:
    eyes.double.roles[ONE], reason = ROLES[what]
    estate = eyes.collect((ACCOUNTS, []))
    assert reasons(estate) == {reason}
    assert {gap.action for gap in estate.gaps} == {"Microsoft.Storage/storageAccounts/read"}
    assert sorted(data(estate, ACCOUNTS)) == ["invoices", "orders"]


def test_what_one_role_leaves_out_another_may_give(eyes: Eyes) -> None:
    eyes.double.roles[ONE] = [
        {"actions": ["*"], "notActions": ["Microsoft.Storage/*"]},
        {"actions": ["Microsoft.Storage/storageAccounts/read"], "notActions": []},
    ]
    assert gaps(eyes.collect((ACCOUNTS, []))) == []


@pytest.mark.parametrize("reply", [error(403, "AuthorizationFailed", DENIED), HTML, json_reply({"value": [{"notActions": []}]})])
def test_where_permissions_are_not_told_no_list_is_whole(eyes: Eyes, reply: Reply) -> None:
    eyes.double.fail("/providers/Microsoft.Authorization/permissions", reply)
    assert len(reasons(eyes.collect((ACCOUNTS, [])))) == 1


EVERYONE = {"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}
CALLER = {"id": "9a51c2f7-0000-4000-8000-00000000000d", "type": "ServicePrincipal"}
SOMEBODY = {"id": "9a51c2f7-0000-4000-8000-00000000000e", "type": "User"}
A_GROUP = {"id": "9a51c2f7-0000-4000-8000-00000000000f", "type": "Group"}
STORAGE = {"actions": ["Microsoft.Storage/*"], "notActions": []}


def denies(eyes: Eyes, principals: object, excepted: object = (), permission: object = STORAGE) -> None:
    eyes.double.put(f"/subscriptions/{ONE}/providers/Microsoft.Authorization/denyAssignments/d", "Microsoft.Authorization/denyAssignments", {
        "properties": {
            "denyAssignmentName": "managed", "permissions": [permission], "scope": f"{GROUP}", "principals": principals,
            "excludePrincipals": excepted,
        }
    })  # fmt: skip


@pytest.mark.parametrize("principals", [[EVERYONE], [CALLER], [SOMEBODY, A_GROUP], [], None])
def test_what_a_deny_assignment_may_hide_is_a_gap(eyes: Eyes, principals: object) -> None:
    denies(eyes, principals, [SOMEBODY])
    (gap,) = eyes.collect((ACCOUNTS, [])).gaps
    assert (str(gap.reason), gap.code, gap.action) == ("denied", "DenyAssignment", None)
    assert "the deny assignment managed may hide some of it" in gap.message


@pytest.mark.parametrize(
    ("principals", "excepted", "permission"),
    [
        ([SOMEBODY], [], STORAGE),
        ([EVERYONE], [CALLER], STORAGE),
        ([EVERYONE], [], {"actions": ["*"], "notActions": ["*/read"]}),
        ([EVERYONE], [], {"actions": ["Microsoft.Storage/storageAccounts/delete"], "notActions": []}),
        ([EVERYONE], [], {"actions": ["Microsoft.Sql/*"], "notActions": None}),
    ],
)
def test_a_deny_assignment_that_hides_nothing_from_the_caller_is_no_gap(
    eyes: Eyes, principals: object, excepted: object, permission: object
) -> None:
    denies(eyes, principals, excepted, permission)
    assert gaps(eyes.collect((ACCOUNTS, []))) == []


@pytest.mark.parametrize(
    "reply", [error(403, "AuthorizationFailed", DENIED), HTML, json_reply({"value": [{"properties": {"principals": []}}]}), json_reply({})]
)
def test_where_deny_assignments_are_not_told_no_list_is_whole(eyes: Eyes, reply: Reply) -> None:
    eyes.double.fail("/providers/Microsoft.Authorization/denyAssignments", reply)
    (gap,) = eyes.collect((ACCOUNTS, [])).gaps
    assert gap.message.startswith("whether a deny assignment hides some of it is not known: ")
    assert gap.action == ("Microsoft.Authorization/denyAssignments/read" if reply.status == 403 else None)
