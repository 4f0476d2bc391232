"""What a gateway has of the things a declaration can name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from skipass.cli.client import Gateway

View = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class World:
    """Everything by its name, slugs by their slug; the policy is the version in force, None where there is none."""

    users: Mapping[str, View]
    connections: Mapping[str, View]
    agents: Mapping[str, View]
    servers: Mapping[str, View]
    policy: View | None

    def user_names(self) -> Mapping[str, str]:
        """Return people's names by their ids."""
        return {str(one["id"]): name for name, one in self.users.items()}

    def connection_names(self) -> Mapping[str, str]:
        """Return connections' names by their ids."""
        return {str(one["id"]): name for name, one in self.connections.items()}


def look(door: Gateway) -> World:
    """Return what a gateway has, as an admin sees it."""
    policies, _ = door.items("/policies", 1)
    return World(
        users=_by(door, "/users", "name"),
        connections=_by(door, "/connections", "name"),
        agents=_by(door, "/agents", "name"),
        servers=_by(door, "/mcp-servers", "slug"),
        policy=policies[0] if policies else None,
    )


def _by(door: Gateway, path: str, member: str) -> Mapping[str, View]:
    return {str(one[member]): one for page in door.pages(path) for one in page}
