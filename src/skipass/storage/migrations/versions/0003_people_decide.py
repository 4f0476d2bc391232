"""Browser sign-ins, identity changes, notices, previews, sightings, and who may decide an approval."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TEXT, _INT = sa.Text, sa.BigInteger


def _table(name: str, *columns: tuple[str, Any, bool]) -> None:
    made = [sa.Column(column, kind(), nullable=nullable) for column, kind, nullable in columns]
    op.create_table(name, *made, sa.PrimaryKeyConstraint("id"))


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("approvals", schema=None) as batch_op:
        batch_op.add_column(sa.Column("deciders", sa.Text(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("confirm", sa.BigInteger(), nullable=False, server_default="0"))
    with op.batch_alter_table(
        "approvals", schema=None
    ) as batch_op:  # the code gives both; the defaults were for old rows
        batch_op.alter_column("deciders", server_default=None)
        batch_op.alter_column("confirm", server_default=None)
    owned = (("id", _TEXT, False), ("tenant_id", _TEXT, False))
    version = ("version", _INT, False)
    _table(
        "sign_ins",
        *owned,
        *((name, _TEXT, False) for name in ("user_id", "hash", "made_by")),
        *((name, _INT, False) for name in ("created_at", "expires_at")),
        *((name, _INT, True) for name in ("decided_at", "ended_at")),
        version,
    )
    op.create_index("sign_ins_hash", "sign_ins", ["hash"], unique=True)
    _table(
        "identity_changes", *owned, *((name, _TEXT, False) for name in ("user_id", "by", "what")), ("at", _INT, False)
    )
    op.create_index("identity_changes_user", "identity_changes", ["user_id", "at"])
    _table(
        "notices",
        *owned,
        *((name, _TEXT, False) for name in ("approval_id", "channel", "about", "state")),
        *((name, _INT, False) for name in ("created_at", "next_at", "attempts")),
        ("error", _TEXT, True),
        ("finished_at", _INT, True),
        version,
    )
    op.create_index("notices_due", "notices", ["state", "next_at"])
    op.create_index("notices_approval", "notices", ["approval_id"])
    _table("previews", *owned, ("sealed", sa.LargeBinary, False), ("created_at", _INT, False))
    _table(
        "sightings",
        *owned,
        *((name, _TEXT, False) for name in ("key_id", "address", "client")),
        ("at", _INT, False),
        version,
    )
    op.create_index("sightings_key", "sightings", ["key_id", "at"])


def downgrade() -> None:
    """Take back."""
    for name in ("sightings", "previews", "notices", "identity_changes", "sign_ins"):
        op.drop_table(name)
    with op.batch_alter_table("approvals", schema=None) as batch_op:
        batch_op.drop_column("confirm")
        batch_op.drop_column("deciders")
