"""What a condition comes to over data that is whole, absent, or nothing that the runtime can take."""

from __future__ import annotations

import gc
import math
import sys
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest
from cel_expr_python import cel
from hypothesis import given
from hypothesis import strategies as st

from checks.expression import HelperBug, Outcome, _run, _runtime, clean, compile_condition, evaluate, members
from checks.functions import FUNCTIONS, DataError
from checks.functions import declare as declared
from checks.model import Data
from checks.references import References
from checks.terms import Reference, Trap
from checks.verdict import Verdict
from tests.checks.small import ACCOUNT, DISK, HERE, KEY, Builder, ask, make_rule, vocabulary

MOMENT = datetime(2026, 11, 20, 12, tzinfo=UTC)
TRUE, FALSE, ABSENT = "resource.Encrypted", "resource.Network.Public", "resource.Backup.Enabled"
DATA = {"Encrypted": True, "Network": {"Public": False}}
U, B, X = Verdict.UPHELD, Verdict.BROKEN, Verdict.UNPROVEN


class NoWorld:
    """A world in which nothing was seen."""

    def lookup(self, type_: str, id_: str) -> Data | None:
        raise DataError(f"{type_} {id_}: nobody looked")

    def every(self, type_: str) -> list[Data]:
        raise DataError(f"{type_}: nobody looked")


def run(text: str, data: Data, world: Any = None) -> Outcome:
    condition = compile_condition(text, vocabulary())
    return evaluate(condition, data, params={}, now=MOMENT, account=ACCOUNT, region=HERE, world=world or NoWorld())


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (TRUE, U), (FALSE, B), (ABSENT, X), (f"!{TRUE}", B), (f"!{FALSE}", U), (f"!{ABSENT}", X),
        (f"{TRUE} && {ABSENT}", X), (f"{ABSENT} && {TRUE}", X), (f"{FALSE} && {ABSENT}", B), (f"{ABSENT} && {FALSE}", B),
        (f"{TRUE} || {ABSENT}", U), (f"{ABSENT} || {TRUE}", U), (f"{FALSE} || {ABSENT}", X), (f"{ABSENT} || {FALSE}", X),
        (f"{ABSENT} && {ABSENT}", X), (f"{ABSENT} || {ABSENT}", X), (f"{ABSENT} == {ABSENT.replace('Enabled', 'Plans')}", X),
        (f"{TRUE} ? {TRUE} : {ABSENT}", U), (f"{TRUE} ? {ABSENT} : {TRUE}", X), (f"{ABSENT} ? {TRUE} : {TRUE}", X),
    ],
)  # fmt: skip
def test_errors_are_the_third_truth_value(text: str, verdict: Verdict) -> None:
    if "==" in text:
        text = "resource.KeyId == resource.Engine"
    assert run(text, DATA).verdict is verdict


@pytest.mark.parametrize(
    ("attachments", "any_public", "all_public"),
    [
        ([{"Public": True}, {}], U, X), ([{}, {"Public": True}], U, X), ([{"Public": False}, {}], X, B), ([{}, {"Public": False}], X, B),
        ([{}], X, X), ([{"Public": True}], U, U), ([{"Public": False}], B, B), ([{"Public": "true"}], X, X),
    ],
)  # fmt: skip
def test_a_loop_says_what_its_elements_say_in_any_order(attachments: list[Any], any_public: Verdict, all_public: Verdict) -> None:
    data = {"Attachments": attachments}
    assert run("resource.Attachments.exists(a, a.Public)", data).verdict is any_public
    assert run("size(resource.Attachments) > 0 && resource.Attachments.all(a, a.Public)", data).verdict is all_public


@pytest.mark.parametrize(
    ("text", "data", "says"),
    [
        ("resource.Encrypted", {}, "Encrypted is absent"),
        ("resource.Network.Public", {"Network": {}}, "Public is absent"),
        ("resource.Size > 5", {"Size": "6"}, "another type than expected"),
        ("resource.Engine.startsWith('a')", {"Engine": 5}, "another type than expected"),
        ("resource.Encrypted", {"Encrypted": "true"}, "not a truth value: 'true'"),
        ("resource.Zones[3] == 'a'", {"Zones": []}, "index=3 size=0"),
        ("timestamp(resource.Created) < now", {"Created": "yesterday"}, "conversion failed"),
        ("int(resource.Engine) > 5", {"Engine": "six"}, "cannot convert string to int"),
        ("resource.Size / 0 == 1", {"Size": 1}, "divide by zero"),
        ("resource.Size + 1 > 1", {"Size": 2**63 - 1}, "overflow"),
        ("policy_public(resource.Policy)", {"Policy": "{"}, "not JSON"),
        ("lookup('aws.test.key', resource.KeyId).Manager == 'x'", {"KeyId": "k"}, "aws.test.key k: nobody looked"),
    ],
)
def test_an_unproven_outcome_says_what_was_in_the_way(text: str, data: Data, says: str) -> None:
    outcome = run(text, data)
    assert outcome.verdict is X
    assert says in outcome.error


