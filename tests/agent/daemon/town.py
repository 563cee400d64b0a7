"""A small account of AWS, a queue that EventBridge puts its changes into, and the runs of an agent over it, with a clock to turn."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from agent import config
from agent.clock import Clock
from agent.collect.aws.accounts import AwsTarget
from agent.collect.aws.client import Deadline
from agent.collect.changes.sqs import SqsQueue
from agent.daemon.changing import Event
from agent.daemon.daemon import Book
from agent.daemon.kind_run import Runs
from agent.kind import CHANGES, WHOLE
from agent.ledger import changes, rows, tables
from agent.publish.result import Result
from checks.lifecycle import Known
from tests.world.proxy import FaultProxy
from tests.world.servers import environment, session

ACCOUNT, REGION, SECOND = "777788889999", "eu-central-1", "eu-west-1"
PROMISES = """
schema: upheld.promises/1
policies: [{id: security, title: Security, file: security.md}]
promises:
  - {id: networks, policy: security, quote: Our networks are closed., controls: [{id: network-acl}]}
  - {id: people, policy: security, quote: Our people use a second factor., controls: [{id: mfa}]}
"""
KEYS = "  - {id: keys, policy: security, quote: Our keys are well kept., controls: [{id: key-management}]}\n"
POLICY = "Our networks are closed. Our keys are well kept. Our people use a second factor.\n"


@dataclass
class Town:
    """The account, through a proxy; and where an agent keeps its state. `ahead`: by how much its clock is."""

    proxy: FaultProxy
    folder: Path
    queue: str = ""
    ahead: timedelta = timedelta()
    clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        given: Any = session(self.proxy.endpoint, ACCOUNT).get_credentials()
        keys = {"AWS_ACCESS_KEY_ID": given.access_key, "AWS_SECRET_ACCESS_KEY": given.secret_key, "AWS_SESSION_TOKEN": given.token}
        return {**environment(self.proxy.endpoint), **keys}

    def client(self, service: str, region: str = REGION) -> Any:
        if (service, region) not in self.clients:
            own: Any = session(self.proxy.endpoint, ACCOUNT)
            self.clients[service, region] = own.client(service, endpoint_url=self.proxy.endpoint, region_name=region)
        return self.clients[service, region]

    @property
    def clock(self) -> Clock:
        return Clock(lambda: datetime.now(UTC) + self.ahead)

    def settle(self, *, more: str = "", promises: str = "") -> Path:
        """Its upheld.yaml, and what is promised beside the usual."""
        (self.folder / "promises.yaml").write_text(PROMISES + promises)
        (self.folder / "security.md").write_text(POLICY)
        file = self.folder / "upheld.yaml"
        file.write_text(
            f"schema: upheld.config/1\nstate: state\npromises: [promises.yaml]\n"
            f'collect: {{aws: [{{account: "{ACCOUNT}", regions: [{REGION}, {SECOND}]}}]}}\n'
            f"agent: {{splay: 0, metrics: null, changes: [{{sqs: {{queue: '{self.queue}', region: {REGION}}}}}]{more}}}\n"
        )
        return file

    def begin(self, **more: str) -> tuple[Runs, Book]:
        """Runs as an agent that begins has them. Inside its environment only."""
        configuration = config.load(str(self.settle(**more)), {})
        state = self.folder / "state"
        state.mkdir(exist_ok=True)
        book = Book.open(configuration, {}, self.clock)
        return Runs.of(configuration, state, book.record, book.claim, book.unsettled()), book

    def reader(self) -> SqsQueue:
        """Inside its environment only."""
        return SqsQueue(AwsTarget(), self.queue, REGION, Deadline(math.inf), lambda: datetime.now(UTC))

    # -- what happens ------------------------------------------------------------------------------------------------

    def tell(self, name: str, source: str = "ec2", **detail: Any) -> None:
        """Put a call that CloudTrail recorded on the bus, whose rule sends it to the queue."""
        told = {
            "eventSource": f"{source}.amazonaws.com", "eventName": name, "awsRegion": REGION, "recipientAccountId": ACCOUNT,
            "eventTime": datetime.now(UTC).isoformat(), "eventID": str(uuid.uuid4()), "readOnly": False, **detail,
        }  # fmt: skip
        entry = {"Source": f"aws.{source}", "DetailType": "AWS API Call via CloudTrail", "Detail": json.dumps(told)}
        answer = self.client("events").put_events(Entries=[entry])
        assert not answer["FailedEntryCount"], answer

    def received(self) -> list[Event]:
        """The events that wait in the queue."""
        return [Event(self.queue, change.id, change) for message in self.reader().receive(0) for change in message.changes]

    def admit(self, acl: str, action: str, region: str = REGION) -> None:
        """Let an ACL `allow` everybody in, or `deny` it."""
        self.client("ec2", region).replace_network_acl_entry(
            NetworkAclId=acl, RuleNumber=100, Protocol="-1", RuleAction=action, Egress=False, CidrBlock="0.0.0.0/0"
        )

    def admitted(self, acl: str, action: str) -> list[Event]:
        """The same, and what the queue tells of it."""
        self.admit(acl, action)
        self.tell("ReplaceNetworkAclEntry", requestParameters={"networkAclId": acl, "ruleNumber": 100})
        return self.received()


def run(runs: Runs, town: Town, name: str = CHANGES, events: Sequence[Event] = (), stopping: Callable[[], bool] = lambda: False) -> Result:
    return runs.one(name, town.clock, [], stopping, events)


def whole(runs: Runs, town: Town) -> Result:
    return run(runs, town, WHOLE)


def found(book: Book) -> dict[tuple[str, str], Known]:
    """What the ledger knows, by rule and resource."""
    with book.place.database.reading() as connection:
        known = map(rows.finding, connection.execute(tables.findings.select()))
        return {(one.rule, one.resource.id): one for one in known}


def dealt_with(book: Book, queue: str, events: Sequence[Event]) -> set[str]:
    return changes.known(book.place.database, queue, [event.id for event in events])
