"""Who is in which group."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "memberships",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("id", "tenant_id", "name", "kind", "member_id")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("source", "by")),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("memberships_member", "memberships", ["member_id", "name", "source"], unique=True)
    op.create_index("memberships_name", "memberships", ["tenant_id", "name"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("memberships")