def test_now_is_handed_in_and_place_and_parameters_too() -> None:
    assert run("timestamp(resource.Created) == now", {"Created": "2026-11-20T12:00:00Z"}).verdict is U
    assert run("resource.Engine == account && resource.KeyId == region", {"Engine": ACCOUNT, "KeyId": HERE}).verdict is U
    declared_params = {"most": "int", "zones": "list"}
    condition = compile_condition("resource.Size <= params.most && 'a' in params.zones", vocabulary(params=declared_params))
    outcome = evaluate(
        condition, {"Size": 3}, params={"most": 3, "zones": ["a"]}, now=MOMENT, account=ACCOUNT, region=HERE, world=NoWorld()
    )
    assert outcome == Outcome(U)


def test_what_a_condition_refers_to() -> None:
    text = "resource.Attachments.exists(a, a.Public || lookup('aws.test.key', a.Device).Manager == 'x') && resource.Network.VpcId == region"
    condition = compile_condition(text, vocabulary())
    assert condition.references == {
        Reference(None, ("Attachments", "[]", "Public")),
        Reference(None, ("Attachments", "[]", "Device")),
        Reference(KEY, ("Manager",)),
        Reference(None, ("Network", "VpcId")),
    }
    assert members(condition.references) == {"Attachments", "Network"}
    assert members(condition.references, KEY) == {"Manager"}


@pytest.mark.parametrize(
    ("text", "top_level"),
    [
        ("size(resource.Zones) > 0", {"Zones"}),
        ("resource.Zones.exists(z, resource.Encrypted)", {"Zones", "Encrypted"}),
        ("resource.Zones.map(z, 'x').exists(s, s == 'x' && resource.Encrypted)", {"Zones", "Encrypted"}),
        ("resource.Zones.filter(z, resource.Encrypted).exists(z, z == 'a')", {"Zones", "Encrypted"}),
        ("[resource.Engine].exists(e, e == 'x')", {"Engine"}),
        ("(resource.Encrypted ? resource.Engine : resource.KeyId) == 'x'", {"Encrypted", "Engine", "KeyId"}),
        ("policy_public(resource.Policy)", {"Policy"}),
        ("cidrs_within(ingress_cidrs(resource.Permissions, 'tcp', '22'), resource.Zones)", {"Permissions", "Zones"}),
        ("lookup('aws.test.key', lookup('aws.test.key', resource.KeyId).Name) == null", {"KeyId"}),
        ("policy_public(resource)", {"*"}),
    ],
)
def test_whatever_a_condition_reads_is_a_reference(text: str, top_level: set[str]) -> None:
    assert members(compile_condition(text, vocabulary()).references) == top_level


# -- data that the runtime cannot take --------------------------------------------------------------------------------

UNTAKEABLE = [
    "\ud800",
    "a\udfffb",
    2**70,
    -(2**63) - 1,
    math.nan,
    math.inf,
    -math.inf,
    [1, None],
    [None],
    ["a", "\ud800"],
    [[None]],
    [{"x": 1}, None],
    {"\ud800": 1},
    {"x": {"\udc00": 1}},
]


@pytest.mark.parametrize("value", UNTAKEABLE, ids=ascii)
def test_a_value_that_the_runtime_cannot_take_makes_its_member_a_gap(value: object) -> None:
    data, lost = clean({"Document": value, "Encrypted": True})
    assert {path[0] for path in lost} == {"Document"}
    assert data["Encrypted"] is True
    estate = Builder()
    estate.add(DISK, {"Document": value, "Encrypted": True}, id="odd")
    answer = ask(estate.build(), [make_rule("resource.Encrypted", id="other-member")])
    assert answer.verdict("odd") == "upheld"
    answer = ask(estate.build(), [make_rule("policy_public(resource.Document) || resource.Encrypted", id="this-member")])
    assert answer.verdict("odd") == "unproven"
    assert {str(gap.reason) for gap in answer.findings[0].evidence.gaps} == {"malformed"}


def test_the_edges_of_what_it_can_take_are_kept() -> None:
    held = {"Size": 2**63 - 1, "Least": -(2**63), "Speed": 1e308, "Engine": "\U0001f600\u00e9", "Zones": [], "Network": {}}
    assert clean(held) == (held, [])


