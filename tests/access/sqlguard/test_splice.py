"""The text that runs: every name exact, everything else untouched."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.rows import GRANT, Row, granted, load
from skipass.access.sqlguard import check
from skipass.access.sqlguard.lexer import DEFAULT, Lex, LexFault, Limits, Token, lex
from skipass.access.sqlguard.names import Insert
from skipass.access.sqlguard.splice import splice
from skipass.nouns.scope import Scope
from skipass.nouns.verdict import Outcome

CASES = {
    "SELECT * FROM orders": "SELECT * FROM OPS_DB.OPS.orders",
    "SELECT orders.total FROM orders": "SELECT orders.total FROM OPS_DB.OPS.orders",
    "SELECT * FROM ops . orders o -- x": "SELECT * FROM OPS_DB.ops . orders o -- x",
    'SELECT*FROM"orders"': 'SELECT*FROM OPS_DB.OPS."orders"',
    "SELECT * FROM IDENTIFIER('orders')": "SELECT * FROM IDENTIFIER('OPS_DB.OPS.orders')",
    "SELECT * FROM TABLE($$orders$$)": "SELECT * FROM TABLE($$OPS_DB.OPS.orders$$)",
    "SELECT $1 FROM @st/a.csv": "SELECT $1 FROM @OPS_DB.OPS.st/a.csv",
    "WITH o AS (SELECT * FROM orders) SELECT * FROM o": "WITH o AS (SELECT * FROM OPS_DB.OPS.orders) SELECT * FROM o",
    "SELECT s.NEXTVAL FROM orders": "SELECT OPS_DB.OPS.s.NEXTVAL FROM OPS_DB.OPS.orders",
    "SHOW TABLES IN SCHEMA ops": "SHOW TABLES IN SCHEMA OPS_DB.ops",
    "DESC TABLE orders": "DESC TABLE OPS_DB.OPS.orders",
    "COMMENT ON COLUMN orders.note IS 'x'": "COMMENT ON COLUMN OPS_DB.OPS.orders.note IS 'x'",
    "ALTER TABLE a RENAME TO b": "ALTER TABLE OPS_DB.OPS.a RENAME TO OPS_DB.OPS.b",
    "SELECT GET_DDL('TABLE', 'orders')": "SELECT GET_DDL('TABLE', 'OPS_DB.OPS.orders')",
    "SELECT 'orders' FROM orders": "SELECT 'orders' FROM OPS_DB.OPS.orders",
    "SELECT 1 AS orders": "SELECT 1 AS orders",
    "SELECT * FROM OPS_DB.OPS.ORDERS": "SELECT * FROM OPS_DB.OPS.ORDERS",
}


@pytest.mark.parametrize("sql", CASES)
def test_names_are_qualified_where_they_stand(sql: str) -> None:
    """Each unqualified or half-qualified object name gets its prefix; columns, aliases and CTEs do not."""
    assert granted(sql).text == CASES[sql]


def test_prefixes_are_quoted_when_they_have_to_be() -> None:
    """A database that is a reserved word and a schema of mixed case are spelled in quotes."""
    scope = Scope(('"TABLE"."my Schema"',))
    verdict = check("SELECT * FROM t", scope, database='"TABLE"', schema='"my Schema"')
    assert verdict.text == 'SELECT * FROM "TABLE"."my Schema".t'


def test_the_empty_part_becomes_public() -> None:
    """`db..t` is sent as `db.PUBLIC.t`."""
    verdict = check("SELECT * FROM d..t", Scope(("D.PUBLIC",)), database="X", schema="Y")
    assert verdict.text == "SELECT * FROM d.PUBLIC.t"


def test_a_refused_statement_has_no_text_and_others_have() -> None:
    """There is a text to run exactly when the answer is not a refusal."""
    for row in load():
        verdict = granted(row.sql)
        assert (verdict.text is None) == (verdict.outcome is Outcome.DENY)


def test_only_prefixes_are_added_to_the_rows() -> None:
    """Every character of an allowed or held row is still there, in order."""
    for row in load():
        text = granted(row.sql).text
        if text is not None:
            rest = iter(text)
            assert all(c in rest for c in row.sql), row.id


@pytest.mark.parametrize(
    ("sql", "position", "text"),
    [
        ("SELECT a", 7, "b"),
        ("SELECT a", 3, " "),
        ("SELECT 'a'", 8, "' , '"),
        ("SELECT a", 7, "-- "),
        ("SELECT a", 7, "'"),
        ("SELECT a.b", 8, ".b -"),
        ("SELECT a /* b */", 8, ", 1"),
        ("SELECT a /* b */ + c", 8, "/* "),
        ("SELECT a", 7, "1 + "),
    ],
)
def test_an_insertion_that_changes_other_tokens_is_refused(sql: str, position: int, text: str) -> None:
    """Where taking the insertion out again does not give the original tokens, there is no text at all."""
    assert splice(sql, lex(sql).tokens, [Insert(position, text)], DEFAULT) is None


@pytest.mark.parametrize("limits", [Limits(max_bytes=30), Limits(max_tokens=5)])
def test_a_text_that_the_names_make_too_large_is_refused(limits: Limits) -> None:
    """The text that runs is held to the limits too: the names that are put in count."""
    sql = "SELECT a FROM b"
    tokens, insert = lex(sql, limits).tokens, Insert(14, "DATABASE_NAME.SCHEMA_NAME.")
    assert splice(sql, tokens, [insert], limits) is None
    assert splice(sql, tokens, [insert], DEFAULT) == "SELECT a FROM DATABASE_NAME.SCHEMA_NAME.b"


def read_whole(sql: str, result: str, insert: Insert) -> bool:
    """Tell, from a reading of the whole result, whether it has the tokens of `sql` and of a name, and no others."""
    length = len(result) - len(sql)
    try:
        tokens = lex(result).tokens
    except LexFault:
        return False
    kept: list[tuple[Lex, str]] = []
    for token in tokens:
        start, end = insert.position, insert.position + length
        if token.end <= start or token.start >= end:
            kept.append((token.kind, token.text))
        elif token.start < start and token.end > end:
            kept.append((token.kind, token.text[: start - token.start] + token.text[end - token.start :]))
        elif not (start <= token.start and token.end <= end and _of_a_name(token)):
            return False
    return kept == [(t.kind, t.text) for t in lex(sql).tokens]


def _of_a_name(token: Token) -> bool:
    return token.kind in (Lex.WORD, Lex.QUOTED) or token.word == "."


PIECES = st.sampled_from(
    (
        *(
            "a",
            "B1",
            '"b"',
            "'c'",
            "$$d$$",
            "$1",
            "@s/p",
            "1",
            "1e",
            ".",
            "-",
            "/",
            "*",
            "(",
            ")",
            " ",
            "\n",
            "-- x\n",
            "é",
        ),
        *("-- x\n", "é", "/* y */", "//", "$", "'", '"', "/*", "*/", "--", "->", ">", "x'", "\u3000", "FROM ", ","),
    )
)
PREFIXES = st.sampled_from(
    ["B.", '"q".', "x", "1", "--", "/*", "*/", "'", '"', "$$", " ", ".", "-", "é", "e5", 'D."S".', "PUBLIC", "/", "@"]
)


@settings(max_examples=3000, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=12).map("".join), PREFIXES, st.data())
def test_the_proof_near_an_insertion_is_as_strict_as_one_of_the_whole(sql: str, text: str, data: st.DataObject) -> None:
    """Whatever is put in wherever, a text comes out only if a reading of all of it gives the original tokens back."""
    try:
        tokens = lex(sql).tokens
    except LexFault:
        return
    insert = Insert(data.draw(st.integers(0, len(sql))), text)
    result = splice(sql, tokens, [insert], DEFAULT) if tokens else None
    if result is not None:
        assert read_whole(sql, result, insert)


@pytest.mark.parametrize("row", load(), ids=lambda row: row.id)
def test_the_spliced_rows_hold_the_tokens_of_the_original(row: Row) -> None:
    """Of a row that runs, a reading of the whole text gives the original's tokens in order, and parts of names."""
    text = granted(row.sql).text
    rest = list(lex(text).tokens) if text is not None else []
    for token in lex(row.sql).tokens if text is not None else ():
        while rest[0].text != token.text and rest[0].kind not in (Lex.STRING, Lex.DOLLAR, Lex.STAGE):
            assert _of_a_name(rest.pop(0)), row.id
        assert rest.pop(0).kind is token.kind, row.id
    assert rest == []


