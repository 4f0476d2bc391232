"""Principal: who is asking, and on whose behalf."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person may do in skipass."""

    ADMIN = "admin"
    APPROVER = "approver"
    AUDITOR = "auditor"
    MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified caller.

    `agent_id` is None for a person. `user_id` is the user acted for: the person, or the user that the agent named
    (None while an agent that acts for several has named none). `credential_id` is the API key or token used, never its
    text. `roles` are a person's roles, empty for an agent. `sandbox_decider` marks the keys that may decide under
    `--sandbox` only. `sign_in_id` is the browser sign-in of a person who came that way. `scopes` are what the token of
    an MCP client is limited to, None for a credential that is not. The versions are those the decision is made under;
    admission compares them again.
    """

    tenant_id: str
    credential_id: str
    agent_id: str | None = None
    agent_name: str | None = None
    agent_version: int = 0
    user_id: str | None = None
    user_name: str | None = None
    user_version: int = 0
    roles: frozenset[Role] = frozenset()
    sandbox_decider: bool = False
    sign_in_id: str | None = None
    scopes: frozenset[str] | None = None

    @property
    def is_person(self) -> bool:
        """True for a person's own credential."""
        return self.agent_id is None
