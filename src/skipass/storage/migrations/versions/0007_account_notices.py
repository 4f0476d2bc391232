"""Notices about connected accounts, and whether a refresh replaces a credential's refresh token."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.add_column(sa.Column("account_id", sa.Text(), nullable=True))
    with op.batch_alter_table("credentials", schema=None) as batch_op:
        batch_op.add_column(sa.Column("rotates", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Take back; what was only told of accounts is dropped."""
    op.execute("DELETE FROM notices WHERE account_id IS NOT NULL")
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.drop_column("account_id")
    with op.batch_alter_table("credentials", schema=None) as batch_op:
        batch_op.drop_column("rotates")
