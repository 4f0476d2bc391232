"""The scripts that make a security integration: Snowflake's own OAuth, a provider's tokens, or the gateway's.

An integration is made disabled, if it is not there yet, and then brought to what it should be: running the script again
changes neither its client id nor its secrets, and a script that stopped half-way lets nobody in.
Source: https://docs.snowflake.com/en/sql-reference/sql/create-security-integration-oauth-snowflake ,
…/create-security-integration-oauth-external , …/alter-security-integration-oauth-snowflake ,
…/alter-security-integration-oauth-external
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from skipass.snowflake.setup_sql.access import AI_FUNCTIONS, Access, grants, role_and_warehouse
from skipass.snowflake.setup_sql.network import network_policy, policy_name
from skipass.snowflake.setup_sql.service import AGAIN, NO_WAREHOUSE
from skipass.snowflake.setup_sql.text import literal, literals, name, public_key_literal

MAY = "-- Whoever runs this has ACCOUNTADMIN: an integration takes it, and the script switches roles."
COMMENT = "Access of AI agents for each user, through skipass"
REFRESH_S = 7_776_000


@dataclass(frozen=True, slots=True)
class Integration:
    """What every integration has: `roles` are those that may be asked for, `egress` the gateway's addresses."""

    name: str
    access: Access
    roles: tuple[str, ...]
    egress: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SnowflakeOAuth:
    """The gateway as a client of Snowflake's own authorization server; with `client_key` (base 64 DER) it signs."""

    redirect_uri: str
    single_use: bool = True
    client_key: str | None = None


@dataclass(frozen=True, slots=True)
class ExternalOAuth:
    """A trusted issuer. `kind` is OKTA, AZURE, PING_FEDERATE or CUSTOM; keys by URL, or as base 64 DER.

    `user_claim` is compared with the users' `user_attribute` (LOGIN_NAME or EMAIL_ADDRESS).
    """

    kind: str
    issuer: str
    user_claim: str
    keys_url: str | None = None
    keys: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    user_attribute: str = "LOGIN_NAME"
    any_role: bool = False
    scope_claim: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)


def integration_name(connection: str) -> str:
    """Return the name of a connection's integration, as Snowflake stores it."""
    return "SKIPASS_" + connection.upper().replace("-", "_")


def snowflake_oauth_script(integration: Integration, oauth: SnowflakeOAuth) -> str:
    """Return the whole script for a connection of method `snowflake_oauth`; its last statement shows id and secret."""
    fixed = {"TYPE": "OAUTH", "OAUTH_CLIENT": "CUSTOM", "OAUTH_CLIENT_TYPE": "'CONFIDENTIAL'"}
    plain = {"OAUTH_REDIRECT_URI": literal(oauth.redirect_uri)}
    if oauth.redirect_uri.startswith("http://"):
        plain["OAUTH_ALLOW_NON_TLS_REDIRECT_URI"] = "TRUE"
    wanted = plain | {
        "OAUTH_ENFORCE_PKCE": "TRUE",
        "OAUTH_ISSUE_REFRESH_TOKENS": "TRUE",
        "OAUTH_REFRESH_TOKEN_VALIDITY": str(REFRESH_S),
        "OAUTH_SINGLE_USE_REFRESH_TOKENS_REQUIRED": "TRUE" if oauth.single_use else "FALSE",
        "OAUTH_USE_SECONDARY_ROLES": "NONE",
        "ALLOWED_ROLES_LIST": literals(integration.roles),
    }
    if oauth.client_key is not None:
        wanted["OAUTH_CLIENT_RSA_PUBLIC_KEY"] = public_key_literal(oauth.client_key)
    made = fixed | plain | {"IS_AGENTIC": "TRUE", "COMMENT": literal(COMMENT)}
    shown = [
        "",
        "-- It shows the client's id and secret: skipass connection client takes them. Paste them nowhere else.",
        f"SELECT SYSTEM$SHOW_OAUTH_CLIENT_SECRETS({literal(integration.name)});",
    ]
    return _script(integration, made, wanted, shown)


