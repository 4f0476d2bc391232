"""Sets forbidden pieces into allowed statements, in whatever place holds a value or a table. Pure."""

from __future__ import annotations

from random import Random

from fuzz.pieces import Piece, joined, pieces

# The table a session on OPS_DB.OPS may not read, in every spelling that means it or another one outside.
TABLES = (
    "finance.public.payroll", '"FINANCE"."PUBLIC"."PAYROLL"', "FINANCE . PUBLIC . PAYROLL", "finance..payroll",
    "finance/**/.public.payroll", '"FINANCE".public."PAYROLL"', "secure.api_keys", "OPS_DB.secure.api_keys",
    '"OPS".ORDERS.PAYROLL', "hr.core.employees", "ops_db.ops_db.orders", '"ops".orders', '"ops_db".ops.orders',
    "ops_db..orders", "public.orders", "snowflake.account_usage.users", "information_schema.users",
    "IDENTIFIER('finance.public.payroll')", "IDENTIFIER($t)", "IDENTIFIER(?)", "TABLE('finance.public.payroll')",
    "TABLE($t)", "TABLE(RESULT_SCAN(LAST_QUERY_ID()))", "TABLE(information_schema.query_history())",
    "@finance.public.exports", "@~", "'@finance.public.exports/a.csv'", "finance.public.payroll AT(OFFSET => -60)",
    "finance.public.payroll SAMPLE (10)", "TABLE(finance.public.f(1))",
    "LATERAL (SELECT * FROM finance.public.payroll)",
    "(SELECT * FROM finance.public.payroll)", "(finance.public.payroll)",
    "(VALUES ((SELECT 1 FROM hr.core.employees)))",
    "(WITH orders AS (SELECT 1) SELECT * FROM secure.orders)", "(TABLE finance.public.payroll)",
)  # fmt: skip
_QUERIES = (
    "(SELECT MAX(a) FROM {})", "(SELECT 1 FROM orders, {})", "(SELECT 1 FROM orders JOIN {} p ON TRUE)",
    "EXISTS (SELECT 1 FROM {})", "(WITH q AS (SELECT * FROM {}) SELECT 1)", "(SELECT 1 UNION SELECT 2 FROM {})",
    "(SELECT 1 FROM orders WHERE 1 IN (SELECT 1 FROM {}))", "ARRAY(SELECT a FROM {})",
    "(SELECT 1 FROM (SELECT * FROM {}))",
    "CASE WHEN (SELECT 1 FROM {}) = 1 THEN 1 END", "COUNT_IF((SELECT TRUE FROM {}))", "((SELECT 1 FROM {}))",
    "(SELECT 1 FROM orders ORDER BY (SELECT 1 FROM {}))", "(1 = ANY (SELECT 1 FROM {}))",
)  # fmt: skip
_CALLS = (
    "SYSTEM$CANCEL_ALL_QUERIES(1)", "system$wait(10)", '"SYSTEM$WAIT"(10)', "ops.send_mail('a')", "send_mail('a')",
    "AI_COMPLETE('m', 'p')", "SNOWFLAKE.CORTEX.COMPLETE('m', 'p')", "secure.s.NEXTVAL", "hr.core.s.nextval",
    "GET_PRESIGNED_URL(@ops.st, 'a')", "finance.public.f(1)", "GET_DDL('TABLE', 'finance.public.payroll')",
    "LAST_QUERY_ID()", "SYSTEM$STREAM_HAS_DATA('finance.public.st')", "GET_DDL('TABLE', $$finance.public.payroll$$)",
    "ops.model!PREDICT(1)", "GETNEXTVAL(secure.s)", "TO_QUERY('x')", "POLICY_CONTEXT(1)", "SYSTEM $WAIT(1)",
    "get_ddl('schema','hr.core')",
    "GET_OBJECT_REFERENCES(DATABASE_NAME => 'FINANCE', SCHEMA_NAME => 'PUBLIC', OBJECT_NAME => 'V')",
)  # fmt: skip


def piece(dice: Random) -> str:
    """Return a forbidden expression."""
    if dice.random() < 0.25:
        return dice.choice(_CALLS)
    return dice.choice(_QUERIES).format(dice.choice(TABLES))


def grafted(dice: Random, sql: str) -> str:
    """Return the statement with a forbidden piece in place of a value or name, or after it as another part."""
    if dice.random() < 0.25:
        return _tailed(dice, sql)
    parts = pieces(sql)
    spots = [i for i, p in enumerate(parts) if p.kind in ("number", "string", "word", "quoted")]
    spot = dice.choice(spots)
    before = "".join(p.text for p in parts[:spot]).rstrip().upper()
    table = before.endswith(("FROM", "JOIN")) and not before.endswith("DISTINCT FROM")
    if table and dice.random() < 0.5:
        after = spot + 1
        while after < len(parts) and (parts[after].text == "." or parts[after - 1].text == "."):
            after += 1
        parts[spot:after] = [Piece("word", dice.choice(TABLES[16:]))]
        return joined(parts)
    return joined([*parts[:spot], Piece("word", piece(dice)), *parts[spot + 1 :]])


_TAILS = (
    " UNION ALL SELECT * FROM {t}", " INTERSECT SELECT 1 FROM {t}", ", LATERAL (SELECT * FROM {t}) x",
    " JOIN {t} x ON TRUE", " WHERE 1 = {e}",
    " AND 1 = {e}", " OR {e} = 1", " ORDER BY {e}", " LIMIT {e}", " QUALIFY {e} = 1", " GROUP BY {e}",
    " HAVING {e} = 1",
    " CROSS JOIN {t}", " LEFT JOIN LATERAL (SELECT * FROM {t}) x ON TRUE", " NATURAL JOIN {t}", ", {e}",
    " EXCEPT (SELECT {e})",
    " OFFSET {e}", " FETCH FIRST {e} ROWS ONLY", " ASOF JOIN {t} x MATCH_CONDITION (a >= b)",
)  # fmt: skip


def _tailed(dice: Random, sql: str) -> str:
    tail = dice.choice(_TAILS).format(t=dice.choice(TABLES), e=piece(dice))
    return sql.rstrip(" ;\n") + "\n" + tail
