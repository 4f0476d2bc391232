"""The labelled statements, as the attacks use them. Knows the file, nothing of the guard."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from skipass.nouns.scope import Scope

FILE = Path(__file__).parent.parent / "tests" / "guard" / "statements.jsonl"
DATABASE, SCHEMA = "OPS_DB", "OPS"
GRANT = Scope(schemas=(f"{DATABASE}.{SCHEMA}",), role="AGENT_ROLE", warehouse="AGENT_WH")


@dataclass(frozen=True, slots=True)
class Row:
    """One statement, its class, the names it touches, and every verdict that is right for it."""

    id: str
    sql: str
    kind: str
    names: tuple[str, ...]
    inside: bool
    accept: frozenset[str]


def rows() -> list[Row]:
    """Return all labelled statements, in the order of the file."""
    return [_row(json.loads(line)) for line in FILE.read_text(encoding="utf-8").splitlines()]


def _row(label: dict[str, object]) -> Row:
    names = [*_list(label["reads"]), *_list(label["writes"])]
    accept = _list(label.get("accept")) or [str(label["verdict"])]
    inside = bool(label["scope_ok"])
    return Row(str(label["id"]), str(label["sql"]), str(label["class"]), tuple(names), inside, frozenset(accept))


def _list(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []
