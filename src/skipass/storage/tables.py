"""The tables. A noun's table has exactly the noun's fields; the rest is the journal's own."""

from __future__ import annotations

import typing
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, PrimaryKeyConstraint, Table, Text

from skipass.nouns.account import ConnectedAccount, LinkAttempt, LoginMapping, Registration
from skipass.nouns.approval import Approval, Decision
from skipass.nouns.connection import Connection, Credential, McpServer
from skipass.nouns.grants import AuthCode, DeviceGrant
from skipass.nouns.groups import Membership
from skipass.nouns.mcp_tool import McpTool
from skipass.nouns.notice import Notice, Preview, Sighting
from skipass.nouns.oauth import Consent, OAuthClient, RefreshToken, TokenFamily
from skipass.nouns.people import Agent, ApiKey, SignInLink, Tenant, User
from skipass.nouns.policy import PolicyVersion
from skipass.nouns.review import Review
from skipass.nouns.session import AccessSession, AutomaticLeave
from skipass.nouns.signin import IdentityChange, SignIn
from skipass.nouns.statement import Statement
from skipass.storage.codec import plain_type

metadata = MetaData()

_NAMES: dict[type[Any], str] = {
    Tenant: "tenants",
    User: "users",
    Agent: "agents",
    ApiKey: "api_keys",
    SignInLink: "sign_in_links",
    Connection: "connections",
    Credential: "credentials",
    McpServer: "mcp_servers",
    AccessSession: "sessions",
    Statement: "statements",
    Approval: "approvals",
    Decision: "decisions",
    PolicyVersion: "policies",
    SignIn: "sign_ins",
    IdentityChange: "identity_changes",
    Notice: "notices",
    Preview: "previews",
    Sighting: "sightings",
    Membership: "memberships",
    Review: "reviews",
    AutomaticLeave: "automatic_leaves",
    ConnectedAccount: "connected_accounts",
    Registration: "registrations",
    LinkAttempt: "link_attempts",
    LoginMapping: "login_mappings",
    AuthCode: "auth_codes",
    DeviceGrant: "device_grants",
    McpTool: "mcp_tools",
    OAuthClient: "oauth_clients",
    Consent: "consents",
    TokenFamily: "token_families",
    RefreshToken: "refresh_tokens",
}


PASSING: frozenset[type[Any]] = frozenset(
    {ApiKey, AuthCode, DeviceGrant, OAuthClient, RefreshToken, Sighting, SignIn, SignInLink, TokenFamily}
)
"""The kinds whose rows are deleted when they have run out. Every other row stays for as long as the record does."""


def _column(kind: type[Any], name: str) -> Column[Any]:
    hint = typing.get_type_hints(kind)[name]
    plain = plain_type(hint)
    sql_type = {int: BigInteger, bool: BigInteger, datetime: BigInteger, bytes: LargeBinary}.get(plain, Text)
    return Column(name, sql_type, primary_key=name == "id", nullable=plain is not hint)


TABLES: dict[type[Any], Table] = {
    kind: Table(name, metadata, *(_column(kind, field.name) for field in fields(kind))) for kind, name in _NAMES.items()
}

