"""Answers that are put together: nothing is added, nothing is lost, and one that did not come is never silence."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from agent.collect.aws.client import Halt, Page
from agent.collect.aws.errors import Failure
from agent.collect.aws.parts import Parts, question
from checks.catalogue import Listing, Per
from checks.model import Reason

LISTING = Listing(call="ListChildren", items="Result.Children")
PER = Per(
    type="aws.a.parent",
    params={"ParentId": "{Id}"},
    where={"OwnerId": ["{account}"], "Place": ["here", "{region}-here"]},
    unless={"State": ["deleted"]},
)
NAMES = {"account": "111122223333", "region": "eu-central-1", "partition": "aws"}
ITEM = {"Id": "p-1", "OwnerId": "111122223333", "Place": "here"}
FAILURE = Failure(Reason.DENIED, "AccessDenied", "no")

pages = st.builds(
    lambda children: Page(({"Result": {"Children": children}},), "request", "hash"), st.lists(st.text(min_size=1, max_size=3), max_size=3)
)
answers = st.dictionaries(
    st.text(min_size=1, max_size=2), st.one_of(pages, st.builds(Halt, st.just(FAILURE), pages | st.just(Page((), None, ""))))
)


def children(answer: Page | Halt) -> list[str]:
    return [child for page in answer.pages for child in page["Result"]["Children"]]


@given(answers)
def test_everything_that_came_is_in_the_whole_in_order_of_what_it_is_about(held: dict[str, Page | Halt]) -> None:
    whole = Parts(0, answers=held).joined(LISTING)
    assert children(whole) == [child for _, answer in sorted(held.items()) for child in children(answer)]


@given(answers)
def test_one_part_that_did_not_come_halts_the_whole(held: dict[str, Page | Halt]) -> None:
    assert isinstance(Parts(0, answers=held).joined(LISTING), Halt) is any(isinstance(answer, Halt) for answer in held.values())


@given(st.dictionaries(st.text(min_size=1, max_size=2), pages, min_size=1, max_size=4))
def test_the_order_in_which_parts_come_makes_no_difference(held: dict[str, Page | Halt]) -> None:
    assert len({repr(Parts(0, answers=dict(order)).joined(LISTING)) for order in permutations(held.items())}) == 1


def test_nothing_to_ask_about_rests_on_the_listing_that_shows_it() -> None:
    source = Page(({"Parents": []},), "request-1", "hash-1")
    assert Parts(0, rests_on=[source]).joined(LISTING) == Page(({"Result": {"Children": []}},), "request-1", "hash-1")


def test_nothing_to_ask_about_in_a_listing_that_is_not_whole_is_no_answer() -> None:
    """No pages make no look."""
    source = Page(({"Parents": []},), "request-1", "hash-1")
    assert Parts(0, rests_on=[source], doubts=[("ListParents", FAILURE, None)]).joined(LISTING).pages == ()


def test_what_is_asked_about_is_what_fits() -> None:
    assert question(LISTING, PER, ITEM, NAMES) == {"ParentId": "p-1"}
    assert question(LISTING, PER, {**ITEM, "Place": "eu-central-1-here"}, NAMES) == {"ParentId": "p-1"}
    assert question(LISTING, PER, {**ITEM, "OwnerId": "444455556666"}, NAMES) is None
    assert question(LISTING, PER, {**ITEM, "Place": "gone"}, NAMES) is None
    assert question(LISTING, PER, {**ITEM, "State": "deleted"}, NAMES) is None
    assert question(LISTING, PER, {**ITEM, "State": "a new state"}, NAMES) == {"ParentId": "p-1"}


def test_what_cannot_be_told_is_a_failure_and_not_passed_over() -> None:
    for item in ({**ITEM, "OwnerId": None}, {"Id": "p-1", "Place": "here"}, {"OwnerId": "111122223333", "Place": "here"}):
        assert isinstance(question(LISTING, PER, item, NAMES), Failure)
