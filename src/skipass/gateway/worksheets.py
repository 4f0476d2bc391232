"""What an admin of the Snowflake account pastes into a worksheet, for a connection that is registered or about to be.

The gateway knows its connections' public keys and redirect addresses, so it writes the whole script. There is no
secret in it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from skipass.errors import SkipassError
from skipass.gateway.connections import Connections, Known
from skipass.gateway.deps import Deps
from skipass.gateway.issuer import issuer_url
from skipass.gateway.issuing import Issuing
from skipass.gateway.people import require
from skipass.gateway.setup_scripts import Trusted, checked_schema, integration_script
from skipass.gateway.upstream import credential_place
from skipass.nouns.connection import AuthMethod, Connection, Credential
from skipass.nouns.principal import Principal, Role
from skipass.snowflake.auth.keys import load_private_key, public_der
from skipass.snowflake.auth.vouched import USER_CLAIM
from skipass.snowflake.errors import SnowflakeConfigError
from skipass.snowflake.setup_sql import (
    Access,
    ExternalOAuth,
    Integration,
    Service,
    external_oauth_script,
    integration_name,
    service_script,
)
from skipass.vault.seal import unseal

Text = TypeVar("Text")
TOKEN = "SKIPASS"  # noqa: S105 - the name that a token gets in Snowflake


@dataclass(frozen=True, slots=True)
class Wish:
    """What of a script is not the connection's own, all as typed.

    `schema` is `DB.SCHEMA`, the connection's own where empty; `users` are the Snowflake users who get the role;
    `egress` are the addresses the gateway is seen from; `trusted` is for a connection by an identity provider.
    """

    schema: str = ""
    users: tuple[str, ...] = ()
    write: bool = False
    egress: tuple[str, ...] = ()
    trusted: Trusted = field(default_factory=Trusted)


class Worksheets:
    """The use cases of the script for a worksheet."""

    def __init__(self, deps: Deps, connections: Connections, issuing: Issuing) -> None:
        self._deps, self._connections, self._issuing = deps, connections, issuing

    async def script(self, principal: Principal, name: str, wish: Wish) -> str:
        """Return the whole script for a connection; raises `unknown_connection`, `missing_field`, `invalid_request`."""
        require(principal, Role.ADMIN)
        known = await self._connections.show(principal, name)
        connection = known.connection
        if connection.auth_method is AuthMethod.EXTERNAL_OAUTH_ISSUER:
            return await self._vouching(principal, connection, wish)
        if connection.template:
            hint = "A set-up link shows each customer their own."
            raise SkipassError("invalid_request", f"{name} is a template.", hint)
        if connection.per_user and connection.auth_method in (AuthMethod.KEY_PAIR, AuthMethod.PAT):
            raise SkipassError("invalid_request", f"On {name} each person brings a key or token of their own.")
        if connection.auth_method in (AuthMethod.KEY_PAIR, AuthMethod.PAT):
            return self._service(connection, known.credential, wish)
        return self._by_client(known, wish)

    def before(self, principal: Principal, connection: Connection, wish: Wish) -> str:
        """Return the script for a connection by token that is not there yet: its last statement shows the token."""
        require(principal, Role.ADMIN)
        if connection.auth_method is not AuthMethod.PAT or not connection.login.strip():
            raise SkipassError("missing_field", "The script makes a token for a login: name it.")
        return self._service(connection, None, wish)

    def _service(self, connection: Connection, credential: Credential | None, wish: Wish) -> str:
        key = self._public_key(credential) if connection.auth_method is AuthMethod.KEY_PAIR and credential else None
        token = TOKEN if connection.auth_method is AuthMethod.PAT else None
        made = Service(connection.login, _access(connection, wish), key, token, wish.egress)
        return _written(lambda: service_script(made))

    def _public_key(self, credential: Credential) -> str:
        key = load_private_key(unseal(self._deps.kek, credential.sealed, credential_place(credential)))
        return base64.b64encode(public_der(key)).decode()

    def _by_client(self, known: Known, wish: Wish) -> str:
        if len(known.registrations) != 1:
            raise SkipassError("invalid_request", f"{known.connection.name} has no one client.")
        connection, registration = known.connection, known.registrations[0]
        access = _access(connection, wish)
        script = _written(
            lambda: integration_script(self._deps.base_url, connection, registration, access, wish.trusted)
        )
        if script is None:
            hint = "Give the connection its client first: the metadata of the provider names the issuer."
            raise SkipassError("missing_field", "The issuer of the provider is not known yet.", hint)
        return script

    async def _vouching(self, principal: Principal, connection: Connection, wish: Wish) -> str:
        _, keys = await self._issuing.keys(principal, connection.name)
        issuer = issuer_url(self._deps.base_url, connection)
        trust = ExternalOAuth("CUSTOM", issuer, USER_CLAIM, None, tuple(one.public_key for one in keys[:2]))
        roles = tuple(dict.fromkeys((connection.role, *connection.allowed_roles)))
        owner = Integration(integration_name(connection.name), _access(connection, wish), roles, wish.egress)
        return _written(lambda: external_oauth_script(owner, trust))


def _access(connection: Connection, wish: Wish) -> Access:
    if wish.schema.strip():
        schema = checked_schema(wish.schema.strip())
    elif connection.database and connection.schema:
        schema = (connection.database, connection.schema)
    else:
        raise SkipassError("missing_field", "The script needs a schema to grant.", "Name one as DATABASE.SCHEMA.")
    return Access(connection.role, connection.warehouse, (schema,), wish.write, wish.users)


def _written(write: Callable[[], Text]) -> Text:
    """Return what is written, or raise what is wrong with the names in it as `invalid_request`."""
    try:
        return write()
    except SnowflakeConfigError as error:
        raise SkipassError("invalid_request", error.message, error.hint) from None
