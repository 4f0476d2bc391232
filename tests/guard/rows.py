"""The labelled statements, and what a verdict has to agree with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from skipass.access.sqlguard import check
from skipass.nouns.scope import Scope
from skipass.nouns.verdict import Verdict

ROWS_FILE = Path(__file__).parent / "statements.jsonl"
GRANT = Scope(schemas=("OPS_DB.OPS",), role="AGENT_ROLE", warehouse="AGENT_WH")
UNCHECKED_LISTS = ("admin", "session", "procedural")


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    category: str
    sql: str
    kind: str
    reads: frozenset[str]
    writes: frozenset[str]
    accept: frozenset[str]
    extra: Mapping[str, object] = field(default_factory=dict)


def load() -> list[Row]:
    return [_row(json.loads(line)) for line in ROWS_FILE.read_text(encoding="utf-8").splitlines()]


def _row(value: dict[str, object]) -> Row:
    names = {k: frozenset(value[k]) for k in ("reads", "writes")}  # type: ignore[arg-type]
    accept = frozenset(value.get("accept") or [value["verdict"]])  # type: ignore[call-overload]
    return Row(str(value["id"]), str(value["category"]), str(value["sql"]), str(value["class"]), **names, accept=accept)


def granted(sql: str) -> Verdict:
    return check(sql, GRANT, database="OPS_DB", schema="OPS")


def misses(row: Row, verdict: Verdict) -> list[str]:
    found = []
    if verdict.outcome.value not in row.accept:
        found.append(f"verdict {verdict.outcome.value}, accepted {sorted(row.accept)}")
    if verdict.kind.value != row.kind:
        found.append(f"kind {verdict.kind.value}, expected {row.kind}")
    if row.kind not in UNCHECKED_LISTS:
        for name, seen, expected in (("reads", verdict.reads, row.reads), ("writes", verdict.writes, row.writes)):
            if frozenset(seen) != expected:
                found.append(f"{name} {sorted(seen)}, expected {sorted(expected)}")
    return [f"{row.id} {row.category} {row.sql[:90]!r}: {miss}" for miss in found]
