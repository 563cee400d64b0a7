"""Authors' traps: each was measured to give a false upheld, and each is refused where the rule is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from checks.document import DocumentError
from checks.example import UNKNOWN
from tests.checks.small import ACCOUNT_TYPE, DISK, KEY, REGION_TYPE, Builder, ask, load, make_rule, rule_text

PARAMS = """
params:
  bad: {type: string, default: deleted}
  count: {type: int, default: 3}
  flag: {type: bool, default: false}
  list: {type: list, default: [deleted]}
  State: {type: string, default: available}
"""
GUARDED = "size(resource.Attachments) > 0 && "
TRAPS = [
    # a member or a constant that is not there
    ("a misspelt member", "resource.Encryptd", "resource.Encrypted", "no member 'Encryptd'"),
    ("a misspelt member below", "resource.Network.Pubic", "resource.Network.Public", "Network has no member 'Pubic'"),
    ("a misspelt member of an element", "resource.Attachments.exists(a, a.Pubic)", "resource.Attachments.exists(a, a.Public)", "Pubic"),
    ("a misspelt member of a looked-up resource", "lookup('aws.test.key', 'k').Manger == 'x'", "lookup('aws.test.key', 'k').Manager == 'x'", "Manger"),
    ("a member of a member that has none", "resource.Encrypted.Value", "resource.Encrypted", "Encrypted has no member 'Value'"),
    ("text for a number", "resource.Size == '22'", "resource.Size == 22", "Size is of type integer, and '22' is not"),
    ("a number for text", "resource.Engine == 22", "resource.Engine == '22'", "Engine is of type string"),
    ("text for a truth value", "resource.Encrypted == 'true'", "resource.Encrypted == true", "Encrypted is of type boolean"),
    ("text among numbers", "resource.Size in [1, '2']", "resource.Size in [1, 2]", "Size is of type integer"),
    ("bytes for text", "resource.Engine == b'x'", "resource.Engine == 'x'", "Engine is of type string"),
    ("a value for a list", "resource.Zones == 'a'", "resource.Zones == ['a']", "Zones is of type list"),
    ("a text parameter for a number", "resource.Size == params.bad", "resource.Size == params.count", "Size is of type integer"),
    ("a value that an enumeration does not have", "resource.State == 'availabel'", "resource.State == 'available'", "State is never 'availabel'"),
    ("one of several that it does not have", "resource.State in ['available', 'used']", "resource.State in ['available', 'in-use']", "'used'"),
    ("no truth value", "resource.Size", "resource.Size == 1", "Size is of type integer, not a truth value"),
    ("no truth value in a conjunction", "resource.Encrypted && resource.Engine", "resource.Encrypted && resource.Engine == 'x'", "of type string"),
    ("a parameter that is not declared", "resource.Size == params.size", "resource.Size == params.count", "no parameter 'size'"),
    # absence
    ("has()", "has(resource.PublicIp)", "resource.PublicIp == null", "has() makes absence decide"),
    ("no has()", "!has(resource.PublicIp)", "resource.PublicIp == null", "has() makes absence decide"),
    ("membership in a map", "'env' in resource.Labels", "resource.Labels.env == 'prod'", "`in` needs a list"),
    ("membership in what may be a map", "'a' in resource.Document.x", "resource.Document.x == 'a'", "`in` needs a list"),
    ("a computed member", "resource[params.bad] == 'x'", "resource['Engine'] == 'x'", "computed member name"),
    ("a member computed from data", "resource.Labels[resource.Engine] == 'x'", "resource.Labels.engine == 'x'", "computed member name"),
    ("an index that is a truth value", "resource.Zones[true] == 'a'", "resource.Zones[0] == 'a'", "computed member name"),
    ("a loop over the names of a map", "resource.Labels.all(name, name == 'a')", "resource.Labels.a == 'b'", "Labels is of type map"),
    ("null where it never stands", "resource.Engine == null", "resource.PublicIp == null", "Engine is never null"),
    ("not null where it never stands", "resource.Engine != null", "resource.PublicIp != null", "Engine is never null"),
    ("the whole resource not being null", "resource != null", "resource.PublicIp != null", "resource is never null"),
    ("null beside what was put together", "(resource.Encrypted ? resource.PublicIp : 'x') != null", "resource.PublicIp != null", "is never null"),
    ("an optional member", "resource.?Engine.orValue('x') == 'x'", "resource.Engine == 'x'", "unsupported syntax"),
    # deny-lists
    ("!= a constant", "resource.State != 'deleted'", "resource.State in ['available', 'in-use']", "`!=` with a constant"),
    ("a constant != it", "'deleted' != resource.State", "'available' == resource.State", "`!=` with a constant"),
    ("!= a parameter", "resource.Engine != params.bad", "resource.Engine == params.bad", "`!=` with a constant"),
    ("a negated ==", "!(resource.State == 'deleted')", "resource.State == 'available'", "`==` against a constant"),
    ("a negated in", "!(resource.State in ['deleted'])", "resource.State in ['available']", "`in` against a constant"),
    ("a negated in, of a parameter", "!(resource.State in params.list)", "resource.State in params.list", "`in` against a constant"),
    ("a negated in, the other way round", "!('a' in resource.Zones)", "'a' in resource.Zones", "`in` against a constant"),
    ("a negated startsWith", "!resource.Engine.startsWith('my')", "resource.Engine.startsWith('my')", "`startsWith()` against"),
    ("a negated endsWith", "!resource.Engine.endsWith('ql')", "resource.Engine.endsWith('ql')", "`endsWith()` against"),
    ("a negated contains", "!resource.Engine.contains('sq')", "resource.Engine.contains('sq')", "`contains()` against"),
    ("a negated matches", "!resource.Engine.matches('^my')", "resource.Engine.matches('^my')", "`matches()` against"),
    ("a negated exists", "!resource.Zones.exists(z, z == 'bad')", "resource.Zones.exists(z, z == 'a')", "`==` against a constant"),
    (
        "a negated helper's condition",
        "!(policy_public(resource.Policy) || resource.State == 'deleted')",
        "!policy_public(resource.Policy) && resource.State == 'available'",
        "`==` against a constant",
    ),
    ("De Morgan", "!(resource.Encrypted && resource.State == 'deleted')", "!resource.Encrypted || resource.State == 'in-use'", "`==` against"),
    ("a triple negation", "!!!(resource.State == 'deleted')", "!!(resource.State == 'available')", "`==` against a constant"),
    ("a condition", "resource.State == 'deleted' ? false : true", "resource.Encrypted ? resource.State == 'in-use' : true", "`==` against"),
    ("a condition of a value", "(resource.State == 'deleted' ? 1 : 2) == 2", "(resource.Encrypted ? 1 : 2) == 2", "`==` against a constant"),
    ("a comparison with false", "(resource.State == 'deleted') == false", "(resource.State == 'in-use')", "`==` against a constant"),
    ("a comparison with a flag", "(resource.State == 'deleted') == params.flag", "resource.Encrypted == params.flag", "`==` against a constant"),
    ("a comparison of comparisons", "(resource.State == 'deleted') != resource.Encrypted", "resource.State == 'in-use' && resource.Encrypted", "`==`"),
    ("a comparison among others", "(resource.State == 'deleted') in [false]", "resource.Encrypted in [false]", "`==` against a constant"),
    ("a comparison as text", "string(resource.State == 'deleted') == 'false'", "string(resource.Size) == '5'", "`==` against a constant"),
    ("a comparison in a list", "[resource.State == 'deleted'].all(bad, !bad)", "[resource.State].all(s, s == 'in-use')", "`==` against"),
    ("comparisons of elements", "resource.Zones.map(z, z == 'bad') == [false]", "resource.Zones.map(z, z) == ['a']", "`==` against a constant"),
    ("a quantifier compared", "resource.Zones.exists(z, z == 'bad') == false", "resource.Zones.exists(z, z == 'a')", "`==` against a constant"),
    ("a comparison in a helper", "days_between(now, now) == (resource.State == 'deleted' ? 1.0 : 0.0)", "days_between(now, now) == 0.0", "`==`"),
    ("a filter", "size(resource.Zones.filter(z, z == 'bad')) == 0", "resource.Zones.exists(z, z == 'a')", "`==` against a constant"),
    ("a filtering map", "size(resource.Zones.map(z, z == 'bad', z)) == 0", "resource.Zones.exists(z, z == 'a')", "`==` against a constant"),
    ("exactly one", "resource.Zones.exists_one(z, z == 'a')", "resource.Zones.exists(z, z == 'a')", "`==` against a constant"),
    ("not exactly one", "!resource.Attachments.exists_one(a, a.Public)", "resource.Attachments.exists(a, !a.Public)", "where there are two"),
    # deny-lists by data
    ("!= another member", "resource.Engine != resource.KeyId", "resource.Engine == resource.KeyId", "only has to differ"),
    ("!= the account", "resource.Engine != account", "resource.Engine == account", "only has to differ"),
    ("a negated == of two members", "!(resource.Engine == resource.KeyId)", "!(resource.Engine != resource.KeyId)", "only has to differ"),
    ("a negated in of two members", "!(resource.Engine in resource.Zones)", "resource.Engine in resource.Zones", "only has to differ"),
    ("a member that is in no element", "!resource.Zones.exists(z, z == resource.Engine)", "resource.Zones.exists(z, z == resource.Engine)", "differ"),
    ("an element that differs", "resource.Zones.exists(z, z != resource.Engine)", "resource.Zones.exists(z, z == resource.Engine)", "differ"),
    ("a condition of two members", "resource.Engine == resource.KeyId ? false : true", "resource.Engine == resource.KeyId", "only has to differ"),
    ("two members compared with false", "(resource.Engine == resource.KeyId) == false", "resource.Engine == resource.KeyId", "only has to differ"),
    ("!= a member that may be of any kind", "resource.Document.x != resource.Engine", "resource.Document.x == resource.Engine", "only has to differ"),
    ("!= what another resource says", "lookup('aws.test.key', resource.KeyId).Manager != resource.Engine",
     "lookup('aws.test.key', resource.KeyId).Manager == resource.Engine", "only has to differ"),
    # constants in disguise
    ("!= a converted constant", "resource.State != string('deleted')", "resource.State == string('in-use')", "`!=` with a constant"),
    ("!= a sum", "resource.State != 'dele' + 'ted'", "resource.State == 'in-' + 'use'", "`!=` with a constant"),
    ("!= a part of a list", "resource.State != ['deleted'][0]", "resource.State == ['in-use'][0]", "`!=` with a constant"),
    ("!= a choice", "resource.State != (resource.Encrypted ? 'deleted' : 'x')", "resource.State == (resource.Encrypted ? 'in-use' : 'x')", "`!=`"),
    ("!= a sum with data", "resource.Engine + 'x' != 'badx'", "resource.Engine + 'x' == 'ax'", "`!=` with a constant"),
    ("a negated == of a parameter in a sum", "!(resource.State == '' + params.bad)", "resource.State == '' + params.bad", "`==` against a constant"),
    ("a negated in with data beside", "!(resource.State in ['deleted', resource.Engine])", "resource.State in ['in-use', resource.Engine]", "`in` against"),
    ("a negated loop over constants", "!['deleted'].exists(bad, bad == resource.State)", "['in-use'].exists(x, x == resource.State)", "`==` against"),
    ("a loop over constants", "['deleted'].all(bad, resource.State != bad)", "['in-use'].all(x, resource.State == x)", "`!=` with a constant"),
    ("a negated loop over a parameter", "!params.list.exists(bad, bad == resource.State)", "params.list.exists(x, x == resource.State)", "`==`"),
    ("a filter of constants", "size(['deleted'].filter(x, x == resource.State)) == 0", "resource.State in ['in-use']", "`==` against a constant"),
    ("a map of constants", "!['deleted'].map(x, x == resource.State).exists(b, b)", "resource.State in ['in-use']", "`==` against a constant"),
    ("a pattern of what is not there", "resource.Engine.matches('^[^d]')", "resource.Engine.matches('^[a-c]')", "a class of what is not there"),
    ("the same by a letter", "resource.Engine.matches('^\\\\D+$')", "resource.Engine.matches('^[a-z]+$')", "a class of what is not there"),
    ("what contains the empty text", "'available,in-use'.contains(resource.State)", "resource.State in ['available']", "is the empty text"),
    ("a pattern out of data", "resource.Engine.matches(resource.KeyId)", "resource.Engine.matches('^a$')", "is the empty text"),
    ("a beginning out of data", "resource.Engine.startsWith(resource.KeyId)", "resource.Engine == resource.KeyId", "is the empty text"),
    # what may be empty
    ("all()", "resource.Zones.all(z, z == 'a')", "size(resource.Zones) > 0 && resource.Zones.all(z, z == 'a')", "Zones may be empty"),
    ("all() with a guard beside it in ||", "size(resource.Zones) > 0 || resource.Zones.all(z, z == 'a')", "resource.Zones.exists(z, z == 'a')", "may be empty"),
    ("all() with a guard that guards nothing", "size(resource.Zones) >= 0 && resource.Zones.all(z, z == 'a')", "size(resource.Zones) >= 1 && resource.Zones.all(z, z == 'a')", "may be empty"),
    ("a negated exists()", "!resource.Attachments.exists(a, a.Public)", GUARDED + "!resource.Attachments.exists(a, a.Public)", "may be empty"),
    ("a guard for another list", "size(resource.OtherZones) > 0 && resource.Zones.all(z, z == 'a')", "resource.Zones == ['a']", "Zones may be empty"),
    (
        "a nested list",
        GUARDED + "resource.Attachments.all(a, a.Hosts.all(h, h.Name == 'x'))",
        GUARDED + "resource.Attachments.all(a, size(a.Hosts) > 0 && a.Hosts.all(h, h.Name == 'x'))",
        "Attachments[].Hosts may be empty",
    ),
    ("a list of lists", "size(resource.Grid) > 0 && resource.Grid.all(row, row.all(z, z == 'a'))", "size(resource.Grid) > 0 && resource.Grid.all(row, row == ['a'])", "Grid[] may be empty"),
    (
        "a guard for the list of another element",
        GUARDED + "resource.Attachments.exists(b, size(b.Hosts) > 0 && resource.Attachments.all(a, a.Hosts.all(h, h.Name == 'x')))",
        "resource.Attachments.exists(b, size(b.Hosts) > 0 && b.Hosts.all(h, h.Name == 'x'))",
        "Attachments[].Hosts may be empty",
    ),
    (
        "a guard for the list of the first element",
        GUARDED + "size(resource.Attachments[0].Hosts) > 0 && resource.Attachments.all(a, a.Hosts.all(h, h.Name == 'x'))",
        "size(resource.Attachments[0].Hosts) > 0 && resource.Attachments[0].Hosts.all(h, h.Name == 'x')",
        "Attachments[].Hosts may be empty",
    ),
    (
        "a guard for the list of another resource",
        "size(lookup('aws.test.key', 'a').Zones) > 0 && lookup('aws.test.key', 'b').Zones.all(z, z == 'x')",
        "size(lookup('aws.test.key', 'a').Zones) > 0 && lookup('aws.test.key', 'a').Zones.all(z, z == 'x')",
        "Zones may be empty",
    ),
    (
        "a guard for more than is left",
        GUARDED + "resource.Attachments.filter(a, a.Public).all(a, a.State == 'in-use')",
        "size(resource.Attachments.filter(a, a.Public)) > 0 && resource.Attachments.filter(a, a.Public).all(a, a.State == 'in-use')",
        "Attachments may be empty",
    ),
    ("a count of what is left", "size(resource.Attachments.filter(a, !a.Public)) == 0", "size(resource.Attachments.filter(a, a.Public)) > 0", "may be empty"),
    ("the count first", "0 == size(resource.Attachments.filter(a, !a.Public))", "0 < size(resource.Attachments.filter(a, a.Public))", "may be empty"),
    ("at most so many left", "size(resource.Attachments.filter(a, a.Public)) <= 1", "size(resource.Attachments.filter(a, a.Public)) >= 1", "may be empty"),
    ("not so many left", "!(size(resource.Attachments.filter(a, a.Public)) > 0)", "size(resource.Attachments.filter(a, a.Public)) > 1", "may be empty"),
    ("nothing left", "resource.Attachments.filter(a, !a.Public) == []", "resource.Attachments == []", "may be empty"),
    ("two lists in one", "(resource.Zones + resource.OtherZones).all(z, z == 'a')", "size(resource.Zones + resource.OtherZones) > 0 && (resource.Zones + resource.OtherZones).all(z, z == 'a')", "may be empty"),
    ("all() over what map() makes", "resource.Zones.map(z, z + 'x').all(z, z == 'ax')", "size(resource.Zones) > 0 && resource.Zones.map(z, z + 'x').all(z, z == 'ax')", "may be empty"),
    ("all() over a parameter", "params.list.all(x, x in resource.Zones)", "size(params.list) > 0 && params.list.all(x, x in resource.Zones)", "params.list may be empty"),
    ("all() over nothing", "[].all(x, x == resource.Engine)", "['x'].all(x, x == resource.Engine)", "this list may be empty"),
    # structures
    ("structures compared", "resource.Network == resource.Peer", "resource.Network.VpcId == resource.Peer.VpcId", "compared as a whole"),
    ("lists of structures compared", "resource.Attachments == resource.Spares", "resource.Zones == resource.OtherZones", "compared as a whole"),
    ("a structure among others", "resource.Network in [resource.Peer]", "resource.Network.VpcId in [resource.Peer.VpcId]", "is a structure or a list"),
    ("two that are not found", "lookup('aws.test.key', 'a') == lookup('aws.test.key', 'b')", "lookup('aws.test.key', 'a') == null", "compared as a whole"),
    ("free-form data compared", "resource.Document == resource.Document.x", "resource.Document.x == 'a'", "compared as a whole"),
    ("the size of a structure", "size(resource.Network) <= 2", "size(resource.Zones) <= 2", "is no list"),
    ("the size of a map", "size(resource.Labels) == 0", "size(resource.Zones) == 0", "is no list"),
    ("the size of the resource", "size(resource) > 1", "size(resource.Zones) > 1", "is no list"),
    ("structures in a written list", "[resource].exists(r, r.Permissions == [])", "size(resource.Permissions) == 0", "is a structure or a list"),
    ("a choice of lists", "(resource.Encrypted ? resource.Zones : resource.OtherZones).all(z, z == 'a')", "resource.Encrypted ? resource.Zones == ['a'] : resource.OtherZones == ['a']", "chooses between single values"),
    ("lists of structures put together", "(resource.Attachments + resource.Spares).exists(a, a.Public)", "resource.Attachments.exists(a, a.Public) || resource.Spares.exists(a, a.Public)", "cannot be put together"),
    # order, time, numbers
    ("text in order", "resource.Engine >= '8.0'", "resource.Engine in ['8.0', '8.4']", "no order"),
    ("text in order in a loop", "resource.Zones.exists(z, z > 'a')", "resource.Zones.exists(z, z == 'b')", "no order"),
    ("text in order in a written list", "[resource.Engine].exists(e, e > resource.KeyId)", "[resource.Engine].exists(e, e == resource.KeyId)", "no order"),
    ("a time as text", "resource.Created < now", "timestamp(resource.Created) < now", "write timestamp(Created)"),
    ("a time equal to text", "resource.Created == '2026-01-01T00:00:00Z'", "timestamp(resource.Created) == timestamp('2026-01-01T00:00:00Z')", "compare timestamp(Created)"),
    ("a time converted to text", "string(resource.Created) == 'x'", "string(resource.Size) == '5'", "write timestamp(Created)"),
    ("text that may not be a number", "!(double(resource.Engine) > 5.0)", "int(resource.Engine) <= 5", "'NaN'"),
    # what only helpers may read
    ("a port", "resource.Permissions.exists(p, p.FromPort == 22)", "cidrs_within(ingress_cidrs(resource.Permissions, 'tcp', '22'), ['10.0.0.0/8'])", "helper functions only"),
    (
        "a port in a helper's argument",
        "cidrs_within(resource.Permissions.filter(p, p.FromPort <= 22).map(p, p.IpProtocol), ['10.0.0.0/8'])",
        "cidrs_within(ingress_cidrs(resource.Permissions, 'tcp', '22'), ['10.0.0.0/8'])",
        "Permissions[].FromPort is read through helper functions only",
    ),
    ("a guarded member of an element", "resource.Attachments.exists(a, a.Secret == 'x')", "resource.Attachments.exists(a, a.Device == 'x')", "helper functions only"),
    ("a guarded member through map()", "resource.Spares.exists(s, resource.Attachments.map(b, b).exists(a, a.Secret == 'x'))", "resource.Attachments.map(a, a.Device).exists(d, d == 'x')", "helper functions only"),
    # other resources
    ("every() in a rule about one resource", "every('aws.test.key').exists(k, k.Manager == 'x')", "lookup('aws.test.key', resource.KeyId).Manager == 'x'", "only for rules on aws.account"),
    ("a type nobody collects", "lookup('aws.test.kye', 'x') == null", "lookup('aws.test.key', 'x') == null", "nobody collects the type 'aws.test.kye'"),
    ("a type that is data", "lookup(resource.Engine, 'x') == null", "lookup('aws.test.key', resource.Engine) == null", "needs the type as a constant"),
    # what the language has and rules do not
    ("a map", "{'a': resource.Encrypted}.a", "resource.Encrypted", "map and message literals"),
    ("a map with the member", "{'a': true}[resource.Engine]", "resource.Engine == 'a'", "map and message literals"),
    ("dyn()", "dyn(resource.Engine) == 'x'", "resource.Engine == 'x'", "dyn() is not part"),
    ("type()", "type(resource.Engine) == string", "resource.Engine == 'x'", "type() is not part"),
    ("a function that is not there", "resource.Engine.lowerAscii() == 'x'", "resource.Engine == 'x'", "undeclared reference"),
    ("a part of a date", "timestamp(resource.Created).getFullYear() == 2026", "timestamp(resource.Created) < now", "getFullYear() is not part"),
    ("a hidden resource", "resource.Zones.exists(resource, resource == 'a')", "resource.Zones.exists(z, z == 'a')", "'resource' hides another"),
    ("hidden parameters", "resource.Attachments.exists(params, params.State == 'x')", "resource.Attachments.exists(a, a.State == 'in-use')", "'params' hides another"),
    ("a hidden now", "resource.Zones.exists(now, now == 'a')", "resource.Zones.exists(z, z == 'a')", "'now' hides another"),
    ("a hidden variable", "resource.Attachments.exists(a, a.Hosts.exists(a, a.Name == 'x'))", "resource.Attachments.exists(a, a.Hosts.exists(h, h.Name == 'x'))", "'a' hides another"),
    ("a variable outside its loop", "resource.Zones.exists(z, z == 'a') && z == 'a'", "resource.Zones.exists(z, z == 'a')", "undeclared reference to 'z'"),
    ("parameters as a value", "size(params) > 0", "params.flag", "params cannot be used as a value"),
    # what holds whatever is seen
    ("true", "true", "resource.Encrypted", "decides whatever is seen"),
    ("or true", "resource.Encrypted || true", "resource.Encrypted || params.flag", "decides whatever is seen"),
    ("not false", "resource.Encrypted || !false", "resource.Encrypted", "decides whatever is seen"),
    ("two constants", "resource.Encrypted || 1 == 1", "resource.Encrypted || params.count == 1", "decides whatever is seen"),
    ("a comparison with itself", "resource.Engine == resource.Engine", "resource.Engine == resource.KeyId", "decides whatever is seen"),
    ("one of itself", "resource.Engine in [resource.Engine, 'x']", "resource.Engine in [resource.KeyId, 'x']", "decides whatever is seen"),
    ("as much as itself", "resource.Size >= resource.Size", "resource.Size >= 1", "decides whatever is seen"),
]  # fmt: skip


def _name(trap: tuple[str, ...]) -> str:
    return trap[0].replace(" ", "-")


@pytest.mark.parametrize("condition", ["resource.Size != size(resource.Zones)", "resource.Encrypted != resource.Network.Public"])
def test_numbers_and_truth_values_may_differ_as_they_have_no_unknown_values(condition: str) -> None:
    assert make_rule(condition)


def test_what_a_rule_is_not_about_may_differ_from_another_member() -> None:
    assert make_rule("resource.Encrypted", extra="applies_if: resource.Engine != resource.KeyId")


@pytest.mark.parametrize("trap", TRAPS, ids=_name)
def test_a_trap_is_refused_where_it_stands_and_the_right_form_loads(trap: tuple[str, str, str, str]) -> None:
    _, wrong, right, says = trap
    with pytest.raises(DocumentError) as refused:
        make_rule(wrong, extra=PARAMS)
    assert (refused.value.file, refused.value.line) == ("rule.yaml", 6)
    assert says in refused.value.problem
    make_rule(right, extra=PARAMS)


@pytest.mark.parametrize("trap", TRAPS, ids=_name)
def test_the_right_form_proves_nothing_about_a_resource_that_shows_nothing(trap: tuple[str, str, str, str]) -> None:
    given_away = {
        "lookup('aws.test.key', 'x') == null",
        "lookup('aws.test.key', 'a') == null",
        "params.flag",
        "days_between(now, now) == 0.0",
    }
    right = trap[2]
    estate = Builder()
    estate.add(DISK, {}, id="bare")
    if right not in given_away:
        assert ask(estate.build(), [make_rule(right, extra=PARAMS)]).verdict("bare") == "unproven"


def test_the_place_in_the_expression_is_shown() -> None:
    with pytest.raises(DocumentError, match=r"at '\.Encryptd && resource\.Network\.Public'"):
        make_rule("resource.Encrypted &&\n  resource.Encryptd && resource.Network.Public")


def test_what_may_be_empty_can_be_intended() -> None:
    intended = "intended:\n  - {empty: Zones, because: nowhere is fine}"
    rule = make_rule("resource.Zones.all(z, z == 'a')", extra=intended)
    estate = Builder()
    estate.add(DISK, {"Zones": []}, id="empty")
    estate.add(DISK, {}, id="bare")
    answer = ask(estate.build(), [rule])
    assert [answer.verdict("empty"), answer.verdict("bare")] == ["upheld", "unproven"]


@pytest.mark.parametrize(
    "condition",
    [
        "!has(resource.Engine)",
        "resource.Engn == 'x'",
        "resource[params.bad] == 'x'",
        "resource.Created < now",
        "resource.Zones.all(all, true)",
    ],
)
def test_what_narrows_the_population_meets_the_same_traps(condition: str) -> None:
    with pytest.raises(DocumentError, match="applies_if"):
        make_rule("resource.Encrypted", extra=f'applies_if: "{condition}"\n{PARAMS}')


def test_what_narrows_the_population_may_name_what_it_leaves_out() -> None:
    rule = make_rule("resource.Encrypted", extra="applies_if: resource.State != 'deleted' && !(resource.Engine in ['x'])")
    estate = Builder()
    for name, state in (("kept", "available"), ("new", "unheard-of"), ("left", "deleted")):
        estate.add(DISK, {"State": state, "Engine": "a", "Encrypted": False}, id=name)
    estate.add(DISK, {"Engine": "a", "Encrypted": False}, id="silent")
    answer = ask(estate.build(), [rule])
    assert {finding.resource.id: str(finding.verdict) for finding in answer.findings} == {
        "kept": "broken", "new": "broken", "silent": "unproven",
    }  # fmt: skip
    assert answer.result.rules[0].excluded == ("left",)


def test_every_is_for_rules_about_an_account_or_a_region() -> None:
    condition = "every('aws.test.disk').exists(disk, disk.Encrypted)"
    for kind in (ACCOUNT_TYPE, REGION_TYPE):
        make_rule(condition, resource=kind)
    with pytest.raises(DocumentError, match="only for rules on"):
        make_rule(condition, resource=KEY)


def test_every_resource_of_a_type_may_be_none() -> None:
    with pytest.raises(DocumentError, match=r"aws\.test\.disk may be empty"):
        make_rule("every('aws.test.disk').all(disk, disk.Encrypted)", resource=REGION_TYPE)
    make_rule("size(every('aws.test.disk')) > 0 && every('aws.test.disk').all(disk, disk.Encrypted)", resource=REGION_TYPE)


def test_a_lookup_in_a_loop_is_checked_like_any_other() -> None:
    with pytest.raises(DocumentError, match="Manger"):
        make_rule("resource.Zones.exists(z, lookup('aws.test.key', z).Manger == 'x')")
    rule = make_rule("resource.Zones.exists(z, lookup('aws.test.key', lookup('aws.test.key', z).Name).Manager == 'x')")
    assert rule.needs() == {DISK: {"Zones"}, KEY: {"Name", "Manager"}}


HARMLESS = [
    "resource.Zones[0] == 'a'",
    "resource.Zones[-1] == 'a'",
    "resource.Attachments[0].State == 'in-use'",
    "resource.Size + 1 == 6",
    "resource.Size / 0 == 1 || resource.Size % 0 == 1",
    "resource.Size == 5u",
    "resource.Engine == account",
    "resource.Engine == resource.KeyId",
    "resource.Engine.matches('(((')",
    "resource.Document.x.y.z == 'a'",
    "(resource.Encrypted ? resource.Engine : 'x') == 'a'",
    "lookup('aws.test.key', resource.Engine).Manager == 'x'",
    "resource.Zones.exists(z, lookup('aws.test.key', z).Manager == 'x')",
    "resource.Attachments.map(a, a.State).exists(s, s == 'in-use')",
    "resource.Attachments.exists(a, a.Role == null)",
    "policy_public(resource.Policy) == false",
    "resource.Zones == resource.OtherZones",
]
STRANGE: list[Mapping[str, Any]] = [
    {},
    {"Engine": UNKNOWN, "KeyId": "k", "State": UNKNOWN, "Zones": [UNKNOWN], "OtherZones": [], "Attachments": [{"State": UNKNOWN}]},
    {
        "Engine": 5,
        "KeyId": "5",
        "State": 5,
        "Zones": {"a": "a"},
        "OtherZones": {"a": "a"},
        "Attachments": {"a": 1},
        "Document": [],
        "Size": "5",
    },
    {"Engine": ["a"], "KeyId": [], "Zones": "a", "OtherZones": "a", "Attachments": "a", "Policy": {}, "Size": 5.5, "Encrypted": "true"},
    {
        "Engine": None,
        "KeyId": None,
        "Zones": None,
        "OtherZones": None,
        "Attachments": [None],
        "Document": {"x": None},
        "Policy": "not JSON",
    },
]


@pytest.mark.parametrize("condition", HARMLESS)
def test_odd_but_harmless_conditions_load_and_uphold_nothing_strange(condition: str) -> None:
    rule = make_rule(condition)
    for data in STRANGE:
        estate = Builder()
        estate.add(DISK, data, id="strange")
        assert ask(estate.build(), [rule]).verdict("strange") != "upheld", data


def test_a_list_that_is_a_map_is_no_list() -> None:
    rule = make_rule("'a' in resource.Zones")
    estate = Builder()
    estate.add(DISK, {"Zones": {"a": 1}}, id="map")
    estate.add(DISK, {"Zones": ["a"]}, id="list")
    answer = ask(estate.build(), [rule])
    assert [answer.verdict("map"), answer.verdict("list")] == ["unproven", "upheld"]


def test_the_runtimes_own_complaints_come_with_the_line_too() -> None:
    for wrong in ("resource.Encrypted &&", "resource.Encrypted = true", "size(resource.Zones, 1) > 0", "'a' + 1 == 'a1'", "x", "resource."):
        with pytest.raises(DocumentError) as refused:
            make_rule(wrong)
        assert refused.value.line == 6


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (rule_text("resource.Encrypted", resource="aws.test.tape"), 5, "nobody collects the type 'aws.test.tape'"),
        (rule_text("resource.Encrypted", control="secrecy"), 3, "there is no control 'secrecy'"),
        (rule_text("resource.Encrypted", extra="show: [Size, Encryptd]"), 9, "there is no member 'Encryptd'"),
        (rule_text("resource.Encrypted", extra="params:\n  days: {type: int, default: '5'}"), 10, "needs a default of type int"),
        (rule_text("resource.Encrypted", extra="params:\n  days: {type: int}"), 10, "needs a default of type int"),
        (rule_text("resource.Encrypted", extra="params:\n  days: {type: int, default: true}"), 10, "needs a default of type int"),
        (rule_text("resource.Encrypted", extra="intended:\n  - {because: why not}"), 10, "name exactly one of"),
        (rule_text("resource.Encrypted", extra="intended:\n  - {null: A, empty: A, because: both}"), 10, "name exactly one of"),
        (rule_text("resource.Encrypted", extra="upheldif: true"), 9, "unknown key 'upheldif'"),
        (rule_text("resource.Encrypted").replace("high", "grave"), 4, "severity"),
        (rule_text("resource.Encrypted").replace("broken: [{}]", "broken: []"), 12, "examples.broken"),
        (
            rule_text("resource.Encrypted").replace("  unproven: [{}]", "  unproven: [{}]\n  excluded: [{}]"),
            None,
            "`applies_if` leaves out",
        ),
    ],
)
def test_a_rule_file_says_what_is_wrong_and_where(text: str, line: int | None, says: str) -> None:
    with pytest.raises(DocumentError) as refused:
        load(text)
    assert says in str(refused.value)
    assert line is None or refused.value.line == line
