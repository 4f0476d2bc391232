"""What a sign-in was proved by; codes and devices of our own authorization server."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def _columns(kind: Any, nullable: bool, *names: str) -> list[Any]:
    return [sa.Column(name, kind(), nullable=nullable) for name in names]


def upgrade() -> None:
    """Apply; whoever signed in by a link proved who they are right then."""
    with op.batch_alter_table("sign_ins", schema=None) as batch_op:
        batch_op.add_column(sa.Column("proved_at", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("proof", sa.Text(), nullable=True))
    op.execute("UPDATE sign_ins SET proved_at = created_at")
    op.create_index("sign_ins_proof", "sign_ins", ["proof"], unique=True)
    op.create_index("sign_ins_user", "sign_ins", ["user_id", "proved_at"])
    op.create_table(
        "auth_codes",
        *_columns(sa.Text, False, "id", "tenant_id", "client_id", "user_id", "hash", "redirect_uri", "challenge"),
        *_columns(sa.BigInteger, False, "created_at", "expires_at"),
        *_columns(sa.BigInteger, True, "used_at"),
        *_columns(sa.Text, True, "key_id"),
        *_columns(sa.BigInteger, False, "version"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "device_grants",
        *_columns(sa.Text, False, "id", "tenant_id", "client_id", "hash", "user_code_hash", "state"),
        *_columns(sa.BigInteger, False, "created_at", "expires_at"),
        *_columns(sa.Text, True, "address", "user_id"),
        *_columns(sa.BigInteger, True, "polled_at"),
        *_columns(sa.BigInteger, False, "version"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("auth_codes_hash", "auth_codes", ["hash"], unique=True)
    op.create_index("device_grants_hash", "device_grants", ["hash"], unique=True)
    op.create_index("device_grants_user_code", "device_grants", ["user_code_hash"], unique=True)


def downgrade() -> None:
    """Take back."""
    op.drop_table("device_grants")
    op.drop_table("auth_codes")
    op.drop_index("sign_ins_user", "sign_ins")
    op.drop_index("sign_ins_proof", "sign_ins")
    with op.batch_alter_table("sign_ins", schema=None) as batch_op:
        batch_op.drop_column("proof")
        batch_op.drop_column("proved_at")