@pytest.mark.parametrize("text", ["AES256\0", "AES256\0 not", "\u00e9\0"])
def test_a_text_that_the_runtime_would_end_at_its_nul_is_left_out(text: str) -> None:
    assert clean({"Algorithm": text, "Zones": [text], "Size": 1}) == ({"Size": 1}, [("Algorithm",), ("Zones",)])


def test_a_name_that_it_cannot_take_makes_the_whole_resource_a_gap() -> None:
    estate = Builder()
    estate.add(DISK, {"\ud800": 1, "Encrypted": True}, id="odd")
    assert ask(estate.build(), [make_rule("resource.Encrypted")]).verdict("odd") == "unproven"


@pytest.mark.parametrize("depth", [150, 5000])
def test_what_is_nested_deep_ends_no_run(depth: int) -> None:
    nested: Any = "x"
    for _ in range(depth):
        nested = {"a": [nested]}
    estate = Builder()
    estate.add(DISK, {"Document": nested, "Encrypted": True}, id="deep")
    answer = ask(estate.build(), [make_rule("resource.Encrypted", id="b"), make_rule("resource.Document.a == 'x'", id="a")])
    assert [str(finding.verdict) for finding in answer.findings] == ["unproven", "upheld"] if depth > 200 else ["broken", "upheld"]


def test_null_is_an_absent_member_unless_the_catalogue_says_what_its_absence_means() -> None:
    nullable = frozenset({("PublicIp",), ("Attachments", "[]", "Role")})
    data = {"PublicIp": None, "Engine": None, "Attachments": [{"Role": None, "Device": None}], "Network": {"PublicIp": None}}
    assert clean(data, nullable) == ({"PublicIp": None, "Attachments": [{"Role": None}], "Network": {}}, [])


@pytest.mark.parametrize(
    ("data", "verdict"),
    [({"PublicIp": None}, U), ({"PublicIp": "198.51.100.1"}, B), ({}, X), ({"PublicIp": ""}, B)],
)
def test_none_is_told_from_not_seen(data: Data, verdict: Verdict) -> None:
    estate = Builder()
    estate.add(DISK, data, id="disk")
    assert ask(estate.build(), [make_rule("resource.PublicIp == null")]).verdict("disk") == verdict


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["x", "y", "\udfff"]), inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_whatever_the_data_it_is_judged_and_never_upheld_without_being_read(value: object) -> None:
    estate = Builder()
    estate.add(DISK, {"Document": value}, id="odd")
    rule = make_rule("resource.Document.x.y == 'never this' && policy_public(resource.Document)")
    assert ask(estate.build(), [rule]).verdict("odd") in {"unproven", "broken"}


# -- helpers ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    """`policy_public` as it is, until it is called: then it raises what the policy says."""
    from checks import expression

    original = FUNCTIONS["policy_public"]

    def policy_public(policy: str) -> bool:
        match policy:
            case "data":
                raise DataError("unreadable")
            case "bug":
                raise KeyError("Statement")
        return policy == "yes"

    monkeypatch.setitem(FUNCTIONS, "policy_public", declared.Function("policy_public", original.takes, original.returns, policy_public))
    runtime = expression._Runtime()
    monkeypatch.setattr(expression, "_runtime", lambda: runtime)


@pytest.mark.usefixtures("failing")
def test_data_that_a_helper_cannot_read_is_unproven_and_a_bug_is_a_bug() -> None:
    assert run("policy_public(resource.Policy)", {"Policy": "yes"}).verdict is U
    assert run("policy_public(resource.Policy)", {"Policy": "no"}).verdict is B
    assert run("policy_public(resource.Policy)", {"Policy": "data"}) == Outcome(X, "unreadable")
    with pytest.raises(HelperBug, match="KeyError"):
        run("policy_public(resource.Policy)", {"Policy": "bug"})


@pytest.mark.usefixtures("failing")
def test_a_bug_does_not_hide_behind_what_is_true_anyway() -> None:
    with pytest.raises(HelperBug):
        run("policy_public(resource.Policy) || resource.Encrypted", {"Policy": "bug", "Encrypted": True})
    assert run("policy_public(resource.Policy) || resource.Encrypted", {"Policy": "data", "Encrypted": True}).verdict is U


@pytest.mark.usefixtures("failing")
def test_a_bug_ends_the_run_it_was_met_in_and_no_other() -> None:
    estate = Builder()
    estate.add(DISK, {"Policy": "bug"}, id="a")
    estate.add(DISK, {"Policy": "yes"}, id="b")
    rule = make_rule("policy_public(resource.Policy)")
    with pytest.raises(HelperBug):
        ask(estate.build(), [rule])
    estate.resources.pop(0)
    assert ask(estate.build(), [rule]).verdict("b") == "upheld"


