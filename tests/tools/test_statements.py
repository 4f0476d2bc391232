"""From a lookup's input to its statement: the objects it names are the ones that were asked for, and no others."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import skipass.tools
from skipass.access.sqlguard import check
from skipass.access.sqlguard.names import render
from skipass.errors import SkipassError
from skipass.nouns.scope import Metadata, Scope
from skipass.nouns.verdict import Outcome, StatementKind, Verdict
from skipass.tools.names import parts, stored
from skipass.tools.statements import Built, Place, build, fills_from_session
from skipass.tools.validate import validate

HERE = Place("OPS_DB", "OPS")
# What a name or a pattern may be made of, and pieces that would end a string, a name or a statement.
BREAKS = (
    "'",
    '"',
    "\\",
    "''",
    '""',
    "\\'",
    ";",
    "--",
    "/*",
    "*/",
    "$$",
    "?",
    "%",
    "_",
    ".",
    " ",
    "é",
    "ſ",
    "OR 1=1",
    "{x}",
)
TEXTS = st.lists(
    st.sampled_from(BREAKS) | st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), max_size=8
).map("".join)
NAMES = TEXTS.filter(lambda text: 0 < len(text) <= 200 and bool(text.strip()) and text.isprintable())
OBJECTS: tuple[tuple[str, dict[str, str], tuple[str, str, str]], ...] = (
    ("snowflake_describe_object", {}, ("database", "schema", "object_name")),
    ("snowflake_sample_table", {}, ("database", "schema", "table")),
    ("snowflake_show_primary_keys", {}, ("database_name", "schema_name", "table_name")),
    ("snowflake_show_imported_exported_keys", {"key_direction": "exported"}, ("database", "schema", "table_name")),
)
FILTERED = (
    ("snowflake_get_tables", "TABLES", "table_name_like"),
    ("snowflake_get_columns", "COLUMNS", "column_name_like"),
    ("snowflake_get_columns", "COLUMNS", "table"),
    ("snowflake_get_table_constraints", "TABLE_CONSTRAINTS", "table"),
)


def exact(name: str) -> str:
    """Return how a name is written so that it is taken exactly."""
    return '"' + name.replace('"', '""') + '"'


def judged(built: Built, scope: Scope) -> Verdict:
    return check(built.text.text, scope, database="OPS_DB", schema="OPS")


def made(name: str, arguments: dict[str, Any], place: Place = HERE) -> Built:
    return build(validate(name, arguments), place)


@given(st.sampled_from(OBJECTS), NAMES, NAMES, NAMES)
def test_a_hostile_name_names_that_object_and_no_other(case: Any, database: str, schema: str, name: str) -> None:
    """Whatever the names hold, the guard reads one statement about exactly that object, unchanged on its way."""
    tool, extra, members = case
    wish = dict(zip(members, map(exact, (database, schema, name)), strict=True))
    built = made(tool, {**extra, **wish})
    verdict = judged(built, Scope((render((database, schema)),)))
    assert (verdict.outcome, verdict.kind) == (Outcome.ALLOW, StatementKind.READ)
    assert verdict.reads == (render((database, schema, name)),)
    assert (verdict.writes, verdict.text) == ((), built.text.text)


@given(st.sampled_from(FILTERED), NAMES, NAMES, st.text(alphabet="'\"%_;-ab .", min_size=1, max_size=20))
def test_a_hostile_filter_stays_a_value(case: Any, database: str, schema: str, value: str) -> None:
    """Whatever schema and filter hold, the catalogue of that database is read, filtered to that schema, value bound."""
    tool, view, member = case
    wanted = exact(value) if member == "table" else value
    built = made(tool, {"database": exact(database), "schema": exact(schema), member: wanted})
    verdict = judged(built, Scope((render((database, schema)),)))
    assert (verdict.outcome, verdict.reads) == (Outcome.ALLOW, (render((database, "INFORMATION_SCHEMA", view)),))
    assert built.bindings == {"1": {"type": "TEXT", "value": value}}
    other = judged(built, Scope((render((database, f"{schema}x")),)))
    assert other.outcome is Outcome.DENY


@given(st.sampled_from(["databases", "schemas"]), NAMES, st.text(alphabet="'\"%_;-ab .", min_size=1, max_size=20))
def test_a_hostile_pattern_stays_a_pattern(kind: str, database: str, pattern: str) -> None:
    """A SHOW's pattern is one constant: the guard reads the account or that database, whatever the pattern holds."""
    area = {"database_name": exact(database)} if kind == "schemas" else {}
    built = made("snowflake_show_databases_schemas", {"object_type": kind, "like_pattern": pattern, **area})
    verdict = judged(built, Scope((render((database, "S")),), metadata=Metadata.ACCOUNT))
    assert verdict.outcome is Outcome.ALLOW
    assert verdict.reads == (("<ACCOUNT>",) if kind == "databases" else (render((database,)),))