NAMES = st.sampled_from(
    ["orders", "ops.orders", "OPS_DB.OPS.ORDERS", '"orders"', 'ops."Order Details"', "ops . returns"]
)
QUERIES = st.recursive(
    NAMES.map(lambda n: f"SELECT * FROM {n}"),
    lambda inner: st.one_of(
        st.tuples(inner, NAMES).map(lambda p: f"SELECT (SELECT 1 FROM {p[1]}) FROM ({p[0]}) q"),
        st.tuples(inner, inner).map(lambda p: f"{p[0]} UNION ALL {p[1]}"),
        st.tuples(inner, inner).map(lambda p: f"WITH c AS ({p[0]}) SELECT * FROM c JOIN ({p[1]}) d ON 1 = 1"),
        st.tuples(inner, NAMES).map(lambda p: f"SELECT * FROM {p[1]} t WHERE EXISTS ({p[0]}) /* orders */"),
    ),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(QUERIES)
def test_splicing_is_stable(sql: str) -> None:
    """Checked again under any current schema, the spliced text reads the same, is allowed, and stays as it is."""
    first = granted(sql)
    assert first.outcome is Outcome.ALLOW
    assert first.text is not None
    again = check(first.text, GRANT, database=None, schema=None)
    assert (again.outcome, again.text) == (Outcome.ALLOW, first.text)
    assert set(again.reads) == set(first.reads)


@settings(max_examples=200, deadline=None)
@given(QUERIES, st.data())
def test_one_outside_name_spoils_any_query(sql: str, data: st.DataObject) -> None:
    """Replacing any one table of an allowed query by an outside one makes it a refusal that names it."""
    names = [t for t in ("orders", "ops.orders", "OPS_DB.OPS.ORDERS") if f"FROM {t}" in sql]
    chosen = data.draw(st.sampled_from([*names, ""]))
    spoiled = (
        sql.replace(f"FROM {chosen}", "FROM hr.core.x", 1) if chosen else f"{sql} UNION ALL SELECT 1 FROM hr.core.x"
    )
    verdict = granted(spoiled)
    assert verdict.outcome is Outcome.DENY
    assert "HR.CORE.X" in verdict.reads or verdict.kind.value == "unparseable"
