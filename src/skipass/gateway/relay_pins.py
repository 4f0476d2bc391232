"""Pins: what a relayed server's tools were when somebody looked, and whether they still are.

Looked at again on use, at most once a minute. A tool that changed keeps its pinned definition and is marked; nothing
that the upstream says by itself makes a tool run more freely than before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from skipass.access.sqlguard.names import parse_name
from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.relay_merging import Change, merged
from skipass.gateway.relay_reading import Facts, Listed, read_listing, read_spec
from skipass.gateway.relay_refusals import refusal_of
from skipass.gateway.system import System
from skipass.gateway.way_out import Out
from skipass.nouns.connection import McpServer
from skipass.nouns.mcp_tool import McpTool
from skipass.snowflake.errors import SnowflakeConfigError, SnowflakeError
from skipass.snowflake.mcp.address import Address, parse_server_url

FRESH_S = 60.0
LIST_S = 20.0
_Seen = tuple[str, str, int, str | None]


@dataclass(frozen=True, slots=True)
class View:
    """A server's pins, and the names that its upstream lists for this caller; None while nobody could look."""

    pins: tuple[McpTool, ...]
    mine: frozenset[str] | None


@dataclass(slots=True)
class Pins:
    """Looks at servers and keeps what was seen. `list_s` bounds one listing, in seconds."""

    deps: Deps
    system: System
    list_s: float = LIST_S
    _lists: dict[_Seen, tuple[float, frozenset[str]]] = field(default_factory=dict)
    _specs: dict[str, tuple[float, Mapping[str, Facts]]] = field(default_factory=dict)
    _turns: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def view(self, server: McpServer, out: Out | None) -> View:
        """Return what is pinned, after a look by this way out where the last one is a minute old.

        Raises what the upstream's refusal or failure is in our own codes; nothing is taken over from it then.
        """
        mine = await self._looked(server, out) if out is not None else None
        return View(await self.stored(server.id), mine)

    async def stored(self, server_id: str) -> tuple[McpTool, ...]:
        """Return the pins of a server, in order of name."""

        async def load(reader: Reader) -> list[McpTool]:
            return await reader.find(McpTool, server_id=server_id, order="name")

        return tuple(await self.deps.journal.read(load))

    def forget(self, server_id: str) -> None:
        """Look again at the next use."""
        self._specs.pop(server_id, None)
        for key in [key for key in self._lists if key[0] == server_id]:
            del self._lists[key]

    async def _looked(self, server: McpServer, out: Out) -> frozenset[str]:
        key = (server.id, out.credential.id, out.credential.generation, out.role)
        kept = self._fresh(key)
        if kept is not None:
            return kept
        async with self._turns.setdefault(server.id, asyncio.Lock()):
            kept = self._fresh(key)
            return kept if kept is not None else await self._look(server, out, key)

    def _fresh(self, key: _Seen) -> frozenset[str] | None:
        at, names = self._lists.get(key, (float("-inf"), frozenset[str]()))
        return names if self.deps.clock.monotonic() - at < FRESH_S else None

    async def _look(self, server: McpServer, out: Out, key: _Seen) -> frozenset[str]:
        address = address_of(server)
        listed = await self._listed(address, out)
        facts = await self._facts(server, address, out)
        await self.keep(server, listed, facts)
        now = self.deps.clock.monotonic()
        self._lists = {seen: one for seen, one in self._lists.items() if now - one[0] < FRESH_S}
        self._lists[key] = (now, frozenset(one.name for one in listed))
        return self._lists[key][1]

    async def _listed(self, address: Address, out: Out) -> list[Listed]:
        client = self.deps.upstream.mcp(out, address.server, warehouse=None, timeout_s=self.list_s)
        try:
            result = await client.listed()
        except SnowflakeError as error:
            await self.deps.upstream.refused(out, error)
            raise refusal_of(error) from None
        return await asyncio.to_thread(read_listing, result)

    async def _facts(self, server: McpServer, address: Address, out: Out) -> Mapping[str, Facts]:
        """Return what DESCRIBE says, nothing where it may not be asked: what was known before then stays."""
        at, known = self._specs.get(server.id, (float("-inf"), dict[str, Facts]()))
        if self.deps.clock.monotonic() - at < FRESH_S:
            return known
        parts = (address.server.database, address.server.schema, address.server.name)
        names = dict(zip(("database", "schema", "name"), map(_stored, parts), strict=True))
        try:
            answer = await self.system.ask("mcp_server", out, role=out.role, names=names)
        except SkipassError as error:
            if error.code != "statement_failed":
                raise
            return {}
        known = read_spec(str(answer.rows[0].get("SERVER_SPEC") or "")) if answer.rows else {}
        self._specs[server.id] = (self.deps.clock.monotonic(), known)
        return known

    async def keep(self, server: McpServer, listed: Sequence[Listed], facts: Mapping[str, Facts]) -> None:
        """Hold what was seen to the pins, and write down what is different; each difference is an event."""

        async def keep(unit: UnitOfWork) -> None:
            pins = await unit.find(McpTool, server_id=server.id)
            for change in merged(server, pins, listed, facts, unit.now):
                await write_change(unit, change)

        pins = await self.stored(server.id)
        if not merged(server, pins, listed, facts, self.deps.journal.now()):
            return
        try:
            await self.deps.journal.write(keep)
        except SkipassError as error:
            if error.code != "conflict":  # another process looked at the same time, and wrote what it saw
                raise


async def write_change(unit: UnitOfWork, change: Change, kind: str = "", **told: str) -> McpTool:
    """Write one change of a pin, with its event: what it is now, or the `kind` of a decision."""
    tool = change.tool
    if change.before is None:
        await unit.insert(tool)
    else:
        tool = await unit.change(change.before, **change.changes)
    body: dict[str, Any] = {"server_id": tool.server_id, "name": tool.name, "type": tool.type.value}
    body |= {"hash": tool.current_hash, "pinned": tool.hash, "state": tool.state.value, "why": tool.why or ""}
    unit.emit(Event(tool.tenant_id, kind or f"mcp_tool.{tool.state.value}", tool.id, body | told))
    return tool


def address_of(server: McpServer) -> Address:
    """Return where a relay leads, or raise `not_found` for a slug that is none."""
    if server.upstream is None:
        raise SkipassError("not_found", f"{server.slug} is no relay.")
    try:
        return parse_server_url(server.upstream)
    except SnowflakeConfigError as error:
        raise SkipassError("snowflake_misconfigured", error.message, error.hint) from None


def _stored(part: str) -> str:
    parsed = parse_name(part)
    return str(parsed[0]) if parsed and len(parsed) == 1 else part
