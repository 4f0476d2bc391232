"""What the routes of a session take beyond the request for one, and what they answer."""

from __future__ import annotations

from pydantic import AwareDatetime, Field

from skipass.surfaces.rest.bodies import Body
from skipass.surfaces.rest.shapes import Shape
from skipass.tools.fields import Name, ScopeValue, Text
from skipass.tools.inputs import Budgets

_WEEK_S = 604_800


class ExtendSession(Body):
    """Body of `POST /sessions/{id}/extend`."""

    identifier: Name | None = Field(default=None, description="The user acted for, by name.", examples=["sam"])
    ttl_s: int = Field(ge=1, le=_WEEK_S, description="How long from when it opens, in seconds.", examples=[900])
    reason: Text = Field(max_length=1000, description="Why more time, in a sentence.", examples=["two tables to go"])
    scope: ScopeValue | None = Field(default=None, description="The session's own when left out; never less than it.")
    budgets: Budgets | None = Field(default=None, description="Lower limits than the policy's.")


class AllowAutomatic(Body):
    """Body of `POST /sessions/allow-automatic`."""

    agent: Name = Field(description="The agent, by name.", examples=["reporting-agent"])
    user: Name | None = Field(default=None, description="The user acted for; the agent's owner, when left out.")
    connection: Name = Field(description="The connection, by name.", examples=["ops"])


class AutomaticLeave(Shape):
    """Since when automatic sessions may open again; the next explicit one turns them off."""

    agent_id: str
    user_id: str
    connection_id: str
    at: AwareDatetime
