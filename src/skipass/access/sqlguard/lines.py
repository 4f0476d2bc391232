"""`guard check` without its command line: JSON lines in, JSON lines out. Reads and writes iterables only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from skipass.access.sqlguard.guard import check
from skipass.errors import SkipassError
from skipass.nouns.scope import Scope, scope_from
from skipass.nouns.verdict import Verdict


def scope_with_place(value: object) -> tuple[Scope, str | None, str | None]:
    """Return the scope of a JSON object and its `database` and `schema`, the current ones; raises `invalid_scope`."""
    scope = scope_from(value, extra=("database", "schema"))
    place: list[str | None] = []
    for member in ("database", "schema"):
        name = value.get(member) if isinstance(value, dict) else None
        if name is not None and not isinstance(name, str):
            raise SkipassError("invalid_scope", f"{member} must be a name")
        place.append(name)
    return scope, place[0], place[1]


def check_lines(lines: Iterable[str], scope: object) -> Iterator[str]:
    """Yield one JSON line `{"id","verdict","kind","reads","writes","reasons"}` for each line `{"id","sql"}`, in order.

    `scope` is the JSON object of a scope, with `database` and `schema` as the current ones. Blank lines are skipped.
    Raises `invalid_scope` before the first line is read, and `invalid_request` naming the line that is malformed.
    """
    parsed, database, schema = scope_with_place(scope)
    return _answers(lines, parsed, database, schema)


def _answers(lines: Iterable[str], scope: Scope, database: str | None, schema: str | None) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            request = _request(line, number)
            verdict = check(request["sql"], scope, database=database, schema=schema)
            yield json.dumps({"id": request["id"], **verdict_shape(verdict)}, ensure_ascii=False)


def verdict_shape(verdict: Verdict) -> dict[str, Any]:
    """Return the JSON shape of a verdict as `guard check` prints it."""
    return {
        "verdict": verdict.outcome.value,
        "kind": verdict.kind.value,
        "reads": list(verdict.reads),
        "writes": list(verdict.writes),
        "reasons": [asdict(r) for r in verdict.reasons],
    }


def _request(line: str, number: int) -> dict[str, Any]:
    try:
        request = json.loads(line)
    except ValueError:
        request = None
    if not isinstance(request, dict) or not isinstance(request.get("sql"), str) or "id" not in request:
        raise SkipassError(
            "invalid_request",
            f"Line {number} is not an object with id and sql.",
            'Example: {"id": 1, "sql": "SELECT 1"}',
        )
    return request
