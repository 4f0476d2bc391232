"""Who is let in at a slug, in names: what an admin says of it, checked, and how it is told back.

Knows names and ids; what they give is told in `skipass.gateway.slug_access`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from skipass.errors import SkipassError
from skipass.gateway.groups import LONGEST_NAME
from skipass.gateway.ports import Reader
from skipass.nouns.connection import Connection, Drift, McpServer, SlugSessions
from skipass.nouns.oauth import OAuthClient
from skipass.nouns.people import Agent, Life, User
from skipass.tools.catalogue import CATALOGUE

MOST_NAMES = 500
LISTS = ("users", "groups", "agents", "clients", "tools")
"""The lists of a slug, each by its field in `McpServer`."""

Names = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Access:
    """What is said of who is let in, by names: whole lists in `put`, and names to `add` to lists or to `remove`.

    The keys are those of `LISTS`; what is None stays as it is. `drift` is what becomes of a relay's changed tools.
    """

    put: Names = field(default_factory=dict)
    add: Names = field(default_factory=dict)
    remove: Names = field(default_factory=dict)
    sessions: SlugSessions | None = None
    agents_of_connection: bool | None = None
    drift: Drift | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A slug with the names of its connection and of everybody on its lists."""

    server: McpServer
    connection: str
    names: Names


async def changed(reader: Reader, server: McpServer, access: Access) -> dict[str, Any]:
    """Return the fields of a slug that become others, in ids.

    Raises `not_found` for a name that is nobody's or is to be removed and is not on its list, `not_allowed` for an
    agent without the connection, `unknown_tool`, and `invalid_request` for a list that is too long.
    """
    found: dict[str, Any] = {}
    for name in LISTS:
        ids = await _list(reader, server, name, access)
        if ids != getattr(server, name):
            found[name] = ids
    for name in ("sessions", "agents_of_connection", "drift"):
        wanted = getattr(access, name)
        if wanted not in (None, getattr(server, name)):
            found[name] = wanted
    return found


async def _list(reader: Reader, server: McpServer, name: str, access: Access) -> tuple[str, ...]:
    kept: tuple[str, ...] = getattr(server, name)
    if name in access.put:
        kept = await _ids(reader, server, name, access.put[name])
    if access.add.get(name):
        kept = (*kept, *await _ids(reader, server, name, access.add[name]))
    if access.remove.get(name):
        kept = _without(kept, await _known(reader, server, name, access.remove[name]), name)
    ids = tuple(dict.fromkeys(kept))
    if len(ids) > MOST_NAMES:
        hint = "Let a group in instead." if name == "users" else ""
        raise SkipassError("invalid_request", f"A slug takes {MOST_NAMES} {name} at most.", hint)
    return ids


def _without(kept: tuple[str, ...], gone: Mapping[str, str], name: str) -> tuple[str, ...]:
    for said, id_ in gone.items():
        if id_ not in kept:
            raise SkipassError("not_found", f"{said[:80]!r} is not among its {name}.", "See skipass mcp-server show.")
    return tuple(one for one in kept if one not in gone.values())


