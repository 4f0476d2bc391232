"""What the routes of an agent's credentials answer, as models."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from skipass.surfaces.rest.shapes import Shape


class AgentKey(Shape):
    """One credential of an agent, without its text; `live` while it may be used."""

    prefix: str = Field(description="The middle of a key's text; of a key pair its fingerprint.")
    use: Literal["agent", "client_secret", "public_key"]
    live: bool
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    revoked_at: AwareDatetime | None
    last_used_at: AwareDatetime | None = Field(description="To the minute; null where no use is known.")
    last_used_from: str | None = Field(description="The client's address then, where it told one.")
    last_used_by: str | None = Field(description="What the client called itself then.")


class AgentKeys(Shape):
    """The newest fifty, newest first."""

    items: list[AgentKey]
