"""Every labelled statement comes out as labelled, also under other names."""

from __future__ import annotations

import random
import re
import secrets

import pytest

from guard.rows import GRANT, Row, granted, load, misses
from skipass.access.sqlguard import check
from skipass.access.sqlguard.lexer import Lex, LexFault, lex
from skipass.nouns.scope import Scope
from skipass.nouns.verdict import Outcome

ROWS = load()
CATEGORIES = sorted({row.category for row in ROWS})
# Names that are words of the language elsewhere in the rows: SHOW TABLES, COPY FILES, SECURE VIEW.
FIXED = frozenset(("PUBLIC", "INFORMATION_SCHEMA", "SNOWFLAKE", "TABLES", "FILES"))


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_category_comes_out_as_labelled(category: str) -> None:
    """Verdict, kind, reads and writes of every row of the category are the labelled ones."""
    wrong = [m for row in ROWS if row.category == category for m in misses(row, granted(row.sql))]
    assert not wrong, "\n".join(wrong)


def test_no_denied_row_is_let_through() -> None:
    """Over all rows, none that has to be refused is allowed or held."""
    through = [r.id for r in ROWS if r.accept == {"deny"} and granted(r.sql).outcome is not Outcome.DENY]
    assert through == []


def test_every_refusal_says_why() -> None:
    """Each denied row carries a reason with a code, a piece and a sentence, and no text to run."""
    for verdict in (granted(row.sql) for row in ROWS):
        if verdict.outcome is Outcome.DENY:
            assert verdict.reasons
            assert all(r.code and r.message.endswith(".") for r in verdict.reasons)
            assert verdict.text is None


class _Renaming:
    """New names for every object of the rows, put in at token positions."""

    def __init__(self, rows: list[Row], seed: int) -> None:
        self.random = random.Random(seed)
        keys = {p for row in rows for n in (*row.reads, *row.writes) for p in _regular_parts(n)}
        keys |= {"OPS_DB", "OPS", "AGENT_WH", "AGENT_ROLE"}
        self.names = {key: self._fresh(i) for i, key in enumerate(sorted(keys))}

    def _fresh(self, number: int) -> str:
        return f"Z{number}" + "".join(self.random.choice("BCDFGHJKLMNPQRSTVWXZ") for _ in range(6))

    def sql(self, text: str) -> str:
        tokens = lex(text).tokens
        pieces, last = [], 0
        for token in tokens:
            pieces += [text[last : token.start], self._token(token.kind, token.text)]
            last = token.end
        return "".join((*pieces, text[last:]))

    def _token(self, kind: Lex, text: str) -> str:
        if kind is Lex.WORD and text.isascii():
            return self._word(text)
        if kind is Lex.QUOTED:
            return f'"{self.names.get(text[1:-1], text[1:-1])}"'
        if kind is Lex.STAGE or (kind is Lex.STRING and "://" not in text):
            name, slash, path = text.partition("/")
            return re.sub(r'"[^"]*"|[A-Za-z_][\w$]*', lambda m: self._inner(m[0]), name) + slash + path
        return text

    def _inner(self, piece: str) -> str:
        if piece.startswith('"'):
            return f'"{self.names.get(piece[1:-1], piece[1:-1])}"'
        return self.names.get(piece, "") or self._word(piece)

    def _word(self, text: str) -> str:
        new = self.names.get(text.upper())
        return text if new is None else "".join(self.random.choice((c.lower(), c)) for c in new)

    def listed(self, name: str) -> str:
        if name.startswith("<") or "://" in name:
            return name
        return re.sub(r'"[^"]*"|[A-Z_][A-Z0-9_$]*', lambda m: self._listed_part(m[0]), name)

    def _listed_part(self, part: str) -> str:
        return part if part.startswith('"') else self.names.get(part, part)

    def scope(self) -> Scope:
        schema = f"{self.names['OPS_DB'].lower()}.{self.names['OPS']}"
        return Scope(schemas=(schema,), role=self.names["AGENT_ROLE"], warehouse=self.names["AGENT_WH"].lower())


def _regular_parts(name: str) -> set[str]:
    if name.startswith(("<", "SNOWFLAKE.")) or "://" in name or "INFORMATION_SCHEMA" in name:
        return set()
    return set(re.findall(r"[A-Z_][A-Z0-9_$]*", re.sub(r'"[^"]*"', "", name))) - FIXED


def test_the_rows_come_out_right_under_other_names() -> None:
    """With all objects, the role and the warehouse renamed at random, every row keeps verdict, kind and lists."""
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    renaming = _Renaming(ROWS, seed)
    wrong = []
    for row in ROWS:
        try:
            sql = renaming.sql(row.sql)
        except LexFault:
            continue
        verdict = check(sql, renaming.scope(), database=renaming.names["OPS_DB"].lower(), schema=renaming.names["OPS"])
        reads, writes = (frozenset(renaming.listed(n) for n in names) for names in (row.reads, row.writes))
        wrong += misses(Row(row.id, row.category, sql, row.kind, reads, writes, row.accept), verdict)
    assert not wrong, f"seed {seed}\n" + "\n".join(wrong)


def test_fully_spliced_text_does_not_depend_on_the_current_schema() -> None:
    """What an allowed or held statement becomes names the same objects whatever the current database and schema are."""
    for row in ROWS:
        first = granted(row.sql)
        if first.text is None:
            continue
        again = check(first.text, GRANT, database="ELSE_DB", schema='"else"')
        assert again.text == first.text, row.id
        assert (again.outcome, again.kind) == (first.outcome, first.kind), row.id
        assert (set(again.reads), set(again.writes)) == (set(first.reads), set(first.writes)), row.id
