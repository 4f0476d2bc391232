"""Addresses of what can be read over MCP: the schema of a table, and the record of a session.

Names go into an address percent-encoded and are read back as the tools read them: plain ones in upper case, ones in
double quotes exactly. Pure; knows neither callers nor sessions.
Source: RFC 3986 §2.1, §3; RFC 6570 §1.2 (level 3: `{?name}`)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

from skipass.errors import SkipassError

TABLE_TEMPLATE = "skipass://table/{database}/{schema}/{table}{?session_id}"
RECORD_TEMPLATE = "skipass://session/{session_id}/record"
MOST_CHARS = 4_000
_PART = r"((?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)"
_ID = r"([A-Za-z0-9_]{1,128})"
_TABLE = re.compile(rf"skipass://table/{_PART}/{_PART}/{_PART}(?:\?session_id={_ID})?", re.ASCII)
_RECORD = re.compile(rf"skipass://session/{_ID}/record", re.ASCII)
_PLAIN = re.compile(r"[A-Z_][A-Z0-9_$]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class TableAddress:
    """A table, its names as a caller writes them; the session is None where the only open one is meant."""

    database: str
    schema: str
    table: str
    session_id: str | None = None


@dataclass(frozen=True, slots=True)
class RecordAddress:
    """What a session left."""

    session_id: str


def address_of(uri: str) -> TableAddress | RecordAddress:
    """Return what an address names; raises `not_found` for what is none of ours."""
    if len(uri) <= MOST_CHARS:
        if found := _RECORD.fullmatch(uri):
            return RecordAddress(found[1])
        if found := _TABLE.fullmatch(uri):
            return TableAddress(_decoded(found[1]), _decoded(found[2]), _decoded(found[3]), found[4])
    raise unknown()


def table_uri(names: Sequence[str], session_id: str | None = None) -> str:
    """Return the address of a table by its stored names."""
    path = "/".join(quote(_written(name), safe="") for name in names)
    return f"skipass://table/{path}" + (f"?session_id={session_id}" if session_id else "")


def record_uri(session_id: str) -> str:
    """Return the address of what a session left."""
    return f"skipass://session/{session_id}/record"


def unknown() -> SkipassError:
    """Return the refusal of an address that names nothing here."""
    return SkipassError("not_found", "There is no such resource.", f"Known: {TABLE_TEMPLATE}, {RECORD_TEMPLATE}.")


def _written(name: str) -> str:
    """Return a stored name so that it is read back as the very same."""
    return name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def _decoded(part: str) -> str:
    try:
        return unquote(part, errors="strict")
    except UnicodeDecodeError:
        raise unknown() from None
