"""Alembic's entry: brings the database at `sqlalchemy.url` to the newest revision."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine

from skipass.storage.tables import metadata

engine = create_engine(context.config.get_main_option("sqlalchemy.url") or "")
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
