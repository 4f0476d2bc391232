"""Sessions found by whom they are for and by their agent, newest first."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_index("sessions_user", "sessions", ["user_id", "id"])
    op.create_index("sessions_agent", "sessions", ["agent_id", "id"])


def downgrade() -> None:
    """Take back."""
    op.drop_index("sessions_agent", table_name="sessions")
    op.drop_index("sessions_user", table_name="sessions")
