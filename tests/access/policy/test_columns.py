"""Columns that may not be read: by name, by star, and in every way that does not say which columns it reads."""

from __future__ import annotations

import pytest

from access.policy.making import ME, verdict_of
from skipass.access.policy import Ruling, judge_statement, parse

POLICY, _ = parse('version = 1\n[[rule]]\nname = "pii"\ndeny_columns = ["D.A.T.EMAIL"]\n')


def denied(sql: str) -> bool:
    verdict = verdict_of(sql)
    assert verdict.text is not None, verdict.reasons
    return judge_statement(POLICY, ME, verdict, verdict.text).ruling is Ruling.DENY


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT EMAIL FROM T",
        "select e.email from d.a.t e",
        'SELECT "EMAIL" FROM T',
        'SELECT "email" FROM T',
        "SELECT ID FROM T WHERE EMAIL LIKE 'a%'",
        "SELECT ID FROM T ORDER BY EMAIL",
        "SELECT UPPER(EMAIL) FROM T",
        "SELECT * FROM T",
        "SELECT T.* FROM T",
        "SELECT ID, * FROM T",
        "SELECT DISTINCT * FROM T",
        "SELECT ALL * FROM T",
        "SELECT TOP 5 * FROM T",
        "SELECT * EXCLUDE (ID) FROM T",
        "SELECT * ILIKE '%mail' FROM T",
        "SELECT TOP 5 * ILIKE '%mail' FROM T",
        "SELECT * RENAME (ID AS I) FROM T",
        "SELECT /* all */ * FROM T",
        "SELECT OBJECT_CONSTRUCT(*) FROM T",
        "SELECT COUNT(T.*) FROM T",
        "SELECT COUNT(DISTINCT *) FROM T",
        "SELECT HASH(*) FROM T",
        "SELECT ID FROM (SELECT * FROM T)",
        "WITH C AS (SELECT * FROM T) SELECT ID FROM C",
        "SELECT $2 FROM T",
        "SELECT X FROM U NATURAL JOIN T",
        "SELECT U.X FROM U JOIN T USING (EMAIL)",
        "SELECT ID FROM T WHERE EXISTS (SELECT 1 FROM D.B.U WHERE U.X = T.EMAIL)",
        "INSERT INTO D.B.U SELECT * FROM T",
        "INSERT INTO D.B.U (X) SELECT EMAIL FROM T",
        "UPDATE D.B.U SET X = T.EMAIL FROM D.A.T WHERE U.ID = T.ID",
        "DELETE FROM T WHERE EMAIL IS NULL",
        "CREATE TABLE D.B.N AS SELECT ID FROM T",
        "CREATE TABLE D.B.N CLONE D.A.T",
        "SELECT ID FROM D.B.U UNION ALL SELECT EMAIL FROM T",
    ],
)
def test_a_read_of_the_column_is_denied(sql: str) -> None:
    """A statement over the table that names the column, or may read it without naming it, is denied."""
    assert denied(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT ID FROM T",
        "SELECT COUNT(*) FROM T",
        "SELECT COUNT( * ), MAX(ID) FROM T",
        "SELECT ID * 2, (ID) * ID, 3 * ID FROM T",
        "SELECT EMAIL FROM D.B.U",
        "SELECT * FROM D.B.U",
        "SELECT 'EMAIL' FROM T",
        "SELECT ID FROM T -- EMAIL *",
        "INSERT INTO T (EMAIL) VALUES ('x')",
        "DESCRIBE TABLE T",
    ],
)
def test_what_does_not_read_it_runs(sql: str) -> None:
    """Other columns, counts of rows, products, another table's column of that name, and writing it are no reads."""
    assert not denied(sql)


def test_a_pattern_of_tables_guards_each_of_them() -> None:
    """A part written as * guards the column in every table it stands for."""
    policy, faults = parse('version = 1\n[[rule]]\nname = "pii"\ndeny_columns = ["D.*.*.EMAIL"]\n')
    assert faults == []
    for sql in ("SELECT EMAIL FROM D.B.U", "SELECT EMAIL FROM T"):
        verdict = verdict_of(sql)
        found = judge_statement(policy, ME, verdict, verdict.text or "")
        assert found.ruling is Ruling.DENY
        assert found.reasons == (("deny_columns", "it names the column D.*.*.EMAIL; denied: D.*.*.EMAIL"),)


def test_the_shadow_of_denied_columns_is_told() -> None:
    """In a shadow rule the column is read, and what would have been said is kept."""
    policy, _ = parse('version = 1\nshadow = true\n[[rule]]\nname = "pii"\ndeny_columns = ["D.A.T.EMAIL"]\n')
    verdict = verdict_of("SELECT EMAIL FROM T")
    found = judge_statement(policy, ME, verdict, verdict.text or "")
    assert (found.ruling, found.would, found.shadow) == (None, Ruling.DENY, ("pii",))
