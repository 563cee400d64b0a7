"""The tables of the ledger.

`runs` is the memory itself: each run's canonical JSON, sealed. All others but `checkpoints` and the outbox say again what stands in it, for
queries to find, and `upheld ledger verify` holds them against it.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table, text

HEAD: Final = "0004"
"""The newest revision of the schema."""

metadata = MetaData()

ledger = Table(
    "ledger",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("origin", String, nullable=False),  # what tells this ledger from all others
    Column("key", String),  # the id of the key that seals it
)
"""One row, which whoever adds a run locks."""

runs = Table(
    "runs",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("id", String, nullable=False, unique=True),
    Column("finished", String, nullable=False),  # of what was collected, RFC 3339 in UTC
    Column("verdict", String),
    Column("record", LargeBinary, nullable=False),  # canonical JSON (RFC 8785), compressed with zlib; empty where it was pruned
    Column("leaf", LargeBinary, nullable=False),
    Column("part", String, nullable=False, server_default=""),  # of the configuration, where several agents share the ledger
    # What stands behind a record is reached through all of it: these are there so that nobody has to.
    Index("ix_runs_finished", "finished", "number"),
    Index("ix_runs_part", "part", "number", "finished"),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("size", Integer, ForeignKey("runs.number"), primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("time", String, nullable=False),
    Column("key", String, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)
"""The signed head of the tree after each run."""

keys = Table(
    "keys",
    metadata,
    Column("after", Integer, primary_key=True, autoincrement=False),  # how many runs were sealed before it
    Column("introduction", LargeBinary, nullable=False),  # canonical JSON, signed by the new key, and by the old one unless that was lost
)
"""The keys that seal the ledger after its first one."""

prunings = Table(
    "prunings",
    metadata,
    Column("through", Integer, primary_key=True, autoincrement=False),
    Column("statement", LargeBinary, nullable=False),  # canonical JSON, signed
    Column("state", LargeBinary, nullable=False),  # how findings stood after the run `through`, compressed with zlib
)
"""The last pruning: up to which run there are leaves and no records any more, and from where the others can be told."""

parts = Table(
    "parts",
    metadata,
    Column("name", String, primary_key=True),
)
"""One row for each part of a configuration, which whoever judges it locks as long as that takes."""

findings = Table(
    "findings",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("id", String, nullable=False, unique=True),
    Column("rule", String, nullable=False),
    Column("severity", String, nullable=False),
    Column("type", String, nullable=False),
    Column("resource", String, nullable=False),
    Column("account", String, nullable=False),
    Column("region", String, nullable=False),
    Column("promises", String, nullable=False),  # separated by blanks
    Column("status", String, nullable=False),
    Column("cause", String, nullable=False),
    Column("counterexample", String, nullable=False),
    Column("accepted", String),
    Column("digest", String, nullable=False),
    Column("first_seen", String, nullable=False),
    Column("last_seen", String, nullable=False),
    Column("since", String, nullable=False),
    Column("opened", String),
    Column("repaired", String),
    Column("openings", Integer, nullable=False),
    Column("age", Integer, nullable=False, server_default="172800"),  # seconds that it counts that it was seen
    Column("part", String, nullable=False, server_default=""),
)

observations = Table(
    "observations",
    metadata,
    Column("run", Integer, ForeignKey("runs.number"), primary_key=True, autoincrement=False),
    Column("finding", Integer, ForeignKey("findings.number"), primary_key=True, autoincrement=False, index=True),
    Column("verdict", String, nullable=False),
    Column("digest", String, nullable=False),
)
"""In which run a finding was first observed to be as it is; the runs between two of its rows saw the same, or did not look."""

transitions = Table(
    "transitions",
    metadata,
    Column("run", Integer, ForeignKey("runs.number"), primary_key=True, autoincrement=False),
    Column("finding", Integer, ForeignKey("findings.number"), primary_key=True, autoincrement=False, index=True),
    Column("before", String),
    Column("after", String, nullable=False),
    Column("change", String, nullable=False),
    Column("cause", String, nullable=False),
    Column("at", String, nullable=False),
)

promises = Table(
    "promises",
    metadata,
    Column("run", Integer, ForeignKey("runs.number"), primary_key=True, autoincrement=False),
    Column("promise", String, primary_key=True, index=True),
    Column("verdict", String),
    Column("open", String),  # without what a person accepts
    Column("at", String, nullable=False),
    Column("until", String),  # up to when that counts where nobody looks again
    Column("part", String, nullable=False, server_default=""),
)

coverage = Table(
    "coverage",
    metadata,
    Column("run", Integer, ForeignKey("runs.number"), primary_key=True, autoincrement=False),
    Column("promise", String, primary_key=True),  # empty for rules that no promise asks for
    Column("control", Integer, primary_key=True, autoincrement=False),  # its place within the promise
    Column("rule", String, primary_key=True),
    Column("known", Integer, nullable=False),
    Column("seen", Integer, nullable=False),
    Column("gaps", Integer, nullable=False),
)
"""Of each rule, how many things it is about, how many were decided, and how many could not be seen."""

messages = Table(
    "messages",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String, nullable=False, unique=True),  # the idempotency key
    Column("sink", String, nullable=False),
    Column("made", BigInteger, nullable=False),  # times are seconds since 1970 in UTC
    Column("due", BigInteger, nullable=False),  # not before: the end of a digest, or of the wait after a failure
    Column("attempts", Integer, nullable=False),
    Column("blocks", Integer, nullable=False),  # 1 where what comes behind it waits, too
    Column("claimed", BigInteger),  # until when whoever sends it has it to himself
    Column("ended", BigInteger),  # when it was sent, or given up
    Column("outcome", String),  # how it ended, or why it did not arrive the last time
    Column("sent", Integer, nullable=False),  # 1 where the receiver has it
    Index("ix_messages_waiting", "sink", "number", sqlite_where=text("ended is null"), postgresql_where=text("ended is null")),
)
"""The outbox: what one sink is told at once, until its receiver has it. It is not sealed: it says nothing that the runs do not."""

events = Table(
    "events",
    metadata,
    Column("sink", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("message", Integer, ForeignKey("messages.number"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("record", String, nullable=False),  # JSON
)
"""Whoever was told of an event is not told again: there is one row of each sink and event."""

changes = Table(
    "changes",
    metadata,
    Column("queue", String, primary_key=True),
    Column("event", String, primary_key=True),
    Column("run", Integer, ForeignKey("runs.number"), nullable=False, index=True),
    Column("made", BigInteger, nullable=False),  # seconds since 1970 in UTC
)
"""Which events of a queue were dealt with, and in which run: one that is delivered again makes no second one. It is not sealed."""

unsettled = Table(
    "unsettled",
    metadata,
    Column("part", String, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("event", String, nullable=False),
    Column("name", String, nullable=False),
    Column("at", String, nullable=False),
    Column("type", String, nullable=False),
    Column("account", String, nullable=False),
    Column("region", String, nullable=False),
    Column("resource", String),
    Column("effect", String, nullable=False),
    Column("read", String),
    Column("seen", String),
)
"""What changes leave in doubt until it was read often enough. It is not sealed: each run says what it could not prove for it."""
