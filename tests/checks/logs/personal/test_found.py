"""Results, put together."""

from __future__ import annotations

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.logs.personal.found import HASHES, Found, Hit, Key, Look, Place, merge, plain, restore, unproven, verdict
from checks.verdict import Verdict

_KEYS = st.builds(Key, st.sampled_from(["t", "u"]), st.sampled_from(["a", "b"]), st.sampled_from(["email", "card"]), st.just("contact"))
_PLACES = st.builds(Place, st.sampled_from([None, "a", "b"]), st.one_of(st.none(), st.integers(1, 9)))
_HITS = st.builds(
    Hit, st.integers(1, 9), st.integers(1, 9), _PLACES,
    st.frozensets(st.integers(0, 99), min_size=1, max_size=HASHES).map(lambda held: tuple(sorted(f"{one:016x}" for one in held))),
)  # fmt: skip
_LOOKS = st.builds(Look, st.integers(0, 9), st.dictionaries(st.sampled_from(["email", "card", "iban"]), st.booleans()))
_FOUND = st.builds(
    Found,
    st.dictionaries(st.sampled_from(["t", "u"]), st.integers(0, 9)),
    st.dictionaries(st.tuples(st.sampled_from(["t", "u"]), st.sampled_from(["a", "b"])), _LOOKS, max_size=3),
    st.dictionaries(_KEYS, _HITS, max_size=4),
)


@given(st.lists(_FOUND, max_size=6), st.randoms())
def test_parts_put_together_in_any_order_and_grouping_are_the_whole(parts: list[Found], chance: Random) -> None:
    whole = plain(merge(parts))
    shuffled = chance.sample(parts, len(parts))
    cut = chance.randint(0, len(parts))
    assert plain(merge(shuffled)) == whole
    assert plain(merge([merge(shuffled[:cut]), Found(), merge(shuffled[cut:])])) == whole
    assert plain(restore(json.loads(json.dumps(whole)))) == whole


@given(_FOUND, _FOUND)
def test_a_pattern_is_relied_on_only_where_every_part_looked_with_it(one: Found, other: Found) -> None:
    together = merge([one, other])
    for column, look in together.looks.items():
        held = [part.looks[column] for part in (one, other) if column in part.looks]
        for pattern, proved in look.patterns.items():
            assert proved == all(part.patterns.get(pattern, False) for part in held)
    assert set(together.looks) == {*one.looks, *other.looks}


def test_the_smallest_hashes_are_kept_and_the_first_place() -> None:
    hits = [Hit(1, 1, Place("b", at), (f"{at:016x}",)) for at in range(1, 20)]
    key = Key("t", "a", "email", "contact")
    (merged,) = merge(Found(hits={key: hit}) for hit in [*hits, Hit(1, 1, Place(None, None), ("f" * 16,))]).hits.values()
    assert merged == Hit(20, 20, Place("b", 1), tuple(f"{at:016x}" for at in range(1, HASHES + 1)))


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (Found(), None),
        (Found(looks={("t", "a"): Look(1, {"email": True})}), Verdict.UPHELD),
        (Found(looks={("t", "a"): Look(1, {"email": True}), ("t", "b"): Look(0, {"email": False})}), Verdict.UNPROVEN),
        (
            Found(
                looks={("t", "a"): Look(1, {"email": False})},
                hits={Key("t", "a", "card", "financial"): Hit(1, 1, Place("o", 1), ("0" * 16,))},
            ),
            Verdict.BROKEN,
        ),
    ],
)
def test_the_verdict_of_rows(found: Found, wanted: Verdict | None) -> None:
    assert verdict(found) is wanted


def test_a_kind_that_is_not_asked_about_breaks_nothing() -> None:
    found = Found(looks={("t", "a"): Look(1, {"jwt": True})}, hits={Key("t", "a", "jwt", "credential"): Hit(1, 1, Place("o", 1), ())})
    assert verdict(found, ["contact", "financial"]) is Verdict.UPHELD
    assert unproven(found) == ()


@pytest.mark.parametrize("held", [{}, {"rows": {}}, {"rows": {}, "looks": [{}], "hits": []}, {"rows": 1, "looks": [], "hits": []}])
def test_what_is_no_result_is_refused(held: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        restore(held)
