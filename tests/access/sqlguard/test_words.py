"""What the guard understood, said in plain words."""

from __future__ import annotations

import pytest

from guard.rows import granted, load
from skipass.access.sqlguard import explain
from skipass.nouns.verdict import Outcome, StatementKind


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT * FROM orders", "Reads OPS_DB.OPS.ORDERS; changes nothing."),
        ("SELECT 1", "Reads nothing; changes nothing."),
        ("SELECT * FROM orders, hr.core.pay", "Reads OPS_DB.OPS.ORDERS and HR.CORE.PAY; changes nothing."),
        ("UPDATE orders SET a = 1", "Changes rows of OPS_DB.OPS.ORDERS."),
        ("INSERT INTO t SELECT * FROM orders", "Changes rows of OPS_DB.OPS.T; reads OPS_DB.OPS.ORDERS."),
        ("DROP TABLE orders", "Creates, alters, empties or drops OPS_DB.OPS.ORDERS."),
        ("COPY INTO t FROM @st", "Loads rows into OPS_DB.OPS.T; reads @OPS_DB.OPS.ST."),
        ("GRANT ROLE a TO ROLE b", "Administers the account."),
        ("USE DATABASE x", "Changes the state of the login's session."),
        ("CALL p()", "Runs code; what it touches cannot be known from the text."),
        ("SELECT 1; SELECT 2", "Holds 2 statements; each has to be a call of its own."),
        ("SELECT my_fn(1)", "Reads nothing. Calls OPS_DB.OPS.MY_FN, which may do more than this text shows."),
        ("SELECT * FROM TABLE(RESULT_SCAN('x'))", "Reads the result of another query. It returns the result of another "
         "query."),
        ("SELECT SYSTEM$WAIT(5)", "Reads nothing. SYSTEM$ functions reach past the statement's own objects."),
    ],
)  # fmt: skip
def test_the_words_say_what_the_statement_does(sql: str, words: str) -> None:
    """The sentence names what is read and changed, and what it calls or is refused for."""
    assert explain(granted(sql)) == words


def test_nothing_hidden_stays_hidden() -> None:
    """A name that holds characters which do not show is printed with them as escapes."""
    words = explain(granted('SELECT * FROM "a\u202eb\u200b"'))
    assert words == 'Reads OPS_DB.OPS."a\\u{202e}b\\u{200b}"; changes nothing.'


def test_many_names_are_counted() -> None:
    """Of more than eight names the first eight are given and the others counted."""
    words = explain(granted("SELECT 1 FROM " + ", ".join(f"t{i}" for i in range(11))))
    assert words.endswith("OPS_DB.OPS.T7 and 3 more; changes nothing.")


def test_changes_nothing_is_said_of_harmless_reads_only() -> None:
    """Over all labelled statements, `changes nothing` is said of understood reads only."""
    for row in load():
        verdict = granted(row.sql)
        if "changes nothing" in explain(verdict):
            assert verdict.kind is StatementKind.READ, row.id
            assert not verdict.functions, row.id
            assert verdict.outcome is not Outcome.DENY or {r.code for r in verdict.reasons} == {"out_of_scope"}, row.id
