"""The text that runs: prefixes put into the original at token positions, and the proof that nothing else changed.

Knows texts and tokens only; the parser's generator never runs.
"""

from __future__ import annotations

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
    inside = {t.start: t for t in tokens if t.kind in _GLUED}
    made = [_spaced(sql, i, _within(inside, i.position)) for i in ordered]
    text, spans, last = [], [], 0
    length = 0
    for insert in made:
        piece = sql[last : insert.position]
        text += [piece, insert.text]
        length += len(piece)
        spans.append((length, length + len(insert.text)))
        length += len(insert.text)
        last = insert.position
    result = "".join((*text, sql[last:]))
    return result if _proven(result, spans, tokens, limits) else None


def _within(inside: dict[int, Token], position: int) -> bool:
    return any(t.start < position < t.end for t in inside.values())


def _spaced(sql: str, insert: Insert, within: bool) -> Insert:
    """A prefix that would run into the word before it (`FROM"t"`) gets a space."""
    before = sql[insert.position - 1] if insert.position else ""
    glued = not within and (before.isalnum() or before in ('_$"' + "'"))
    return Insert(insert.position, " " + insert.text) if before and glued else insert


def _proven(result: str, spans: list[tuple[int, int]], tokens: Sequence[Token], limits: Limits) -> bool:
    """Lex the result, take the inserted spans out, and compare with the original tokens, one by one."""
    try:
        lexed = lex(result, limits)
    except LexFault:
        return False
    kept: list[tuple[Lex, str]] = []
    for token in lexed.tokens:
        inserted = [(s, e) for s, e in spans if s < token.end and token.start < e]
        if any(s <= token.start and token.end <= e for s, e in inserted):
            continue
        text = token.text
        for s, e in reversed(inserted):
            if not (token.start < s and e < token.end and token.kind in _GLUED):
                return False
            text = text[: s - token.start] + text[e - token.start :]
        kept.append((token.kind, text))
    return kept == [(t.kind, t.text) for t in tokens]
