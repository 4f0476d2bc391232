"""What changed between the pins of a server and what it shows now. Pure: pins and a listing in, changes out.

The first look at a server pins what it finds; a tool that comes later is new until an admin pins it. One that is listed
and not described keeps the type it was pinned with: a caller whose role may not DESCRIBE changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from skipass.gateway.relay_reading import UNKNOWN, Facts, Listed, hash_of
from skipass.ids import new_id
from skipass.nouns.connection import McpServer
from skipass.nouns.mcp_tool import McpTool, PinState, ToolEffect, ToolRule


@dataclass(frozen=True, slots=True)
class Change:
    """One tool as it is from now on, and what of its row is different; without `before` it is a new row."""

    tool: McpTool
    before: McpTool | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)


def merged(
    server: McpServer, pins: Sequence[McpTool], listed: Sequence[Listed], facts: Mapping[str, Facts], now: datetime
) -> list[Change]:
    """Return what has to be written, nothing where all is as it was."""
    known = {pin.name: pin for pin in pins}
    state = PinState.NEW if pins else PinState.PINNED
    found = [_one(server, known.get(one.name), one, facts, state, now) for one in listed]
    names = {one.name for one in listed}
    gone = [_gone(pin) for pin in pins if pin.name not in names and facts and pin.name not in facts]
    return [change for change in (*found, *gone) if change is not None]


def _one(
    server: McpServer, pin: McpTool | None, one: Listed, facts: Mapping[str, Facts], state: PinState, now: datetime
) -> Change | None:
    if pin is None:
        return Change(drafted(server, one, facts.get(one.name, UNKNOWN), PinState.UNFIT if one.why else state, now))
    if one.why is not None:
        return _changed(pin, state=PinState.UNFIT, why=one.why, seen={}, seen_hash=None)
    shown = pin_facts(pin) if pin.declared or one.name not in facts else facts[one.name]
    digest = hash_of(one.definition, shown)
    if pin.state is PinState.NEW:
        return _changed(pin, why=None, **_body(one, shown, digest)) if digest != pin.hash else None
    if digest == pin.hash:
        return _changed(pin, state=PinState.PINNED, why=None, seen={}, seen_hash=None)
    seen = {"definition": dict(one.definition), "facts": told(shown)}
    return _changed(pin, state=PinState.DRIFTED, why=None, seen=seen, seen_hash=digest)


def _gone(pin: McpTool) -> Change | None:
    return _changed(pin, state=PinState.GONE, why=None, seen={}, seen_hash=None)


def _changed(pin: McpTool, **changes: Any) -> Change | None:
    different = {name: value for name, value in changes.items() if getattr(pin, name) != value}
    return Change(replace(pin, **different), pin, different) if different else None


def drafted(server: McpServer, one: Listed, facts: Facts, state: PinState, now: datetime) -> McpTool:
    """Return the row of a tool that is seen for the first time."""
    return McpTool(
        id=new_id("mcp_tool", now),
        tenant_id=server.tenant_id,
        server_id=server.id,
        name=one.name,
        state=state,
        pinned_at=now,
        seen_at=now,
        why=one.why,
        **_body(one, facts, hash_of(one.definition, facts)),
    )


def _body(one: Listed, facts: Facts, digest: str) -> dict[str, Any]:
    """Return what a pin holds of a tool; what cannot be read from its arguments waits for people."""
    rule = ToolRule.HELD if facts.effect is ToolEffect.OPAQUE else ToolRule.ALLOWED
    known = {"objects": facts.objects, "effect": facts.effect, "rule": rule, "hash": digest}
    return known | told(facts) | {"type": facts.type, "definition": dict(one.definition)}


def told(facts: Facts) -> dict[str, Any]:
    """Return facts as a row holds them."""
    known: dict[str, Any] = {"type": facts.type.value, "identifier": facts.identifier, "warehouse": facts.warehouse}
    return known | {"read_only": facts.read_only, "timeout_s": facts.timeout_s}


def pin_facts(pin: McpTool) -> Facts:
    """Return what a pin says of its tool beside the definition."""
    return Facts(pin.type, pin.identifier, pin.warehouse, pin.read_only, pin.timeout_s)


def accepted(pin: McpTool, by: str, now: datetime) -> Change:
    """Return a tool pinned anew as it is seen now; an opaque one is held again, since another hash was allowed."""
    changes: dict[str, Any] = {"state": PinState.PINNED, "pinned_by": by, "pinned_at": now, "why": None}
    if pin.seen_hash is not None:
        shape = pin.seen["facts"]
        facts = Facts(**shape | {"type": type(pin.type)(shape["type"])})
        changes |= _body(Listed(pin.name, pin.seen["definition"]), facts, pin.seen_hash)
    changes |= {"seen": {}, "seen_hash": None}
    return Change(replace(pin, **changes), pin, changes)


def declared(pin: McpTool, facts: Facts, by: str, now: datetime) -> Change:
    """Return a tool pinned with what an admin says it is; what DESCRIBE says of it counts for nothing from here on."""
    shape = pin.seen.get("definition", pin.definition)
    changes = _body(Listed(pin.name, shape), facts, hash_of(shape, facts))
    changes |= {"state": PinState.PINNED, "pinned_by": by, "pinned_at": now, "why": None}
    changes |= {"declared": True, "seen": {}, "seen_hash": None}
    return Change(replace(pin, **changes), pin, changes)
