"""What a person is told when somebody else let an agent act for them: which agent, whose, who did it, the way back."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Any

from skipass.access.sqlguard.words import visible
from skipass.gateway.ports import Reader
from skipass.identity.acting import acts_for
from skipass.nouns.notice import Notice
from skipass.nouns.people import Agent, Life, User

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}")


@dataclass(frozen=True, slots=True)
class AgentMessage:
    """One notice that an agent acts for a person, the same for every channel; mail goes to that person where it can."""

    id: str
    agent: str
    owner: str
    user: str
    by: str
    url: str
    to: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON body of a webhook."""
        agent = {"name": self.agent, "owner": self.owner}
        return {
            "id": self.id,
            "kind": "agent.acts_for",
            "agent": agent,
            "for": self.user,
            "by": self.by,
            "url": self.url,
        }

    def subject(self) -> str:
        """Return one line."""
        return f"{self.agent} may act for {self.user}"

    def text(self) -> str:
        """Return a few lines for people."""
        return (
            f"{self.by} let the agent {self.agent}, owned by {self.owner}, act for {self.user}.\n"
            f"Within sessions it may use the Snowflake accounts that {self.user} has connected.\n"
            f"{self.user} takes it back at any time: skipass agent disallow {shlex.quote(self.agent)}\n{self.url}"
        )


async def agent_message(reader: Reader, notice: Notice, base_url: str) -> AgentMessage | None:
    """Return what a notice about an agent's user says, None where the agent does not act for that person any more."""
    agent = await reader.get(Agent, notice.agent_id, tenant_id=notice.tenant_id, state=Life.ACTIVE)
    user = await reader.get(User, notice.user_id, tenant_id=notice.tenant_id, state=Life.ACTIVE)
    if agent is None or user is None or not acts_for(agent, user):
        return None
    owner = await reader.get(User, agent.owner_id, tenant_id=notice.tenant_id)
    by = await reader.get(User, notice.about.partition(":")[2], tenant_id=notice.tenant_id)
    return AgentMessage(
        id=notice.id,
        agent=_short(agent.name),
        owner=_short(owner.name if owner else "nobody"),
        user=_short(user.name),
        by=_short(by.name if by else "an admin"),
        url=f"{base_url}/console",
        to=address_of(user),
    )


def address_of(user: User) -> tuple[str, ...]:
    """Return the address that the identity provider verified for a person, if it is one plain address."""
    given = user.claims.get("email")
    return (given,) if isinstance(given, str) and _ADDRESS.fullmatch(given) else ()


def _short(name: str) -> str:
    return visible(name)[:200]
