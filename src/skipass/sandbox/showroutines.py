"""SHOW and DESCRIBE of what has a signature: functions and procedures; and the members of schemas by kind.

Source: https://docs.snowflake.com/en/sql-reference/sql/show-functions and .../show-procedures.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from skipass.sandbox.catalog import SchemaObject
from skipass.sandbox.grammar import Reader
from skipass.sandbox.results import Listing, Result
from skipass.sandbox.showscope import Filter, View, end_filter, flag, limited, read_filter, scope


def members(reader: Reader, view: View, kind: str) -> tuple[list[SchemaObject], Filter]:
    """Return what the role sees of one kind in the scope that is read, by name, and the filter that was read."""
    found = Filter()
    read_filter(reader, found)
    database, schema = scope(reader, view, ("SCHEMA", "DATABASE"))
    end_filter(reader, found)
    schemas = [one for holder in view.catalog.databases.values() for one in holder.schemas.values()]
    inside = [
        one
        for holder in schemas
        for one in holder.objects.values()
        if one.kind == kind
        and database in (None, one.name.database)
        and schema in (None, one.name.schema)
        and view.rights.sees_object(one)
        and found.passes(one.name.name)
    ]
    return sorted(inside, key=lambda one: one.name), found


def functions(reader: Reader, view: View, _: bool) -> Result:
    """Answer SHOW FUNCTIONS and SHOW USER FUNCTIONS: the account's own, without the vendor's."""
    return _listed(reader, view, "FUNCTION", ("language",))


def procedures(reader: Reader, view: View, _: bool) -> Result:
    """Answer SHOW PROCEDURES and SHOW USER PROCEDURES: the account's own, without the vendor's."""
    return _listed(reader, view, "PROCEDURE", ())


def _listed(reader: Reader, view: View, kind: str, more: tuple[str, ...]) -> Result:
    found, names = members(reader, view, kind)
    listing = Listing(
        (
            "t:created_on", "name", "schema_name", "is_builtin", "is_aggregate", "is_ansi", "n:min_num_arguments",
            "n:max_num_arguments", "arguments", "description", "catalog_name", "is_table_function",
            "valid_for_clustering", "is_secure", *more,
        )
    )  # fmt: skip
    for one in found:
        at, count = one.name, len(json.loads(one.details["arguments"]))
        head = (one.created, at.name, at.schema, "N", "N", "N", count, count, _signature(one))
        table = flag(one.details["returns"] == "TABLE")
        row = (*head, one.comment or f"user-defined {kind.lower()}", at.database, table, "N", "N")
        listing.add((*row, *("SQL" for _ in more)))
    return limited(listing, names)


def _signature(one: SchemaObject) -> str:
    """Return `NAME(TYPE, …) RETURN TYPE`."""
    kinds = ", ".join(kind.partition("(")[0] for _, kind in json.loads(one.details["arguments"]))
    return f"{one.name.name}({kinds}) RETURN {one.details['returns'].partition('(')[0]}"


def _described(kind: str) -> Callable[[Reader, View], Result]:
    def describe(reader: Reader, view: View) -> Result:
        name = view.session.table_name(reader.path(), f"DESCRIBE {kind}")
        while not reader.done:
            reader.token()
        one = view.rights.schema_object(name, kind, "USAGE")
        listing = Listing(("property", "value"))
        arguments = ", ".join(f"{parameter} {spelled}" for parameter, spelled in json.loads(one.details["arguments"]))
        rights = (("execute as", one.details["rights"]),) if kind == "PROCEDURE" else ()
        head = (("signature", f"({arguments})"), ("returns", one.details["returns"]), ("language", "SQL"))
        for key, value in (*head, *rights, ("body", one.text)):
            listing.add((key, value))
        return listing.result()

    return describe


DESCRIBES: dict[str, Callable[[Reader, View], Result]] = {
    "FUNCTION": _described("FUNCTION"),
    "PROCEDURE": _described("PROCEDURE"),
}
