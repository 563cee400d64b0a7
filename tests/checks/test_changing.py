"""What is in doubt after a change: until a read reflects it, or two reads a minute apart agree; whatever is read, never less than that."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from checks.catalogue import Catalogue
from checks.change import CHANGED, CREATED, DELETED, Change, Unit, touched
from checks.changing import APART, Unsettled, again, doubts, due, gaps, settled
from checks.model import Estate, Gap, Look, Manifest, Reason, Resource, Scope
from tests.agent.road import shipped

CATALOGUE: Catalogue = shipped().catalogue
TYPE, ACCOUNT, REGION = "aws.ec2.volume", "111122223333", "eu-central-1"
UNIT = Unit(TYPE, ACCOUNT, REGION)
BEGIN = datetime(2026, 11, 20, 6, tzinfo=UTC)


def at(seconds: float) -> str:
    return (BEGIN + timedelta(seconds=seconds)).isoformat()


def estate(*volumes: tuple[str, bool], gap: Gap | None = None, listed: bool = True) -> Estate:
    look = Look("l", ACCOUNT, REGION, TYPE, "DescribeVolumes", None, 1, len(volumes), at(0), None, "")
    held = tuple(Resource(id_, TYPE, ACCOUNT, REGION, {"VolumeId": id_, "Encrypted": on}, {}, ("l",)) for id_, on in volumes)
    manifest = Manifest("upheld.estate/1", at(0), at(1), "t", {}, None, Scope({ACCOUNT: (REGION,)}, (TYPE,)))
    return Estate(manifest, {TYPE: held}, (look,) if listed else (), (gap,) if gap else ())


def one(effect: str = CHANGED, id_: str | None = "vol-1", **more: str) -> Unsettled:
    return Unsettled("e", "ModifyVolume", at(0), UNIT, id_, effect, **more)


def left(open_: Sequence[Unsettled], seen: Estate, seconds: float, looked: frozenset[Unit] = frozenset({UNIT})) -> list[Unsettled]:
    return settled(open_, seen, looked, CATALOGUE, (at(seconds), at(seconds + 1)))


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 100)), min_size=1, max_size=8))
def test_a_change_is_settled_by_two_reads_a_minute_apart_that_agree_and_by_nothing_less(reads: list[tuple[bool, int]]) -> None:
    open_, seconds, told = [one()], 0, list[tuple[bool, int]]()
    for encrypted, wait in reads:
        seconds += wait
        open_ = left(open_, estate(("vol-1", encrypted)), seconds)
        if not open_:
            (*_,) = told
            agreeing = [began for began, value in _runs(told) if value == encrypted]
            assert agreeing
            assert seconds - (agreeing[-1] + 1) >= APART.total_seconds()
            return
        told.append((encrypted, seconds))
    began, _ = _runs(told)[-1]
    assert told[-1][1] - (began + 1) < APART.total_seconds(), "nothing stays in doubt after two reads that agree"


def _runs(told: Sequence[tuple[bool, int]]) -> list[tuple[int, bool]]:
    """Since when reads have shown the same, and what."""
    found: list[tuple[int, bool]] = []
    for value, when in told:
        if not found or found[-1][1] != value:
            found.append((when, value))
    return found


def test_what_was_made_is_reflected_by_being_listed_and_what_was_deleted_by_not() -> None:
    there, nothing = estate(("vol-1", True)), estate()
    assert left([one(CREATED)], there, 0) == []
    assert len(left([one(CREATED)], nothing, 0)) == 1
    assert left([one(DELETED)], nothing, 0) == []
    assert len(left([one(DELETED)], there, 0)) == 1
    unlisted = Gap(TYPE, ACCOUNT, REGION, None, None, Reason.DENIED, "DescribeVolumes")
    assert len(left([one(DELETED)], estate(gap=unlisted), 0)) == 1
    assert len(left([one(DELETED)], estate(listed=False), 0)) == 1
    unseen = Gap(TYPE, ACCOUNT, REGION, "vol-1", None, Reason.FAILED, "")
    assert len(left([one(DELETED)], estate(gap=unseen), 0)) == 1


def test_what_was_not_looked_at_stays_in_doubt_as_it_was() -> None:
    held = one(read=at(0), seen="x")
    assert left([held], estate(("vol-1", True)), 600, frozenset()) == [held]
    assert left([held], estate(("vol-1", True)), 600, frozenset({Unit(TYPE, ACCOUNT, "eu-west-1")})) == [held]


def test_a_clock_that_is_set_back_settles_nothing() -> None:
    (held,) = left([one()], estate(("vol-1", True)), 600)
    (again_,) = left([held], estate(("vol-1", True)), 0)
    assert again_.read == at(1)


def test_what_could_not_be_seen_is_part_of_what_a_read_shows() -> None:
    (held,) = left([one()], estate(("vol-1", True)), 0)
    denied = Gap(TYPE, ACCOUNT, REGION, "vol-1", "Tags", Reason.DENIED, "x")
    assert len(left([held], estate(("vol-1", True), gap=denied), 100)) == 1


def test_when_to_look_again() -> None:
    assert due([]) is None
    first, second = one(read=at(0), seen="x"), one(id_="vol-2", read=at(30), seen="x")
    assert due([first, second]) == BEGIN + APART
    assert again([first, second], BEGIN + APART) == {UNIT}
    assert again([second], BEGIN + APART) == set()
    assert again([one()], BEGIN) == {UNIT}


def test_a_whole_unit_in_doubt_is_every_resource_of_it_and_its_listing() -> None:
    held = estate(("vol-1", True), ("vol-2", True))
    found = list(gaps([one(id_=None)], held, CATALOGUE))
    assert {(gap.id, gap.reason, gap.code) for gap in found} == {(id_, Reason.CHANGING, "ModifyVolume") for id_ in ("vol-1", "vol-2", None)}
    (named,) = gaps([one()], held, CATALOGUE)
    assert (named.id, named.region) == ("vol-1", REGION)


def change(name: str, **members: str) -> Change:
    told = {member.lower(): frozenset({value}) for member, value in members.items()}
    return Change("e", name, "ec2", at(0), ACCOUNT, REGION, told)


def doubted(event: Change, before: Estate, now: Estate) -> set[tuple[str, str | None, str]]:
    touch = touched(event, CATALOGUE, {TYPE: frozenset(), "aws.ec2.instance": frozenset()})
    assert touch is not None
    return {(held.unit.type, held.id, held.effect) for held in doubts(event, touch, CATALOGUE, before, now)}


def test_what_an_event_names_is_in_doubt_and_everything_where_it_names_nothing_that_is_known() -> None:
    held = estate(("vol-1", True), ("vol-2", True))
    assert doubted(change("ModifyVolume", volumeId="vol-1"), held, held) == {(TYPE, "vol-1", CHANGED)}
    assert doubted(change("ModifyVolume", resource=f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/vol-2"), held, held) == {
        (TYPE, "vol-2", CHANGED)
    }
    assert doubted(change("ModifyVolume", volumeId="another-name"), held, held) == {(TYPE, None, CHANGED)}
    assert doubted(change("CreateVolume", volumeId="vol-3"), held, held) == {(TYPE, "vol-3", CREATED)}
    assert doubted(change("CreateVolume", volumeId="vol-1"), held, held) == {(TYPE, "vol-1", CHANGED)}, "it was there already"
    assert doubted(change("CreateVolume", volumeId="vol-3"), held, estate(("vol-3", True))) == {(TYPE, "vol-3", CREATED)}
    assert doubted(change("RearrangeEverything"), held, held) == {(TYPE, None, CHANGED), ("aws.ec2.instance", None, CHANGED)}
