"""Sessions and statements of one state, in the order of their ids, so that no list of them sorts or scans."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_index("sessions_state_order", "sessions", ["state", "id"])
    op.drop_index("statements_state", table_name="statements")
    op.create_index("statements_state", "statements", ["state", "id"])


def downgrade() -> None:
    """Take back."""
    op.drop_index("statements_state", table_name="statements")
    op.create_index("statements_state", "statements", ["state"])
    op.drop_index("sessions_state_order", table_name="sessions")
