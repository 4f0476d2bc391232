"""Semantic views from YAML, and the few questions that are answered from one: this is a script, not a model.

A question that equals a verified query gets its SQL; besides that there are counts, totals and averages of what the
view names. Source: https://docs.snowflake.com/en/sql-reference/stored-procedures/system_create_semantic_view_from_yaml.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from skipass.sandbox import failures, results
from skipass.sandbox.catalog import SchemaObject
from skipass.sandbox.execution import Execution
from skipass.sandbox.grammar import Reader
from skipass.sandbox.mcp import objects, spec
from skipass.sandbox.mcp.search import words
from skipass.sandbox.names import TableName, shown
from skipass.sandbox.results import Result

_FUNCTION = "SYSTEM$CREATE_SEMANTIC_VIEW_FROM_YAML"
_PATTERN = re.compile(
    r"(?:how many|number of|count of|(?P<sum>total|sum of)|(?P<avg>average|mean))\s+(?P<what>.+?)"
    r"(?:\s+(?:by|per)\s+(?P<by>.+?))?(?:\s+(?:are|is|do we have|there)\b.*)?[?.!\s]*\Z",
    re.IGNORECASE,
)
SAID = "A scripted answer of the stand-in account, no language model: "


@dataclass(frozen=True, slots=True)
class Field:
    """A dimension or measure of a view: its name, the words it goes by, its expression and its table."""

    name: str
    called: frozenset[str]
    expression: str
    table: str


def statement(reader: Reader, execution: Execution) -> Callable[[], Result] | None:
    """Return the work of CALL SYSTEM$CREATE_SEMANTIC_VIEW_FROM_YAML('db.schema', $$yaml$$), None for another CALL."""
    if reader.peek(1) != _FUNCTION:
        return None

    def work() -> Result:
        reader.take("CALL", _FUNCTION, "(")
        place = reader.string()
        reader.take(",")
        text = reader.string()
        reader.take(")")
        reader.finish()
        return _create(execution, place, text)

    return work


def _create(execution: Execution, place: str, text: str) -> Result:
    found = spec.document(text)
    name = found.get("name")
    tables = found.get("tables")
    if not isinstance(name, str) or not isinstance(tables, list) or not tables:
        raise spec.bad("a semantic view needs 'name' and 'tables'")
    session = execution.session
    at = session.schema_name([part.upper() for part in place.split(".")], "CREATE SEMANTIC VIEW")
    for query in base_tables(found):
        execution.columns_of(f"SELECT * FROM {query}")
    made = SchemaObject(
        "SEMANTIC VIEW",
        TableName(at.database, at.schema, name.upper()),
        session.now,
        session.role,
        text,
        str(found.get("description") or ""),
    )
    objects.keep(execution.account, session, made, replace=True, lenient=False)
    return results.status("Semantic view was successfully created.")


def base_tables(view: dict[str, Any]) -> Iterator[str]:
    """Yield the full name of each table of a view, spelled for SQL."""
    for one in view["tables"]:
        base = one.get("base_table") if isinstance(one, dict) else None
        if not isinstance(base, dict):
            raise spec.bad("a table lacks 'base_table'")
        yield ".".join(shown(str(base.get(part, "")).upper()) for part in ("database", "schema", "table"))


def answer(view: dict[str, Any], question: str) -> tuple[str, str | None]:
    """Return a text and, if the question was understood, the statement that answers it."""
    for one in view.get("verified_queries") or []:
        if words(str(one.get("question", ""))) == words(question):
            return SAID + "it is a verified query of the semantic view.", str(one.get("sql", "")).strip()
    match = _PATTERN.search(question)
    sql = _sql(view, match) if match is not None else None
    if sql is None:
        known = "how many …, total …, average …, each with an optional 'by …', and its verified queries"
        return f"{SAID}it understands {known}.", None
    return f"{SAID}it read the question as “{question.strip()}”.", sql


def _sql(view: dict[str, Any], match: re.Match[str]) -> str | None:
    fields = list(_fields(view))
    wanted = frozenset(words(match["what"]))
    by = _best(fields, frozenset(words(match["by"]))) if match["by"] else None
    if match["by"] and by is None:
        return None
    if match["sum"] or match["avg"]:
        measure = _best(fields, wanted)
        if measure is None:
            return None
        shape = f"{'SUM' if match['sum'] else 'AVG'}({measure.expression})"
        return _select(shape, measure.table, by)
    table = next((full for full, called in _tables(view) if called & wanted), None)
    return None if table is None else _select("COUNT(*)", table, by)


def _select(shape: str, table: str, by: Field | None) -> str | None:
    if by is None:
        return f"SELECT {shape} AS VALUE FROM {table}"
    if by.table != table:
        return None
    return f"SELECT {by.expression} AS {shown(by.name)}, {shape} AS VALUE FROM {table} GROUP BY 1 ORDER BY 1"


def _tables(view: dict[str, Any]) -> Iterator[tuple[str, frozenset[str]]]:
    for one, full in zip(view["tables"], base_tables(view), strict=True):
        yield full, _called(one, str(one["base_table"].get("table", "")))


def _fields(view: dict[str, Any]) -> Iterator[Field]:
    for one, full in zip(view["tables"], base_tables(view), strict=True):
        for group in ("dimensions", "time_dimensions", "facts", "measures", "metrics"):
            for found in one.get(group) or []:
                name = str(found.get("name", "")).upper()
                yield Field(name, _called(found, name), str(found.get("expr") or shown(name)), full)


def _called(one: dict[str, Any], name: str) -> frozenset[str]:
    texts = [name, str(one.get("name", "")), *map(str, one.get("synonyms") or [])]
    return frozenset(word for text in texts for word in words(text.replace("_", " ")))


def _best(fields: list[Field], wanted: frozenset[str]) -> Field | None:
    return next((one for one in fields if one.called & wanted), None)


def read(one: SchemaObject) -> dict[str, Any]:
    """Return the view's document; 391404 if it holds none."""
    if one.kind != "SEMANTIC VIEW":
        raise failures.missing(str(one.name), "Semantic view", table=False)
    return spec.document(one.text)