@given(st.sampled_from(["to_role", "of_role", "to_user"]), NAMES)
def test_a_hostile_holder_is_one_name(view: str, name: str) -> None:
    """Grants of whatever name are one read of the account's metadata."""
    member = "user_name" if view == "to_user" else "role_name"
    built = made("snowflake_show_grants", {"grant_view": view, member: exact(name)})
    verdict = judged(built, Scope(("OPS_DB.OPS",), metadata=Metadata.ACCOUNT))
    assert (verdict.outcome, verdict.reads) == (Outcome.ALLOW, ("<ACCOUNT>",))


LEVELS = [
    ("snowflake_show_databases_schemas", {"object_type": "databases"}),
    ("snowflake_show_databases_schemas", {"object_type": "schemas"}),
    ("snowflake_show_databases_schemas", {"object_type": "schemas", "database": "ops_db", "like_pattern": "o%"}),
    ("snowflake_get_schemata", {"database": "ops_db", "schema_like": "O%"}),
    *(
        (name, {"database": "ops_db", **area})
        for name in (
            "snowflake_get_tables",
            "snowflake_get_columns",
            "snowflake_get_table_constraints",
            "snowflake_get_referential_constraints",
        )
        for area in ({}, {"schema": "ops"})
    ),
    ("snowflake_get_referential_constraints", {"database": "ops_db", "table": "t"}),
    ("snowflake_get_referential_constraints", {"database": "ops_db", "schema": "ops", "table": "t"}),
    ("snowflake_show_primary_keys", {}),
    ("snowflake_show_primary_keys", {"database": "ops_db"}),
    ("snowflake_show_primary_keys", {"table_name": "t"}),
    ("snowflake_show_imported_exported_keys", {"key_direction": "imported", "table_name": "t"}),
    ("snowflake_show_warehouses", {"like_pattern": "a%"}),
    ("snowflake_show_grants", {"grant_view": "to_role", "role_name": "r"}),
    ("snowflake_show_grants", {"grant_view": "on_object", "object_type": "account"}),
    ("snowflake_show_grants", {"grant_view": "on_object", "object_type": "warehouse", "object_name": "w"}),
    ("snowflake_show_grants", {"grant_view": "on_object", "object_type": "database", "object_name": "ops_db"}),
    ("snowflake_show_grants", {"grant_view": "on_object", "object_type": "view", "object_name": "ops.v"}),
    *(
        ("snowflake_describe_object", {"object_name": "ops", "object_type": kind})
        for kind in ("table", "materialized view", "dynamic table", "external table", "stream", "file format", "schema")
    ),
    ("snowflake_describe_object", {"object_name": "ops_db", "object_type": "database"}),
]


@pytest.mark.parametrize(("name", "arguments"), LEVELS)
def test_a_statement_needs_the_level_it_says(name: str, arguments: dict[str, Any]) -> None:
    """What a statement says it needs is what the guard wants: allowed from that level on, refused below it."""
    built = made(name, arguments)
    assert built.needs is not None
    levels = list(Metadata)
    outcomes = [judged(built, Scope(("OPS_DB.OPS",), metadata=level)).outcome for level in levels]
    assert outcomes == [Outcome.ALLOW if i >= levels.index(built.needs) else Outcome.DENY for i in range(len(levels))]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("orders", "ORDERS"),
        ("_a$1", "_A$1"),
        ('"orders"', "orders"),
        ('"a.b"', "a.b"),
        ('"say ""hi"""', 'say "hi"'),
        ("my table", "my table"),
        ("Größe", "Größe"),
        ("opſ", "opſ"),
        ("1st", "1st"),
        ("o'brien", "o'brien"),
    ],
)
def test_a_name_as_it_is_stored(written: str, name: str) -> None:
    """A plain name is upper case, a quoted one exact, and what is neither is taken as it is."""
    assert stored(written) == name


@pytest.mark.parametrize(
    "written", ["a.b", '"a"."b"', '"a', 'a"', '"', '""', " ", "", "a\x00", "a\u200bb", "a\nb", "x" * 256, '"a"b"']
)
def test_a_name_that_could_be_two_things_is_refused(written: str) -> None:
    """Dots and unmatched quotes, what cannot be seen, and what is too long are no name, and the field is named."""
    with pytest.raises(SkipassError) as refused:
        validate("snowflake_get_tables", {"database": written})
    assert (refused.value.code, refused.value.details["fields"]) == ("invalid_request", ["database"])


