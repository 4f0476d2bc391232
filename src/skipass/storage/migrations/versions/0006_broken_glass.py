"""Sessions that break the glass, the reviews they owe, notices of them, and leave for automatic sessions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("break_glass", sa.BigInteger(), nullable=False, server_default="0"))
    with op.batch_alter_table("sessions", schema=None) as batch_op:  # the code gives it; the default was for old rows
        batch_op.alter_column("break_glass", server_default=None)
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.alter_column("approval_id", existing_type=sa.Text(), nullable=True)
        batch_op.add_column(sa.Column("review_id", sa.Text(), nullable=True))
    op.create_table(
        "reviews",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("id", "tenant_id", "session_id", "state")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("requester_id", "deciders", "comment")),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("owner_id", "agent_id", "closed_by")),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("reviews_state", "reviews", ["tenant_id", "state"])
    op.create_table(
        "automatic_leaves",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("id", "tenant_id", "agent_id", "user_id")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("connection_id", "by")),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("automatic_leaves_whose", "automatic_leaves", ["agent_id", "user_id", "connection_id"], unique=True)


def downgrade() -> None:
    """Take back; what was only told of broken glass is dropped."""
    op.drop_table("automatic_leaves")
    op.drop_table("reviews")
    op.execute("DELETE FROM notices WHERE approval_id IS NULL")
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.drop_column("review_id")
        batch_op.alter_column("approval_id", existing_type=sa.Text(), nullable=False)
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.drop_column("break_glass")
