"""What the routes of registrations answer."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, Field

from skipass.surfaces.rest.shapes import Connection, KnownConnection, Shape


class Registration(Shape):
    """The gateway's client at one authorization server, without its secret."""

    id: str = Field(examples=["reg_06fq3x8e4mzv2k9c0r7t5w1a2b"])
    account: str = Field(examples=["MYORG-MYACCOUNT"])
    host: str = Field(examples=["https://myorg-myaccount.snowflakecomputing.com"])
    client_id: str
    client_auth: Literal["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]
    redirect_uri: str = Field(
        description="Register this one at the authorization server.",
        examples=["https://skipass.example.com/oauth/upstream-callback/reg_06fq3x8e4mzv2k9c0r7t5w1a2b"],
    )
    allowed_roles: list[str]
    metadata: dict[str, Any] = Field(description="The `oauth_metadata` as given, without its secret.")
    state: Literal["enabled", "disabled"]
    created_at: AwareDatetime


class ChangedRegistration(Registration):
    """A registration with its new client."""

    remarks: list[str] = Field(description="What was replaced, ignored or taken from elsewhere, and what to add where.")


class Registered(Shape):
    """A new registration, with what to know and to do about it."""

    registration: Registration
    remarks: list[str] = Field(description="What was replaced, ignored or taken from elsewhere, and what to add where.")


class Registrations(Shape):
    """The registrations of one connection."""

    items: list[Registration]


class AddedConnection(Connection):
    """A new connection, with its client where it has one."""

    registration: Registration | None
    remarks: list[str] = Field(description="What was replaced, ignored or taken from elsewhere, and what to add where.")


class Checked(Shape):
    """A connection that could be registered."""

    remarks: list[str] = Field(description="What was replaced, ignored or taken from elsewhere.")


class ShownConnection(KnownConnection):
    """A connection with its clients at authorization servers."""

    registrations: list[Registration]


class SetupLink(Shape):
    """A one-time link by which a customer's admin registers an account; token and URL are absent in a replay."""

    connection: str = Field(examples=["customers"])
    expires_at: AwareDatetime
    token: str | None = Field(default=None, examples=["3q8s…"])
    url: str | None = Field(default=None, examples=["https://skipass.example.com/connect/setup#3q8s…"])
