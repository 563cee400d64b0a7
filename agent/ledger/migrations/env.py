"""Alembic's entry: the connection is given, and its transaction is the caller's."""

from __future__ import annotations

from alembic import context

from agent.ledger.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
