"""OAuth clients, what people agreed to, and the families of tokens given for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_INDEXES = {
    "oauth_clients_client_id": ("oauth_clients", ["client_id"], True),
    "oauth_clients_kind": ("oauth_clients", ["kind", "expires_at"], False),
    "consents_user": ("consents", ["user_id", "client_id", "resource"], False),
    "consents_client": ("consents", ["client_id"], False),
    "token_families_consent": ("token_families", ["consent_id"], False),
    "refresh_tokens_hash": ("refresh_tokens", ["hash"], True),
    "refresh_tokens_family": ("refresh_tokens", ["family_id"], False),
    "api_keys_family": ("api_keys", ["family_id"], False),
}
_NEW = ("oauth_clients", "consents", "token_families", "refresh_tokens")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "oauth_clients",
        _id(),
        *_texts("tenant_id", "kind", "client_id", "name", "redirect_uris"),
        *_numbers("created_at"),
        *_texts("secret_hash", nullable=True),
        *_numbers("expires_at", nullable=True),
        *_texts("state"),
        *_numbers("version"),
    )
    op.create_table(
        "consents",
        _id(),
        *_texts("tenant_id", "user_id", "client_id", "agent_id", "resource", "scopes", "redirect_to"),
        *_numbers("created_at"),
        *_numbers("revoked_at", nullable=True),
        *_numbers("version"),
    )
    op.create_table(
        "token_families",
        _id(),
        *_texts("tenant_id", "consent_id", "client_id", "user_id", "agent_id", "resource", "scopes"),
        *_numbers("created_at"),
        *_numbers("revoked_at", nullable=True),
        *_numbers("version"),
    )
    op.create_table(
        "refresh_tokens",
        _id(),
        *_texts("tenant_id", "family_id", "hash", "salt"),
        *_numbers("created_at", "expires_at"),
        *_numbers("used_at", nullable=True),
        *_texts("successor_id", nullable=True),
        *_numbers("version"),
    )
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.add_column(sa.Column("family_id", sa.Text(), nullable=True))
    with op.batch_alter_table("auth_codes", schema=None) as batch_op:
        for name in ("resource", "consent_id", "family_id"):
            batch_op.add_column(sa.Column(name, sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("scopes", sa.Text(), nullable=False, server_default="[]"))
    with op.batch_alter_table("auth_codes", schema=None) as batch_op:  # the default was for old rows
        batch_op.alter_column("scopes", server_default=None)
    for name, (table, columns, unique) in _INDEXES.items():
        op.create_index(name, table, columns, unique=unique)


def downgrade() -> None:
    """Take back."""
    for name, (table, _, _) in _INDEXES.items():
        op.drop_index(name, table_name=table)
    with op.batch_alter_table("auth_codes", schema=None) as batch_op:
        for name in ("resource", "consent_id", "family_id", "scopes"):
            batch_op.drop_column(name)
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.drop_column("family_id")
    for table in _NEW:
        op.drop_table(table)


def _id() -> sa.Column[str]:
    return sa.Column("id", sa.Text(), primary_key=True, nullable=False)


def _texts(*names: str, nullable: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=nullable) for name in names]


def _numbers(*names: str, nullable: bool = False) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), nullable=nullable) for name in names]
