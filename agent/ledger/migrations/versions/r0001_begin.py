"""The first schema."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    ledger = op.create_table(
        "ledger",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("origin", sa.String, nullable=False),
        sa.Column("key", sa.String),
    )
    op.create_table(
        "runs",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("id", sa.String, nullable=False, unique=True),
        sa.Column("finished", sa.String, nullable=False),
        sa.Column("verdict", sa.String),
        sa.Column("record", sa.LargeBinary, nullable=False),
        sa.Column("leaf", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "checkpoints",
        sa.Column("size", sa.Integer, sa.ForeignKey("runs.number"), primary_key=True, autoincrement=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("time", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "findings",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("id", sa.String, nullable=False, unique=True),
        *(sa.Column(name, sa.String, nullable=False) for name in ("rule", "severity", "type", "resource", "account", "region")),
        *(sa.Column(name, sa.String, nullable=False) for name in ("promises", "status", "cause", "counterexample")),
        sa.Column("accepted", sa.String),
        *(sa.Column(name, sa.String, nullable=False) for name in ("digest", "first_seen", "last_seen", "since")),
        sa.Column("opened", sa.String),
        sa.Column("repaired", sa.String),
        sa.Column("openings", sa.Integer, nullable=False),
    )
    op.create_table(
        "observations",
        *_of_a_finding(),
        sa.Column("verdict", sa.String, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
    )
    op.create_table(
        "transitions",
        *_of_a_finding(),
        sa.Column("before", sa.String),
        *(sa.Column(name, sa.String, nullable=False) for name in ("after", "change", "cause", "at")),
    )
    op.create_table(
        "promises",
        sa.Column("run", sa.Integer, sa.ForeignKey("runs.number"), primary_key=True, autoincrement=False),
        sa.Column("promise", sa.String, primary_key=True, index=True),
        sa.Column("verdict", sa.String),
        sa.Column("open", sa.String),
        sa.Column("at", sa.String, nullable=False),
    )
    op.create_table(
        "coverage",
        sa.Column("run", sa.Integer, sa.ForeignKey("runs.number"), primary_key=True, autoincrement=False),
        sa.Column("promise", sa.String, primary_key=True),
        sa.Column("control", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("rule", sa.String, primary_key=True),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("known", "seen", "gaps")),
    )
    op.bulk_insert(ledger, [{"id": 1, "origin": secrets.token_hex(16), "key": None}])


def _of_a_finding() -> list[sa.Column[int]]:
    """What identifies a row about one finding in one run."""
    return [
        sa.Column("run", sa.Integer, sa.ForeignKey("runs.number"), primary_key=True, autoincrement=False),
        sa.Column("finding", sa.Integer, sa.ForeignKey("findings.number"), primary_key=True, autoincrement=False, index=True),
    ]
