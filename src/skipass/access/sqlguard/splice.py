"""The text that runs: prefixes put into the original at token positions, and the proof that nothing else changed.

Knows texts and tokens only; the parser's generator never runs.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from skipass.access.sqlguard.lexer import Lex, LexFault, Limits, Token, lex
from skipass.access.sqlguard.names import Insert

_GLUED = (Lex.STRING, Lex.DOLLAR, Lex.STAGE)


def splice(sql: str, tokens: Sequence[Token], inserts: Sequence[Insert], limits: Limits) -> str | None:
    """Return `sql` with the inserts made, or None when taking them out again would not give the original tokens."""
    ordered = sorted(set(inserts), key=lambda i: i.position)
    if not ordered:
        return sql
    if len({i.position for i in ordered}) != len(ordered):
        return None
    made = [_spaced(sql, i, within) for i, within in zip(ordered, _within(tokens, ordered), strict=True)]
    text: list[str] = []
    spans: list[tuple[int, int]] = []
    last = length = 0
    for insert in made:
        text += [sql[last : insert.position], insert.text]
        start = length + insert.position - last
        length = start + len(insert.text)
        spans.append((start, length))
        last = insert.position
    result = "".join((*text, sql[last:]))
    return result if _proven(result, spans, tokens, limits) else None


def _within(tokens: Sequence[Token], ordered: Sequence[Insert]) -> list[bool]:
    """Tell of each position whether it lies inside a token."""
    starts = [t.start for t in tokens]
    before = (bisect_right(starts, i.position) - 1 for i in ordered)
    return [k >= 0 and tokens[k].start < i.position < tokens[k].end for k, i in zip(before, ordered, strict=True)]


def _spaced(sql: str, insert: Insert, within: bool) -> Insert:
    """A prefix that would run into the word before it (`FROM"t"`) gets a space."""
    before = sql[insert.position - 1] if insert.position else ""
    glued = bool(before) and not within and (before.isalnum() or before in "_$\"'")
    return Insert(insert.position, " " + insert.text) if glued else insert


def _proven(result: str, spans: list[tuple[int, int]], tokens: Sequence[Token], limits: Limits) -> bool:
    """Lex the result, take the inserted spans out, and compare with the original tokens, one by one."""
    try:
        lexed = lex(result, limits)
    except LexFault:
        return False
    ends = [end for _, end in spans]
    kept: list[tuple[Lex, str]] = []
    for token in lexed.tokens:
        k = bisect_right(ends, token.start)
        touching = spans[k] if k < len(spans) and spans[k][0] < token.end else None
        if touching is None:
            kept.append((token.kind, token.text))
        elif not (touching[0] <= token.start and token.end <= touching[1]):
            kept.append((token.kind, _without(token, touching)))
    return kept == [(t.kind, t.text) for t in tokens]


def _without(token: Token, span: tuple[int, int]) -> str:
    """Return the text of a string or stage without what was put inside it; of any other token, nothing."""
    start, end = span[0] - token.start, span[1] - token.start
    inside = token.kind in _GLUED and start > 0 and span[1] < token.end
    return token.text[:start] + token.text[end:] if inside else ""