@pytest.mark.parametrize("written", ["a..b", ".a", "a.", "a.b.c.d", 'a."b', "a b.c.d.e"])
def test_a_dotted_name_with_a_hole_is_refused(written: str) -> None:
    """A dotted name has one to three parts, none of them empty."""
    with pytest.raises(SkipassError):
        validate("snowflake_show_grants", {"grant_view": "on_object", "object_type": "table", "object_name": written})
    assert parts('a."b.c"') == ("A", "b.c")


@pytest.mark.parametrize("pattern", ["\\", "a\\", "a\\b", "\\\\\\", "", "a\x00"])
def test_a_pattern_with_a_loose_backslash_is_refused(pattern: str) -> None:
    """A backslash in a pattern stands before what it is for, or the pattern is refused."""
    with pytest.raises(SkipassError) as refused:
        validate("snowflake_get_tables", {"database": "d", "table_name_like": pattern})
    assert refused.value.details["fields"] == ["table_name_like"]


@pytest.mark.parametrize("limit", [0, -1, 1_001, 1.5, "5", True])
def test_a_limit_is_bounded(limit: Any) -> None:
    """A limit is a whole number from one to a thousand, and nothing that looks like one."""
    with pytest.raises(SkipassError) as refused:
        validate("snowflake_get_tables", {"database": "d", "limit": limit})
    assert refused.value.code == "invalid_request"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("snowflake_show_databases_schemas", {"object_type": "databases", "database_name": "d"}),
        ("snowflake_show_grants", {"grant_view": "on_object", "object_type": "warehouse", "object_name": "a.b"}),
        ("snowflake_show_grants", {"grant_view": "on_object", "object_type": "schema", "object_name": "a.b.c"}),
    ],
)
def test_members_that_do_not_go_together(name: str, arguments: dict[str, Any]) -> None:
    """Members that cannot both be meant are refused, with the way out."""
    with pytest.raises(SkipassError) as refused:
        made(name, arguments)
    assert refused.value.code == "invalid_request"
    assert refused.value.hint


@pytest.mark.parametrize(("name", "_", "members"), OBJECTS)
def test_without_any_place_the_scope_is_asked_for(name: str, _: Any, members: tuple[str, ...]) -> None:
    """Where neither call nor session has a database or schema, the call is told to name it."""
    wish = {members[-1]: "t"} | ({"key_direction": "imported"} if "exported" in name else {})
    assert fills_from_session(validate(name, wish))
    for place in (Place(), Place("OPS_DB")):
        with pytest.raises(SkipassError) as asked:
            made(name, wish, place)
        assert asked.value.code == "missing_field"


def test_either_name_of_a_scope_is_taken_everywhere() -> None:
    """`database` and `database_name`, `schema` and `schema_name` mean the same to every tool."""
    for name, extra, members in OBJECTS:
        short = made(name, {**extra, "database": "d", "schema": "s", members[-1]: "t"})
        long = made(name, {**extra, "database_name": "d", "schema_name": "s", members[-1]: "t"})
        assert short == long


# What only the one module that puts texts together may hold in something it puts together.
WORDS = frozenset(
    (
        *("SELECT", "FROM", "WHERE", "AND", "LIKE", "ILIKE", "LIMIT", "JOIN", "ORDER", "IN"),
        *("SHOW", "DESCRIBE", "EXPLAIN", "GRANTS", "INFORMATION_SCHEMA", "TABLE", "KEYS"),
    )
)


def built_strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield each place where text is put together, and the constant text in it."""
    for node in ast.walk(tree):
        joined = isinstance(node, ast.JoinedStr) or (
            isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod)
        )
        called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if joined or (called and node.func.attr in ("format", "format_map", "join", "replace")):  # type: ignore[attr-defined]
            texts = (n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str))
            yield node.lineno, " ".join(texts)  # type: ignore[attr-defined]


def sources() -> Iterator[Path]:
    yield from (p for p in Path(skipass.tools.__file__).parent.glob("*.py") if p.name != "sql.py")


@pytest.mark.parametrize("path", list(sources()), ids=lambda path: path.name)
def test_sql_is_put_together_in_one_module(path: Path) -> None:
    """Outside of `sql`, no text with a word of SQL in it is put together, and no piece of a statement is made."""
    tree = ast.parse(path.read_text())
    assert [line for line, text in built_strings(tree) if WORDS & set(text.split())] == []
    assert [n.lineno for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func).endswith("Piece")] == []


def test_the_module_of_builders_puts_no_text_together_at_all() -> None:
    """`statements` holds no text that reaches Snowflake: what it puts together are messages of errors."""
    tree = ast.parse((Path(skipass.tools.__file__).parent / "statements.py").read_text())
    errors = [
        n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func) in ("SkipassError", "_missing")
    ]
    allowed = {line for error in errors for line, _ in built_strings(error)}
    assert {line for line, _ in built_strings(tree)} <= allowed
