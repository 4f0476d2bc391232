"""The rules of a scope: what it lets run, what it holds, and what a refusal says would change it."""

from __future__ import annotations

import pytest

from skipass.access.sqlguard import canonical_scope, check
from skipass.errors import MEANINGS, SkipassError
from skipass.nouns.scope import Access, Metadata, Scope, scope_from
from skipass.nouns.verdict import Outcome, StatementKind, Verdict

READ = Scope(schemas=("SALES.MAIN",), role="R", warehouse="W")
WRITE = Scope(schemas=("SALES.MAIN",), access=Access.WRITE, role="R", warehouse="W")


def asked(sql: str, scope: Scope = READ, *, database: str | None = "SALES", schema: str | None = "MAIN") -> Verdict:
    return check(sql, scope, database=database, schema=schema)


def granted_by_needs(sql: str, scope: Scope = READ) -> Verdict:
    needs = asked(sql, scope).needs
    assert needs is not None
    return asked(sql, scope_from(needs))


def test_names_of_a_scope_are_folded() -> None:
    """Unquoted parts become upper case, quoted ones stay, and role and warehouse lose their quotes."""
    scope = Scope(("sales.main", 'x."y z"'), ("sales.main.t",), ("sales.fn.f",), role='"my role"', warehouse="wh")
    folded = canonical_scope(scope)
    assert folded.schemas == ("SALES.MAIN", 'X."y z"')
    assert (folded.tables, folded.functions) == (("SALES.MAIN.T",), ("SALES.FN.F",))
    assert (folded.role, folded.warehouse) == ("my role", "WH")


def test_every_malformed_name_of_a_scope_is_listed() -> None:
    """A malformed scope is refused with all of its faults at once."""
    with pytest.raises(SkipassError) as caught:
        canonical_scope(Scope(("one", "a.b.c", "a..b", 'a."b'), ("t",), ("f",), role="a.b"))
    assert caught.value.code == "invalid_scope"
    for piece in ("'one'", "'a.b.c'", "'a..b'", "tables: 't'", "functions: 'f'", "role: 'a.b'"):
        assert piece in caught.value.message


def test_a_table_outside_the_schemas_is_a_fault() -> None:
    """A scope cannot narrow a schema that it does not name."""
    with pytest.raises(SkipassError, match="none of the schemas"):
        canonical_scope(Scope(("A.B",), ("A.C.T",)))


def test_folding_twice_changes_nothing() -> None:
    """A canonical scope is its own canonical form."""
    once = canonical_scope(Scope(("sales.main",), ("sales.main.t",), warehouse="w"))
    assert canonical_scope(once) == once


@pytest.mark.parametrize(
    ("sql", "read", "write"),
    [
        ("SELECT * FROM t", Outcome.ALLOW, Outcome.ALLOW),
        ("UPDATE t SET a = 1", Outcome.REVIEW, Outcome.ALLOW),
        ("INSERT INTO t VALUES (1)", Outcome.REVIEW, Outcome.ALLOW),
        ("TRUNCATE TABLE t", Outcome.REVIEW, Outcome.ALLOW),
        ("CREATE TABLE n AS SELECT * FROM t", Outcome.REVIEW, Outcome.REVIEW),
        ("DROP TABLE t", Outcome.REVIEW, Outcome.REVIEW),
        ("COPY INTO t FROM @st/in FILE_FORMAT = (TYPE = CSV)", Outcome.REVIEW, Outcome.REVIEW),
        ("GRANT SELECT ON TABLE t TO ROLE r", Outcome.DENY, Outcome.DENY),
        ("USE ROLE r", Outcome.DENY, Outcome.DENY),
        ("CALL p()", Outcome.DENY, Outcome.DENY),
        ("COPY INTO @st FROM t", Outcome.DENY, Outcome.DENY),
        ("UPDATE other.t SET a = 1", Outcome.DENY, Outcome.DENY),
    ],
)
def test_access_decides_what_runs_and_what_waits(sql: str, read: Outcome, write: Outcome) -> None:
    """Under `read` writes wait; under `write` DML runs and DDL waits; the rest is refused in both."""
    assert (asked(sql).outcome, asked(sql, WRITE).outcome) == (read, write)


def test_a_held_statement_says_what_waits() -> None:
    """A review names the code for waiting and the object that would be changed."""
    (reason,) = asked("DELETE FROM t WHERE a = 1").reasons
    assert (reason.code, reason.piece) == ("approval_required", "SALES.MAIN.T")


@pytest.mark.parametrize(
    "sql",
    [
        *("SELECT * FROM other.t", "SELECT * FROM x.y.z JOIN a.b.c USING (i)", "SELECT f(a) FROM t", "SHOW SCHEMAS"),
        *("SELECT * FROM information_schema.tables", "DESC TABLE other.t", "SHOW TABLES IN SCHEMA z.y"),
        "SHOW DATABASES",
    ],
)
def test_the_scope_a_refusal_asks_for_is_enough(sql: str) -> None:
    """A refusal for scope alone carries the scope under which the same text is allowed."""
    assert asked(sql).outcome is Outcome.DENY
    assert granted_by_needs(sql).outcome is Outcome.ALLOW


