"""A run about changes: what they are about is looked at and judged again, and nothing else gets any younger."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agent.daemon.changing import Event
from agent.daemon.daemon import Book
from agent.daemon.kind_run import Stopped
from agent.kind import Kind
from agent.ledger import LedgerError
from agent.ledger.verify import verify
from checks.lifecycle import Known, Status
from checks.verdict import Verdict
from tests.agent.daemon.town import KEYS, REGION, Town, dealt_with, found, run, whole
from tests.world.faults import Fault

ACL, KEY = "aws-network-acl-admin-ports", "aws-kms-key-rotation"
MINUTE = timedelta(seconds=61)


def statuses(book: Book, *names: str) -> list[Status]:
    held = found(book)
    return [held[ACL, name].status for name in names]


def sealed(book: Book) -> list[str]:
    """What is wrong with the ledger."""
    verifier = book.signer.verifier
    with book.place.database.reading() as connection:
        return verify(connection, verifier, {}, book.place.evidence).problems


def untouched(book: Book) -> dict[tuple[str, str], Known]:
    """All that is known but what the ACLs of the first region came to, and the agent's own runs."""
    return {
        name: one
        for name, one in found(book).items()
        if one.resource.account != "run" and (one.resource.type, one.resource.region) != ("aws.ec2.network_acl", REGION)
    }


def test_what_changed_is_unproven_until_two_reads_a_minute_apart_agree(town: Town, acls: list[str]) -> None:
    runs, book = town.begin()
    whole(runs, town)
    assert statuses(book, *acls) == [Status.UPHELD, Status.UPHELD]
    assert len(untouched(book)) > 2
    before, calls = untouched(book), len(town.proxy.calls)
    events = town.admitted(acls[0], "allow")
    result = run(runs, town, events=events)
    asked = [call.operation for call in town.proxy.calls[calls:] if call.service == "ec2" and call.operation.startswith("Describe")]
    assert asked == ["DescribeRegions", "DescribeNetworkAcls"]
    assert statuses(book, *acls) == [Status.UNPROVEN, Status.UPHELD]
    assert "this resource is changing (ReplaceNetworkAclEntry at " in found(book)[ACL, acls[0]].cause
    assert {one.id: one.verdict for one in result.promises}["networks"] is Verdict.UNPROVEN
    town.ahead = timedelta(seconds=30)
    run(runs, town)
    assert statuses(book, acls[0]) == [Status.UNPROVEN], "half a minute is not one"
    town.ahead = MINUTE
    result = run(runs, town)
    assert statuses(book, *acls) == [Status.BROKEN, Status.UPHELD]
    assert {one.id: one.verdict for one in result.promises}["networks"] is Verdict.BROKEN
    assert untouched(book) == before, "nothing else was looked at: it is as it was, and as old"
    assert sealed(book) == []


def test_a_read_that_differs_from_the_last_one_begins_anew(town: Town, acls: list[str]) -> None:
    runs, book = town.begin()
    whole(runs, town)
    run(runs, town, events=town.admitted(acls[0], "allow"))
    town.admit(acls[0], "deny")  # what the first read after the event showed was not yet all
    town.ahead = MINUTE
    run(runs, town)
    assert statuses(book, acls[0]) == [Status.UNPROVEN]
    town.ahead = 2 * MINUTE
    run(runs, town)
    assert statuses(book, acls[0]) == [Status.UPHELD]


def test_what_was_made_is_judged_as_soon_as_it_is_listed_and_what_was_deleted_is_gone(town: Town, acls: list[str]) -> None:
    runs, book = town.begin(promises=KEYS)
    whole(runs, town)
    kms = town.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    town.tell("CreateKey", "kms", requestParameters={"keyUsage": "ENCRYPT_DECRYPT"}, responseElements={"keyMetadata": {"keyId": key}})
    run(runs, town, events=town.received())
    assert found(book)[KEY, key].status is Status.BROKEN
    ec2 = town.client("ec2")
    network = ec2.describe_network_acls(NetworkAclIds=[acls[0]])["NetworkAcls"][0]["VpcId"]
    made = ec2.create_network_acl(VpcId=network)["NetworkAcl"]["NetworkAclId"]
    (subnet,) = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [network]}])["Subnets"]
    (held,) = ec2.describe_network_acls(NetworkAclIds=[acls[0]])["NetworkAcls"][0]["Associations"]
    moved = ec2.replace_network_acl_association(AssociationId=held["NetworkAclAssociationId"], NetworkAclId=made)["NewAssociationId"]
    whole(runs, town)
    assert statuses(book, made) == [Status.UNPROVEN], "the emulator makes it without the entry that refuses the rest"
    ec2.replace_network_acl_association(AssociationId=moved, NetworkAclId=acls[0])
    ec2.delete_network_acl(NetworkAclId=made)
    assert subnet["VpcId"] == network
    town.tell("DeleteNetworkAcl", requestParameters={"networkAclId": made})
    run(runs, town, events=town.received())
    assert statuses(book, made) == [Status.GONE]
    assert "listed all there is" in found(book)[ACL, made].cause
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)


def test_what_could_not_be_read_again_is_unproven_and_not_gone(town: Town, acls: list[str]) -> None:
    runs, book = town.begin(promises=KEYS)
    whole(runs, town)
    town.tell("DeleteNetworkAcl", requestParameters={"networkAclId": acls[0]})
    town.proxy.inject(Fault("ec2", "DescribeNetworkAcls", "deny"))
    events = town.received()
    run(runs, town, events=events)
    assert statuses(book, *acls) == [Status.UNPROVEN, Status.UPHELD]
    assert dealt_with(book, town.queue, events)
    town.ahead = MINUTE
    run(runs, town)
    assert statuses(book, acls[0]) == [Status.UNPROVEN]
    assert runs.changing is not None
    assert runs.changing.unsettled == (), "two reads agree that it cannot be seen"