def test_a_bug_of_the_world_is_a_bug_too() -> None:
    class Buggy(NoWorld):
        def lookup(self, type_: str, id_: str) -> Data | None:
            raise ZeroDivisionError(type_)

    with pytest.raises(HelperBug, match="ZeroDivisionError"):
        run("lookup('aws.test.key', 'k') == null", {}, Buggy())


def test_an_evaluation_sees_its_own_world_and_leaves_nothing_behind() -> None:
    class Fixed(NoWorld):
        def __init__(self, manager: str) -> None:
            self.manager = manager

        def lookup(self, type_: str, id_: str) -> Data | None:
            return {"Manager": self.manager}

    text = "lookup('aws.test.key', 'k').Manager == 'CUSTOMER'"
    worlds = [Fixed("CUSTOMER"), NoWorld(), Fixed("AWS"), Fixed("CUSTOMER")]
    assert [run(text, {}, world).verdict for world in worlds] == [U, X, B, U]


def test_the_data_that_is_judged_is_not_changed() -> None:
    data = {"Encrypted": True, "Engine": None, "Attachments": [{"Role": None, "Device": None}], "Size": 2**70}
    before = repr(data)
    estate = Builder()
    estate.add(DISK, data, id="disk")
    assert ask(estate.build(), [make_rule("resource.Encrypted")]).verdict("disk") == "upheld"
    assert repr(data) == before


def test_a_syntax_error_has_its_place() -> None:
    with pytest.raises(Trap) as refused:
        compile_condition("resource.Encrypted && && true", vocabulary())
    assert refused.value.offset == 22


def test_a_list_that_is_too_long_to_be_looked_through_is_unproven() -> None:
    found = run("size(resource.Attachments) > 0 && resource.Attachments.all(a, a.Public)", {"Attachments": [{"Public": True}] * 20_000})
    assert (found.verdict, found.error) == (X, "there is a list in it that is longer than can be looked through")
    assert run("resource.Encrypted", {"Encrypted": True}).verdict is U, "and the next one is looked at as ever"


GROUP = {"Id": "vol-1", "Tags": [{"Key": "tier", "Value": "data"}], "Addresses": ["198.51.100.0/24", "2001:db8::/32"]}


class OneKey(NoWorld):
    """A world with one key, which everybody looks up."""

    def __init__(self) -> None:
        self.key: Data = {"KeyId": "k", "Policy": "{}"}

    def lookup(self, type_: str, id_: str) -> Data | None:
        return self.key

    def every(self, type_: str) -> list[Data]:
        return [self.key] * 20


@pytest.mark.parametrize(
    "expression",
    [
        "cidrs_within(resource.Addresses, ['0.0.0.0/0', '::/0'])", "size(ingress_cidrs(resource.Entries, 'tcp', '22')) == 0",
        "lookup('aws.kms.key', resource.Id).KeyId == 'k'", "every('aws.kms.key').all(key, key.KeyId == 'k')",
        "days_between(now, now) == 0.0", "azure_region(resource.Id) == 'vol1'", "cidrs_within(['no address'], resource.Addresses)",
    ],
)  # fmt: skip
def test_an_evaluation_leaves_nothing_in_memory(expression: str) -> None:
    program, runtime = _runtime().environment.compile(expression), _runtime()
    world = runtime.world = OneKey()
    data = {"resource": {**GROUP, "Entries": []}, "now": MOMENT, "params": {}, "account": ACCOUNT, "region": HERE}

    def some(count: int) -> None:
        for _ in range(count):
            kind, _ = _run(program, data)
            assert kind in {"BOOL", "ERROR"}
            runtime.references.give_up()

    some(50)
    gc.collect()
    objects, keys = len(gc.get_objects()), sys.getrefcount(world.key)
    tracemalloc.start()
    some(3000)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    gc.collect()
    more = sys.getrefcount(world.key) - keys
    runtime.world = None
    assert len(gc.get_objects()) - objects < 50
    assert more == 0
    assert held < 45_000, "the runtime itself takes 20,000 bytes, however often it is asked"


def test_what_a_helper_gives_is_not_taken_from_whoever_has_it_too() -> None:
    shared = [["a", "b"]]
    references = References()
    environment = cel.NewEnv(
        functions=[
            cel.FunctionDecl("f", [cel.Overload("f_x", cel.Type.LIST, [cel.Type.STRING], impl=references.function(lambda _: shared[0]))])
        ]
    )
    program = environment.compile("size(f('x')) == 2")
    for _ in range(1000):
        assert program.eval(data={}).plain_value() is True
        references.give_up()
    references_left = sys.getrefcount(shared[0])
    assert (shared, references_left) == ([["a", "b"]], 2)
