"""What the routes of a session take beyond the request for one."""

from __future__ import annotations

from pydantic import Field

from skipass.surfaces.rest.bodies import Body
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
