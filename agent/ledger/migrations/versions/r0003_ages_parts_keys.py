"""How long looks count; parts of a configuration that share a ledger; keys after the first one; runs that are leaves alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("findings", sa.Column("age", sa.Integer, nullable=False, server_default="172800"))
    op.add_column("findings", sa.Column("part", sa.String, nullable=False, server_default=""))
    op.add_column("promises", sa.Column("until", sa.String))
    op.add_column("promises", sa.Column("part", sa.String, nullable=False, server_default=""))
    op.add_column("runs", sa.Column("part", sa.String, nullable=False, server_default=""))
    op.create_index("ix_runs_finished", "runs", ["finished", "number"])
    op.create_index("ix_runs_part", "runs", ["part", "number", "finished"])
    op.create_table(
        "keys",
        sa.Column("after", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("introduction", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "prunings",
        sa.Column("through", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("statement", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
    )
    op.create_table("parts", sa.Column("name", sa.String, primary_key=True))
