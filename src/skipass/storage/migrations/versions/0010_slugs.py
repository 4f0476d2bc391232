"""Slugs: an upstream, and who is let in; agents that are somebody's MCP client."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TEXT, _NUMBER = sa.Text(), sa.BigInteger()
_LISTS = ("users", "groups", "clients", "tools")
_WORDS = {**dict.fromkeys(_LISTS, "[]"), "sessions": "automatic"}
_NUMBERS = {"agents_of_connection": "0", "version": "1"}


def upgrade() -> None:
    """Apply; a slug that named no agents let in all those of its connection, and goes on to."""
    with op.batch_alter_table("mcp_servers", schema=None) as batch_op:
        batch_op.add_column(sa.Column("upstream", sa.Text(), nullable=True))
        for name, default in _WORDS.items():
            batch_op.add_column(sa.Column(name, _TEXT, nullable=False, server_default=default))
        for name, default in _NUMBERS.items():
            batch_op.add_column(sa.Column(name, _NUMBER, nullable=False, server_default=default))
    with op.batch_alter_table("mcp_servers", schema=None) as batch_op:  # the defaults were for old rows
        for name in (*_WORDS, *_NUMBERS):
            batch_op.alter_column(name, server_default=None)
    op.execute("UPDATE mcp_servers SET agents_of_connection = 1 WHERE agents = '[]'")
    with op.batch_alter_table("agents", schema=None) as batch_op:
        batch_op.add_column(sa.Column("client_id", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("agents", schema=None) as batch_op:
        batch_op.drop_column("client_id")
    with op.batch_alter_table("mcp_servers", schema=None) as batch_op:
        for name in ("upstream", *_WORDS, *_NUMBERS):
            batch_op.drop_column(name)
