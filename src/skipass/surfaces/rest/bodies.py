"""What each route takes: frozen models with exact types that refuse what they do not know.

Secrets are typed so that they print as stars; they leave only into the gateway's own `Secret`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from skipass.tools.fields import Name, ScopeValue, Text
from skipass.tools.inputs import Budgets

_WEEK_S = 604_800


class Body(BaseModel):
    """What every body has in common."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)


class SignIn(Body):
    """Body of `POST /sign-in`."""

    token: SecretStr = Field(
        min_length=1, max_length=256, description="The token of a one-time sign-in link.", examples=["3q8s…"]
    )


class NewSession(Body):
    """Body of `POST /sessions`."""

    connection: Name = Field(description="Name of the connection.", examples=["ops"])
    identifier: Name | None = Field(default=None, description="The user acted for, by name.", examples=["sam"])
    scope: ScopeValue = Field(
        description="What the session may touch.", examples=[{"schemas": ["OPS_DB.OPS"], "access": "read"}]
    )
    ttl_s: int = Field(ge=1, le=_WEEK_S, description="How long, in seconds. It never grows.", examples=[300])
    budgets: Budgets | None = Field(default=None, description="Lower limits than the policy's.")
    reason: Text = Field(max_length=1000, description="Why, in a sentence a person can judge.")
    break_glass: bool = Field(
        default=False, description="An emergency: only a rule for that opens it; everybody is told, people review it."
    )


class Execute(Body):
    """Body of `POST /tools/{tool_name}/execute`."""

    connection_name: Name | None = Field(default=None, description="Name of the connection.", examples=["ops"])
    identifier: Name | None = Field(default=None, description="The user acted for, by name.", examples=["sam"])
    session_id: Name | None = Field(default=None, description="The access session; may be left out with one open.")
    tool_input: dict[str, Any] = Field(
        description="The tool's input; its JSON Schema is in `GET /tools`.",
        examples=[{"statement": "SELECT order_id, status FROM ops.orders WHERE status = 'pending'"}],
    )


class Decide(Body):
    """Body of `POST /approvals/{id}/approve` and `…/deny`."""

    reason: str = Field(default="", max_length=1000, description="Why; it is on record.", examples=["as agreed"])
    intent_hash: str | None = Field(
        default=None, max_length=64, description="`intent_hash` of the card that was read; another one is a conflict."
    )


class NewUser(Body):
    """Body of `POST /users`."""

    name: Name = Field(description="1 to 64 letters, digits and . _ @ -", examples=["dana"])
    roles: list[Literal["admin", "approver", "auditor", "member"]] = Field(
        min_length=1, max_length=4, description="What the person may do.", examples=[["member"]]
    )


PublicKeyText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=8192,
        description="RSA public key, PEM or one line of base64, that the agent signs in to the SQL API with.",
        examples=["MIIBIjANBgkq…"],
    ),
]


class NewAgent(Body):
    """Body of `POST /agents`."""

    name: Name = Field(description="1 to 64 printable characters.", examples=["reporting-agent"])
    owner: Name | None = Field(default=None, description="The owner's name; you, when left out.", examples=["sam"])
    users: list[Name] = Field(
        default=[], max_length=200, description="Names of the users it acts for; its owner, when empty."
    )
    end_users: bool = Field(default=False, description="It acts for its application's people, whom it names itself.")
    return_urls: list[Text] = Field(
        default=[], max_length=20, description="With `end_users`: where a browser goes after one has linked."
    )
    connections: list[Name] = Field(
        default=[], max_length=200, description="Names of the connections it may use.", examples=[["ops"]]
    )
    public_key: PublicKeyText | None = None


class Rotated(Body):
    """Body of `POST /agents/{name}/rotate`; may be left out."""

    public_key: PublicKeyText | None = None


class AgentUser(Body):
    """Body of `POST /agents/{name}/users/add` and `…/remove`."""

    user: Name | None = Field(default=None, description="Name of the person; you, when left out.", examples=["sam"])


class AgentConnection(Body):
    """Body of `POST /agents/{name}/connections/add` and `…/remove`."""

    connection: Name = Field(description="Name of the connection.", examples=["ops"])


class RevokedKey(Body):
    """Body of `POST /agents/{name}/keys/revoke`."""

    prefix: Name = Field(description="What `GET /agents/{name}/keys` names it by.", examples=["9f86d081884c"])


Segment = Annotated[str, Field(max_length=255)]
"""A name or id in a path."""