def test_an_unknown_name_has_every_type_of_its_source_read_again(town: Town, acls: list[str]) -> None:
    runs, book = town.begin()
    whole(runs, town)
    assert runs.changing is not None
    town.tell("RearrangeEverything", requestParameters={"speed": "high"})
    result = run(runs, town, events=town.received())
    read = {type_ for type_, *_ in result_units(book)}
    assert read == {name for name in runs.changing.plan if "ec2" in runs.inputs.book.catalogue[name].events}
    assert len(read) > 1
    assert statuses(book, *acls) == [Status.UNPROVEN, Status.UPHELD], "which one it was, nobody knows; the other region was not named"
    assert [one["name"] for one in result.changes] == ["RearrangeEverything"]


def result_units(book: Book) -> list[list[str]]:
    """What the newest run looked at, by its record."""
    from agent.ledger import rows, tables
    from agent.ledger.run_record import unpack

    with book.place.database.reading() as connection:
        stored = connection.execute(tables.runs.select().order_by(tables.runs.c.number.desc())).first()
    assert stored is not None
    held: list[list[str]] = unpack(rows.blob(stored.record))[0]["run"]["units"]
    return held


def test_of_a_source_that_nobody_knows_all_that_is_configured_is_looked_at(town: Town, acls: list[str]) -> None:
    runs, book = town.begin()
    whole(runs, town)
    town.tell("CreateKeyspace", "cassandra", requestParameters={"keyspaceName": "a"})
    events = town.received()
    assert runs.changing is not None
    assert runs.changing.touch(runs.inputs, events[0]) is None
    run(runs, town, events=events)
    assert not dealt_with(book, town.queue, events)
    run(runs, town, Kind.NETWORK, events)
    assert not dealt_with(book, town.queue, events)
    run(runs, town, Kind.SETTINGS, events)
    assert dealt_with(book, town.queue, events)
    unread = [Event(town.queue, "message:1")]
    run(runs, town, Kind.SETTINGS, unread)
    assert not dealt_with(book, town.queue, unread), "what nobody understands may be about anything"
    whole_run = runs.one("whole", town.clock, [], lambda: False, unread)
    assert dealt_with(book, town.queue, unread)
    assert whole_run.changes == [{"queue": town.queue, "event": "message:1"}]


def test_a_full_look_deals_with_what_waits_and_proves_nothing_that_is_in_doubt(town: Town, acls: list[str]) -> None:
    runs, book = town.begin()
    whole(runs, town)
    events = town.admitted(acls[0], "allow")
    run(runs, town, Kind.SETTINGS, events)
    assert dealt_with(book, town.queue, events)
    assert statuses(book, *acls) == [Status.UNPROVEN, Status.UPHELD]
    town.ahead = MINUTE
    run(runs, town, Kind.SETTINGS)
    assert statuses(book, *acls) == [Status.BROKEN, Status.UPHELD]
    assert sealed(book) == []


def test_what_is_in_doubt_outlives_the_process(town: Town, acls: list[str]) -> None:
    runs, book = town.begin()
    whole(runs, town)
    run(runs, town, events=town.admitted(acls[0], "allow"))
    again, _ = town.begin()
    whole(again, town)
    assert statuses(book, acls[0]) == [Status.UNPROVEN]
    town.ahead = MINUTE
    run(again, town)
    assert statuses(book, acls[0]) == [Status.BROKEN]


def test_a_run_that_is_not_recorded_has_dealt_with_nothing(town: Town, acls: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    runs, book = town.begin()
    whole(runs, town)
    events, known = town.admitted(acls[0], "allow"), found(book)

    def away(*_: object) -> None:
        raise LedgerError("the disk is full")

    kept, runs.record = runs.record, away
    with pytest.raises(LedgerError):
        run(runs, town, events=events)
    with pytest.raises(Stopped):
        run(runs, town, events=events, stopping=lambda: True)
    assert runs.changing is not None
    assert (runs.changing.unsettled, dealt_with(book, town.queue, events), found(book)) == ((), set(), known)
    runs.record = kept
    run(runs, town, events=events)
    assert dealt_with(book, town.queue, events)
    assert statuses(book, acls[0]) == [Status.UNPROVEN]
    assert sealed(book) == []


def test_what_nobody_else_looks_at_grows_old_however_often_something_changes(town: Town, acls: list[str]) -> None:
    runs, book = town.begin(more=", ledger: {max_age: 1h}")
    whole(runs, town)
    town.ahead = timedelta(minutes=50)
    run(runs, town, events=town.admitted(acls[0], "allow"))
    assert statuses(book, *acls) == [Status.UNPROVEN, Status.UPHELD]
    town.ahead = timedelta(minutes=70)
    result = run(runs, town)
    assert statuses(book, *acls) == [Status.BROKEN, Status.UNPROVEN]
    assert "stale: nobody looked since" in found(book)[ACL, acls[1]].cause
    networks, people = (one.controls[0].verdict for one in result.promises)
    assert (networks, people) == (Verdict.BROKEN, Verdict.UNPROVEN)
    assert sealed(book) == []


def test_calls_that_failed_or_only_read_ask_for_nothing(town: Town) -> None:
    town.tell("DescribeVolumes", readOnly=True)
    town.tell("DeleteVolume", errorCode="Client.UnauthorizedOperation", requestParameters={"volumeId": "vol-1"})
    assert town.received() == []
    assert REGION
