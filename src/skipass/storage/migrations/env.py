"""Alembic's entry: brings the database at `sqlalchemy.url` to the newest revision, or writes the SQL that does.

Texts in PostgreSQL are ordered byte by byte, as in SQLite: an order that follows the operating system's locale can
change under an index.
"""

from __future__ import annotations

from typing import Any

from alembic import context
from sqlalchemy import Text, create_engine
from sqlalchemy.ext.compiler import compiles

from skipass.storage.tables import metadata


@compiles(Text, "postgresql")
def _text(_type: Text, _compiler: Any, **_: Any) -> str:
    return 'TEXT COLLATE "C"'


def _write_sql(url: str) -> None:
    # The caller runs it all in a transaction of its own.
    context.configure(url=url, target_metadata=metadata, literal_binds=True, transactional_ddl=False)
    with context.begin_transaction():
        context.run_migrations()


def _run(url: str) -> None:
    with create_engine(url).connect() as connection:
        context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
        with context.begin_transaction():
            context.run_migrations()


_url = context.config.get_main_option("sqlalchemy.url") or ""
if context.is_offline_mode():
    _write_sql(_url)
else:
    _run(_url)
