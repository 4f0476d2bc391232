"""Looking for records: through an index to a bounded number of them, and of those to the ones that fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from skipass.audit.chain import Record
from skipass.audit.searching import Found, Search, place_of

_FAR = 1 << 62
# An index leads by what narrows the inner query, and ends in the time.
_WINDOW = """
SELECT * FROM events
 WHERE {by}
   AND at_us {past}= :at AND at_us < :until
   AND (at_us {past} :at OR writer {past} :writer OR (writer = :writer AND seq {past} :seq))
 ORDER BY at_us {way}, writer {way}, seq {way} LIMIT :window
"""
_FITS = "SELECT found.* FROM ({window}) AS found{where} ORDER BY at_us {way}, writer {way}, seq {way} LIMIT :limit"
# There is such a row only where the window is full, so that there may be more behind it.
_LAST = """
SELECT at_us, writer, seq FROM ({window}) AS found ORDER BY at_us {way}, writer {way}, seq {way} LIMIT 1 OFFSET :full
"""
_NAMED = """(found.subject = :{id} OR found.body LIKE :{like} OR EXISTS (
    SELECT 1 FROM sessions WHERE sessions.id = found.session_id
       AND (sessions.agent_id = :{id} OR sessions.user_id = :{id} OR sessions.connection_id = :{id})))"""


class Rows(Protocol):
    """Runs a query with named parameters."""

    async def rows(self, sql: str, parameters: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """Return its rows."""
        ...


async def found_by(search: Search, rows: Rows) -> Found:
    """Return what a search finds."""
    window, values = _window(search), _values(search)
    way = "DESC" if search.backward else "ASC"
    sql = _FITS.format(window=window, where=_where(search), way=way)
    records = [Record(**row) for row in await rows.rows(sql, values)]
    if len(records) == search.limit:
        return Found(records, place_of(records[-1]))
    last = await rows.rows(_LAST.format(window=window, way=way), values)
    return Found(records, (last[0]["at_us"], last[0]["writer"], last[0]["seq"]) if last else None)


def _window(search: Search) -> str:
    way, past = ("DESC", "<") if search.backward else ("ASC", ">")
    return _WINDOW.format(by=_by(search), past=past, way=way)


def _by(search: Search) -> str:
    # Not by the tenant: a planner would rather go through all of its time than through one session.
    if search.session_id is not None:
        return "session_id = :session_id AND tenant_id || '' = :tenant_id"
    by = next((name for name in ("subject", "kind") if getattr(search, name) is not None), None)
    return f"tenant_id = :tenant_id AND {by} = :{by}" if by else "tenant_id = :tenant_id"


def _where(search: Search) -> str:
    narrowed = [f"found.{name} = :{name}" for name in ("subject", "kind") if getattr(search, name) is not None]
    narrowed += [_NAMED.format(id=f"id_{i}", like=f"like_{i}") for i, _ in enumerate(search.named)]
    narrowed += ["LOWER(found.body) LIKE :text ESCAPE '!'"] if search.text else []
    return f" WHERE {' AND '.join(narrowed)}" if narrowed else ""


def _values(search: Search) -> dict[str, Any]:
    at, writer, seq = search.after
    values: dict[str, Any] = {"tenant_id": search.tenant_id, "at": at, "writer": writer, "seq": seq}
    values |= {"until": _FAR if search.until_us is None else search.until_us}
    values |= {"window": search.window, "full": search.window - 1, "limit": search.limit}
    values |= {name: getattr(search, name) for name in ("session_id", "subject", "kind")}
    for i, one in enumerate(search.named):
        values |= {f"id_{i}": one, f"like_{i}": f'%"{one}"%'}
    text = search.text.lower()
    for mark in ("!", "%", "_"):
        text = text.replace(mark, f"!{mark}")
    return values | {"text": f"%{text}%"}
