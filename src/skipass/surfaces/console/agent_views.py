"""What the pages of agents show, as plain values. No rule lives here."""

from __future__ import annotations

import re
from typing import Any

from skipass.gateway.agent_details import FullAgent, KeptKey
from skipass.gateway.agents import AgentKeys
from skipass.nouns.people import ActsFor, Agent, KeyUse, Life

_FOR = {
    ActsFor.OWNER: "its owner",
    ActsFor.USERS: "the people named here",
    ActsFor.END_USERS: "its application's people, whom it names itself",
}
_USES = {
    KeyUse.AGENT: "Key",
    KeyUse.CLIENT_SECRET: "Client secret, to trade for tokens",
    KeyUse.PUBLIC_KEY: "Key pair",
}
_SEPARATOR = re.compile(r"[,\r\n]+")


def parts(text: str) -> list[str]:
    """Return the names in a field, by commas or lines, each once."""
    return list(dict.fromkeys(part.strip() for part in _SEPARATOR.split(text) if part.strip()))


def agent_row(agent: Agent) -> dict[str, Any]:
    """Return one line of the list of agents."""
    return {
        "id": agent.id,
        "name": agent.name,
        "acts_for": "the person who signed it in" if agent.client_id else _FOR[agent.acts_for],
        "state": agent.state.value,
        "at": agent.created_at,
    }


def agent_values(full: FullAgent) -> dict[str, Any]:
    """Return the values of one agent's page."""
    agent = full.agent
    return {
        **agent_row(agent),
        "active": agent.state is Life.ACTIVE,
        "client": agent.client_id is not None,
        "end_users": agent.acts_for is ActsFor.END_USERS,
        "owner": full.owner,
        "owner_id": agent.owner_id,
        "users": [one.name for one in full.users],
        "connections": [one.name for one in full.connections],
        "groups": ", ".join(full.groups),
        "return_urls": agent.return_urls,
        "keys": [_key(one) for one in full.keys],
    }


def _key(kept: KeptKey) -> dict[str, Any]:
    key, seen = kept.key, kept.seen
    return {
        "prefix": key.prefix,
        "use": _USES.get(key.use, key.use.value),
        "live": kept.live,
        "at": key.created_at,
        "ends": key.expires_at if kept.live else None,
        "ended": key.revoked_at or key.expires_at,
        "seen_at": kept.seen_at,
        "seen_by": " from ".join(filter(None, (seen.client, seen.address))) if seen else "",
    }


def key_values(agent: Agent, keys: AgentKeys) -> dict[str, Any]:
    """Return the values of the one page that a new key stands on."""
    return {
        "id": agent.id,
        "name": agent.name,
        "key": keys.text.reveal(),
        "client_id": agent.id,
        "client_secret": keys.client_secret.reveal(),
    }
