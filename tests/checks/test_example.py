"""A rule's own examples are its tests, and every upheld one is changed in every way that must not stay upheld."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import paths
from checks.document import DocumentError
from checks.example import UNKNOWN, mutate, outcome, run
from checks.rule import Intended
from tests.checks.small import CATALOGUE, KEY, REGION_TYPE, load, rule_text

EXAMPLES = "  upheld: [{}]\n  broken: [{}]\n  unproven: [{}]"
PLAIN = "  upheld: [{Encrypted: true}]\n  broken: [{Encrypted: false}]\n  unproven: [{}]"


def failures(condition: str, examples: str, **options: str) -> list[str]:
    rule = load(rule_text(condition, **options).replace(EXAMPLES, examples.rstrip("\n")))
    return [f"{failure.line}: {failure.problem}" for failure in run(rule, CATALOGUE)]


def test_examples_that_come_out_as_they_stand_are_no_failures() -> None:
    assert failures("resource.Encrypted", PLAIN) == []


@pytest.mark.parametrize(
    ("examples", "found"),
    [
        (PLAIN.replace("broken: [{Encrypted: false}]", "broken: [{Encrypted: false}, {Encrypted: true}]"), "12: example broken[1] came out upheld: Title of rule."),
        (PLAIN.replace("unproven: [{}]", "unproven:\n    - {}\n    - {Encrypted: false}"), "15: example unproven[1] came out broken: Not so: Title of rule."),
        (PLAIN.replace("upheld: [{Encrypted: true}]", "upheld: [{}]"), "11: example upheld[0] came out unproven: Not decided: Encrypted is absent."),
    ],
)  # fmt: skip
def test_an_example_that_comes_out_otherwise_is_named_with_its_line(examples: str, found: str) -> None:
    assert failures("resource.Encrypted", examples) == [found]


def test_what_applies_if_leaves_out_is_an_example_too() -> None:
    extra, examples = "applies_if: resource.State == 'available'", PLAIN.replace("Encrypted:", "State: available, Encrypted:")
    left = "\n  excluded: [{State: deleted}, {State: available, Encrypted: true}]"
    text = rule_text("resource.Encrypted", extra=extra).replace(EXAMPLES + "\n  excluded: [{}]", examples + left)
    found = [failure.problem for failure in run(load(text), CATALOGUE)]
    assert found == ["example excluded[1] came out upheld: Title of rule."]


@pytest.mark.parametrize(
    ("condition", "upheld", "found"),
    [
        ("resource.Encrypted || resource.PublicIp == null", "{Encrypted: true, PublicIp: '198.51.100.1'}", {"PublicIp changed (delete)"}),
        ("resource.Engine.contains('sql')", "{Engine: mysql}", set()),
        ("size(resource.Engine) > 0", "{Engine: mysql}", {"Engine changed (unknown)"}),
        ("size(resource.Zones) == 0 || 'a' in resource.Zones", "{Zones: [a]}", {"Zones changed (empty)"}),
        ("resource.Zones.exists(z, z == 'a')", "{Zones: [a, b]}", {"Zones[] changed (empty)", "Zones[] changed (unknown)"}),
        ("resource.Size in [1, 2]", "{Size: 1}", set()),
        ("resource.Attachments.exists(a, a.Public)", "{Attachments: [{Public: true}]}", set()),
        ("resource.Attachments.exists(a, a.Public || a.Device == 'x')", "{Attachments: [{Public: false, Device: x}]}", {"Attachments[].Public changed (delete)"}),
    ],
)  # fmt: skip
def test_a_mutant_that_stays_upheld_is_a_failure_unless_it_is_intended(condition: str, upheld: str, found: set[str]) -> None:
    examples = f"  upheld: [{upheld}]\n  broken: [{{}}]\n  unproven: [{{}}]"
    stays = {line.partition("stays upheld with ")[2].partition(": ")[0] for line in failures(condition, examples) if "stays" in line}
    assert found <= stays
    if not found:
        assert not stays
    for changed in stays:
        path, mutation = changed.removesuffix(")").split(" changed (")
        intended = f"intended:\n  - {{{mutation}: '{path}', because: it is}}"
        left = [line for line in failures(condition, examples, extra=intended) if changed in line]
        assert left == []


def test_what_is_given_beside_the_resource_is_changed_too() -> None:
    examples = """
  upheld: [{given: {KeyId: k}, with: {aws.test.key: [{KeyId: k, Name: n, Manager: CUSTOMER}]}}]
  broken: [{given: {KeyId: k}, with: {aws.test.key: [{KeyId: k, Name: n, Manager: AWS}]}}]
  unproven: [{KeyId: k}]""".strip("\n")
    lookup = "lookup('aws.test.key', resource.KeyId)"
    assert failures(f"{lookup}.Manager == 'CUSTOMER'", examples) == []
    found = failures(f"size({lookup}.Manager) > 0", examples)
    assert [line for line in found if "aws.test.key.Manager changed (unknown)" in line]


def test_every_resource_of_a_type_can_be_given() -> None:
    examples = """
  upheld: [{given: {}, with: {aws.test.key: [{KeyId: a, Manager: CUSTOMER}, {KeyId: b, Manager: CUSTOMER}]}}]
  broken: [{given: {}, with: {aws.test.key: [{KeyId: a, Manager: CUSTOMER}, {KeyId: b, Manager: AWS}]}}, {}]
  unproven: [{given: {}, with: {aws.test.key: [{KeyId: a}]}}]""".strip("\n")
    condition = "size(every('aws.test.key')) > 0 && every('aws.test.key').all(k, k.Manager == 'CUSTOMER')"
    assert failures(condition, examples, resource=REGION_TYPE) == []


def test_parameters_of_an_example_are_those_of_a_promise() -> None:
    examples = "  upheld: [{Size: 3}, {given: {Size: 7}, params: {most: 9}}]\n  broken: [{Size: 7}]\n  unproven: [{}]"
    assert failures("resource.Size <= params.most", examples, extra="params:\n  most: {type: int, default: 5}") == []


@pytest.mark.parametrize(
    ("example", "says"),
    [
        ("{given: {Size: 1}, wiht: {aws.test.key: []}}", "takes `with` and `params`, and not 'wiht'"),
        ("{given: {Size: 1}, with: {aws.test.kye: []}}", "lists of resources by their type, and not 'aws.test.kye'"),
        ("{given: {Size: 1}, with: {aws.test.key: {KeyId: k}}}", "lists of resources"),
        ("{given: {Size: 1}, with: {aws.test.key: [k]}}", "lists of resources"),
        ("{given: [], params: {}}", "are maps"),
        ("{given: {Size: 1}, params: {mots: 1}}", "declares no parameter 'mots'"),
        ("{given: {Size: 1}, params: {most: '1'}}", "declares no parameter 'most' that could be '1'"),
    ],
)
def test_an_example_that_would_test_something_else_does_not_load(example: str, says: str) -> None:
    with pytest.raises(DocumentError, match=says) as error:
        failures(
            "resource.Size <= params.most",
            f"  upheld: [{example}]\n  broken: [{{}}]\n  unproven: [{{}}]",
            extra="params:\n  most: {type: int, default: 5}",
        )
    assert error.value.line == 12


def test_the_reason_of_an_outcome_is_told() -> None:
    rule = load(rule_text("resource.Manager == 'CUSTOMER'", resource=KEY))
    assert outcome(rule, CATALOGUE, {"Manager": "AWS"}) == ("broken", "Not so: Title of rule.")
    assert outcome(rule, CATALOGUE, {}) == ("unproven", "Not decided: Manager is absent.")


# -- mutants ----------------------------------------------------------------------------------------------------------


def mutants(data: dict[str, Any]) -> dict[tuple[str, str], Any]:
    return {(mutation, paths.render(path)): mutant for mutation, path, mutant in mutate(data)}


def test_each_kind_of_value_has_its_mutations() -> None:
    data = {"flag": True, "number": 5, "text": "a", "list": ["a"], "map": {"b": 1.5}, "none": None, "empty": "", "nothing": []}
    assert set(mutants(data)) == {
        ("delete", "flag"), ("null", "flag"), ("text", "flag"),
        ("delete", "number"), ("null", "number"), ("text", "number"),
        ("delete", "text"), ("null", "text"), ("empty", "text"), ("unknown", "text"),
        ("delete", "list"), ("null", "list"), ("empty", "list"), ("null", "list[]"), ("empty", "list[]"), ("unknown", "list[]"),
        ("delete", "map"), ("null", "map"), ("empty", "map"), ("delete", "map.b"), ("null", "map.b"), ("text", "map.b"),
        ("delete", "none"), ("delete", "empty"), ("null", "empty"), ("delete", "nothing"), ("null", "nothing"),
    }  # fmt: skip


def test_a_mutant_differs_in_one_place() -> None:
    found = mutants({"a": [{"b": False}], "c": "d"})
    assert found["text", "a[].b"] == {"a": [{"b": "false"}], "c": "d"}
    assert found["delete", "a[].b"] == {"a": [{}], "c": "d"}
    assert found["empty", "a"] == {"a": [], "c": "d"}
    assert found["unknown", "c"] == {"a": [{"b": False}], "c": UNKNOWN}


values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "a"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from("xyz"), values, max_size=3))
def test_mutants_leave_the_original_alone_and_are_never_equal_to_it(data: dict[str, Any]) -> None:
    before = copy.deepcopy(data)
    for _, _, mutant in mutate(data):
        assert mutant != data
    assert data == before


@pytest.mark.parametrize(
    ("entry", "mutation", "path", "covered"),
    [
        ({"empty": "A"}, "empty", "A", True),
        ({"empty": "A"}, "empty", "A[].B", True),
        ({"empty": "A[].B"}, "empty", "A", False),
        ({"empty": "A"}, "delete", "A", False),
        ({"any": "A"}, "delete", "A.B", True),
        ({"any": "A"}, "delete", "AB", False),
    ],
)
def test_what_is_intended_covers_what_is_below_it(entry: dict[str, str], mutation: str, path: str, covered: bool) -> None:
    assert Intended.model_validate({**entry, "because": "so"}).covers(mutation, paths.parse(path)) is covered
