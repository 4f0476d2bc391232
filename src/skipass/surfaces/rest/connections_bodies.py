"""What the routes of connections take."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, SecretStr

from skipass.surfaces.rest.bodies import Body
from skipass.tools.fields import Name, ScopeValue

ClientAuthName = Literal["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]


class TestedConnection(Body):
    """Body of `POST /connections/{name}/test`."""

    scope: ScopeValue | None = Field(
        default=None,
        description="Hold the role's grants to this; without it they are held to the connection's own schema.",
        examples=[{"schemas": ["OPS_DB.OPS"], "access": "read"}],
    )


class ClientProof(Body):
    """How a client proves itself at an authorization server."""

    client_secret: SecretStr | None = Field(
        default=None, max_length=20_000, description="Its secret. Write-only: sealed on arrival, never returned."
    )
    client_private_key: SecretStr | None = Field(
        default=None, max_length=20_000, description="Private key, PEM, for `private_key_jwt`. Write-only."
    )
    client_auth: ClientAuthName = Field(
        default="client_secret_basic", description="How the client proves itself to Snowflake."
    )


class NewClient(ClientProof):
    """The gateway's client at one authorization server."""

    client_id: str = Field(default="", max_length=1000, description="Of Snowflake's security integration.")
    single_use: bool = Field(default=False, description="Ask Snowflake for single-use refresh tokens.")
    oauth_metadata: dict[str, Any] | None = Field(
        default=None,
        description="Of an identity provider, as pasted; its `client_secret` is sealed. Members not known are named.",
        examples=[{"issuer": "https://idp.example.com", "client_id": "0oa1", "scope": "session:role:AGENT_READER"}],
    )


class NewConnection(NewClient):
    """Body of `POST /connections`."""

    name: Name = Field(description="1 to 40 letters, digits, - and _.", examples=["ops"])
    auth: Literal["key_pair", "pat", "snowflake_oauth", "external_oauth", "external_oauth_issuer"] = Field(
        default="key_pair", description="How the gateway signs in to Snowflake."
    )
    account: str = Field(
        default="", max_length=255, description="Account identifier; none for a template.", examples=["MYORG-MYACCOUNT"]
    )
    role: Name = Field(description="The role sessions have by default.", examples=["SKIPASS_READER"])
    login: str = Field(
        default="",
        max_length=255,
        description="LOGIN_NAME, where one login serves everybody.",
        examples=["SKIPASS_SVC"],
    )
    private_key: SecretStr | None = Field(
        default=None,
        min_length=1,
        max_length=20_000,
        description="Private key of that login, PEM. Write-only: sealed on arrival, never returned.",
    )
    passphrase: SecretStr | None = Field(
        default=None, max_length=1000, description="Passphrase of an encrypted key. Write-only."
    )
    token: SecretStr | None = Field(
        default=None,
        min_length=1,
        max_length=20_000,
        description="Programmatic access token of that login. Write-only.",
    )
    per_user: bool = Field(default=False, description="Each user has an own key or token; by OAuth always so.")
    template: bool = Field(default=False, description="Accounts are registered one by one, each with its own client.")
    login_claim: Name | None = Field(
        default=None, description="With `external_oauth_issuer`: the verified claim that is the Snowflake login."
    )
    verify_end_users: bool = Field(
        default=True, description="False is unsafe: an application's end user is linked without its word for it."
    )
    host: Name | None = Field(default=None, description="Overrides the host derived from `account`.")
    warehouse: Name | None = Field(default=None, description="Default warehouse.", examples=["AGENT_WH"])
    database: Name | None = Field(default=None, description="Default database.", examples=["OPS_DB"])
    schema_: Name | None = Field(default=None, alias="schema", description="Default schema.", examples=["OPS"])
    allowed_roles: list[Name] = Field(default=[], max_length=100, description="Further roles a session may have.")
    policy: dict[str, Any] = Field(default={}, description="The connection's policy; safe when empty.")
    slug: Name | None = Field(default=None, description="Slug of its MCP server; the name, when left out.")


class ChangedConnection(Body):
    """Body of `POST /connections/{name}/change`; what is left out stays as it is."""

    host: Name | None = Field(
        default=None,
        description="Another host of the same account, or one the operator allows; null for the account's own.",
    )
    role: Name = Field(default="", description="The role sessions have by default.", examples=["SKIPASS_READER"])
    allowed_roles: list[Name] = Field(default=[], max_length=100, description="Further roles a session may have.")
    warehouse: Name | None = Field(default=None, description="Default warehouse; null for none.", examples=["AGENT_WH"])
    database: Name | None = Field(default=None, description="Default database; null for none.", examples=["OPS_DB"])
    schema_: Name | None = Field(default=None, alias="schema", description="Default schema; null for none.")
    policy: dict[str, Any] = Field(default={}, description="The connection's policy, whole.")
    login_claim: Name | None = Field(
        default=None,
        description="With `external_oauth_issuer`: the claim that is the login; another one ends sessions.",
    )
    verify_end_users: bool = Field(
        default=True, description="False is unsafe: an application's end user is linked without its word for it."
    )
    probe_minutes: int | None = Field(
        default=None, ge=1, le=10_080, description="How often idle accounts are asked who they are; null for never."
    )
    dry_run: bool = Field(default=False, description="Say what would be, and change nothing.")


class ReplacedCredential(Body):
    """Body of `POST /connections/{name}/credential`: what the connection's method takes."""

    private_key: SecretStr | None = Field(
        default=None, max_length=20_000, description="Private key, PEM. Write-only: sealed on arrival, never returned."
    )
    passphrase: SecretStr | None = Field(
        default=None, max_length=1000, description="Passphrase of an encrypted key. Write-only."
    )
    token: SecretStr | None = Field(
        default=None, max_length=20_000, description="Programmatic access token. Write-only."
    )


class NewRegistration(NewClient):
    """Body of `POST /connections/{name}/registrations`."""

    account: Name = Field(description="Account identifier, in any form.", examples=["MYORG-MYACCOUNT"])
    host: Name | None = Field(default=None, description="Overrides the host derived from `account`.")
    allowed_roles: list[Name] = Field(default=[], max_length=100, description="Roles its integration allows; any.")


class ChangedClient(ClientProof):
    """Body of `POST /registrations/{id}/client`."""

    client_id: str = Field(default="", max_length=1000, description="As before, when left out.")
    oauth_metadata: dict[str, Any] | None = Field(
        default=None, description="Of an identity provider, as pasted, in place of all of these."
    )
