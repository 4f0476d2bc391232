"""Hostile text: nothing raises, nothing forbidden gets through, however it is dressed."""

from __future__ import annotations

import logging
import random
import secrets
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guard.rows import Row, granted, load
from skipass.access.sqlguard.lexer import Lex, LexFault, Token, lex
from skipass.nouns.verdict import Outcome, StatementKind

ROWS = load()
GRAFT = "(SELECT MAX(x) FROM forbid_db.secret.t)"
WORDS = (
    *(
        "SELECT",
        "FROM",
        "WHERE",
        "JOIN",
        "ON",
        "USING",
        "WITH",
        "AS",
        "UNION",
        "ALL",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
    ),
    *(
        ".",
        ";",
        "*",
        "->>",
        "->",
        "=>",
        "::",
        ":",
        "?",
        "!",
        "$1",
        "$v",
        "'a'",
        "'\"x\".y'",
        "$$b$$",
        '"q"',
        "@st/p",
        "@~",
    ),
    *(
        "orders",
        "ops",
        "ops_db",
        "IDENTIFIER",
        "TABLE",
        "LATERAL",
        "VALUES",
        "INSERT",
        "INTO",
        "UPDATE",
        "SET",
        "DELETE",
    ),
    *(
        "MERGE",
        "WHEN",
        "MATCHED",
        "THEN",
        "CREATE",
        "VIEW",
        "OR",
        "REPLACE",
        "CLONE",
        "LIKE",
        "ALTER",
        "DROP",
        "SHOW",
        "IN",
    ),
    *(
        "SCHEMA",
        "DATABASE",
        "ACCOUNT",
        "TABLES",
        "DESCRIBE",
        "EXPLAIN",
        "COPY",
        "BEGIN",
        "END",
        "CASE",
        "NOT",
        "NEXTVAL",
    ),
    *(
        "GET_DDL",
        "RESULT_SCAN",
        "INFORMATION_SCHEMA",
        "AT",
        "STREAM",
        "PIVOT",
        "FOR",
        "COUNT",
        "1",
        "1.5",
        "-",
        "--x\n",
    ),
    *("/*c*/", "GRANTS", "COMMENT", "IS", "TRUNCATE", "ADD", "COLUMN", "DEFAULT", "REFERENCES", "FILE_FORMAT", "="),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text())
def test_any_text_gets_an_answer(text: str) -> None:
    """Whatever the characters are, the guard answers and never raises."""
    assert granted(text).outcome in Outcome


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(WORDS), max_size=25), st.booleans())
def test_any_words_get_an_answer_and_no_log_line(words: list[str], spaced: bool) -> None:
    """Whatever the order of SQL's own words is, the guard answers, and the parser logs nothing of the text."""
    lines: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = lines.append  # type: ignore[method-assign]
    logging.getLogger("sqlglot").addHandler(handler)
    try:
        verdict = granted((" " if spaced else "\t").join(words))
    finally:
        logging.getLogger("sqlglot").removeHandler(handler)
    assert (verdict.text is None) == (verdict.outcome is Outcome.DENY)
    assert lines == []


def _grafted(row: Row) -> list[str]:
    tokens = lex(row.sql).tokens
    return [f"{row.sql[: t.start]} {GRAFT} {row.sql[t.start :]}" for t in tokens] + [f"{row.sql}\n{GRAFT}"]


def test_a_forbidden_query_grafted_anywhere_is_refused() -> None:
    """Put between any two tokens of any allowed or held row, a query of a forbidden table is refused every time."""
    through = []
    for row in ROWS:
        if "deny" not in row.accept and len(row.sql) < 400:
            through += [sql for sql in _grafted(row) if granted(sql).outcome is not Outcome.DENY]
    assert through == []


Mutation = Callable[[random.Random, str, tuple[Token, ...]], str]


def _rebuilt(sql: str, tokens: tuple[Token, ...], change: Callable[[Token], str]) -> str:
    pieces, last = [], 0
    for token in tokens:
        pieces += [sql[last : token.start], change(token)]
        last = token.end
    return "".join((*pieces, sql[last:]))


def _case(dice: random.Random, sql: str, tokens: tuple[Token, ...]) -> str:
    def change(token: Token) -> str:
        if token.kind is not Lex.WORD or not token.text.isascii():
            return token.text
        return "".join(dice.choice((c.lower(), c.upper())) for c in token.text)

    return _rebuilt(sql, tokens, change)


def _comments(dice: random.Random, sql: str, tokens: tuple[Token, ...]) -> str:
    noise = ("", "/**/", " /* x ' \" */ ", " -- y ; $$\n", "\n// z\n", " \t")
    return _rebuilt(sql, tokens, lambda t: t.text + (dice.choice(noise) if t.kind is not Lex.URL else ""))


def _quoting(dice: random.Random, sql: str, tokens: tuple[Token, ...]) -> str:
    dotted = {i for i, t in enumerate(tokens) if t.word == "."}
    near = {i + d for i in dotted for d in (-1, 1)}
    starts = {tokens[i].start for i in near if 0 <= i < len(tokens) and tokens[i].kind is Lex.WORD}
    chosen = {s for s in starts if dice.random() < 0.6}
    return _rebuilt(sql, tokens, lambda t: f'"{t.word}"' if t.start in chosen else t.text)