def test_the_scope_asked_for_adds_only_what_is_missing() -> None:
    """One missing schema adds that schema and nothing else."""
    needs = asked("SELECT * FROM t JOIN other.u USING (i)").needs
    assert needs == {**READ.as_dict(), "schemas": ["SALES.MAIN", "SALES.OTHER"]}


@pytest.mark.parametrize("sql", ["SELECT * FROM other.t WHERE SYSTEM$WAIT(1)", "DROP SCHEMA main", "nonsense", "a;b"])
def test_no_scope_is_offered_where_none_would_help(sql: str) -> None:
    """A statement that every session refuses carries no scope to ask for."""
    verdict = asked(sql)
    assert verdict.outcome is Outcome.DENY
    assert verdict.needs is None


def test_every_reason_has_a_known_code() -> None:
    """Reasons use the codes of the one error vocabulary."""
    texts = ("SELECT * FROM o.t", "x", "CALL p()", "a;b", "SELECT 1 " + "-" * 200 + "1", "DELETE FROM t", "SELECT '")
    assert {r.code for t in texts for r in asked(t).reasons} <= MEANINGS.keys()


def test_tables_narrow_their_schema_only() -> None:
    """With tables named, others of that schema are outside, and other schemas of the scope stay whole."""
    scope = Scope(("SALES.MAIN", "SALES.FREE"), ("SALES.MAIN.T",))
    assert asked("SELECT * FROM t JOIN sales.free.x USING (i)", scope).outcome is Outcome.ALLOW
    refused = asked("SELECT * FROM u", scope)
    assert refused.outcome is Outcome.DENY
    assert refused.needs is not None
    assert refused.needs["tables"] == ["SALES.MAIN.T", "SALES.MAIN.U"]


def test_an_approved_function_may_be_called() -> None:
    """A customer's function runs when the scope names it, is listed, and is called by its full name."""
    verdict = asked("SELECT score(a) FROM t", Scope(("SALES.MAIN",), functions=("sales.main.score",)))
    assert verdict.outcome is Outcome.ALLOW
    assert verdict.functions == ("SALES.MAIN.SCORE",)
    assert verdict.text == "SELECT SALES.MAIN.score(a) FROM SALES.MAIN.t"


@pytest.mark.parametrize("name", ["AI_COMPLETE", "SYSTEM$CANCEL_QUERY"])
def test_a_refused_built_in_cannot_be_approved(name: str) -> None:
    """Naming a function in the scope does not open Snowflake's own refused functions."""
    scope = Scope(("SALES.MAIN",), functions=(f"SALES.MAIN.{name}",))
    assert asked(f"SELECT {name}('x')", scope).outcome is Outcome.DENY


@pytest.mark.parametrize(
    ("sql", "level"),
    [
        ("SHOW TABLES IN SCHEMA main", Metadata.SCHEMA),
        ("DESCRIBE TABLE t", Metadata.SCHEMA),
        ("SELECT * FROM information_schema.columns WHERE table_schema = 'MAIN'", Metadata.SCHEMA),
        ("SELECT * FROM information_schema.columns", Metadata.DATABASE),
        ("SELECT * FROM information_schema.tables WHERE table_schema = 'MAIN' OR 1 = 1", Metadata.DATABASE),
        ("SELECT * FROM information_schema.tables WHERE table_schema IN ('MAIN', 'HR')", Metadata.DATABASE),
        ("SHOW TABLES", Metadata.DATABASE),
        ("SHOW SCHEMAS IN DATABASE sales", Metadata.DATABASE),
        ("SHOW DATABASES", Metadata.ACCOUNT),
        ("SHOW WAREHOUSES", Metadata.ACCOUNT),
        ("SHOW GRANTS TO ROLE reader", Metadata.ACCOUNT),
        ('SHOW GRANTS TO USER "ada"', Metadata.ACCOUNT),
        ("SHOW GRANTS OF ROLE reader", Metadata.ACCOUNT),
        ("SHOW GRANTS ON WAREHOUSE w", Metadata.ACCOUNT),
        ("SHOW GRANTS ON ACCOUNT", Metadata.ACCOUNT),
        ("SHOW GRANTS ON DATABASE sales", Metadata.DATABASE),
        ("SHOW TABLES IN ACCOUNT", Metadata.ACCOUNT),
        ("SELECT * FROM other.information_schema.tables", Metadata.ACCOUNT),
    ],
)
def test_metadata_is_looked_at_as_far_as_the_scope_says(sql: str, level: Metadata) -> None:
    """A metadata statement is allowed from its level on, and refused below."""
    levels = list(Metadata)
    outcomes = [asked(sql, Scope(("SALES.MAIN",), metadata=m)).outcome for m in levels]
    expected = [Outcome.ALLOW if i >= levels.index(level) else Outcome.DENY for i in range(3)]
    assert outcomes == expected


