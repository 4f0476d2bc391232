"""The division of a text: the same from wherever a token begins, and bounded."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.rows import load
from skipass.access.sqlguard.lexer import LexFault, lex, lex_from

PIECES = st.one_of(
    st.sampled_from(list("a1.-/*()'\"> é\\\n\r")),
    st.sampled_from(
        ("B1", '"b"', "'c'", "$$d$$", "$1", "$v", "@s/p", '@"x".y', "@~", "1.5", "1e5", "//", "/*", "*/", "--")
    ),
    st.sampled_from(("''", '""', '"b"', "->>", "x'", "-- x\n", "/* y */")),
)


def divided_alike(sql: str) -> None:
    """Read the text from each of its tokens on, and from each to the next."""
    lexed = lex(sql)
    for at, token in enumerate(lexed.tokens):
        if not lexed.doubts:
            assert lex_from(sql, token.start, len(sql)) == list(lexed.tokens[at:])
        if at:
            with suppress(LexFault):
                assert lex_from(sql, lexed.tokens[at - 1].start, token.start) == [lexed.tokens[at - 1]]


@settings(max_examples=2000, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join))
def test_a_text_is_divided_alike_from_any_token_on(sql: str) -> None:
    """What a token is depends on nothing before it: read from the beginning of any, the rest is the same."""
    with suppress(LexFault):
        divided_alike(sql)


def test_rows_are_divided_alike_from_any_token_on() -> None:
    """The labelled statements too, but for PUT and GET, whose URLs are read as such only after their first word."""
    for row in load():
        if len(row.sql) < 1000 and row.sql.split()[:1] not in (["PUT"], ["GET"]):
            with suppress(LexFault):
                divided_alike(row.sql)


@pytest.mark.parametrize("noise", ["/**/", "-- x\n", "\u3000"])
def test_comments_are_bounded_like_tokens(noise: str) -> None:
    """A text of more comments or odd blanks than it may have tokens is refused where the limit is passed."""
    with pytest.raises(LexFault, match="comments") as fault:
        lex("SELECT 1 " + noise * 20_001)
    assert fault.value.code == "statement_too_large"


def test_a_reading_that_ends_inside_a_token_is_refused() -> None:
    """Where no token begins at the end that was asked for, there is no answer."""
    with pytest.raises(LexFault):
        lex_from("SELECT abc", 0, 8)
