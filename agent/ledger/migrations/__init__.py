"""How the ledger's schema came about, step by step; Alembic runs what a database lacks."""
