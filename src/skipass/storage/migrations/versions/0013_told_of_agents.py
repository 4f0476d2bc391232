"""Notices for the person whom somebody else let an agent act for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_COLUMNS = ("agent_id", "user_id")


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("notices", schema=None) as batch_op:
        for name in _COLUMNS:
            batch_op.add_column(sa.Column(name, sa.Text(), nullable=True))


def downgrade() -> None:
    """Take back; what was only told of agents is dropped."""
    op.execute("DELETE FROM notices WHERE agent_id IS NOT NULL")
    with op.batch_alter_table("notices", schema=None) as batch_op:
        for name in _COLUMNS:
            batch_op.drop_column(name)
