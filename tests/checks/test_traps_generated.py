"""No way around the traps is left: rules are generated, and whatever loads is held against data that shows less."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from checks import paths
from checks.document import DocumentError
from checks.example import mutate
from checks.rule import Rule
from checks.verdict import Verdict
from tests.checks.small import DISK, Builder, ask, make_rule
from tests.checks.test_traps import PARAMS

# -- no way around is left: rules are generated, and whatever loads is held against data that shows less --------------

FLAGS = ["resource.Encrypted", "resource.Network.Public", "resource.Backup.Enabled"]
TEXTS = ["resource.State", "resource.Engine", "resource.Network.VpcId", "resource.Labels.env", "resource.Document.x", "resource.KeyId"]
LISTS = ["resource.Zones", "resource.OtherZones", "resource.Backup.Plans"]
STRUCTURES = ["resource.Attachments", "resource.Spares"]
WORDS = [
    "'available'",
    "'in-use'",
    "params.bad",
    "string('available')",
    "'avail' + 'able'",
    "['in-use'][0]",
    "(params.flag ? 'available' : 'in-use')",
]
Text = st.SearchStrategy[str]


def _of(*parts: str) -> Text:
    return st.sampled_from(parts)


def grammar(sides: Text, lists: Text, elements: Text) -> Text:
    """Conditions, nested. `sides`: what is compared; `lists`: where it is looked for; `elements`: a test of a variable `q`."""
    public, states = _of("", "!"), _of("== 'in-use'", "in ['available']", "!= 'deleted'")
    sizes = st.builds(
        "size({}) {} {}".format,
        lists | _of(*STRUCTURES) | st.builds("{}.filter(g, {}g.Public)".format, _of(*STRUCTURES), public),
        _of("==", ">", "<", ">=", "<=", "!="),
        _of("0", "1"),
    )
    tests = st.one_of(
        _of(*FLAGS, "params.flag"),
        sides,
        sizes,
        elements,
        st.builds("{} in {}".format, _of(*TEXTS), _of("params.list", "['available', 'in-use']", "['in-' + 'use']")),
        st.builds("{} in {}".format, _of(*WORDS), lists),
        st.builds("{}.{}({})".format, _of(*TEXTS, *WORDS), _of("startsWith", "contains", "matches"), _of(*WORDS[:3], *TEXTS[:2])),
        st.builds("{}.{}(s, {}s.Public)".format, _of(*STRUCTURES), _of("all", "exists", "exists_one"), public),
        st.builds("{}.{}(t, t.State {})".format, _of(*STRUCTURES), _of("all", "exists"), states),
        st.builds("resource.PublicIp {} null".format, _of("==", "!=")),
        st.builds("resource.Size {} {}".format, _of("<", ">=", "==", "!="), _of("5", "params.count")),
        st.builds("[{}].{}(b, {}b)".format, sides, _of("all", "exists"), public),
    )
    return st.recursive(
        tests,
        lambda inner: st.one_of(
            st.builds("!({})".format, inner),
            st.builds("({}) {} ({})".format, inner, _of("&&", "||", "==", "!="), inner),
            st.builds("({} ? {} : {})".format, _of(*FLAGS, "params.flag"), inner, inner),
            st.builds("({}) == {}".format, inner, _of("true", "false")),
            st.builds("(size({0}) > 0 && {0}.all(w, w == {1}))".format, _of(*LISTS), _of(*WORDS)),
        ),
        max_leaves=4,
    )


OPERATORS = _of("==", "!=")
against_constants = grammar(
    st.builds(
        "{} {} {}".format,
        _of(*TEXTS, "(resource.Encrypted ? resource.State : 'available')", "resource.Engine + 'x'"),
        OPERATORS,
        _of(*WORDS),
    ),
    st.one_of(
        _of(*LISTS, "['available']", "params.list"),
        st.builds("{}.map(m, {})".format, _of(*LISTS), _of("m", *WORDS)),
        st.builds("({} + {})".format, _of(*LISTS), _of(*LISTS, "['in-use']")),
        st.builds("{}.filter(f, f {} {})".format, _of(*LISTS), OPERATORS, _of(*WORDS)),
    ),
    st.one_of(
        st.builds("{}.{}(q, q {} {})".format, _of(*LISTS), _of("all", "exists"), OPERATORS, _of(*WORDS)),
        st.builds("{}.{}(q, q {} {})".format, _of("params.list", "['in-use']"), _of("all", "exists"), OPERATORS, _of(*TEXTS)),
        st.builds("size({}.filter(q, q {} {})) {} 0".format, _of("params.list", "['deleted']"), OPERATORS, _of(*TEXTS), _of("==", ">")),
    ),
)
values = _of(*TEXTS, *WORDS, "resource.Zones[0]")
against_anything = grammar(
    st.builds("{} {} {}".format, values, OPERATORS, values),
    st.one_of(
        _of(*LISTS, "params.list"),
        st.builds("{}.map(m, {})".format, _of(*LISTS), values),
        st.builds("{}.filter(f, {} {} f)".format, _of(*LISTS), values, OPERATORS),
    ),
    st.builds("{}.{}(q, {} {} q)".format, _of(*LISTS), _of("all", "exists"), values, OPERATORS),
)
states = st.sampled_from(["available", "in-use", "deleted"])
attachments = st.lists(st.fixed_dictionaries({"Public": st.booleans(), "State": states, "Device": states}), max_size=2)
shown = st.fixed_dictionaries(
    {
        "Encrypted": st.booleans(),
        "Network": st.fixed_dictionaries({"VpcId": states, "Public": st.booleans()}),
        "Backup": st.fixed_dictionaries({"Enabled": st.booleans(), "Plans": st.lists(states, max_size=2)}),
        "State": states,
        "Engine": states,
        "KeyId": states,
        "Labels": st.fixed_dictionaries({"env": states}),
        "Document": st.fixed_dictionaries({"x": states}),
        "Zones": st.lists(states, max_size=2),
        "OtherZones": st.lists(states, max_size=2),
        "Attachments": attachments,
        "Spares": attachments,
        "PublicIp": st.none() | states,
        "Size": st.integers(3, 6),
    }
)


def verdicts(rule: Rule, several: Mapping[str, Mapping[str, Any]]) -> dict[str, Verdict]:
    estate = Builder()
    for name, data in several.items():
        estate.add(DISK, data, id=name)
    return {finding.resource.id: finding.verdict for finding in ask(estate.build(), [rule]).findings}


def loaded(condition: str) -> Rule:
    try:
        return make_rule(condition, extra=PARAMS)
    except DocumentError:
        assume(condition=False)
        raise


def without(data: Mapping[str, Any], path: paths.Path) -> Iterator[Mapping[str, Any]]:
    return (mutant for mutation, at, mutant in mutate(data) if mutation == "delete" and at == path)


@given(against_constants | against_anything, shown)
def test_what_is_absent_moves_a_verdict_to_unproven_and_nowhere_else(condition: str, data: dict[str, Any]) -> None:
    rule = loaded(condition)
    several = {"whole": data}
    for number, (mutation, path, mutant) in enumerate(mutate(data)):
        if mutation in {"delete", "null"} and path[-1] != "[]" and path != ("PublicIp",):
            several[f"{mutation} {number}"] = mutant
    found = verdicts(rule, several)
    for name, verdict in found.items():
        assert verdict in {found["whole"], Verdict.UNPROVEN}, several[name]


@given(against_constants, shown)
def test_an_unknown_value_helps_no_more_than_an_absent_one(condition: str, data: dict[str, Any]) -> None:
    """A deny-list, however it is dressed up, is upheld by a value that nobody has heard of, and not by its absence."""
    rule = loaded(condition)
    several: dict[str, Mapping[str, Any]] = {}
    for number, (mutation, path, mutant) in enumerate(mutate(data)):
        if mutation == "unknown" and "[]" not in path and path != ("PublicIp",):
            several[f"unknown {number}"] = mutant
            several[f"absent {number}"] = next(without(data, path))
    found = verdicts(rule, several)
    for name, verdict in found.items():
        kind, _, place = name.partition(" ")
        if kind == "unknown" and verdict is Verdict.UPHELD:
            assert found[f"absent {place}"] is Verdict.UPHELD, several[name]


STRANGERS: dict[type, Any] = {bool: "true", int: "5", str: 7, list: {"available": True}, dict: ["available"]}


@settings(max_examples=40, deadline=None)
@given(against_constants | against_anything, shown)
def test_a_value_of_another_type_is_no_value(condition: str, data: dict[str, Any]) -> None:
    rule = loaded(condition)
    several: dict[str, Mapping[str, Any]] = {}
    for name in data.keys() - {"PublicIp", "Document"}:
        several[f"wrong {name}"] = {**data, name: STRANGERS[type(data[name])]}
        several[f"absent {name}"] = {key: held for key, held in data.items() if key != name}
    found = verdicts(rule, several)
    for name, verdict in found.items():
        kind, _, member = name.partition(" ")
        if kind == "wrong":
            assert verdict in {found[f"absent {member}"], Verdict.UNPROVEN}, several[name]


def test_what_is_generated_can_be_upheld_and_broken() -> None:
    """Else the three properties above would say nothing."""
    rule = make_rule(
        "!(!(resource.State in ['available', 'in-use'])) || (resource.Encrypted ? resource.Zones.exists(q, q == 'x') : params.flag)",
        extra=PARAMS,
    )
    found = verdicts(rule, {"yes": {"State": "in-use"}, "no": {"State": "deleted", "Encrypted": False}, "bare": {}})
    assert found == {"yes": Verdict.UPHELD, "no": Verdict.BROKEN, "bare": Verdict.UNPROVEN}