Index("users_name", TABLES[User].c.tenant_id, TABLES[User].c.name, unique=True)
Index("agents_name", TABLES[Agent].c.tenant_id, TABLES[Agent].c.name, unique=True)
Index("connections_name", TABLES[Connection].c.tenant_id, TABLES[Connection].c.name, unique=True)
Index("mcp_servers_slug", TABLES[McpServer].c.slug, unique=True)
Index("mcp_tools_name", TABLES[McpTool].c.server_id, TABLES[McpTool].c.name, unique=True)
Index("api_keys_prefix", TABLES[ApiKey].c.prefix, unique=True)
Index("api_keys_owner", TABLES[ApiKey].c.owner_id)
Index("sign_in_links_hash", TABLES[SignInLink].c.hash, unique=True)
Index("sign_in_links_user", TABLES[SignInLink].c.user_id)
Index("credentials_connection", TABLES[Credential].c.connection_id, TABLES[Credential].c.state)
Index("credentials_account", TABLES[Credential].c.account_id, TABLES[Credential].c.role)
Index(
    "connected_accounts_user",
    TABLES[ConnectedAccount].c.tenant_id,
    TABLES[ConnectedAccount].c.connection_id,
    TABLES[ConnectedAccount].c.user_id,
    unique=True,
)
Index("registrations_connection", TABLES[Registration].c.connection_id, TABLES[Registration].c.account)
Index("link_attempts_hash", TABLES[LinkAttempt].c.hash, unique=True)
Index("link_attempts_state_hash", TABLES[LinkAttempt].c.state_hash)
Index("link_attempts_account", TABLES[LinkAttempt].c.account_id, TABLES[LinkAttempt].c.state)
Index("login_mappings_user", TABLES[LoginMapping].c.connection_id, TABLES[LoginMapping].c.user_id, unique=True)
Index("users_subject", TABLES[User].c.tenant_id, TABLES[User].c.subject, unique=True)
Index(
    "sessions_principal",
    TABLES[AccessSession].c.connection_id,
    TABLES[AccessSession].c.user_id,
    TABLES[AccessSession].c.state,
)
Index("sessions_user", TABLES[AccessSession].c.user_id, TABLES[AccessSession].c.id)
Index("sessions_agent", TABLES[AccessSession].c.agent_id, TABLES[AccessSession].c.id)
Index("sessions_state", TABLES[AccessSession].c.state, TABLES[AccessSession].c.expires_at)
Index("sessions_state_order", TABLES[AccessSession].c.state, TABLES[AccessSession].c.id)
Index("statements_session", TABLES[Statement].c.session_id, TABLES[Statement].c.intent_hash)
Index("statements_state", TABLES[Statement].c.state, TABLES[Statement].c.id)
Index("statements_handle", TABLES[Statement].c.handle)
Index("statements_caller_request", TABLES[Statement].c.session_id, TABLES[Statement].c.caller_request_id)
Index("approvals_state", TABLES[Approval].c.state, TABLES[Approval].c.expires_at)
Index("approvals_subject", TABLES[Approval].c.subject_id)
Index("policies_number", TABLES[PolicyVersion].c.tenant_id, TABLES[PolicyVersion].c.number, unique=True)
Index("decisions_person", TABLES[Decision].c.approval_id, TABLES[Decision].c.user_id, unique=True)
Index("sign_ins_hash", TABLES[SignIn].c.hash, unique=True)
Index("sign_ins_proof", TABLES[SignIn].c.proof, unique=True)
Index("sign_ins_user", TABLES[SignIn].c.user_id, TABLES[SignIn].c.proved_at)
Index("auth_codes_hash", TABLES[AuthCode].c.hash, unique=True)
Index("device_grants_hash", TABLES[DeviceGrant].c.hash, unique=True)
Index("api_keys_family", TABLES[ApiKey].c.family_id)
Index("oauth_clients_client_id", TABLES[OAuthClient].c.client_id, unique=True)
Index("oauth_clients_kind", TABLES[OAuthClient].c.kind, TABLES[OAuthClient].c.expires_at)
Index("consents_user", TABLES[Consent].c.user_id, TABLES[Consent].c.client_id, TABLES[Consent].c.resource)
Index("consents_client", TABLES[Consent].c.client_id)
Index("token_families_consent", TABLES[TokenFamily].c.consent_id)
Index("refresh_tokens_hash", TABLES[RefreshToken].c.hash, unique=True)
Index("refresh_tokens_family", TABLES[RefreshToken].c.family_id)
Index("device_grants_user_code", TABLES[DeviceGrant].c.user_code_hash, unique=True)
Index("identity_changes_user", TABLES[IdentityChange].c.user_id, TABLES[IdentityChange].c.at)
Index("notices_due", TABLES[Notice].c.state, TABLES[Notice].c.next_at)
Index("notices_approval", TABLES[Notice].c.approval_id)
Index("sightings_key", TABLES[Sighting].c.key_id, TABLES[Sighting].c.at)
Index(
    "memberships_member",
    TABLES[Membership].c.member_id,
    TABLES[Membership].c.name,
    TABLES[Membership].c.source,
    unique=True,
)
Index("memberships_name", TABLES[Membership].c.tenant_id, TABLES[Membership].c.name)
Index("reviews_state", TABLES[Review].c.tenant_id, TABLES[Review].c.state)
Index(
    "automatic_leaves_whose",
    TABLES[AutomaticLeave].c.agent_id,
    TABLES[AutomaticLeave].c.user_id,
    TABLES[AutomaticLeave].c.connection_id,
    unique=True,
)

events = Table(
    "events",
    metadata,
    Column("tenant_id", Text, nullable=False),
    Column("writer", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("session_id", Text),
    Column("body", Text, nullable=False),
    Column("prev_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    PrimaryKeyConstraint("tenant_id", "writer", "seq"),
)
Index("events_session", events.c.session_id, events.c.at_us)
Index("events_time", events.c.tenant_id, events.c.at_us)
Index("events_subject", events.c.tenant_id, events.c.subject, events.c.at_us)
Index("events_kind", events.c.tenant_id, events.c.kind, events.c.at_us)

writers = Table(
    "writers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("started_us", BigInteger, nullable=False),
    Column("heartbeat_us", BigInteger, nullable=False),
    Column("sealed_by", Text),
)

settings = Table("settings", metadata, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))

idempotency = Table(
    "idempotency",
    metadata,
    Column("tenant_id", Text, nullable=False),
    Column("principal", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("body_hash", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant_id", "principal", "route", "key"),
)
