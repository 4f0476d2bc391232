"""The script that a customer's admin pastes into a worksheet, with the values of their own account. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from skipass.errors import SkipassError
from skipass.gateway.client_drafting import redirect_uri
from skipass.gateway.oauth_metadata import check_url, is_any_role
from skipass.nouns.account import Registration
from skipass.nouns.connection import AuthMethod, Connection
from skipass.snowflake.errors import SnowflakeConfigError
from skipass.snowflake.setup_idp import provider
from skipass.snowflake.setup_sql import (
    Access,
    ExternalOAuth,
    Integration,
    SnowflakeOAuth,
    external_oauth_script,
    integration_name,
    schema_path,
    snowflake_oauth_script,
)

_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Trusted:
    """The identity provider that a customer's account is to trust, as its admin names it.

    `idp` is one of okta, azure, ping_federate and custom. Without `keys_url` it follows from the issuer where it can;
    `audience` is one more to accept beside the account's own address.
    """

    idp: str = "custom"
    issuer: str = ""
    keys_url: str = ""
    audience: str = ""


def script_for(
    base_url: str, connection: Connection, registration: Registration, schema: str, trusted: Trusted
) -> str | None:
    """Return the script that lets the role read `DB.SCHEMA`; None where the issuer of a provider is not known yet.

    Raises `invalid_request` for what is no schema, no issuer, or an issuer whose keys nobody has named.
    """
    access = Access(connection.role, connection.warehouse, (checked_schema(schema),))
    return integration_script(base_url, connection, registration, access, trusted)


def integration_script(
    base_url: str, connection: Connection, registration: Registration, access: Access, trusted: Trusted
) -> str | None:
    """Return the script of a connection by OAuth that gives its role this access; None and raises as `script_for`."""
    roles = tuple(dict.fromkeys((connection.role, *connection.allowed_roles)))
    integration = Integration(integration_name(connection.name), access, roles)
    if connection.auth_method is AuthMethod.SNOWFLAKE_OAUTH:
        single_use = bool(registration.metadata.get("single_use_refresh_tokens"))
        return snowflake_oauth_script(
            integration, SnowflakeOAuth(redirect_uri(base_url, registration), single_use=single_use)
        )
    issuer = trusted.issuer.strip() or str(registration.metadata.get("issuer") or "")
    return external_oauth_script(integration, _external(registration, issuer, trusted)) if issuer else None


def _external(registration: Registration, issuer: str, trusted: Trusted) -> ExternalOAuth:
    keys_url = trusted.keys_url.strip() or str(registration.metadata.get("jwks_uri") or "")
    check_url(issuer, "The issuer")
    check_url(keys_url or None, "The address of its keys")
    audience = trusted.audience.strip()
    if len(audience) > _LONGEST or not audience.isprintable():
        raise SkipassError("invalid_request", "The audience is one printable line.")
    try:
        kind = provider(trusted.idp or "custom")
        keys = keys_url or kind.keys_url(issuer)
    except SnowflakeConfigError as error:
        hint = "Its discovery document calls it jwks_uri: fill it in."
        raise SkipassError("invalid_request", error.message, hint) from None
    return ExternalOAuth(
        kind=kind.kind,
        issuer=issuer,
        user_claim=kind.user_claim,
        keys_url=keys,
        audiences=(audience,) if audience else (),
        any_role=is_any_role(str(registration.metadata.get("scope", ""))),
    )


def checked_schema(text: str) -> tuple[str, str]:
    """Return the stored names of `DB.SCHEMA`, or raise `invalid_request`."""
    try:
        return schema_path(text)
    except SnowflakeConfigError as error:
        raise SkipassError("invalid_request", error.message, error.hint) from None
