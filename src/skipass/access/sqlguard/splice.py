"""The text that runs: prefixes put into the original at token positions, and the proof that nothing else changed.

The proof reads the new text again wherever something was put in, from the token before to the token after, and wants
the original's tokens and names with dots, nothing else. Elsewhere the two texts are the same, and what a reader makes
of a text from the beginning of a token on does not depend on what stood before: see `lex_from`.
Knows texts and tokens only; the parser's generator never runs.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from skipass.access.sqlguard.lexer import Lex, LexFault, Limits, Token, lex_from, refuse_size
from skipass.access.sqlguard.names import Insert

_GLUED = (Lex.STRING, Lex.DOLLAR, Lex.STAGE)
_NAMES = (Lex.WORD, Lex.QUOTED)


@dataclass(frozen=True, slots=True)
class _Put:
    """What was put before or into token `at` of the original, at `position` there, and its place in the new text."""

    at: int
    position: int
    start: int
    end: int


def splice(sql: str, tokens: Sequence[Token], inserts: Sequence[Insert], limits: Limits) -> str | None:
    """Return `sql` with the inserts made, or None when taking them out again would not give the original tokens."""
    ordered = sorted(set(inserts), key=lambda i: i.position)
    if not ordered:
        return sql
    if len({i.position for i in ordered}) != len(ordered) or len(tokens) + len(ordered) > limits.max_tokens:
        return None
    starts = [t.start for t in tokens]
    text: list[str] = []
    puts: list[_Put] = []
    last = length = 0
    for insert in ordered:
        at = max(bisect_right(starts, insert.position) - 1, 0)
        within = tokens[at].start < insert.position < tokens[at].end
        after = tokens[at].end <= insert.position
        piece = insert.text if within else _spaced(sql, insert)
        text += [sql[last : insert.position], piece]
        start = length + insert.position - last
        length = start + len(piece)
        puts.append(_Put(at + after, insert.position, start, length))
        last = insert.position
    result = "".join((*text, sql[last:]))
    return result if _proven(result, puts, tokens, limits) else None


def _spaced(sql: str, insert: Insert) -> str:
    """A prefix that would run into the word before it (`FROM"t"`) gets a space."""
    before = sql[insert.position - 1] if insert.position else ""
    glued = bool(before) and (before.isalnum() or before in "_$\"'")
    return " " + insert.text if glued else insert.text


class _Changed(Exception):
    """The result has other tokens than the original where something was put in."""


def _proven(result: str, puts: Sequence[_Put], tokens: Sequence[Token], limits: Limits) -> bool:
    """Tell whether the result, without what was put in, has the original's tokens, and is no larger than it may be."""
    try:
        refuse_size(result, limits)
        made = sum(_names_put_in(result, near, tokens, limits) for near in _runs(puts))
    except (LexFault, _Changed):
        return False
    return len(tokens) + made <= limits.max_tokens


def _runs(puts: Sequence[_Put]) -> Iterator[list[_Put]]:
    """Yield the inserts, those together that stand so near that what is read again for them overlaps."""
    run: list[_Put] = []
    for put in puts:
        if run and put.at - 1 > run[-1].at:
            yield run
            run = []
        run.append(put)
    yield run


def _names_put_in(result: str, puts: Sequence[_Put], tokens: Sequence[Token], limits: Limits) -> int:
    """Return how many tokens these inserts are; raises where the tokens around them are not what they were.

    The reading begins with the token before, which could swallow what follows it, and has to end where the one after
    the prefixed token begins: from there on both texts are the same.
    """
    first, last = max(puts[0].at - 1, 0), puts[-1].at + 1
    start = tokens[first].start + (puts[0].start - puts[0].position) if first else 0
    stop = tokens[last].start + (puts[-1].end - puts[-1].position) if last < len(tokens) else len(result)
    ends = [put.end for put in puts]
    kept: list[tuple[Lex, str]] = []
    made = 0
    for token in lex_from(result, start, stop, limits):
        k = bisect_right(ends, token.start)
        put = puts[k] if k < len(puts) and puts[k].start < token.end else None
        if put is None:
            kept.append((token.kind, token.text))
        elif put.start <= token.start and token.end <= put.end:
            made += _name(token)
        else:
            kept.append((token.kind, _without(token, put)))
    if kept != [(t.kind, t.text) for t in tokens[first:last]]:
        raise _Changed
    return made


def _name(token: Token) -> int:
    """Count a token that was put in, which is part of a name."""
    if token.kind in _NAMES or token.word == ".":
        return 1
    raise _Changed


def _without(token: Token, put: _Put) -> str:
    """Return the text of a string or stage without what was put inside it; of any other token, nothing."""
    start, end = put.start - token.start, put.end - token.start
    inside = token.kind in _GLUED and start > 0 and put.end < token.end
    return token.text[:start] + token.text[end:] if inside else ""