async def _ids(reader: Reader, server: McpServer, name: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return the ids of names that may be let in."""
    found = await _known(reader, server, name, names)
    if name == "agents":
        await _check_agents(reader, server, found.values())
    if name == "tools":
        _check_tools(server, names)
    return tuple(found.values())


async def _known(reader: Reader, server: McpServer, name: str, names: Sequence[str]) -> dict[str, str]:
    return await _FINDERS[name](reader, server.tenant_id, names)


async def _people(reader: Reader, tenant_id: str, names: Sequence[str]) -> dict[str, str]:
    rows = await reader.find(User, tenant_id=tenant_id, name=tuple(names) or ("",), end_user_of=None, limit=MOST_NAMES)
    return _all_of(names, {one.name: one.id for one in rows}, "user")


async def _agents(reader: Reader, tenant_id: str, names: Sequence[str]) -> dict[str, str]:
    rows = await reader.find(Agent, tenant_id=tenant_id, name=tuple(names) or ("",), client_id=None, limit=MOST_NAMES)
    return _all_of(names, {one.name: one.id for one in rows}, "agent")


async def _clients(reader: Reader, tenant_id: str, names: Sequence[str]) -> dict[str, str]:
    where: dict[str, Any] = {"tenant_id": tenant_id, "client_id": tuple(names) or ("",), "state": Life.ACTIVE}
    found = {one.client_id: one.id for one in await reader.find(OAuthClient, limit=MOST_NAMES, **where)}
    for name in names:
        if name not in found:
            hint = "A client is known by its client id once it has come here, or an admin has added it."
            raise SkipassError("not_found", f"There is no MCP client {name[:80]!r}.", hint)
    return {name: found[name] for name in names}


async def _texts(reader: Reader, tenant_id: str, names: Sequence[str]) -> dict[str, str]:
    for name in names:
        if not (0 < len(name) <= LONGEST_NAME and name.isprintable() and name == name.strip()):
            raise SkipassError("invalid_request", f"{name[:80]!r} is no name.")
    return {name: name for name in names}


_FINDERS: Mapping[str, Callable[[Reader, str, Sequence[str]], Coroutine[Any, Any, dict[str, str]]]] = {
    "users": _people,
    "groups": _texts,
    "agents": _agents,
    "clients": _clients,
    "tools": _texts,
}


def _all_of(names: Iterable[str], known: Mapping[str, str], noun: str) -> dict[str, str]:
    for name in names:
        if name not in known:
            raise SkipassError("not_found", f"There is no {noun} {name[:80]!r}.", f"See skipass {noun} list.")
    return {name: known[name] for name in names}


async def _check_agents(reader: Reader, server: McpServer, ids: Iterable[str]) -> None:
    for id_ in ids:
        agent = await reader.get(Agent, id_)
        if agent is not None and agent.state is Life.ACTIVE and server.connection_id in agent.connections:
            continue
        behind = await reader.get(Connection, server.connection_id)
        name, connection = (one.name if one else "" for one in (agent, behind))
        hint = f"Make one that may: skipass agent create NAME --connection {connection}"
        raise SkipassError("not_allowed", f"{name} may not use the connection {connection}.", hint)


def _check_tools(server: McpServer, names: Iterable[str]) -> None:
    if server.upstream is not None:
        return
    known = {spec.name for spec in CATALOGUE}
    for name in names:
        if name not in known:
            raise SkipassError("unknown_tool", f"No tool is called {name[:80]!r}.", "See GET /api/v1/tools.")


async def shown(reader: Reader, servers: Sequence[McpServer]) -> list[Shown]:
    """Return slugs with the names of what they hold as ids."""
    people = await _names(reader, User, {one for server in servers for one in server.users})
    agents = await _names(reader, Agent, {one for server in servers for one in server.agents})
    clients = await _names(reader, OAuthClient, {one for server in servers for one in server.clients}, "client_id")
    targets = await _names(reader, Connection, {server.connection_id for server in servers})
    return [
        Shown(
            server,
            targets.get(server.connection_id, server.connection_id),
            {
                "users": [people.get(one, one) for one in server.users],
                "groups": server.groups,
                "agents": [agents.get(one, one) for one in server.agents],
                "clients": [clients.get(one, one) for one in server.clients],
                "tools": server.tools,
            },
        )
        for server in servers
    ]


async def _names(reader: Reader, kind: type[Any], ids: set[str], member: str = "name") -> dict[str, str]:
    found: dict[str, str] = {}
    every = sorted(ids)
    for start in range(0, len(every), MOST_NAMES):
        rows = await reader.find(kind, id=tuple(every[start : start + MOST_NAMES]), limit=MOST_NAMES)
        found |= {row.id: getattr(row, member) for row in rows}
    return found
