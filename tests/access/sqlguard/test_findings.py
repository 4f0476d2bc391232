"""What the attacks in `fuzz` brought to light, as rules."""

from __future__ import annotations

import pytest

from guard.rows import granted
from skipass.nouns.verdict import Outcome


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM orders system$wait(10)",
        "SELECT * FROM orders o CROSS JOIN customers \"SYSTEM$WAIT\"('x')",
        "SELECT * FROM orders $wait",
        "WITH get_ddl('TABLE', $$hr.core.pay$$) AS (SELECT 1) SELECT * FROM orders",
    ],
)
def test_an_alias_is_made_of_names(sql: str) -> None:
    """In place of an alias and its columns, anything but names refuses the statement."""
    assert granted(sql).outcome is Outcome.DENY


def test_aliases_with_columns_are_read() -> None:
    """Aliases that list columns, and table functions that have columns of their own, stay allowed."""
    for sql in (
        "SELECT * FROM (VALUES (1, 2)) AS v(a, \"b\")",
        "WITH q(a) AS (SELECT total FROM orders) SELECT a FROM q",
        "SELECT f.value FROM orders o, LATERAL FLATTEN(o.items) f",
    ):  # fmt: skip
        assert granted(sql).outcome is Outcome.ALLOW, sql


def test_a_common_table_expression_is_a_query() -> None:
    """A name in place of a common table expression's query is refused, whatever the parser makes of it."""
    assert granted("WITH q AS (commit) SELECT 1").outcome is Outcome.DENY


@pytest.mark.parametrize("argument", ["LOCATION", '"LOCATION"', "location"])
def test_the_location_of_infer_schema_is_read_however_it_is_written(argument: str) -> None:
    """A stage outside the scope is found under a quoted argument name too."""
    sql = f"SELECT * FROM TABLE(INFER_SCHEMA({argument} => '@finance.public.exports', FILE_FORMAT => 'ff'))"
    verdict = granted(sql)
    assert verdict.outcome is Outcome.DENY
    assert "@FINANCE.PUBLIC.EXPORTS" in verdict.reads


def test_infer_schema_without_a_known_location_is_refused() -> None:
    """No constant stage, or more than one, leaves unknown what is read."""
    for arguments in ("LOCATION => $x", "FILE_FORMAT => 'ff'", "LOCATION => '@ops.a', X => '@ops.b'"):
        verdict = granted(f"SELECT * FROM TABLE(INFER_SCHEMA({arguments}))")
        assert "<DYNAMIC>" in verdict.reads, arguments
        assert verdict.outcome is Outcome.DENY, arguments


def test_a_path_through_nextval_is_refused() -> None:
    """`s.NEXTVAL.x` could move the sequence, and is no plain read."""
    for sql in ("SELECT ops.s.NEXTVAL.a FROM orders", 'SELECT hr.core.s."NEXTVAL"."B"'):
        assert granted(sql).outcome is Outcome.DENY, sql


@pytest.mark.parametrize("sql", ["SELECT ABſ(1)", "SELECT AВS(1)", "SELECT x.ſtatus FROM orders x"])
def test_letters_that_fold_or_call_are_ascii(sql: str) -> None:
    """A letter beyond ASCII in a called name, or one that folding turns into another, is refused unless quoted."""
    assert granted(sql).outcome is Outcome.DENY


def test_letters_of_an_alias_may_be_any() -> None:
    """A column or alias may hold letters that stand for themselves."""
    assert granted("SELECT note AS größe FROM orders").outcome is Outcome.ALLOW


def test_a_described_or_dropped_table_has_no_arguments() -> None:
    """Only functions and procedures are followed by a bracket in DESCRIBE and DROP."""
    for sql in ("DESCRIBE TABLE f('hr.core')", 'DESC VIEW ops."LAST_QUERY_ID"()', 'DROP TABLE "IDENTIFIER"(:t)'):
        assert granted(sql).outcome is Outcome.DENY, sql


@pytest.mark.parametrize(
    "call", ["EXPLODE(1)", "COUNTIF(TRUE)", "INSTR('a', 'b')", "FIRST(total)", "NEXT(total)", "NOW()"]
)
def test_a_name_that_is_not_built_in_is_a_customers_function(call: str) -> None:
    """What other databases build in, or Snowflake only in patterns, needs approval as a function here."""
    verdict = granted(f"SELECT {call} FROM orders")
    assert verdict.outcome is Outcome.DENY
    assert verdict.functions == (f"OPS_DB.OPS.{call.split('(', maxsplit=1)[0]}",)


def test_pattern_functions_belong_to_patterns() -> None:
    """FIRST, PREV and MATCH_NUMBER are understood inside MATCH_RECOGNIZE."""
    sql = (
        "SELECT * FROM events MATCH_RECOGNIZE (PARTITION BY a ORDER BY ts MEASURES FIRST(ts) AS s, MATCH_NUMBER() AS n "
        "PATTERN (x y+) DEFINE y AS v > PREV(v))"
    )
    assert granted(sql).outcome is Outcome.ALLOW


def test_a_variable_is_not_called() -> None:
    """A session variable before a bracket is no function."""
    sql = "SELECT * FROM e MATCH_RECOGNIZE (ORDER BY t PATTERN (a s $w(1)+) DEFINE a AS v > 1)"
    assert granted(sql).outcome is Outcome.DENY
