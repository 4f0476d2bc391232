"""Texts that readers of SQL divide differently: where one of them sees a forbidden table, nothing may come out allowed.

Each reading here is one that some reader has: where a line comment ends, whether comments nest, which characters are
blanks. They share no code with the guard's lexer, and know no more than comments, strings and words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from random import Random

from fuzz.labels import DATABASE, GRANT, SCHEMA, rows
from fuzz.report import Figure, Sample, tell
from skipass.access.sqlguard import check
from skipass.nouns.verdict import Outcome

_FORBIDDEN = "SALARIES_OF_ALL"
_OUTSIDE = "finance.public.salaries_of_all"
_HIDDEN = (
    f" UNION ALL SELECT 1 FROM {_OUTSIDE} ", f", (SELECT MAX(a) FROM {_OUTSIDE}) ", f" FROM {_OUTSIDE} -- ",
    f" JOIN {_OUTSIDE} ON TRUE ", f"; SELECT 1 FROM {_OUTSIDE}", f" OR 1 IN (SELECT 1 FROM {_OUTSIDE}) ",
    f", LATERAL (SELECT * FROM {_OUTSIDE}) x ",
)  # fmt: skip
_ENDS = ("\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029", "\r\n", "\n\r")
_BLANKS = ("\u00a0", "\u2003", "\u3000", "\u200b", "\ufeff", "\x1c", "\x00", "\x08", "\u180e", "\u2060", "\u00ad")
_NOISE = (
    "/*X*/", "/* /*X*/ */", "/* /* */X*/", "/*/X/*/", "/*X/* */", "*/X/*", "/**/X/**/", "/*!X*/", "/*+X*/", "/*E*/X",
    "--EX\n", "--XE", "//EX\n", "-- /*EX*/", "/* --E*/X", "/* //E*/X/**/", "--\\EX", "#X\n", "#EX", "--'EX'", "'--EX'",
    "/*'*/X/*'*/", "'/*'X'*/'", '"/*"X"*/"', "$$--E$$X", "--$$EX$$", "$$ /* $$X*/", "'\\'X--'", "''X''", "'a''EX'",
    "{{X}}", "{#X#}", "{%X%}", "BX", "B/*X*/", "--BEX", "$a$X$a$", "- -EX", "/ *X* /", "--/EX", "/*\\*/X/*\\*/",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to divide a text: what ends a line comment, whether comments nest, whether odd blanks are letters."""

    ends: str
    nests: bool
    letters: bool

    def words(self, sql: str) -> Iterator[str]:
        """Yield the words outside comments and strings."""
        at = 0
        while at < len(sql):
            if sql.startswith("/*", at):
                at = self._after_block(sql, at)
                continue
            match = self._piece().match(sql, at)
            if match is None:
                at += 1
                continue
            if word := match["word"] or match["quoted"]:
                yield word.upper()
            at = match.end()

    def _piece(self) -> re.Pattern[str]:
        blanks = "".join(_BLANKS) if self.letters else ""
        return re.compile(
            rf"""(?:--|//)[^{self.ends}]*|'(?:[^'\\]|''|\\.)*'|\$\$.*?\$\$|"(?P<quoted>[^"]*)"|(?P<word>[\w{blanks}]+)""",
            re.DOTALL,
        )

    def _after_block(self, sql: str, at: int) -> int:
        depth = 0
        for mark in re.finditer(r"/\*|\*/", sql[at:]):
            depth += 1 if mark[0] == "/*" and (self.nests or not depth) else -1 if mark[0] == "*/" else 0
            if depth == 0:
                return at + mark.end()
        return len(sql)


_LINE_ENDS = ("\n", "\r\n", "\r\n\v\f\x85\u2028\u2029")
READINGS = tuple(Reading(*way) for way in product(_LINE_ENDS, (False, True), (False, True)))


def attempt(dice: Random, sql: str) -> str:
    """Return an allowed statement with a forbidden piece behind something that some readers take for a comment."""
    spots = [m.start() for m in re.finditer(r"[\s(),]|$", sql)]
    for _ in range(dice.choice((1, 1, 1, 2))):
        noise = dice.choice(_NOISE).replace("E", dice.choice(_ENDS)).replace("B", dice.choice(_BLANKS))
        spot = dice.choice(spots)
        sql = sql[:spot] + noise.replace("X", dice.choice(_HIDDEN)) + sql[spot:]
    return sql


def run(seed: int, count: int) -> list[Figure]:
    """Check `count` texts; one in which any reading sees the forbidden table must be refused."""
    dice = Random(seed)  # noqa: S311 - replayable dice, nothing secret
    allowed = [r for r in rows() if r.accept == {"allow"} and r.kind == "read" and len(r.sql) < 1000]
    through, seen, kept = Sample(), 0, 0
    for _ in range(count):
        row = dice.choice(allowed)
        sql = attempt(dice, row.sql)
        sees = any(_FORBIDDEN in reading.words(sql) for reading in READINGS)
        outcome = check(sql, GRANT, database=DATABASE, schema=SCHEMA).outcome
        seen, kept = seen + sees, kept + (outcome is Outcome.ALLOW)
        if sees and outcome is not Outcome.DENY:
            through.take(f"{row.id} {sql!r}")
    tell(f"divided: {count} texts, {kept} allowed, {seen} in which some reader sees a forbidden table, seed {seed}")
    return [
        Figure("texts not refused in which some reader sees a forbidden table", through.count, 0, seen, through.kept)
    ]