def _wrapped(dice: random.Random, sql: str, tokens: tuple[Token, ...]) -> str:
    body = sql[: tokens[-1].start] if tokens and tokens[-1].word == ";" else sql
    forms = (
        "({})",
        "SELECT * FROM ({}) q",
        "WITH q AS ({}) SELECT * FROM q",
        "SELECT 1 WHERE EXISTS ({})",
        "EXPLAIN {}",
    )
    forms += ("SELECT 1 UNION ALL {}", "CREATE TABLE ops.q AS {}", "INSERT INTO orders {}", "SELECT 1 ->> {}")
    forms += ("SELECT * FROM orders, LATERAL ({}) q", "SELECT IFF(1 = 1, ({}), 0)", "SELECT 1; {}", "{} ;")
    return dice.choice(forms).replace("{}", body + "\n")


@pytest.mark.parametrize("mutation", [_case, _comments, _quoting, _wrapped])
def test_a_denied_row_stays_denied_in_any_dress(mutation: Mutation) -> None:
    """Other letter case, comments, quotes or a wrapping statement never turn a refusal into anything else."""
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    through = []
    for row in (r for r in ROWS if r.accept == {"deny"} and r.kind != "unparseable" and len(r.sql) < 2000):
        try:
            tokens = lex(row.sql).tokens
        except LexFault:
            continue
        if len(tokens) == 1:
            continue  # a single word in brackets is a column or table of that name
        mutated = [mutation(dice, row.sql, tokens) for _ in range(4)]
        through += [sql for sql in mutated if granted(sql).outcome is not Outcome.DENY]
    assert through == [], f"seed {seed}"


def test_two_dresses_at_once_do_not_help() -> None:
    """Wrapping, then quoting, then comments and letter case together never turn a refusal into anything else."""
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    through = []
    for row in (r for r in ROWS if r.accept == {"deny"} and r.kind in ("read", "write", "ddl") and len(r.sql) < 1000):
        sql = row.sql
        try:
            for mutation in (_wrapped, _quoting, _case, _comments):
                sql = mutation(dice, sql, lex(sql).tokens)
        except LexFault:
            continue
        through += [sql] if granted(sql).outcome is not Outcome.DENY else []
    assert through == [], f"seed {seed}"


DEEP = {
    "brackets": lambda n: "SELECT " + "(" * n + "1" + ")" * n,
    "queries": lambda n: "SELECT * FROM (" * n + "SELECT 1" + ")" * n,
    "not": lambda n: "SELECT " + "NOT " * n + "1",
    "from": lambda n: "SELECT 1 " + "FROM " * n + "t",
    "straight joins": lambda n: "SELECT * FROM a " + "STRAIGHT_JOIN " * n + "b",
    "minus": lambda n: "SELECT " + "- " * n + "1",
    "case": lambda n: "SELECT " + "CASE WHEN 1 THEN " * n + "1" + " END" * n,
    "joins": lambda n: "SELECT * FROM " + "a JOIN " * n + "b",
    "arrows": lambda n: "SELECT f(" + "x -> " * n + "1)",
    "arrays": lambda n: "SELECT " + "[" * n + "1" + "]" * n,
    "explain": lambda n: "EXPLAIN " * n + "SELECT 1",
}


@pytest.mark.parametrize("form", DEEP)
@pytest.mark.parametrize("levels", [101, 9000])
def test_deep_text_is_refused_before_it_is_parsed(form: str, levels: int) -> None:
    """Text nested over a hundred levels, or a thousand times that, gets a clean refusal."""
    verdict = granted(DEEP[form](levels))
    assert verdict.outcome is Outcome.DENY
    assert {r.code for r in verdict.reasons} & {"statement_too_large", "unparseable"}


@pytest.mark.parametrize("form", DEEP)
def test_text_at_the_limit_is_answered(form: str) -> None:
    """Text just below the limits of depth is read without an error of the parser's."""
    levels = 8 if "joins" in form else 99
    assert granted(DEEP[form](levels)).outcome in Outcome


def test_a_text_of_too_many_bytes_is_refused() -> None:
    """A text over a million bytes is refused as too large, whatever it says."""
    verdict = granted("SELECT '" + "é" * 500_001 + "'")
    assert [r.code for r in verdict.reasons] == ["statement_too_large"]
    assert verdict.kind is StatementKind.UNPARSEABLE or verdict.kind is StatementKind.READ


def test_a_text_of_too_many_tokens_is_refused() -> None:
    """A text of over twenty thousand tokens is refused as too large."""
    verdict = granted("SELECT 1" + ",1" * 10_001)
    assert [r.code for r in verdict.reasons] == ["statement_too_large"]


def test_a_long_flat_text_is_answered() -> None:
    """A sum of thousands of terms is read, not refused, and not fatal."""
    assert granted("SELECT " + "+".join(["1"] * 9_000)).outcome is Outcome.ALLOW


@pytest.mark.parametrize("text", ["/* ", "'", '"', "$$ ", "-- x\r", "((", "/*/", "\\'"])
def test_unclosed_things_end_the_reading_at_once(text: str) -> None:
    """A text full of openers that are never closed is refused where the first of them stands."""
    verdict = granted("SELECT 1 " + text * (400_000 // len(text) | 1))
    assert verdict.outcome is Outcome.DENY
    assert verdict.reads == ()
