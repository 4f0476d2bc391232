"""Tools of relayed MCP servers, pinned; statements that call one; what becomes of tools that drift."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_TEXTS = ("tenant_id", "server_id", "name", "type", "effect", "state", "rule", "hash", "definition", "objects", "seen")
_TEXTS_OR_NONE = ("pinned_by", "identifier", "warehouse", "seen_hash", "why")
_NUMBERS = ("pinned_at", "seen_at", "read_only", "declared", "version")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "mcp_tools",
        sa.Column("id", sa.Text(), nullable=False, primary_key=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in _TEXTS),
        *(sa.Column(name, sa.Text(), nullable=True) for name in _TEXTS_OR_NONE),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _NUMBERS),
        sa.Column("timeout_s", sa.BigInteger(), nullable=True),
    )
    op.create_index("mcp_tools_name", "mcp_tools", ["server_id", "name"], unique=True)
    with op.batch_alter_table("statements", schema=None) as batch_op:
        batch_op.add_column(sa.Column("server_id", sa.Text(), nullable=True))
    with op.batch_alter_table("mcp_servers", schema=None) as batch_op:
        batch_op.add_column(sa.Column("drift", sa.Text(), nullable=False, server_default="held"))
    with op.batch_alter_table("mcp_servers", schema=None) as batch_op:  # the default was for old rows
        batch_op.alter_column("drift", server_default=None)


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("mcp_servers", schema=None) as batch_op:
        batch_op.drop_column("drift")
    with op.batch_alter_table("statements", schema=None) as batch_op:
        batch_op.drop_column("server_id")
    op.drop_index("mcp_tools_name", table_name="mcp_tools")
    op.drop_table("mcp_tools")
