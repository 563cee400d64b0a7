"""The outbox's tables. They are in the ledger's database, so that a run and what is to be told of it are there together."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, text

from agent.ledger.tables import metadata

messages: Final = Table(
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

events: Final = Table(
    "events",
    metadata,
    Column("sink", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("message", Integer, ForeignKey("messages.number"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("record", String, nullable=False),  # JSON
)
"""Whoever was told of an event is not told again: there is one row of each sink and event."""