@pytest.mark.parametrize(
    "sql",
    [
        *("SHOW GRANTS", "SHOW INTEGRATIONS", "SHOW VARIABLES", "SHOW SECRETS IN SCHEMA main"),
        *("SHOW GRANTS TO ROLE a.b", "SHOW GRANTS TO ROLE r LIMIT", "SHOW GRANTS TO ROLE", "SHOW GRANTS OF ROLE r, q"),
        *(
            "SHOW GRANTS ON INTEGRATION i",
            "SHOW GRANTS ON",
            "SHOW GRANTS TO SHARE s",
            "SHOW FUTURE GRANTS IN SCHEMA main",
        ),
    ],
)
def test_some_lists_are_refused_at_any_level(sql: str) -> None:
    """Integrations, secrets, session state and one's own privileges are not shown even with `metadata: account`."""
    assert asked(sql, Scope(("SALES.MAIN",), metadata=Metadata.ACCOUNT)).outcome is Outcome.DENY


@pytest.mark.parametrize(
    ("warehouse", "outcome"), [("w", Outcome.REVIEW), ("big", Outcome.DENY), ('"w"', Outcome.DENY)]
)
def test_another_warehouse_in_the_text_is_refused(warehouse: str, outcome: Outcome) -> None:
    """Only the session's own warehouse may be named in a statement."""
    sql = f"CREATE DYNAMIC TABLE d TARGET_LAG = '1 hour' WAREHOUSE = {warehouse} AS SELECT * FROM t"
    assert asked(sql).outcome is outcome


def test_without_a_current_schema_unqualified_names_are_refused() -> None:
    """A name that nothing qualifies is never guessed."""
    assert asked("SELECT * FROM t", database=None, schema=None).outcome is Outcome.DENY
    assert asked("SELECT * FROM t", schema=None).outcome is Outcome.DENY
    assert asked("SELECT * FROM main.t", schema=None).outcome is Outcome.ALLOW
    assert asked("SELECT * FROM sales.main.t", database=None, schema=None).outcome is Outcome.ALLOW


def test_the_current_schema_alone_grants_nothing() -> None:
    """With a current schema outside the scope, the same unqualified name is out of scope."""
    assert asked("SELECT * FROM t", schema="OTHER").reads == ("SALES.OTHER.T",)
    assert asked("SELECT * FROM t", schema="OTHER").outcome is Outcome.DENY


def test_several_statements_are_listed() -> None:
    """A text of several statements is refused with its parts."""
    verdict = asked("SELECT 1; DELETE FROM t;")
    assert (verdict.kind, verdict.parts) == (StatementKind.MULTI, ("SELECT 1", "DELETE FROM t"))
    assert verdict.writes == ("SALES.MAIN.T",)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 --x\rFROM o.t",
        "SELECT 1 --x\u2028FROM o.t",
        "SELECT /* /* */ 1 -- */",
        "SELECT /*\u202e*/ 1",
        "SELECT\u00a01",
        "\ufeffSELECT 1",
        "SELECT 1;;",
        ";SELECT 1",
        "SELECT a$$ /* $$; SELECT 1 FROM o.t */ FROM t",
        "SELECT $$a$$b$$ FROM t",
        "SELECT * FROM t WHERE a = $v$$",
    ],
)
def test_text_that_readers_would_divide_differently_is_refused(sql: str) -> None:
    """Odd line ends, nested comment openers, invisible characters, `$$` in names and empty statements are refused."""
    assert asked(sql).outcome is Outcome.DENY


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM t PIVOT (MAX(a) FOR b IN ('x', 'y') DEFAULT ON NULL (0)) p",
        "SELECT SYS_CONNECT_BY_PATH(a, '/') FROM t CONNECT BY b = PRIOR a",
        "(SELECT a FROM t) UNION ALL BY NAME (SELECT a FROM t)",
        "SELECT X'41' FROM t",
    ],
)
def test_snowflakes_own_syntax_is_no_call(sql: str) -> None:
    """A word of the language before a bracket, a built-in function and a binary constant are known as such."""
    verdict = asked(sql)
    assert (verdict.outcome, verdict.reads, verdict.functions) == (Outcome.ALLOW, ("SALES.MAIN.T",), ())


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT NULL(a) FROM t",
        "SELECT 1 FROM t JOIN t u ON NULL(a)",
        "SELECT a FROM t ORDER BY name(a)",
        "SELECT name(a) FROM t",
    ],
)
def test_a_word_of_the_language_used_as_a_function_is_refused(sql: str) -> None:
    """Where the language's own use of a word is not what is meant, it is a call that nobody approved."""
    assert asked(sql).outcome is Outcome.DENY


def test_a_cte_hides_a_table_only_where_it_is_visible() -> None:
    """A name is a common table expression after its definition, and the table of that name before it."""
    verdict = asked("WITH a AS (SELECT * FROM b), b AS (SELECT 1 AS x) SELECT * FROM b, a")
    assert verdict.text == "WITH a AS (SELECT * FROM SALES.MAIN.b), b AS (SELECT 1 AS x) SELECT * FROM b, a"


def test_a_cte_does_not_leak_out_of_its_query() -> None:
    """Outside the brackets that define it, the name of a common table expression is a table."""
    verdict = asked("SELECT * FROM (WITH x AS (SELECT 1) SELECT * FROM x) q, x")
    assert verdict.reads == ("SALES.MAIN.X",)