def external_oauth_script(integration: Integration, oauth: ExternalOAuth) -> str:
    """Return the whole script for a connection whose tokens come from a trusted issuer; it holds no secret."""
    issuer = {
        "EXTERNAL_OAUTH_TYPE": oauth.kind,
        "EXTERNAL_OAUTH_ISSUER": literal(oauth.issuer),
        "EXTERNAL_OAUTH_TOKEN_USER_MAPPING_CLAIM": literal(oauth.user_claim),
        "EXTERNAL_OAUTH_SNOWFLAKE_USER_MAPPING_ATTRIBUTE": literal(oauth.user_attribute),
    }
    wanted = issuer | _keys(oauth)
    if oauth.audiences:
        wanted["EXTERNAL_OAUTH_AUDIENCE_LIST"] = literals(oauth.audiences)
    if oauth.scope_claim is not None:
        wanted["EXTERNAL_OAUTH_SCOPE_MAPPING_ATTRIBUTE"] = literal(oauth.scope_claim)
    if oauth.any_role:
        wanted["EXTERNAL_OAUTH_ANY_ROLE_MODE"] = "ENABLE"
    wanted["EXTERNAL_OAUTH_ALLOWED_ROLES_LIST"] = literals(integration.roles)
    made = {"TYPE": "EXTERNAL_OAUTH", **issuer, **_keys(oauth), "IS_AGENTIC": "TRUE", "COMMENT": literal(COMMENT)}
    return _script(integration, made, wanted, list(_about_roles()))


def set_issuer_key(integration: str, public_key: str, *, second: bool) -> str:
    """Return the statement that lets an account trust a further key of the issuer."""
    option = "EXTERNAL_OAUTH_RSA_PUBLIC_KEY_2" if second else "EXTERNAL_OAUTH_RSA_PUBLIC_KEY"
    return f"ALTER SECURITY INTEGRATION {name(integration)} SET {option} = {public_key_literal(public_key)};"


def disable_integration(integration: str) -> str:
    """Return the statement that ends everything that comes through an integration."""
    return f"ALTER SECURITY INTEGRATION {name(integration)} SET ENABLED = FALSE;"


def _keys(oauth: ExternalOAuth) -> dict[str, str]:
    if oauth.keys_url:
        return {"EXTERNAL_OAUTH_JWS_KEYS_URL": literal(oauth.keys_url)}
    options = ("EXTERNAL_OAUTH_RSA_PUBLIC_KEY", "EXTERNAL_OAUTH_RSA_PUBLIC_KEY_2")
    return {option: public_key_literal(key) for option, key in zip(options, oauth.keys, strict=False)}


def _script(integration: Integration, made: dict[str, str], wanted: dict[str, str], last: list[str]) -> str:
    if integration.egress:
        wanted = wanted | {"NETWORK_POLICY": literal(policy_name(integration.name))}
    access, owner = integration.access, name(integration.name)
    lines = [MAY, AGAIN, *([NO_WAREHOUSE] if access.warehouse is None else []), ""]
    lines += [*role_and_warehouse(access), *grants(access), "", "USE ROLE ACCOUNTADMIN;"]
    lines += network_policy(integration.name, integration.egress)
    lines += [f"CREATE SECURITY INTEGRATION IF NOT EXISTS {owner}", *_options(made | {"ENABLED": "FALSE"})]
    lines += [f"ALTER SECURITY INTEGRATION {owner} SET", *_options(wanted | {"ENABLED": "TRUE"}), *last]
    lines += AI_FUNCTIONS
    return "\n".join(lines) + "\n"


def _options(options: dict[str, str]) -> Iterator[str]:
    for index, (option, value) in enumerate(options.items(), start=1):
        yield f"  {option} = {value}{';' if index == len(options) else ''}"


def _about_roles() -> Iterator[str]:
    yield ""
    yield "-- Administrative roles stay blocked: EXTERNAL_OAUTH_BLOCKED_ROLES_LIST names them by itself."
    yield "-- A user's DEFAULT_SECONDARY_ROLES come along in these sessions: for users that only agents act for, take"
    yield "-- them off (ALTER USER … SET DEFAULT_SECONDARY_ROLES = ()). skipass connection test says what is wider."
