"""What is to be told of a run, in the same transaction."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "messages",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("id", sa.String, nullable=False, unique=True),
        sa.Column("sink", sa.String, nullable=False),
        sa.Column("made", sa.BigInteger, nullable=False),
        sa.Column("due", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("blocks", sa.Integer, nullable=False),
        sa.Column("claimed", sa.BigInteger),
        sa.Column("ended", sa.BigInteger),
        sa.Column("outcome", sa.String),
        sa.Column("sent", sa.Integer, nullable=False),
    )
    waiting = sa.text("ended is null")
    op.create_index("ix_messages_waiting", "messages", ["sink", "number"], sqlite_where=waiting, postgresql_where=waiting)
    op.create_table(
        "events",
        sa.Column("sink", sa.String, primary_key=True),
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("message", sa.Integer, sa.ForeignKey("messages.number"), nullable=False, index=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("record", sa.String, nullable=False),
    )
