"""What the routes of connected accounts take and answer. No answer has a token."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field, SecretStr

from skipass.surfaces.rest.bodies import Body
from skipass.surfaces.rest.shapes import Shape
from skipass.tools.fields import Name, Text


class NewAccount(Body):
    """Body of `POST /connected-accounts`."""

    connection_name: Name = Field(description="Name of the connection.", examples=["ops"])
    identifier: Name | None = Field(
        default=None,
        description="The user, by name; of an application's end user whatever it calls them.",
        examples=["sam"],
    )


class AccountDefaults(Body):
    """Body of `PATCH /connected-accounts/{id}`; null is the connection's own."""

    role: Name | None = Field(default=None, description="Role of sessions that name none.", examples=["AGENT_READER"])
    warehouse: Name | None = Field(default=None, description="Default warehouse.", examples=["AGENT_WH"])
    database: Name | None = Field(default=None, description="Default database.", examples=["OPS_DB"])
    schema_: Name | None = Field(default=None, alias="schema", description="Default schema.", examples=["OPS"])


class NewLink(Body):
    """Body of `POST /connected-accounts/{id}/authorization-link`."""

    role: Name | None = Field(default=None, description="The role to agree to; the connection's, when left out.")
    return_url: Text | None = Field(
        default=None, description="Of an application's end user: one of the agent's own; the first, when left out."
    )


class OneTimeCode(Body):
    """Body of `POST /connected-accounts/{id}/verify`."""

    code: SecretStr = Field(
        min_length=1, max_length=256, description="What the finishing browser carried to the `return_url`."
    )


class OwnCredential(Body):
    """Body of `POST /connected-accounts/{id}/credential`."""

    login: str = Field(default="", max_length=255, description="LOGIN_NAME, with a private key.", examples=["SAM"])
    private_key: SecretStr | None = Field(default=None, max_length=20_000, description="Private key, PEM. Write-only.")
    passphrase: SecretStr | None = Field(default=None, max_length=1000, description="Of an encrypted key. Write-only.")
    token: SecretStr | None = Field(
        default=None, max_length=20_000, description="Programmatic access token. Write-only."
    )


class LinkedRole(Shape):
    """One role that the account can be used with."""

    role: str | None = Field(description="null: every role of the login.", examples=["AGENT_READER"])
    generation: int = Field(examples=[1])
    refresh_expires_at: AwareDatetime | None = Field(description="When the authorisation itself ends.")


class ConnectedAccount(Shape):
    """One user's authorisation on one connection."""

    id: str = Field(examples=["acc_06fq3x8e4mzv2k9c0r7t5w1a2b"])
    connection: str = Field(examples=["ops"])
    connection_id: str
    identifier: str = Field(examples=["sam"])
    user_id: str
    status: Literal["PENDING_AUTH", "PENDING_VERIFICATION", "ACTIVE", "EXPIRED", "REVOKED", "DISCONNECTED"]
    reason: str | None = Field(description="Why it ended, or what hinders it.", examples=[None])
    hint: str | None = Field(description="What to do about the reason.", examples=[None])
    login: str | None = Field(description="The Snowflake user.", examples=["SAM"])
    account: str | None = Field(examples=["MYORG-MYACCOUNT"])
    role: str | None
    warehouse: str | None
    database: str | None
    schema_: str | None = Field(alias="schema")
    roles: list[LinkedRole] = Field(description="What can be used now.")
    created_at: AwareDatetime
    linked_at: AwareDatetime | None


class AuthorizationLink(Shape):
    """A one-time link; token and link are absent where the request is repeated."""

    id: str = Field(examples=["lnk_06fq3x8e4mzv2k9c0r7t5w1a2b"])
    account_id: str
    role: str | None
    expires_at: AwareDatetime
    link: str | None = Field(default=None, examples=["https://skipass.example.com/connect#3q8s…"])
