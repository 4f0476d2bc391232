"""Connected accounts, their registrations, link attempts and logins, and what credentials and people carry for them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TEXT, _INT, _BYTES = sa.Text, sa.BigInteger, sa.LargeBinary
_ADDED: dict[str, tuple[tuple[str, Any, str | None], ...]] = {
    "connections": (("per_user", _INT, "0"), ("template", _INT, "0"), ("settings", _TEXT, "{}")),
    "credentials": (
        ("account_id", _TEXT, None),
        ("expires_at", _INT, None),
        ("refresh_expires_at", _INT, None),
        ("deadline", _INT, None),
        ("ambiguous", _INT, "0"),
        ("version", _INT, "1"),
    ),
    "users": (
        ("subject", _TEXT, None),
        ("claims", _TEXT, "{}"),
        ("signed_in_at", _INT, None),
        ("end_user_of", _TEXT, None),
    ),
    "agents": (("return_urls", _TEXT, "[]"),),
}


def _table(name: str, *columns: tuple[str, Any, bool]) -> None:
    made = [sa.Column(column, kind(), nullable=nullable) for column, kind, nullable in columns]
    op.create_table(name, *made, sa.PrimaryKeyConstraint("id"))


def _all(kind: Any, nullable: bool, *names: str) -> list[tuple[str, Any, bool]]:
    return [(name, kind, nullable) for name in names]


def _add(table: str, columns: tuple[tuple[str, Any, str | None], ...]) -> None:
    with op.batch_alter_table(table, schema=None) as batch:
        for name, kind, default in columns:
            batch.add_column(sa.Column(name, kind(), nullable=default is None, server_default=default))
    with op.batch_alter_table(
        table, schema=None
    ) as batch:  # the code gives every value; the defaults were for old rows
        for name, _, default in columns:
            if default is not None:
                batch.alter_column(name, server_default=None)


def upgrade() -> None:
    """Apply."""
    for table, columns in _ADDED.items():
        _add(table, columns)
    owned = _all(_TEXT, False, "id", "tenant_id", "connection_id")
    named = _all(_TEXT, True, "login", "account", "host", "role", "warehouse", "database", "schema", "reason")
    _table(
        "connected_accounts",
        *owned,
        *_all(_TEXT, False, "user_id", "state"),
        ("created_at", _INT, False),
        ("registration_id", _TEXT, True),
        *named,
        ("linked_at", _INT, True),
        ("version", _INT, False),
    )
    _table(
        "registrations",
        *owned,
        *_all(_TEXT, False, "account", "host", "client_id", "client_auth"),
        ("created_at", _INT, False),
        ("sealed", _BYTES, True),
        *_all(_TEXT, False, "allowed_roles", "metadata", "state"),
        ("version", _INT, False),
    )
    _table(
        "link_attempts",
        *owned,
        *_all(_TEXT, False, "account_id", "user_id", "hash", "state"),
        *_all(_INT, False, "created_at", "expires_at"),
        *_all(_TEXT, True, "role", "registration_id", "state_hash"),
        ("sealed", _BYTES, True),
        ("sign_in_id", _TEXT, True),
        ("generation", _INT, False),
        *_all(_TEXT, True, "return_url", "code_hash", "reason"),
        ("version", _INT, False),
    )
    _table("login_mappings", *owned, *_all(_TEXT, False, "user_id", "login", "made_by"), ("created_at", _INT, False))
    op.create_index("credentials_account", "credentials", ["account_id", "role"])
    whose = ["tenant_id", "connection_id", "user_id"]
    op.create_index("connected_accounts_user", "connected_accounts", whose, unique=True)
    op.create_index("registrations_connection", "registrations", ["connection_id", "account"])
    op.create_index("link_attempts_hash", "link_attempts", ["hash"], unique=True)
    op.create_index("link_attempts_state_hash", "link_attempts", ["state_hash"])
    op.create_index("link_attempts_account", "link_attempts", ["account_id", "state"])
    op.create_index("login_mappings_user", "login_mappings", ["connection_id", "user_id"], unique=True)
    op.create_index("users_subject", "users", ["tenant_id", "subject"], unique=True)


def downgrade() -> None:
    """Take back."""
    op.drop_index("users_subject", "users")
    op.drop_index("credentials_account", "credentials")
    for name in ("login_mappings", "link_attempts", "registrations", "connected_accounts"):
        op.drop_table(name)
    for table, columns in _ADDED.items():
        with op.batch_alter_table(table, schema=None) as batch:
            for name, _, _ in columns:
                batch.drop_column(name)
