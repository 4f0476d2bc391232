"""Events found by what they are about and by their kind, in order of time."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_index("events_subject", "events", ["tenant_id", "subject", "at_us"])
    op.create_index("events_kind", "events", ["tenant_id", "kind", "at_us"])


def downgrade() -> None:
    """Take back."""
    op.drop_index("events_kind", table_name="events")
    op.drop_index("events_subject", table_name="events")
