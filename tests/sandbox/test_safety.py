"""Text from outside never reaches files, the process or the engine's settings, and is answered however odd it is."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.client import Client
from skipass.sandbox import lexer
from skipass.sandbox.failures import Failure
from skipass.sandbox.testing import RunningSandbox

ESCAPES = [
    "select * from read_csv('/etc/passwd')",
    "select * from read_text('/etc/passwd')",
    "select read_blob('/etc/passwd')",
    "select * from '/etc/passwd'",
    'select * from "/etc/passwd"',
    "select * from table(read_csv('/etc/passwd'))",
    "select * from glob('/*')",
    "copy orders to '/tmp/out.csv'",
    "copy into @stage from orders",
    "attach '/tmp/x.db'",
    "install httpfs",
    "load httpfs",
    "pragma database_list",
    "set enable_external_access = true",
    "export database '/tmp/x'",
    "import database '/tmp/x'",
    "select current_setting('home_directory')",
    "select * from duckdb_settings()",
    "select * from t1",
    'select * from "t1"',
    "select * from information_schema.schemata s, main.t1",
    "select * from pragma_table_info('t1')",
    "select getvariable('x')",
    "create table x as select * from read_csv('/etc/passwd')",
    "create view v as select * from read_csv('/etc/passwd')",
    "insert into orders select * from read_csv('/etc/passwd')",
    "create table x (a varchar default read_text('/etc/passwd'))",
]


@pytest.mark.parametrize("text", ESCAPES)
def test_sql_reaches_no_file_and_no_setting(admin: Client, text: str) -> None:
    """No statement reads or writes a file, loads code, or sees the engine's own tables."""
    reply = admin.sql(text, database="OPS_DB", schema="OPS")
    assert reply.status == 422
    assert "root:" not in str(reply.body)


@pytest.mark.parametrize(
    "text",
    [
        "select " + "(" * 50_000 + "1" + ")" * 50_000,
        "select " + "(select " * 8_000 + "1" + ")" * 8_000,
        "select " + "case when 1=1 then " * 5_000 + "1" + " end" * 5_000,
        "select " + "not " * 20_000 + "true",
        "select " + "- " * 9_000 + "1",
        "select " + "+".join(["1"] * 9_000),
        "select 1" + "::int" * 6_000,
        "select a" + ".b" * 9_000,
        "select a" + "[1]" * 5_000,
        " union all ".join(["select 1"] * 5_000),
        "select 1 from a" + " join b" * 5_000,
        "select '" + "x" * 1_100_000 + "'",
        "select " + "1," * 15_000 + "1",
        "/*" * 10_000,
        "'" * 9_999,
        "select $$" + "a" * 1000,
    ],
    ids=lambda text: text[:24],
)
def test_deep_and_huge_text_is_answered(agent: Client, text: str) -> None:
    """Text that would bring a parser down is refused, and the account still answers."""
    assert agent.sql(text).status == 422
    assert agent.sql("select 1").rows == [["1"]]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(
            [
                "select",
                "from",
                "orders",
                "(",
                ")",
                "*",
                ",",
                "1",
                "'a'",
                "where",
                "=",
                "order by",
                "group by",
                "join",
                "insert into",
                "values",
                "update",
                "set",
                "delete",
                "grant",
                "to",
                "role",
                "create",
                "table",
                "?",
                ";",
                "with",
                "as",
                "not",
                "null",
                "::",
                "int",
                '"q"',
                "$1",
                "@s",
                "qualify",
                "over",
                "show",
                "drop",
                "user",
            ]
        ),
        max_size=14,
    )
)
def test_any_words_are_answered_without_a_server_error(agent: Client, words: list[str]) -> None:
    """Any sequence of SQL words answers 200 or a refusal with a code."""
    reply = agent.sql(" ".join(words))
    assert reply.status in (200, 422)
    assert len(reply.code) == 6


@given(st.text(max_size=200))
def test_lexer_covers_the_text_or_refuses_it(text: str) -> None:
    """Tokens lie in order inside the text, and everything else is a refusal."""
    try:
        tokens = lexer.tokenize(text)
    except Failure:
        return
    ends = [0, *(token.end for token in tokens)]
    assert all(end <= token.start for end, token in zip(ends, tokens, strict=False))
    assert all(text[token.start : token.end] == token.text for token in tokens)


def test_broken_requests_are_refused(sandbox: RunningSandbox, agent: Client) -> None:
    """A body that is no request answers 400 with 390142."""
    for body in ([], {"statement": 1}, {"statement": "select 1", "timeout": -1}, {"statement": "select 1", "role": []}):
        reply = agent.call("POST", "/api/v2/statements", body)
        assert (reply.status, reply.code) == (400, "390142")
