"""GET_DDL: the statement that would make a table or a view again.

Source: https://docs.snowflake.com/en/sql-reference/functions/get_ddl.
"""

from __future__ import annotations

from skipass.sandbox import failures
from skipass.sandbox.catalog import Catalog, Table
from skipass.sandbox.columns import Column, Constraint
from skipass.sandbox.names import shown, stored
from skipass.sandbox.session import Session


def get_ddl(catalog: Catalog, session: Session, arguments: list[str]) -> str:
    """Return the text for a kind and a name as SQL spells it; a table needs a privilege, a view its ownership."""
    kind = arguments[0].upper() if arguments else ""
    if kind not in ("TABLE", "VIEW") or len(arguments) > 3:
        raise failures.unsupported(f"GET_DDL of {kind or 'nothing'}")
    name = session.table_name(_parts(arguments[1] if len(arguments) > 1 else ""), "GET_DDL")
    rights = session.rights(catalog)
    table = catalog.table(name)
    if table is None or not rights.sees_table(table) or table.kind != kind:
        raise failures.missing(str(name), kind.capitalize())
    full = len(arguments) == 3 and arguments[2].upper() == "TRUE"
    spelled = str(name) if full else shown(name.name)
    if table.view is None:
        return _table(table, spelled)
    if not rights.owns(table.owner):
        raise failures.insufficient("view", name.name)
    return _view(table, spelled)


def _parts(text: str) -> list[str]:
    """Return the stored parts of a dotted name; a dot inside quotes parts nothing."""
    parts, quoted = [""], False
    for char in text:
        quoted ^= char == '"'
        if char == "." and not quoted:
            parts.append("")
        else:
            parts[-1] += char
    return [stored(part.strip()) for part in parts]


def _table(table: Table, spelled: str) -> str:
    kind = "TRANSIENT TABLE" if table.transient else "TABLE"
    lines = [*map(_column, table.columns), *map(_key, table.constraints)]
    cluster = f"cluster by ({table.cluster_by})" if table.cluster_by else ""
    body = ",\n".join(f"\t{line}" for line in lines)
    return f"create or replace {kind} {spelled} {cluster}(\n{body}\n){_comment(table.comment)};"


def _column(column: Column) -> str:
    text = f"{shown(column.name)} {column.type}" + ("" if column.nullable else " NOT NULL")
    if column.identity is not None:
        text += f" autoincrement {str(column.default).removeprefix('IDENTITY ').lower()} noorder"
    elif column.default is not None:
        text += f" DEFAULT {column.default}"
    return text + _comment(column.comment or "", " ")


def _key(key: Constraint) -> str:
    columns = ", ".join(map(shown, key.columns))
    name = "" if key.name.startswith("SYS_CONSTRAINT_") else f"constraint {shown(key.name)} "
    target = ""
    if key.target is not None:
        target = f" references {key.target}({', '.join(map(shown, key.target_columns))})"
    return f"{name}{key.kind.lower()} ({columns}){target}"


def _view(table: Table, spelled: str) -> str:
    secure = "secure " if table.secure else ""
    columns = ",\n".join(f"\t{shown(column.name)}" for column in table.columns)
    return f"create or replace {secure}view {spelled}(\n{columns}\n){_comment(table.comment)} as {table.view};"


def _comment(text: str, sign: str = "=") -> str:
    return f" COMMENT{sign}'{text.replace(chr(39), chr(39) * 2)}'" if text else ""
